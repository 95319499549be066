"""`/sign-in`, `/sign-out` and `/preferences`: by a token once, then by the cookie of a session."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from daemon.web.auth import Token
from daemon.web.forms import Fields, is_of_us
from daemon.web.page.frame import Page
from daemon.web.page.visitors import LANGUAGES, THEMES, Visitor, local
from daemon.web.problems import Problem
from daemon.web.sessions import COOKIE, LASTS

KEPT = 400 * 24 * 3600
"""Seconds that a browser keeps what was chosen; more it does not."""


def router(page: Page) -> APIRouter:
    """The door."""
    routes = APIRouter(include_in_schema=False)
    _add_signing_in(routes, page)
    _add_leaving(routes, page)
    return routes


def _add_signing_in(routes: APIRouter, page: Page) -> None:
    @routes.get("/sign-in")
    def door(request: Request, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:
        return page.render(request, page.visitor(request), "sign_in.html", next=local(next), is_wrong=False)

    @routes.post("/sign-in")
    def sign_in(request: Request, fields: Annotated[Fields, page.form]) -> Response:
        if not is_of_us(request):
            raise Problem(403, "The form is of another site", "Only a page of this daemon may send it.")
        onward, token = local(fields.text("next", "/")), _token(page, fields.text("token"))
        if token is None:
            values = {"next": onward, "is_wrong": True}
            return page.render(request, page.visitor(request), "sign_in.html", code=401, **values)
        answer = page.onward(request, onward)
        answer.set_cookie(
            COOKIE,
            page.sessions.begin(token),
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path="/",
        )
        return answer


def _add_leaving(routes: APIRouter, page: Page) -> None:
    @routes.post("/sign-out")
    def sign_out(
        request: Request,
        _visitor: Annotated[Visitor, page.visit("read")],
        _fields: Annotated[Fields, page.posted],
    ) -> Response:
        answer = page.redirect(request, "/sign-in", said="sign_in.out")
        answer.delete_cookie(COOKIE, path="/")
        return answer

    @routes.post("/preferences")
    def preferences(request: Request, fields: Annotated[Fields, page.form]) -> Response:
        """How it looks; nobody is harmed by a foreign form that changes that."""
        answer = page.onward(request, local(fields.text("next", "/")))
        for name, known in (("language", LANGUAGES), ("theme", THEMES)):
            chosen = fields.text(name)
            if chosen in known:
                answer.set_cookie(name, chosen, max_age=KEPT, httponly=True, samesite="strict", path="/")
        return answer


def _token(page: Page, given: str) -> Token | None:
    """The token of this value that may read. Each is compared in constant time."""
    same = [one for one in page.tokens() if hmac.compare_digest(one.secret.value.encode(), given.encode())]
    return next((one for one in same if one.allows("read")), None)
