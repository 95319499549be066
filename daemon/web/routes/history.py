"""For how long something was up and down: what a bar and a plot are drawn of."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from daemon.core.durations import DAY
from daemon.operations.contacts import named
from daemon.operations.history import Span, history
from daemon.schemas.fields import Line, Moment
from daemon.schemas.history import History
from daemon.store.database import Database
from daemon.web.auth import Tokens
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading

STEPS = {"60s": 60, "1h": 3600, "1d": 86_400}
Step = Literal["60s", "1h", "1d"]


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """`GET /api/v1/history`."""
    routes = reading("reading", tokens)

    @routes.get(
        "/history",
        summary="For how long a subject was up, down and not seen, by minutes, hours or days",
        response_class=Response,
        responses={200: {"model": History}, **responses(404, 409, 422)},
    )
    def show_history(
        system: Line,
        subject: Annotated[Line, Query(description="As `status` names it, such as queue/5")],
        begin: Annotated[
            Moment | None, Query(alias="from", description="By default a day before `to`")
        ] = None,
        end: Annotated[Moment | None, Query(alias="to", description="By default now")] = None,
        step: Annotated[
            Step | None,
            Query(description="By default the shortest that is kept for so long, and gives 2,000 at most"),
        ] = None,
    ) -> Response:
        now = live.now()
        end = end or now
        span = Span(begin or end - DAY, end, STEPS[step] if step else None)
        with database.read() as db:
            found = history(
                db, system, named(db, subject, live.contacts(), system), span, now, live.unflushed
            )
        return Response(found.model_dump_json(), media_type="application/json")

    return routes
