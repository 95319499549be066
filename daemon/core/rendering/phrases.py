"""One sentence for people about every event, in English and Hebrew. Pure.

It begins with what the preview of a phone must show: what is wrong, and with what. Nothing here raises:
an event that lacks something gives a sentence with a "?" in its place.
"""

from collections.abc import Mapping
from typing import Any

from daemon.core.model import Reason
from daemon.core.numbers import shown
from daemon.core.rendering.phrases_en import ENGLISH, ENGLISH_METRICS, ENGLISH_REASONS
from daemon.core.rendering.phrases_he import HEBREW, HEBREW_METRICS, HEBREW_REASONS
from daemon.core.visible import visible

LONGEST = 300
"""Characters of a text that somebody sent."""
FIRST_STRONG, END = "\u2068", "\u2069"

CONFIGURED = frozenset({"threshold.above", "threshold.below"})
"""Numbers that somebody wrote, and finds here as they are written there."""
NO_LONGER_WATCHED = {"en": "No longer watched", "he": "כבר לא במעקב"}
WRITTEN_ANEW = {
    "en": "{} is not set aside any more: it was written anew, or taken out",
    "he": "ההגדרה {} אינה מונחת עוד בצד: היא נכתבה מחדש או הוסרה",
}
IN_PLACE_OF_ONE = {"en": "in place of an earlier message", "he": "במקום הודעה קודמת"}
IN_PLACE_OF = {"en": "in place of {} earlier messages", "he": "במקום {} הודעות קודמות"}


class Told:
    """The `data` of an event, read by dotted paths; within Hebrew, each value stands apart."""

    def __init__(self, data: Mapping[str, Any], language: str) -> None:
        self._data = data
        self.language = language

    def __getitem__(self, path: str) -> str:
        """The value at a path, for a sentence."""
        return self.isolated(self.plain(path))

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
        value = self.value(path)
        if not isinstance(value, list):
            return self[path]
        names = [one_line(str(one)) for one in value]
        shown = ", ".join(self.isolated(one) for one in names[:most])
        return shown + (", …" if len(names) > most else "")

    def lists(self, words: Mapping[str, str], most: int = 5) -> str:
        """What there is at some paths, of whatever kind, each behind its word; "" where there is nothing."""
        text = ""
        for path, word in words.items():
            kinds = self.value(path)
            each = list(kinds.values()) if isinstance(kinds, Mapping) else []
            found = [one for names in each if isinstance(names, list) for one in names]
            shown = ", ".join(self.isolated(one_line(str(one))) for one in found[:most])
            text += f"; {word}: {shown}{', …' if len(found) > most else ''}" if found else ""
        return text

    def metric(self) -> str:
        """The name of a threshold's metric."""
        names = HEBREW_METRICS if self.language == "he" else ENGLISH_METRICS
        return names.get(self.plain("threshold.metric"), self.plain("threshold.metric"))

    def limit(self) -> str:
        """The value that a threshold compares with."""
        return self["threshold.above" if self.value("threshold.above") is not None else "threshold.below"]

    def queue(self) -> str:
        """How people call a queue."""
        return self["queue.name" if self.value("queue.name") else "queue.path"]

    def isolated(self, text: str) -> str:
        """A text that keeps its own direction within Hebrew."""
        return FIRST_STRONG + text + END if self.language == "he" else text


def sentence(event: Mapping[str, Any], language: str) -> str:
    """What an event tells; `event` is its parsed body, `language` "en" or "he"."""
    told = _told(event, language)
    reason = told.plain("alert.reason")
    phrases, reasons = (HEBREW, HEBREW_REASONS) if language == "he" else (ENGLISH, ENGLISH_REASONS)
    phrase = phrases.get(str(event.get("type")))
    if Reason.REMOVED.value in (reason, told.value("alert.end")):
        text = _removed(told) + ("" if reason == Reason.REMOVED.value else reasons.get(reason, ""))
    elif phrase is None:
        text = notice(event, language)
    else:
        text = phrase(told) + reasons.get(reason, "")
    return text + _in_place_of(told)


def _removed(told: Told) -> str:
    """Of what is looked at no more: its event is a resolve, but nobody has seen that it is well again."""
    if told.value("wish.setting") is not None:
        return f"{told['wish.name']}: {WRITTEN_ANEW[told.language].format(told['wish.setting'])}"
    if told.value("threshold.metric") is not None:
        what = f"{told.queue()}, {told.isolated(told.metric())}"
    else:
        what = told["subject"]
    return f"{NO_LONGER_WATCHED[told.language]}: {what}"


def notice(event: Mapping[str, Any], language: str) -> str:
    """What can be said of an event without its content: its type and subject, and how things stand."""
    told = _told(event, language)
    stands = [told[f"alert.{name}"] for name in ("status", "severity") if told.value(f"alert.{name}")]
    what = told.isolated(one_line(str(event.get("type"))))
    return f"{what}: {told['subject']}" + (f" ({', '.join(stands)})" if stands else "")


def _told(event: Mapping[str, Any], language: str) -> Told:
    data = event.get("data")
    return Told(data if isinstance(data, Mapping) else {}, "he" if language == "he" else "en")


def _in_place_of(told: Told) -> str:
    """How many older messages of the same thing did not arrive, and never will."""
    counted = [told.value("superseded"), told.value("alert.superseded")]
    older = max((one for one in counted if isinstance(one, int)), default=0)
    if older <= 0:
        return ""
    text = IN_PLACE_OF_ONE[told.language] if older == 1 else IN_PLACE_OF[told.language]
    return ", " + text.format(told.isolated(str(older)))


def one_line(text: str) -> str:
    """A text that somebody sent, as part of a sentence: one line, cut, and nothing in it is obeyed."""
    line = " ".join(lines(text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def lines(text: str) -> str:
    """A text that somebody sent, whole, with its line breaks, and nothing else in it is obeyed."""
    return visible(text.replace("\r\n", "\n").replace("\r", "\n"))
