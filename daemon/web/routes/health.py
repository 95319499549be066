"""Whether the daemon lives and can do its work. Answered in the event loop: no thread, no lock, no store."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from daemon.web.dependencies import Live, State
from daemon.web.problems import responses

Verbose = Annotated[str | None, Query(description="Given, with or without a value: say what is well, too")]


def router(live: Live) -> APIRouter:
    """`GET /livez` and `GET /readyz`."""
    routes = APIRouter(
        tags=["health"],
        default_response_class=PlainTextResponse,
        responses={503: {"description": "No, and why", "content": {"text/plain": {}}}, **responses(422)},
    )

    def answer(state: State, *, is_verbose: bool) -> PlainTextResponse:
        is_good, reason = state
        text = f"[{'+' if is_good else '-'}]{reason}\n" if is_verbose or not is_good else "ok\n"
        return PlainTextResponse(text, 200 if is_good else 503)

    @routes.get("/livez", summary="Whether its loops make progress")
    async def livez(verbose: Verbose = None) -> PlainTextResponse:
        return answer(live.is_alive(), is_verbose=verbose is not None)

    @routes.get("/readyz", summary="Whether it can do its work")
    async def readyz(verbose: Verbose = None) -> PlainTextResponse:
        return answer(live.is_ready(), is_verbose=verbose is not None)

    return routes
