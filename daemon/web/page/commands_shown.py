"""Commands: those that there are, and what came of each, item by item; of a campaign how far it is."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from daemon.core.commands.command import Command, Status
from daemon.core.commands.command_types import TYPES
from daemon.operations import commands
from daemon.schemas.campaigns import Campaign
from daemon.schemas.commands import Command as CommandDocument
from daemon.schemas.fields import Line
from daemon.schemas.redaction import redacted_command
from daemon.store import campaigns, inbox
from daemon.web.page.frame import Page
from daemon.web.page.results import blocks, label, value
from daemon.web.page.visitors import Visitor
from daemon.web.page.words import Words

MOST = 50
"""Commands of one page of the list."""
STATES = {
    Status.QUEUED: "pending",
    Status.RUNNING: "pending",
    Status.SUCCEEDED: "up",
    Status.FAILED: "down",
    Status.UNKNOWN: "unknown",
    Status.EXPIRED: "down",
    Status.CANCELLED: "unknown",
}
"""The mark of each status."""


def add_reading(routes: APIRouter, page: Page) -> None:
    """`/commands`, `/commands/{id}`."""
    reader = page.visit("read")

    @routes.get("/commands")
    def listing(
        request: Request,
        system: Line = "",
        status: Line = "",
        type: Line = "",
        before: Line = "",
        visitor: Visitor = reader,
    ) -> Response:
        known = next((one for one in Status if one.value == status), None)
        wanted = inbox.Wanted(system or None, known, type or None, before or None, MOST)
        with page.database.read() as db:
            found, has_more = commands.listed(db, wanted)
            waits = {one.id: _held(page, db, one) for one in found}
        return page.render(
            request,
            visitor,
            "commands.html",
            commands=found,
            waits=waits,
            partial={one.id for one in found if _is_partial(one)},
            systems=list(page.live.desk.policies()),
            types=list(TYPES),
            statuses=list(Status),
            chosen={"system": system, "status": known.value if known else "", "type": type},
            states=STATES,
            older=found[-1].id if has_more else None,
        )

    @routes.get("/commands/{command_id}")
    def show(request: Request, command_id: Line, visitor: Visitor = reader) -> Response:
        with page.database.read() as db:
            found = commands.find_command(db, command_id)
            waits = _held(page, db, found)
            campaign = campaigns.find(db, found.id)
        document = found.document()
        is_hidden = not visitor.may("content")
        shown = redacted_command(document) if is_hidden else document
        t = Words(visitor.language)
        return page.render(
            request,
            visitor,
            "command.html",
            command=CommandDocument(**shown),
            status=found.status,
            waits=waits,
            states=STATES,
            campaign=None if campaign is None else Campaign.of(campaign),
            params=[(field_name(t, name), given(t, one)) for name, one in found.params.items()],
            results=blocks(t, shown["result"]),
            is_partial=_is_partial(found),
            is_hidden=is_hidden and shown != document,
            is_given=(found.is_start_given, found.is_end_given),
        )


def field_name(t: Words, name: str) -> Markup:
    """What a parameter is called."""
    key = f"commands.field.{name}"
    return t(key) if key in t else label(t, name)


def given(t: Words, one: Any) -> Markup:
    """What a parameter says; of a list each item."""
    if isinstance(one, Sequence) and not isinstance(one, str):
        return Markup(", ").join(value(t, each) for each in one)
    return value(t, one)


def _is_partial(command: Command) -> bool:
    """Whether some of it was done, and some was not."""
    return isinstance(command.result, Mapping) and bool(command.result.get("is_partial"))


def _held(page: Page, db: Any, command: Command) -> Any:
    desk = page.live.desk
    paused = page.live.paused().get(command.system)
    return commands.held(db, command, page.now(), paused=paused, clock=desk.look(db) if desk.look else None)
