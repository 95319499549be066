"""Hebrew: a sentence for each event type, without the full stop. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from daemon.core.rendering import digest_summary
from daemon.core.rendering import machine_words as words

HEBREW_METRICS: Mapping[str, str] = {
    "calls_waiting": "שיחות ממתינות",
    "longest_wait_seconds": "ההמתנה הארוכה ביותר בשניות",
    "agents_available": "נציגים זמינים",
    "agents_paused": "נציגים בהפסקה",
    "calls_per_agent": "שיחות לנציג",
    "hold_seconds": "המתנה ממוצעת בשניות",
    "abandoned": "שיחות שננטשו",
    "abandoned_per_hour": "שיחות שננטשו בשעה",
    "answered_per_hour": "שיחות שנענו בשעה",
    "longest_wait_today": "ההמתנה הארוכה ביותר היום בשניות",
}
HEBREW_REASONS: Mapping[str, str] = {
    "repeat": " (תזכורת)",
    "catch_up": " (הודעה מאוחרת)",
    "removed": " (כבר לא במעקב)",
    "escalated": " (הועבר הלאה: איש לא אישר טיפול)",
}
HEBREW_CHANGES: Mapping[str, str] = {path: hebrew for path, (_, hebrew) in words.CHANGED.items()}
HEBREW: Mapping[str, Callable[[Any], str]] = {
    "sms.received": lambda e: f"מסרון מ-{e['sms.from']}: {e['sms.text']}",
    "sms.gap": lambda e: f"ייתכן שהוחמצו מסרונים בין {e.local('gap.after')} ל-{e.local('gap.before')}",
    "sms.sent": lambda e: f"נשלח מסרון אל {e['sms.to']}",
    "sms.delivered": lambda e: f"המסרון אל {e['sms.to']} הגיע",
    "sms.failed": lambda e: f"המסרון אל {e['sms.to']} לא הגיע{e.told(': {}', 'sms.reason')}",
    "sms.unknown": lambda e: f"לא ידוע אם המסרון אל {e['sms.to']} נשלח",
    "activity.missing": lambda e: (
        f"כבר {e.lasting('expectation.within')} לא נצפה מה שצפוי להגיע: {e.type_name('expectation.type')}"
        + e.since("; לאחרונה נצפה {}", "last_seen_at")
    ),
    "activity.seen": lambda e: f"שוב נצפה: {e.type_name('expectation.type')}",
    "digest.made": lambda e: f"{digest_summary.title(e)}. {digest_summary.summary(e)}",
    "sip.account.unregistered": lambda e: f"הטלפון {e['account.user_name']} מנותק",
    "sip.account.registered": lambda e: f"הטלפון {e['account.user_name']} חזר להיות מחובר",
    "sip.accounts.unregistered": lambda e: (
        f"{e.many('accounts.unregistered')} מתוך {e['accounts.total']} טלפונים מנותקים: "
        f"{e.listed('accounts.unregistered')}"
    ),
    "sip.accounts.registered": lambda e: "הטלפונים חזרו להיות מחוברים",
    "sip.account.flapping": lambda e: f"הטלפון {e['account.user_name']} מתנתק ומתחבר שוב ושוב",
    "sip.account.stable": lambda e: f"הטלפון {e['account.user_name']} יציב שוב",
    "sip.account.added": lambda e: f"הטלפון {e['account.user_name']} נוסף",
    "sip.account.removed": lambda e: f"הטלפון {e['account.user_name']} הוסר",
    "sip.registration.changed": lambda e: f"הטלפון {e['account.user_name']} התחבר מכתובת או ממכשיר חדשים",
    "sip.registration.duplicate": lambda e: (
        f"הטלפון {e['account.user_name']} מחובר {e.many('registrations')} פעמים בו-זמנית"
    ),
    "queue.threshold.crossed": lambda e: (
        f"תור {e.queue()}: {e.metric()} {e['threshold.value']} (הסף {e.limit()})"
    ),
    "queue.threshold.cleared": lambda e: (
        f"תור {e.queue()}: {e.metric()} {e['threshold.value']}, שוב בגבול התקין"
    ),
    "queue.caller.joined": lambda e: f"תור {e.queue()}: {e['caller.phone']} ממתין",
    "queue.caller.left": lambda e: f"תור {e.queue()}: {e['caller.phone']} כבר לא ממתין",
    "queue.caller.answered": lambda e: f"תור {e.queue()}: {e['caller.phone']} נענה",
    "queue.caller.abandoned": lambda e: f"תור {e.queue()}: {e['caller.phone']} לא נענה",
    "queue.caller.kicked": lambda e: f"תור {e.queue()}: {e['caller.phone']} הוצא מהתור בפקודה",
    "queue.callback.due": lambda e: (
        f"תור {e.queue()}: {e['callback.phone']} ביקש שיחזרו אליו"
        if e.value("callback.source") == "platform"
        else f"תור {e.queue()}: {e['callback.phone']} לא נענה, ויש לחזור אליו"
    ),
    "queue.callback.done": lambda e: (
        f"תור {e.queue()}: {e['callback.phone']}, שהמתין לחזרה, {e.word('outcome', words.CALLBACKS)}"
    ),
    "queue.agent.paused": lambda e: f"תור {e.queue()}: הנציג {e['agent.name']} בהפסקה",
    "queue.agent.unpaused": lambda e: f"תור {e.queue()}: הנציג {e['agent.name']} חזר לקבל שיחות",
    "directory.file.added": lambda e: (
        f"תיקייה {e['directory.path']}: קובץ חדש"
        if e.value("directory.added") == 1
        else f"תיקייה {e['directory.path']}: {e['directory.added']} קבצים חדשים"
    ),
    "report.row.added": lambda e: (
        f"דוח {e['report.file']}: {e.pairs('row')}"
        if e.value("row")
        else f"דוח {e['report.file']}: שורה חדשה"
    ),
    "pirsumphone.registered": lambda e: "המערכת נרשמה לפרסומפון",
    "pirsumphone.unregistered": lambda e: "המערכת הוסרה מפרסומפון",
    "units.low": lambda e: f"היחידות עומדות להיגמר: נותרו {e['units.balance']}",
    "units.ok": lambda e: f"יש שוב די יחידות: {e['units.balance']}",
    "units.expiring": lambda e: f"תוקף היחידות פג ב-{e.day('units.expires_on')}",
    "units.renewed": lambda e: f"תוקף היחידות הוארך עד {e.day('units.expires_on')}",
    "sms_units.low": lambda e: f"יחידות המסרונים עומדות להיגמר: נותרו {e['sms_units.balance']}",
    "sms_units.ok": lambda e: f"יש שוב די יחידות למסרונים: {e['sms_units.balance']}",
    "caller_id.expiring": lambda e: (
        f"האישור לזיהוי היוצא {e['caller_id.number']} פג ב-{e.day('caller_id.expires_on')}"
        if (e.value("caller_id.days_left") or 0) < 0
        else f"האישור לזיהוי היוצא {e['caller_id.number']} יפוג ב-{e.day('caller_id.expires_on')}"
    ),
    "caller_id.renewed": lambda e: f"הזיהוי היוצא {e['caller_id.number']} מאושר {_until(e)}",
    "api.unreachable": lambda e: (
        f"ימות המשיח מבקשת הפסקה בפניות; ללא מעקב: {e.watches('watches')}"
        if e.value("error.class") == "throttled"
        else f"ימות המשיח אינה עונה ({e.word('error.class', words.FAILURES)}); "
        f"ללא מעקב: {e.watches('watches')}"
    ),
    "api.reachable": lambda e: "ימות המשיח עונה שוב",
    "api.token_rejected": lambda e: "ימות המשיח דוחה את הטוקן; אין מעקב",
    "api.token_accepted": lambda e: "ימות המשיח מקבלת שוב את הטוקן",
    "api.schema_changed": lambda e: (
        f"ימות המשיח משיבה בצורה אחרת מבעבר, בשאלה על: {e.because('schema.method', words.method)}"
    ),
    "alert.acknowledged": lambda e: (
        f"הטיפול אצל {e['by']}: {e.about()}{e.told(' ({})', 'note')}{e.timed(', עד {}', 'until')}"
    ),
    "alert.escalated": lambda e: (
        f"איש לא אישר טיפול, ולכן נמסר גם אל {e.listed('escalation.to')}: {e.about()}"
    ),
    "command.succeeded": lambda e: f"פקודה בוצעה: {_command(e)}",
    "command.failed": lambda e: f"פקודה נכשלה: {_command(e)}",
    "command.unknown": lambda e: f"לא ידוע אם פקודה בוצעה: {_command(e)}",
    "command.expired": lambda e: f"פקודה איחרה את מועדה ולא בוצעה: {_command(e)}",
    "campaign.finished": lambda e: (
        f"לא ידוע איך הסתיים קמפיין{e.told(' ({} מספרים)', 'campaign.numbers')}"
        if e.value("campaign.outcome") == "unknown"
        else f"קמפיין {'נעצר' if e.value('campaign.outcome') == 'stopped' else 'הסתיים'}: "
        f"נענו {e['campaign.answered']} מתוך {e['campaign.dialled']} שיחות"
        f"{e.told(', עלות {} יחידות', 'campaign.price')} (הערכה: {e['campaign.estimate']})"
    ),
    "endpoint.failing": lambda e: (
        f"היעד {e.endpoint('endpoint.name')} אינו מקבל הודעות: "
        f"{e.because('endpoint.error', words.endpoint_error)}"
    ),
    "endpoint.recovered": lambda e: f"היעד {e.endpoint('endpoint.name')} מקבל שוב הודעות",
    "endpoint.suspended": lambda e: (
        f"היעד {e.endpoint('endpoint.name')} עדיין נכשל, והניסיונות לשלוח אליו מועטים: "
        f"{e.because('endpoint.error', words.endpoint_error)}"
    ),
    "endpoint.resumed": lambda e: f"היעד {e.endpoint('endpoint.name')} קיבל הודעה; יישלחו אליו עוד",
    "endpoint.disabled": lambda e: f"היעד {e.endpoint('endpoint.name')} מושבת; ההודעות אליו ממתינות",
    "endpoint.enabled": lambda e: f"היעד {e.endpoint('endpoint.name')} הופעל",
    "endpoint.misconfigured": lambda e: (
        f"{e['wish.name']}: לא ניתן לחשב את {_setting(e)}, וההגדרה אינה בתוקף; בינתיים: "
        f"{e.word('wish.setting', words.INSTEAD, words.SOMETHING_ELSE)}"
    ),
    "endpoint.configured": lambda e: f"{e['wish.name']}: {_setting(e)} – ההגדרה שוב בתוקף",
    "daemon.started": lambda e: (
        f"הופעל {e.isolated('yemotd')}{e.told(' ב-{}', 'daemon.member')}, גרסה {e['daemon.version']}"
    ),
    "daemon.stopped": lambda e: f"נעצר {e.isolated('yemotd')}{e.told(' ב-{}', 'daemon.member')}",
    "daemon.member_joined": lambda e: (
        f"הצטרף {e.isolated('yemotd')} ב-{e['member.name']}, גרסה {e['member.version']}"
    ),
    "daemon.member_lost": lambda e: (
        f"הפסיק להגיב {e.isolated('yemotd')} ב-{e['member.name']}; האחרים ממשיכים במקומו"
    ),
    "daemon.member_differs": lambda e: (
        f"אינו לוקח מערכות: {e.isolated('yemotd')} ב-{e['member.name']}, "
        f"כי {e.because('member.why', words.difference)}"
    ),
    "daemon.part_restarted": lambda e: (
        f"חלק של {e.isolated('yemotd')} נפסק בגלל תקלה והופעל מחדש: "
        f"{e.word('part.name', words.PARTS, words.A_PART)}"
    ),
    "daemon.config_reloaded": lambda e: "תצורה חדשה בתוקף" + e.lists(HEBREW_CHANGES),
    "daemon.clock_wrong": lambda e: (
        f"השעון במחשב של {e.isolated('yemotd')} סוטה ב-{e['clock.off_seconds']} שניות משעון ימות המשיח"
    ),
    "daemon.clock_right": lambda e: f"השעון במחשב של {e.isolated('yemotd')} שוב מכוון",
    "daemon.disk_low": lambda e: f"הדיסק של מסד הנתונים של {e.isolated('yemotd')} כמעט מלא: נותרו {_mib(e)}",
    "daemon.disk_ok": lambda e: f"שוב יש מקום בדיסק של מסד הנתונים של {e.isolated('yemotd')}: {_mib(e)}",
    "daemon.store_failed": lambda e: (
        f"לא ניתן לכתוב למסד הנתונים: {e.because('store.error', words.store_error)}; "
        "עד שיתאפשר, לא תישלח שום הודעה אחרת"
    ),
    "daemon.store_recovered": lambda e: (
        f"שוב ניתן לכתוב למסד הנתונים; לא ניתן היה מאז {e.moment('store.failing_since')}: "
        f"{e.because('store.error', words.store_error)}"
    ),
    "daemon.clock_stepped": lambda e: (
        f"השעון במחשב של {e.isolated('yemotd')} הוזז {'קדימה' if e.value('clock.is_forward') else 'אחורה'} "
        f"ב-{e['clock.by_seconds']} שניות"
    ),
    "quiet.ended": lambda e: (
        "זמן השקט הסתיים; התראה אחת הוחזקה"
        if e.value("quiet.held") == 1
        else f"זמן השקט הסתיים; {e['quiet.held']} התראות הוחזקו"
    ),
    "test.ping": lambda e: f"הודעת בדיקה של {e.isolated('yemotd')}",
}


def _mib(e: Any) -> str:
    return str(e.isolated(f"{e.plain('disk.free_mib')} MiB"))


def _until(e: Any) -> str:
    has_end = e.value("caller_id.expires_on") is not None
    return f"שוב, עד {e.day('caller_id.expires_on')}" if has_end else "ללא הגבלת זמן"


def _command(e: Any) -> str:
    error = f" ({e.word('command.error.class', words.FAILURES)})" if e.value("command.error.class") else ""
    return str(e.word("command.type", words.COMMANDS, words.A_COMMAND)) + error


def _setting(e: Any) -> str:
    return str(e.word("wish.setting", words.SETTINGS, words.A_SETTING))
