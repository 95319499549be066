"""Alerts muted for a time: which, from when until when, and why; added and ended."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from daemon.operations.silences import find_silence, mute, strangers, unmute
from daemon.schemas import pages
from daemon.schemas.documents import AddedSilence, Silence
from daemon.schemas.fields import Line
from daemon.schemas.requests import SILENCES, SilenceRequest, examples
from daemon.store import silences
from daemon.store.database import Database
from daemon.web.audit import audited
from daemon.web.auth import Token, Tokens, require
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.reach import below
from daemon.web.routes.base import reading


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/silences`."""
    routes = reading("silences", tokens)
    admin = Depends(require("admin", tokens))

    @routes.get(
        "/silences", summary="Silences that last or are to come, oldest first", responses=responses(422)
    )
    def list_silences(
        with_ended: Annotated[bool, Query(alias="all", description="Those that are over, too")] = False,
    ) -> pages.SilenceList:
        with database.read() as db:
            found = silences.load(db, now=live.now(), with_ended=with_ended)
        return pages.SilenceList(silences=[Silence.of(one) for one in found])

    @routes.post(
        "/silences",
        status_code=201,
        summary="Mute alerts for a time; that something is over is told all the same",
        responses=responses(400, 409, 413, 422),
    )
    def add_silence(
        request: Request,
        response: Response,
        token: Annotated[Token, admin],
        body: Annotated[SilenceRequest, Body(openapi_examples=examples(SILENCES))],
    ) -> AddedSilence:
        with audited(token, "silence.add", status=201) as entry:
            with database.write() as db:
                wish = body.wish(token.name, live.zone())
                added, matched = mute(db, wish, live.new_id("sil"), live.now(), live.contacts())
                unknown = strangers(db, added, matched, live.systems())
            entry.target = added.id
        live.wake()
        response.headers["location"] = below(request, f"/api/v1/silences/{added.id}")
        return AddedSilence.made(added, matched, unknown)

    @routes.get("/silences/{silence_id}", summary="One silence", responses=responses(404, 422))
    def show_silence(silence_id: Line) -> Silence:
        with database.read() as db:
            return Silence.of(find_silence(db, silence_id))

    @routes.post(
        "/silences/{silence_id}/expire",
        summary="End a silence now; what still fires is told",
        responses=responses(404, 409, 422),
    )
    def expire_silence(silence_id: Line, token: Annotated[Token, admin]) -> Silence:
        with audited(token, "silence.expire", silence_id), database.write() as db:
            ended = unmute(db, silence_id, live.now())
        live.wake()
        return Silence.of(ended)

    return routes
