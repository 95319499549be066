"""The words of mails that no sentence about an event has, in English and Hebrew. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from daemon.core.rendering import machine_words

Topic = Callable[[Any], str]

ENGLISH: Mapping[str, str] = {
    "sms_from": "SMS from {}",
    "sms_many": "{} SMS, the newest from {}",
    "alerts": "{} alerts: {}",
    "notices": "{} notices: {}",
    "more": "{} more, the oldest {}",
    "earlier": "Before that, {}: {}",
    "seen": "Seen {}",
    "between": "It happened between {} and {}",
    "since": "Since {}",
    "lasted": "It lasted {}, from {} to {}",
    "received": "Received {}",
    "received_twice": "Received {}, or an hour earlier: the clocks went back",
    "held_back": "No more mails are sent until {}. What comes by then waits, and comes together.",
    "shortened": "Shortened, to be small enough for a mail. The whole of it: {}",
    "to": "To",
    "system": "System",
    "severity": "Severity",
    "told": "Told so far, besides you: {}",
    "told_nobody": "Nobody else was told so far",
    "and_more": "and {} more",
    "nothing_else": "As of {}, nothing else is known to be down",
    "one_else": "As of {}, one more is down:",
    "many_else": "As of {}, {} more are down, the worst first:",
    "down_since": "{}, since {}",
    "explain": "Why, and who was told",
    "silence": "Silence it for 8 hours",
    "acknowledge": "Acknowledge it",
    "hear": "Listen to the recording",
    "days": "{} d",
    "hours": "{} h",
    "minutes": "{} min",
    "seconds": "{} s",
}
HEBREW: Mapping[str, str] = {
    "sms_from": "מסרון מ-{}",
    "sms_many": "{} מסרונים, האחרון מ-{}",
    "alerts": "{} התראות: {}",
    "notices": "{} הודעות: {}",
    "more": "ועוד {}, הראשונה מ-{}",
    "earlier": "קודם לכן, {}: {}",
    "seen": "נצפה {}",
    "between": "אירע בין {} ל-{}",
    "since": "מאז {}",
    "lasted": "נמשך {}, מ-{} עד {}",
    "received": "התקבל {}",
    "received_twice": "התקבל {}, או שעה קודם לכן: השעון הוזז לאחור",
    "held_back": "לא יישלחו הודעות נוספות עד {}. מה שיגיע עד אז ימתין ויישלח יחד.",
    "shortened": "ההודעה קוצרה כדי שלא תהיה גדולה מדי לדואר. הנוסח המלא: {}",
    "to": "אל",
    "system": "מערכת",
    "severity": "חומרה",
    "told": "עד כה נמסר גם אל: {}",
    "told_nobody": "עד כה לא נמסר לאיש מלבדך",
    "and_more": "ועוד {}",
    "nothing_else": "נכון ל-{}, לא ידוע על תקלה נוספת",
    "one_else": "נכון ל-{}, יש עוד תקלה אחת:",
    "many_else": "נכון ל-{}, יש עוד {} תקלות, החמורות תחילה:",
    "down_since": "{}, מאז {}",
    "explain": "הסבר, ולמי נמסר",
    "silence": "השתקה ל-8 שעות",
    "acknowledge": "אישור שההתראה בטיפול",
    "hear": "להאזנה להקלטה",
    "days": "{} ימ׳",
    "hours": "{} שע׳",
    "minutes": "{} דק׳",
    "seconds": "{} שנ׳",
}
WORDS: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "he": HEBREW}

LABELS: Mapping[str, tuple[str, str]] = {
    "account.user_name": ("Phone", "טלפון"),
    "accounts.unregistered": ("Off the network", "מנותקים"),
    "accounts.total": ("Phones in all", "סך הטלפונים"),
    "queue.name": ("Queue", "תור"),
    "queue.path": ("Path", "נתיב"),
    "queue.calls_waiting": ("Calls waiting", "שיחות ממתינות"),
    "queue.longest_wait_seconds": ("Longest wait in seconds", "ההמתנה הארוכה ביותר בשניות"),
    "queue.agents_available": ("Agents available", "נציגים זמינים"),
    "queue.agents_paused": ("Agents paused", "נציגים בהפסקה"),
    "queue.calls_per_agent": ("Calls per agent", "שיחות לנציג"),
    "queue.hold_seconds": ("Average hold in seconds", "המתנה ממוצעת בשניות"),
    "queue.abandoned": ("Calls abandoned", "שיחות שננטשו"),
    "queue.abandoned_per_hour": ("Calls abandoned in an hour", "שיחות שננטשו בשעה"),
    "queue.answered_per_hour": ("Calls answered in an hour", "שיחות שנענו בשעה"),
    "queue.longest_wait_today": ("Longest wait of the day in seconds", "ההמתנה הארוכה ביותר היום בשניות"),
    "threshold.above": ("Limit: above", "הסף: מעל"),
    "threshold.below": ("Limit: below", "הסף: מתחת"),
    "threshold.value": ("Value", "ערך"),
    "units.balance": ("Units", "יחידות"),
    "units.expires_on": ("Expire on", "תוקף עד"),
    "sms_units.balance": ("Units for SMS", "יחידות למסרונים"),
    "caller_id.number": ("Caller id", "זיהוי יוצא"),
    "caller_id.expires_on": ("Approved until", "מאושר עד"),
    "caller_id.days_left": ("Days left", "ימים שנותרו"),
    "error.class": ("Error", "תקלה"),
    "error.code": ("Number of the error", "מספר התקלה"),
    "watches": ("Not seen", "ללא מעקב"),
    "directory.path": ("Folder", "תיקייה"),
    "expectation.type": ("Expected", "צפוי להגיע"),
    "expectation.within": ("At least once in", "לפחות פעם ב-"),
    "last_seen_at": ("Last seen", "נצפה לאחרונה"),
    "report.path": ("Folder", "תיקייה"),
    "report.name": ("File", "קובץ"),
    "command.type": ("Command", "פקודה"),
    "command.created_by": ("Asked for by", "התבקשה על ידי"),
    "command.error.class": ("Error", "תקלה"),
    "campaign.outcome": ("How it ended", "איך הסתיים"),
    "campaign.numbers": ("Numbers", "מספרים"),
    "campaign.dialled": ("Calls made", "שיחות שבוצעו"),
    "campaign.answered": ("Answered", "נענו"),
    "campaign.failed": ("Numbers not reached", "מספרים שלא ענו"),
    "campaign.price": ("Units it cost", "עלות ביחידות"),
    "campaign.estimate": ("Units estimated", "הערכה ביחידות"),
    "campaign.budget.spent": ("Units of campaigns that day", "יחידות לקמפיינים באותו יום"),
    "endpoint.name": ("Endpoint", "יעד"),
    "endpoint.health": ("How it is doing", "מצב"),
    "endpoint.error": ("Error", "תקלה"),
    "endpoint.by": ("Turned off by", "הושבת על ידי"),
    "wish.setting": ("Setting", "הגדרה"),
    "clock.off_seconds": ("Off by seconds", "סטייה בשניות"),
    "disk.path": ("Disk of", "הדיסק של"),
    "disk.free_mib": ("MiB free", "MiB פנויים"),
    "store.failing_since": ("Not written since", "ללא כתיבה מאז"),
    "store.error": ("Error", "תקלה"),
    "member.name": ("Member", "שרת"),
    "member.version": ("Version", "גרסה"),
    "member.why": ("Why", "סיבה"),
    "test.endpoint": ("Endpoint", "יעד"),
}
"""Of the fields of an event that readers are shown, in this order: English, Hebrew."""
VALUES: Mapping[str, Callable[[Any, str], str]] = {
    "units.expires_on": lambda e, path: e.day(path),
    "caller_id.expires_on": lambda e, path: e.day(path),
    "error.class": lambda e, path: e.word(path, machine_words.FAILURES),
    "watches": lambda e, path: e.watches(path, MOST_IN_A_ROW),
    "command.type": lambda e, path: e.word(path, machine_words.COMMANDS, machine_words.A_COMMAND),
    "command.error.class": lambda e, path: e.word(path, machine_words.FAILURES),
    "campaign.outcome": lambda e, path: e.word(path, machine_words.CAMPAIGN_ENDS),
    "endpoint.name": lambda e, path: e.endpoint(path),
    "endpoint.health": lambda e, path: e.word(path, machine_words.HEALTH),
    "endpoint.error": lambda e, path: e.because(path, machine_words.endpoint_error),
    "endpoint.by": lambda e, path: e.word(path, machine_words.TURNED_OFF),
    "wish.setting": lambda e, path: e.word(path, machine_words.SETTINGS, machine_words.A_SETTING),
    "store.failing_since": lambda e, path: e.moment(path),
    "expectation.type": lambda e, path: e.type_name(path),
    "expectation.within": lambda e, path: e.lasting(path),
    "last_seen_at": lambda e, path: e.moment(path),
    "store.error": lambda e, path: e.because(path, machine_words.store_error),
    "member.why": lambda e, path: e.because(path, machine_words.difference),
}
"""How those of them are said that are not shown as they stand."""
MOST_IN_A_ROW = 20
"""Ours. Names in one row of the details."""


def _setting(e: Any) -> str:
    return str(e.word("wish.setting", machine_words.SETTINGS, machine_words.A_SETTING))


def _both(fires: str, resolves: str, english: Topic, hebrew: Topic) -> dict[str, tuple[Topic, Topic]]:
    return dict.fromkeys((fires, resolves), (english, hebrew))


TOPICS: Mapping[str, tuple[Topic, Topic]] = {
    **_both(
        "sip.account.unregistered",
        "sip.account.registered",
        lambda e: f"Phone {e['account.user_name']}: connection",
        lambda e: f"טלפון {e['account.user_name']}: חיבור",
    ),
    **_both(
        "sip.accounts.unregistered",
        "sip.accounts.registered",
        lambda _: "Many phones: connection",
        lambda _: "טלפונים רבים: חיבור",
    ),
    **_both(
        "sip.account.flapping",
        "sip.account.stable",
        lambda e: f"Phone {e['account.user_name']}: stability",
        lambda e: f"טלפון {e['account.user_name']}: יציבות",
    ),
    **_both(
        "queue.threshold.crossed",
        "queue.threshold.cleared",
        lambda e: f"Queue {e.queue()}: {e.metric()} (limit {e.limit()})",
        lambda e: f"תור {e.queue()}: {e.metric()} (הסף {e.limit()})",
    ),
    **_both(
        "activity.missing",
        "activity.seen",
        lambda e: f"{e.type_name('expectation.type')}: at least once in {e.lasting('expectation.within')}",
        lambda e: f"{e.type_name('expectation.type')}: לפחות פעם ב-{e.lasting('expectation.within')}",
    ),
    **_both("units.low", "units.ok", lambda _: "Units: how many are left", lambda _: "יחידות: כמה נותרו"),
    **_both(
        "units.expiring", "units.renewed", lambda _: "Units: how long they last", lambda _: "יחידות: תוקף"
    ),
    **_both(
        "sms_units.low",
        "sms_units.ok",
        lambda _: "Units for SMS: how many are left",
        lambda _: "יחידות למסרונים: כמה נותרו",
    ),
    **_both(
        "caller_id.expiring",
        "caller_id.renewed",
        lambda e: f"Caller id {e['caller_id.number']}: its approval",
        lambda e: f"זיהוי יוצא {e['caller_id.number']}: האישור",
    ),
    **_both(
        "daemon.clock_wrong",
        "daemon.clock_right",
        lambda _: "Clock of yemotd's machine",
        lambda e: f"שעון המחשב של {e.isolated('yemotd')}",
    ),
    **_both(
        "daemon.disk_low",
        "daemon.disk_ok",
        lambda _: "Room on the disk of yemotd's database",
        lambda e: f"המקום בדיסק של {e.isolated('yemotd')}",
    ),
    **_both(
        "api.unreachable",
        "api.reachable",
        lambda _: "Yemot HaMashiach: connection",
        lambda _: "ימות המשיח: חיבור",
    ),
    **_both(
        "api.token_rejected",
        "api.token_accepted",
        lambda _: "Yemot HaMashiach: token",
        lambda _: "ימות המשיח: טוקן",
    ),
    **_both(
        "endpoint.failing",
        "endpoint.recovered",
        lambda e: f"Endpoint {e.endpoint('endpoint.name')}: delivery",
        lambda e: f"יעד {e.endpoint('endpoint.name')}: מסירה",
    ),
    **_both(
        "endpoint.misconfigured",
        "endpoint.configured",
        lambda e: f"{e['wish.name']}: {_setting(e)} (setting)",
        lambda e: f"{e['wish.name']}: {_setting(e)} (הגדרה)",
    ),
}
"""What an incident is about, without how it stands: the subject of all its mails, so that they are one
thread, and none of them says what is not true any more."""
