r"""What becomes of a delivery after an attempt.

          a                b
    pending ----> leased ----> delivered
       ^            |  \  c
       |     d      |   `---> dead
       `------------'

    a  claimed by the dispatcher              c  refused for good, or the schedule is used up
    b  any 2xx                                d  failed; due again by the schedule

    waiting: behind an older delivery of its lane (endpoint and subject); pending when that one ends.

Pure. What an attempt says of the endpoint, rather than of the message, is the matter of `breaker.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

MAX_RETRY_AFTER = timedelta(hours=4)
"""The longest wait that a receiver is granted: one that says days by mistake is asked again the same day."""
MIN_PAUSE = timedelta(seconds=1)
"""The shortest, where it asks for none: Retry-After counts whole seconds (RFC 9110, section 10.2.3)."""
JITTER_SHARE = 0.2
"""By how much a wait is longer at most, so that what failed together does not come back together."""
OUR_OUTAGE = timedelta(seconds=15)
"""The wait while the fault is our own network's."""


class Status(Enum):
    """Where a delivery stands."""

    WAITING = "waiting"
    PENDING = "pending"
    LEASED = "leased"
    DELIVERED = "delivered"
    DEAD = "dead"
    UNKNOWN = "unknown"
    """It may have arrived or not, and is not sent again, for each costs money. The store has it as delivered,
    with an error, so that a release before this one tells nothing twice."""
    SUPERSEDED = "superseded"
    """Nobody need be told it any more: a newer event of its subject says how it stands."""


OPEN = (Status.WAITING, Status.PENDING, Status.LEASED)


class Outcome(Enum):
    """How an attempt ended."""

    ACCEPTED = "accepted"
    """Any 2xx."""
    UNRESOLVED = "unresolved"
    """The name has no address, or nobody could be asked."""
    UNREACHABLE = "unreachable"
    """No connection, or one that broke before an answer was there."""
    UNTRUSTED = "untrusted"
    """TLS: a certificate that does not hold, or no common ground."""
    TIMEOUT = "timeout"
    FAILED = "failed"
    """5xx, 404, 408, 425: it may do better later."""
    REDIRECTED = "redirected"
    """3xx, which is never followed: it would carry a signed body elsewhere."""
    THROTTLED = "throttled"
    """429, or 503 with Retry-After."""
    FORBIDDEN = "forbidden"
    """401, 403, 407, or a login that a mail server refuses: a matter of the endpoint, not of this message."""
    GONE = "gone"
    """410: the receiver wants no more of anything."""
    REFUSED = "refused"
    """Another 4xx: a matter of this message."""
    GUARDED = "guarded"
    """The address is not one that this endpoint may lead to."""

    __hash__ = object.__hash__
    """As good as `Enum`'s, as each is there once; that one is in Python, and attempts are counted by it."""


FINAL = frozenset({Outcome.GONE, Outcome.REFUSED})
NETWORK = frozenset({Outcome.UNRESOLVED, Outcome.UNREACHABLE, Outcome.TIMEOUT})
"""What our own network's failure looks like, too."""
ANSWERED = frozenset(Outcome) - NETWORK - {Outcome.UNTRUSTED, Outcome.GUARDED}
"""Somebody at the other end spoke HTTP."""


class Message(NamedTuple):
    """One delivery, as a sender needs it. A tuple: tens of thousands are made each second."""

    delivery: int
    token: str
    """Of the lease; a result under another token comes too late and is dropped."""
    endpoint: str
    lane: str
    event: str
    event_type: str
    body: bytes
    attempt: int
    """From 1; every try counts."""
    failures: int = 0
    """Attempts that failed and count towards the schedule."""
    superseded: int = 0
    """Older states of the same subject that this one stands for."""
    is_early: bool = False
    """Tried before it was due, to learn whether the endpoint is back: a failure does not count."""
    again_at: datetime | None = None
    """When it is due by its schedule, where it was made due before that."""
    names: str | None = None
    """JSON: the names of those that the event tells of, as they were when it was recorded."""


class Phases(NamedTuple):
    """When the parts of an attempt were done, in microseconds from its start; 0: not reached."""

    resolved: int = 0
    connected: int = 0
    secured: int = 0
    """TLS; 0 without."""
    answered: int = 0
    """The first byte of the answer."""
    total: int = 0


class Attempted(NamedTuple):
    """How one attempt of one message ended."""

    message: Message
    outcome: Outcome
    started_at: datetime
    phases: Phases = Phases()
    http_status: int | None = None
    error: str | None = None
    """For people; what the transport said."""
    response_head: str | None = None
    """The beginning of the answer's body."""
    retry_after: timedelta | None = None
    address: str | None = None
    """Where it led, after resolution."""
    is_own: bool = False
    """Of an endpoint that shares a server with others: it is this one that failed, and none of them."""
    is_our_fault: bool = False
    """Nothing left: it could not be made. That says nothing of the endpoint."""
    is_unknown: bool = False
    """It may have arrived, and is not tried again; `outcome` says how the answer was lost."""

    @property
    def took(self) -> timedelta:
        return timedelta(microseconds=self.phases.total)

    @property
    def why(self) -> str | None:
        """The failure in one line."""
        return self.error or (f"HTTP {self.http_status}" if self.http_status else None)


@dataclass(frozen=True)
class Next:
    """What follows an attempt."""

    status: Status
    due_at: datetime | None = None
    counts: bool = False
    """The attempt counts towards the schedule."""


DELIVERED = Next(Status.DELIVERED)
DEAD = Next(Status.DEAD)
UNKNOWN = Next(Status.UNKNOWN)


def after(
    attempted: Attempted,
    now: datetime,
    jitter: float,
    retries: Sequence[timedelta],
    *,
    is_our_outage: bool = False,
) -> Next:
    """The delivery's next status; `jitter` in [0, 1) spreads retries that failed together.

    `retries` are the waits after each failed attempt; when they are used up the delivery is dead. What
    is not the message's fault is put back without counting: a throttled endpoint, our own network.
    """
    if attempted.outcome is Outcome.ACCEPTED:
        return DELIVERED
    if attempted.is_unknown:
        return UNKNOWN
    failures = attempted.message.failures
    unearned = _unearned(attempted, retries, is_our_outage=is_our_outage)
    if attempted.outcome in FINAL or (unearned is None and failures >= len(retries)):
        return DEAD
    if attempted.message.again_at is not None and _is_by_schedule(attempted, is_our_outage=is_our_outage):
        # No later than a wait of the schedule from now, whatever was done to the clock since.
        latest = now + retries[min(max(failures - 1, 0), len(retries) - 1)] * (1 + JITTER_SHARE)
        return Next(Status.PENDING, min(max(attempted.message.again_at, now), latest))
    wait = retries[failures] if unearned is None else unearned
    # Upwards only: a Retry-After is a floor, and jitter that fires early breaks it.
    return Next(Status.PENDING, now + wait * (1 + JITTER_SHARE * jitter), counts=unearned is None)


def _unearned(attempted: Attempted, retries: Sequence[timedelta], *, is_our_outage: bool) -> timedelta | None:
    """The wait after a failure that is not the message's; None where it is."""
    if is_our_outage:
        return OUR_OUTAGE
    if attempted.outcome is Outcome.THROTTLED:
        return pause(attempted.retry_after)  # what it really waits for is the endpoint's pause
    if attempted.message.is_early and retries:
        return retries[min(attempted.message.failures, len(retries) - 1)]
    return None


def _is_by_schedule(attempted: Attempted, *, is_our_outage: bool) -> bool:
    """Whether a failure tells nothing of when to try again."""
    return not is_our_outage and attempted.outcome is not Outcome.THROTTLED


def pause(retry_after: timedelta | None) -> timedelta:
    """How long a receiver may ask us to wait: at least `MIN_PAUSE`, at most `MAX_RETRY_AFTER`."""
    return min(max(retry_after or MIN_PAUSE, MIN_PAUSE), MAX_RETRY_AFTER)
