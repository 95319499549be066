"""Quiet windows of endpoints: when one has begun or ended, and the digest of what it held back.

A window holds alerts back one by one (`core/routing/holds.py`); here it is looked at as a whole.
"""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from daemon.core.alerts.incidents import Incident
from daemon.core.model import Fact, Json
from daemon.core.routing import plan, quiet
from daemon.core.routing.ledger import Hold
from daemon.core.routing.plan import DAEMON
from daemon.core.timestamps import iso, iso_or_none
from daemon.pipeline.events import Recorded, Recorder
from daemon.store import incidents
from daemon.store import ledger as ledger_store

MOST_IN_DIGEST = 200
"""Incidents that a digest names; it counts them all."""


def turns(db: sa.Connection, recorder: Recorder, now: datetime) -> tuple[list[str], dict[str, datetime]]:
    """Endpoints whose quiet windows have begun since the last look, and those whose are over, with
    since when they were quiet."""
    known = ledger_store.load_quiet(db)
    present = {one.endpoint for one in recorder.interests if quiet.is_held(one.quiet, now)}
    begun = sorted(present - known.keys())
    return begun, {endpoint: since for endpoint, since in known.items() if endpoint not in present}


def end(db: sa.Connection, recorder: Recorder, ended: Mapping[str, datetime], now: datetime) -> Recorded:
    """One digest for each endpoint of what its quiet window held back."""
    recorded = Recorded()
    interests = {one.endpoint: one for one in recorder.interests}
    for endpoint, since in ended.items():
        held = ledger_store.held_since(db, endpoint, since, Hold.QUIET)
        ledger_store.end_quiet(db, endpoint)
        if not held or endpoint not in interests or interests[endpoint].is_of_alerts:
            continue
        found = [incidents.find(db, one) for one in held[:MOST_IN_DIGEST]]
        digest: dict[str, Json] = {
            "endpoint": endpoint,
            "since": iso(since),
            "until": iso(now),
            "held": len(held),
            "incidents": [_line(one) for one in found if one],
        }
        fact = Fact(quiet.ENDED, f"endpoint/{endpoint}", {"quiet": digest})
        ((event, _),) = recorder.write(db, DAEMON, [fact], now)
        # It waits as long as the alerts that it lists, so that one mail tells both.
        told = plan.planned(event, interests[endpoint], plan.lane(event))
        delivered = recorder.deliver(db, [told], now)
        recorded += Recorded((event,), delivered)
    return recorded


def _line(incident: Incident) -> Json:
    """One incident in a digest, with what it is about."""
    return {
        **incident.payload,
        "incident": incident.id,
        "system": incident.system,
        "type": incident.type,
        "subject": incident.subject,
        "severity": incident.severity.value,
        "status": "firing" if incident.is_firing else "resolved",
        "reason": incident.end.value if incident.end else None,
        **({"cause": incident.cause} if incident.cause else {}),
        "started_at": iso(incident.started_at),
        "ended_at": iso_or_none(incident.ended_at),
    }
