"""From systems to clients of the API: one kept-alive session each, trust shared between them."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Lock

from daemon import __version__
from daemon.config.settings import Config, HeartbeatSettings
from daemon.config.systems import SystemSettings
from daemon.core.allowance import Allowance, Allowances
from daemon.core.model import Unknown
from daemon.host import clock
from daemon.yemot.client import Access, Client, Exchanged, Heard, unheard
from daemon.yemot.transport import Request, Timeouts, Transport

TIMEOUTS = Timeouts(timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=15))
"""Of a heartbeat."""
ACCEPTED = range(200, 300)
"""Of a heartbeat: successful (RFC 9110, section 15.3)."""


TracedOf = Callable[[str, Exchanged], None]
"""Is told of each try of a call to a system, by name."""


def clients_of(
    config: Config,
    heard: Heard = unheard,
    traced: TracedOf | None = None,
    allowances: Allowances | None = None,
) -> list[Client]:
    """One client for each system, in their order; `heard` is told what time the API says it is, `allowances`
    are what was read of their files so far.

    Raises OSError where a file of authorities cannot be read any more.
    """
    known = allowances or Allowances(clock.monotonic, Lock)
    return [client_of(system, heard, traced, known.of(system.name)) for system in config.systems]


def client_of(
    system: SystemSettings,
    heard: Heard = unheard,
    traced: TracedOf | None = None,
    allowance: Allowance | None = None,
) -> Client:
    """The client of one system. Raises OSError where its file of authorities cannot be read any more."""
    timeouts = Timeouts(system.connect_timeout, system.read_timeout, system.deadline)
    access = Access(
        system.token, system.base_url, system.fallback_url, system.authorization, system.switch_id
    )
    transport = Transport(timeouts, monotonic=clock.monotonic, ca_file=system.ca_file)
    of_it = partial(traced, system.name) if traced else None
    return Client(access, transport, heard, now=clock.utcnow, traced=of_it, allowance=allowance)


def heartbeat_of(config: HeartbeatSettings) -> Callable[[bytes], str | None]:
    """What posts a sign of life, and returns why it did not arrive; the address is in no such reason."""
    transport = Transport(TIMEOUTS, monotonic=clock.monotonic)
    headers = {"content-type": "application/json", "user-agent": f"yemotd/{__version__}"}

    def post(body: bytes) -> str | None:
        reply = transport.send(Request("POST", config.url.value, headers, body), repeatable=True)
        if isinstance(reply, Unknown):
            return reply.message
        return None if reply.status in ACCEPTED else f"HTTP {reply.status}"

    return post
