"""Queues: metrics with thresholds that raise and clear at different values, callers and agents.

Pure. A metric that could not be read is unknown, so its thresholds neither fire nor clear. The counter
`abandoned` is judged by its present value; what it and `completed` grow by in an hour are metrics as well.

Where the platform's log is read, those of an hour and of a day are the larger of two figures: what counters
and polls saw, and what is known of each caller. Neither takes from the other, so that a log which comes late
can only add, and nobody is counted twice. In an hour that was seen and that the log tells, the counters are
taken as they are, not stretched to an hour.
"""

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field, replace
from datetime import timedelta, tzinfo
from typing import Any, NamedTuple

from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import (
    AlertKind,
    Change,
    Condition,
    EventRow,
    EventTypes,
    Fact,
    Json,
    Known,
    Rule,
    Verdict,
)
from daemon.core.numbers import rounded
from daemon.core.shapes import pair
from daemon.core.watches import callers as comings
from daemon.core.watches import growth, outcomes, rates
from daemon.core.watches.growth import Growth
from daemon.core.watches.outcomes import Between, Judged, Outcome, Tally
from daemon.core.watches.queue_shapes import ABANDONED, AGENT, ANSWERED, LONGEST, QUEUE, THRESHOLD
from daemon.core.watches.rates import Rate
from daemon.core.watches.subjects import OUTSIDE, UNREADABLE, Subject, SubjectKind, SubjectState, is_outside

AGENTS, ABANDONED_IN_ALL, ANSWERED_IN_ALL = "agents", "abandoned_in_all", "answered_in_all"
"""Values of a queue's subject that no threshold judges: how many agents do what, and how many callers the
platform counted since the queue is watched."""
MOST_INTERVALS = 2
"""Of the poller, which counts no more of them as observed."""
NO_RATE = Rate()
NOBODY_KNOWN = Known()
TOLD = frozenset({ABANDONED, ANSWERED, LONGEST})
"""The metrics that the platform's log tells as well."""
KIND = AlertKind("queue.threshold.crossed", "queue.threshold.cleared")
PAUSED, UNPAUSED = "queue.agent.paused", "queue.agent.unpaused"
MOVES = (PAUSED, UNPAUSED)
EVENTS = EventTypes(
    MOVES,
    alerts=(KIND,),
    opt_in=frozenset(MOVES),
    rows={
        **pair(
            KIND,
            "A metric of a queue has been beyond its threshold for `for`, of observed time.",
            "It is back at `clear` or better, for `keep_firing`; or the threshold, or the queue, is no "
            'longer watched (`alert.reason` or `alert.end` is then "removed").',
            {"queue": QUEUE, "threshold": THRESHOLD},
        ),
        PAUSED: EventRow("An agent is paused who was not.", {"queue": QUEUE, "agent": AGENT}),
        UNPAUSED: EventRow("An agent is paused no more.", {"queue": QUEUE, "agent": AGENT}),
    },
)

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
    every: timedelta = NOTHING
    """How often it is asked about."""

    @property
    def subject(self) -> str:
        return subject(self.path)


class Longest(NamedTuple):
    """The longest wait that was seen on a day."""

    day: str
    """`2026-11-23`, local."""
    seconds: int


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
    abandoned: Rate = NO_RATE
    answered: Rate = NO_RATE
    longest: Longest | None = None
    agents: tuple[Agent, ...] = ()
    """As last listed, for who looks; what they are compared by is `paused`."""
    waiting: tuple[Caller, ...] = ()
    """Callers as last listed, for who looks; what they are compared by is `callers`."""
    without_agents: int = 0
    """In how many answers in a row no agent was listed, up to `NOBODY_AFTER`."""
    tally: Tally | None = None
    """What the last answer counts; None: its callers were unreadable."""
    abandoned_in_all: Growth = growth.NONE
    answered_in_all: Growth = growth.NONE


def diff(
    before: State | None, seen: Observation, queue: Queue, when: Seen, zone: tzinfo, *, is_emitting: bool
) -> Change[State]:
    """Who came, left and paused, and what each threshold says. Without a `before` it is the baseline."""
    known = _passed(before or State(), seen, queue, when, zone)
    without_agents = _without_agents(known, seen)
    if 0 < without_agents < NOBODY_AFTER:
        seen = replace(seen, agents=None)
    left = when.known or NOBODY_KNOWN
    values = {**metrics(seen), **_over_time(known, left)}
    at_least = {
        ABANDONED: max(known.abandoned.at_least, left.abandoned),
        ANSWERED: max(known.answered.at_least, left.answered),
    }
    verdicts = {
        limit: _verdict(limit, values[limit.metric], known, at_least.get(limit.metric))
        for limit in queue.thresholds
    }
    callers = known.callers if seen.callers is None else {one.call_id: one.phone for one in seen.callers}
    paused = dict(known.paused) if seen.agents is None else _paused(known, seen.agents)
    tally = Tally.of(seen, is_sure_of_agents=not 0 < without_agents < NOBODY_AFTER)
    between = Between(
        known.tally, tally, when.observed if when.observed > NOTHING else None, _doubted(before)
    )
    state = replace(
        known,
        callers=callers,
        paused=paused,
        was_bad={**known.was_bad, **{limit.name: bad for limit, bad in verdicts.items() if bad is not None}},
        metrics=values,
        agents=known.agents if seen.agents is None else seen.agents,
        waiting=known.waiting if seen.callers is None else seen.callers,
        without_agents=without_agents,
        tally=None if seen.callers is None else tally,
        abandoned_in_all=growth.observe(known.abandoned_in_all, seen.abandoned),
        answered_in_all=growth.observe(known.answered_in_all, seen.completed),
    )
    told: dict[str, Json] = {"path": queue.path, "name": queue.name, **values}
    gone = [one for call_id, one in last_seen(known).items() if call_id not in callers]
    waits = [outcomes.waited(one, between.watched) for one in gone]
    judged = outcomes.judge(between, waits)
    facts = [_left(one, waited, judged, queue, told) for one, waited in zip(gone, waits, strict=True)]
    facts += _moves(known, state, seen, queue, told) if before or is_emitting else []
    sources = _sources(known, when.known) if when.known else {}
    conditions = [
        _condition(queue, limit, bad, told, at_least.get(limit.metric), sources.get(limit.metric))
        for limit, bad in verdicts.items()
    ]
    is_moving = _is_moving(state, queue, when.known)
    return Change(state, tuple(facts), tuple(conditions), judged.unseen, is_moving=is_moving)


def subject(path: str) -> str:
    """The subject of a queue's events: `queue/5`, `queue/.` for the main extension."""
    return f"queue/{path.strip('/') or '.'}"


def key(path: str, limit: Threshold) -> str:
    """The key of the condition of one threshold of a queue."""
    return f"{subject(path)}/{limit.name}"


def subjects(seen: Observation, change: Change[State], queue: Queue) -> list[Subject]:
    """The queue: down while a threshold is crossed; unknown while none is, and one cannot be judged, or all
    are outside their hours."""
    crossed = [_crossed(one) for one in change.conditions if one.verdict is Verdict.BAD]
    blind = [_crossed(one) for one in change.conditions if one.verdict is Verdict.UNKNOWN]
    state, why = SubjectState.UP, dict[str, Json]()
    if crossed:
        more: dict[str, Json] = {"crossed": crossed} if len(crossed) > 1 else {}
        state, why = SubjectState.DOWN, {**crossed[0], **more}
    elif blind or (seen.calls is None and seen.callers is None):
        of: dict[str, Json] = {"metric": blind[0]["metric"]} if blind else {}
        state, why = SubjectState.UNKNOWN, {"reason": UNREADABLE, **of}
    elif is_outside(change.conditions):
        state, why = SubjectState.UNKNOWN, {"reason": OUTSIDE}
    known = change.state
    details: dict[str, Json] = {
        "callers": [asdict(one) for one in known.waiting],
        "agents": [asdict(one) for one in known.agents],
        "unread": [
            *(["callers"] if seen.callers is None else []),
            *(["agents"] if seen.agents is None else []),
        ],
    }
    values = {**known.metrics, **_for_graphs(seen, known)}
    return [Subject(queue.subject, SubjectKind.QUEUE, state, queue.name, why, values, details)]


def _for_graphs(seen: Observation, known: State) -> dict[str, Json]:
    """What is drawn, and no event tells. None: this answer did not say it."""
    from daemon.core.watches.agents import counted  # noqa: PLC0415 - a cold start is measured

    is_listed = seen.agents is not None and not known.without_agents % NOBODY_AFTER
    return {
        AGENTS: dict(counted(seen.agents)) if seen.agents is not None and is_listed else None,
        ABANDONED_IN_ALL: None if seen.abandoned is None else known.abandoned_in_all.total,
        ANSWERED_IN_ALL: None if seen.completed is None else known.answered_in_all.total,
    }


def metrics(seen: Observation) -> dict[str, int | float | None]:
    """Every metric of product.md that one answer gives. None: it could not be read.

    `agents_available` are members who are neither paused nor out of reach, on a call or not.
    `calls_per_agent` divides by them, and by 1 where there are none: then it is `calls_waiting`. It has two
    decimals, also where it is compared.
    """
    waiting = seen.calls if seen.calls is not None else _count(seen.callers)
    available = _available(seen.agents)
    return {
        "calls_waiting": waiting,
        "longest_wait_seconds": _longest_wait(seen.callers),
        "agents_available": available,
        "agents_paused": _count_paused(seen.agents),
        "calls_per_agent": _share(waiting, available),
        "hold_seconds": seen.hold_seconds,
        "abandoned": seen.abandoned,
    }


def saw(seen: Observation) -> dict[str, Json]:
    """The figures, the callers and the agents; None: what could not be read."""
    lists = {"callers": seen.callers, "agents": seen.agents}
    people: dict[str, Json] = {
        name: None if listed is None else [asdict(one) for one in listed] for name, listed in lists.items()
    }
    return {**metrics(seen), **people}


def dump(state: State) -> dict[str, object]:
    """The state as JSON."""
    return {
        "callers": dict(state.callers),
        "paused": dict(state.paused),
        "was_bad": dict(state.was_bad),
        "metrics": dict(state.metrics),
        "rates": {"abandoned": rates.dump(state.abandoned), "answered": rates.dump(state.answered)},
        "longest": list(state.longest) if state.longest else None,
        "agents": [list(astuple(one)) for one in state.agents],
        "waiting": [list(astuple(one)) for one in state.waiting],
        **({"without_agents": state.without_agents} if state.without_agents else {}),
        "tally": outcomes.dump(state.tally),
        "in_all": [growth.dump(state.abandoned_in_all), growth.dump(state.answered_in_all)],
    }


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    found = {name: rates.load(one) for name, one in stored.get("rates", {}).items()}
    longest = stored.get("longest")
    in_all = stored.get("in_all", (None, None))
    return State(
        stored["callers"],
        stored["paused"],
        stored["was_bad"],
        stored["metrics"],
        found.get("abandoned", NO_RATE),
        found.get("answered", NO_RATE),
        Longest(*longest) if longest else None,
        tuple(Agent(*one) for one in stored.get("agents", ())),
        tuple(Caller(*one) for one in stored.get("waiting", ())),
        stored.get("without_agents", 0),
        outcomes.load(stored.get("tally"), Agent),
        *(growth.load(one) for one in in_all),
    )


def _share(waiting: int | None, available: int | None) -> float | None:
    return None if waiting is None or available is None else rounded(waiting / max(available, 1))


def _passed(known: State, seen: Observation, queue: Queue, when: Seen, zone: tzinfo) -> State:
    """What is known, at the time of this answer: the last hour, and the day."""
    passed, observed = _elapsed(queue, when)
    if passed is None:  # the clock was set back while nobody looked: how long ago anything was is not known
        known, passed = replace(known, abandoned=NO_RATE, answered=NO_RATE), NOTHING
    day = when.at.astimezone(zone).date().isoformat()
    so_far = known.longest.seconds if known.longest and known.longest.day == day else None
    waits = [one for one in (so_far, _longest_wait(seen.callers)) if one is not None]
    return replace(
        known,
        abandoned=rates.observe(known.abandoned, seen.abandoned, passed=passed, observed=observed),
        answered=rates.observe(known.answered, seen.completed, passed=passed, observed=observed),
        longest=Longest(day, max(waits)) if waits else None,
    )


def _elapsed(queue: Queue, when: Seen) -> tuple[timedelta | None, timedelta]:
    """How long ago the answer before was (None: not known), and how much of that was seen.

    What was seen was measured by a clock that nobody sets; what was not, only the clock on the wall can tell.
    """
    most = MOST_INTERVALS * queue.every
    if NOTHING < when.observed < most:
        return when.observed, when.observed
    if when.last is None:
        return NOTHING, NOTHING
    gap = when.at - when.last
    if when.observed > NOTHING and abs(gap - when.observed) <= queue.every:
        return when.observed, when.observed
    return (None if gap < NOTHING else max(gap, when.observed)), NOTHING


def _over_time(known: State, left: Known) -> dict[str, float | None]:
    """The metrics that follow from more than one answer."""
    waits = [known.longest.seconds if known.longest else None, left.longest_wait_seconds]
    return {
        ABANDONED: _per_hour(known.abandoned, left.abandoned, is_logged=left.is_logged),
        ANSWERED: _per_hour(known.answered, left.answered, is_logged=left.is_logged),
        LONGEST: max((one for one in waits if one is not None), default=None),
    }


def _per_hour(rate: Rate, known: int, *, is_logged: bool) -> float | None:
    """How many it were in an hour, of whom so many are `known`."""
    if rate.per_hour is None:
        return None
    return max(rate.at_least if is_logged and rate.is_whole else rate.per_hour, known)


def _sources(known: State, left: Known) -> dict[str, str]:
    """By which of the two the metrics go that follow from more than one answer."""
    counted = _over_time(known, replace(NOBODY_KNOWN, is_logged=left.is_logged))
    pairs = {
        ABANDONED: (left.abandoned, counted[ABANDONED] or known.abandoned.at_least),
        ANSWERED: (left.answered, counted[ANSWERED] or known.answered.at_least),
        LONGEST: (left.longest_wait_seconds or 0, counted[LONGEST] or 0),
    }
    return {
        metric: comings.LOG if left.is_logged and by_log >= by_counters else comings.COUNTERS
        for metric, (by_log, by_counters) in pairs.items()
    }


def _is_moving(state: State, queue: Queue, left: Known | None) -> bool:
    """Whether an equal answer, later, would say something new: what counts for an hour or a day passes, and
    the log may tell of callers whom no answer shows."""
    if left and (left.answered or left.abandoned or any(one.metric in TOLD for one in queue.thresholds)):
        return True
    is_dated = bool(state.longest and state.longest.seconds) and any(
        one.metric == LONGEST for one in queue.thresholds
    )
    is_in_doubt = 0 < state.without_agents < NOBODY_AFTER
    return is_dated or is_in_doubt or not (state.abandoned.is_steady and state.answered.is_steady)


def _verdict(limit: Threshold, value: float | None, known: State, at_least: int | None) -> bool | None:
    """Whether the threshold is crossed; None when neither the value says so, nor what it is `at_least`."""
    if value is None:
        return _by_least(limit, at_least)
    if limit.above is not None:
        is_bad, is_good = value > limit.above, value <= limit.clear
    else:
        is_bad, is_good = value < (limit.below or 0), value >= limit.clear
    if not is_bad and not is_good:
        return known.was_bad.get(limit.name, False)
    return is_bad


def _by_least(limit: Threshold, at_least: int | None) -> bool | None:
    if at_least is None:
        return None
    if limit.above is not None:
        return True if at_least > limit.above else None
    return False if at_least >= limit.clear else None


def _condition(
    queue: Queue,
    limit: Threshold,
    is_bad: bool | None,
    told: Mapping[str, Json],
    at_least: int | None,
    source: str | None,
) -> Condition:
    value = told[limit.metric]
    if value is None and is_bad is not None:
        value = at_least
    verdict = Verdict.UNKNOWN if is_bad is None else Verdict.BAD if is_bad else Verdict.GOOD
    raised = {"above": limit.above} if limit.above is not None else {"below": limit.below}
    of = {} if source is None else {"source": source}
    threshold: Json = {"metric": limit.metric, **raised, "clear": limit.clear, "value": value, **of}
    payload: dict[str, Json] = {"queue": told, "threshold": threshold}
    return Condition(key(queue.path, limit), KIND, queue.subject, verdict, limit.rule, payload)


def _crossed(condition: Condition) -> dict[str, Json]:
    """What is to be said of a threshold: its metric, the value, and where it is crossed."""
    threshold = condition.payload["threshold"]
    said = threshold if isinstance(threshold, Mapping) else {}
    return {name: said[name] for name in ("metric", "value", "above", "below") if name in said}


def _left(caller: Caller, waited: tuple[int, int] | None, judged: Judged, queue: Queue, told: Json) -> Fact:
    """What is said of a caller who waits no more."""
    how: dict[str, Json] = {"source": comings.COUNTERS}
    if judged.outcome is Outcome.UNKNOWN:
        how = {"outcome": judged.outcome.value, "reason": judged.why.value if judged.why else None}
    gone: Json = {
        "call_id": caller.call_id,
        "phone": caller.phone,
        "waited_seconds": None if waited is None else list(waited),
    }
    payload: dict[str, Json] = {"queue": told, "caller": gone, **how}
    return Fact(comings.TYPES[judged.outcome], queue.subject, payload)


def last_seen(state: State) -> dict[str, Caller]:
    """Who waited, as last seen; of one whom an earlier release saw, the phone alone."""
    seen = {one.call_id: one for one in state.waiting}
    return {key: seen.get(key) or Caller(key, phone, None, None) for key, phone in state.callers.items()}


def _moves(before: State, after: State, seen: Observation, queue: Queue, told: Json) -> list[Fact]:
    def fact(event_type: str, **payload: Json) -> Fact:
        return Fact(event_type, queue.subject, {"queue": told, **payload})

    joined = [(key, phone) for key, phone in after.callers.items() if key not in before.callers]
    facts = [fact(comings.JOINED, caller={"call_id": key, "phone": phone}) for key, phone in joined]
    for agent in seen.agents or ():
        if agent.paused is not None and agent.paused != before.paused.get(agent.name, False):
            name = PAUSED if agent.paused else UNPAUSED
            facts.append(fact(name, agent={"name": agent.name, "status": agent.status}))
    return facts


def _doubted(before: State | None) -> bool:
    """Whether a counter fell a moment ago, perhaps for a wrong reading."""
    return before is not None and (
        before.abandoned.fell_from is not None or before.answered.fell_from is not None
    )


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
