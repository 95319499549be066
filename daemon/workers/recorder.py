"""Facts become events, and events become deliveries, in the transaction of whoever found them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog

from daemon.core import routing
from daemon.core.model import Event, Fact
from daemon.core.routing import Interest
from daemon.store import events, outbox

log = structlog.get_logger()


@dataclass(frozen=True)
class Recorded:
    """What was written."""

    events: tuple[Event, ...] = ()
    deliveries: tuple[routing.Planned, ...] = ()


class Recorder:
    """Writes events with one delivery per interested endpoint; a reload replaces `interests`."""

    def __init__(self, interests: Sequence[Interest], new_id: Callable[[str], str]) -> None:
        self.interests = interests
        self.new_id = new_id

    def record(self, db: sa.Connection, system: str, facts: Sequence[Fact], now: datetime) -> Recorded:
        """Write these facts of a system; the caller commits."""
        wanted = routing.wanted(system, facts, self.interests)
        if not wanted:
            return Recorded()
        written = events.record(db, system, wanted, now, self.new_id)
        planned = routing.plan(written, self.interests)
        outbox.add(db, planned, events.numbers(db, written), now)
        return Recorded(tuple(written), tuple(planned))


def log_recorded(recorded: Recorded) -> None:
    """One line for each event, once it is committed."""
    for event in recorded.events:
        log.info(
            "event.recorded",
            event_id=event.id,
            type=event.type,
            system=event.system or None,
            subject=event.subject,
            deliveries=sum(one.event.id == event.id for one in recorded.deliveries),
        )
