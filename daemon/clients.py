"""From systems to clients of the API: one kept-alive session each, trust shared between them."""

from daemon.config import Config, System
from daemon.yemot.client import Access, Client
from daemon.yemot.transport import Timeouts, Transport


def clients_of(config: Config) -> list[Client]:
    """One client for each system, in their order."""
    return [client_of(system) for system in config.systems]


def client_of(system: System) -> Client:
    """The client of one system."""
    timeouts = Timeouts(system.connect_timeout, system.read_timeout, system.deadline)
    access = Access(
        system.token, system.base_url, system.fallback_url, system.authorization, system.switch_id
    )
    return Client(access, Transport(timeouts, ca_file=system.ca_file))
