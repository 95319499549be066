"""Who has to be told what now: the ledger's question, asked of every endpoint and incident, and answered.

    incidents.unsettled     what is true, and what is owed           read
    holds.holds             what holds each of them back             pure
    ledger.decide           told, held, or over                      pure
    recorder                events of their own, deliveries          written
    ledger.save, append     what was told, and why                   written

It is asked in the transaction of every poll that turned an alert, and every few seconds: a silence may
have ended, a quiet window begun, a reminder come due.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from daemon.core.alerts import incidents as of_incidents
from daemon.core.alerts.incidents import Incident
from daemon.core.alerts.life import Phase
from daemon.core.model import Event, Json, Reason
from daemon.core.routing import ledger, plan, quiet
from daemon.core.routing.holds import holds, rank
from daemon.core.routing.ledger import NEVER, Decision, Told
from daemon.core.routing.plan import Interest, Planned
from daemon.core.routing.silences import Silence, is_served
from daemon.pipeline import quiet_windows
from daemon.pipeline.alerts import gone
from daemon.pipeline.events import Recorded, Recorder
from daemon.store import incidents, silences, withdrawals
from daemon.store import ledger as ledger_store
from daemon.store.database import Database
from daemon.store.ledger import Decided, Line

PLAIN = frozenset({Reason.FIRST, Reason.RESOLVED, Reason.REMOVED})
"""What the general event of an incident says."""


@dataclass(frozen=True)
class Asked:
    """One endpoint and one incident, with the answer."""

    incident: Incident
    interest: Interest
    told: Told
    decision: Decision

    @property
    def line(self) -> Line:
        return self.incident.id, self.interest.endpoint

    @property
    def is_news(self) -> bool:
        """Whether there is anything to write down."""
        held_before = self.told.held_by
        return bool(self.decision.tell or self.decision.is_over or self.decision.held_by is not held_before)


@dataclass
class Telling:
    """What one settling writes."""

    events: list[Event] = field(default_factory=list)
    deliveries: list[Planned] = field(default_factory=list)
    directed: dict[tuple[str, Reason, tuple[tuple[str, Json], ...]], Event] = field(default_factory=dict)
    """Events that are for some endpoints only, by what they say: one for all that it is true of."""


class Teller:
    """Settles the ledger; thread-safe, since it keeps nothing."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def settle(self, db: sa.Connection, now: datetime, turned: Mapping[str, Event] | None = None) -> Recorded:
        """Tell every endpoint what it has to be told; `turned` are the events, just written, of incidents
        that began or ended."""
        turned = turned or {}
        # Before anything is held by a window, so that its digest tells that, too.
        begun, _ = quiet_windows.turns(db, self._recorder, now)
        for endpoint in begun:
            ledger_store.begin_quiet(db, endpoint, now)
        asked = [one for one in self._ask(db, now, turned) if one.is_news]
        telling = Telling()
        for one in asked:
            if one.decision.tell:
                self._tell(db, telling, one, one.decision.tell, turned.get(one.incident.id), now)
            else:
                self._note(db, one, now)
        # Decided in the order of `rank`, told in the order in which it was written down.
        in_order = sorted(telling.deliveries, key=lambda one: (one.event.system, one.event.sequence))
        delivered = self._recorder.deliver(db, in_order, now)
        of_incidents = {event.id: incident for (incident, _, _), event in telling.directed.items()}
        return Recorded(tuple(telling.events), delivered, incidents=of_incidents)

    def tick(self, database: Database, now: datetime) -> Recorded:
        """Settle what time alone has changed. Writes nothing where there is nothing to say."""
        with database.read() as db:
            is_idle = (
                not any(one.is_news for one in self._ask(db, now, {}))
                and not self._served(db, now)
                and not any(quiet_windows.turns(db, self._recorder, now))
            )
        if is_idle:
            return Recorded()
        with database.write() as db:
            return self.settle_all(db, now)

    def settle_all(self, db: sa.Connection, now: datetime) -> Recorded:
        """Settle the ledger, end silences that have served, and quiet windows with their digests."""
        for silence in self._served(db, now):
            silences.expire(db, silence.id, now)
        _, ended = quiet_windows.turns(db, self._recorder, now)
        return self.settle(db, now) + quiet_windows.end(db, self._recorder, ended, now)

    def _ask(self, db: sa.Connection, now: datetime, turned: Mapping[str, Event]) -> list[Asked]:
        """What every endpoint has to be told, in the order in which to tell it."""
        interests = self._recorder.interests
        endpoints = [one.endpoint for one in interests]
        unsettled = incidents.unsettled(db, endpoints)
        if not unsettled:
            return []
        lines = ledger_store.load(db, endpoints)
        phases = incidents.phases(db)
        muting = silences.in_force(db, now)
        return [
            self._ask_one(incident, interest, lines, phases.get(incident.system, {}), muting, now, turned)
            for incident in sorted(unsettled, key=rank)
            for interest in interests
        ]

    @staticmethod
    def _ask_one(
        incident: Incident,
        interest: Interest,
        lines: Mapping[Line, Told],
        phases: Mapping[str, Phase],
        muting: list[Silence],
        now: datetime,
        turned: Mapping[str, Event],
    ) -> Asked:
        told = lines.get((incident.id, interest.endpoint))
        if told is None and not incident.is_firing:
            return Asked(incident, interest, NEVER, Decision())  # it ended, and nothing of it is owed here
        decision = ledger.decide(
            incident,
            told or NEVER,
            holds(incident, interest, now, phases=phases, silences=muting),
            now,
            is_fresh=incident.id in turned,
            repeat=interest.repeat,
        )
        return Asked(incident, interest, told or NEVER, decision)

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
        urgency = quiet.urgency(interest.quiet, incident.severity)
        lane = plan.lane(event, urgency)
        telling.deliveries.append(plan.planned(event, interest, lane, incident=incident.id, urgency=urgency))
        ledger_store.save(db, asked.line, ledger.after(told, incident, reason, now), event=event.id)
        ledger_store.append(db, Decided(*asked.line, now, reason, told.held_by, event.id))

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
        if superseded:
            more["superseded"] = superseded
        says = (incident.id, reason, tuple(more.items()))
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
