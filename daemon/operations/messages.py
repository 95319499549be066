"""The SMS that came in, the newest first: by sender, and those of one. Nothing is written.

They are the events `sms.received`; their dates are those on which they were seen, which is the order in which
they are stored. Where the clock was set back in between, that order counts.
"""

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from daemon.core.model import Event
from daemon.core.phones import subject_key
from daemon.core.watches.sms import GAP, RECEIVED
from daemon.schemas.redaction import redacted
from daemon.store import latest
from daemon.store.latest import Head, Newest

SENT_BY = "sms/"
WINDOW, SENDERS = 200, 25
"""Messages that are looked at for a list by sender, and how many it has at most: some of the newest, not all
that there ever were."""


@dataclass(frozen=True)
class Message:
    """One SMS."""

    number: int
    """Its place among all events."""
    event: str
    system: str
    sender: str
    """As it was stored."""
    recipient: str
    text: str
    """`[redacted]` to who may not see it."""
    received_at: str | None
    """By its own date; None: it has none that can be read."""
    is_ambiguous: bool
    """Or an hour earlier."""
    seen_at: datetime


@dataclass(frozen=True)
class Conversation:
    """What one sender wrote, of the messages that were looked at."""

    newest: Message
    many: int


@dataclass(frozen=True)
class Span:
    """Which messages to look at; None does not narrow."""

    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    """Only those before this one, by `number`."""


@dataclass(frozen=True)
class Inbox:
    """Some messages by sender, whoever wrote last first."""

    conversations: list[Conversation]
    looked_at: int
    first: datetime | None
    last: datetime | None
    """When the oldest and the newest of them were seen."""
    gaps: list[bytes]
    """The bodies of what says that some may have been missed among them, the newest first."""
    older: int | None
    """Pass it as `before` to go on; None: there are no more."""


def by_sender(db: sa.Connection, span: Span, *, with_text: bool) -> Inbox:
    """The newest messages of a span, by sender; each spelling of a phone is one sender."""
    seen = latest.heads(db, _newest(db, RECEIVED, span, WINDOW + 1))
    shown, of_sender = list[Head](), dict[str, list[int]]()
    for head in seen[:WINDOW]:
        key = subject_key(head.subject)
        if key not in of_sender and len(of_sender) == SENDERS:
            break  # it begins the next page, with all that is older
        shown.append(head)
        of_sender.setdefault(key, []).append(head.number)
    newest = latest.by_number(db, [numbers[0] for numbers in of_sender.values()])
    conversations = [
        Conversation(_message(number, event, with_text=with_text), len(numbers))
        for (number, event), numbers in zip(newest, of_sender.values(), strict=True)
    ]
    gaps: list[tuple[int, Event]] = []
    if shown:
        among = Newest(GAP, shown[-1].number, span.before, limit=WINDOW)
        gaps = latest.read(db, among)
    return Inbox(
        conversations,
        len(shown),
        shown[-1].timestamp if shown else None,
        shown[0].timestamp if shown else None,
        [event.body for _, event in gaps],
        shown[-1].number if len(seen) > len(shown) else None,
    )


def of_sender(
    db: sa.Connection, sender: str, span: Span, limit: int, *, with_text: bool
) -> tuple[list[Message], int | None]:
    """Messages of a sender, a phone in whatever spelling; and what to pass as `before` to go on."""
    wanted = _newest(db, RECEIVED, span, limit + 1)
    found = latest.read_of(db, SENT_BY + sender, wanted)
    messages = [_message(number, event, with_text=with_text) for number, event in found[:limit]]
    return messages, messages[-1].number if len(found) > limit else None


def _newest(db: sa.Connection, type_: str, span: Span, limit: int) -> Newest:
    after = latest.number_at(db, span.since) if span.since else 0
    ends = [span.before] if span.before is not None else []
    if span.until is not None:
        ends.append(latest.number_at(db, span.until))
    return Newest(type_, after, min(ends, default=None), limit)


def _message(number: int, event: Event, *, with_text: bool) -> Message:
    body = event.body if with_text else redacted(event.body)
    found = json.loads(body)["data"].get("sms")
    sms = found if isinstance(found, dict) else {}
    return Message(
        number,
        event.id,
        event.system,
        event.subject.removeprefix(SENT_BY),
        str(sms.get("to") or ""),
        str(sms.get("text") or ""),
        sms.get("received_at"),
        bool(sms.get("received_at_is_ambiguous")),
        event.timestamp,
    )
