"""Saying that somebody has an incident: the rules that the command line, HTTP, the page and the link of a
mail share. And what becomes of an incident that nobody has.

Where one raises `Refused`, nothing was written. Whoever answers writes; the others are told by the daemon
that does what one does for all, within seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from daemon.core.alerts import acknowledgement
from daemon.core.alerts.acknowledgement import Acknowledgement, Wish
from daemon.core.alerts.incidents import Incident
from daemon.core.refusals import Refused, Why
from daemon.core.routing import escalation
from daemon.core.routing.escalation import Coming, Escalation, InHand, Taken
from daemon.core.routing.holds import unwanted
from daemon.core.routing.plan import Interest
from daemon.store import acknowledgements, escalations, events, incidents


@dataclass(frozen=True)
class Acknowledged:
    """What somebody asked for, as it stands."""

    incident: Incident
    acknowledgement: Acknowledgement
    is_new: bool
    """False: it said the same before, and nothing was written."""


def acknowledge(
    db: sa.Connection, incident: str, wish: Wish, new_id: Callable[[str], str], now: datetime
) -> Acknowledged:
    """Write down who has an incident, with the event that tells it. The caller writes alone, and commits.

    Asked twice for the same, it stands as it is. Raises `Refused` for an incident that is not known or over,
    one that somebody else has, and a time that cannot be.
    """
    found = find(db, incident)
    known = acknowledgements.last(db, incident)
    granted = acknowledgement.granted(wish, found, known, now)
    if granted is None:
        assert known is not None  # noqa: S101 - what it stands for
        return Acknowledged(found, known, is_new=False)
    (event,) = events.record(db, found.system, [acknowledgement.fact(found, granted)], now, new_id)
    acknowledgements.add(db, replace(granted, event=event.id))
    stored = acknowledgements.last(db, incident)
    assert stored is not None  # noqa: S101 - just added
    return Acknowledged(found, stored, is_new=True)


def find(db: sa.Connection, incident: str) -> Incident:
    """One incident by its id. Raises `Refused` where there is none."""
    found = incidents.find(db, incident)
    if found is None:
        raise Refused(Why.MISSING, f"there is no incident {incident!r}")
    return found


def in_force(db: sa.Connection, incident: Incident, now: datetime) -> Acknowledgement | None:
    """Who has an incident now; None: nobody, or it is over."""
    last = acknowledgements.last(db, incident.id) if incident.is_firing else None
    return last if last is not None and last.lasts(now) else None


@dataclass(frozen=True)
class AsOf:
    """By what it is judged what is to come."""

    now: datetime
    escalations: Sequence[Escalation] = ()
    interests: Sequence[Interest] = ()


def in_hand(db: sa.Connection, incident: Incident, as_of: AsOf) -> InHand:
    """Who has an incident, and what becomes of it where nobody has."""
    known = acknowledgements.of_incident(db, incident.id)
    has = in_force(db, incident, as_of.now)
    taken = escalations.of_incidents(db, [incident.id]).get(incident.id, [])
    was_taken = [Coming(one.name, one.step, one.endpoints, one.at, None) for one in taken]
    last = known[-1] if known else None
    coming = _to_come(incident, as_of, taken, last) if incident.is_firing and has is None else []
    return InHand(has, tuple(known), (*was_taken, *coming))


def _to_come(
    incident: Incident, as_of: AsOf, taken: Sequence[Taken], last: Acknowledgement | None
) -> list[Coming]:
    is_for_anybody = any(unwanted(incident, one) is None for one in as_of.interests)
    found = []
    for step in escalation.open_steps(incident, as_of.escalations, taken):
        due = escalation.due(incident, step, last, is_for_anybody=is_for_anybody)
        is_paused = incident.paused_at is not None and not step.break_through
        found.append(Coming(step.escalation, step.number, step.to, None, None if is_paused else due))
    return found
