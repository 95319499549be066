"""Why something was told, or was not: what the store knows of it, for the command line, HTTP and the page.

Nothing is written.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from daemon.core.alerts.incidents import Incident
from daemon.core.commands import following
from daemon.core.commands.command import Command
from daemon.core.commands.following import Followed
from daemon.core.contacts import NOBODY, Contacts
from daemon.core.model import AlertKind, Event
from daemon.core.phones import subject_key
from daemon.core.refusals import Refused, Why
from daemon.core.rendering import body as bodies
from daemon.core.routing.escalation import InHand
from daemon.core.routing.held_back import HeldBack
from daemon.core.routing.ledger import Hold
from daemon.core.routing.silences import Silence, silencing
from daemon.core.watches import api
from daemon.core.wording import quoted
from daemon.operations import acknowledgements, held_back, meant
from daemon.operations.acknowledgements import AsOf
from daemon.operations.contacts import named
from daemon.schemas import explanations, pages
from daemon.schemas.campaigns import Campaign
from daemon.schemas.commands import Command as CommandDocument
from daemon.schemas.documents import Attempt
from daemon.schemas.explanations import ExplainedIncident, Explanation
from daemon.schemas.redaction import REDACTED, has_texts, redacted_command
from daemon.schemas.redaction import redacted as hidden
from daemon.store import campaigns, events, history, inbox, incidents, ledger, silences, views
from daemon.store.history import DeliveryView
from daemon.store.incidents import Query, Transition
from daemon.store.ledger import Decided, Standings
from daemon.store.views import AlertView

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
    in_hand: InHand
    held: Mapping[str, HeldBack] = field(default_factory=dict)
    """What holds it back now, by endpoint."""

    @property
    def document(self) -> ExplainedIncident:
        """As `explain --json` and HTTP give it."""
        return ExplainedIncident.of(
            self.incident,
            self.transitions,
            self.decisions,
            self.standings,
            self.deliveries,
            self.in_hand,
            self.held,
        )


@dataclass(frozen=True)
class Found:
    """All that the store knows of an event, an incident or a subject."""

    event: Event | None
    deliveries: list[DeliveryView]
    """Of the event."""
    pending: list[AlertView]
    stories: list[Story]
    command: Command | None = None
    campaign: Followed | None = None
    """That the command has started."""

    def document(self, endpoints: Iterable[str] = ()) -> Explanation:
        """As `explain --json` and HTTP give it; `endpoints`: the names of all that are configured."""
        sent_to = {one.endpoint for one in self.deliveries}
        others = [one for one in endpoints if one not in sent_to] if self.event else []
        stories = [one.document for one in self.stories]
        found = Explanation.of(self.event, self.deliveries, self.pending, stories, others)
        command = None if self.command is None else CommandDocument.of(self.command)
        campaign = None if self.campaign is None else Campaign.of(self.campaign)
        return found.model_copy(update={"command": command, "campaign": campaign})


@dataclass(frozen=True)
class Because:
    """What stands behind a hold, where that is stored."""

    silence: Silence | None = None
    instead: Incident | None = None
    """What was told in its stead."""
    until: datetime | None = None
    """When the silence ended, or is over for this time; None: it waits for the end of what it mutes."""


def explain(db: sa.Connection, what: str, as_of: AsOf, contacts: Contacts = NOBODY) -> Found:
    """What is known of an event (`evt_…`), an incident (`inc_…`), a command (`cmd_…`), or a subject, which
    may be given by its name; `as_of`: by what it is judged what is to come, and what holds something back.

    Raises `Refused` where there is nothing, and where several have that name.
    """
    if what.startswith("cmd_"):
        return _of_command(db, what)
    what = named(db, what, contacts)
    event = events.find(db, what) if what.startswith("evt_") else None
    deliveries = history.of_events(db, [event[1].id]) if event else []
    pending, ids = [], []
    if event is not None:
        ids = [json.loads(event[1].body)["data"].get("alert", {}).get("incident")]
    elif what.startswith("inc_"):
        ids = [what]
    elif not what.startswith("evt_"):
        pending = [one for one in views.alerts(db) if subject_key(one.subject) == subject_key(what)]
        ids = [one.id for one in incidents.of_subject(db, what)]
    stories = [
        _story(db, one, as_of) for one in map(lambda name: incidents.find(db, name), filter(None, ids)) if one
    ]
    if event is None and not stories and not pending:
        near = None if what.startswith(("evt_", "inc_")) else meant.near_subject(db, what)
        hint = f"; did you mean {quoted(near)}?" if near else ""
        raise Refused(Why.MISSING, f"the store knows no event, incident or alert's subject {what!r}{hint}")
    return Found(event[1] if event else None, deliveries, pending, stories)


def _of_command(db: sa.Connection, name: str) -> Found:
    """A command with its campaign, the last that was told of them, and to whom all of it was."""
    command = inbox.find(db, name)
    if command is None:
        raise Refused(Why.MISSING, f"no command {name!r} is kept")
    about = (f"command/{name}", following.subject(name))
    told = [event for _, event in events.read(db, events.Query(among=about))]
    deliveries = history.of_events(db, [one.id for one in told])
    return Found(told[-1] if told else None, deliveries, [], [], command, campaigns.find(db, name))


def redacted(found: Explanation) -> Explanation:
    """The same as it is shown to who may not see the texts of SMS: neither theirs, nor what receivers said
    back."""
    if found.command is not None:
        shown = redacted_command(found.command.model_dump())
        found = found.model_copy(update={"command": CommandDocument(**shown)})
    if found.event is None:
        return found
    body = bodies.spelled(found.event)
    if not has_texts(body):
        return found
    deliveries = [
        one.model_copy(update={"attempts": [_without_answer(each) for each in one.attempts]})
        for one in found.deliveries
    ]
    return found.model_copy(update={"event": json.loads(hidden(body)), "deliveries": deliveries})


def _without_answer(attempt: Attempt) -> Attempt:
    return attempt.model_copy(update={"response_head": attempt.response_head and REDACTED})


def find_incident(db: sa.Connection, incident: str, as_of: AsOf) -> Story:
    """The story of one incident. Raises `Refused` where there is none."""
    return _story(db, acknowledgements.find(db, incident), as_of)


def list_incidents(
    db: sa.Connection, query: Query, before: str | None = None, contacts: Contacts = NOBODY
) -> pages.IncidentPage:
    """A page of incidents, the newest first, older than the one `before`.

    Raises `Refused` where that one is not known, and where several have the name that is asked for.
    """
    subject = query.subject and named(db, query.subject, contacts, query.system)
    place = None
    if before is not None:
        last = incidents.find(db, before)
        if last is None:
            raise Refused(Why.MISSING, f"no incident {before!r} is kept; leave `before` out", "before")
        place = (last.fired_at, last.id)
    found = incidents.read(db, Query(query.system, subject, query.is_firing, place, query.limit + 1))
    has_more = len(found) > query.limit
    return pages.IncidentPage(
        incidents=[explanations.Incident.told(one) for one in found[: query.limit]],
        next=found[query.limit - 1].id if has_more else None,
        has_more=has_more,
    )


def because(db: sa.Connection, incident: Incident, held_by: Hold, at: datetime) -> Because:
    """What stood behind a hold of an incident at a moment."""
    if held_by is Hold.SILENCED:
        known = _as_of(silences.load(db, now=at, with_ended=True), at)
        silence = silencing(known, incident, at)
        until = None if silence is None else silence.expired_at or silence.mutes_until(at)
        return Because(silence, until=until)
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
        found = incidents.last_of_key(db, incident.system, key, at)
        if found is not None and (found.ended_at is None or found.ended_at >= at):
            return found
    return None


def _story(db: sa.Connection, incident: Incident, as_of: AsOf) -> Story:
    decisions = ledger.of_incident(db, incident.id)
    standings = ledger.standings(db, incident.id)
    holds = {(incident.id, one.endpoint): one.held_by for one in standings if one.held_by and not one.is_over}
    held = held_back.of_incidents(db, [incident], holds, as_of.interests, as_of.now)
    told = list(dict.fromkeys(one.event for one in decisions if one.event))
    return Story(
        incident,
        incidents.load_transitions(db, incident.system, incident.key, incident.started_at, incident.ended_at),
        decisions,
        standings,
        history.of_events(db, told),
        acknowledgements.in_hand(db, incident, as_of),
        {endpoint: one for (_, endpoint), one in held.items()},
    )
