"""What a command line elsewhere has to know before it can show anything: the release, the zone, what time it
is."""

from fastapi import APIRouter

from daemon.core.timestamps import iso
from daemon.schemas.documents import About
from daemon.web.auth import Tokens
from daemon.web.dependencies import Live
from daemon.web.routes.base import reading


def router(tokens: Tokens, live: Live, version: str) -> APIRouter:
    """`GET /api/v1/about`."""
    routes = reading("reading", tokens)

    @routes.get(
        "/about", summary="Which release answers, in which zone people read times, which systems there are"
    )
    def about() -> About:
        return About(version=version, timezone=str(live.zone()), now=iso(live.now()), systems=live.systems())

    return routes
