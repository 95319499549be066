"""The HTTP side: whether the daemon lives, what it knows, what happened. Reads the store, changes nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import PlainTextResponse

from daemon.core.counts import Counts
from daemon.core.timestamps import iso
from daemon.store import events, views
from daemon.store.database import Database
from daemon.web import commands, metrics, models
from daemon.web.auth import Token, require
from daemon.web.commands import Desk
from daemon.web.limits import BodyLimit
from daemon.web.problems import Problem, install, responses

State = tuple[bool, str]
LARGEST_BODY = 1_048_576
"""Bytes of a request; a campaign of 500 numbers takes a fiftieth of it."""
NEVER_ASKED = views.WatchView("", "", None, None, None, None, None)


@dataclass(frozen=True)
class Scheduled:
    """One watch of the configuration in force."""

    system: str
    watch: str
    every: timedelta
    next_run_at: datetime | None


@dataclass(frozen=True)
class Live:
    """What only the running daemon knows; handed in by the composition root."""

    started_at: datetime
    is_alive: Callable[[], State]
    is_ready: Callable[[], State]
    schedule: Callable[[], Sequence[Scheduled]]
    endpoints: Callable[[], Sequence[str]]
    last_seen: Callable[[], Mapping[tuple[str, str], datetime]]
    """Watches (system, name) that were seen since the store was told."""
    now: Callable[[], datetime]
    desk: Desk
    counts: Callable[[], Counts] = Counts


def create_app(
    *, database: Database, tokens: Callable[[], Sequence[Token]], live: Live, version: str
) -> FastAPI:
    """The app; `tokens` is asked at every request, so a reload counts at once."""
    app = FastAPI(
        title="yemotd",
        version=version,
        description="What a phone system on Yemot HaMashiach did, and who was told.",
    )
    install(app)
    app.include_router(_health(live))
    app.include_router(metrics.router(database, tokens, live, version))
    app.include_router(_reading(database, tokens, live, version))
    app.include_router(commands.router(database, tokens, live.desk, live.now))

    app.add_middleware(BodyLimit, most=LARGEST_BODY)

    @app.middleware("http")
    async def add_headers(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["x-content-type-options"] = "nosniff"
        if request.url.path.startswith("/api/"):
            response.headers["cache-control"] = "no-store"
        return response

    return app


def _health(live: Live) -> APIRouter:
    router = APIRouter(
        tags=["health"],
        default_response_class=PlainTextResponse,
        responses={503: {"description": "No, and why", "content": {"text/plain": {}}}},
    )

    def answer(state: State, *, is_verbose: bool) -> PlainTextResponse:
        is_good, reason = state
        text = f"[{'+' if is_good else '-'}]{reason}\n" if is_verbose or not is_good else "ok\n"
        return PlainTextResponse(text, 200 if is_good else 503)

    @router.head("/livez", include_in_schema=False)
    @router.get("/livez", summary="Whether its loops make progress")
    def livez(request: Request) -> PlainTextResponse:
        return answer(live.is_alive(), is_verbose="verbose" in request.query_params)

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", summary="Whether it can do its work")
    def readyz(request: Request) -> PlainTextResponse:
        return answer(live.is_ready(), is_verbose="verbose" in request.query_params)

    return router


def _reading(
    database: Database, tokens: Callable[[], Sequence[Token]], live: Live, version: str
) -> APIRouter:
    router = APIRouter(
        prefix="/api/v1", dependencies=[Depends(require("read", tokens))], responses=responses(401, 403, 503)
    )

    @router.get("/status", summary="What is watched, what is wrong, what waits to be told")
    def status() -> models.Status:
        with database.read() as db:
            return _status(views.read(db), live, version)

    @router.get(
        "/events",
        summary="What happened, oldest first",
        response_class=Response,
        responses={200: {"model": models.EventPage}, **responses(400, 422)},
    )
    def list_events(
        after: Annotated[str | None, Query(description="The id of the last event already read")] = None,
        type: Annotated[str | None, Query(description="A type, or a glob such as sip.*")] = None,
        system: Annotated[str | None, Query(description="One system's events only")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        with database.read() as db:
            start = _number(db, after)
            found = events.read(db, events.Query(start, type, system, limit + 1))
        return Response(_page(found, limit), media_type="application/json")

    @router.get(
        "/events/{event_id}",
        summary="One event",
        response_class=Response,
        responses={200: {"model": models.EventBody}, **responses(404)},
    )
    def show_event(event_id: str) -> Response:
        with database.read() as db:
            found = events.find(db, event_id)
        if found is None:
            raise Problem(404, "There is no such event", f"No event {event_id!r} is kept.")
        return Response(found[1].body, media_type="application/json")

    return router


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


def _status(seen: views.Overview, live: Live, version: str) -> models.Status:
    now = live.now()
    watches = {(one.system, one.name): one for one in seen.watches}
    for key, at in live.last_seen().items():
        if key in watches:
            watches[key] = replace(watches[key], observed_at=at, polled_at=at)
    systems: dict[str, list[models.WatchStatus]] = {}
    for one in live.schedule():
        view = watches.get((one.system, one.watch), NEVER_ASKED)
        systems.setdefault(one.system, []).append(_watch(one, view, now))
    backlog = {one.endpoint: one for one in seen.backlog}
    endpoints = dict.fromkeys([*live.endpoints(), *backlog])
    return models.Status(
        version=version,
        started_at=iso(live.started_at),
        now=iso(now),
        events=seen.events,
        systems=[models.SystemStatus(name=name, watches=found) for name, found in systems.items()],
        alerts=[_alert(one) for one in seen.alerts],
        endpoints=[_endpoint(name, backlog.get(name)) for name in endpoints],
    )


def _watch(scheduled: Scheduled, view: views.WatchView, now: datetime) -> models.WatchStatus:
    age = (now - view.observed_at).total_seconds() if view.observed_at else None
    failure = None
    if view.failure and view.failing_since:
        failure = models.FailureStatus(
            **{"class": view.failure}, message=view.failure_message or "", since=iso(view.failing_since)
        )
    return models.WatchStatus(
        watch=scheduled.watch,
        every_seconds=scheduled.every.total_seconds(),
        next_run_at=_iso(scheduled.next_run_at),
        observed_at=_iso(view.observed_at),
        polled_at=_iso(view.polled_at),
        age_seconds=age,
        failure=failure,
    )


def _alert(view: views.AlertView) -> models.AlertStatus:
    return models.AlertStatus(
        system=view.system,
        type=view.type,
        subject=view.subject,
        phase=view.phase,
        severity=view.severity,
        is_blind=view.is_blind,
        incident=view.incident,
        started_at=_iso(view.started_at),
    )


def _endpoint(name: str, view: views.EndpointView | None) -> models.EndpointStatus:
    if view is None:
        return models.EndpointStatus(name=name, open=0, dead=0, oldest_open_at=None)
    return models.EndpointStatus(
        name=name, open=view.open, dead=view.dead, oldest_open_at=_iso(view.oldest_open_at)
    )


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
