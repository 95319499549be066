"""How often each of several rules would have rung: the life of an alert, lived once for each. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daemon.core.alerts import life
from daemon.core.alerts.life import TOLD, Alert, Phase, Seen, Turn
from daemon.core.durations import MINUTE, NOTHING, SECOND
from daemon.core.model import Condition, Rule, Verdict
from daemon.core.watches import queue_shapes, queues

HOLDS = (NOTHING, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE)
"""The lengths of `for` that are tried."""
QUANTILES = (0.5, 0.8, 0.95, 0.99)
"""Of the values that were not nothing: a threshold that all of them cross rings all day."""
WANTED_A_WEEK = 5.0
"""Ours: who is rung more often for one thing stops listening."""
CLEARS_AT = 0.6
"""Ours: the share of a threshold at which it is over."""
BY_TENS = 100
"""From there on values are told by tens."""
OVER_TIME = frozenset({queue_shapes.ABANDONED, queue_shapes.ANSWERED, queue_shapes.LONGEST})
"""Metrics that change without another answer."""
WEEK = timedelta(days=7)


@dataclass
class Rings:
    """What came of one rule."""

    many: int = 0
    longest: timedelta = NOTHING
    since: datetime | None = None
    """It rings since then."""


class Ringing:
    """The alerts of some conditions, for each length of `for`."""

    def __init__(self, holds: Sequence[timedelta] = HOLDS) -> None:
        self._alerts: dict[timedelta, dict[str, Alert]] = {hold: {} for hold in holds}
        self._last: dict[str, Condition] = {}
        self.rings: dict[tuple[str, timedelta], Rings] = {}

    @property
    def is_settled(self) -> bool:
        """Whether equal answers, however many, would change nothing more."""
        return all(one.is_settled for alerts in self._alerts.values() for one in alerts.values())

    def take(self, conditions: Iterable[Condition], when: Seen) -> None:
        """What an answer says."""
        for one in conditions:
            self._last[one.key] = one
            for hold, alerts in self._alerts.items():
                before = alerts.get(one.key, life.OK)
                if _stays(before, one.verdict):
                    continue
                rule = Rule(hold, one.rule.keep, one.rule.severity)
                alerts[one.key], turn = life.step(before, one.verdict, when, rule)
                self._count(self.rings.setdefault((one.key, hold), Rings()), turn, when.at)

    def take_unseen(self, when: Seen) -> None:
        """An answer that says nothing."""
        self.take([replace(one, verdict=Verdict.UNKNOWN) for one in self._last.values()], when)

    def end(self, at: datetime) -> None:
        """No more comes."""
        for (key, hold), rings in self.rings.items():
            if rings.since is not None and self._alerts[hold][key].phase in TOLD:
                rings.longest = max(rings.longest, at - rings.since)

    @staticmethod
    def _count(rings: Rings, turn: Turn | None, at: datetime) -> None:
        if turn is Turn.FIRED:
            rings.many, rings.since = rings.many + 1, at
        elif turn is not None and rings.since is not None:
            rings.longest, rings.since = max(rings.longest, at - rings.since), None


def _stays(alert: Alert, verdict: Verdict) -> bool:
    """Whether nothing can come of it, as nearly always."""
    steady = Verdict.GOOD if alert.phase is Phase.OK else Verdict.BAD if alert.phase is Phase.FIRING else None
    return verdict is steady and not alert.is_blind


def a_week(many: int, seen: timedelta) -> float:
    """How often that is in a week, of a time in which something was seen."""
    return round(many * (WEEK / seen), 1) if seen > NOTHING else 0.0


def proposed(weekly: Sequence[float]) -> int | None:
    """Which of several rules, from the one that rings soonest to the one that rings latest: the first that
    leaves people in peace; None: none of them ever rang, or none does."""
    if not any(weekly):
        return None
    return next((place for place, often in enumerate(weekly) if often <= WANTED_A_WEEK), None)


def is_timeless(kept_as: type | None, metrics: Iterable[str]) -> bool:
    """Whether equal answers say the same of a queue's thresholds, however much time passes between them; of
    what else there is, its kind says that."""
    return kept_as is queues.Observation and OVER_TIME.isdisjoint(metrics)


def above(values: Sequence[float]) -> list[float]:
    """Thresholds to try, by values that were seen, sorted: the lowest first."""
    some = [one for one in values if one > 0]
    if not some:
        return []
    found = (some[min(int(len(some) * share), len(some) - 1)] for share in QUANTILES)
    return sorted({_round(one) for one in found})


def below(values: Sequence[float]) -> list[float]:
    """The same, of what must not be too few: the highest first."""
    most = min(int(max(values, default=0)), len(QUANTILES))
    return [float(one) for one in range(most, 0, -1)]


def cleared(limit: float) -> float:
    """Where a threshold that is crossed above ends: well below it, so that it does not come and go."""
    return float(math.floor(limit * CLEARS_AT)) if limit * CLEARS_AT >= 1 else limit


def _round(value: float) -> float:
    """So that somebody would write it."""
    if value >= BY_TENS:
        return float(round(value / 10) * 10)
    return float(math.ceil(value)) if value >= 1 else round(value, 2)
