"""`/sms`: what came in, by sender, and what one of them wrote; one-time codes set apart."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from daemon.core.durations import DAY, MINUTE
from daemon.core.rendering.codes import code_in
from daemon.core.timestamps import from_iso
from daemon.core.visible import visible_line
from daemon.operations import messages
from daemon.operations.contacts import named
from daemon.operations.messages import Message, Span
from daemon.schemas.fields import FIRST_YEAR, LAST_YEAR, Line
from daemon.store.history import LAST_ID
from daemon.web.page import telling
from daemon.web.page.frame import Page
from daemon.web.page.visitors import Visitor

SHOWN = 20
"""Messages of one sender on one page."""
EXCERPT, LONG = 140, 600
"""Characters: of a message in the list by sender; and from when on one is folded."""
NOTABLE = 2 * MINUTE
"""By how much the dates of a message and of its being seen differ where both are told."""


@dataclass(frozen=True)
class Shown:
    """One message as it is shown."""

    message: Message
    code: str | None
    """The one-time code in it."""
    beginning: str | None
    """Of one that is folded."""
    excerpt: str
    is_seen_later: bool


def router(page: Page) -> APIRouter:
    """The inbox."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/sms")
    def inbox(
        request: Request,
        visitor: Annotated[Visitor, page.visit("read")],
        sender: Annotated[Line, Query()] = "",
        since: Annotated[str, Query(max_length=40)] = "",
        until: Annotated[str, Query(max_length=40)] = "",
        before: Annotated[int | None, Query(ge=1, le=LAST_ID)] = None,
    ) -> Response:
        given = {"sender": sender.strip(), "since": since, "until": until}
        days = {name: _day(given[name]) for name in ("since", "until")}
        wrong = next((given[name] for name, day in days.items() if given[name] and day is None), None)
        span = Span(_midnight(page, days["since"]), _midnight(page, days["until"], DAY), before)
        values = {
            "filters": {name: one for name, one in given.items() if one},
            "wrong": wrong,
            "before": before,
            "with_text": visitor.may("content"),
            "shown": shown,
        }
        draw = _of_sender if given["sender"] else _by_sender
        template, more = draw(page, visitor, given["sender"], Span(before=before) if wrong else span)
        return page.render(request, visitor, template, code=422 if wrong else 200, **values, **more)

    return routes


def _by_sender(page: Page, visitor: Visitor, _sender: str, span: Span) -> tuple[str, Mapping[str, object]]:
    with page.database.read() as db:
        found = messages.by_sender(db, span, with_text=visitor.may("content"))
    gaps = [telling.told(json.loads(body), visitor.language, page.live.contacts()) for body in found.gaps]
    return "sms.html", {"found": found, "gaps": gaps}


def _of_sender(page: Page, visitor: Visitor, sender: str, span: Span) -> tuple[str, Mapping[str, object]]:
    with page.database.read() as db:
        sender = named(db, f"{messages.SENT_BY}{sender}", page.live.contacts()).removeprefix(messages.SENT_BY)
        found, older = messages.of_sender(db, sender, span, SHOWN, with_text=visitor.may("content"))
    return "sender.html", {"sender": sender, "found": found, "older": older}


def shown(message: Message) -> Shown:
    """A message, with what of it is set apart."""
    has_digits = any(map(str.isdigit, message.text))
    at = from_iso(message.received_at)
    return Shown(
        message,
        code_in(message.text) if has_digits else None,
        message.text[:EXCERPT] if len(message.text) > LONG else None,
        visible_line(" ".join(message.text[: 2 * EXCERPT].split()))[:EXCERPT],
        at is not None and abs(message.seen_at - at) > NOTABLE,
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def _midnight(page: Page, day: date | None, later: timedelta = timedelta(0)) -> datetime | None:
    """When a day begins in the zone of the page."""
    return None if day is None else datetime.combine(day + later, time(), page.zone())
