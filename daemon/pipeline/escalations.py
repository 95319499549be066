"""Escalations as time passes, and who has what: in the transaction of whoever does what one does for all.

    moves       steps that are due, and time that stands still or goes on      read
    advance     a step is taken: its row, and the event for the others         written
    pass_on     who has an incident, to the endpoints that ask for that        written

Whom a step reaches, the ledger tells: in the same transaction, and as it tells everybody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from daemon.core.alerts.acknowledgement import Acknowledgement
from daemon.core.alerts.incidents import Incident
from daemon.core.durations import NOTHING
from daemon.core.model import Event
from daemon.core.routing import escalation, plan, quiet
from daemon.core.routing.escalation import Reach, Step, Taken
from daemon.core.routing.holds import unwanted
from daemon.core.routing.ledger import HOLDS_FACTS, UNWANTED, Standing
from daemon.core.routing.plan import Interest, Planned
from daemon.pipeline.events import Recorded, Recorder
from daemon.pipeline.known import Known
from daemon.store import acknowledgements, events, incidents, outbox
from daemon.store import escalations as escalation_store
from daemon.store.ledger import Line


@dataclass(frozen=True)
class Counting:
    """From when on the escalation of an incident counts is another time by now."""

    incident: Incident
    told_at: datetime | None
    paused_at: datetime | None


@dataclass(frozen=True)
class Due:
    """A step that is to be taken now."""

    incident: Incident
    step: Step
    to: tuple[Interest, ...]


Move = Counting | Due


@dataclass(frozen=True)
class Advanced:
    """What came of it."""

    recorded: Recorded
    reminded: frozenset[Line]
    """Lines of endpoints to which an incident was escalated that they know of."""


def moves(db: sa.Connection, recorder: Recorder, now: datetime) -> list[Move]:
    """What there is to do. Nothing is written."""
    covered = _covered(db, recorder)
    return list(_all_moves(covered, _known(db, recorder, covered, now), now)) if covered else []


def advance(db: sa.Connection, recorder: Recorder, now: datetime) -> Advanced:
    """Do it; the caller settles the ledger, and commits."""
    recorded, reminded = list[Recorded](), set[Line]()
    covered = _covered(db, recorder)
    if not covered:
        return Advanced(Recorded(), frozenset())
    known = _known(db, recorder, covered, now)
    taken = dict(known.taken)
    known = replace(known, taken=taken)  # grows by what is taken here; nothing else that is known changes
    for move in list(_all_moves(covered, known, now)):
        if isinstance(move, Counting):
            incidents.save_counting(db, move.incident.id, told_at=move.told_at, paused_at=move.paused_at)
            continue
        told, step = _take(db, recorder, move, known, now)
        taken[move.incident.id] = (*taken.get(move.incident.id, ()), step)
        recorded.append(told)
        reminded |= {
            (move.incident.id, one.endpoint)
            for one in move.to
            if known.told(move.incident, one).standing is Standing.FIRING
        }
    return Advanced(Recorded.joined(recorded), frozenset(reminded))


def pass_on(db: sa.Connection, recorder: Recorder, now: datetime) -> Recorded:
    """Tell the endpoints that ask for such events who has taken what on; those that were told of the alert
    are told by the ledger."""
    recorded = Recorded()
    for one in acknowledgements.new(db):
        acknowledgements.passed_on(db, one.number)
        event = event_of(db, one)
        if event is not None:
            asked = plan.plan([event], recorder.interests)
            recorded += Recorded(deliveries=recorder.deliver(db, _new(db, asked, event), now))
    return recorded


def event_of(db: sa.Connection, acknowledgement: Acknowledgement) -> Event | None:
    """The event that tells it, as long as it is kept."""
    found = events.find(db, acknowledgement.event)
    return found[1] if found else None


def about(event: Event, incident: Incident, interest: Interest, reach: Reach) -> Planned:
    """A fact about an incident, in the lane in which the endpoint is told of that."""
    urgency = urgency_of(incident, interest, reach)
    return plan.planned(event, interest, plan.lane(event, urgency), urgency=urgency)


def urgency_of(incident: Incident, interest: Interest, reach: Reach) -> int | None:
    """What gets an incident through an endpoint's quiet windows."""
    if reach.breaks_through and interest.quiet:
        return quiet.MOST_URGENT
    return quiet.urgency(interest.quiet, incident.severity)


def _covered(db: sa.Connection, recorder: Recorder) -> list[Incident]:
    """What fires and is escalated where nobody acknowledges it."""
    firing = incidents.firing(db) if recorder.escalations else []
    return [one for one in firing if any(each.covers(one) for each in recorder.escalations)]


def _known(db: sa.Connection, recorder: Recorder, covered: Sequence[Incident], now: datetime) -> Known:
    return Known.read(db, recorder, [one.id for one in covered], now)


def _all_moves(covered: Sequence[Incident], known: Known, now: datetime) -> Iterator[Move]:
    return (move for one in covered for move in _moves(one, known, now))


def _moves(incident: Incident, known: Known, now: datetime) -> Iterator[Move]:
    taken = known.taken.get(incident.id, ())
    steps = escalation.open_steps(incident, known.escalations, taken)
    if not steps or known.acknowledged(incident, now) is not None:
        return
    is_for_anybody = any(unwanted(incident, one) is None for one in known.interests)
    incident = _as_told(incident, known)
    counting = _counting(incident, known, now)
    if counting is not None:
        yield counting
        incident = replace(incident, told_at=counting.told_at, paused_at=counting.paused_at)
    last = known.last_acknowledged.get(incident.id)
    for step in steps:
        at = escalation.due(incident, step, last, is_for_anybody=is_for_anybody)
        is_paused = incident.paused_at is not None and not step.break_through
        if at is None or at > now or is_paused:
            continue
        to = _to(incident, step, known, now)
        if to:
            yield Due(incident, step, to)


def _as_told(incident: Incident, known: Known) -> Incident:
    """Of what was told before that was written down: it counts from when it fired."""
    if incident.told_at is not None:
        return incident
    is_told = any(
        known.told(incident, one).standing is Standing.FIRING and unwanted(incident, one) is None
        for one in known.interests
    )
    return replace(incident, told_at=incident.fired_at) if is_told else incident


def _counting(incident: Incident, known: Known, now: datetime) -> Counting | None:
    """Where the time stands still from now on, or goes on."""
    phases = known.phases.get(incident.system, {})
    is_paused = escalation.is_paused(incident, phases, known.silences, now)
    if is_paused is (incident.paused_at is not None) or incident.told_at is None:
        return None
    if is_paused:
        return Counting(incident, incident.told_at, now)
    assert incident.paused_at is not None  # noqa: S101 - seen above
    return Counting(incident, incident.told_at + max(now - incident.paused_at, NOTHING), None)


def _to(incident: Incident, step: Step, known: Known, now: datetime) -> tuple[Interest, ...]:
    """To whom a step is; () where it cannot reach any of them now."""
    named = [one for one in known.interests if step.names(one.endpoint)]
    tried = _taken(incident, step, (), now)
    held = {}
    for one in named:
        waiting = escalation.reach(one.endpoint, known.escalations, ())
        reach = replace(waiting, by=tried, breaks_through=step.break_through)
        held[one.endpoint] = known.holds(incident, one, now, reach)
    wanted = tuple(one for one in named if UNWANTED.isdisjoint(held[one.endpoint]))
    return wanted if any(not held[one.endpoint] for one in wanted) else ()


def _take(
    db: sa.Connection, recorder: Recorder, due: Due, known: Known, now: datetime
) -> tuple[Recorded, Taken]:
    incident, step = due.incident, due.step
    names = tuple(one.endpoint for one in due.to)
    fact = escalation.fact(incident, step, names)
    ((event, _),) = recorder.write(db, incident.system, [fact], now)
    taken = replace(_taken(incident, step, names, now), event=event.id)
    escalation_store.add(db, taken)
    asked = [one for one in plan.plan([event], recorder.interests) if one.endpoint not in names]
    asking = {one.endpoint for one in asked}
    others = [
        about(event, incident, one, known.reach(incident, one, now))
        for one in recorder.interests
        if one.endpoint not in {*names, *asking} and _hears(incident, one, known, now)
    ]
    told = Recorded((event,), recorder.deliver(db, [*asked, *others], now), incidents={event.id: incident.id})
    return told, taken


def _hears(incident: Incident, interest: Interest, known: Known, now: datetime) -> bool:
    """Whether an endpoint knows of an incident, and may hear more of it now."""
    told = known.told(incident, interest)
    if interest.is_of_alerts or told.standing is not Standing.FIRING or not told.has_heard:
        return False
    held = known.holds(incident, interest, now, known.reach(incident, interest, now))
    return HOLDS_FACTS.isdisjoint(held)


def _taken(incident: Incident, step: Step, endpoints: tuple[str, ...], now: datetime) -> Taken:
    return Taken(incident.id, step.escalation, step.number, now, endpoints, step.break_through, "")


def _new(db: sa.Connection, planned: Sequence[Planned], event: Event) -> list[Planned]:
    """Those that have not got the event, by what was in force before."""
    had = outbox.receivers(db, event.id)
    return [one for one in planned if one.endpoint not in had]
