"""The sentence that people read of each event, in both languages."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.contacts import Contacts
from daemon.core.event_types import EVENT_TYPES
from daemon.core.rendering.phrases import notice, sentence
from daemon.core.rendering.phrases_en import ENGLISH, ENGLISH_METRICS
from daemon.core.rendering.phrases_he import HEBREW

PHONE = {"account": {"user_name": "0773137770", "registered": False}}
MANY = {"accounts": {"unregistered": ["071", "072", "073", "074", "075", "076"], "total": 9}}
QUEUE = {"queue": {"path": "/5", "name": "sales", "calls_waiting": 12}}
LIMIT = {"metric": "calls_waiting", "above": 5.0, "clear": 3.0, "value": 12.0}
FEW = {"queue": {"path": "/5"}, "threshold": {"metric": "agents_available", "below": 1, "value": 0}}
SALES = {"queue": {"name": "sales"}}
CALLER = {**QUEUE, "caller": {"call_id": "c1", "phone": "0501234567"}}
AGENT = {**QUEUE, "agent": {"name": "דנה", "status": "1"}}
UNITS = {"units": {"balance": 12.5, "expires_on": "2026-12-01", "days_left": 8}}
CLOCK = {"clock": {"off_seconds": 312, "is_ahead": True}}
DISK = {"disk": {"path": "/var/lib/yemotd", "free_mib": 120, "total_mib": 20480}}
STORE = {"store": {"failing_since": "2026-03-01T12:00:00Z", "error": "disk I/O error"}}
MEMBER = {"member": {"name": "north", "version": "1.2.3", "why": None}}
LOST = {"member": {"name": "north", "version": "1.2.3", "why": "its lease ran out"}}
DIFFERS = {"member": {"name": "north", "version": "1.2.3", "why": "its configuration is another one"}}
AWAY = {"error": {"class": "timeout", "message": "no answer", "code": None}, "watches": ["sip", "sms"]}
COMMAND = {"command": {"id": "cmd_1", "type": "queue.kick"}}
ENDPOINT = {"endpoint": {"name": "crm", "health": "degraded", "error": "HTTP 500", "by": None, "waiting": 17}}
WISH = {
    "wish": {
        "of": "endpoint",
        "name": "crm",
        "setting": "quiet",
        "error": "ValueError at sun.py:61",
        "instead": "it holds nothing back",
        "written": "0123456789ab",
    }
}
EXPECTED = {
    "expectation": {"name": "messages", "type": "sms.received", "within": "2h"},
    "last_seen_at": "2026-11-23T01:02:03.456Z",
}
DIGEST = {
    "digest": {
        "name": "office",
        "covers": "week",
        "systems": [{"sms": 187, "queues": [{"answered": 64, "missed": 9, "is_exact": False}]}],
        "outages": [{}, {}],
        "more_outages": 0,
    }
}
FIRES = {"alert": {"type": "sip.account.unregistered", "incident": "inc_1", "status": "firing"}}
HELD = {**FIRES, "by": "Dana", "note": "on my way", "until": "2026-11-23T16:05:00.000Z"}
ESCALATION = {"name": "night", "step": 1, "to": ["boss", "owner"]}
RELOADED = {
    "daemon": {
        "needs_restart": [],
        "added": {"endpoints": ["crm"], "watches": [], "systems": [], "settings": []},
        "removed": {"endpoints": ["ops"], "watches": ["main/sip", "main/sms"], "systems": []},
        "changed": {},
    }
}

CALLER_ID: dict[str, Any] = {
    "caller_id": {"number": "0773137770", "expires_on": "2026-12-01", "days_left": 8}
}
CAMPAIGN: dict[str, Any] = {
    "campaign": {"outcome": "finished", "dialled": 40, "answered": 31, "price": 27.25, "estimate": 24.0}
}
# fmt: off
REALISTIC: list[tuple[str, dict[str, Any], str, str]] = [
    ("sms.received", {"sms": {"from": "0501234567", "text": "שלום"}},
     "SMS from 0501234567: שלום",
     "מסרון מ-0501234567: שלום"),
    ("sms.gap", {"gap": {"after": "2026-11-23 01:00:00", "before": "2026-11-23 02:00:00"}},
     "SMS between 2026-11-23 01:00:00 and 2026-11-23 02:00:00 may have been missed",
     "ייתכן שהוחמצו מסרונים בין 23.11.2026 בשעה 01:00:00 ל-23.11.2026 בשעה 02:00:00"),
    ("sms.sent", {"sms": {"to": "0501234567"}},
     "SMS sent to 0501234567",
     "נשלח מסרון אל 0501234567"),
    ("sms.delivered", {"sms": {"to": "0501234567"}},
     "The SMS to 0501234567 arrived",
     "המסרון אל 0501234567 הגיע"),
    ("sms.failed", {"sms": {"to": "0501234567", "reason": "not valid"}},
     "The SMS to 0501234567 failed: not valid",
     "המסרון אל 0501234567 לא הגיע: not valid"),
    ("sms.unknown", {"sms": {"to": "0501234567", "reason": "no answer in time"}},
     "Not known whether the SMS to 0501234567 was sent",
     "לא ידוע אם המסרון אל 0501234567 נשלח"),
    ("sip.account.unregistered", PHONE,
     "Phone 0773137770 is off the network",
     "הטלפון 0773137770 מנותק"),
    ("sip.account.registered", PHONE,
     "Phone 0773137770 is back on the network",
     "הטלפון 0773137770 חזר להיות מחובר"),
    ("sip.accounts.unregistered", MANY,
     "6 of 9 phones are off the network: 071, 072, 073, 074, 075, …",
     "6 מתוך 9 טלפונים מנותקים: 071, 072, 073, 074, 075, …"),
    ("sip.accounts.registered", MANY,
     "The phones are back on the network",
     "הטלפונים חזרו להיות מחוברים"),
    ("sip.account.flapping", PHONE,
     "Phone 0773137770 keeps dropping off the network",
     "הטלפון 0773137770 מתנתק ומתחבר שוב ושוב"),
    ("sip.account.stable", PHONE,
     "Phone 0773137770 is stable again",
     "הטלפון 0773137770 יציב שוב"),
    ("sip.account.added", PHONE,
     "Phone 0773137770 was added",
     "הטלפון 0773137770 נוסף"),
    ("sip.account.removed", PHONE,
     "Phone 0773137770 was removed",
     "הטלפון 0773137770 הוסר"),
    ("sip.registration.changed", PHONE,
     "Phone 0773137770 registers from a new address or device",
     "הטלפון 0773137770 התחבר מכתובת או ממכשיר חדשים"),
    ("sip.registration.duplicate", {**PHONE, "registrations": [{}, {}]},
     "Phone 0773137770 is registered 2 times at once",
     "הטלפון 0773137770 מחובר 2 פעמים בו-זמנית"),
    ("queue.threshold.crossed", {**QUEUE, "threshold": LIMIT},
     "Queue sales: calls waiting 12 (limit 5)",
     "תור sales: שיחות ממתינות 12 (הסף 5)"),
    ("queue.threshold.crossed", FEW,
     "Queue /5: agents available 0 (limit 1)",
     "תור /5: נציגים זמינים 0 (הסף 1)"),
    ("queue.threshold.cleared", {**QUEUE, "threshold": {**LIMIT, "value": 2}},
     "Queue sales: calls waiting 2, within the limit again",
     "תור sales: שיחות ממתינות 2, שוב בגבול התקין"),
    ("queue.caller.joined", CALLER,
     "Queue sales: 0501234567 waits",
     "תור sales: 0501234567 ממתין"),
    ("queue.caller.left", CALLER,
     "Queue sales: 0501234567 waits no more",
     "תור sales: 0501234567 כבר לא ממתין"),
    ("queue.caller.answered", CALLER,
     "Queue sales: 0501234567 was answered",
     "תור sales: 0501234567 נענה"),
    ("queue.caller.abandoned", CALLER,
     "Queue sales: 0501234567 was not answered",
     "תור sales: 0501234567 לא נענה"),
    ("queue.caller.kicked", CALLER,
     "Queue sales: 0501234567 was put out by a command",
     "תור sales: 0501234567 הוצא מהתור בפקודה"),
    ("queue.callback.due", {**SALES, "callback": {"phone": "0501234567", "source": "queue"}},
     "Queue sales: 0501234567 was not answered, and is to be called back",
     "תור sales: 0501234567 לא נענה, ויש לחזור אליו"),
    ("queue.callback.due", {**SALES, "callback": {"phone": "0501234567", "source": "platform"}},
     "Queue sales: 0501234567 asked to be called back",
     "תור sales: 0501234567 ביקש שיחזרו אליו"),
    ("queue.callback.done", {**SALES, "callback": {"phone": "0501234567"}, "outcome": "called"},
     "Queue sales: 0501234567, who was to be called back, was dialled by a campaign",
     "תור sales: 0501234567, שהמתין לחזרה, קיבל שיחה בקמפיין"),
    ("queue.agent.paused", AGENT,
     "Queue sales: agent דנה is paused",
     "תור sales: הנציג דנה בהפסקה"),
    ("queue.agent.unpaused", AGENT,
     "Queue sales: agent דנה takes calls again",
     "תור sales: הנציג דנה חזר לקבל שיחות"),
    ("directory.file.added", {"directory": {"path": "/2", "added": 3}, "file": None},
     "Folder /2: 3 new files",
     "תיקייה /2: 3 קבצים חדשים"),
    ("directory.file.added", {"directory": {"path": "/2", "added": 1}, "file": None},
     "Folder /2: a new file",
     "תיקייה /2: קובץ חדש"),
    ("report.row.added",
     {"report": {"path": "/1", "file": "ApprovalAll"}, "row": {"Phone": "0501234567", "P050": "1"}},
     "Report ApprovalAll: Phone 0501234567, P050 1",
     "דוח ApprovalAll: Phone 0501234567, P050 1"),
    ("report.row.added", {"report": {"path": "/1", "file": "ApprovalAll"}, "row": {}},
     "Report ApprovalAll: a new row",
     "דוח ApprovalAll: שורה חדשה"),
    ("pirsumphone.registered", {},
     "The system was registered to PirsumPhone",
     "המערכת נרשמה לפרסומפון"),
    ("pirsumphone.unregistered", {},
     "The system was taken out of PirsumPhone",
     "המערכת הוסרה מפרסומפון"),
    ("activity.missing", EXPECTED,
     "Nothing for 2 h: SMS received; the last was seen 2026-11-23 01:02:03 (UTC)",
     "כבר 2 שע׳ לא נצפה מה שצפוי להגיע: מסרון נכנס; לאחרונה נצפה 23.11.2026 בשעה 01:02:03 (UTC)"),
    ("activity.seen", EXPECTED,
     "Seen again: SMS received",
     "שוב נצפה: מסרון נכנס"),
    ("digest.made", DIGEST,
     "Weekly digest: office. SMS in: 187, calls answered: about 64, calls missed: about 9, outages: 2",
     "סיכום שבועי: office. מסרונים נכנסים: 187, שיחות שנענו: כ-64, שיחות שלא נענו: כ-9, תקלות: 2"),
    ("units.low", UNITS,
     "Units run low: 12.5 left",
     "היחידות עומדות להיגמר: נותרו 12.5"),
    ("units.ok", UNITS,
     "Units are enough again: 12.5",
     "יש שוב די יחידות: 12.5"),
    ("units.expiring", UNITS,
     "Units expire on 2026-12-01",
     "תוקף היחידות פג ב-01.12.2026"),
    ("units.renewed", UNITS,
     "Units last longer again, until 2026-12-01",
     "תוקף היחידות הוארך עד 01.12.2026"),
    ("sms_units.low", {"sms_units": {"balance": 12.5}},
     "Units for SMS run low: 12.5 left",
     "יחידות המסרונים עומדות להיגמר: נותרו 12.5"),
    ("sms_units.ok", {"sms_units": {"balance": 120}},
     "Units for SMS are enough again: 120",
     "יש שוב די יחידות למסרונים: 120"),
    ("caller_id.expiring", CALLER_ID,
     "The approval of the caller id 0773137770 ends on 2026-12-01",
     "האישור לזיהוי היוצא 0773137770 יפוג ב-01.12.2026"),
    ("caller_id.expiring", {"caller_id": {**CALLER_ID["caller_id"], "days_left": -3}},
     "The approval of the caller id 0773137770 ended on 2026-12-01",
     "האישור לזיהוי היוצא 0773137770 פג ב-01.12.2026"),
    ("caller_id.renewed", CALLER_ID,
     "The caller id 0773137770 is approved longer again, until 2026-12-01",
     "הזיהוי היוצא 0773137770 מאושר שוב, עד 01.12.2026"),
    ("caller_id.renewed", {"caller_id": {"number": "0773137770", "expires_on": None}},
     "The caller id 0773137770 is approved for good",
     "הזיהוי היוצא 0773137770 מאושר ללא הגבלת זמן"),
    ("api.unreachable", AWAY,
     "Yemot does not answer (no answer in time); not seen: phones, SMS",
     "ימות המשיח אינה עונה (לא התקבלה תשובה בזמן); ללא מעקב: טלפונים, מסרונים"),
    ("api.reachable", AWAY,
     "Yemot answers again",
     "ימות המשיח עונה שוב"),
    ("api.token_rejected", AWAY,
     "Yemot rejects the token; nothing can be seen",
     "ימות המשיח דוחה את הטוקן; אין מעקב"),
    ("api.token_accepted", AWAY,
     "Yemot accepts the token again",
     "ימות המשיח מקבלת שוב את הטוקן"),
    ("api.schema_changed", {"schema": {"method": "GetSession", "problems": ["units"]}},
     "Yemot answers in another form than before, asked about units",
     "ימות המשיח משיבה בצורה אחרת מבעבר, בשאלה על: יחידות"),
    ("alert.acknowledged", {**PHONE, **HELD},
     "Dana has it: Phone 0773137770 is off the network (on my way), until 2026-11-23 16:05 UTC",
     "הטיפול אצל Dana: הטלפון 0773137770 מנותק (on my way), עד 2026-11-23 16:05 UTC"),
    ("alert.escalated", {**PHONE, **FIRES, "escalation": ESCALATION},
     "Nobody has acknowledged it; now told to boss, owner: Phone 0773137770 is off the network",
     "איש לא אישר טיפול, ולכן נמסר גם אל boss, owner: הטלפון 0773137770 מנותק"),
    ("command.succeeded", COMMAND,
     "Command carried out: kick callers out of a queue",
     "פקודה בוצעה: הוצאת ממתינים מתור"),
    ("command.failed", COMMAND,
     "Command failed: kick callers out of a queue",
     "פקודה נכשלה: הוצאת ממתינים מתור"),
    ("command.unknown", COMMAND,
     "Not known whether it was carried out: kick callers out of a queue",
     "לא ידוע אם פקודה בוצעה: הוצאת ממתינים מתור"),
    ("command.expired", COMMAND,
     "Command too late, not carried out: kick callers out of a queue",
     "פקודה איחרה את מועדה ולא בוצעה: הוצאת ממתינים מתור"),
    ("campaign.finished", CAMPAIGN,
     "A campaign is over: 31 of 40 calls answered, 27.25 units (estimated 24)",
     "קמפיין הסתיים: נענו 31 מתוך 40 שיחות, עלות 27.25 יחידות (הערכה: 24)"),
    ("campaign.finished", {"campaign": {**CAMPAIGN["campaign"], "outcome": "stopped", "price": None}},
     "A campaign was stopped: 31 of 40 calls answered (estimated 24)",
     "קמפיין נעצר: נענו 31 מתוך 40 שיחות (הערכה: 24)"),
    ("campaign.finished", {"campaign": {"outcome": "unknown", "numbers": 40}},
     "Not known how a campaign ended, of 40 numbers",
     "לא ידוע איך הסתיים קמפיין (40 מספרים)"),
    ("endpoint.failing", ENDPOINT,
     "Endpoint crm takes no messages: it answers with the error 500",
     "היעד crm אינו מקבל הודעות: הוא משיב בשגיאה 500"),
    ("endpoint.recovered", ENDPOINT,
     "Endpoint crm takes messages again",
     "היעד crm מקבל שוב הודעות"),
    ("endpoint.suspended", ENDPOINT,
     "Endpoint crm still fails and is tried seldom: it answers with the error 500",
     "היעד crm עדיין נכשל, והניסיונות לשלוח אליו מועטים: הוא משיב בשגיאה 500"),
    ("endpoint.resumed", ENDPOINT,
     "Endpoint crm took a message; more will be tried",
     "היעד crm קיבל הודעה; יישלחו אליו עוד"),
    ("endpoint.disabled", ENDPOINT,
     "Endpoint crm is turned off; messages for it wait",
     "היעד crm מושבת; ההודעות אליו ממתינות"),
    ("endpoint.enabled", ENDPOINT,
     "Endpoint crm is turned on",
     "היעד crm הופעל"),
    ("endpoint.misconfigured", WISH,
     "crm: the quiet times cannot be worked out; meanwhile: nothing is held back",
     "crm: לא ניתן לחשב את זמני השקט, וההגדרה אינה בתוקף; בינתיים: שום הודעה אינה מוחזקת"),
    ("endpoint.configured", WISH,
     "crm: the quiet times: in force again",
     "crm: זמני השקט – ההגדרה שוב בתוקף"),
    ("daemon.part_restarted", {"part": {"name": "dispatcher", "error": "KeyError at a.py:1", "restarts": 1}},
     "A part of yemotd had ended by a fault and was started again: what sends",
     "חלק של yemotd נפסק בגלל תקלה והופעל מחדש: מה ששולח"),
    ("daemon.started", {"daemon": {"version": "1.2.3"}},
     "Started: yemotd 1.2.3",
     "הופעל yemotd, גרסה 1.2.3"),
    ("daemon.stopped", {},
     "Stopped: yemotd",
     "נעצר yemotd"),
    ("daemon.started", {"daemon": {"version": "1.2.3", "member": "north"}},
     "Started: yemotd 1.2.3 on north",
     "הופעל yemotd ב-north, גרסה 1.2.3"),
    ("daemon.stopped", {"daemon": {"version": "1.2.3", "member": "north"}},
     "Stopped: yemotd on north",
     "נעצר yemotd ב-north"),
    ("daemon.member_joined", MEMBER,
     "Joined: yemotd on north, version 1.2.3",
     "הצטרף yemotd ב-north, גרסה 1.2.3"),
    ("daemon.member_lost", LOST,
     "Fallen silent: yemotd on north; the others go on in its place",
     "הפסיק להגיב yemotd ב-north; האחרים ממשיכים במקומו"),
    ("daemon.member_differs", DIFFERS,
     "Takes no systems: yemotd on north, since its configuration is another one",
     "אינו לוקח מערכות: yemotd ב-north, כי ההגדרות שלו שונות"),
    ("daemon.config_reloaded", {},
     "New configuration in force",
     "תצורה חדשה בתוקף"),
    ("daemon.config_reloaded", RELOADED,
     "New configuration in force; new: crm; removed: ops, phones (main), SMS (main)",
     "תצורה חדשה בתוקף; חדשים: crm; הוסרו: ops, טלפונים (main), מסרונים (main)"),
    ("daemon.clock_wrong", CLOCK,
     "The clock of yemotd's machine is off by 312 seconds against Yemot's",
     "השעון במחשב של yemotd סוטה ב-312 שניות משעון ימות המשיח"),
    ("daemon.clock_right", CLOCK,
     "The clock of yemotd's machine is right again",
     "השעון במחשב של yemotd שוב מכוון"),
    ("daemon.disk_low", DISK,
     "The disk of yemotd's database is nearly full: 120 MiB left",
     "הדיסק של מסד הנתונים של yemotd כמעט מלא: נותרו 120 MiB"),
    ("daemon.disk_ok", DISK,
     "The disk of yemotd's database has room again: 120 MiB",
     "שוב יש מקום בדיסק של מסד הנתונים של yemotd: 120 MiB"),
    ("daemon.store_failed", STORE,
     "The database cannot be written: the disk fails; until it can, nothing else is told",
     "לא ניתן לכתוב למסד הנתונים: תקלה בדיסק; עד שיתאפשר, לא תישלח שום הודעה אחרת"),
    ("daemon.store_recovered", STORE,
     "The database can be written again; it could not since 2026-03-01 12:00:00 (UTC): the disk fails",
     "שוב ניתן לכתוב למסד הנתונים; לא ניתן היה מאז 01.03.2026 בשעה 12:00:00 (UTC): תקלה בדיסק"),
    ("daemon.clock_stepped", {"clock": {"by_seconds": 7200, "is_forward": False}},
     "The clock of yemotd's machine was set back by 7200 seconds",
     "השעון במחשב של yemotd הוזז אחורה ב-7200 שניות"),
    ("quiet.ended", {"quiet": {"held": 4, "incidents": []}},
     "The quiet time is over; 4 alerts were held back",
     "זמן השקט הסתיים; 4 התראות הוחזקו"),
    ("quiet.ended", {"quiet": {"held": 1, "incidents": []}},
     "The quiet time is over; one alert was held back",
     "זמן השקט הסתיים; התראה אחת הוחזקה"),
    ("test.ping", {},
     "A test message of yemotd",
     "הודעת בדיקה של yemotd"),
]
# fmt: on


def said(event_type: str, data: dict[str, Any], language: str = "en") -> str:
    """Without the marks that keep directions apart."""
    text = sentence({"type": event_type, "data": {"subject": "x", **data}}, language)
    return text.replace("\u2068", "").replace("\u2069", "")


@pytest.mark.parametrize(("event_type", "data", "english", "hebrew"), REALISTIC)
def test_what_people_read(event_type: str, data: dict[str, Any], english: str, hebrew: str) -> None:
    assert said(event_type, data) == english
    assert said(event_type, data, "he") == hebrew


@pytest.mark.parametrize("type_", ["alert.acknowledged", "alert.escalated", "new.type", None])
def test_what_is_about_an_alert_that_nobody_knows_is_about_its_subject(type_: str | None) -> None:
    data = {"by": "Dana", "alert": {"type": type_}}

    assert said("alert.acknowledged", data) == "Dana has it: x"


def test_what_was_escalated_says_so() -> None:
    alert = {"reason": "catch_up", "escalation": {"name": "night", "step": 1}}

    assert said("sip.account.unregistered", {**PHONE, "alert": alert}) == (
        "Phone 0773137770 is off the network (escalated: nobody has acknowledged it)"
    )


def test_every_type_has_a_sentence_in_both_languages() -> None:
    assert set(ENGLISH) == set(HEBREW) == set(EVENT_TYPES) == {row[0] for row in REALISTIC}


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@pytest.mark.parametrize("language", ["en", "he"])
def test_an_event_that_lacks_everything_gives_a_sentence_all_the_same(event_type: str, language: str) -> None:
    assert sentence({"type": event_type}, language)
    assert sentence({"type": event_type, "data": []}, language)


def test_a_type_that_is_not_known_is_told_by_its_name() -> None:
    assert said("new.type", {}) == "new.type: x"


@pytest.mark.parametrize(
    ("reason", "english", "hebrew"),
    [
        ("first", "", ""),
        ("resolved", "", ""),
        ("repeat", " (reminder)", " (תזכורת)"),
        ("catch_up", " (told late)", " (הודעה מאוחרת)"),
    ],
)
def test_why_it_is_told_is_said_where_that_matters(reason: str, english: str, hebrew: str) -> None:
    data = {**PHONE, "alert": {"reason": reason}}

    assert said("sip.account.unregistered", data).endswith("network" + english)
    assert said("sip.account.unregistered", data, "he").endswith("מנותק" + hebrew)


@pytest.mark.parametrize(
    "event_type", ["sip.account.registered", "api.reachable", "units.ok", "endpoint.recovered"]
)
def test_what_is_no_longer_watched_is_not_said_to_be_well(event_type: str) -> None:
    data = {"subject": "sip/077", "alert": {"reason": "removed", "status": "resolved"}}

    assert said(event_type, data) == "No longer watched: Phone 077"
    assert said(event_type, data, "he") == "כבר לא במעקב: טלפון 077"


@pytest.mark.parametrize(
    ("data", "english", "hebrew"),
    [
        ({"superseded": 3}, ", in place of 3 earlier messages", ", במקום 3 הודעות קודמות"),
        ({"superseded": 1}, ", in place of an earlier message", ", במקום הודעה קודמת"),
        (
            {"alert": {"reason": "catch_up", "superseded": 2}},
            " (told late), in place of 2 earlier messages",
            " (הודעה מאוחרת), במקום 2 הודעות קודמות",
        ),
        ({"superseded": 0}, "", ""),
        ({"superseded": "many"}, "", ""),
    ],
)
def test_messages_that_will_never_come_are_counted(data: dict[str, Any], english: str, hebrew: str) -> None:
    assert said("sip.account.registered", {**PHONE, **data}).endswith("network" + english)
    assert said("sip.account.registered", {**PHONE, **data}, "he").endswith("מחובר" + hebrew)


@pytest.mark.parametrize("language", ["en", "he"])
def test_a_notice_tells_no_content(language: str) -> None:
    data = {"subject": "sip/077", **PHONE, "alert": {"status": "firing", "severity": "error"}}
    told = notice({"type": "sip.account.unregistered", "data": data}, language)

    shown = told.replace("\u2068", "").replace("\u2069", "")
    said_of = {
        "en": "phone off the network: Phone 077 (lasts, error)",
        "he": "טלפון מנותק: טלפון 077 (נמשך, שגיאה)",
    }
    assert shown == said_of[language]
    assert notice({"type": "sms.received", "data": {"subject": "sms/050"}}, "en") == (
        "SMS received: SMS from 050"
    )


def test_what_is_redacted_is_shown_as_such() -> None:
    data = {"accounts": {"unregistered": "[redacted]", "total": 9}}

    assert said("sip.accounts.unregistered", data) == (
        "[redacted] of 9 phones are off the network: [redacted]"
    )


@pytest.mark.parametrize(
    ("sign", "shown"),
    [
        *((sign, " ") for sign in ("\n", "\r", "\t", "\r\n", " \n ")),
        *((sign, f"⟨U+{ord(sign):04X}⟩") for sign in "\0\x1b\x85\u2028\u202a\u202e\u2066\u2068\u2069\ud800"),
    ],
)
def test_no_text_breaks_the_line_or_turns_it_round(sign: str, shown: str) -> None:
    """An SMS could otherwise forge a second line, or show a number backwards."""
    event = {"type": "sms.received", "data": {"sms": {"from": "1", "text": f"a{sign}b"}}}

    assert sentence(event, "en") == f"SMS from 1: a{shown}b"
    assert sentence(event, "he") == f"מסרון מ-\u20681\u2069: \u2068a{shown}b\u2069"


def test_within_hebrew_every_value_keeps_its_own_direction() -> None:
    event = {"type": "sip.account.unregistered", "data": PHONE}

    assert sentence(event, "he") == "הטלפון \u20680773137770\u2069 מנותק"
    assert "\u2068" not in sentence(event, "en")


@pytest.mark.parametrize("reason", ["resolved", "catch_up"])
def test_what_is_outside_its_hours_is_not_called_well(reason: str) -> None:
    alert = {"reason": reason, "status": "resolved", "cause": "outside_hours"}
    queue = {
        "queue": {"path": "/5", "name": "sales"},
        "threshold": {"metric": "agents_available", "below": 1, "value": 0},
        "alert": alert,
    }
    metric, late = ENGLISH_METRICS["agents_available"], " (told late)" if reason == "catch_up" else ""

    assert said("queue.threshold.cleared", queue) == (
        f"Outside its hours, so it is not watched now: sales, {metric}{late}"
    )
    hebrew = sentence({"type": "queue.threshold.cleared", "data": queue}, "he")
    assert hebrew.startswith("מחוץ לשעות הפעילות, ולכן לא במעקב כעת: \u2068sales\u2069")


REMOVED = {"reason": "removed", "status": "resolved"}


@pytest.mark.parametrize("alert", [REMOVED, {"reason": "catch_up", "status": "resolved", "end": "removed"}])
def test_what_is_watched_no_more_is_not_called_well(alert: dict[str, str]) -> None:
    """However late it is told: a threshold taken out while it is crossed, a setting that is mended."""
    late = " (told late)" if alert["reason"] == "catch_up" else ""
    queue = {
        "queue": {"path": "/5", "name": "sales"},
        "threshold": {"metric": "abandoned", "above": 3, "value": 5},
        "alert": alert,
    }

    assert said("queue.threshold.cleared", queue) == (
        f"No longer watched: sales, {ENGLISH_METRICS['abandoned']}{late}"
    )
    assert said("sip.account.registered", {**PHONE, "subject": "sip/1", "alert": alert}) == (
        f"No longer watched: Phone 1{late}"
    )
    assert said("endpoint.configured", {**WISH, "alert": alert}) == (
        f"crm: the quiet times: not set aside any more, but written anew or taken out{late}"
    )


def test_whoever_asks_to_be_left_alone_does_answer() -> None:
    asks = {"error": {"class": "throttled", "message": "wait"}, "watches": ["sip", "sms"]}

    assert said("api.unreachable", asks) == "Yemot asks to be left alone; not seen: phones, SMS"
    assert said("api.unreachable", asks, "he") == "ימות המשיח מבקשת הפסקה בפניות; ללא מעקב: טלפונים, מסרונים"


def test_a_long_text_is_cut() -> None:
    assert len(said("sms.received", {"sms": {"from": "1", "text": "x" * 5000}})) < 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["from", "name", "metric", "value", "total", "reason"]), inner)
    ),
    max_leaves=8,
)


PARTS = ["subject", "sms", "account", "queue", "threshold", "alert", "accounts", "watches", "superseded"]


@given(
    event_type=st.sampled_from([*EVENT_TYPES, "odd"]),
    data=st.dictionaries(st.sampled_from(PARTS), JSON),
    language=st.sampled_from(["en", "he"]),
)
def test_whatever_an_event_says_there_is_a_sentence(
    event_type: str, data: dict[str, Any], language: str
) -> None:
    told = sentence({"type": event_type, "data": data}, language)

    assert len(told.splitlines()) == 1
    assert told.count("\u2068") == told.count("\u2069")


def test_within_english_hebrew_keeps_its_own_direction() -> None:
    named = Contacts.of([("0773137770", "דנה")])
    event = {"type": "sip.account.unregistered", "data": PHONE}

    assert sentence(event, "en", named) == "Phone \u2068דנה (0773137770)\u2069 is off the network"
