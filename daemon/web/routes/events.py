"""What happened: the stored bodies, to the byte."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from daemon.schemas import pages
from daemon.schemas.fields import Line
from daemon.store import events
from daemon.store.database import Database
from daemon.web.auth import Tokens
from daemon.web.problems import Problem, responses
from daemon.web.routes.base import reading


def router(database: Database, tokens: Tokens) -> APIRouter:
    """The routes below `/api/v1/events`."""
    routes = reading("reading", tokens)

    @routes.get(
        "/events",
        summary="What happened, oldest first",
        response_class=Response,
        responses={200: {"model": pages.EventPage}, **responses(400, 422)},
    )
    def list_events(
        after: Annotated[Line | None, Query(description="The id of the last event already read")] = None,
        type: Annotated[Line | None, Query(description="A type, or a glob such as sip.*")] = None,
        system: Annotated[Line | None, Query(description="One system's events only")] = None,
        subject: Annotated[
            Line | None, Query(description="One subject's events only; a phone in any spelling")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        with database.read() as db:
            start = _number(db, after)
            found = events.read(db, events.Query(start, type, system, limit + 1, subject))
        return Response(_page(found, limit), media_type="application/json")

    @routes.get(
        "/events/{event_id}",
        summary="One event",
        response_class=Response,
        responses={200: {"model": pages.EventBody}, **responses(404, 422)},
    )
    def show_event(event_id: Line) -> Response:
        with database.read() as db:
            found = events.find(db, event_id)
        if found is None:
            raise Problem(404, "There is no such event", f"No event {event_id!r} is kept.")
        return Response(found[1].body, media_type="application/json")

    return routes


def _number(db: Any, after: str | None) -> int:
    if after is None:
        return 0
    found = events.find(db, after)
    if found is None:
        raise Problem(
            400, "The event to go on from is not known", f"No event {after!r} is kept; leave `after` out."
        )
    return found[0]


def _page(found: Sequence[tuple[int, Any]], limit: int) -> bytes:
    """The stored bodies, to the byte, in one document."""
    shown = [event for _, event in found[:limit]]
    bodies = b",".join(event.body for event in shown)
    following = f'"{shown[-1].id}"'.encode() if shown else b"null"
    has_more = b"true" if len(found) > limit else b"false"
    return b'{"events":[' + bodies + b'],"next":' + following + b',"has_more":' + has_more + b"}"
