"""A message as its reader reads it: the language, the times of the zone, what is left out. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from daemon.core.contacts import NOBODY, Contacts
from daemon.core.delivery.outcome import Message
from daemon.core.model import Severity
from daemon.core.rendering import clock_words, names
from daemon.core.rendering.hidden_fields import redacted
from daemon.core.rendering.mail_words import WORDS
from daemon.core.rendering.mails import Style
from daemon.core.rendering.phrases import Told, closed, sentence

NAMED: Mapping[str, tuple[str, str]] = {
    "sip": ("account", "user_name"),
    "queue": ("queue", "path"),
    "endpoint": ("endpoint", "name"),
}
"""Where an event says what the second part of its subject says, by the first."""
LONGEST_SENTENCE = 600
"""Ours. Characters: of a sentence with five names in it, each of which somebody may have made long."""
LONGEST_BRIEF_NAME = 24
"""Ours. Characters of a name in a subject, which has 60 in all: its number has room behind it."""
SEVERITIES = tuple(severity.value for severity in Severity)


@dataclass(frozen=True)
class ToldMessage:
    """One message, read for one reader."""

    message: Message
    event: Mapping[str, Any]
    style: Style

    @cached_property
    def contacts(self) -> Contacts:
        """Names as they were when the event was recorded: the same messages always make the same mail."""
        return Contacts.of(names.read(self.message.names).items()) if self.message.names else NOBODY

    @cached_property
    def brief(self) -> "ToldMessage":
        """The same with names that leave room for their numbers on one short line, such as a subject."""
        named = names.read(self.message.names) if self.message.names else {}
        short = {number: closed(name, LONGEST_BRIEF_NAME) for number, name in named.items()}
        return replace(self, message=self.message._replace(names=json.dumps(short) if short else None))

    @cached_property
    def data(self) -> Told:
        return Told(self.event["data"], self.style.language, self.contacts, self.style.zone)

    @cached_property
    def sentence(self) -> str:
        said = sentence(self.event, self.style.language, self.contacts, self.style.zone)
        return closed(said, LONGEST_SENTENCE)

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
        return clock_words.told_time(self.data.value(path), self.style.zone, self.style.language)

    @property
    def at(self) -> str:
        """When it was observed."""
        return clock_words.told_time(self.event.get("timestamp"), self.style.zone, self.style.language) or "?"


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
