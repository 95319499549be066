"""The words of the product as values; `product.md`'s glossary is their contract.

Pure: the standard library only, no IO, no clock. Everything that crosses a folder is one of these
frozen values. A failed answer is a value too (`Unknown`), so nobody can mistake it for an observation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

StateT = TypeVar("StateT")

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""What may stand in an event's `data`: exactly what JSON can say."""


class Severity(Enum):
    """How much an alert matters, in PagerDuty's words; declared from most to least."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Verdict(Enum):
    """What one answer says of one condition."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"
    """Not seen: neither registered nor unregistered. Time spent so counts for nothing."""
    OUTSIDE = "outside"
    """It is outside the hours of the condition: not seen either, and what fires is over for who was told."""
    GONE = "gone"
    """The thing itself no longer exists, so nothing can be wrong with it any more."""


class Reason(Enum):
    """Why an alert event is told; goes out as `alert.reason`."""

    FIRST = "first"
    REPEAT = "repeat"
    RESOLVED = "resolved"
    REMOVED = "removed"
    FLAPPING = "flapping"
    CATCH_UP = "catch_up"


class Failure(Enum):
    """How a call of the telephony API failed: whose fault it is, and what follows."""

    UNREACHABLE = "unreachable"
    """No connection: name not resolved, refused, reset, TLS not trusted."""
    TIMEOUT = "timeout"
    """Connected or not, the deadline passed before the answer was complete."""
    FILTERED = "filtered"
    """Something answered that is not the API: an HTML page, HTTP 418, a captive portal."""
    SERVER_ERROR = "server_error"
    """The API itself failed: HTTP 5xx, or an exception in its envelope."""
    THROTTLED = "throttled"
    """The API asks us to wait (HTTP 429, or "wait 55s" in its envelope)."""
    TOKEN_REJECTED = "token_rejected"  # noqa: S105 - a name, no password
    """The token is wrong, expired, or wants a second factor."""
    REFUSED = "refused"
    """The API understood and says no: not supported, not configured, not enough units."""
    MALFORMED = "malformed"
    """JSON that says OK but lacks what the method promises, or an answer that was cut short."""
    OURS = "our_fault"
    """An error of our own in asking, reading or comparing; of the API it says nothing."""


@dataclass(frozen=True)
class Unknown:
    """A failed answer. It moves no state; it is an observation of the API itself."""

    failure: Failure
    message: str
    """For people: says what happened, never contains a token."""
    code: int | None = None
    """The API's `messageCode`, or the HTTP status where there was no envelope."""
    retry_after: timedelta | None = None
    is_unsent: bool = False
    """Not one byte of the request left this machine: nothing can have come of it."""


@dataclass(frozen=True)
class Fact:
    """Something that happened, before it has an id: an SMS, an account added, an alert that turned."""

    type: str
    subject: str
    payload: Mapping[str, Json]
    incident: str | None = None
    """Of an alert's event; whom it is told is then the ledger's matter. None: it stands alone."""


@dataclass(frozen=True)
class StandIn:
    """Of a kind that is told instead of others, and so before them: where its alert is to be found."""

    key: str
    """Of its alert; `{}` in it is the key of the alert that it is told instead of."""
    members: tuple[str, ...] = ()
    """Where its payload lists whom it tells of, key within key; (): it tells of one thing."""

    def key_for(self, key: str) -> str:
        """The key of the alert that is told instead of the one with this key."""
        return self.key.format(key)


@dataclass(frozen=True)
class AlertKind:
    """A pair of event types, the one that fires and the one that takes it back; and what is told instead.

    What is told instead has to say where it is found: raises ValueError.
    """

    fires: str
    resolves: str
    _: KW_ONLY
    stands_in: StandIn | None = None
    """None: it is told for itself alone."""
    folded_into: "AlertKind | None" = None
    """What is told instead while there are many at once."""
    flaps_as: "AlertKind | None" = None
    """What is told instead while it comes and goes."""

    def __post_init__(self) -> None:
        for instead in (self.folded_into, self.flaps_as):
            if instead is not None and instead.stands_in is None:
                raise ValueError(
                    f"{self.fires} cannot be told as {instead.fires}, which stands in for nothing"
                )


Schema: TypeAlias = "Mapping[str, Json]"
"""A JSON Schema, of the draft 2020-12, as OpenAPI 3.1 takes it."""


@dataclass(frozen=True)
class EventRow:
    """What is to be known of an event type; `core/shapes.py` spells its fields."""

    when: str
    """When it comes: a sentence or two."""
    data: Mapping[str, Schema]
    """The fields of `data`, beside those that every event has, and `alert`."""
    optional: Mapping[str, Schema] = field(default_factory=dict)
    """Those that may be missing."""


@dataclass(frozen=True)
class EventTypes:
    """The event types that one part of the daemon gives. Raises ValueError where more is said of a type that
    it does not give."""

    facts: tuple[str, ...] = ()
    """Of what happened, and stands alone."""
    _: KW_ONLY
    alerts: tuple[AlertKind, ...] = ()
    opt_in: frozenset[str] = frozenset()
    """Facts that a bare `*` does not ask for: there are many of them, and few want them."""
    states: tuple[frozenset[str], ...] = ()
    """Facts of one subject of which only the newest counts: each set tells one thing."""
    rows: Mapping[str, EventRow] = field(default_factory=dict)
    """What is to be known of each."""

    def __post_init__(self) -> None:
        if foreign := self.opt_in.union(*self.states).difference(self.facts):
            raise ValueError(f"no facts of this part: {', '.join(sorted(foreign))}")
        if foreign := frozenset(self.rows.keys() - set(self.names)):
            raise ValueError(f"no types of this part: {', '.join(sorted(foreign))}")

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.facts, *(name for kind in self.alerts for name in (kind.fires, kind.resolves)))


@dataclass(frozen=True)
class Rule:
    """When a condition becomes an alert, and when it stops being one."""

    hold: timedelta
    """Configuration `for`: bad this long (observed time) before it fires."""
    keep: timedelta
    """Configuration `keep_firing`: good this long (observed time) before it resolves."""
    severity: Severity


ALL = ""
"""In place of the key of a condition: all those of a watch that have nothing of their own."""


@dataclass(frozen=True)
class Condition:
    """One thing that may be wrong, as one answer shows it."""

    key: str
    """Identity within the system; survives restarts and edits of thresholds' values."""
    kind: AlertKind | None
    """None: nobody is told of it by itself, only of what it is folded into."""
    subject: str
    verdict: Verdict
    rule: Rule
    payload: Mapping[str, Json]


@dataclass(frozen=True)
class Change(Generic[StateT]):
    """What a diff found: the new state, the facts, and what the answer says of each condition."""

    state: StateT
    facts: tuple[Fact, ...] = ()
    conditions: tuple[Condition, ...] = ()
    unseen: int = 0
    """How many callers of a queue came and went without having been seen, at least."""
    is_moving: bool = False
    """Time itself changes the state: an equal answer, later, would say something new."""
    pieces: Mapping[str, bytes | None] = field(default_factory=dict)
    """What a watch stores beside its state since it is too much for it, by name, as far as it has changed;
    None: it is to be forgotten."""


@dataclass(frozen=True)
class Known:
    """What became of callers who left, each counted once: by the platform's log, and by polls as far as they
    prove it. So many it were at least, for the log is late, and polls do not see everybody."""

    answered: int = 0
    """In the last hour."""
    abandoned: int = 0
    """In the last hour."""
    longest_wait_seconds: int | None = None
    """Today. None: of nobody it is known."""
    is_logged: bool = False
    """Whether the log told of anybody of late: then it will of the others."""


@dataclass(frozen=True)
class Interval:
    """When a change happened, honestly: the last observation without it, the first with it."""

    after: datetime | None
    """None where there was no observation before (the baseline)."""
    before: datetime


@dataclass(frozen=True)
class Event:
    """One thing that happened, written once. `body` is what every receiver gets, to the byte."""

    id: str
    type: str
    system: str
    """The system's name; "" for the daemon's own events (`"system": null` in the body)."""
    sequence: int
    subject: str
    timestamp: datetime
    body: bytes


@dataclass(frozen=True)
class Secret:
    """A value that cannot be printed by accident."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret(***)"
