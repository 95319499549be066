"""The HTTP side: whether the daemon lives, what it knows, what happened, and what an operator may change.

Here it is put together; each noun has its routes in a file of its own.
"""

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from daemon.store.database import Database
from daemon.web.auth import Tokens
from daemon.web.dependencies import Live, State
from daemon.web.limits import BodyLimit
from daemon.web.problems import install
from daemon.web.routes import alerts, commands, deliveries, endpoints, events, metrics, silences, status

LARGEST_BODY = 1_048_576
"""Bytes of a request; a campaign of 500 numbers takes a fiftieth of it."""


def create_app(*, database: Database, tokens: Tokens, live: Live, version: str) -> FastAPI:
    """The app; `tokens` is asked at every request, so a reload counts at once."""
    app = FastAPI(
        title="yemotd",
        version=version,
        description="What a phone system on Yemot HaMashiach did, and who was told.",
    )
    install(app)
    app.include_router(_health(live))
    app.include_router(metrics.router(database, tokens, live, version))
    app.include_router(status.router(database, tokens, live, version))
    app.include_router(events.router(database, tokens))
    app.include_router(alerts.router(database, tokens, live))
    app.include_router(silences.router(database, tokens, live))
    app.include_router(deliveries.router(database, tokens, live))
    app.include_router(endpoints.router(database, tokens, live))
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
