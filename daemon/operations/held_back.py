"""What holds alerts back from endpoints now, and until when: for the command line, HTTP and the page."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from daemon.core.alerts.incidents import Incident
from daemon.core.routing.held_back import HeldBack, held_back
from daemon.core.routing.ledger import Hold
from daemon.core.routing.plan import Interest
from daemon.store import incidents, silences
from daemon.store.views import ToldAlert

Holds = Mapping[tuple[str, str], Hold]
"""By incident and endpoint."""
Held = dict[tuple[str, str], HeldBack]


def of_alerts(
    db: sa.Connection, alerts: Iterable[ToldAlert], interests: Sequence[Interest], now: datetime
) -> Held:
    """Of alerts that fire; nothing is read where none is held."""
    holds = {
        (one.alert.incident, endpoint): told.held_by
        for one in alerts
        for endpoint, told in one.told.items()
        if one.alert.incident is not None and told.held_by is not None
    }
    return of_incidents(db, incidents.firing(db) if holds else (), holds, interests, now)


def of_incidents(
    db: sa.Connection,
    found: Iterable[Incident],
    holds: Holds,
    interests: Sequence[Interest],
    now: datetime,
) -> Held:
    """Of these incidents."""
    if not holds:
        return {}
    muting = silences.in_force(db, now) if Hold.SILENCED in holds.values() else []
    return {
        (incident.id, interest.endpoint): held_back(hold, incident, interest, muting, now)
        for incident in found
        for interest in interests
        if (hold := holds.get((incident.id, interest.endpoint))) is not None
    }
