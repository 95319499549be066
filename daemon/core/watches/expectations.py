"""Expectations: what a system has to show now and then, and that it did not come. Pure.

They poll nothing. What comes is found in the facts of the polls of all watches, in the transaction of each;
and for how long nothing came is the time in which every watch that could have shown it was seen. Of that no
clock on the wall knows: it is measured between two answers, by seconds that only grow, so whatever is set,
stopped or killed, an expectation is only ever late.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from daemon.core import durations
from daemon.core.alerts.hours import Hours
from daemon.core.durations import NOTHING
from daemon.core.model import AlertKind, Condition, EventTypes, Fact, Json, Rule, Severity, Verdict
from daemon.core.shapes import maybe, moment, pair, record, text
from daemon.core.timestamps import iso_or_none

OWNER = "activity"
"""What owns these alerts in the store, in the place of a watch."""
KIND = AlertKind("activity.missing", "activity.seen")
EXPECTATION = record(
    {
        "name": text("As it is configured; by default its type."),
        "type": text("The event type that is expected."),
        "within": text("How often: `2h`. Only time counts in which it would have been seen."),
    },
    optional={"subject": text("Of the events that count, where not all do: a glob.")},
)
EVENTS = EventTypes(
    alerts=(KIND,),
    rows=pair(
        KIND,
        "What is expected of a system has not come for `within`, of time that was seen and within its hours.",
        "It has come; or its hours are over (`alert.cause`), or it is not expected any more (`alert.reason` "
        'or `alert.end` is then "removed").',
        {
            "expectation": EXPECTATION,
            "last_seen_at": maybe(moment("When it came last; null: never, since it has been expected.")),
        },
    ),
)
MOST_SPANS = 1000
"""Stretches of one watch that are kept while another has not answered; what is too much was not seen."""


@dataclass(frozen=True)
class Expectation:
    """What has to come, and how often."""

    name: str
    type: str
    within: timedelta
    severity: Severity
    watches: frozenset[str]
    """That may show it; while one of them is not seen, nobody can say that nothing came."""
    subject: str | None = None
    """A glob; None: whatever it is about."""
    hours: Hours | None = field(default=None, compare=False)
    """When it counts; None: always."""

    @property
    def key(self) -> str:
        """Its identity within its system: what has another is expected anew."""
        return "/".join(filter(None, (OWNER, self.name, self.type, self.subject)))

    @property
    def about(self) -> str:
        """The subject of its events."""
        return f"{OWNER}/{self.name}"

    def is_met_by(self, fact: Fact) -> bool:
        """Whether this is what is expected."""
        return fact.type == self.type and (self.subject is None or fnmatchcase(fact.subject, self.subject))

    def counts_at(self, now: datetime) -> bool:
        """Whether a moment is within its hours."""
        return self.hours is None or self.hours.covers(now)

    def condition(self, verdict: Verdict, last_seen_at: datetime | None) -> Condition:
        """As the alerts judge it; how long it has to last is counted here, so that it fires at once."""
        said: dict[str, Json] = {
            "name": self.name,
            "type": self.type,
            "within": durations.show(self.within),
            **({} if self.subject is None else {"subject": self.subject}),
        }
        payload: Mapping[str, Json] = {"expectation": said, "last_seen_at": iso_or_none(last_seen_at)}
        return Condition(self.key, KIND, self.about, verdict, Rule(NOTHING, NOTHING, self.severity), payload)


@dataclass(frozen=True)
class Standing:
    """How an expectation stands, as the store has it."""

    quiet: timedelta = NOTHING
    """For how long nothing came, of the time that counts."""
    seen_at: datetime | None = None
    """When it came last."""


def verdict(one: Expectation, quiet: timedelta, now: datetime, *, is_blind: bool, is_firing: bool) -> Verdict:
    """What is to be said of it, while nothing comes. What fires and would not by now, was made more patient:
    nobody has seen that anything came."""
    if not one.counts_at(now):
        return Verdict.OUTSIDE
    if is_blind:
        return Verdict.UNKNOWN
    if quiet >= one.within:
        return Verdict.BAD
    return Verdict.GONE if is_firing else Verdict.GOOD


@dataclass
class _Watch:
    """What was seen by one watch and is not counted yet."""

    last: float | None = None
    """When it answered last; None: it did not, or not within its hours."""
    until: float | None = None
    """Up to when it is known what it saw; None: nothing is known of it."""
    spans: list[tuple[float, float]] = field(default_factory=list)


class Lull:
    """For how long every one of some watches was seen, and nothing came. Times are seconds that only grow."""

    def __init__(self, watches: Iterable[str]) -> None:
        self._watches = {name: _Watch() for name in watches}
        self._counted_to = float("-inf")
        self._quiet = 0.0
        self._is_blind: dict[str, bool] = {}

    @property
    def watches(self) -> frozenset[str]:
        """Which they are."""
        return frozenset(self._watches)

    @property
    def is_blind(self) -> bool | None:
        """Whether one of them is not seen at present; None: one has not been asked yet."""
        if any(self._is_blind.values()):
            return True
        return False if len(self._is_blind) == len(self._watches) else None

    @property
    def seconds(self) -> float:
        """For how long it was so since that was `taken` last."""
        return self._quiet

    def looked(self, name: str, at: float, most: float, *, counts: bool) -> None:
        """A watch answered, and showed nothing of it. `most`: of the time since its last answer no more was
        seen; `counts`: whether that moment is within its hours."""
        watch = self._watches[name]
        self._is_blind[name] = False
        if watch.last is not None and counts:
            self._add(watch, max(watch.last, at - most), at)
        watch.last = at if counts else None
        watch.until = at
        self._count()

    def unseen(self, name: str) -> None:
        """A watch did not answer: until it has done so twice, nothing of it is seen."""
        self._is_blind[name] = True
        self._watches[name].last = None

    def came(self, at: float) -> None:
        """It came: what was before says nothing any more."""
        self._quiet = 0.0
        self._drop(at)

    def taken(self) -> float:
        """The seconds, which count from nothing again."""
        found, self._quiet = self._quiet, 0.0
        return found

    def _add(self, watch: _Watch, start: float, end: float) -> None:
        start = max(start, self._counted_to)
        if start >= end:
            return
        if watch.spans and watch.spans[-1][1] == start:
            start = watch.spans.pop()[0]
        watch.spans.append((start, end))
        del watch.spans[:-MOST_SPANS]

    def _count(self) -> None:
        """As far as it is known of all of them what they saw."""
        known = [one.until for one in self._watches.values() if one.until is not None]
        if len(known) < len(self._watches) or min(known) <= self._counted_to:
            return
        until = min(known)
        common = [(self._counted_to, until)]
        for watch in self._watches.values():
            common = _overlap(common, watch.spans)
        self._quiet += sum(end - start for start, end in common)
        self._drop(until)

    def _drop(self, until: float) -> None:
        self._counted_to = max(self._counted_to, until)
        for watch in self._watches.values():
            watch.spans = [(max(a, self._counted_to), b) for a, b in watch.spans if b > self._counted_to]


def _overlap(some: list[tuple[float, float]], others: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """What two lists of stretches, each in order, have in common."""
    found, first, second = [], 0, 0
    while first < len(some) and second < len(others):
        start, end = max(some[first][0], others[second][0]), min(some[first][1], others[second][1])
        if start < end:
            found.append((start, end))
        if some[first][1] < others[second][1]:
            first += 1
        else:
            second += 1
    return found
