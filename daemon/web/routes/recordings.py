"""The file of an event: fetched from the platform by the daemon, so that receivers hold no token of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from daemon.core.recordings import ANYTHING, TYPES
from daemon.operations import recordings
from daemon.schemas.fields import Line
from daemon.store.database import Database
from daemon.web import serving
from daemon.web.audit import audited
from daemon.web.auth import Token, Tokens, require
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading

KINDS: dict[str, Any] = {one.partition(";")[0]: {} for one in (*TYPES.values(), ANYTHING)}
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": KINDS},
    206: {"description": "The bytes that `Range` asks for", "content": KINDS},
}


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/recordings`; they are for the scope `content`."""
    routes = reading("recordings", tokens)
    content = Depends(require("content", tokens))

    @routes.get(
        "/recordings/{event}",
        summary="The file that a `directory.file.added` tells of, whole or by `Range`",
        response_class=Response,
        responses={**CONTENT, **serving.FAULTS, **responses(422)},
    )
    async def show_recording(request: Request, event: Line, token: Annotated[Token, content]) -> Response:
        with audited(token, "recording.fetch", event):
            recording = await run_in_threadpool(recordings.found, database, event)
            return await serving.served(request, live.recordings, recording)

    @routes.delete(
        "/recordings/{event}/links",
        summary="Let no link in a mail lead to this recording any more",
        responses=responses(404, 422),
    )
    def revoke_links(
        event: Line, token: Annotated[Token, Depends(require("admin", tokens))]
    ) -> recordings.Revoked:
        with audited(token, "recording.revoke", event), database.write() as db:
            return recordings.revoke(db, event, live.now())

    return routes
