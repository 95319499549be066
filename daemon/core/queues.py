"""Queues: metrics with thresholds, callers and agents."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Agent:
    """One entry of `members`. None: missing or unreadable."""

    name: str
    paused: bool | None
    status: str | None
    """Asterisk's device state as text: "1" free, "2" busy, …"""
    calls_taken: int | None = None


@dataclass(frozen=True)
class Caller:
    """One entry of `entries`: somebody who waits."""

    call_id: str
    phone: str
    wait_seconds: int | None
    position: int | None


@dataclass(frozen=True)
class Observation:
    """One answer of GetQueueRealTime. A metric that could not be read is None."""

    calls: int | None
    """`Calls`: callers waiting."""
    abandoned: int | None
    completed: int | None
    talk_seconds: int | None
    """`TalkTime`: average."""
    hold_seconds: int | None
    """`Holdtime`: average."""
    strategy: str | None
    callers: tuple[Caller, ...] | None
    """None: the list was unreadable, which is not an empty list."""
    agents: tuple[Agent, ...] | None
    problems: tuple[str, ...] = ()
