"""What is watched, what is wrong, what waits to be told: a question of one look."""

import os
from typing import Annotated

from fastapi import APIRouter, Query

from daemon.core.refusals import Refused, Why
from daemon.operations.history import Sums, uptimes
from daemon.schemas.fields import Line
from daemon.schemas.status import Configured, Running, Status
from daemon.store import views
from daemon.store.database import Database
from daemon.web.auth import Tokens
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading


def router(database: Database, tokens: Tokens, live: Live, version: str) -> APIRouter:
    """`GET /api/v1/status`."""
    routes = reading("reading", tokens)

    sums = Sums()

    @routes.get(
        "/status", summary="What is watched, what is wrong, what waits to be told", responses=responses(404)
    )
    def status(
        system: Annotated[Line | None, Query(description="One system with its alerts only")] = None,
        with_uptime: Annotated[
            bool,
            Query(alias="uptime", description="Also for how long each subject was up, down and not seen"),
        ] = False,
        with_details: Annotated[
            bool, Query(alias="details", description="Also the callers and agents of each queue")
        ] = False,
    ) -> Status:
        schedule = {(one.system, one.watch): one for one in live.schedule() if system in (None, one.system)}
        if system is not None and not schedule:
            raise Refused(Why.MISSING, f"nothing is watched of a system {system!r}")
        now = live.now()
        with database.read() as db:
            seen = views.read(db, system, with_details=with_details)
            of = uptimes(db, seen.subjects, live.unflushed, now, sums) if with_uptime else None
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
            of,
        )

    return routes
