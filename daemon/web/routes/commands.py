"""Commands over HTTP: given, read, waited for, cancelled. Nothing is carried out here."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from daemon.core.commands.command import Command, Status
from daemon.core.commands.policy import Policy
from daemon.core.contacts import NOBODY, Contacts
from daemon.core.durations import NOTHING
from daemon.core.timeline import Look
from daemon.operations import commands
from daemon.schemas import command_fields, command_requests
from daemon.schemas.commands import Command as CommandDocument
from daemon.schemas.commands import CommandPage, Rehearsal
from daemon.schemas.fields import CommandStatus, Duration, Line
from daemon.schemas.redaction import redacted_command
from daemon.store import inbox
from daemon.store.database import Database
from daemon.web.audit import audited
from daemon.web.auth import Token, Tokens, require
from daemon.web.problems import Problem, responses
from daemon.web.reach import below
from daemon.web.routes.base import BEARER
from daemon.web.waiting import Endings

LONGEST_WAIT = timedelta(seconds=60)
"""Ours: so long nginx waits for an answer, where nobody has told it otherwise."""
EXAMPLES: dict[str, Any] = {
    "Kick a caller out of a queue": {
        "type": "queue.kick",
        "system": "main",
        "params": {"queue_path": "/5", "call_ids": ["f6657b78a2f35d6d04dd203400828362"], "goto": "/1"},
    },
    "Pause an agent": {
        "type": "queue.pause",
        "system": "main",
        "params": {"queue_path": "/5", "agent": "SIP-0773137770-3"},
    },
    "Start a campaign tomorrow morning": {
        "type": "campaign.bridge",
        "system": "main",
        "params": {"phones": ["0501234567", "0501234568"], "ivr_path": "ivr2:/1/100"},
        "not_before": "2026-11-24T09:00:00+02:00",
        "expires_at": "2026-11-24T10:00:00+02:00",
        "on_holiday": "fail",
    },
    "Read the last messages": {"type": "sms.log", "system": "main", "params": {"limit": 10}},
}


class How(BaseModel):
    """How a request is taken. A word that is not known is refused: `?dry-run=1` must not dial anybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dry_run: bool = Field(False, description="Say what would happen and what it costs, no more")


@dataclass(frozen=True)
class Desk:
    """Where commands are taken; handed in by the composition root."""

    policies: Callable[[], Mapping[str, Policy]]
    wake: Callable[[], None]
    """The commander has something to do."""
    new_id: Callable[[str], str]
    endings: Endings
    look: Callable[[sa.Connection], Look] | None = None
    """At the clock, which may have been set this moment; None: it is never set."""
    contacts: Callable[[], Contacts] = lambda: NOBODY
    """Who is called how: a queue may be given by its name."""


def router(database: Database, tokens: Tokens, desk: Desk, now: Callable[[], datetime]) -> APIRouter:
    """The routes below `/api/v1/commands`."""
    routes = APIRouter(
        prefix="/api/v1/commands",
        tags=["commands"],
        dependencies=[Depends(BEARER)],
        responses=responses(401, 403, 422, 429, 503),
    )
    _add_giving(routes, database, Depends(require("command", tokens)), desk, now)
    _add_reading(routes, database, Depends(require("read", tokens)), desk)
    return routes


def _add_giving(
    routes: APIRouter, database: Database, giver: Any, desk: Desk, now: Callable[[], datetime]
) -> None:
    @routes.post(
        "",
        status_code=202,
        summary="Give a command",
        responses={
            200: {"model": Rehearsal, "description": "With `dry_run`"},
            **responses(400, 409, 413),
        },
        response_model=CommandDocument,
    )
    def give(
        asked: Request,
        response: Response,
        token: Annotated[Token, giver],
        how: Annotated[How, Query()],
        request: Annotated[
            command_requests.AnyRequest,
            Body(openapi_examples={key: {"value": one} for key, one in EXAMPLES.items()}),
        ],
        idempotency_key: Annotated[
            command_fields.IdempotencyKey | None,
            Header(description="The same key with the same content is the same command, given once"),
        ] = None,
    ) -> Any:
        if how.dry_run:
            with database.read() as db:
                found = commands.rehearse(
                    db, request, desk.policies(), by=token.name, now=now(), contacts=desk.contacts()
                )
            return JSONResponse(Rehearsal(**commands.rehearsed(found)).model_dump())
        with audited(token, "command.add", status=202) as entry:
            with database.write() as db:
                seen = desk.look(db) if desk.look else None
                found = commands.accept(
                    db,
                    request,
                    desk.policies(),
                    by=token.name,
                    key=idempotency_key,
                    now=seen.wall if seen else now(),
                    new_id=desk.new_id,
                    clock=seen,
                    contacts=desk.contacts(),
                )
            entry.target = found.command.id
        desk.wake()
        response.headers["location"] = below(asked, f"/api/v1/commands/{found.command.id}")
        if found.is_repeat:
            response.headers["idempotency-replayed"] = "true"
        return _shown(found.command, token)

    @routes.post("/{command_id}/cancel", summary="Carry it out no more", responses=responses(404, 409))
    def cancel(command_id: Line, token: Annotated[Token, giver]) -> CommandDocument:
        with audited(token, "command.cancel", command_id):
            with database.write() as db:
                command = commands.cancel(db, command_id, now())
            if command is None:
                raise _no_such(command_id)
            if command.status is not Status.CANCELLED:
                raise Problem(
                    409,
                    "It cannot be cancelled any more",
                    f"The command {command_id} is {command.status.value} already.",
                )
        desk.endings.ring()
        return _shown(command, token)


def _add_reading(routes: APIRouter, database: Database, reader: Any, desk: Desk) -> None:
    @routes.get("", summary="Commands, the newest first", responses=responses(400))
    def list_commands(
        token: Annotated[Token, reader],
        system: Annotated[Line | None, Query(description="One system's commands only")] = None,
        status: CommandStatus | None = None,
        type: Annotated[Line | None, Query(description="A type, or a glob such as queue.*")] = None,
        before: Annotated[Line | None, Query(description="Those given before this id")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> CommandPage:
        with database.read() as db:
            if before is not None and inbox.find(db, before) is None:
                raise Problem(
                    400,
                    "The command to go on from is not known",
                    f"No command {before!r} is kept; leave `before` out.",
                )
            found = inbox.read(
                db, inbox.Wanted(system, Status(status) if status else None, type, before, limit + 1)
            )
        shown = found[:limit]
        return CommandPage(
            commands=[_shown(one, token) for one in shown],
            next=shown[-1].id if len(found) > limit else None,
            has_more=len(found) > limit,
        )

    @routes.get(
        "/{command_id}",
        summary="One command, and what came of it",
        responses=responses(404),
    )
    async def show(
        command_id: Line,
        token: Annotated[Token, reader],
        wait: Annotated[
            Duration | None,
            Query(description="Answer when it has ended, or after so long: `10s`, at most `60s`"),
        ] = None,
    ) -> CommandDocument:
        patience = min(wait or NOTHING, LONGEST_WAIT)
        loop = asyncio.get_running_loop()
        until = loop.time() + patience.total_seconds()
        while True:
            rung = desk.endings.listen()
            try:
                command = await run_in_threadpool(_find, database, command_id)
                if command.status.is_ended or desk.endings.is_closed or loop.time() >= until:
                    return _shown(command, token)
                async with asyncio.timeout_at(until):
                    await rung.wait()
            except TimeoutError:
                continue
            finally:
                desk.endings.leave(rung)


def _shown(command: Command, token: Token) -> CommandDocument:
    """A command as who has this token may see it."""
    document = CommandDocument.of(command)
    if token.allows("content"):
        return document
    return CommandDocument(**redacted_command(document.model_dump()))


def _find(database: Database, command_id: str) -> Command:
    with database.read() as db:
        command = inbox.find(db, command_id)
    if command is None:
        raise _no_such(command_id)
    return command


def _no_such(command_id: str) -> Problem:
    return Problem(404, "There is no such command", f"No command {command_id!r} is kept.")
