"""Who is still to be called back: the list, and crossing somebody off.

Crossing off twice does nothing else, so a form that is sent twice is no matter.
"""

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from daemon.core.refusals import Refused, Why
from daemon.operations import missed
from daemon.schemas.fields import LONGEST_LINE, Line
from daemon.web.audit import audited
from daemon.web.auth import Token
from daemon.web.forms import Fields
from daemon.web.page.frame import Page
from daemon.web.page.visitors import Visitor

SHOWN = 100
"""Of one page."""
DIALLED = re.compile(r"\+?[0-9]+")
"""What a telephone dials when its number is touched (RFC 3966); a SIP account is none."""


def router(page: Page) -> APIRouter:
    """`/missed…`."""
    routes = APIRouter(include_in_schema=False)
    reader, admin = page.visit("read"), page.visit("admin")

    @routes.get("/missed")
    def listing(
        request: Request, after: Annotated[Line | None, Query()] = None, visitor: Visitor = reader
    ) -> Response:
        systems = sorted({one.system for one in page.live.schedule()})
        with page.database.read() as db:
            try:
                found, following = missed.listed(db, after=after, limit=SHOWN)
            except Refused:
                return page.redirect(request, "/missed")  # forgotten meanwhile
            today = missed.today(db, systems, page.now(), page.zone())
        return page.render(
            request,
            visitor,
            "missed.html",
            found=found,
            dialled={one.key for one in found if DIALLED.fullmatch(one.key)},
            today=today,
            after=after,
            following=following,
            several=len(systems) > 1,
            longest_note=LONGEST_LINE,
        )

    @routes.post("/missed/done")
    def done(request: Request, fields: Fields = page.posted, visitor: Visitor = admin) -> Response:
        callback, note, said = fields.text("callback"), _note(fields), "missed.closed"
        token = _token(visitor)
        with audited(token, "missed.done", callback, status=303):
            try:
                with page.database.write() as db:
                    closed = missed.done(db, callback, by=token.name, note=note, now=page.now())
                said = said if closed.is_new else "missed.closed_already"
            except Refused as refused:
                if refused.why is not Why.MISSING:
                    raise
                said = "missed.closed_already"
        page.live.wake()
        return page.redirect(request, "/missed", said=said)

    return routes


def _note(fields: Fields) -> str | None:
    """On one line, and no longer than it may be."""
    return " ".join(fields.text("note").split())[:LONGEST_LINE] or None


def _token(visitor: Visitor) -> Token:
    assert visitor.token is not None  # noqa: S101 - only who has signed in comes here
    return visitor.token
