"""Digests: to whom each goes and when it comes next; and what it would say now, where that is asked for."""

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup, escape

from daemon.core.refusals import Refused
from daemon.core.rendering.phrases import END, FIRST_STRONG
from daemon.core.timestamps import from_iso
from daemon.schemas.fields import Line
from daemon.web.page.frame import Page
from daemon.web.page.visitors import Visitor
from daemon.web.problems import REFUSALS
from daemon.web.routes.digests import digests_of, preview_of

_ISOLATE = re.compile(f"{FIRST_STRONG}([^{FIRST_STRONG}{END}]*){END}")
MARK = "\u200f"
"""What leads a line of plain text in Hebrew; the page says its direction itself."""


def router(page: Page) -> APIRouter:
    """`/digests`."""
    routes = APIRouter(include_in_schema=False)
    reader = page.visit("read")

    @routes.get("/digests")
    def listing(
        request: Request, name: Annotated[Line | None, Query()] = None, visitor: Visitor = reader
    ) -> Response:
        found = digests_of(page.database, page.live).digests
        shown, code = None, 200
        if name is not None:
            try:
                shown = preview_of(page.database, page.live, name, visitor.language)
            except Refused as refused:  # it was taken out of the file
                code = REFUSALS[refused.why][0]
        return page.render(
            request,
            visitor,
            "digests.html",
            code=code,
            found=found,
            name=name,
            shown=shown,
            moment=from_iso,
            lines=_lines(shown.text) if shown else [],
        )

    return routes


def _lines(text: str) -> list[Markup]:
    """The letter's text without its foot, line by line; what is isolated in it, as elements."""
    body = text.partition("\n-- \n")[0].strip("\n").replace(MARK, "")
    lines = (_ISOLATE.sub(r"<bdi>\1</bdi>", str(escape(line))) for line in body.split("\n"))
    return [Markup(line) for line in lines]  # noqa: S704 - they are escaped
