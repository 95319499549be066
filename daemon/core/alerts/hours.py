"""Hours: of which conditions the alerts count, and when. Pure.

Outside its hours a condition is unseen: neither good nor bad, and the time counts for nothing. What fires
when they end is over for whoever was told, and begins anew, as another incident, where it is bad within them
again.
Judged by the clock on the wall, at every look anew.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from daemon.core.model import ALL, Condition, Verdict
from daemon.core.phones import subject_key


@dataclass(frozen=True)
class Hours:
    """When the alerts of a condition count."""

    names: tuple[str, ...]
    """Of the windows, as the configuration has them."""
    covers: Callable[[datetime], bool]
    begins: Callable[[datetime], datetime | None] = lambda _moment: None
    """When they begin next, asked outside of them; None: nobody can say."""
    ends: Callable[[datetime], datetime | None] = lambda _moment: None
    """When they are over, asked within them; None: no end is in sight, or nobody can say."""


@dataclass(frozen=True)
class Attention:
    """What of all that a watch sees is wanted as alerts."""

    hours: Mapping[str, Hours] = field(default_factory=dict)
    """By the key of a condition, and under `ALL` those of all others; of what is not there: always."""
    ignored: frozenset[str] = frozenset()
    """Subjects of which nothing is told, by `subject_key`."""

    def of(self, key: str) -> Hours | None:
        """The hours of a condition; None: always."""
        return self.hours.get(key) or self.hours.get(ALL)

    def is_outside(self, key: str, moment: datetime) -> bool:
        """Whether a moment lies outside the hours of a condition."""
        hours = self.of(key) if self.hours else None
        return hours is not None and not hours.covers(moment)

    def ignores(self, subject: str) -> bool:
        """Whether nothing is told of a subject."""
        return bool(self.ignored) and subject_key(subject) in self.ignored

    def closed(self, moment: datetime) -> frozenset[str]:
        """Which of its hours do not last at a moment: while these are the same, an equal answer says nothing
        new."""
        return frozenset(key for key, hours in self.hours.items() if not hours.covers(moment))

    def seen(self, conditions: Iterable[Condition], moment: datetime) -> tuple[Condition, ...]:
        """Conditions as they count at a moment: those outside their hours are not seen."""
        if not self.hours:
            return tuple(conditions)
        return tuple(
            replace(one, verdict=Verdict.OUTSIDE)
            if one.verdict is not Verdict.GONE and self.is_outside(one.key, moment)
            else one
            for one in conditions
        )


EVERYTHING = Attention()
"""Always, and of all."""
