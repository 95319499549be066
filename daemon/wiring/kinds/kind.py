"""What all kinds of watch share: a class for how it asks and compares, and the rows that it has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from daemon.config.systems import SystemSettings
from daemon.core.durations import NOTHING
from daemon.core.model import Rule, Unknown
from daemon.core.watches.cost import Cost, cost
from daemon.core.watches.watch import Answered, AnyKind, Description, SeenT, StateT, Unchanged, WatchKind
from daemon.yemot.reads import Read

if TYPE_CHECKING:
    # Who only wants to know what is watched needs no HTTP.
    from daemon.yemot.client import Client

Make = Callable[["Client", ZoneInfo], AnyKind]
"""A kind, once it is known whom it asks, and whose days and hours the answers name."""
Row = tuple[Description, Make]


def described(
    system: SystemSettings,
    name: str,
    question: Read[object],
    every: timedelta,
    finds: Mapping[str, timedelta],
    *,
    costs: Cost | None = None,
    at_most_every: timedelta = NOTHING,
    gives: frozenset[str] | None = None,
    about: str | None = None,
) -> Description:
    """`finds`: in words, with how long it must last to be told. `costs`: where that is not one such question
    each time. `gives`: where it is not all that its table does."""
    rows = question.params.get("limit", 1)
    known = costs or cost(question.method, every, rows if isinstance(rows, int) else 1)
    api_rule = Rule(system.api.hold, system.api.keep, system.api.severity)
    return Description(
        system.name,
        name,
        question.method,
        every,
        finds,
        api_rule,
        cost=known,
        at_most_every=at_most_every,
        gives=gives,
        about=about,
    )


@dataclass(frozen=True)
class OneQuestion(WatchKind[StateT, SeenT]):
    """A kind that asks the same question each time, and once."""

    client: "Client"
    zone: ZoneInfo
    question: Read[SeenT]

    def ask(
        self, known: bytes | None, before: Callable[[], StateT | None]
    ) -> Answered[SeenT] | Unchanged | Unknown:
        return self.client.poll(self.question, known)


def today(moment: datetime, zone: ZoneInfo) -> date:
    """The date that the zone's calendars show."""
    return moment.astimezone(zone).date()
