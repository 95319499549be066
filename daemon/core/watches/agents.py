"""What an agent of a queue does, by what GetQueueRealTime says of him. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Protocol


class AgentState(Enum):
    """What an agent does."""

    FREE = "free"
    ON_CALL = "on_call"
    RINGING = "ringing"
    PAUSED = "paused"
    """Whatever the device does: no call is given to it."""
    AWAY = "away"
    """No call can reach it."""
    UNKNOWN = "unknown"


OF_DEVICE = {
    "1": AgentState.FREE,
    **dict.fromkeys("2378", AgentState.ON_CALL),
    **dict.fromkeys("45", AgentState.AWAY),
    "6": AgentState.RINGING,
}
"""By Asterisk's state of a device."""


class Listed(Protocol):
    """An agent as an answer lists him; None: missing or unreadable."""

    @property
    def paused(self) -> bool | None: ...

    @property
    def status(self) -> str | None: ...


def state_of(paused: object, status: str | None) -> AgentState:
    """Paused first; who may be paused, or not, is not called free."""
    if paused is True:
        return AgentState.PAUSED
    state = OF_DEVICE.get(status or "", AgentState.UNKNOWN)
    is_doubtful = state is AgentState.FREE and paused is not False
    return AgentState.UNKNOWN if is_doubtful else state


def counted(agents: Iterable[Listed]) -> Mapping[str, int]:
    """How many do what; what nobody does is left out."""
    many = Counter(state_of(one.paused, one.status) for one in agents)
    return {state.value: many[state] for state in AgentState if many[state]}
