"""Who is still to be called back: one line for each phone of a system that called and was not answered. Pure.

    due     nobody answered a caller of a queue, or he asked the platform to be called back
    done    answered    the same phone was answered in a queue of the system, after it had been missed
            called      a campaign of ours dialled it
            by_hand     somebody said so
            gone        it is in the platform's call-back list no more; why, the platform does not say
            expired     a week went by since the last call

Whose number is withheld cannot be called back, and is counted instead. A phone is compared as one, whatever
its spelling (`core/phones.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from daemon.core import phones
from daemon.core.durations import DAY, HOUR
from daemon.core.model import EventRow, EventTypes, Fact, Json
from daemon.core.shapes import listed, maybe, moment, one_of, record, text, whole
from daemon.core.timestamps import iso, iso_or_none

MOST = 10_000
"""Ours. Of a system that are listed at once; whoever is missed beyond that is counted, not listed."""
EXPIRES = 7 * DAY
"""Ours. After the last call somebody is not called back any more."""
KEPT = 8 * DAY
"""Ours. How long it is kept how each caller left: as long as a digest of a week looks back."""
LOG_WITHIN = 12 * HOUR
"""Ours. Within this the platform's log may settle how a caller left; it may write only when the call ends."""
LONGEST_NOTE = 500
"""Ours. Characters."""


class Source(Enum):
    """Where it comes from that somebody is to be called back."""

    QUEUE = "queue"
    """He waited in a queue, and nobody answered."""
    PLATFORM = "platform"
    """He is in a call-back list of the platform."""


class Done(Enum):
    """How it was closed."""

    ANSWERED = "answered"
    CALLED = "called"
    BY_HAND = "by_hand"
    GONE = "gone"
    EXPIRED = "expired"


DUE_TYPE, DONE_TYPE = "queue.callback.due", "queue.callback.done"
_QUEUE = record({"path": text(), "name": text("As it is configured.")}, "The queue that was called last.")
CALLBACK = record(
    {
        "id": text("`cb_…`: for `yemotd missed done`."),
        "phone": text("As the platform spelled it last."),
        "source": one_of(
            [one.value for one in Source],
            "`queue`: nobody answered him there; `platform`: he is in a call-back list of the platform.",
        ),
        "calls": whole("How often nobody answered, since he is listed."),
        "since": moment("When that was first."),
        "last_at": moment("When that was last."),
        "waited_seconds": maybe(
            listed(whole(), "Least and most, of the last call: the wait lies between these. Null: not known.")
        ),
    }
)
EVENTS = EventTypes(
    (DUE_TYPE, DONE_TYPE),
    rows={
        DUE_TYPE: EventRow(
            "Somebody is to be called back: nobody answered him in a queue, which is certain, or he is in a "
            "call-back list of the platform. While he is listed, a further call gives no further event.",
            {"queue": _QUEUE, "callback": CALLBACK},
        ),
        DONE_TYPE: EventRow(
            "That is over.",
            {
                "queue": _QUEUE,
                "callback": CALLBACK,
                "outcome": one_of(
                    [one.value for one in Done],
                    "`answered`: the same phone was answered in a queue since; `called`: a campaign of ours "
                    "dialled it; `by_hand`: somebody said so; `gone`: it left the platform's list, which "
                    "does not say why; `expired`: a week went by.",
                ),
                "by": maybe(text("Who said so; null: nobody had to.")),
                "note": maybe(text("What he wrote.")),
                "closed_at": moment(),
            },
        ),
    },
)


@dataclass(frozen=True)
class Callback:
    """Somebody who is, or was, to be called back."""

    id: str
    system: str
    key: str
    """What the phone is compared by."""
    phone: str
    subject: str
    path: str
    name: str
    source: Source
    calls: int
    since: datetime
    last_at: datetime
    waited: tuple[int, int] | None
    request: str | None = None
    """Of the platform's call-back lists; None: it is in none."""
    closed_at: datetime | None = None
    done: Done | None = None
    closed_by: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Figures:
    """What became of the callers of some time."""

    answered: int = 0
    abandoned: int = 0
    kicked: int = 0
    unknown: int = 0
    unseen: int = 0
    """So many more, at least, gave up, and were seen by nobody."""
    withheld: int = 0
    """Of the abandoned, those who cannot be called back, for they withheld their number."""
    longest_wait_seconds: int | None = None
    """The least that the longest wait can have been; None: of nobody it is known."""


@dataclass(frozen=True)
class Today:
    """What became today of the callers of a queue."""

    system: str
    subject: str
    name: str | None
    """As it is configured; None: nobody has seen it yet."""
    figures: Figures


@dataclass(frozen=True)
class Closed:
    """Somebody who is done with."""

    callback: Callback
    is_new: bool
    """False: it was over before, and stands as it was."""


def key(phone: str) -> str | None:
    """What a phone is compared by; None: it is none, as where the number is withheld."""
    return phones.phone(phone)


def told(one: Callback) -> dict[str, Json]:
    """What an event says of it."""
    return {
        "id": one.id,
        "phone": one.phone,
        "source": one.source.value,
        "calls": one.calls,
        "since": iso(one.since),
        "last_at": iso(one.last_at),
        "waited_seconds": None if one.waited is None else list(one.waited),
    }


def due(one: Callback) -> Fact:
    """That somebody is to be called back."""
    return Fact(DUE_TYPE, one.subject, {"queue": _queue(one), "callback": told(one)})


def done(one: Callback) -> Fact:
    """That this is over."""
    return Fact(
        DONE_TYPE,
        one.subject,
        {
            "queue": _queue(one),
            "callback": told(one),
            "outcome": one.done.value if one.done else None,
            "by": one.closed_by,
            "note": one.note,
            "closed_at": iso_or_none(one.closed_at),
        },
    )


def _queue(one: Callback) -> dict[str, Json]:
    return {"path": one.path, "name": one.name}


def expired_before(now: datetime) -> datetime:
    """Whose last call is no later is not called back any more."""
    return now - EXPIRES


def longest(waited: tuple[int, int] | None) -> timedelta | None:
    """The longest that somebody can have waited; None: not known."""
    return None if waited is None else timedelta(seconds=waited[1])
