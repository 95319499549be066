"""The HTTP side: whether the daemon lives, what it knows, what happened, and what an operator may change.

Here it is put together; each noun has its routes in a file of its own.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from daemon.store.database import Database
from daemon.web.attempts import Attempts
from daemon.web.auth import Tokens
from daemon.web.broadcast import MOST_READERS
from daemon.web.dependencies import Live
from daemon.web.entrance import Entrance
from daemon.web.gate import Gate, by_session
from daemon.web.limits import Bodies
from daemon.web.page import static
from daemon.web.page.frame import Page
from daemon.web.page.pages import routers
from daemon.web.problems import install
from daemon.web.protection import Protection
from daemon.web.reach import Reach, Reached
from daemon.web.routes import (
    about,
    alerts,
    badges,
    commands,
    contacts,
    deliveries,
    description,
    digests,
    endpoints,
    events,
    explain,
    feed,
    feeds,
    health,
    history,
    incidents,
    metrics,
    missed,
    now,
    recordings,
    silences,
    status,
    stream,
)
from daemon.web.server import most_connections
from daemon.web.sessions import Sessions
from daemon.web.signed_out import SignedOut
from daemon.web.tests_at_once import bounded


class Api(FastAPI):
    """FastAPI, with our headers around everything that it answers, and below its prefix."""

    def __init__(self, prefix: str, reach: Callable[[], Reach], **settings: Any) -> None:
        super().__init__(servers=[{"url": prefix}] if prefix else None, **settings)
        self._prefix = prefix
        self._reach = reach

    def openapi(self) -> dict[str, Any]:
        """The description, with what guards say beside a token: the session of a page of ours reads, too; and
        with what endpoints are sent."""
        from daemon.schemas.event_schemas import webhooks  # noqa: PLC0415 - few ask for it

        return {**by_session(super().openapi()), "webhooks": webhooks()}

    def build_middleware_stack(self) -> ASGIApp:
        return Reached(Protection(super().build_middleware_stack()), self._prefix, self._reach)


def create_app(
    *, database: Database, tokens: Tokens, live: Live, version: str, key: bytes, prefix: str = ""
) -> FastAPI:
    """The app; `tokens` is asked at every request, so a reload counts at once. `key` signs the sessions of
    the page: 32 bytes or more that nobody else has. `prefix`: the path below which a proxy hands it on."""
    app = Api(
        prefix,
        live.reach,
        title="yemotd",
        version=version,
        description="What a phone system on Yemot HaMashiach did, and who was told.",
        openapi_url=None,  # `description` has these, without a foreign network's scripts
        redirect_slashes=False,  # it would lead to wherever `Host` says
    )
    install(app)
    live = replace(live, ping=bounded(live.ping))
    sessions = Sessions(key, tokens, live.now, SignedOut(database))
    gate = Gate(sessions, Attempts(live.monotonic), live.hosts)
    page = Page(database, live, tokens, sessions, gate.attempts, version)
    app.state.page = page
    pages = routers(page)
    nouns = [
        health.router(live),
        metrics.router(database, tokens, live, version),
        about.router(tokens, live, version),
        status.router(database, tokens, live, version),
        now.router(database, tokens, live),
        stream.router(
            database,
            tokens,
            live.bell,
            most=min(MOST_READERS, most_connections() // 2),
            contacts=live.contacts,
        ),
        events.router(database, tokens, live),
        history.router(database, tokens, live),
        digests.router(database, tokens, live),
        alerts.router(database, tokens, live),
        incidents.router(database, tokens, live),
        explain.router(database, tokens, live),
        missed.router(database, tokens, live),
        recordings.router(database, tokens, live),
        silences.router(database, tokens, live),
        deliveries.router(database, tokens, live),
        endpoints.router(database, tokens, live),
        commands.router(database, tokens, live.desk, live.now),
        contacts.router(database, tokens, live),
        badges.router(live, page.look),
        feed.router(database, live),
        feeds.router(database, tokens, live),
        description.router(app.openapi),
        static.router(),
        *pages,
    ]
    for one in nouns:
        # Not `include_router`, which makes a second one of each, with its models, at the first request.
        app.router.routes.extend(one.routes)
    routes = [one for router in nouns for one in router.routes if isinstance(one, APIRoute)]
    for_people = [one for router in pages for one in router.routes if isinstance(one, APIRoute)]
    app.add_middleware(Entrance, routes=routes, bodies=Bodies(), gate=gate, for_people=for_people)
    return app
