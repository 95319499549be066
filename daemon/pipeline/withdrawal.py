"""What an endpoint may no longer have, once its `events`, `systems` or filters were narrowed, is not sent.

    withdrawals.open_kinds   what may yet be sent, by type           read
    plan.covers, lets_pass   whether it is still for the endpoint    pure
    withdrawals.withdraw*    superseded                              written
    ledger.save              as if it had never been told            written

Of an alert that it has heard of, or hears at this moment, it hears the end all the same: nobody is left
believing something false. A wish that raises takes nothing back, since what was ended is gone for good.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

import sqlalchemy as sa
import structlog

from daemon.core.alerts.incidents import Incident
from daemon.core.model import Json
from daemon.core.own_events import ABOUT
from daemon.core.routing import escalation
from daemon.core.routing.holds import unwanted
from daemon.core.routing.ledger import NEVER, Hold
from daemon.core.routing.plan import ADDRESSED, Interest
from daemon.store import escalations, incidents, kept_endpoints, withdrawals
from daemon.store import ledger as ledger_store
from daemon.store.ledger import Decided

log = structlog.get_logger()

CHUNK = 500
"""Bodies that are read at once."""


def withdraw(db: sa.Connection, interests: Iterable[Interest], now: datetime) -> dict[str, int]:
    """End what waits for these endpoints and is not for them any more. Returns how many deliveries that
    were, of the endpoints of which there were any."""
    ended = {}
    for interest in interests:
        kinds = withdrawals.open_kinds(db, interest.endpoint)
        many = _kinds(db, interest, kinds, now) + _filtered(db, interest, now) + _alerts(db, interest, now)
        many += _about(db, interest, now) if any(type_ in ABOUT for _, type_ in kinds) else 0
        if many:
            ended[interest.endpoint] = many
            log.warning("deliveries.withdrawn", endpoint=interest.endpoint, deliveries=many)
    return ended


def drop(db: sa.Connection, endpoint: str, now: datetime) -> int:
    """End all that waits for an endpoint that was taken away, and forget what it was told: one of its name
    begins anew. Returns how many deliveries that were."""
    many = withdrawals.withdraw_all(db, endpoint, now)
    kept_endpoints.forget(db, endpoint)
    if many:
        log.warning("deliveries.withdrawn", endpoint=endpoint, deliveries=many)
    return many


def _kinds(db: sa.Connection, interest: Interest, kinds: Iterable[tuple[str, str]], now: datetime) -> int:
    left = [
        kind
        for kind in kinds
        if kind[1] not in (*ADDRESSED, *ABOUT) and not interest.covers(*kind, instead=True)
    ]
    return sum(withdrawals.withdraw_kind(db, interest.endpoint, kind, now) for kind in left)


def _filtered(db: sa.Connection, interest: Interest, now: datetime) -> int:
    ended = 0
    for facts in withdrawals.open_facts(db, interest.endpoint, CHUNK) if interest.filters else ():
        refused = [
            delivery
            for delivery, kind, body in facts
            if kind not in (*ADDRESSED, *ABOUT) and not interest.lets_pass(partial(_data, body), instead=True)
        ]
        ended += withdrawals.withdraw(db, interest.endpoint, refused, now)
    return ended


def _about(db: sa.Connection, interest: Interest, now: datetime) -> int:
    """Who has an alert, and to whom it was escalated: for whoever is told of that alert, or asks for it."""
    ended = 0
    for facts in withdrawals.open_facts(db, interest.endpoint, CHUNK, types=sorted(ABOUT)):
        refused = [
            delivery for delivery, kind, body in facts if not _is_about_its_own(db, interest, kind, body)
        ]
        ended += withdrawals.withdraw(db, interest.endpoint, refused, now)
    return ended


def _is_about_its_own(db: sa.Connection, interest: Interest, kind: str, body: bytes) -> bool:
    data = _data(body)
    alert = data.get("alert")
    name = alert.get("incident") if isinstance(alert, Mapping) else None
    incident = incidents.find(db, str(name))
    if incident is None or interest.covers(incident.system, kind, instead=True):
        return True
    return _unwanted(db, incident, interest) is None


def _alerts(db: sa.Connection, interest: Interest, now: datetime) -> int:
    ended = 0
    lines = ledger_store.load(db, [interest.endpoint])
    for name in withdrawals.open_incidents(db, interest.endpoint):
        incident, told = incidents.find(db, name), lines.get((name, interest.endpoint), NEVER)
        hold = _unwanted(db, incident, interest) if incident else None
        if incident is None or hold is None:
            continue
        may_have_heard = told.has_heard or withdrawals.try_no_more(db, interest.endpoint, name, now)
        if may_have_heard and not incident.is_firing:
            continue  # its end is sent; where the fire under way fails, that is taken back
        ended += withdrawals.withdraw_incident(db, interest.endpoint, name, now)
        line = replace(told if may_have_heard else NEVER, held_by=hold)
        ledger_store.save(db, (name, interest.endpoint), line, is_over=not incident.is_firing)
        ledger_store.append(db, Decided(name, interest.endpoint, now, None, hold))
    return ended


def _unwanted(db: sa.Connection, incident: Incident, interest: Interest) -> Hold | None:
    """Why it is not for an endpoint; what was escalated to it is."""
    taken = escalations.of_incidents(db, [incident.id]).get(incident.id, ())
    reach = escalation.reach(interest.endpoint, (), taken)
    return interest.guard.tried("min_severity", lambda: unwanted(incident, interest, reach), instead=None)


def _data(body: bytes) -> Mapping[str, Json]:
    data: Mapping[str, Json] = json.loads(body)["data"]
    return data
