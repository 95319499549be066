"""What is watched, what is wrong, what waits to be told: a question of one look."""

import os

from fastapi import APIRouter

from daemon.schemas.status import Configured, Running, Status
from daemon.store import views
from daemon.store.database import Database
from daemon.web.auth import Tokens
from daemon.web.dependencies import Live
from daemon.web.routes.base import reading


def router(database: Database, tokens: Tokens, live: Live, version: str) -> APIRouter:
    """`GET /api/v1/status`."""
    routes = reading("reading", tokens)

    @routes.get("/status", summary="What is watched, what is wrong, what waits to be told")
    def status() -> Status:
        return status_of(database, live, version)

    return routes


def status_of(database: Database, live: Live, version: str) -> Status:
    """How the daemon stands, for programs and for the page."""
    schedule = {(one.system, one.watch): one for one in live.schedule()}
    with database.read() as db:
        seen = views.read(db)
    now = live.now()
    return Status.of(
        seen,
        Configured({watch: one.every for watch, one in schedule.items()}, live.endpoints()),
        Running(
            process=str(os.getpid()),
            version=version,
            started_at=live.started_at(),
            next_runs={watch: one.next_run_at for watch, one in schedule.items()},
            last_seen=live.last_seen(),
            paused={system: now + left for system, left in live.paused().items()},
            failing=live.failing(),
        ),
        now,
    )
