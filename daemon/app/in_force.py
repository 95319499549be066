"""What a configuration comes to, as one value: a reload puts another in its place, whole.

Whoever writes takes what is in force when its transaction begins, and goes by that to the end; so nothing
that is written stands half on the old configuration and half on the new.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from daemon.config.settings import Config
from daemon.core.commands.policy import Policy
from daemon.core.delivery.route import Route
from daemon.core.retention import Retention
from daemon.core.watches.watch import AnyWatch
from daemon.host import clock
from daemon.pipeline.events import Recorder
from daemon.wiring.clients import clients_of
from daemon.wiring.commands import policies, systems_of
from daemon.wiring.endpoints import interests, retention, routes
from daemon.wiring.watches import watches
from daemon.workers.commander import System
from daemon.yemot.client import Client, Heard


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

    def close(self) -> None:
        """Close the connections to the systems."""
        for client in self.clients:
            client.close()


def in_force(config: Config, heard: Heard) -> InForce:
    """All that follows from a configuration; `heard` is told what time it is at the API.

    Raises OSError where a file of authorities cannot be read any more.
    """
    clients, zone = clients_of(config, heard), ZoneInfo(config.daemon.timezone)
    return InForce(
        config=config,
        clients=tuple(clients),
        watches=tuple(
            watch
            for system, client in zip(config.systems, clients, strict=True)
            for watch in watches(system, client, zone)
        ),
        systems=systems_of(config, clients),
        policies=policies(config),
        recorder=Recorder(interests(config), clock.new_id),
        routes=routes(config),
        retention=retention(config),
    )


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
