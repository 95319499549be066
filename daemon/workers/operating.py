"""What an operator asks for, by hand or by program: the rules that the command line and HTTP share.

Each raises `Refused` where it cannot be, and then nothing was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from daemon.core.breaker import Switch
from daemon.core.delivery import OPEN, Status
from daemon.core.incidents import Incident
from daemon.core.refusals import Refused, Why
from daemon.core.routing import Interest
from daemon.core.silences import Silence, Wish, granted
from daemon.core.wording import nearest
from daemon.store import endpoints, history, incidents, outbox, replay, silences, views
from daemon.store.database import Database
from daemon.store.history import DeliveryView
from daemon.store.replay import Span
from daemon.store.views import EndpointHealth
from daemon.workers import replayer
from daemon.workers.replayer import Plan, Which


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


def mute(db: sa.Connection, wish: Wish, silence: str, now: datetime) -> tuple[Silence, list[Incident]]:
    """Add a silence under this id; with what fires now and is muted by it."""
    added = granted(wish, silence, now)
    matched = [one for one in incidents.firing(db) if added.covers(one)]
    if wish.until_resolved and not matched:
        reason = "nothing that it matches is firing, so there is no end to wait for"
        raise Refused(Why.CONFLICT, reason, "until_resolved")
    silences.add(db, added)
    return added, matched


def find_silence(db: sa.Connection, silence: str) -> Silence:
    """One silence by its id."""
    found = silences.find(db, silence)
    if found is None:
        raise Refused(Why.MISSING, f"there is no silence {silence!r}")
    return found


def unmute(db: sa.Connection, silence: str, now: datetime) -> Silence:
    """End a silence now; what still fires is told."""
    if find_silence(db, silence).is_over(now):
        raise Refused(Why.CONFLICT, f"the silence {silence!r} has ended already")
    silences.expire(db, silence, now)
    return find_silence(db, silence)


def find_delivery(db: sa.Connection, delivery: int) -> DeliveryView:
    """One delivery by its id, with its attempts."""
    found = history.find(db, delivery)
    if found is None:
        raise Refused(Why.MISSING, f"there is no delivery {delivery}")
    return found


def retry(db: sa.Connection, delivery: int, now: datetime, *, with_history: bool) -> DeliveryView:
    """Make a delivery that has ended due again; as it stands then."""
    found = find_delivery(db, delivery)
    if found.status in OPEN:
        raise Refused(Why.CONFLICT, f"delivery {delivery} has not ended: it is {found.status.value}")
    is_outdated = found.status is Status.SUPERSEDED or not replay.may_be_told(db, found.event, found.endpoint)
    if is_outdated and not with_history:
        reason = (
            f"delivery {delivery} tells what is not true any more: a newer event of it was told since; "
            "`history` sends it all the same"
        )
        raise Refused(Why.CONFLICT, reason, "history")
    outbox.reopen(db, [delivery], now)
    return find_delivery(db, delivery)


def interest_of(endpoint: str, interests: Sequence[Interest]) -> Interest:
    """What a configured endpoint wants to be told."""
    for one in interests:
        if one.endpoint == endpoint:
            return one
    raise _no_such(endpoint, interests)


def find_endpoint(db: sa.Connection, endpoint: str, interests: Sequence[Interest]) -> EndpointHealth:
    """How an endpoint is doing, also one that left the configuration and for which something waits."""
    for one in views.endpoints(db, [each.endpoint for each in interests]):
        if one.name == endpoint:
            return one
    raise _no_such(endpoint, interests)


def switch(db: sa.Connection, endpoint: str, interests: Sequence[Interest], to: Switch) -> None:
    """Leave word that an endpoint is to be turned on or off; the dispatcher does it."""
    endpoints.ask(db, interest_of(endpoint, interests).endpoint, to)


def send_again(
    database: Database, endpoint: str, interests: Sequence[Interest], asked: Replay, now: datetime
) -> Plan:
    """Send events of the past to an endpoint, unless it is only to be seen which they are."""
    interest = interest_of(endpoint, interests)
    with database.read() as db:
        plan = replayer.plan(db, interest, asked.span, asked.which, with_history=asked.with_history)
    if not asked.is_dry_run:
        replayer.send(database, interest, plan.items, now, rate=asked.rate)
    return plan


def _no_such(endpoint: str, interests: Sequence[Interest]) -> Refused:
    near = nearest(endpoint, [one.endpoint for one in interests])
    return Refused(Why.MISSING, f"no endpoint is called {endpoint!r}{near}")
