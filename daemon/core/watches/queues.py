"""Queues: metrics with thresholds that raise and clear at different values, callers and agents.

Pure. A metric that could not be read is unknown, so its thresholds neither fire nor clear. Counters
(`abandoned`) are judged by their present value: when one falls it was reset, and nothing is subtracted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from daemon.core.model import AlertKind, Change, Condition, EventTypes, Fact, Json, Rule, Verdict

KIND = AlertKind("queue.threshold.crossed", "queue.threshold.cleared")
JOINED, LEFT = "queue.caller.joined", "queue.caller.left"
PAUSED, UNPAUSED = "queue.agent.paused", "queue.agent.unpaused"
MOVES = (JOINED, LEFT, PAUSED, UNPAUSED)
EVENTS = EventTypes(MOVES, alerts=(KIND,), opt_in=frozenset(MOVES))

NOBODY_AFTER = 3
"""Ours. Answers in a row without any agent before that is believed: GetQueueRealTime does not count them."""
UNAVAILABLE = frozenset({"4", "5"})
"""Device states of an agent whom no call can reach: invalid, unavailable. On a call is busy, not absent."""


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


@dataclass(frozen=True)
class Threshold:
    """Exactly one of `above` and `below` is given; `clear` is on its good side, or equal to it."""

    metric: str
    above: float | None
    below: float | None
    clear: float
    rule: Rule

    @property
    def name(self) -> str:
        """Identity within its queue; the values may be edited without starting a new alert."""
        direction = "above" if self.above is not None else "below"
        return f"{self.metric}/{direction}/{self.rule.severity.value}"


@dataclass(frozen=True)
class Queue:
    """One queue as configured."""

    path: str
    """As the user wrote it, and as the API is asked for it."""
    name: str
    thresholds: tuple[Threshold, ...]

    @property
    def subject(self) -> str:
        return subject(self.path)


@dataclass(frozen=True)
class State:
    """The queue as last seen."""

    callers: Mapping[str, str] = field(default_factory=dict)
    """Phone by call id."""
    paused: Mapping[str, bool] = field(default_factory=dict)
    """By agent."""
    was_bad: Mapping[str, bool] = field(default_factory=dict)
    """By threshold name: the last verdict, which values between clear and raise repeat."""
    metrics: Mapping[str, Json] = field(default_factory=dict)
    """As last seen, for the status."""
    without_agents: int = 0
    """In how many answers in a row no agent was listed, up to `NOBODY_AFTER`."""


def diff(before: State | None, seen: Observation, queue: Queue, *, is_emitting: bool) -> Change[State]:
    """Who came, left and paused, and what each threshold says. Without a `before` it is the baseline."""
    known = before or State()
    without_agents = _without_agents(known, seen)
    if 0 < without_agents < NOBODY_AFTER:
        seen = replace(seen, agents=None)
    values = metrics(seen)
    verdicts = {limit: _verdict(limit, values[limit.metric], known) for limit in queue.thresholds}
    callers = known.callers if seen.callers is None else {one.call_id: one.phone for one in seen.callers}
    paused = dict(known.paused) if seen.agents is None else _paused(known, seen.agents)
    state = State(
        callers,
        paused,
        {**known.was_bad, **{limit.name: bad for limit, bad in verdicts.items() if bad is not None}},
        values,
        without_agents,
    )
    told: dict[str, Json] = {"path": queue.path, "name": queue.name, **values}
    facts = _moves(known, state, seen, queue, told) if before or is_emitting else []
    conditions = [_condition(queue, limit, bad, told) for limit, bad in verdicts.items()]
    return Change(state, tuple(facts), tuple(conditions), is_moving=0 < without_agents < NOBODY_AFTER)


def subject(path: str) -> str:
    """The subject of a queue's events: `queue/5`, `queue/.` for the main extension."""
    return f"queue/{path.strip('/') or '.'}"


def metrics(seen: Observation) -> dict[str, int | float | None]:
    """Every metric of product.md. None: it could not be read.

    `agents_available` are members who are neither paused nor out of reach, on a call or not.
    `calls_per_agent` divides by them, and by 1 where there are none: then it is `calls_waiting`.
    """
    waiting = seen.calls if seen.calls is not None else _count(seen.callers)
    available = _available(seen.agents)
    return {
        "calls_waiting": waiting,
        "longest_wait_seconds": _longest_wait(seen.callers),
        "agents_available": available,
        "agents_paused": _count_paused(seen.agents),
        "calls_per_agent": None if waiting is None or available is None else waiting / max(available, 1),
        "hold_seconds": seen.hold_seconds,
        "abandoned": seen.abandoned,
    }


def dump(state: State) -> dict[str, object]:
    """The state as JSON."""
    return {
        "callers": dict(state.callers),
        "paused": dict(state.paused),
        "was_bad": dict(state.was_bad),
        "metrics": dict(state.metrics),
        **({"without_agents": state.without_agents} if state.without_agents else {}),
    }


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    kept = {name for name in State.__dataclass_fields__ if name in stored}
    return State(**{name: stored[name] for name in kept})


def _verdict(limit: Threshold, value: float | None, known: State) -> bool | None:
    """Whether the threshold is crossed; None when the value is unknown."""
    if value is None:
        return None
    if limit.above is not None:
        is_bad, is_good = value > limit.above, value <= limit.clear
    else:
        is_bad, is_good = value < (limit.below or 0), value >= limit.clear
    if not is_bad and not is_good:
        return known.was_bad.get(limit.name, False)
    return is_bad


def _condition(queue: Queue, limit: Threshold, is_bad: bool | None, told: Mapping[str, Json]) -> Condition:
    value = told[limit.metric]
    verdict = Verdict.UNKNOWN if is_bad is None else Verdict.BAD if is_bad else Verdict.GOOD
    raised = {"above": limit.above} if limit.above is not None else {"below": limit.below}
    threshold: Json = {"metric": limit.metric, **raised, "clear": limit.clear, "value": value}
    payload: dict[str, Json] = {"queue": told, "threshold": threshold}
    return Condition(f"{queue.subject}/{limit.name}", KIND, queue.subject, verdict, limit.rule, payload)


def _moves(before: State, after: State, seen: Observation, queue: Queue, told: Json) -> list[Fact]:
    def fact(event_type: str, **payload: Json) -> Fact:
        return Fact(event_type, queue.subject, {"queue": told, **payload})

    def caller(call_id: str, phone: str) -> Json:
        return {"call_id": call_id, "phone": phone}

    left = [(key, phone) for key, phone in before.callers.items() if key not in after.callers]
    joined = [(key, phone) for key, phone in after.callers.items() if key not in before.callers]
    facts = [fact(LEFT, caller=caller(*one)) for one in left]
    facts += [fact(JOINED, caller=caller(*one)) for one in joined]
    for agent in seen.agents or ():
        if agent.paused is not None and agent.paused != before.paused.get(agent.name, False):
            name = PAUSED if agent.paused else UNPAUSED
            facts.append(fact(name, agent={"name": agent.name, "status": agent.status}))
    return facts


def _without_agents(known: State, seen: Observation) -> int:
    if seen.agents is None:
        return known.without_agents
    return 0 if seen.agents else min(known.without_agents + 1, NOBODY_AFTER)


def _paused(known: State, agents: tuple[Agent, ...]) -> dict[str, bool]:
    return {
        agent.name: known.paused.get(agent.name, False) if agent.paused is None else agent.paused
        for agent in agents
    }


def _count(items: tuple[object, ...] | None) -> int | None:
    return None if items is None else len(items)


def _longest_wait(callers: tuple[Caller, ...] | None) -> int | None:
    if callers is None:
        return None
    waits = [caller.wait_seconds for caller in callers if caller.wait_seconds is not None]
    if callers and not waits:
        return None
    return max(waits, default=0)


def _count_paused(agents: tuple[Agent, ...] | None) -> int | None:
    if agents is None or any(agent.paused is None for agent in agents):
        return None
    return sum(agent.paused is True for agent in agents)


def _available(agents: tuple[Agent, ...] | None) -> int | None:
    if agents is None or any(agent.paused is None or agent.status is None for agent in agents):
        return None
    return sum(not agent.paused and agent.status not in UNAVAILABLE for agent in agents)
