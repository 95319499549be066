r"""What becomes of a delivery after an attempt.

          a                b
    pending ----> leased ----> delivered
       ^            |  \  c
       |     d      |   `---> dead
       `------------'

    a  claimed by the dispatcher              c  refused for good, or the schedule is used up
    b  any 2xx                                d  failed; due again by the schedule

    waiting: behind an older delivery of its lane (endpoint and subject); pending when that one ends.

Pure. A lane keeps its order: what is behind a failing delivery waits for it, what is in other lanes
does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

MAX_RETRY_AFTER = timedelta(hours=4)
JITTER_SHARE = 0.2


class Status(Enum):
    """Where a delivery stands."""

    WAITING = "waiting"
    PENDING = "pending"
    LEASED = "leased"
    DELIVERED = "delivered"
    DEAD = "dead"
    SUPERSEDED = "superseded"
    """Nobody need be told it any more: a newer event of the same incident says how it stands."""


OPEN = (Status.WAITING, Status.PENDING, Status.LEASED)


class Outcome(Enum):
    """How an attempt ended."""

    ACCEPTED = "accepted"
    """Any 2xx."""
    UNREACHABLE = "unreachable"
    """No connection, reset, TLS, DNS, 5xx, 404, 408, or a redirect, which is never followed."""
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    """429, or 503 with Retry-After."""
    FORBIDDEN = "forbidden"
    """401, 403: a matter of the endpoint, not of this message."""
    GONE = "gone"
    """410: the receiver wants no more of anything."""
    REFUSED = "refused"
    """Another 4xx: a matter of this message."""
    GUARDED = "guarded"
    """The address is not one that this endpoint may lead to."""


FINAL = frozenset({Outcome.GONE, Outcome.REFUSED})


@dataclass(frozen=True)
class Message:
    """One delivery, as a sender needs it."""

    delivery: int
    token: str
    """Of the lease; a result under another token comes too late and is dropped."""
    endpoint: str
    lane: str
    event: str
    event_type: str
    body: bytes
    attempt: int
    """From 1."""


@dataclass(frozen=True)
class Attempted:
    """How one attempt of one message ended."""

    message: Message
    outcome: Outcome
    started_at: datetime
    took: timedelta
    http_status: int | None = None
    error: str | None = None
    """For people; what the transport said."""
    response_head: str | None = None
    """The beginning of the answer's body."""
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class Next:
    """What follows an attempt."""

    status: Status
    due_at: datetime | None = None


def after(attempted: Attempted, now: datetime, jitter: float, retries: Sequence[timedelta]) -> Next:
    """The delivery's next status; `jitter` in [0, 1) spreads retries that failed together.

    `retries` are the waits after each failed attempt; when they are used up the delivery is dead.
    """
    if attempted.outcome is Outcome.ACCEPTED:
        return Next(Status.DELIVERED)
    number = attempted.message.attempt
    if attempted.outcome in FINAL or number > len(retries):
        return Next(Status.DEAD)
    # Upwards only: a Retry-After is a floor, and jitter that fires early breaks it.
    wait = retries[number - 1] * (1 + JITTER_SHARE * jitter)
    if attempted.retry_after is not None:
        wait = max(wait, min(attempted.retry_after, MAX_RETRY_AFTER) * (1 + JITTER_SHARE * jitter))
    return Next(Status.PENDING, now + wait)
