"""A badge of a subject, for pages of others: for everybody, where `[http] badges` names it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from daemon.schemas.fields import Line
from daemon.web.badge import badge
from daemon.web.caching import cached
from daemon.web.dependencies import Live
from daemon.web.page.words import Words
from daemon.web.problems import Problem, responses
from daemon.web.shown import Look, is_chosen

SVG = "image/svg+xml"
KEPT = 30
"""Seconds that one may be kept: those who pass pictures on do so for as long as they may."""
Language = Annotated[Literal["en", "he"], Query(description="Of its words")]


def router(live: Live, look: Look) -> APIRouter:
    """`GET /badge/{system}/{subject}.svg`."""
    routes = APIRouter(tags=["public"], responses=responses(404, 422, 503))

    @routes.get(
        "/badge/{system}/{subject:path}.svg",
        summary="How a subject stands, as a picture",
        response_class=Response,
        responses={
            200: {"description": "The picture", "content": {SVG: {}}},
            304: {"description": "As it was"},
        },
    )
    def show_badge(request: Request, system: Line, subject: Line, language: Language = "en") -> Response:
        # Looked up before it is known whether it may be: an answer's time tells nothing.
        found = look().get((system, subject)) if live.reach().badges else None
        if found is None or not is_chosen(live.reach().badges, system, subject):
            raise Problem(404, "There is no such badge")
        words = Words(language)
        word = words.plain(f"public.state.{found.state}")
        picture = badge(found.label(words), found.state, word, is_hebrew=language == "he")
        return cached(request, picture.encode(), SVG, seconds=KEPT)

    return routes
