"""What is expected of the systems, out of the configuration."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib import import_module
from zoneinfo import ZoneInfo

from daemon.config.expectations import ExpectationSettings
from daemon.config.settings import Config
from daemon.config.systems import SystemSettings
from daemon.config.watches import WatchSettings
from daemon.core.watches.expectations import OWNER, Expectation
from daemon.core.watches.watch import Description
from daemon.core.wishes import Guard, Kind, Wishes
from daemon.wiring.watches import KINDS
from daemon.wiring.windows import ACTIVE, hours


def expected(config: Config, wishes: Wishes | None = None) -> Mapping[str, tuple[Expectation, ...]]:
    """What is expected, by system; of the systems of which something is. `wishes` remember whose hours
    raise."""
    known = Wishes() if wishes is None else wishes
    zone = ZoneInfo(config.daemon.timezone)
    return {
        system.name: tuple(_expectation(system, one, zone, known) for one in system.expectations)
        for system in config.systems
        if system.expectations
    }


def enter(config: Config, wishes: Wishes) -> None:
    """Say which wishes they have."""
    for system in config.systems:
        for one in system.expectations:
            if one.active:
                _guard(system, one, wishes).add(ACTIVE, one.active)


def givers(system: SystemSettings, one: ExpectationSettings) -> frozenset[str]:
    """The watches of a system that may show what is expected. Where it is about one queue or folder, only
    those that it can be about."""
    found: dict[str, bool] = {}
    for kind in KINDS:
        parts = [part for watch in _tables(system, kind) for part in watch.gives]
        by_table = frozenset(name for part in parts for name in part.names)
        if one.type not in by_table:
            continue
        for description, _ in import_module(f"daemon.wiring.kinds.{kind}").rows(system):
            if one.type in (by_table if description.gives is None else description.gives):
                found[description.name] = _may_be_about(description, one.subject)
    about = {name for name, is_about in found.items() if is_about}
    return frozenset(about or found)


def _may_be_about(watch: Description, subject: str | None) -> bool:
    return subject is None or watch.about is None or fnmatchcase(watch.about, subject)


def _tables(system: SystemSettings, kind: str) -> tuple[WatchSettings, ...]:
    of: WatchSettings | tuple[WatchSettings, ...] | None = getattr(system, kind)
    return of if isinstance(of, tuple) else () if of is None else (of,)


def _expectation(
    system: SystemSettings, one: ExpectationSettings, zone: ZoneInfo, wishes: Wishes
) -> Expectation:
    return Expectation(
        one.name,
        one.type,
        one.within,
        one.severity,
        givers(system, one),
        one.subject,
        hours(one.active, zone.key, _guard(system, one, wishes)),
    )


def _guard(system: SystemSettings, one: ExpectationSettings, wishes: Wishes) -> Guard:
    return wishes.guard(Kind.WATCH, f"{system.name}/{OWNER}/{one.name}")
