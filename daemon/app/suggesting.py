"""Thresholds, and lengths of `for`, proposed by what an office was like: a few are tried on all that was
kept, and each is told with how often it would have rung.

The kinds' own comparison says what of an answer is bad, and the alerts' own life when that rings.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from daemon.config.settings import Config
from daemon.config.systems import SystemSettings
from daemon.config.watches import QueueWatch, ThresholdSettings
from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING, show
from daemon.core.model import Condition, Severity
from daemon.core.rehearsal import ringing
from daemon.core.rehearsal.looks import Failed
from daemon.core.rehearsal.ringing import HOLDS, Ringing, Rings
from daemon.core.rehearsal.shapes import loaded
from daemon.core.watches import queues
from daemon.core.watches.observed_time import observed
from daemon.core.watches.watch import AnyWatch
from daemon.schemas.rehearsals import Suggestion
from daemon.wiring.watches import watches
from daemon.workers.past import Past
from daemon.workers.past import Seen as SeenOf
from daemon.yemot.client import Client

ALWAYS = ("calls_waiting", "longest_wait_seconds")
"""Metrics that are tried of each queue, above; others where a threshold of the configuration names them."""
NOT_TRIED = frozenset({"abandoned", "longest_wait_today"})
"""Metrics that only grow, or last for a day."""
SLOTS = tuple(Severity)
"""Thresholds of one metric and direction are told apart by their severity."""
NOBODY = cast("Client", None)
MOST_VALUES = 100_000
"""Values of one metric that are told apart."""


@dataclass(frozen=True)
class Limit:
    """One threshold to try."""

    metric: str
    above: float | None
    below: float | None
    clear: float
    severity: Severity

    @property
    def settings(self) -> ThresholdSettings:
        """The same, as a configuration has it."""
        names = {"metric": self.metric, "above": self.above, "below": self.below, "clear": self.clear}
        return ThresholdSettings.model_validate({**names, "severity": self.severity})


@dataclass(frozen=True)
class Time:
    """The time that is gone through."""

    past: Past
    since: datetime
    until: datetime


def suggestions(config: Config, past: Past, since: datetime, until: datetime) -> list[Suggestion]:
    """What is worth trying of each queue, and of the phones of each system. Raises the store's errors."""
    zone, time = ZoneInfo(config.daemon.timezone), Time(past, since, until)
    found: list[Suggestion] = []
    for system in config.systems:
        if system.sip is not None:
            found += _of_phones(_one(system, zone, "sip"), time)
        for queue in system.queues:
            found += _of_queue(system, queue, zone, time)
    return found


def toml(found: Sequence[Suggestion]) -> str:
    """What is proposed, to be pasted."""
    lines = ["# Proposed by what was seen: paste each below the system and the queue that it names."]
    for one in found:
        if not one.is_proposed:
            continue
        often = f"{one.rings} times in the time that was tried, {one.rings_a_week:g} a week"
        lines += ["", f"# {one.system}, {one.watch}: {often}"]
        if one.metric is None:
            lines += ["[systems.sip]", f'for = "{_duration(one.for_seconds)}"']
            continue
        limit = f"above = {one.above:g}" if one.above is not None else f"below = {one.below:g}"
        lines += ["[[systems.queues.thresholds]]", f'metric = "{one.metric}"', limit]
        lines += [f"clear = {one.clear:g}", f'for = "{_duration(one.for_seconds)}"']
    return "\n".join(lines) + "\n"


def _of_phones(watch: AnyWatch, time: Time) -> Iterator[Suggestion]:
    """One row for each `for`, of all phones together."""
    came, seen = _rung(watch, time)
    if seen <= NOTHING:
        return
    of_hold = {hold: [one for (_, of), one in came.items() if of == hold] for hold in HOLDS}
    weekly = [ringing.a_week(_many(of_hold[hold]), seen) for hold in HOLDS]
    best = ringing.proposed(weekly)
    for place, hold in enumerate(HOLDS):
        yield _row(watch, None, hold, of_hold[hold], seen, is_proposed=place == best)


def _of_queue(system: SystemSettings, queue: QueueWatch, zone: ZoneInfo, time: Time) -> Iterator[Suggestion]:
    plain = _one(system, zone, queues.subject(queue.path), queue)
    values = _values(plain, time)
    of_each = [
        _limits(metric, sorted(values.get(metric, Counter()).elements()), is_above=is_above)
        for metric, is_above in _metrics(queue)
    ]
    tried = queue.model_copy(update={"thresholds": tuple(one.settings for some in of_each for one in some)})
    watch = _one(system, zone, queues.subject(queue.path), tried)
    came, seen = _rung(watch, time)
    if seen > NOTHING:
        for limits in of_each:
            yield from _rows(watch, queue.path, limits, came, seen)


def _rows(
    watch: AnyWatch,
    path: str,
    limits: Sequence[Limit],
    came: Mapping[tuple[str, timedelta], Rings],
    seen: timedelta,
) -> Iterator[Suggestion]:
    """From the one that rings soonest to the one that rings latest."""
    grid = [(limit, hold) for limit in limits for hold in HOLDS]
    of_each = [came.get((queues.key(path, limit.settings.threshold), hold), Rings()) for limit, hold in grid]
    best = ringing.proposed([ringing.a_week(one.many, seen) for one in of_each])
    for place, ((limit, hold), rings) in enumerate(zip(grid, of_each, strict=True)):
        yield _row(watch, limit, hold, [rings], seen, is_proposed=place == best)


def _row(
    watch: AnyWatch,
    limit: Limit | None,
    hold: timedelta,
    rings: Sequence[Rings],
    seen: timedelta,
    *,
    is_proposed: bool,
) -> Suggestion:
    many = _many(rings)
    return Suggestion(
        system=watch.system,
        watch=watch.name,
        metric=limit.metric if limit else None,
        above=limit.above if limit else None,
        below=limit.below if limit else None,
        clear=limit.clear if limit else None,
        for_seconds=hold.total_seconds(),
        rings=many,
        rings_a_week=ringing.a_week(many, seen),
        longest_seconds=max((one.longest for one in rings), default=NOTHING).total_seconds(),
        is_proposed=is_proposed,
    )


def _many(rings: Sequence[Rings]) -> int:
    return sum(one.many for one in rings)


def _metrics(queue: QueueWatch) -> list[tuple[str, bool]]:
    """The metrics to try, each with whether it is bad above."""
    named = [(one.metric, one.above is not None) for one in queue.thresholds if one.metric not in NOT_TRIED]
    return list(dict.fromkeys([*((one, True) for one in ALWAYS), *named]))


def _limits(metric: str, values: Sequence[float], *, is_above: bool) -> list[Limit]:
    tried = (ringing.above if is_above else ringing.below)(values)
    return [
        Limit(metric, one, None, ringing.cleared(one), severity)
        if is_above
        else Limit(metric, None, one, one, severity)
        for one, severity in zip(tried, SLOTS, strict=False)
    ]


def _one(system: SystemSettings, zone: ZoneInfo, name: str, queue: QueueWatch | None = None) -> AnyWatch:
    """A watch of a system, with a queue as it is given."""
    of = system if queue is None else system.model_copy(update={"queues": (queue,)})
    return next(one for one in watches(of, NOBODY, zone) if one.name == name)


def _values(watch: AnyWatch, time: Time) -> Mapping[str, Counter[float]]:
    """How often each metric had which value."""
    found: dict[str, Counter[float]] = {}

    def take(change: Any, _when: Seen, many: int) -> bool:
        for metric, value in change.state.metrics.items():
            values = found.setdefault(metric, Counter())
            if value is not None and (value in values or len(values) < MOST_VALUES):
                values[value] += 1 if many < 1 else many
        return True

    _walked(watch, time, take, lambda _when: None)
    # Quantiles of some thousand are as good as of all.
    return {metric: _thinned(values) for metric, values in found.items()}


def _thinned(values: Counter[float]) -> Counter[float]:
    share = max(sum(values.values()) // 10_000, 1)
    return Counter({value: -(-many // share) for value, many in values.items()})


def _rung(watch: AnyWatch, time: Time) -> tuple[Mapping[tuple[str, timedelta], Rings], timedelta]:
    """How often it rang, by the key of the condition and `for`; and in how much time."""
    bells = Ringing()

    def take(change: Any, when: Seen, _many: int) -> bool:
        conditions: Sequence[Condition] = watch.description.attention.seen(change.conditions, when.at)
        bells.take(conditions, when)
        return bells.is_settled

    seen = _walked(watch, time, take, bells.take_unseen)
    bells.end(time.until)
    return bells.rings, seen


def _walked(
    watch: AnyWatch, time: Time, take: Callable[[Any, Seen, int], bool], unseen: Callable[[Seen], None]
) -> timedelta:
    """Go through what a watch saw. `take`: what a comparison came to, and of how many equal looks; it says
    whether more of them would change nothing. Returns how much time was observed."""
    kind, seen = watch.kind, SeenOf(watch.id, time.since)
    state: Any = None
    last: datetime | None = None
    total = NOTHING
    if kind.kept_as is None:
        return total
    is_still = ringing.is_timeless(kind.kept_as, (one.metric for one in kind.thresholds()))
    for looks, every in time.past.looks(watch.id, time.since, time.until, seen):
        longest = max(every, watch.every)
        passed = observed(looks.gap, longest)
        total += passed * looks.many
        if isinstance(looks.outcome, Failed):
            unseen(Seen(looks.until, last, NOTHING))
            continue
        try:
            answer = loaded(kind.kept_as, looks.outcome.seen)
        except (AttributeError, LookupError, TypeError, ValueError):
            continue
        number, is_same = 1, False
        while number <= looks.many and not is_same:
            when = Seen(looks.at(number), last, passed)
            change = kind.diff(state, answer, when)
            state, last = change.state, when.at
            is_last = is_still or not change.is_moving
            is_calm = take(change, when, looks.many - number + 1 if is_last else 1)
            is_same = is_calm and is_last and not watch.description.attention.hours
            number += 1
        last = looks.until
    return total


def _duration(seconds: float) -> str:
    return show(timedelta(seconds=seconds)) if seconds else "0s"
