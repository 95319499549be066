"""What is watched, what is wrong, what waits to be told: a question of one look."""

from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter

from daemon.core.timestamps import iso
from daemon.schemas.status import (
    AlertStatus,
    EndpointStatus,
    FailureStatus,
    Status,
    SystemStatus,
    WatchStatus,
)
from daemon.store import views
from daemon.store.database import Database
from daemon.web.auth import Tokens
from daemon.web.dependencies import Live, Scheduled
from daemon.web.routes.base import reading

NEVER_ASKED = views.WatchView("", "", None, None, None, None, None)


def router(database: Database, tokens: Tokens, live: Live, version: str) -> APIRouter:
    """`GET /api/v1/status`."""
    routes = reading("reading", tokens)

    @routes.get("/status", summary="What is watched, what is wrong, what waits to be told")
    def status() -> Status:
        with database.read() as db:
            return _status(views.read(db), live, version)

    return routes


def _status(seen: views.Overview, live: Live, version: str) -> Status:
    now = live.now()
    watches = {(one.system, one.name): one for one in seen.watches}
    for key, at in live.last_seen().items():
        if key in watches:
            watches[key] = replace(watches[key], observed_at=at, polled_at=at)
    systems: dict[str, list[WatchStatus]] = {}
    for one in live.schedule():
        view = watches.get((one.system, one.watch), NEVER_ASKED)
        systems.setdefault(one.system, []).append(_watch(one, view, now))
    backlog = {one.endpoint: one for one in seen.backlog}
    endpoints = dict.fromkeys([*live.endpoints(), *backlog])
    return Status(
        version=version,
        started_at=iso(live.started_at),
        now=iso(now),
        events=seen.events,
        systems=[SystemStatus(name=name, watches=found) for name, found in systems.items()],
        alerts=[_alert(one) for one in seen.alerts],
        endpoints=[_endpoint(name, backlog.get(name)) for name in endpoints],
    )


def _watch(scheduled: Scheduled, view: views.WatchView, now: datetime) -> WatchStatus:
    age = (now - view.observed_at).total_seconds() if view.observed_at else None
    failure = None
    if view.failure and view.failing_since:
        failure = FailureStatus(
            **{"class": view.failure}, message=view.failure_message or "", since=iso(view.failing_since)
        )
    return WatchStatus(
        watch=scheduled.watch,
        every_seconds=scheduled.every.total_seconds(),
        next_run_at=_iso(scheduled.next_run_at),
        observed_at=_iso(view.observed_at),
        polled_at=_iso(view.polled_at),
        age_seconds=age,
        failure=failure,
    )


def _alert(view: views.AlertView) -> AlertStatus:
    return AlertStatus(
        system=view.system,
        type=view.type,
        subject=view.subject,
        phase=view.phase,
        severity=view.severity,
        is_blind=view.is_blind,
        incident=view.incident,
        started_at=_iso(view.started_at),
    )


def _endpoint(name: str, view: views.EndpointView | None) -> EndpointStatus:
    if view is None:
        return EndpointStatus(name=name, open=0, dead=0, oldest_open_at=None)
    return EndpointStatus(name=name, open=view.open, dead=view.dead, oldest_open_at=_iso(view.oldest_open_at))


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
