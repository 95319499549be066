"""One sentence for people about every event, in English and Hebrew. Pure.

It begins with what the preview of a phone must show: what is wrong, and with what. Nothing here raises:
an event that lacks something gives a sentence with a "?" in its place.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import Any

from daemon.core.alerts.incidents import OUTSIDE_HOURS
from daemon.core.contacts import NOBODY, Contacts
from daemon.core.model import Reason
from daemon.core.numbers import shown
from daemon.core.own_events import ABOUT
from daemon.core.rendering import clock_words, lasting, machine_words
from daemon.core.rendering.phrases_en import ENGLISH, ENGLISH_METRICS, ENGLISH_REASONS
from daemon.core.rendering.phrases_he import HEBREW, HEBREW_METRICS, HEBREW_REASONS
from daemon.core.rendering.type_names import TYPE_NAMES
from daemon.core.timestamps import from_iso
from daemon.core.visible import visible

LONGEST = 300
"""Characters of a text that somebody sent."""
FIRST_STRONG, END = "\u2068", "\u2069"
RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
"""Signs of scripts that run so: the blocks of Unicode that are kept for them."""

CONFIGURED = frozenset({"threshold.above", "threshold.below"})
"""Numbers that somebody wrote, and finds here as they are written there."""
NAMED = frozenset(
    {
        "subject",
        "account.user_name",
        "sms.from",
        "sms.to",
        "callback.phone",
        "caller.phone",
        "agent.name",
        "queue.path",
        "directory.path",
    }
)
"""What may have a name, which then stands beside it."""
NO_LONGER_WATCHED = {"en": "No longer watched", "he": "כבר לא במעקב"}
OUTSIDE_ITS_HOURS = {
    "en": "Outside its hours, so it is not watched now",
    "he": "מחוץ לשעות הפעילות, ולכן לא במעקב כעת",
}
WRITTEN_ANEW = {
    "en": "{}: not set aside any more, but written anew or taken out",
    "he": "{}: ההגדרה נכתבה מחדש או הוסרה",
}
IN_PLACE_OF_ONE = {"en": "in place of an earlier message", "he": "במקום הודעה קודמת"}
IN_PLACE_OF = {"en": "in place of {} earlier messages", "he": "במקום {} הודעות קודמות"}


class Told:
    """The `data` of an event, read by dotted paths; within Hebrew, each value stands apart."""

    def __init__(
        self, data: Mapping[str, Any], language: str, contacts: Contacts = NOBODY, zone: tzinfo = UTC
    ) -> None:
        """`zone`: of the times in it, as people read them."""
        self._data = data
        self._contacts = contacts
        self._zone = zone
        self.language = language

    def __getitem__(self, path: str) -> str:
        """The value at a path, for a sentence, with its name where it has one."""
        return self.isolated(self.named(path))

    def named(self, path: str) -> str:
        """The value at a path, as text, with its name where it has one."""
        text = self.plain(path)
        return self._contacts.beside(text) if path in NAMED else text

    def plain(self, path: str) -> str:
        """The value at a path, as text; "?" where there is none."""
        value = self.value(path)
        if isinstance(value, float):
            value = str(value).removesuffix(".0") if path in CONFIGURED else shown(value)
        return "?" if value is None or isinstance(value, Mapping | list) else one_line(str(value))

    def value(self, path: str) -> Any:
        """The value at a path; None where there is none."""
        value: Any = self._data
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def many(self, path: str) -> str:
        """How many there are at a path."""
        value = self.value(path)
        return self.isolated(str(len(value))) if isinstance(value, list) else self[path]

    def listed(self, path: str, most: int = 5) -> str:
        """The first of what there is at a path."""
        return self._listed(path, most, self._contacts.beside)

    def watches(self, path: str, most: int = 5) -> str:
        """The first of the watches at a path, by what they look at."""
        return self._listed(path, most, lambda one: machine_words.watch(one, self.language, self._contacts))

    def _listed(self, path: str, most: int, name: Callable[[str], str]) -> str:
        value = self.value(path)
        if not isinstance(value, list):
            return self[path]
        names = [one_line(str(one)) for one in value[: most + 1]]
        shown = ", ".join(self.isolated(name(one)) for one in names[:most])
        return shown + (", …" if len(names) > most else "")

    def pairs(self, path: str, most: int = 6) -> str:
        """The first of the names and values at a path, which the platform has: `Phone 0501234567, P050 1`."""
        value = self.value(path)
        found = list(value.items()) if isinstance(value, Mapping) else []
        shown = [self.isolated(f"{one_line(str(name))} {one_line(str(one))}") for name, one in found[:most]]
        return ", ".join(shown) + (", …" if len(found) > most else "")

    def word(self, path: str, table: machine_words.Words, other: tuple[str, str] | None = None) -> str:
        """What a machine's word at a path is called by people."""
        return self.isolated(machine_words.word(table, self.plain(path), self.language, other))

    def because(self, path: str, say: Callable[[str, str], str]) -> str:
        """What a text of the machine at a path means, by one of `machine_words`."""
        return self.isolated(say(self.plain(path), self.language))

    def endpoint(self, path: str) -> str:
        """What people call the endpoint at a path."""
        return self.isolated(machine_words.endpoint(self.plain(path), self.language))

    def moment(self, path: str) -> str:
        """The time at a path, in the zone of the reader."""
        return self.isolated(clock_words.told_time(self.value(path), self._zone, self.language) or "?")

    def local(self, path: str) -> str:
        """The platform's local time at a path."""
        return self.isolated(clock_words.local_time(self.value(path), self.language) or self.plain(path))

    def since(self, words: str, path: str) -> str:
        """Words with the time at a path in them, in the zone of the reader; "" where there is none."""
        return "" if self.value(path) is None else words.format(self.moment(path))

    def lasting(self, path: str) -> str:
        """How long it is, where the configuration's own spelling stands at a path."""
        return self.isolated(lasting.written(self.plain(path), self.language))

    def type_name(self, path: str) -> str:
        """What the type of event at a path is called."""
        return self.isolated(type_name(self.value(path), self.language))

    def day(self, path: str) -> str:
        """The date at a path."""
        return self.isolated(clock_words.day(self.value(path), self.language) or self.plain(path))

    def thing(self) -> str:
        """What it is about: `Phone Dana (0773137770)`."""
        return self.isolated(machine_words.thing(self.plain("subject"), self.language, self._contacts))

    def lists(self, words: Mapping[str, str], most: int = 5) -> str:
        """What there is at some paths, of whatever kind, each behind its word; "" where there is nothing."""
        text = ""
        for path, word in words.items():
            kinds = self.value(path)
            each = kinds.items() if isinstance(kinds, Mapping) else ()
            found = [
                self._part(kind, one) for kind, names in each if isinstance(names, list) for one in names
            ]
            shown = ", ".join(map(self.isolated, found[:most]))
            text += f"; {word}: {shown}{', …' if len(found) > most else ''}" if found else ""
        return text

    def _part(self, kind: str, name: object) -> str:
        """A part of the configuration, by its kind: `phones (main)` of a watch."""
        said = one_line(str(name))
        system, slash, watch = said.partition("/")
        if kind == "watches" and slash:
            return f"{machine_words.watch(watch, self.language, self._contacts)} ({system})"
        return machine_words.word(machine_words.TABLES, said, self.language) if kind == "settings" else said

    def told(self, words: str, path: str) -> str:
        """Words with the value at a path in them; "" where there is none."""
        return "" if self.value(path) is None else words.format(self[path])

    def timed(self, words: str, path: str) -> str:
        """Words with the time at a path in them, in UTC, for who reads it where is not known; "" where there
        is none."""
        moment = from_iso(self.value(path))
        return "" if moment is None else words.format(self.isolated(f"{moment:%Y-%m-%d %H:%M} UTC"))

    def metric(self) -> str:
        """The name of a threshold's metric."""
        names = HEBREW_METRICS if self.language == "he" else ENGLISH_METRICS
        return names.get(self.plain("threshold.metric"), self.plain("threshold.metric"))

    def limit(self) -> str:
        """The value that a threshold compares with."""
        return self["threshold.above" if self.value("threshold.above") is not None else "threshold.below"]

    def queue(self) -> str:
        """How people call a queue: as the configuration does, else by its path."""
        is_named = self.value("queue.name") not in (None, "", self.value("queue.path"))
        return self["queue.name" if is_named else "queue.path"]

    def about(self) -> str:
        """What the alert says that this is about; of one that nobody knows, what it is about."""
        phrases = HEBREW if self.language == "he" else ENGLISH
        type_ = self.plain("alert.type")
        phrase = None if type_ in ABOUT else phrases.get(type_)  # which would be about itself
        return self["subject"] if phrase is None else phrase(self)

    def isolated(self, text: str) -> str:
        """A text that keeps its own direction: any within Hebrew, and Hebrew within English."""
        is_apart = self.language == "he" or RIGHT_TO_LEFT.search(text)
        return FIRST_STRONG + text + END if is_apart else text


def sentence(event: Mapping[str, Any], language: str, contacts: Contacts = NOBODY, zone: tzinfo = UTC) -> str:
    """What an event tells; `event` is its parsed body, `language` "en" or "he", `zone` that of the reader."""
    told = _told(event, language, contacts, zone)
    reason = told.plain("alert.reason")
    phrases, reasons = (HEBREW, HEBREW_REASONS) if language == "he" else (ENGLISH, ENGLISH_REASONS)
    phrase = phrases.get(str(event.get("type")))
    if told.value("alert.cause") == OUTSIDE_HOURS:
        text = _unseen(told, OUTSIDE_ITS_HOURS) + (
            "" if reason == Reason.RESOLVED.value else reasons.get(reason, "")
        )
    elif Reason.REMOVED.value in (reason, told.value("alert.end")):
        text = _removed(told) + ("" if reason == Reason.REMOVED.value else reasons.get(reason, ""))
    elif phrase is None:
        text = notice(event, language, contacts)
    else:
        is_escalated = told.value("alert.escalation") is not None
        text = phrase(told) + reasons.get("escalated" if is_escalated else reason, "")
    return text + _in_place_of(told)


def _removed(told: Told) -> str:
    """Of what is looked at no more: its event is a resolve, but nobody has seen that it is well again."""
    if told.value("wish.setting") is not None:
        setting = told.word("wish.setting", machine_words.SETTINGS, machine_words.A_SETTING)
        return f"{told['wish.name']}: {WRITTEN_ANEW[told.language].format(setting)}"
    return _unseen(told, NO_LONGER_WATCHED)


def _unseen(told: Told, words: Mapping[str, str]) -> str:
    if told.value("threshold.metric") is not None:
        what = f"{told.queue()}, {told.isolated(told.metric())}"
    else:
        what = told.thing()
    return f"{words[told.language]}: {what}"


def notice(event: Mapping[str, Any], language: str, contacts: Contacts = NOBODY) -> str:
    """What can be said of an event without its content: its type, what it is about, and how that stands."""
    told = _told(event, language, contacts)
    stands = [
        told.word(path, table)
        for path, table in (
            ("alert.status", machine_words.STATUSES),
            ("alert.severity", machine_words.SEVERITIES),
        )
        if told.value(path)
    ]
    what = told.isolated(type_name(event.get("type"), told.language))
    return f"{what}: {told.thing()}" + (f" ({', '.join(stands)})" if stands else "")


def type_name(event_type: object, language: str) -> str:
    """What a type of event is called; of one that only another version knows, its own name."""
    words = TYPE_NAMES.get(str(event_type))
    return one_line(str(event_type)) if words is None else words[1 if language == "he" else 0]


def _told(event: Mapping[str, Any], language: str, contacts: Contacts = NOBODY, zone: tzinfo = UTC) -> Told:
    data = event.get("data")
    known = data if isinstance(data, Mapping) else {}
    return Told(known, "he" if language == "he" else "en", contacts, zone)


def _in_place_of(told: Told) -> str:
    """How many older messages of the same thing did not arrive, and never will."""
    counted = [told.value("superseded"), told.value("alert.superseded")]
    older = max((one for one in counted if isinstance(one, int)), default=0)
    if older <= 0:
        return ""
    text = IN_PLACE_OF_ONE[told.language] if older == 1 else IN_PLACE_OF[told.language]
    return ", " + text.format(told.isolated(str(older)))


def closed(text: str, most: int) -> str:
    """A text of our own on one line, cut to so many characters, with every isolate closed."""
    line = " ".join(text.split())
    if len(line) > most:
        line = line[: most - 1] + "…"
    return line + END * (line.count(FIRST_STRONG) - line.count(END))


def one_line(text: str) -> str:
    """A text that somebody sent, as part of a sentence: one line, cut, and nothing in it is obeyed."""
    line = " ".join(lines(text).split())
    if len(line) <= LONGEST:
        return line
    # One more than there is room for: a word that ends there is whole. One without end is cut in it.
    words = line[:LONGEST].rpartition(" ")[0]
    return (words if len(words) * 2 > LONGEST else line[: LONGEST - 1]) + "…"


def lines(text: str) -> str:
    """A text that somebody sent, whole, with its line breaks, and nothing else in it is obeyed."""
    return visible(text.replace("\r\n", "\n").replace("\r", "\n"))
