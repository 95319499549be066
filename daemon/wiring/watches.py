"""From a system's configuration to its watches: the kinds that there are, and the hours of their alerts.

A kind (`kinds/`) is what it asks (`yemot/reads.py`), how it compares the answer (`core/watches`), and what
the configuration says of both. The poller walks the same road with all of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from daemon.config.systems import SystemSettings
from daemon.config.watches import WatchSettings
from daemon.config.windows import WindowSettings
from daemon.core.alerts.hours import Attention
from daemon.core.watches.queues import Threshold
from daemon.core.watches.sip import ignorable
from daemon.core.watches.watch import POLLING, AnyWatch, Description, Watch
from daemon.core.wishes import Guard, Kind, Wishes

if TYPE_CHECKING:
    # Who only wants to know what is watched needs no HTTP, and none of the kinds that are not.
    from daemon.wiring.kinds.kind import Make, Row
    from daemon.yemot.client import Client

KINDS = (
    "sms",
    "sip",
    "queues",
    "callbacks",
    "directories",
    "reports",
    "pirsumphone",
    "units",
    "sms_units",
    "caller_ids",
)
"""The tables of a system, each with a file of `kinds/`; in the order in which its watches are shown."""


def rows(system: SystemSettings) -> Iterator["Row"]:
    """What is watched of a system, each with how its kind is made."""
    # Loaded where it is watched: a verb that looks something up loads little.
    return chain.from_iterable(
        import_module(f"daemon.wiring.kinds.{kind}").rows(system) for kind in KINDS if getattr(system, kind)
    )


def plan(system: SystemSettings) -> list[Description]:
    """What is watched of a system, without anybody to ask."""
    return [description for description, _ in rows(system)]


def watches(
    system: SystemSettings, client: "Client", zone: ZoneInfo, wishes: Wishes | None = None
) -> list[AnyWatch]:
    """The same, to be polled; `wishes` remember whose polls raise."""
    known = Wishes() if wishes is None else wishes
    return [
        Watch(
            attentive(description, make, zone, known), make(client, zone), guard=guard_of(known, description)
        )
        for description, make in rows(system)
    ]


def enter(system: SystemSettings, wishes: Wishes) -> None:
    """Say which wishes the watches of a system have."""
    from daemon.wiring.windows import ACTIVE  # noqa: PLC0415 - a cold start is measured

    for description, make in rows(system):
        guard = guard_of(wishes, description)
        guard.add(POLLING, system)
        if windows := list(filter(None, active(make).values())):
            guard.add(ACTIVE, windows)


def attentive(description: Description, make: "Make", zone: ZoneInfo, wishes: Wishes) -> Description:
    """A watch with the hours in which its alerts count, and what of it is ignored."""
    from daemon.wiring.windows import by_key, hours  # noqa: PLC0415 - as above

    guard = guard_of(wishes, description)
    found = {key: hours(windows, zone.key, guard) for key, windows in active(make).items()}
    ignored = frozenset(map(ignorable, ignored_of(make)))
    return replace(description, attention=Attention(by_key(found), ignored))


def active(make: "Make") -> dict[str, tuple[WindowSettings, ...]]:
    """The windows in which alerts count, as `WatchSettings.hours` has them."""
    settings = _settings(make)
    return settings.hours if isinstance(settings, WatchSettings) else {}


def ignored_of(make: "Make") -> tuple[str, ...]:
    """The accounts of which nothing is told."""
    ignored: tuple[str, ...] = getattr(_settings(make), "ignore", ())
    return ignored


def _settings(make: "Make") -> object:
    return make.keywords.get("settings") if isinstance(make, partial) else None


def guard_of(wishes: Wishes, watch: Description) -> Guard:
    """What remembers that polls of a watch raise."""
    return wishes.guard(Kind.WATCH, "/".join(watch.id))


def limits(watched: Iterable[AnyWatch]) -> dict[tuple[str, str], tuple[Threshold, ...]]:
    """The thresholds that are in force, by system and watch."""
    found = {watch.id: watch.kind.thresholds() for watch in watched}
    return {id_: some for id_, some in found.items() if some}
