"""Hebrew: a sentence for each event type, without the full stop. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

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
}
HEBREW_CHANGES: Mapping[str, str] = {
    "daemon.added": "חדשים",
    "daemon.removed": "הוסרו",
    "daemon.changed": "השתנו",
}
HEBREW: Mapping[str, Callable[[Any], str]] = {
    "sms.received": lambda e: f"מסרון מ-{e['sms.from']}: {e['sms.text']}",
    "sms.gap": lambda e: f"ייתכן שהוחמצו מסרונים בין {e['gap.after']} ל-{e['gap.before']}",
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
    "queue.agent.paused": lambda e: f"תור {e.queue()}: הנציג {e['agent.name']} בהפסקה",
    "queue.agent.unpaused": lambda e: f"תור {e.queue()}: הנציג {e['agent.name']} חזר לקבל שיחות",
    "directory.file.added": lambda e: f"תיקייה {e['directory.path']}: {e['directory.added']} קבצים חדשים",
    "pirsumphone.registered": lambda e: "המערכת נרשמה לפרסומפון",
    "pirsumphone.unregistered": lambda e: "המערכת הוסרה מפרסומפון",
    "units.low": lambda e: f"היחידות עומדות להיגמר: נותרו {e['units.balance']}",
    "units.ok": lambda e: f"יש שוב די יחידות: {e['units.balance']}",
    "units.expiring": lambda e: f"תוקף היחידות פג ב-{e['units.expires_on']}",
    "units.renewed": lambda e: f"תוקף היחידות הוארך עד {e['units.expires_on']}",
    "api.unreachable": lambda e: (
        f"ימות המשיח מבקשת הפסקה בפניות; ללא מעקב: {e.listed('watches')}"
        if e.value("error.class") == "throttled"
        else f"ימות המשיח אינה עונה ({e['error.class']}); ללא מעקב: {e.listed('watches')}"
    ),
    "api.reachable": lambda e: "ימות המשיח עונה שוב",
    "api.token_rejected": lambda e: "ימות המשיח דוחה את הטוקן; אין מעקב",
    "api.token_accepted": lambda e: "ימות המשיח מקבלת שוב את הטוקן",
    "api.schema_changed": lambda e: f"התשובה של ימות המשיח ל-{e['schema.method']} השתנתה בצורתה",
    "command.succeeded": lambda e: f"הפקודה {e['command.type']} בוצעה",
    "command.failed": lambda e: f"הפקודה {e['command.type']} נכשלה",
    "command.unknown": lambda e: f"הפקודה {e['command.type']}: לא ידוע אם בוצעה",
    "command.expired": lambda e: f"הפקודה {e['command.type']} איחרה את מועדה ולא בוצעה",
    "endpoint.failing": lambda e: f"היעד {e['endpoint.name']} אינו מקבל הודעות: {e['endpoint.error']}",
    "endpoint.recovered": lambda e: f"היעד {e['endpoint.name']} מקבל שוב הודעות",
    "endpoint.suspended": lambda e: f"היעד {e['endpoint.name']} מושהה: {e['endpoint.error']}",
    "endpoint.resumed": lambda e: f"היעד {e['endpoint.name']} קיבל הודעה; ינוסו עוד",
    "endpoint.disabled": lambda e: f"היעד {e['endpoint.name']} מושבת; ההודעות אליו ממתינות",
    "endpoint.enabled": lambda e: f"היעד {e['endpoint.name']} הופעל",
    "endpoint.misconfigured": lambda e: (
        f"{e['wish.name']}: לא ניתן לחשב את {e['wish.setting']} ({e['wish.error']}), וההגדרה הונחה בצד"
    ),
    "endpoint.configured": lambda e: f"{e['wish.name']}: ההגדרה {e['wish.setting']} חזרה לתוקף",
    "daemon.started": lambda e: f"{e.isolated('yemotd')} הופעל, גרסה {e['daemon.version']}",
    "daemon.stopped": lambda e: f"{e.isolated('yemotd')} נעצר",
    "daemon.part_restarted": lambda e: (
        f"חלק של yemotd הסתיים והופעל מחדש: {e['part.name']} ({e['part.error']})"
    ),
    "daemon.config_reloaded": lambda e: f"{e.isolated('yemotd')} טען תצורה חדשה" + e.lists(HEBREW_CHANGES),
    "daemon.clock_wrong": lambda e: (
        f"השעון במחשב של {e.isolated('yemotd')} סוטה ב-{e['clock.off_seconds']} שניות משעון ימות המשיח"
    ),
    "daemon.clock_right": lambda e: f"השעון במחשב של {e.isolated('yemotd')} שוב מכוון",
    "daemon.disk_low": lambda e: (
        f"הדיסק של מסד הנתונים של {e.isolated('yemotd')} כמעט מלא: נותרו {e['disk.free_mib']} MiB"
    ),
    "daemon.disk_ok": lambda e: (
        f"שוב יש מקום בדיסק של מסד הנתונים של {e.isolated('yemotd')}: {e['disk.free_mib']} MiB"
    ),
    "daemon.store_failed": lambda e: (
        f"{e.isolated('yemotd')} אינו יכול לכתוב למסד הנתונים ({e['store.error']}); "
        "עד שיוכל, לא תישלח שום הודעה אחרת"
    ),
    "daemon.store_recovered": lambda e: (
        f"{e.isolated('yemotd')} לא יכול היה לכתוב למסד הנתונים מאז {e['store.failing_since']} "
        f"({e['store.error']}); הכתיבה חזרה"
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
