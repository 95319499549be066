"""Facts become events, and events become deliveries, in the transaction of whoever found them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
import structlog

from daemon.core.contacts import NOBODY, Contacts
from daemon.core.model import Event, Fact
from daemon.core.rendering import names
from daemon.core.routing import plan
from daemon.core.routing.escalation import Escalation
from daemon.core.routing.plan import Interest
from daemon.pipeline.handover import Handover
from daemon.store import events

log = structlog.get_logger()


@dataclass(frozen=True)
class Recorded:
    """What was written."""

    events: tuple[Event, ...] = ()
    deliveries: tuple[plan.Planned, ...] = ()
    turned: Mapping[str, Event] = field(default_factory=dict)
    """Events of incidents that began or ended, by incident: whom they are told is not settled yet."""
    incidents: Mapping[str, str] = field(default_factory=dict)
    """Incidents by the ids of their events."""

    def __add__(self, other: "Recorded") -> "Recorded":
        return Recorded.joined((self, other))

    @classmethod
    def joined(cls, parts: Sequence["Recorded"]) -> "Recorded":
        """All that was written, in its order."""
        return cls(
            tuple(event for one in parts for event in one.events),
            tuple(planned for one in parts for planned in one.deliveries),
            incidents={event: incident for one in parts for event, incident in one.incidents.items()},
        )


@dataclass(frozen=True)
class Recorder:
    """Writes events and deliveries for the endpoints of one configuration.

    A transaction takes the one that is in force when it begins, and goes by it to its end.
    """

    interests: Sequence[Interest]
    new_id: Callable[[str], str]
    handover: Handover = field(default_factory=Handover, compare=False, repr=False)
    """To whom the deliveries go, once they are committed."""
    escalations: Sequence[Escalation] = ()
    """Whom alerts go to that nobody acknowledges."""
    readers: Sequence[Interest] = ()
    """Of feeds: what is off by default is written where one of these asks for it; they are sent nothing."""
    contacts: Callable[[], Contacts] = field(default=lambda: NOBODY, compare=False, repr=False)
    """The names that are kept with an event for those who are told them; of nobody, where no endpoint is."""

    def record(self, db: sa.Connection, system: str, facts: Sequence[Fact], now: datetime) -> Recorded:
        """Write these facts of a system, and deliver those that stand alone to every interested endpoint;
        whom an incident's event is told, the ledger decides. The caller commits."""
        written = self.write(db, system, plan.wanted(system, facts, [*self.interests, *self.readers]), now)
        alone = [event for event, incident in written if incident is None]
        delivered = self.deliver(db, plan.plan(alone, self.interests), now)
        turned = {incident: event for event, incident in written if incident is not None}
        of_incidents = {event.id: incident for incident, event in turned.items()}
        return Recorded(tuple(event for event, _ in written), delivered, turned, of_incidents)

    def write(
        self, db: sa.Connection, system: str, facts: Sequence[Fact], now: datetime
    ) -> list[tuple[Event, str | None]]:
        """Write facts as events, each with the incident that it is of."""
        written = events.record(db, system, facts, now, self.new_id, names=self._names())
        return [(event, fact.incident) for event, fact in zip(written, facts, strict=True)]

    def _names(self) -> Callable[[Fact], str | None]:
        """All facts of one happening are named by the same book."""
        contacts = self.contacts()
        return lambda fact: names.stored({"subject": fact.subject, **fact.payload}, contacts)

    def deliver(
        self, db: sa.Connection, planned: Sequence[plan.Planned], now: datetime
    ) -> tuple[plan.Planned, ...]:
        """Add deliveries of events that are written; who sends them hears of it by the commit."""
        if planned:
            self.handover.add(db, planned, now)
        return tuple(planned)


def log_recorded(recorded: Recorded) -> None:
    """One line for each event, once it is committed."""
    deliveries = Counter(one.event.id for one in recorded.deliveries)
    bound = log.bind()  # once: that takes a good part of a line's time
    for event in recorded.events:
        bound.info(
            "event.recorded",
            event_id=event.id,
            type=event.type,
            system=event.system or None,
            subject=event.subject,
            deliveries=deliveries[event.id],
            **({"incident": recorded.incidents[event.id]} if event.id in recorded.incidents else {}),
        )
