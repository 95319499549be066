"""Alerts as they were told, beside what another configuration would have made of the same time. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Telling:
    """That an endpoint was told of an alert."""

    endpoint: str
    at: datetime
    reason: str
    """As `alert.reason` says it."""


@dataclass(frozen=True)
class Life:
    """One incident, and who was told of it."""

    id: str
    """`inc_…`; of a rehearsal: a number, which is gone with it."""
    system: str
    watch: str
    key: str
    type: str
    """Of the event that fires."""
    subject: str
    severity: str
    metric: str | None
    """Of a threshold: what it is on."""
    started_at: datetime
    fired_at: datetime
    ended_at: datetime | None
    """None: it fires yet."""
    end: str | None
    """How it ended, as `alert.reason` says it."""
    cause: str | None = None
    told: tuple[Telling, ...] = ()
    held: Mapping[str, str] = field(default_factory=dict)
    """Who was not told at all, and what held it back when it was last asked."""

    @property
    def about(self) -> tuple[str, str, str, str | None]:
        """What it is of: two lives with the same may be one."""
        return self.system, self.type, self.subject, self.metric

    def overlaps(self, other: "Life") -> bool:
        """Whether there was a time at which both fired."""
        ends = self.ended_at is None or self.ended_at > other.fired_at
        return ends and (other.ended_at is None or other.ended_at > self.fired_at)


class Outcome(Enum):
    """How an alert by the one configuration stands beside those by the other."""

    SAME = "same"
    OTHER = "other"
    """It rings both times, but not at the same time, or not to the same endpoints."""
    NEW = "new"
    """It did not ring, and would have."""
    GONE = "gone"
    """It rang, and would not have."""


class Why(Enum):
    """Why what rang would not have."""

    NOT_WATCHED = "not_watched"
    IGNORED = "ignored"
    OUTSIDE_HOURS = "outside_hours"
    TOO_SHORT = "too_short"
    """It was bad, but not for as long as `for` says."""
    NOT_SEEN = "not_seen"
    """Nothing was kept of that time."""
    NOT_BAD = "not_bad"
    """By the new limits all was well."""


@dataclass(frozen=True)
class Pair:
    """An alert as it would have been, and as it was; one of the two may be missing."""

    outcome: Outcome
    would: Life | None
    was: Life | None
    why: Why | None = None

    @property
    def at(self) -> datetime:
        """When the first of the two fired."""
        return min(one.fired_at for one in (self.would, self.was) if one is not None)


def paired(would: Iterable[Life], was: Iterable[Life], slack: timedelta) -> list[Pair]:
    """Each life beside the one that it was: of the same thing, and at the same time. `slack`: times that
    differ by no more are the same."""
    left: dict[tuple[str, str, str, str | None], list[Life]] = {}
    for one in was:
        left.setdefault(one.about, []).append(one)
    pairs = []
    for one in would:
        others = left.get(one.about, [])
        near = [other for other in others if one.overlaps(other) or _is_near(one, other, slack)]
        if not near:
            pairs.append(Pair(Outcome.NEW, one, None))
            continue
        other = min(near, key=lambda its: abs(its.fired_at - one.fired_at))
        others.remove(other)
        pairs.append(Pair(Outcome.SAME if _is_same(one, other, slack) else Outcome.OTHER, one, other))
    pairs += [Pair(Outcome.GONE, None, one) for others in left.values() for one in others]
    return sorted(pairs, key=lambda one: (one.at, one.outcome.value))


def _is_near(one: Life, other: Life, slack: timedelta) -> bool:
    return abs(one.fired_at - other.fired_at) <= slack


def _is_same(one: Life, other: Life, slack: timedelta) -> bool:
    if not _is_near(one, other, slack) or (one.ended_at is None) is not (other.ended_at is None):
        return False
    if one.ended_at and other.ended_at and abs(one.ended_at - other.ended_at) > slack:
        return False
    return _first(one.told) == _first(other.told)


def _first(told: Sequence[Telling]) -> set[str]:
    return {one.endpoint for one in told}


def common(of_each: Sequence[Sequence[Span]]) -> list[Span]:
    """The times that lie in a span of each; spans of one are in order, and apart."""
    if not of_each:
        return []
    found = list(of_each[0])
    for others in of_each[1:]:
        found = [
            (max(one[0], other[0]), min(one[1], other[1]))
            for one in found
            for other in others
            if max(one[0], other[0]) < min(one[1], other[1])
        ]
    return found
