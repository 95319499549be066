"""Turning endpoints off and on, and sending them the past again: for the command line and for HTTP.

Where one raises `Refused`, nothing was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from daemon.core.delivery.breaker import Switch
from daemon.core.refusals import Refused, Why
from daemon.core.routing.plan import Interest
from daemon.core.wording import nearest, quoted
from daemon.operations import replay as replayer
from daemon.store import endpoint_health, views
from daemon.store.database import Database
from daemon.store.replay import Plan, Span, Which
from daemon.store.views import EndpointHealth


@dataclass(frozen=True)
class Replay:
    """Which events of the past are wanted again, and how fast."""

    which: Which
    span: Span
    with_history: bool = False
    """Also what is not true any more."""
    rate: float | None = None
    """A second; None: at once."""
    is_dry_run: bool = False


def interest_of(endpoint: str, interests: Sequence[Interest]) -> Interest:
    """What a configured endpoint wants to be told. Raises `Refused` where none is called so."""
    for one in interests:
        if one.endpoint == endpoint:
            return one
    raise _no_such(endpoint, interests)


def find_endpoint(
    db: sa.Connection, endpoint: str, interests: Sequence[Interest], names: Sequence[str] = ()
) -> EndpointHealth:
    """How an endpoint is doing, also one that left the configuration and for which something waits. `names`:
    beside those that want something, these are configured, too.

    Raises `Refused` where none is called so.
    """
    known = dict.fromkeys([*(each.endpoint for each in interests), *names])
    for one in views.endpoints(db, list(known)):
        if one.name == endpoint:
            return one
    raise _no_such(endpoint, interests)


def switch(db: sa.Connection, endpoint: str, interests: Sequence[Interest], to: Switch) -> None:
    """Leave word that an endpoint is to be turned on or off; the dispatcher does it.

    Raises `Refused` where none of the configuration is called so.
    """
    endpoint_health.ask(db, interest_of(endpoint, interests).endpoint, to)


def send_again(
    database: Database, endpoint: str, interests: Sequence[Interest], asked: Replay, now: datetime
) -> Plan:
    """Send events of the past to an endpoint, unless it is only to be seen which they are.

    Raises `Refused` where none of the configuration is called so.
    """
    interest = interest_of(endpoint, interests)
    with database.read() as db:
        plan = replayer.plan(db, interest, asked.span, asked.which, with_history=asked.with_history)
    if not asked.is_dry_run:
        replayer.send(database, interest, plan.items, now, rate=asked.rate)
    return plan


def _no_such(endpoint: str, interests: Sequence[Interest]) -> Refused:
    names = [one.endpoint for one in interests]
    # A table of phones is not one endpoint: each of them is.
    phone = next((one for one in names if one.startswith(f"{endpoint}/")), None)
    near = nearest(endpoint, names) if phone is None else f"; did you mean {quoted(phone)}?"
    return Refused(Why.MISSING, f"no endpoint is called {endpoint!r}{near}")
