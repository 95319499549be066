"""How the endpoints are doing; one tested, turned off and on, or sent the past again.

A mailbox's name has a slash in it (`ops/anna@example.org`), so a name may be more than one part of a path.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Body, Depends

from daemon.core.delivery.breaker import Switch
from daemon.operations import endpoints, quiet_windows
from daemon.schemas import pages
from daemon.schemas.documents import Delivery, Endpoint, QuietStatus, Replay
from daemon.schemas.fields import Line
from daemon.schemas.requests import REPLAYS, ReplayRequest, examples
from daemon.store import views
from daemon.store.database import Database
from daemon.store.replay import Plan, Span, Which
from daemon.store.views import EndpointHealth
from daemon.web.audit import audited
from daemon.web.auth import Token, Tokens, require
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading

NOTHING_SAID = ReplayRequest()


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/endpoints`."""
    routes = reading("endpoints", tokens)
    _read(routes, database, live)
    _switch(routes, database, tokens, live)
    _send(routes, database, tokens, live)
    return routes


def _read(routes: APIRouter, database: Database, live: Live) -> None:
    @routes.get("/endpoints", summary="Every endpoint: its health, since when, and what waits for it")
    def list_endpoints() -> pages.EndpointList:
        with database.read() as db:
            found = views.endpoints(db, live.endpoints())
            quiet = _quiet(db, live)
        return pages.EndpointList(endpoints=_documents(live, found, quiet))

    @routes.get("/endpoints/{name:path}", summary="One endpoint", responses=responses(404, 422))
    def show_endpoint(name: Line) -> Endpoint:
        with database.read() as db:
            found = endpoints.find_endpoint(db, name, live.interests(), live.endpoints())
            quiet = _quiet(db, live, name)
        return _documents(live, [found], quiet)[0]


def _documents(
    live: Live, found: Iterable[EndpointHealth], quiet: Mapping[str, QuietStatus]
) -> list[Endpoint]:
    keys, sources = live.public_keys(), live.subscriptions.sources()
    return [
        Endpoint.of(
            one,
            keys.get(one.name),
            quiet.get(one.name),
            is_kept=(source := sources.get(one.name)) is not None and source.is_kept,
            fault=source.fault if source else None,
        )
        for one in found
    ]


def _quiet(db: sa.Connection, live: Live, name: str | None = None) -> dict[str, QuietStatus]:
    """The endpoints that are in a quiet window; `name`: of these only one."""
    interests = [one for one in live.interests() if name in (None, one.endpoint)]
    found = quiet_windows.lasting(db, interests, live.now())
    return {endpoint: QuietStatus.of(one.now, one.waits) for endpoint, one in found.items()}


def _switch(routes: APIRouter, database: Database, tokens: Tokens, live: Live) -> None:
    admin = Depends(require("admin", tokens))

    def ask(name: str, token: Token, to: Switch) -> Endpoint:
        interests = live.interests()
        with audited(token, f"endpoint.{to.value}", name), database.write() as db:
            endpoints.switch(db, name, interests, to)
            found = endpoints.find_endpoint(db, name, interests)
            quiet = _quiet(db, live, name)
        live.wake()
        return _documents(live, [found], quiet)[0]

    @routes.post(
        "/endpoints/{name:path}/enable",
        summary="Send to it again; what waits goes at its recovery_rate",
        responses=responses(404, 422),
    )
    def enable_endpoint(name: Line, token: Annotated[Token, admin]) -> Endpoint:
        return ask(name, token, Switch.ENABLE)

    @routes.post(
        "/endpoints/{name:path}/disable",
        summary="Send it nothing until it is enabled; what comes in the meantime waits",
        responses=responses(404, 422),
    )
    def disable_endpoint(name: Line, token: Annotated[Token, admin]) -> Endpoint:
        return ask(name, token, Switch.DISABLE)


def _send(routes: APIRouter, database: Database, tokens: Tokens, live: Live) -> None:
    admin = Depends(require("admin", tokens))

    def send(name: str, asked: endpoints.Replay) -> Plan:
        return endpoints.send_again(database, name, live.interests(), asked, live.now())

    @routes.post(
        "/endpoints/{name:path}/test",
        summary="Send a test.ping now, whatever its health, and answer with what came of it",
        description="200 whether or not it was taken: `status` is `delivered` or `dead`.",
        responses=responses(404, 422, 429),
    )
    def test_endpoint(name: Line, token: Annotated[Token, admin]) -> Delivery:
        with audited(token, "endpoint.test", name):
            endpoints.interest_of(name, live.interests())
            return Delivery.of(live.ping(name))

    @routes.post(
        "/endpoints/{name:path}/replay",
        summary="Send events of the past, each with the id that it had, in their order",
        responses=responses(400, 404, 413, 422),
    )
    def replay_endpoint(
        name: Line,
        token: Annotated[Token, admin],
        body: Annotated[ReplayRequest, Body(openapi_examples=examples(REPLAYS))] = NOTHING_SAID,
    ) -> Replay:
        span = Span(body.since, body.until, body.type, body.system)
        asked = endpoints.Replay(Which(body.which), span, body.history, body.rate, body.dry_run)
        if body.dry_run:
            return Replay.of(name, send(name, asked), is_dry_run=True)
        with audited(token, "endpoint.replay", name):
            plan = send(name, asked)
        live.wake()
        return Replay.of(name, plan, is_dry_run=False)
