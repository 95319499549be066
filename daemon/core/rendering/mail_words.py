"""The words of mails that no sentence about an event has, in English and Hebrew. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

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
    "shortened": "Shortened, because the mail server takes no larger mail. The whole of it: {}",
    "to": "To",
    "system": "System",
    "severity": "Severity",
    "critical": "critical",
    "error": "error",
    "warning": "warning",
    "info": "info",
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
    "shortened": "ההודעה קוצרה, כי שרת הדואר אינו מקבל הודעות גדולות יותר. הנוסח המלא: {}",
    "to": "אל",
    "system": "מערכת",
    "severity": "חומרה",
    "critical": "קריטי",
    "error": "שגיאה",
    "warning": "אזהרה",
    "info": "מידע",
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
    "error.class": ("Kind of error", "סוג התקלה"),
    "error.message": ("Error", "תקלה"),
    "watches": ("Not watched", "ללא מעקב"),
    "directory.path": ("Folder", "תיקייה"),
    "endpoint.name": ("Endpoint", "יעד"),
    "endpoint.health": ("Health", "מצב"),
    "endpoint.error": ("Error", "תקלה"),
    "clock.off_seconds": ("Off by seconds", "סטייה בשניות"),
    "disk.path": ("Disk of", "הדיסק של"),
    "disk.free_mib": ("MiB free", "MiB פנויים"),
    "store.failing_since": ("Not written since", "ללא כתיבה מאז"),
    "store.error": ("Error", "תקלה"),
}
"""Of the fields of an event that readers are shown, in this order: English, Hebrew."""


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
    **_both("units.low", "units.ok", lambda _: "Units: how many are left", lambda _: "יחידות: כמה נותרו"),
    **_both(
        "units.expiring", "units.renewed", lambda _: "Units: how long they last", lambda _: "יחידות: תוקף"
    ),
    **_both(
        "daemon.clock_wrong",
        "daemon.clock_right",
        lambda _: "yemotd: the machine's clock",
        lambda _: "yemotd: שעון המחשב",
    ),
    **_both(
        "daemon.disk_low",
        "daemon.disk_ok",
        lambda _: "yemotd: room on the disk",
        lambda _: "yemotd: המקום בדיסק",
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
        lambda e: f"Endpoint {e['endpoint.name']}: delivery",
        lambda e: f"יעד {e['endpoint.name']}: מסירה",
    ),
    **_both(
        "endpoint.misconfigured",
        "endpoint.configured",
        lambda e: f"Setting {e['wish.setting']} of {e['wish.name']}",
        lambda e: f"ההגדרה {e['wish.setting']} של {e['wish.name']}",
    ),
}
"""What an incident is about, without how it stands: the subject of all its mails, so that they are one
thread, and none of them says what is not true any more."""
