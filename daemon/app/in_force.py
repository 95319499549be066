"""What a configuration comes to, as one value: a reload puts another in its place, whole.

Whoever writes takes what is in force when its transaction begins, and goes by that to the end; so nothing
that is written stands half on the old configuration and half on the new.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import structlog

from daemon.config.settings import Config
from daemon.core.commands.policy import Policy
from daemon.core.delivery.route import Route
from daemon.core.retention import Retention
from daemon.core.watches.watch import POLLING, AnyWatch
from daemon.core.wishes import Wish, Wishes
from daemon.host import clock
from daemon.pipeline.events import Recorder
from daemon.pipeline.handover import Handover
from daemon.wiring.clients import clients_of
from daemon.wiring.commands import policies, systems_of
from daemon.wiring.endpoints import enter, interests, retention, routes
from daemon.wiring.watches import guard_of, plan, watches
from daemon.workers.commander import System
from daemon.yemot.client import Client, Heard

log = structlog.get_logger()


@dataclass(frozen=True)
class InForce:
    """A configuration, and all that follows from it."""

    config: Config
    clients: tuple[Client, ...]
    watches: tuple[AnyWatch, ...]
    systems: Mapping[str, System]
    """What carries commands out, by system."""
    policies: Mapping[str, Policy]
    """What each system allows."""
    recorder: Recorder
    """What writes events, for the endpoints there are."""
    routes: Mapping[str, Route]
    retention: Retention
    wishes: Wishes
    """What the endpoints ask for and what is watched, and which of it is set aside."""

    @cached_property
    def watches_by_id(self) -> Mapping[tuple[str, str], AnyWatch]:
        """The same watches, by system and name."""
        return {watch.id: watch for watch in self.watches}

    def close(self) -> None:
        """Close the connections to the systems."""
        for client in self.clients:
            client.close()


def in_force(config: Config, heard: Heard, handover: Handover) -> InForce:
    """All that follows from a configuration; `heard` is told what time it is at the API, and
    `handover` what is to be sent.

    Raises OSError where a file of authorities cannot be read any more.
    """
    clients, zone = clients_of(config, heard), ZoneInfo(config.daemon.timezone)
    wishes = wishes_of(config)
    return InForce(
        config=config,
        clients=tuple(clients),
        watches=tuple(
            watch
            for system, client in zip(config.systems, clients, strict=True)
            for watch in watches(system, client, zone, wishes)
        ),
        systems=systems_of(config, clients),
        policies=policies(config),
        recorder=Recorder(interests(config, wishes), clock.new_id, handover),
        routes=routes(config, wishes),
        retention=retention(config),
        wishes=wishes,
    )


def wishes_of(config: Config) -> Wishes:
    """All that is asked for; the log hears of what cannot be worked out."""
    wishes = Wishes(_raised)
    enter(config, wishes)
    for system in config.systems:
        for one in plan(system):
            guard_of(wishes, one).add(POLLING, system)
    return wishes


def _raised(wish: Wish, error: Exception) -> None:
    log.error("wish.set_aside", of=wish.kind.value, name=wish.name, setting=wish.setting, exc_info=error)


class Current:
    """What is in force now. Safe to call from any thread."""

    def __init__(self, first: InForce) -> None:
        self._now = first

    def __call__(self) -> InForce:
        return self._now

    def recorder(self) -> Recorder:
        """What writes events at this moment."""
        return self._now.recorder

    def swap(self, other: InForce) -> InForce:
        """Put another in force. Returns the one that was."""
        before, self._now = self._now, other
        return before
