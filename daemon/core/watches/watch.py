"""A watch: one thing polled on one system, as the functions that tell its kind from the others.

Pure: the functions are handed in, those that reach the network too. One walk serves all kinds.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from daemon.core.alerts.life import Phase, Seen
from daemon.core.model import Change, Condition, Rule


class Answer(Protocol):
    """One successful answer of the API."""

    @property
    def body(self) -> bytes:
        """As it came: equal bytes are the same answer."""


class Observation(Protocol):
    """One parsed answer."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What was missing or unreadable; empty when all was understood."""


@dataclass
class _Last:
    """A state, and its text in the store."""

    text: str | None = None
    state: Any = None


@dataclass(frozen=True)
class Watch:
    """What the poller needs to know of one watch. States and observations are the kind's own."""

    system: str
    name: str
    """Within its system: `sms`, `sip`, `queue/5`."""
    method: str
    """The API's, for `api.schema_changed`."""
    every: timedelta
    fetch: Callable[[], Any]
    """Ask the API: an `Answer`, or `Unknown`."""
    read: Callable[[Any], Any]
    """Parse an answer: an observation, or `Unknown`."""
    diff: Callable[[Any, Any, Seen], Change[Any]]
    """State or None, observation: the change."""
    dump: Callable[[Any], Mapping[str, Any]]
    load: Callable[[Mapping[str, Any]], Any]
    conditions: Mapping[str, timedelta]
    """What it finds, in words, with how long it must last to be told."""
    api_rule: Rule
    """When its failures become `api.unreachable`."""
    complete: Callable[[Any, Any], Any] = lambda _state, seen: seen
    """Ask again where one answer is not enough (the SMS window); may give `Unknown`."""
    fold: Callable[[Any, Mapping[str, Phase]], list[Condition]] = lambda _state, _phases: []
    """Conditions that follow from the phases of the watch's alerts, by key."""
    is_conclusive: Callable[[Any], bool] = lambda _seen: True
    """Whether an answer equal to this observation's, later, could say nothing new. Not where time itself
    changes what it means."""
    _last: _Last = field(default_factory=_Last, init=False, repr=False, compare=False)

    @property
    def id(self) -> tuple[str, str]:
        """System and name."""
        return self.system, self.name

    def text(self, state: Any) -> str:
        """A state as the store keeps it."""
        text = json.dumps(self.dump(state), ensure_ascii=False, separators=(",", ":"))
        self._last.text, self._last.state = text, state
        return text

    def state(self, text: str | None) -> Any:
        """The state that the store kept; None where it kept none. It is nearly always the one that was
        written last: a thousand rows are not read from JSON again at every poll."""
        if text is None:
            return None
        if text != self._last.text:
            self._last.state, self._last.text = self.load(json.loads(text)), text
        return self._last.state
