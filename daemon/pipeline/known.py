"""What the ledger's question goes by, for every incident and endpoint: read once in a transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import sqlalchemy as sa

from daemon.core.alerts.acknowledgement import Acknowledgement
from daemon.core.alerts.incidents import Incident
from daemon.core.alerts.life import Phase
from daemon.core.routing import escalation
from daemon.core.routing.escalation import NOT_REACHED, Escalation, Reach, Taken
from daemon.core.routing.holds import holds
from daemon.core.routing.ledger import NEVER, Hold, Standing, Told
from daemon.core.routing.plan import Interest
from daemon.core.routing.silences import Silence
from daemon.pipeline.events import Recorder
from daemon.store import acknowledgements, escalations, incidents, silences
from daemon.store import ledger as ledger_store
from daemon.store.ledger import Line


@dataclass(frozen=True)
class Known:
    """What is true, and was told, of all that is open."""

    interests: Sequence[Interest]
    escalations: Sequence[Escalation]
    lines: Mapping[Line, Told]
    phases: Mapping[str, Mapping[str, Phase]]
    """The alerts that fire or recover, by system and key."""
    silences: Sequence[Silence]
    last_acknowledged: Mapping[str, Acknowledgement]
    """The last acknowledgement of each incident that fires, over or not."""
    taken: Mapping[str, Sequence[Taken]]
    """The steps of escalations that were taken, by incident."""

    @classmethod
    def read(cls, db: sa.Connection, recorder: Recorder, ids: Collection[str], now: datetime) -> "Known":
        """All of it; of escalations, those of these incidents."""
        endpoints = [one.endpoint for one in recorder.interests]
        return cls(
            recorder.interests,
            recorder.escalations,
            ledger_store.load(db, endpoints),
            incidents.phases(db),
            silences.in_force(db, now),
            acknowledgements.of_open(db),
            escalations.of_incidents(db, ids),
        )

    def told(self, incident: Incident, interest: Interest) -> Told:
        """What an endpoint was told of an incident."""
        return self.lines.get((incident.id, interest.endpoint), NEVER)

    def acknowledged(self, incident: Incident, now: datetime) -> Acknowledgement | None:
        """Who has an incident now."""
        last = self.last_acknowledged.get(incident.id)
        return last if last is not None and last.lasts(now) else None

    def reach(self, incident: Incident, interest: Interest, now: datetime) -> Reach:
        """What escalations make of an endpoint. To whom it was escalated and who knows nothing of it yet, it
        is not told any more once somebody has it."""
        taken = self.taken.get(incident.id, ())
        of_it = self._reaches.get(interest.endpoint, NOT_REACHED)
        if not taken:
            return of_it
        is_new = self.told(incident, interest).standing is Standing.UNTOLD
        if is_new and self.acknowledged(incident, now) is not None:
            return of_it
        return escalation.reach(interest.endpoint, self.escalations, taken)

    def holds(self, incident: Incident, interest: Interest, now: datetime, reach: Reach) -> frozenset[Hold]:
        """What holds an incident back from an endpoint."""
        of_system = self.phases.get(incident.system, {})
        return holds(incident, interest, now, phases=of_system, silences=self.silences, reach=reach)

    @cached_property
    def _reaches(self) -> Mapping[str, Reach]:
        """Of the endpoints that an escalation may come to, before it has."""
        found = {
            one.endpoint: escalation.reach(one.endpoint, self.escalations, ())
            for one in (self.interests if self.escalations else ())
        }
        return {endpoint: reach for endpoint, reach in found.items() if reach.events}
