"""A mail to be, as a value: what it holds, and what its mailbox wants of it. Pure.

`mail_grouping.py` says which messages share a mail, `mail_writing.py` what stands in it; the senders put it
into a letter and on the wire.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import Enum

from daemon.core.alerts.incidents import Incident
from daemon.core.contacts import NOBODY, Contacts
from daemon.core.delivery.outcome import Message
from daemon.core.rendering.digest_letters import DigestLetter


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
    url: str | None = None
    """What links begin with; None: there are none."""
    recording: Callable[[str, datetime], str | None] = field(
        default=lambda _event, _at: None, compare=False, repr=False
    )
    """Where the file of an event is heard that was at a time: a path below `url`; None: nowhere."""


@dataclass(frozen=True)
class Surroundings:
    """What else is true at the moment when a mail is made."""

    at: datetime | None = None
    """That moment; None: it could not be found out, and nothing is said of it."""
    down: tuple[Incident, ...] = ()
    """What lasts, of all that this mailbox wants to be told of, the worst first: as many as can be shown
    beside those that the mail is about."""
    many: int = 0
    """How many last in all."""
    counted: frozenset[str] = frozenset()
    """Of the incidents that the mail is about, those among them."""
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The endpoints that heard of an incident, by the incident, whatever they are called."""
    acknowledge: Callable[[str, datetime], str | None] = field(
        default=lambda _incident, _at: None, compare=False
    )
    """Where an incident is acknowledged that a mail tells of which happened at a time: a path below the `url`
    of the style; None: there is none."""
    contacts: Contacts = NOBODY
    """Names of what is down."""


NOTHING_KNOWN = Surroundings()


@dataclass(frozen=True)
class Act:
    """What its reader may do about an alert."""

    label: str
    command: str | None
    """A line for a shell; None: there is none that would be safe."""
    link: str | None = None
    """An address; None: there is none."""


@dataclass(frozen=True)
class Also:
    """What else is down."""

    heading: str
    """As of when, and how many."""
    lines: tuple[str, ...] = ()
    """The worst of them."""
    more: str | None = None
    """How many are left out."""


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
    acts: tuple[Act, ...] = ()


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
    also: Also | None = None
    """None: nothing is known of that, or it is no matter."""
    note: str | None = None
    """About the mails themselves: that the next ones wait."""
    footer: tuple[str, ...] = ()
    """Ids, for whoever asks why."""
    digest: DigestLetter | None = None
    """In the place of parts, which there are none of then."""
    language: str | None = None
    """Of what it says; None: that of its mailbox."""
