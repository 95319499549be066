"""What happened: the stored bodies, to the byte."""

from collections.abc import Sequence
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Response

from daemon.core.model import Event
from daemon.schemas import pages
from daemon.schemas.fields import Line
from daemon.schemas.redaction import redacted
from daemon.store import events
from daemon.store.database import Database
from daemon.web.auth import Token, Tokens, require
from daemon.web.problems import Problem, responses
from daemon.web.routes.base import reading

TypeQuery = Annotated[Line | None, Query(description="A type, or a glob such as sip.*")]
SystemQuery = Annotated[Line | None, Query(description="One system's events only")]
SubjectQuery = Annotated[Line | None, Query(description="One subject's events only; a phone in any spelling")]


def router(database: Database, tokens: Tokens) -> APIRouter:
    """The routes below `/api/v1/events`; the texts of SMS are for the scope `content`."""
    routes = reading("reading", tokens)
    reader = Depends(require("read", tokens))

    @routes.get(
        "/events",
        summary="What happened, oldest first",
        response_class=Response,
        responses={200: {"model": pages.EventPage}, **responses(400, 422)},
    )
    def list_events(
        token: Annotated[Token, reader],
        after: Annotated[Line | None, Query(description="The id of the last event already read")] = None,
        type: TypeQuery = None,
        system: SystemQuery = None,
        subject: SubjectQuery = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        with database.read() as db:
            start = 0 if after is None else number_of(db, after)
            found = events.read(db, events.Query(start, type, system, limit + 1, subject))
        return Response(_page(found, limit, token), media_type="application/json")

    @routes.get(
        "/events/{event_id}",
        summary="One event",
        response_class=Response,
        responses={200: {"model": pages.EventBody}, **responses(404, 422)},
    )
    def show_event(event_id: Line, token: Annotated[Token, reader]) -> Response:
        with database.read() as db:
            found = events.find(db, event_id)
        if found is None:
            raise Problem(404, "There is no such event", f"No event {event_id!r} is kept.")
        return Response(shown(found[1].body, token), media_type="application/json")

    return routes


def shown(body: bytes, token: Token) -> bytes:
    """A body as who has this token may see it."""
    return body if token.allows("content") else redacted(body)


def number_of(db: sa.Connection, after: str) -> int:
    """The number of the event to go on from. Raises `Problem` where there is no such event."""
    if after == events.START:
        return 0
    found = events.find(db, after)
    if found is None:
        raise Problem(
            400, "The event to go on from is not known", f"No event {after!r} is kept; leave `after` out."
        )
    return found[0]


def _page(found: Sequence[tuple[int, Event]], limit: int, token: Token) -> bytes:
    """The stored bodies, to the byte, in one document."""
    some = [event for _, event in found[:limit]]
    bodies = b",".join(shown(event.body, token) for event in some)
    following = f'"{some[-1].id}"'.encode() if some else b"null"
    has_more = b"true" if len(found) > limit else b"false"
    return b'{"events":[' + bodies + b'],"next":' + following + b',"has_more":' + has_more + b"}"
