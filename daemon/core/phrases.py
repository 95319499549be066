"""One sentence for people about every event, in English and Hebrew. Pure.

It begins with what the preview of a phone must show: what is wrong, and with what. Nothing here raises:
an event that lacks something gives a sentence with a "?" in its place.
"""

from collections.abc import Callable, Mapping
from typing import Any

from daemon.core.phrases_en import ENGLISH, ENGLISH_METRICS, ENGLISH_REASONS
from daemon.core.phrases_he import HEBREW, HEBREW_METRICS, HEBREW_REASONS

LONGEST = 300
"""Characters of a text that somebody sent."""
FIRST_STRONG, END = "\u2068", "\u2069"

Phrase = str | Callable[["Told"], str]


class Told:
    """The `data` of an event, read by dotted paths; within Hebrew, each value stands apart."""

    def __init__(self, data: Mapping[str, Any], language: str) -> None:
        self._data = data
        self._language = language

    def __getitem__(self, path: str) -> str:
        """The value at a path, for a sentence."""
        return self.isolated(self.plain(path))

    def plain(self, path: str) -> str:
        """The value at a path, as text; "?" where there is none."""
        value = self.value(path)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = "?" if value is None or isinstance(value, Mapping | list) else str(value)
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

    def value(self, path: str) -> Any:
        """The value at a path; None where there is none."""
        value: Any = self._data
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def many(self, path: str) -> str:
        """How many there are at a path."""
        value = self.value(path)
        return self.isolated(str(len(value)) if isinstance(value, list) else "?")

    def listed(self, path: str, most: int = 5) -> str:
        """The first of what there is at a path."""
        value = self.value(path)
        names = [str(one) for one in value] if isinstance(value, list) else []
        shown = ", ".join(self.isolated(one) for one in names[:most])
        return shown + (", …" if len(names) > most else "")

    def metric(self) -> str:
        """The name of a threshold's metric."""
        names = HEBREW_METRICS if self._language == "he" else ENGLISH_METRICS
        return names.get(self.plain("threshold.metric"), self.plain("threshold.metric"))

    def limit(self) -> str:
        """The value that a threshold compares with."""
        return self["threshold.above" if self.value("threshold.above") is not None else "threshold.below"]

    def queue(self) -> str:
        """How people call a queue."""
        return self["queue.name" if self.value("queue.name") else "queue.path"]

    def isolated(self, text: str) -> str:
        """A text that keeps its own direction within Hebrew."""
        return FIRST_STRONG + text + END if self._language == "he" else text


def sentence(event: Mapping[str, Any], language: str) -> str:
    """What an event tells; `event` is its parsed body, `language` "en" or "he"."""
    data = event.get("data")
    told = Told(data if isinstance(data, Mapping) else {}, language)
    phrases, reasons = (HEBREW, HEBREW_REASONS) if language == "he" else (ENGLISH, ENGLISH_REASONS)
    phrase = phrases.get(str(event.get("type")))
    text = f"{event.get('type')}: {told['subject']}" if phrase is None else phrase(told)
    return text + reasons.get(told.plain("alert.reason"), "")
