"""Digests: which there are, when they come next, and what one would say now."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from daemon.operations import digests as operations
from daemon.schemas.digests import DigestList, DigestPreview
from daemon.schemas.fields import Line
from daemon.store.database import Database
from daemon.web.auth import Tokens
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/digests`."""
    routes = reading("reading", tokens)

    @routes.get("/digests", summary="The digests, how far each has told, and when it comes next")
    def list_digests() -> DigestList:
        return digests_of(database, live)

    @routes.get(
        "/digests/{digest}/preview",
        summary="What a digest would say if it were made now; nothing is sent",
        responses=responses(404, 422),
    )
    def preview_digest(
        digest: Line,
        language: Annotated[
            Literal["he", "en"] | None, Query(description="By default its own, or that of the first mailbox")
        ] = None,
    ) -> DigestPreview:
        return preview_of(database, live, digest, language)

    return routes


def digests_of(database: Database, live: Live) -> DigestList:
    """The same for the page."""
    with database.read() as db:
        return DigestList(digests=operations.listed(db, live.digests(), live.now()))


def preview_of(database: Database, live: Live, name: str, language: str | None) -> DigestPreview:
    """The same for the page. Raises `Refused` where there is none of that name."""
    systems = list(dict.fromkeys(one.system for one in live.schedule()))
    return operations.preview(
        database,
        live.digests(),
        name,
        systems,
        live.interests(),
        live.now(),
        live.write_digest,
        language,
    )
