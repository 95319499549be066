"""`/sign-in`, `/sign-out` and `/preferences`: by a token once, then by the cookie of a session."""

from datetime import timedelta
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import URL

from daemon.web import cookies
from daemon.web.attempts import TooMany
from daemon.web.audit import audited
from daemon.web.auth import Token
from daemon.web.forms import Fields, is_of_us
from daemon.web.page.frame import Page
from daemon.web.page.visitors import LANGUAGES, LONGEST_PATH, THEMES, Visitor, local
from daemon.web.problems import Problem
from daemon.web.reach import client_of

log = structlog.get_logger()

KEPT = timedelta(days=400)
"""How long a browser keeps what was chosen; longer it does not."""
FROM_HERE = frozenset({"same-origin", "none"})
"""`Sec-Fetch-Site` of who comes from a page of ours, or by typing."""
NO_COPIES = '"cache", "storage"'
"""`Clear-Site-Data` at the end of a session. Not cookies: browsers would clear those of all sibling names."""


def router(page: Page) -> APIRouter:
    """The door."""
    routes = APIRouter(include_in_schema=False)
    _add_signing_in(routes, page)
    _add_leaving(routes, page)
    _add_preferences(routes, page)
    return routes


def _add_signing_in(routes: APIRouter, page: Page) -> None:
    @routes.get("/sign-in")
    def door(
        request: Request,
        next: Annotated[str, Query(max_length=LONGEST_PATH)] = "/",
        again: Annotated[bool, Query()] = False,
    ) -> Response:
        if page.visitor(request).token is not None:
            return page.onward(request, local(next))
        answer = _door(page, request, local(next))
        # Who follows a link of another site comes without the cookie: it is for us alone. Asked for by a page
        # of ours, the same address has it.
        if not again and request.headers.get("sec-fetch-site") not in FROM_HERE:
            here = URL(page.link(request)("/sign-in"))
            once_more = here.include_query_params(next=local(next), again="true")
            answer.headers["refresh"] = f"0;url={once_more}"
        return answer

    @routes.post("/sign-in")
    def sign_in(request: Request, fields: Annotated[Fields, page.form]) -> Response:
        _check_origin(request)
        onward = local(fields.text("next", "/"))
        try:
            same = page.attempts.judge(client_of(request), fields.text("token"), page.tokens(), at="/sign-in")
        except TooMany as error:
            answer = _door(page, request, onward, code=429, wait=error.seconds)
            answer.headers["retry-after"] = str(error.seconds)
            return answer
        token = next((one for one in same if one.allows("read")), None)
        if token is None:
            wrong = "sign_in.powerless" if same else "sign_in.wrong"
            return _door(page, request, onward, code=403 if same else 401, wrong=wrong)
        with audited(token, "session.begin", status=303):
            cookie = page.sessions.begin(token)
        answer = page.onward(request, onward)
        page.sessions.put(request, answer, cookie)
        return answer


def _door(
    page: Page, request: Request, onward: str, *, code: int = 200, wrong: str = "", wait: int = 0
) -> Response:
    values = {"next": onward, "wrong": wrong, "wait": wait, "is_closed": not page.tokens()}
    return page.render(request, page.visitor(request), "sign_in.html", code=code, **values)


def _add_leaving(routes: APIRouter, page: Page) -> None:
    @routes.get("/sign-out")
    def leaving(request: Request, visitor: Annotated[Visitor, page.visit("read")]) -> Response:
        return page.render(request, visitor, "sign_out.html")

    @routes.post("/sign-out")
    def sign_out(
        request: Request,
        visitor: Annotated[Visitor, page.visit("read")],
        fields: Annotated[Fields, page.posted],
    ) -> Response:
        everywhere = "everywhere" in fields
        is_for_good = _end(page, request, visitor.token, everywhere=everywhere)
        said = "sign_in.out_everywhere" if everywhere else "sign_in.out"
        answer = page.redirect(request, "/sign-in", said=said if is_for_good else "sign_in.out_for_now")
        page.sessions.drop(request, answer)
        answer.headers["clear-site-data"] = NO_COPIES
        return answer


def _end(page: Page, request: Request, token: Token | None, *, everywhere: bool) -> bool:
    """Whether it is written down that the session is over."""
    session = page.sessions.of(request)
    if session is None or token is None:  # another request was faster
        return True
    if everywhere:
        with audited(token, "session.end_all", status=303):
            return page.sessions.end_all(token)
    with audited(token, "session.end", status=303):
        return page.sessions.end(session)


def _add_preferences(routes: APIRouter, page: Page) -> None:
    @routes.post("/preferences")
    def preferences(request: Request, fields: Annotated[Fields, page.form]) -> Response:
        """How it looks."""
        _check_origin(request)
        answer = page.onward(request, local(fields.text("next", "/")))
        for name, known in (("language", LANGUAGES), ("theme", THEMES)):
            chosen = fields.text(name)
            if chosen in known:
                cookies.put(request, answer, name, chosen, seconds=int(KEPT.total_seconds()))
        return answer


def _check_origin(request: Request) -> None:
    if not is_of_us(request):
        raise Problem(403, "The form is of another site", "Only a page of this daemon may send it.")
