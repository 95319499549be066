"""Who has to be told what now: the ledger's question, asked of every endpoint and incident, and answered.

    incidents.unsettled     what is true, and what is owed           read
    known.reach             to whom it was escalated                 pure
    holds.holds             what holds each of them back             pure
    ledger.decide           told, held, or over                      pure
    recorder                events of their own, deliveries          written
    ledger.save, append     what was told, and why                   written

It is asked in the transaction of every poll that turned an alert, and every few seconds: a silence may
have ended, a quiet window begun, a reminder come due.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from daemon.core.alerts import incidents as of_incidents
from daemon.core.alerts.acknowledgement import Acknowledgement
from daemon.core.alerts.incidents import Incident
from daemon.core.model import Event, Json, Reason
from daemon.core.own_events import ACKNOWLEDGED
from daemon.core.routing import ledger, plan
from daemon.core.routing.escalation import NOT_REACHED, Reach
from daemon.core.routing.holds import rank
from daemon.core.routing.ledger import NEVER, Decision, Told
from daemon.core.routing.plan import Interest, Planned
from daemon.core.routing.silences import Silence, is_served
from daemon.pipeline import escalations, quiet_windows
from daemon.pipeline.alerts import gone
from daemon.pipeline.events import Recorded, Recorder
from daemon.pipeline.known import Known
from daemon.store import acknowledgements, incidents, outbox, silences, withdrawals
from daemon.store import ledger as ledger_store
from daemon.store.ledger import Decided, Line
from daemon.store.ownership import Readable

PLAIN = frozenset({Reason.FIRST, Reason.RESOLVED, Reason.REMOVED})
"""What the general event of an incident says."""


@dataclass(frozen=True)
class Asked:
    """One endpoint and one incident, with the answer."""

    incident: Incident
    interest: Interest
    told: Told
    decision: Decision
    reach: Reach = NOT_REACHED
    is_reminded: bool = False
    """It was escalated to this endpoint just now, which knows of it."""
    acknowledged: Acknowledgement | None = None
    """Who has it, where the endpoint has to be told that."""

    @property
    def line(self) -> Line:
        return self.incident.id, self.interest.endpoint

    @property
    def is_news(self) -> bool:
        """Whether there is anything to write down."""
        return bool(self.decision.tell or self.acknowledged or self.is_noted)

    @property
    def is_noted(self) -> bool:
        """Whether it is to be written down that nothing is told."""
        return self.decision.is_over or self.decision.held_by is not self.told.held_by


@dataclass
class Telling:
    """What one settling writes."""

    events: list[Event] = field(default_factory=list)
    deliveries: list[Planned] = field(default_factory=list)
    directed: dict[tuple[str, Reason, str], Event] = field(default_factory=dict)
    """Events that are for some endpoints only, by what they say: one for all that it is true of."""
    told_first: set[str] = field(default_factory=set)
    """Incidents that are told for the first time to whoever asks for such alerts."""
    of_acknowledgements: dict[str, tuple[Event, set[str]] | None] = field(default_factory=dict)
    """The events that tell who has what, by id, and who had them before; None: it is not kept."""


class Teller:
    """Settles the ledger; thread-safe, since it keeps nothing."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def settle(
        self,
        db: sa.Connection,
        now: datetime,
        turned: Mapping[str, Event] | None = None,
        *,
        reminded: Collection[Line] = (),
    ) -> Recorded:
        """Tell every endpoint what it has to be told; `turned` are the events, just written, of incidents
        that began or ended; `reminded`: to whom they were escalated who know of them."""
        turned = turned or {}
        # Before anything is held by a window, so that its digest tells that, too.
        begun, _ = quiet_windows.turns(db, self._recorder, now)
        for endpoint in begun:
            ledger_store.begin_quiet(db, endpoint, now)
        asked = [one for one in self._ask(db, now, turned, reminded) if one.is_news]
        telling = Telling()
        for one in asked:
            if one.decision.tell:
                self._tell(db, telling, one, one.decision.tell, turned.get(one.incident.id), now)
            elif one.is_noted:
                self._note(db, one, now)
            if one.acknowledged is not None:
                self._tell_who_has_it(db, telling, one, one.acknowledged)
        incidents.save_told(db, telling.told_first, now)
        # Decided in the order of `rank`, told in the order in which it was written down.
        in_order = sorted(telling.deliveries, key=lambda one: (one.event.system, one.event.sequence))
        delivered = self._recorder.deliver(db, in_order, now)
        of_incidents = {event.id: incident for (incident, _, _), event in telling.directed.items()}
        return Recorded(tuple(telling.events), delivered, incidents=of_incidents)

    def tick(self, database: Readable, now: datetime) -> Recorded:
        """Settle what time alone has changed. Writes nothing where there is nothing to say."""
        with database.read() as db:
            is_idle = (
                not any(one.is_news for one in self._ask(db, now, {}))
                and not self._served(db, now)
                and not any(quiet_windows.turns(db, self._recorder, now))
                and not acknowledgements.new(db)
                and not escalations.moves(db, self._recorder, now)
            )
        if is_idle:
            return Recorded()
        with database.write() as db:
            return self.settle_all(db, now)

    def settle_all(self, db: sa.Connection, now: datetime) -> Recorded:
        """Settle the ledger, end silences that have served, and quiet windows with their digests, and
        escalate what nobody has acknowledged."""
        for silence in self._served(db, now):
            silences.expire(db, silence.id, now)
        _, ended = quiet_windows.turns(db, self._recorder, now)
        passed_on = escalations.pass_on(db, self._recorder, now)
        advanced = escalations.advance(db, self._recorder, now)
        settled = self.settle(db, now, reminded=advanced.reminded)
        return passed_on + advanced.recorded + settled + quiet_windows.end(db, self._recorder, ended, now)

    def _ask(
        self, db: sa.Connection, now: datetime, turned: Mapping[str, Event], reminded: Collection[Line] = ()
    ) -> list[Asked]:
        """What every endpoint has to be told, in the order in which to tell it."""
        interests = self._recorder.interests
        endpoints = [one.endpoint for one in interests]
        unsettled = incidents.unsettled(db, endpoints)
        if not unsettled:
            return []
        known = Known.read(db, self._recorder, [one.id for one in unsettled], now)
        return [
            self._ask_one(incident, interest, known, now, turned, reminded)
            for incident in sorted(unsettled, key=rank)
            for interest in interests
        ]

    @staticmethod
    def _ask_one(
        incident: Incident,
        interest: Interest,
        known: Known,
        now: datetime,
        turned: Mapping[str, Event],
        reminded: Collection[Line],
    ) -> Asked:
        line = (incident.id, interest.endpoint)
        told = known.lines.get(line)
        if told is None and not incident.is_firing:
            return Asked(incident, interest, NEVER, Decision())  # it ended, and nothing of it is owed here
        told, reach = told or NEVER, known.reach(incident, interest, now)
        held, acknowledged = known.holds(incident, interest, now, reach), known.acknowledged(incident, now)
        decision = ledger.decide(
            incident,
            told,
            held,
            now,
            is_fresh=incident.id in turned,
            repeat=interest.repeat,
            is_acknowledged=acknowledged is not None,
            is_reminded=line in reminded,
        )
        hears = acknowledged is not None and _hears(incident, interest, told, acknowledged, held)
        to_tell = acknowledged if hears else None
        return Asked(incident, interest, told, decision, reach, line in reminded, to_tell)

    def _tell(
        self,
        db: sa.Connection,
        telling: Telling,
        asked: Asked,
        reason: Reason,
        fresh: Event | None,
        now: datetime,
    ) -> None:
        """Write one delivery, with an event of its own where the general one does not say it all."""
        incident, told, interest = asked.incident, asked.told, asked.interest
        superseded = withdrawals.supersede(db, interest.endpoint, incident.id, now)
        if superseded and not told.has_heard:
            if _was_brief(incident, interest):
                self._note(db, replace(asked, decision=ledger.OVER), now)
                return
            if not incident.is_firing:
                # That it fired did not arrive: one message says that it did, and is over.
                reason = Reason.CATCH_UP
        is_plain = reason in PLAIN and not superseded
        event = fresh if is_plain and fresh else self._direct(db, telling, asked, reason, superseded, now)
        urgency = escalations.urgency_of(incident, interest, asked.reach)
        lane = plan.lane(event, urgency)
        telling.deliveries.append(plan.planned(event, interest, lane, incident=incident.id, urgency=urgency))
        ledger_store.save(db, asked.line, ledger.after(told, incident, reason, now), event=event.id)
        ledger_store.append(db, Decided(*asked.line, now, reason, told.held_by, event.id))
        if incident.is_firing and incident.told_at is None and asked.reach.by is None:
            telling.told_first.add(incident.id)

    @staticmethod
    def _tell_who_has_it(
        db: sa.Connection, telling: Telling, asked: Asked, acknowledged: Acknowledgement
    ) -> None:
        """Once: by the event that was written with the acknowledgement."""
        id_ = acknowledged.event
        if id_ not in telling.of_acknowledgements:
            event = escalations.event_of(db, acknowledged)
            telling.of_acknowledgements[id_] = (event, outbox.receivers(db, id_)) if event else None
        known = telling.of_acknowledgements[id_]
        if known is not None and asked.interest.endpoint not in known[1]:
            planned = escalations.about(known[0], asked.incident, asked.interest, asked.reach)
            telling.deliveries.append(planned)
        ledger_store.save_acknowledged(db, asked.line, acknowledged.number)

    def _direct(
        self,
        db: sa.Connection,
        telling: Telling,
        asked: Asked,
        reason: Reason,
        superseded: int,
        now: datetime,
    ) -> Event:
        """An event for those endpoints alone that have to be told just this."""
        incident, told = asked.incident, asked.told
        more: dict[str, Json] = {}
        if reason is Reason.REPEAT:
            more["repeat"] = told.repeats + 1
        if reason is Reason.CATCH_UP and told.held_by:
            more["held_by"] = told.held_by.value
        by = asked.reach.by
        if by is not None and incident.is_firing and (asked.is_reminded or reason is Reason.CATCH_UP):
            more["escalation"] = {"name": by.name, "step": by.step}
        if superseded:
            more["superseded"] = superseded
        says = (incident.id, reason, json.dumps(more))
        if says not in telling.directed:
            fact = of_incidents.fact(incident, reason, more)
            ((event, _),) = self._recorder.write(db, incident.system, [fact], now)
            telling.directed[says] = event
            telling.events.append(event)
        return telling.directed[says]

    @staticmethod
    def _note(db: sa.Connection, asked: Asked, now: datetime) -> None:
        """Write down that nothing is told, and why."""
        decision = asked.decision
        if decision.is_over and asked.told.is_waiting:
            withdrawals.supersede(db, asked.interest.endpoint, asked.incident.id, now)
        held = replace(asked.told, held_by=decision.held_by)
        ledger_store.save(db, asked.line, held, is_over=decision.is_over)
        if decision.held_by is not asked.told.held_by:
            ledger_store.append(db, Decided(*asked.line, now, None, decision.held_by))

    @staticmethod
    def _served(db: sa.Connection, now: datetime) -> list[Silence]:
        """Silences that waited for the end of incidents which are all over."""
        in_force = silences.in_force(db, now)
        firing = incidents.firing(db) if in_force else []
        return [one for one in in_force if is_served(one, firing, now)]


def _hears(
    incident: Incident,
    interest: Interest,
    told: Told,
    acknowledged: Acknowledgement,
    held: Collection[ledger.Hold],
) -> bool:
    """Whether an endpoint has to be told who has an incident. One that asks for such events had it by
    that."""
    if interest.is_of_alerts:
        return False
    asks = interest.covers(incident.system, ACKNOWLEDGED, instead=False)
    return incident.is_firing and not asks and ledger.hears(told, acknowledged.number, held)


def _was_brief(incident: Incident, interest: Interest) -> bool:
    """Whether an alert was over before its endpoint would have been written to."""
    return incident.ended_at is not None and incident.ended_at - incident.fired_at < interest.group_wait


def sweep(
    db: sa.Connection, recorder: Recorder, configured: Mapping[str, set[str]], now: datetime
) -> Recorded:
    """End the alerts of watches that left the configuration (`configured` are watches by system), and tell
    whoever believes in them."""
    recorded = Recorded()
    for system, judged in gone(db, recorder, configured, now):
        written = recorder.record(db, system, judged.facts, now)
        recorded += written + Teller(recorder).settle(db, now, written.turned)
    return recorded
