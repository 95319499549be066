"""Which endpoint is told what. Pure."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from daemon.core import own_events
from daemon.core.digests import digest
from daemon.core.event_types import ALERT_TYPES, OPT_IN, matches
from daemon.core.model import Event, Fact, Json, Severity
from daemon.core.phones import subject_key
from daemon.core.routing import quiet
from daemon.core.routing.filters import Filter, passes
from daemon.core.routing.quiet import Quiet
from daemon.core.routing.schedule import ALWAYS, Schedule, schedule_of
from daemon.core.wishes import UNGUARDED, Guard

DIRECTED = frozenset({quiet.ENDED, own_events.PING})
"""Types of events that are written for one endpoint alone."""
ADDRESSED = frozenset({*DIRECTED, digest.MADE})
"""These, and those that go to whom they name, whatever the `events` of that endpoint."""
DAEMON = ""
"""The system of the daemon's own events, which concern every endpoint."""


def endpoint_subject(endpoint: str) -> str:
    """The subject of events about an endpoint."""
    return f"endpoint/{endpoint}"


class Order(Enum):
    """What an endpoint wants of the order within a lane."""

    STRICT = "strict"
    """One after the other: a failed delivery holds up those behind it."""
    BEST_EFFORT = "best_effort"
    """In order as long as nothing fails; what failed comes later."""
    LATEST = "latest"
    """As strict, but a newer state replaces an older one that was not delivered yet."""


@dataclass(frozen=True)
class Interest:
    """What one endpoint wants to be told."""

    endpoint: str
    events: tuple[str, ...]
    """Globs on the event type; a bare `*` does not ask for the opt-in types."""
    systems: tuple[str, ...] | None
    """None: all."""
    min_severity: Severity = Severity.INFO
    """Of the alerts that it is told."""
    after: timedelta = timedelta(0)
    """It is told of an alert only when it has been firing for so long."""
    repeat: timedelta | None = None
    """After so long it is reminded of what still fires, then after twice as long, and so on."""
    quiet: tuple[Quiet, ...] = ()
    order: Order = Order.STRICT
    filters: tuple[Filter, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    is_batched: bool = False
    """What is due is told together, as in a mail: no delivery waits for another."""
    group_wait: timedelta = timedelta(0)
    """How long a delivery waits for others. An alert that is over by then is not told."""
    reported_as: str | None = None
    """The name under which others hear of its health; None: its own. Mailboxes share a server."""
    is_of_alerts: bool = False
    """It is told alerts and nothing else, whatever it asks for: each message costs money."""
    guard: Guard = field(default=UNGUARDED, compare=False, repr=False)
    """Tries its wishes. Where one that says what it is told raises, it is told alerts, for a wish at fault
    must not mute; of facts, which carry what others write and who they are, it is told none."""

    def covers(self, system: str, event_type: str, *, instead: bool | None = None) -> bool:
        """Whether an event of this system and type goes to this endpoint; `instead`: where its `events`
        raise, None: alerts do."""
        if not self.covers_system(system) or (self.is_of_alerts and event_type not in ALERT_TYPES):
            return False
        unknown = event_type in ALERT_TYPES if instead is None else instead
        return self.guard.tried("events", lambda: matches(self.events, event_type), instead=unknown)

    def covers_system(self, system: str) -> bool:
        """Whether it is told of this system."""
        return system == DAEMON or self.systems is None or system in self.systems

    def lets_pass(self, payload: Callable[[], Mapping[str, Json]], *, instead: bool) -> bool:
        """Whether what an event says passes its filters; `instead`: where they raise."""
        if not self.filters:
            return True
        return self.guard.tried("filters", lambda: passes(payload(), self.filters), instead=instead)

    def is_about_itself(self, system: str, subject: str) -> bool:
        """Whether something is about this very endpoint, which cannot be told of its own failure."""
        table = self.endpoint.partition("/")[0]  # mailboxes have their wishes together
        own = (self.endpoint, self.reported_as or self.endpoint, table)
        return system == DAEMON and subject in map(endpoint_subject, own)


@dataclass(frozen=True)
class Planned:
    """One delivery to be: an event for an endpoint, in a lane that keeps its order."""

    event: Event
    endpoint: str
    lane: str
    incident: str | None = None
    urgency: int | None = None
    """Where the endpoint has quiet windows that it may break through; 0 is the most urgent."""
    order: Order = Order.STRICT
    expires: timedelta | None = None
    """After so long it is not worth telling any more."""
    wait: timedelta = timedelta(0)
    """Until it is due."""


def wanted(system: str, facts: Iterable[Fact], interests: Sequence[Interest]) -> list[Fact]:
    """The facts worth writing: opt-in types exist only where an endpoint names them."""
    return [
        fact
        for fact in facts
        if fact.type not in OPT_IN or any(interest.covers(system, fact.type) for interest in interests)
    ]


def plan(events: Iterable[Event], interests: Sequence[Interest]) -> list[Planned]:
    """One delivery for each event and endpoint that wants it."""
    return [
        planned(event, interest, lane(event))
        for event in events
        for interest in interests
        if wants(interest, event)
    ]


def wants(interest: Interest, event: Event) -> bool:
    """Whether an endpoint wants to be told of an event that stands alone."""
    return (
        interest.covers(event.system, event.type)
        and not interest.is_about_itself(event.system, event.subject)
        and interest.lets_pass(lambda: _data(event), instead=event.type in ALERT_TYPES)
    )


def _data(event: Event) -> Mapping[str, Json]:
    data: Mapping[str, Json] = json.loads(event.body)["data"]
    return data


def planned(
    event: Event, interest: Interest, lane: str, *, incident: str | None = None, urgency: int | None = None
) -> Planned:
    """One delivery of an event for an endpoint, as the endpoint wants it."""
    expires = _expires(interest, event.type) if interest.schedules else None
    own = f"{lane}/{event.id}" if interest.is_batched else lane
    return Planned(
        event, interest.endpoint, own, incident, urgency, interest.order, expires, interest.group_wait
    )


def _expires(interest: Interest, event_type: str) -> timedelta | None:
    return interest.guard.tried(
        "retries", lambda: schedule_of(interest.schedules, event_type), instead=ALWAYS
    ).expires


def lane(event: Event, urgency: int | None = None) -> str:
    """What must be told in order: one subject, or one phone, however spelled. What breaks through a quiet
    window cannot wait for what is held by it, so it has a lane of its own."""
    subject = f"{event.system}/{subject_key(event.subject)}"
    return subject if urgency is None else f"{subject}/{urgency}"
