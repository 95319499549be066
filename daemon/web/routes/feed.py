"""The incidents as a feed: for everybody, where `[http] feed` says so."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from daemon.core.alerts.incidents import Incident
from daemon.core.rendering.atom import Feed, feed
from daemon.core.watches.subjects import SubjectKind
from daemon.store import incidents
from daemon.store.database import Database
from daemon.web.caching import cached
from daemon.web.dependencies import Live
from daemon.web.kept import Kept
from daemon.web.page.visitors import wished
from daemon.web.problems import Problem, responses

ATOM = "application/atom+xml"
KEPT = 60
"""Seconds; readers ask far less often."""
MOST, LOOKED_AT = 50, 500
"""Entries; and the newest incidents among which they are found, for not all are for strangers."""
WATCHED = frozenset(one.value for one in SubjectKind)
"""The first words of subjects that are told here: endpoints are people's addresses."""


def router(database: Database, live: Live) -> APIRouter:
    """`GET /feed.atom`."""
    routes = APIRouter(tags=["public"], responses=responses(404, 422, 503))

    def newest() -> Sequence[Incident]:
        with database.read() as db:
            found = incidents.read(db, incidents.Query(limit=LOOKED_AT))
        return [one for one in found if one.subject.partition("/")[0] in WATCHED][:MOST]

    kept = Kept(newest, live.now)

    @routes.get(
        "/feed.atom",
        summary="The incidents, newest first, as a feed",
        response_class=Response,
        responses={
            200: {"description": "The feed", "content": {ATOM: {}}},
            304: {"description": "As it was"},
        },
    )
    def show_feed(
        request: Request,
        language: Annotated[
            Literal["en", "he"] | None, Query(description="By default the one that is asked for")
        ] = None,
    ) -> Response:
        reach = live.reach()
        if not reach.feed:
            raise Problem(404, "There is no feed")
        spoken = language or wished(request.headers.get("accept-language", ""))
        about = Feed(live.systems(), spoken, reach.base, live.started_at())
        return cached(request, feed(kept(), about), ATOM, seconds=KEPT, vary="accept-language")

    return routes
