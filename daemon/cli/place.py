"""What a verb works on that only looks something up: the database, and as much of the configuration as there
is.

A secret that cannot be had is no matter to it. Where the file cannot be used, as while somebody edits it, it
goes by what the daemon took over last, and says so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from daemon.cli import names, opening
from daemon.cli.output import clock_time, complain, use_zone
from daemon.config.load import ConfigError
from daemon.config.settings import Config
from daemon.core.differences import READERS
from daemon.core.wording import cut
from daemon.store import database as databases
from daemon.store import location
from daemon.store.database import Database

if TYPE_CHECKING:
    from daemon.core.contacts import Configured
    from daemon.core.routing.escalation import Escalation
    from daemon.core.routing.plan import Interest
    from daemon.store.in_force import InForce

WatchId = tuple[str, str]
"""System and name."""


class Known:
    """What there is of a configuration: by the file, or by what was taken over last. Each part is made out
    when it is first asked for."""

    def __init__(self, config: Config | None, kept: Callable[[], "InForce | None"]) -> None:
        self._config = config
        self._kept = kept

    @cached_property
    def endpoints(self) -> Sequence[str]:
        """In their order."""
        if self._config is None:
            return self._names("endpoints")
        from daemon.wiring.mailboxes import endpoint_names  # noqa: PLC0415 - most verbs do without

        return endpoint_names(self._config)

    @cached_property
    def interests(self) -> "Sequence[Interest]":
        """What each endpoint wants to be told, and when it is quiet; nobody's, while the file cannot be
        used."""
        if self._config is None:
            return ()
        from daemon.wiring.endpoints import interests  # noqa: PLC0415 - as above

        return interests(self._config)

    @cached_property
    def escalations(self) -> "Sequence[Escalation]":
        """Whom alerts go to that nobody acknowledges; likewise."""
        if self._config is None:
            return ()
        from daemon.wiring.escalations import ladders  # noqa: PLC0415 - as above

        return ladders(self._config.escalations)

    @property
    def has_windows(self) -> bool:
        """Whether any endpoint is quiet at times."""
        return self._config is not None and any(one.quiet for _, one in self._config.endpoints())

    @property
    def contacts(self) -> "Configured":
        """Who is called how by the configuration; nobody, while it cannot be used."""
        from daemon.core.contacts import Configured  # noqa: PLC0415 - as above

        return Configured() if self._config is None else self._config.contacts.configured

    @cached_property
    def watches(self) -> Mapping[WatchId, timedelta]:
        """In their order, with how often each is polled. Empty where a release kept them that did not say."""
        if self._config is None:
            found: Any = self._readers.get("watches", ())
            return {(system, name): timedelta(seconds=seconds) for system, name, seconds in found}
        from daemon.wiring.watches import plan  # noqa: PLC0415 - as above

        return {one.id: one.every for system in self._config.systems for one in plan(system)}

    @cached_property
    def systems(self) -> Sequence[str]:
        """In their order."""
        if self._config is not None:
            return [one.name for one in self._config.systems]
        return list(dict.fromkeys(system for system, _ in self.watches)) or self._parts("systems")

    @cached_property
    def timezone(self) -> str | None:
        """In which people read times; None: nobody knows."""
        if self._config is not None:
            return self._config.daemon.timezone
        named = self._readers.get("timezone")
        return named if isinstance(named, str) else None

    @property
    def _readers(self) -> Mapping[str, object]:
        kept = self._kept()
        return kept.parts.get(READERS, {}) if kept else {}

    def _names(self, kind: str) -> Sequence[str]:
        named: Any = self._readers.get(kind)
        return [*named] if named is not None else self._parts(kind)

    def _parts(self, kind: str) -> Sequence[str]:
        kept = self._kept()
        return [*kept.parts.get(kind, ())] if kept else []


class Place:
    """An open store, and what is known beside it. The database is opened when it is first asked."""

    def __init__(self, url: str, config: Config | None, fault: ConfigError | None = None) -> None:
        self.url = url
        self.config = config
        """None: the file cannot be used."""
        self._fault = fault
        """What is wrong with it; with a configuration: no more than that its secrets cannot be had."""
        self.now: datetime | None = None
        """What time it was when somebody looked."""

    @cached_property
    def store(self) -> Database:
        """Raises `DatabaseError` where it cannot be opened."""
        return databases.connect(self.url)

    @cached_property
    def known(self) -> Known:
        """Endpoints, watches and the zone, as far as they are known."""
        return Known(self.config, lambda: self.taken_over)

    @property
    def has_secrets(self) -> bool:
        """Else what stands in place of the configuration's secrets is none."""
        return self._fault is None

    def whole(self, *, with_secrets: bool = False) -> Config:
        """The configuration, for who acts by it. Raises `Fatal` (exit 78) where it cannot be used."""
        if self.config is None or (with_secrets and self._fault):
            assert self._fault is not None  # noqa: S101 - else there is a configuration
            raise opening.unusable(self._fault)
        return self.config

    @cached_property
    def taken_over(self) -> "InForce | None":
        """What the daemon took over last; None where none ever ran."""
        from daemon.store import in_force  # noqa: PLC0415 - as above

        with self.store.read() as db:
            return in_force.load(db)

    def look(self, db: sa.Connection) -> datetime:
        """What time it is, by the clock that the database goes by."""
        self.now = opening.look(db).wall
        return self.now

    def close(self) -> None:
        """Close the store, if it was opened."""
        if "store" in vars(self):
            self.store.close()


@contextmanager
def opened(path: Path | None) -> Iterator[Place]:
    """The place that a configuration names. Raises `Fatal` (exit 78) where not even its database is known."""
    place = _of(path)
    try:
        yield place
    finally:
        place.close()


def _of(path: Path | None) -> Place:
    loaded = opening.read(path)
    if not isinstance(loaded, ConfigError):
        return Place(loaded.config.daemon.database, loaded.config)
    if loaded.without_secrets is not None:
        use_zone(loaded.without_secrets.daemon.timezone)
        names.take(loaded.without_secrets)
        return Place(loaded.without_secrets.daemon.database, loaded.without_secrets, loaded)
    from daemon.config.partly import salvaged  # noqa: PLC0415 - for the hour in which somebody edits it

    found = salvaged(loaded)
    if found is None:
        raise opening.unusable(loaded) from None
    place = Place(found.database, None, loaded)
    names.take_stored(found.database)
    use_zone(found.timezone or place.known.timezone)
    complain(_said(loaded, place))
    return place


def _said(error: ConfigError, place: Place) -> str:
    more = f", and {len(error.faults) - 1} more" if len(error.faults) > 1 else ""
    kept = place.taken_over
    instead = f"by what the daemon took over last, {clock_time(kept.since)}" if kept else "without it"
    return (
        f"{error.path} is not usable ({cut(error.faults[0])}{more}; `yemotd check` shows all): "
        f"this is {instead}, from {location.shown(place.url)}"
    )
