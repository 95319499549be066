"""A message as its reader reads it: the language, the times of the zone, what is left out. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from daemon.core.delivery.outcome import Message
from daemon.core.model import Severity
from daemon.core.rendering.formats import redacted
from daemon.core.rendering.mail_words import WORDS
from daemon.core.rendering.mails import Style
from daemon.core.rendering.phrases import Told, sentence
from daemon.core.timestamps import from_iso

NAMED: Mapping[str, tuple[str, str]] = {
    "sip": ("account", "user_name"),
    "queue": ("queue", "path"),
    "endpoint": ("endpoint", "name"),
}
"""Where an event says what the second part of its subject says, by the first."""
SEVERITIES = tuple(severity.value for severity in Severity)


@dataclass(frozen=True)
class ToldMessage:
    """One message, read for one reader."""

    message: Message
    event: Mapping[str, Any]
    style: Style

    @cached_property
    def data(self) -> Told:
        return Told(self.event["data"], self.style.language)

    @cached_property
    def sentence(self) -> str:
        return sentence(self.event, self.style.language)

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def incident(self) -> str | None:
        incident = self.data.value("alert.incident")
        return str(incident) if incident else None

    @property
    def is_over(self) -> bool:
        return bool(self.data.value("alert.status") == "resolved")

    @property
    def badness(self) -> tuple[bool, int, str]:
        """For sorting: what goes on, the most severe, the longest."""
        severity = self.data.plain("alert.severity")
        rank = SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
        return self.is_over, rank, self.data.plain("alert.started_at")

    def say(self, word: str, *values: str) -> str:
        """Our own words, with these values in them."""
        return WORDS[self.style.language][word].format(*(self.data.isolated(one) for one in values))

    def time(self, path: str) -> str | None:
        """The time at a path of the data, as people of the zone read it."""
        moment = from_iso(self.data.value(path))
        return clock_time(moment, self.style) if moment else None

    @property
    def at(self) -> str:
        """When it was observed."""
        moment = from_iso(self.event.get("timestamp"))
        return clock_time(moment, self.style) if moment else "?"


def clock_time(moment: datetime, style: Style) -> str:
    """`2026-11-23 14:02:05 (UTC+02:00)`, in the zone of the reader."""
    local = moment.astimezone(style.zone)
    return f"{_date(local, style)} {local:%H:%M:%S} {_offset(local)}"


def clock_times(first: datetime, last: datetime, style: Style) -> tuple[str, str]:
    """Two times for one sentence: the second without what it shares with the first."""
    one, other = first.astimezone(style.zone), last.astimezone(style.zone)
    if (one.date(), one.utcoffset()) != (other.date(), other.utcoffset()):
        return clock_time(first, style), clock_time(last, style)
    return f"{_date(one, style)} {one:%H:%M:%S}", f"{other:%H:%M:%S} {_offset(other)}"


def _date(local: datetime, style: Style) -> str:
    return local.strftime("%d.%m.%Y" if style.language == "he" else "%Y-%m-%d")


def _offset(local: datetime) -> str:
    offset = local.strftime("%z")
    return f"(UTC{offset[:3]}:{offset[3:5]})"


def duration(seconds: float, language: str) -> str:
    """`2 h 5 min`: the two largest units."""
    left, parts = max(int(seconds), 0), []
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)):
        many, left = divmod(left, size)
        if many:
            parts.append(WORDS[language][unit].format(many))
    return " ".join(parts[:2]) or WORDS[language]["seconds"].format(0)


def _named(subject: str) -> dict[str, Any]:
    """What an event says of its subject, where only that is known."""
    kind, _, name = subject.partition("/")
    part, field = NAMED.get(kind, ("", ""))
    return {part: {field: name}} if part and name else {}


def held(digest: ToldMessage) -> Iterator[ToldMessage]:
    """The incidents that a quiet window held back, each as an event that tells how it stands.

    Digests of before say nothing of an incident but its subject.
    """
    incidents = digest.data.value("quiet.incidents")
    for line in incidents if isinstance(incidents, list) else ():
        if isinstance(line, Mapping):
            data = {**_named(str(line.get("subject"))), **line, "alert": line}
            event = {"type": line.get("type"), "timestamp": digest.event.get("timestamp"), "data": data}
            yield ToldMessage(digest.message, event, digest.style)


def read(message: Message, style: Style) -> ToldMessage:
    """A message for the mailbox of this style, without what that redacts."""
    event = json.loads(message.body)
    if message.superseded:
        event["data"]["superseded"] = message.superseded
    return ToldMessage(message, redacted(event, style.redact) if style.redact else event, style)
