"""A mail to be, as a value: what it holds, and what its mailbox wants of it. Pure.

`mail_grouping.py` says which messages share a mail, `mail_writing.py` what stands in it; the senders put it
into a letter and on the wire.
"""

from dataclasses import dataclass
from datetime import tzinfo
from enum import Enum

from daemon.core.delivery.outcome import Message


class Tone(Enum):
    """How a part looks."""

    BAD = "bad"
    GOOD = "good"
    PLAIN = "plain"


@dataclass(frozen=True)
class Style:
    """What one mailbox wants."""

    endpoint: str
    """`ops/anna@example.org`: the configured name, and the address."""
    recipient: str
    """As configured, perhaps with a name."""
    sender: str
    language: str
    """en or he."""
    zone: tzinfo
    """Of the times that people read."""
    redact: tuple[str, ...] = ()
    list_name: str = ""


@dataclass(frozen=True)
class Part:
    """One thing that a mail tells."""

    headline: str
    """A sentence without a full stop; values in it are isolated where the language is Hebrew."""
    tone: Tone
    lines: tuple[str, ...] = ()
    """When, for how long, what else: a sentence each."""
    text: str | None = None
    """What somebody wrote, whole, with its line breaks."""
    code: str | None = None
    """The one-time code in it."""
    details: tuple[tuple[str, str], ...] = ()
    """Labels and values."""


@dataclass(frozen=True)
class Mail:
    """One mail to be, all words in the language of its reader."""

    messages: tuple[Message, ...]
    message_id: str
    references: str | None
    """The root of its thread."""
    subject: str
    preheader: str
    """What a phone shows beside the subject."""
    parts: tuple[Part, ...]
    """The newest first, or the worst."""
    more: str | None = None
    """What is left out of a long list, and from when on."""
    note: str | None = None
    """About the mails themselves: that the next ones wait."""
    footer: tuple[str, ...] = ()
    """Ids, for whoever asks why."""
