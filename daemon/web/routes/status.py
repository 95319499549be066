"""What is watched, what is wrong, what waits to be told: a question of one look."""

import os
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from daemon.core.refusals import Refused, Why
from daemon.operations import quiet_windows
from daemon.operations.history import Sums, uptimes
from daemon.schemas.documents import QuietStatus
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
        asked = Asked(system, with_details=with_details, sums=sums if with_uptime else None)
        return status_of(database, live, version, asked)

    return routes


@dataclass(frozen=True)
class Asked:
    """What of the status is wanted."""

    system: str | None = None
    """None: all of them."""
    with_details: bool = False
    """Also the callers and agents of queues."""
    sums: Sums | None = None
    """Also for how long each was up, by what was added up before; None: not that."""


def status_of(database: Database, live: Live, version: str, asked: Asked | None = None) -> Status:
    """How the daemon stands, for programs and for the page.

    Raises `Refused` for a system that is not watched.
    """
    asked = asked or Asked()
    schedule = {(one.system, one.watch): one for one in live.schedule() if asked.system in (None, one.system)}
    if asked.system is not None and not schedule:
        raise Refused(Why.MISSING, f"nothing is watched of a system {asked.system!r}")
    now = live.now()
    with database.read() as db:
        seen = views.read(db, asked.system, with_details=asked.with_details)
        quiet = quiet_windows.lasting(db, live.interests(), now)
        of = uptimes(db, seen.subjects, live.unflushed, now, asked.sums) if asked.sums is not None else None
    return Status.of(
        seen,
        Configured(
            {watch: one.every for watch, one in schedule.items()},
            live.endpoints(),
            {name: QuietStatus.of(one.now, one.waits) for name, one in quiet.items()},
        ),
        Running(
            process=str(os.getpid()),
            version=version,
            timezone=str(live.zone()),
            started_at=live.started_at(),
            next_runs={watch: one.next_run_at for watch, one in schedule.items()},
            last_seen=live.last_seen(),
            paused={system: now + left for system, left in live.paused().items()},
            failing=live.failing(),
            member=live.member(),
            silent={member: now - still for member, still in live.silent().items()},
        ),
        now,
        of,
    )
