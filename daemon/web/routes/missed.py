"""Who is still to be called back, and saying that it is done."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query

from daemon.operations import missed
from daemon.schemas.fields import Line
from daemon.schemas.missed import DONE, ClosedMissed, DoneRequest, Missed, MissedPage, QueueToday
from daemon.schemas.requests import examples
from daemon.store.database import Database
from daemon.web.audit import audited
from daemon.web.auth import Token, Tokens, require
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading

SAID = DoneRequest()
"""What is said without a body."""


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/missed`."""
    routes = reading("missed", tokens)
    admin = Depends(require("admin", tokens))

    @routes.get(
        "/missed",
        summary="Who is still to be called back, in the order in which they were missed",
        responses=responses(404, 422),
    )
    def list_missed(
        system: Annotated[Line | None, Query(description="Of this system only")] = None,
        after: Annotated[Line | None, Query(description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> MissedPage:
        systems = sorted({one.system for one in live.schedule()})
        with database.read() as db:
            found, following = missed.listed(db, system=system, after=after, limit=limit)
            wanted = [one for one in systems if system in (None, one)]
            today = missed.today(db, wanted, live.now(), live.zone())
        return MissedPage(
            missed=[Missed.of(one) for one in found],
            next=following,
            has_more=following is not None,
            today=[QueueToday.of(one) for one in today],
        )

    @routes.post(
        "/missed/{callback}/done",
        summary="Say that somebody was called back, or need not be; by the id, or the phone in any spelling",
        responses=responses(400, 404, 409, 413, 422),
    )
    def close_missed(
        callback: Line,
        token: Annotated[Token, admin],
        body: Annotated[DoneRequest, Body(openapi_examples=examples(DONE))] = SAID,
    ) -> ClosedMissed:
        with audited(token, "missed.done", callback), database.write() as db:
            closed = missed.done(db, callback, by=body.by or token.name, note=body.note, now=live.now())
        live.wake()
        return ClosedMissed.made(closed)

    return routes
