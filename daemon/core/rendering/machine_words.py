"""What the machine calls by a word of its own, in words for people: English, Hebrew. Pure.

Errors, health, commands, settings, watches, and what events are about. What is not known here, of a newer
version or of somebody else's making, is said in general terms or as it stands; nothing here raises.
"""

import re
from collections.abc import Mapping, Sequence

from daemon.core.contacts import NOBODY, Contacts
from daemon.core.rendering.messenger_words import OF_MESSENGERS
from daemon.core.rendering.type_names import TYPE_NAMES

Words = Mapping[str, tuple[str, str]]

FAILURES: Words = {
    "unreachable": ("no connection", "אין חיבור"),
    "timeout": ("no answer in time", "לא התקבלה תשובה בזמן"),
    "filtered": ("something else answers in its place", "משהו אחר משיב במקומה"),
    "server_error": ("an error on its side", "תקלה בצד השני"),
    "throttled": ("it asks to be left alone for a while", "התבקשה הפסקה בפניות"),
    "token_rejected": ("the token is rejected", "הטוקן נדחה"),
    "refused": ("it refuses", "הבקשה נדחתה"),
    "malformed": ("an answer that cannot be read", "תשובה שאינה ניתנת לקריאה"),
    "our_fault": ("a fault of yemotd's own", "תקלה של yemotd עצמו"),
    "not_allowed": ("the configuration does not allow it", "ההגדרות אינן מתירות זאת"),
    "not_configured": ("its system is not configured any more", "המערכת כבר אינה בהגדרות"),
    "over_budget": ("it would cost more than is allowed", "העלות חורגת מהמותר"),
    "interrupted": ("yemotd ended meanwhile", "פעולת yemotd הופסקה באמצע"),
    "nothing_done": ("nothing was done", "לא בוצע דבר"),
    "not_confirmed": ("it was not confirmed", "לא התקבל אישור"),
}
"""Classes of errors, of the platform and of commands."""
SEVERITIES: Words = {
    "critical": ("critical", "קריטי"),
    "error": ("error", "שגיאה"),
    "warning": ("warning", "אזהרה"),
    "info": ("information", "מידע"),
}
STATUSES: Words = {"firing": ("lasts", "נמשך"), "resolved": ("over", "הסתיים")}
HEALTH: Words = {
    "healthy": ("well", "תקין"),
    "degraded": ("fails", "נכשל"),
    "suspended": ("fails, and is tried seldom", "נכשל, והניסיונות לשלוח אליו מועטים"),
    "disabled": ("turned off", "מושבת"),
}
TURNED_OFF: Words = {
    "operator": ("an operator", "מפעיל"),
    "gone": ("itself: it wants no more", "היעד עצמו: אינו רוצה עוד הודעות"),
    "health": ("yemotd, after a week of failures", "yemotd, אחרי שבוע של כישלונות"),
}
CALLBACKS: Words = {
    "answered": ("was answered since", "נענה מאז"),
    "called": ("was dialled by a campaign", "קיבל שיחה בקמפיין"),
    "by_hand": ("is done with", "טופל"),
    "gone": ("is in the platform's list no more", "כבר לא ברשימה של המערכת"),
    "expired": ("was given up after a week", "ירד מהרשימה כעבור שבוע"),
}
"""How somebody who was to be called back is so no more: `core/missed.py`."""
COMMANDS: Words = {
    "queue.kick": ("kick callers out of a queue", "הוצאת ממתינים מתור"),
    "queue.pause": ("pause an agent", "השהיית נציג"),
    "queue.unpause": ("end the pause of an agent", "סיום השהיה של נציג"),
    "queue.callback.remove": ("take somebody off a call-back list", "הסרה מרשימת החזרות"),
    "pirsumphone.register": ("register to PirsumPhone", "רישום לפרסומפון"),
    "pirsumphone.unregister": ("leave PirsumPhone", "הסרה מפרסומפון"),
    "pirsumphone.status": ("look at PirsumPhone", "בדיקת הרישום לפרסומפון"),
    "campaign.bridge": ("start a campaign", "התחלת קמפיין"),
    "campaign.status": ("look at a campaign", "בדיקת קמפיין"),
    "campaign.stop": ("stop a campaign", "עצירת קמפיין"),
    "sms.send": ("send an SMS", "שליחת מסרון"),
    "sip.contexts": ("look where a phone is", "בדיקת החיבורים של טלפון"),
    "sip.accounts": ("look at the phones", "בדיקת הטלפונים"),
    "sms.log": ("look at the SMS", "בדיקת המסרונים"),
    "queue.state": ("look at a queue", "בדיקת תור"),
    "directory.stats": ("look at a folder", "בדיקת תיקייה"),
}
CAMPAIGN_ENDS: Words = {
    "finished": ("over", "הסתיים"),
    "stopped": ("stopped", "נעצר"),
    "unknown": ("not known", "לא ידוע"),
}
"""How a campaign ended."""
CAMPAIGN_STATES: Words = {
    "RUNNING": ("runs", "פועל"),
    "PAUSED": ("paused", "מושהה"),
    "STOPPING": ("is being stopped", "בעצירה"),
    "STOPPED": ("stopped", "נעצר"),
    "FINISHED": ("over", "הסתיים"),
}
"""The platform's words for how a campaign stands."""
A_COMMAND = ("a command", "פקודה")
SETTINGS: Words = {
    "quiet": ("the quiet times", "זמני השקט"),
    "events": ("which events it wants", "האירועים הרצויים"),
    "filters": ("the filters", "המסננים"),
    "retries": ("the retries", "הניסיונות החוזרים"),
    "rate": ("the rate", "הקצב"),
    "group_interval": ("the time between mails", "הזמן שבין הודעות הדואר"),
    "format": ("the form of its messages", "צורת ההודעות"),
    "template": ("its template", "התבנית של ההודעות"),
    "templates": ("the templates of mails", "תבניות הדואר"),
    "delivery": ("how it is reached", "דרך המסירה"),
    "polling": ("what is watched", "המעקב"),
    "active": ("the hours in which alerts count", "השעות שבהן התראות נחשבות"),
}
A_SETTING = ("a setting", "הגדרה")
INSTEAD: Words = {
    "quiet": ("nothing is held back", "שום הודעה אינה מוחזקת"),
    "events": ("alerts are told, nothing else", "נשלחות התראות בלבד"),
    "filters": ("alerts are told, nothing else", "נשלחות התראות בלבד"),
    "retries": ("tried again every 5 minutes", "ניסיון חוזר מדי 5 דקות"),
    "rate": ("as many as it takes", "ללא הגבלת קצב"),
    "group_interval": ("mails leave at once", "הודעות הדואר נשלחות מיד"),
    "format": ("it is tried again", "ייעשה ניסיון נוסף"),
    "template": ("it is tried again", "ייעשה ניסיון נוסף"),
    "templates": ("our own template", "התבנית שלנו"),
    "delivery": ("nothing is sent to it", "שום דבר אינו נשלח אליו"),
    "polling": ("it is not seen", "אין מעקב"),
    "active": ("alerts count at all hours", "התראות נחשבות בכל שעות היממה"),
}
SOMETHING_ELSE = ("something else is done", "נעשה דבר אחר")
PARTS: Words = {
    "scheduler": ("what asks on schedule", "מה ששואל לפי לוח הזמנים"),
    "dispatcher": ("what sends", "מה ששולח"),
    "commander": ("what carries out commands", "מה שמבצע פקודות"),
}
A_PART = ("an inner part", "חלק פנימי")
CHANGED: Words = {
    "daemon.added": ("new", "חדשים"),
    "daemon.removed": ("removed", "הוסרו"),
    "daemon.changed": ("changed", "השתנו"),
}
TABLES: Words = {
    "smtp": ("mail server", "שרת הדואר"),
    "daemon": ("daemon", "התוכנה"),
    "http": ("page", "הדף"),
    "retention": ("what is kept", "מה נשמר"),
    "heartbeat": ("sign of life", "אות חיים"),
}
"""Tables of the configuration that there is one of."""

_SAID: Sequence[tuple[re.Pattern[str], tuple[str, str]]] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        *OF_MESSENGERS,
        (r"^HTTP (\d{3})\b", ("it answers with the error {}", "הוא משיב בשגיאה {}")),
        (r"^(\d{3})[ -]", ("its mail server answers with the error {}", "שרת הדואר שלו משיב בשגיאה {}")),
        (r"resolve|getaddrinfo|name or service|no address", ("its name has no address", "לשם שלו אין כתובת")),
        (
            r"certificate|\b(SSL|TLS)\b",
            ("its certificate cannot be trusted", "אי אפשר לסמוך על תעודת האבטחה שלו"),
        ),
        (
            r"timed? ?out|in time|no answer|no whole answer|deadline",
            ("no answer in time", "לא התקבלה תשובה בזמן"),
        ),
        (r"log ?in|password|authenti|offers no", ("it does not let us in", "הכניסה אליו נדחתה")),
        (r"fault of our own", FAILURES["our_fault"]),
        (r"connect|refused|reset|reach|broke|broken|closed|pipe", ("no connection", "אין חיבור")),
    )
)
"""What senders say of an endpoint that fails, from what it begins with to what it has in it."""
FAILS = ("its messages fail", "המסירה אליו נכשלת")
_STORE: Sequence[tuple[re.Pattern[str], tuple[str, str]]] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"full|no space", ("the disk is full", "הדיסק מלא")),
        (r"malformed|not a database|corrupt|damag|overwritten", ("its file is damaged", "הקובץ פגום")),
        (r"read-?only|permission", ("it may not be written", "אין הרשאה לכתוב")),
        (r"lock|busy|timeout|timed out", ("somebody else holds it", "תוכנה אחרת מחזיקה בו")),
        (r"not there|no such|unable to open", ("its file is gone", "הקובץ איננו")),
        (r"I/O", ("the disk fails", "תקלה בדיסק")),
        (r"connect|server|terminat", ("its server cannot be reached", "אין חיבור אל השרת שלו")),
    )
)
STORE_FAILS = ("it refuses", "הכתיבה נדחית")
_DIFFERS: Sequence[tuple[re.Pattern[str], tuple[str, str]]] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"key_file", ("its key is another one", "המפתח שלו שונה")),
        (r"configuration", ("its configuration is another one", "ההגדרות שלו שונות")),
        (r"version|release|schema|upgrad", ("its version is another one", "הגרסה שלו שונה")),
        (r"clock|time", ("its clock is another one", "השעון שלו שונה")),
        (r"ending", ("it is ending", "הוא מסיים את פעולתו")),
        (r"lease", ("it does not answer any more", "הוא כבר אינו מגיב")),
    )
)
DIFFERS = ("it is not as the others are", "הוא שונה מהאחרים")

_WATCHES: Words = {
    "sms": ("SMS", "מסרונים"),
    "sip": ("phones", "טלפונים"),
    "registrations": ("where phones are", "חיבורי הטלפונים"),
    "units": ("units", "יחידות"),
    "sms_units": ("units for SMS", "יחידות למסרונים"),
    "caller_ids": ("caller ids", "זיהויים יוצאים"),
    "customer": ("units for SMS, and caller ids", "יחידות למסרונים וזיהויים יוצאים"),
    "pirsumphone": ("PirsumPhone", "פרסומפון"),
    "reports": ("reports", "דוחות"),
    "queue": ("queue {}", "תור {}"),
    "queue-log": ("the log of queue {}", "היומן של תור {}"),
    "callbacks": ("who asked queue {} for a call back", "בקשות לחזרה בתור {}"),
    "directory": ("folder {}", "תיקייה {}"),
    "sip/": ("where phone {} is", "חיבורי הטלפון {}"),
    "registrations/": ("where phone {} is", "חיבורי הטלפון {}"),
    "report": ("report {}", "דוח {}"),
}
_OF_EXTENSIONS = frozenset({"queue", "queue-log", "callbacks", "directory"})
"""Watches whose path may have a name."""
_METHODS: Sequence[tuple[str, str]] = (
    ("sms", "sms"),
    ("sipgetcontexts", "registrations"),
    ("sip", "sip"),
    ("queue", "queue"),
    ("dirstats", "directory"),
    ("ymgr", "reports"),
    ("pirsum", "pirsumphone"),
    ("session", "units"),
    ("customer", "customer"),
    ("callerid", "caller_ids"),
)
_SUBJECTS: Words = {
    "sip/": ("Phone {}", "טלפון {}"),
    "sms/": ("SMS from {}", "מסרון מ-{}"),
    "queue/": ("Queue {}", "תור {}"),
    "directory/": ("Folder {}", "תיקייה {}"),
    "report/": ("Report {}", "דוח {}"),
    "endpoint/": ("Endpoint {}", "יעד {}"),
    "activity/": ("What is expected: {}", "פעילות צפויה: {}"),
    "digest/": ("Digest {}", "סיכום {}"),
    "command/": ("A command", "פקודה"),
    "campaign/": ("A campaign", "קמפיין"),
    "watch/": ("What is watched: {}", "מעקב: {}"),
    "api/": ("Yemot HaMashiach", "ימות המשיח"),
    "sip": ("Phones", "טלפונים"),
    "sms": ("SMS", "מסרונים"),
    "api": ("Yemot HaMashiach", "ימות המשיח"),
    "units": ("Units", "יחידות"),
    "sms_units": ("Units for SMS", "יחידות למסרונים"),
    "caller_id/": ("Caller id {}", "זיהוי יוצא {}"),
    "pirsumphone": ("PirsumPhone", "פרסומפון"),
    "test": ("A test", "בדיקה"),
    "daemon": ("yemotd", "yemotd"),
    "daemon/": ("yemotd", "yemotd"),
}


def word(table: Words, value: object, language: str, other: tuple[str, str] | None = None) -> str:
    """The word of a table for a value; `other`, or the value itself, where it has none."""
    return _in(table.get(str(value), other or (str(value), str(value))), language)


def endpoint_error(said: str, language: str) -> str:
    """Why an endpoint takes no messages, by what its sender said."""
    return _found(_SAID, said, FAILS, language)


def store_error(said: str, language: str) -> str:
    """Why the database cannot be written."""
    return _found(_STORE, said, STORE_FAILS, language)


def difference(said: str, language: str) -> str:
    """Why a member takes nothing on."""
    return _found(_DIFFERS, said, DIFFERS, language)


def watch(name: str, language: str, contacts: Contacts = NOBODY) -> str:
    """What a watch looks at: `phones`, `queue 5`."""
    kind, slash, which = name.partition("/")
    words = _WATCHES.get(f"{kind}/") or _WATCHES.get(kind) if slash else _WATCHES.get(kind)
    if words is None:
        return name
    named = contacts.name_of(f"/{which}") if slash and kind in _OF_EXTENSIONS else None
    return _in(words, language).replace("{}", f"{named} ({which})" if named else which).strip()


def method(name: str, language: str) -> str:
    """What a method of the platform's API is asked about."""
    low = name.lower()
    kind = next((kind for part, kind in _METHODS if part in low), "")
    plain = {"queue": ("queues", "תורים"), "directory": ("folders", "תיקיות")}
    words = plain.get(kind) or _WATCHES.get(kind)
    return _in(words, language) if words else _in(("something", "שאלה"), language)


def thing(subject: str, language: str, contacts: Contacts = NOBODY) -> str:
    """What an event is about: `Phone Dana (0773137770)`."""
    kind, slash, name = subject.partition("/")
    words = _SUBJECTS.get(kind + slash)
    if words is None:
        return contacts.beside(subject)
    named = contacts.name_of(subject)
    if kind == "activity" and name in TYPE_NAMES:
        name = _in(TYPE_NAMES[name], language)  # it is called by what is expected
    shown = watch(name.partition("/")[2], language, contacts) if kind == "watch" else name
    return _in(words, language).replace("{}", f"{named} ({shown})" if named else shown)


def endpoint(name: str, language: str) -> str:
    """How people call an endpoint: by its name, or as what mailboxes share."""
    return _in(TABLES["smtp"], language) if name == "smtp" else name


def _in(words: tuple[str, str], language: str) -> str:
    return words[1 if language == "he" else 0]


def _found(
    table: Sequence[tuple[re.Pattern[str], tuple[str, str]]], said: str, other: tuple[str, str], language: str
) -> str:
    for pattern, words in table:
        if met := pattern.search(said):
            return _in(words, language).format(*met.groups()[:1])
    return _in(other, language)
