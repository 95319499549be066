"""`/incidents`: what fired; and each: what was seen, who was told and when, who was not and why."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from daemon.core.routing.ledger import Hold
from daemon.operations import explanations
from daemon.operations.explanations import Because, Story
from daemon.schemas.fields import Line
from daemon.store import events
from daemon.web.page.frame import Page
from daemon.web.page.incident_story import MOST_STEPS, Telling, lasted, span, subject_of
from daemon.web.page.telling import stands
from daemon.web.page.visitors import Visitor
from daemon.web.page.words import Words
from daemon.web.page.writing import Writing
from daemon.web.routes.incidents import State, wanted

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
        writing = Writing(Words(visitor.language), page.zone(), page.now())
        with page.database.read() as db:
            found = explanations.list_incidents(db, query, before)
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
            stands=lambda one: stands(one, visitor.language),
            long=lambda one: span(writing, writing.words, lasted(writing, one)),
            subject=lambda one: subject_of(one, writing.words),
        )

    @routes.get("/incidents/{incident_id}")
    def show_incident(
        request: Request, incident_id: Line, visitor: Annotated[Visitor, page.visit("read")]
    ) -> Response:
        with page.database.read() as db:
            story = explanations.find_incident(db, incident_id)
        behind, bodies = _behind(page, story), _told(page, story)
        document = story.document
        interests = {one.endpoint: one for one in page.live.interests()}
        words = Words(visitor.language)
        telling = Telling(
            words, Writing(words, page.zone(), page.now()), page.link(request), interests, bodies
        )
        steps = telling.steps(document, behind)
        return page.render(
            request,
            visitor,
            "incident.html",
            incident=document,
            title=stands(document, visitor.language),
            steps=steps[-MOST_STEPS:],
            earlier=max(len(steps) - MOST_STEPS, 0),
            stands=telling.stands(document, behind),
            long=span(telling.w, words, lasted(telling.w, document)),
            subject=subject_of(document, words),
        )

    return routes


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
