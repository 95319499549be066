"""A watch: one thing polled on one system, and what tells its kind from the others.

A kind says how to ask, how to compare, and how its state is kept; one walk (`pipeline/observation.py`) serves
them all. Pure: what reaches the network is handed in.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

from daemon.core.alerts.hours import EVERYTHING, Attention
from daemon.core.alerts.life import Phase, Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Change, Condition, Json, Rule, Unknown
from daemon.core.watches.subjects import Subject
from daemon.core.wishes import UNGUARDED, Guard

if TYPE_CHECKING:
    from daemon.core.watches.cost import Cost
    from daemon.core.watches.queues import Threshold

POLLING = "polling"
"""The wish of a watch, as others hear of it."""


class Observation(Protocol):
    """One parsed answer."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What was missing or unreadable; empty when all was understood."""


Terms: TypeAlias = tuple[frozenset[str], int]
"""Which hours do not last, and how often alerts were ended by the clock."""
StateT = TypeVar("StateT")
SeenT = TypeVar("SeenT", bound=Observation)
AnsweredT = TypeVar("AnsweredT")


@dataclass(frozen=True)
class Answered(Generic[AnsweredT]):
    """An answer that was understood."""

    seen: AnsweredT
    digest: bytes
    """Of its bytes as they came: an equal one is the same answer."""


@dataclass(frozen=True)
class Unchanged:
    """The answer is the one that is known, to the byte; it was not parsed for it."""


class WatchKind(Protocol[StateT, SeenT]):
    """What tells one kind of watch from the others. States and observations are the kind's own."""

    kept_as: ClassVar[type | None] = None
    """The class of its observations, where they are kept for `yemotd rehearse`; None: that it was answered
    is kept, and nothing of what it saw, as of messages, whose texts are kept in events alone."""

    def ask(
        self, known: bytes | None, before: Callable[[], StateT | None]
    ) -> Answered[SeenT] | Unchanged | Unknown:
        """Ask the API, as often as it takes; the one thing here that reaches the network.

        `known`: the digest of an answer that need not be parsed again. `before`: the state, for a kind whose
        question depends on it.
        """

    def diff(self, before: StateT | None, seen: SeenT, when: Seen) -> Change[StateT]:
        """Compare an answer with what is known; without a `before` it is the baseline. Pure."""

    def dump(self, state: StateT) -> Mapping[str, object]:
        """A state as what JSON can say."""

    def text(self, state: StateT) -> str:
        """The same, as the store keeps it."""
        return json.dumps(self.dump(state), ensure_ascii=False, separators=(",", ":"))

    def load(self, stored: Mapping[str, Any]) -> StateT:
        """The state that `dump` wrote, perhaps of an earlier version."""

    def restore(self, stored: Mapping[str, Any], pieces: Callable[[], Mapping[str, bytes]]) -> StateT:
        """The same, for a kind that stores more beside it: `Change.pieces`, all of them by name."""
        return self.load(stored)

    def fold(self, state: StateT, phases: Mapping[str, Phase]) -> list[Condition]:
        """Conditions that follow from the phases of the watch's alerts, by key."""
        return []

    def subjects(self, seen: SeenT, change: Change[StateT], when: Seen) -> list[Subject]:
        """How everything that the watch sees stands after an answer, and what `diff` made of it. None, where
        it looks at what is another watch's. Pure."""
        return []

    def saw(self, seen: SeenT) -> Mapping[str, Json]:
        """What an answer lists, for who tries a poll by hand: figures, and what there is by name; no texts of
        SMS. Pure."""
        return {}

    def day_of_callers(self, now: datetime) -> datetime | None:
        """When the day began, for whom `Seen.known` is to say what became of callers; None: for nobody."""
        return None

    def thresholds(self) -> "tuple[Threshold, ...]":
        """What its figures are held against, to be drawn beside them."""
        return ()

    def is_conclusive(self, seen: SeenT) -> bool:
        """Whether an answer equal to this observation's, later, could say nothing new. Not where time itself
        changes what it means."""
        return True


@dataclass(frozen=True)
class Description:
    """What can be said of a watch without asking anybody."""

    system: str
    name: str
    """Within its system: `sms`, `sip`, `queue/5`."""
    method: str
    """The API's, for `api.schema_changed`."""
    every: timedelta
    conditions: Mapping[str, timedelta]
    """What it finds, in words, with how long it must last to be told."""
    api_rule: Rule
    """When its failures become `api.unreachable`."""
    attention: Attention = field(default=EVERYTHING, compare=False, repr=False)
    """Of what its alerts are wanted, and when."""
    cost: "Cost | None" = field(default=None, compare=False)
    """What it asks of the platform, where that is known."""
    at_most_every: timedelta = NOTHING
    """What is large is read no more often than this."""
    gives: frozenset[str] | None = field(default=None, compare=False, repr=False)
    """The event types that it can show; None: all that its table gives."""
    about: str | None = field(default=None, compare=False)
    """The subject of all its events, where it is one."""

    @cached_property
    def id(self) -> tuple[str, str]:
        """System and name."""
        return self.system, self.name

    @property
    def told_every(self) -> timedelta:
        """How often it finds anything: of what is large, at the poll from which on it may be read again."""
        return max(-(-self.at_most_every // self.every), 1) * self.every


@dataclass
class Memory(Generic[StateT]):
    """What the process remembers of a watch's last answer. It ends with the configuration that the answer
    was judged by: under another one an equal answer may mean something new."""

    digest: bytes | None = None
    """Of the last answer, where an equal one can be passed over."""
    text: str | None = None
    """The state as the store has it; set once that is committed."""
    state: StateT | None = None
    subjects: Mapping[str, Subject] | None = None
    """How they stood when that was committed, by name; None: the store has to be asked."""

    endings: int = 0
    """How often alerts were ended by the clock, between two answers."""
    terms: Terms = (frozenset(), 0)
    """By which the last answer was judged: under others an equal one may mean something new."""

    def forget(self) -> None:
        """Another process may have written since: the store has to be asked."""
        self.digest = self.text = self.state = self.subjects = None


@dataclass(frozen=True)
class Watch(Generic[StateT, SeenT]):
    """One thing polled: what it is, and what its kind does."""

    description: Description
    kind: WatchKind[StateT, SeenT]
    memory: Memory[StateT] = field(default_factory=Memory, init=False, repr=False, compare=False)
    guard: Guard = field(default=UNGUARDED, repr=False, compare=False)
    """Remembers that its polls raise."""

    @cached_property
    def id(self) -> tuple[str, str]:
        """System and name."""
        return self.description.id

    @cached_property
    def system(self) -> str:
        return self.description.system

    @cached_property
    def name(self) -> str:
        return self.description.name

    @cached_property
    def every(self) -> timedelta:
        return self.description.every

    def text(self, state: StateT) -> str:
        """A state as the store keeps it."""
        return self.kind.text(state)

    def terms(self, now: datetime) -> Terms:
        """By which an answer is judged at this moment."""
        return self.description.attention.closed(now), self.memory.endings

    def known(self, now: datetime) -> bytes | None:
        """The digest of the last answer, where an equal one says nothing new at this moment."""
        return self.memory.digest if self.terms(now) == self.memory.terms else None

    def state(self, text: str | None, pieces: Callable[[], Mapping[str, bytes]] = dict) -> StateT | None:
        """The state that the store kept, with what it keeps beside it; None where it kept none. It is nearly
        always the one that was written last: a thousand rows are not read from JSON again at every poll."""
        if text is None:
            return None
        if text == self.memory.text:
            return self.memory.state
        return self.kind.restore(json.loads(text), pieces)


AnyKind: TypeAlias = "WatchKind[Any, Any]"
AnyWatch: TypeAlias = "Watch[Any, Any]"
"""One among others, of whatever kind: each says itself what its states and its observations are."""
