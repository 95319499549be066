"""`/`: how it stands, at a glance."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from daemon.web.page.frame import Page
from daemon.web.page.public import public
from daemon.web.page.visitors import Visitor
from daemon.web.routes.status import status_of


def router(page: Page) -> APIRouter:
    """The front page."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    def front(request: Request, visitor: Annotated[Visitor, page.visit_or_look("read")]) -> Response:
        if visitor.token is None:
            return public(page, request, visitor)
        status = status_of(page.database, page.live, page.version)
        wrong = [one for one in status.alerts if one.phase in ("firing", "recovering")]
        return page.render(request, visitor, "front.html", status=status, wrong=wrong)

    return routes
