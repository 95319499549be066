"""What is there right now: phones that are off, who waits, who answers."""

import os
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from daemon.operations import now as operations
from daemon.operations.now import AT_ONCE, EVERYTHING, MOST, Asked
from daemon.schemas.fields import Line
from daemon.schemas.now import Now
from daemon.schemas.status import Configured, Running
from daemon.store.database import Database
from daemon.web.auth import Tokens
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """`GET /api/v1/now`."""
    routes = reading("reading", tokens)

    @routes.get(
        "/now",
        summary="What is there right now: phones that are off, who waits, who answers, units, the last SMS",
        responses=responses(404),
    )
    def now(
        system: Annotated[Line | None, Query(description="One system only")] = None,
        after: Annotated[Line | None, Query(description="Only the systems behind this one: `next`")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST, description="Systems at most")] = AT_ONCE,
        only: Annotated[
            Literal["unwell"] | None, Query(description="Only systems in which something is not well")
        ] = None,
    ) -> Now:
        return now_of(database, live, Asked(system, after, limit, only))

    return routes


def now_of(database: Database, live: Live, asked: Asked = EVERYTHING) -> Now:
    """The same for the page. Raises `Refused` for a system that is not watched."""
    at = live.now()
    configured = Configured(live.watched(), ())
    running = Running(
        process=str(os.getpid()),
        last_seen=live.last_seen(),
        paused={system: at + left for system, left in live.paused().items()},
        failing=live.failing(),
        member=live.member(),
    )
    with database.read() as db:
        return operations.now(db, configured, running, at, asked)
