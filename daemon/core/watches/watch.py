"""A watch: one thing polled on one system, and what tells its kind from the others.

A kind says how to ask, how to compare, and how its state is kept; one walk (`pipeline/observation.py`) serves
them all. Pure: what reaches the network is handed in.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from daemon.core.alerts.life import Phase, Seen
from daemon.core.model import Change, Condition, Rule, Unknown
from daemon.core.watches.subjects import Subject
from daemon.core.wishes import UNGUARDED, Guard

POLLING = "polling"
"""The wish of a watch, as others hear of it."""


class Observation(Protocol):
    """One parsed answer."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What was missing or unreadable; empty when all was understood."""


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

    def fold(self, state: StateT, phases: Mapping[str, Phase]) -> list[Condition]:
        """Conditions that follow from the phases of the watch's alerts, by key."""
        return []

    def subjects(self, seen: SeenT, change: Change[StateT], when: Seen) -> list[Subject]:
        """How everything that the watch sees stands after an answer, and what `diff` made of it. None, where
        it looks at what is another watch's. Pure."""
        return []

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

    @cached_property
    def id(self) -> tuple[str, str]:
        """System and name."""
        return self.system, self.name


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

    def state(self, text: str | None) -> StateT | None:
        """The state that the store kept; None where it kept none. It is nearly always the one that was
        written last: a thousand rows are not read from JSON again at every poll."""
        if text is None:
            return None
        if text == self.memory.text:
            return self.memory.state
        return self.kind.load(json.loads(text))


AnyKind: TypeAlias = "WatchKind[Any, Any]"
AnyWatch: TypeAlias = "Watch[Any, Any]"
"""One among others, of whatever kind: each says itself what its states and its observations are."""
