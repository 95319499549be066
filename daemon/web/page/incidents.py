"""`/incidents`: what fired; and each: what was seen, who was told and when, who was not and why."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from daemon.core import durations
from daemon.core.refusals import Refused, Why
from daemon.core.routing.ledger import Hold
from daemon.operations import explanations
from daemon.operations.acknowledgements import acknowledge
from daemon.operations.explanations import Because, Story
from daemon.schemas.fields import Line
from daemon.schemas.requests import AcknowledgementRequest
from daemon.schemas.wording import faults
from daemon.store import events
from daemon.web.audit import audited
from daemon.web.forms import Fields
from daemon.web.page.frame import Page
from daemon.web.page.incident_story import MOST_STEPS, Telling, lasted, span, subject_of
from daemon.web.page.telling import stands
from daemon.web.page.visitors import Visitor
from daemon.web.page.words import Words
from daemon.web.routes.incidents import State, wanted

LENGTHS = ("", "30m", "1h", "2h", "4h", "8h", "1d")
"""For which somebody has it; "": until it is over."""
SHOWN = 30
"""Incidents on one page."""
WITH_MORE = frozenset({Hold.SILENCED, Hold.INHIBITED, Hold.FLAPPING, Hold.FOLDED})
"""Holds behind which something stands that the store knows."""


def router(page: Page) -> APIRouter:
    """The list, and one."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/incidents")
    def list_incidents(
        request: Request,
        visitor: Annotated[Visitor, page.visit("read")],
        system: Annotated[Line, Query()] = "",
        subject: Annotated[Line, Query()] = "",
        state: Annotated[State | Literal[""], Query()] = "",
        before: Annotated[Line | None, Query()] = None,
    ) -> Response:
        query = wanted(system or None, subject or None, state or None, SHOWN)
        writing = page.writing(Words(visitor.language), visitor)
        with page.database.read() as db:
            found = explanations.list_incidents(db, query, before, page.live.contacts())
        filters = {
            name: one for name, one in (("system", system), ("subject", subject), ("state", state)) if one
        }
        return page.render(
            request,
            visitor,
            "incidents.html",
            found=found,
            filters=filters,
            before=before,
            stands=lambda one: stands(one, visitor.language, writing.contacts),
            long=lambda one: span(writing, writing.words, lasted(writing, one)),
            subject=lambda one: subject_of(one, writing),
        )

    @routes.get("/incidents/{incident_id}")
    def show_incident(
        request: Request, incident_id: Line, visitor: Annotated[Visitor, page.visit("read")]
    ) -> Response:
        with page.database.read() as db:
            story = explanations.find_incident(db, incident_id, page.live.as_of())
        behind, bodies = _behind(page, story), _told(page, story)
        document = story.document
        interests = {one.endpoint: one for one in page.live.interests()}
        words = Words(visitor.language)
        telling = Telling(words, page.writing(words, visitor), page.link(request), interests, bodies)
        steps = telling.steps(document, behind)
        return page.render(
            request,
            visitor,
            "incident.html",
            incident=document,
            title=stands(document, visitor.language, telling.w.contacts),
            steps=steps[-MOST_STEPS:],
            earlier=max(len(steps) - MOST_STEPS, 0),
            stands=telling.stands(document, behind),
            long=span(telling.w, words, lasted(telling.w, document)),
            subject=subject_of(document, telling.w),
            in_hand=telling.in_hand(document),
            lengths=LENGTHS,
            seconds_of=lambda one: durations.parse(one).total_seconds(),
        )

    @routes.post("/incidents/{incident_id}/ack")
    def acknowledge_incident(
        request: Request,
        incident_id: Line,
        fields: Annotated[Fields, page.posted],
        visitor: Annotated[Visitor, page.visit("admin")],
    ) -> Response:
        assert visitor.token is not None  # noqa: S101 - only who has signed in comes here
        wish = _wish(fields).wish(visitor.token.name)
        with (
            audited(visitor.token, "alert.acknowledge", incident_id, status=303),
            page.database.write() as db,
        ):
            acknowledge(db, incident_id, wish, page.live.new_id, page.now())
        return page.redirect(request, "/incidents/", incident_id, said="incidents.said_ack")

    return routes


def _wish(fields: Fields) -> AcknowledgementRequest:
    """What was typed. Raises `Refused` for what the form does not let anybody type."""
    given = {name: fields.text(name) for name in ("by", "note", "for") if name in fields}
    try:
        return AcknowledgementRequest.model_validate({**given, "take_over": "take_over" in fields})
    except ValidationError as error:
        name, reason = next(iter(faults(error.errors())))
        raise Refused(Why.WRONG, reason, name) from None


def _behind(page: Page, story: Story) -> dict[int, Because]:
    """What stood behind the holds of the newest decisions, by their place."""
    first = max(len(story.decisions) - MOST_STEPS, 0)
    with page.database.read() as db:
        return {
            place: explanations.because(db, story.incident, one.held_by, one.at)
            for place, one in enumerate(story.decisions)
            if place >= first and one.held_by in WITH_MORE
        }


def _told(page: Page, story: Story) -> dict[str, Mapping[str, Any]]:
    """The newest events by which it was told, by id."""
    ids = dict.fromkeys(one.event for one in story.decisions[-MOST_STEPS:] if one.event)
    with page.database.read() as db:
        found = [events.find(db, one) for one in ids]
    return {one[1].id: json.loads(one[1].body) for one in found if one}
