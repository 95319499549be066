"""Why something was told, or was not: what the store knows of it, for the command line, HTTP and the page.

Nothing is written.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from daemon.core.alerts.incidents import Incident
from daemon.core.model import AlertKind, Event
from daemon.core.phones import subject_key
from daemon.core.refusals import Refused, Why
from daemon.core.routing.ledger import Hold
from daemon.core.routing.silences import Silence, silencing
from daemon.core.watches import api
from daemon.schemas import explanations, pages
from daemon.schemas.explanations import ExplainedIncident, Explanation
from daemon.store import events, history, incidents, ledger, silences, views
from daemon.store.history import DeliveryView
from daemon.store.incidents import Query, Transition
from daemon.store.ledger import Decided, Standings
from daemon.store.views import AlertView

BEFORE_A_HOLD = timedelta(days=7)
"""Ours. How long before something was held back what was told instead is looked for."""
API_OF = (api.API_KEY, api.TOKEN_KEY)
"""What is told instead of what is seen through the API: that it is away, or takes the token no more."""


@dataclass(frozen=True)
class Story:
    """All that the store knows of one incident."""

    incident: Incident
    transitions: list[Transition]
    decisions: list[Decided]
    standings: list[Standings]
    deliveries: list[DeliveryView]

    @property
    def document(self) -> ExplainedIncident:
        """As `explain --json` and HTTP give it."""
        return ExplainedIncident.of(
            self.incident, self.transitions, self.decisions, self.standings, self.deliveries
        )


@dataclass(frozen=True)
class Found:
    """All that the store knows of an event, an incident or a subject."""

    event: Event | None
    deliveries: list[DeliveryView]
    """Of the event."""
    pending: list[AlertView]
    stories: list[Story]

    @property
    def document(self) -> Explanation:
        """As `explain --json` gives it."""
        return Explanation.of(
            self.event, self.deliveries, self.pending, [one.document for one in self.stories]
        )


@dataclass(frozen=True)
class Because:
    """What stands behind a hold, where that is stored."""

    silence: Silence | None = None
    instead: Incident | None = None
    """What was told in its stead."""


def explain(db: sa.Connection, what: str) -> Found:
    """What is known of an event (`evt_…`), an incident (`inc_…`), or a subject.

    Raises `Refused` where there is nothing.
    """
    event = events.find(db, what) if what.startswith("evt_") else None
    deliveries = history.of_events(db, [event[1].id]) if event else []
    pending, named = [], []
    if event is not None:
        named = [json.loads(event[1].body)["data"].get("alert", {}).get("incident")]
    elif what.startswith("inc_"):
        named = [what]
    elif not what.startswith("evt_"):
        pending = [one for one in views.alerts(db) if subject_key(one.subject) == subject_key(what)]
        named = [one.id for one in incidents.of_subject(db, what)]
    stories = [
        _story(db, one) for one in map(lambda name: incidents.find(db, name), filter(None, named)) if one
    ]
    if event is None and not stories and not pending:
        raise Refused(Why.MISSING, f"the store knows no event, incident or alert's subject {what!r}")
    return Found(event[1] if event else None, deliveries, pending, stories)


def find_incident(db: sa.Connection, incident: str) -> Story:
    """The story of one incident. Raises `Refused` where there is none."""
    found = incidents.find(db, incident)
    if found is None:
        raise Refused(Why.MISSING, f"there is no incident {incident!r}")
    return _story(db, found)


def list_incidents(db: sa.Connection, query: Query, before: str | None = None) -> pages.IncidentPage:
    """A page of incidents, the newest first, older than the one `before`.

    Raises `Refused` where that one is not known.
    """
    place = None
    if before is not None:
        last = incidents.find(db, before)
        if last is None:
            raise Refused(Why.MISSING, f"no incident {before!r} is kept; leave `before` out", "before")
        place = (last.fired_at, last.id)
    found = incidents.read(db, Query(query.system, query.subject, query.is_firing, place, query.limit + 1))
    has_more = len(found) > query.limit
    return pages.IncidentPage(
        incidents=[explanations.Incident.told(one) for one in found[: query.limit]],
        next=found[query.limit - 1].id if has_more else None,
        has_more=has_more,
    )


def because(db: sa.Connection, incident: Incident, held_by: Hold, at: datetime) -> Because:
    """What stood behind a hold of an incident at a moment."""
    if held_by is Hold.SILENCED:
        return Because(
            silence=silencing(_as_of(silences.load(db, now=at, with_ended=True), at), incident, at)
        )
    if held_by is Hold.INHIBITED:
        return Because(instead=_instead(db, incident, API_OF, at))
    kind = {Hold.FOLDED: incident.kind.folded_into, Hold.FLAPPING: incident.kind.flaps_as}.get(held_by)
    return Because(instead=_instead(db, incident, _keys(kind, incident), at))


def _as_of(known: Iterable[Silence], at: datetime) -> Iterable[Silence]:
    return (one for one in known if one.created_at <= at)


def _keys(kind: AlertKind | None, incident: Incident) -> tuple[str, ...]:
    return (kind.stands_in.key_for(incident.key),) if kind is not None and kind.stands_in is not None else ()


def _instead(db: sa.Connection, incident: Incident, keys: Iterable[str], at: datetime) -> Incident | None:
    """The incident of one of these conditions that fired at a moment."""
    for key in keys:
        found = incidents.last_of_key(db, incident.system, key, at - BEFORE_A_HOLD, at)
        if found is not None and (found.ended_at is None or found.ended_at >= at):
            return found
    return None


def _story(db: sa.Connection, incident: Incident) -> Story:
    decisions = ledger.of_incident(db, incident.id)
    told = list(dict.fromkeys(one.event for one in decisions if one.event))
    return Story(
        incident,
        incidents.load_transitions(db, incident.system, incident.key, incident.started_at, incident.ended_at),
        decisions,
        ledger.standings(db, incident.id),
        history.of_events(db, told),
    )
