"""The HTTP side: whether the daemon lives, what it knows, what happened, and what an operator may change.

Here it is put together; each noun has its routes in a file of its own.
"""

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from daemon.store.database import Database
from daemon.web.auth import Tokens
from daemon.web.broadcast import MOST_READERS
from daemon.web.dependencies import Live
from daemon.web.entrance import Entrance
from daemon.web.limits import Bodies
from daemon.web.page.frame import Page
from daemon.web.page.pages import routers
from daemon.web.problems import install
from daemon.web.protection import Protection
from daemon.web.routes import (
    alerts,
    commands,
    deliveries,
    description,
    endpoints,
    events,
    health,
    incidents,
    metrics,
    silences,
    status,
    stream,
)
from daemon.web.server import most_connections
from daemon.web.sessions import Sessions


class Api(FastAPI):
    """FastAPI, with our headers around everything that it answers."""

    def build_middleware_stack(self) -> ASGIApp:
        return Protection(super().build_middleware_stack())


def create_app(*, database: Database, tokens: Tokens, live: Live, version: str, key: bytes) -> FastAPI:
    """The app; `tokens` is asked at every request, so a reload counts at once. `key` signs the sessions of
    the page: 32 bytes or more that nobody else has."""
    app = Api(
        title="yemotd",
        version=version,
        description="What a phone system on Yemot HaMashiach did, and who was told.",
        openapi_url=None,  # `description` has these, without a foreign network's scripts
        redirect_slashes=False,  # it would lead to wherever `Host` says
    )
    install(app)
    page = Page(database, live, tokens, Sessions(key, tokens, live.now), version)
    app.state.page = page
    nouns = [
        health.router(live),
        metrics.router(database, tokens, live, version),
        status.router(database, tokens, live, version),
        stream.router(database, tokens, live.bell, most=min(MOST_READERS, most_connections() // 2)),
        events.router(database, tokens),
        alerts.router(database, tokens, live),
        incidents.router(database, tokens),
        silences.router(database, tokens, live),
        deliveries.router(database, tokens, live),
        endpoints.router(database, tokens, live),
        commands.router(database, tokens, live.desk, live.now),
        description.router(app.openapi),
        *routers(page),
    ]
    for one in nouns:
        app.include_router(one)
    routes = [one for router in nouns for one in router.routes if isinstance(one, APIRoute)]
    app.add_middleware(Entrance, routes=routes, bodies=Bodies())
    return app
