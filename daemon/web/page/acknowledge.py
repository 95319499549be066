"""`/ack/{token}`: the link in a mail by which its reader says that they have an incident. Nobody needs to
sign in.

It shows what the incident is about and since when it goes on, and nothing else of it. Whatever follows links
by itself (a scanner of mails, a preview) acknowledges nothing: GET shows, POST acts. Wrong tokens are counted
as wrong ones at the door are; a token stands in no log, and is told to no other site.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from daemon.core.alerts import acknowledgement_link
from daemon.core.alerts.acknowledgement import Acknowledgement, Wish
from daemon.core.alerts.acknowledgement_link import Link
from daemon.core.alerts.incidents import Incident
from daemon.core.model import Secret
from daemon.core.refusals import Refused
from daemon.operations import acknowledgements
from daemon.schemas import explanations
from daemon.web.attempts import Attempts, TooMany
from daemon.web.audit import audited
from daemon.web.auth import Token
from daemon.web.forms import Fields, FormOrNothing
from daemon.web.page.frame import Page
from daemon.web.page.incident_story import subject_of
from daemon.web.page.words import Words
from daemon.web.page.writing import Writing
from daemon.web.reach import client_of

LONGEST_NAME, LONGEST_NOTE = 100, 500
"""Ours. Characters of a form that nobody needs to sign in for."""
UNKNOWN, OVER, WAIT = "unknown", "over", "wait"
"""Why there is nothing to show."""


@dataclass(frozen=True)
class Shown:
    """What a link leads to."""

    link: Link
    incident: Incident
    has: Acknowledgement | None
    """Who has it now."""


@dataclass(frozen=True)
class Closed:
    """That a link leads nowhere."""

    code: int
    why: str
    seconds: int = 0
    """Until it makes sense to try again."""


def router(page: Page) -> APIRouter:
    """The link."""
    routes = APIRouter(include_in_schema=False)
    attempts = Attempts(page.live.monotonic)

    @routes.get("/ack/{token}")
    def show(request: Request, token: str) -> Response:
        return _render(page, request, _open(page, request, token, attempts))

    @routes.post("/ack/{token}")
    def act(request: Request, token: str, fields: Annotated[Fields, Depends(FormOrNothing())]) -> Response:
        found = _open(page, request, token, attempts)
        if isinstance(found, Closed) or found.has is not None or not found.incident.is_firing:
            return _render(page, request, found)
        return _render(page, request, _acknowledged(page, found, fields), is_done=True)

    return routes


def _open(page: Page, request: Request, token: str, attempts: Attempts) -> Shown | Closed:
    """What a token leads to; one that was not made here counts as a guess."""
    key = page.live.link_key() if page.live.reach().base is not None else None
    link = None if key is None else acknowledgement_link.read(key, token)
    known = [Token("link", Secret(token), frozenset())] if link is not None else []
    try:
        attempts.judge(client_of(request), token, known, at=acknowledgement_link.PREFIX)
    except TooMany as error:
        return Closed(429, WAIT, error.seconds)
    if link is None or link.endpoint not in page.live.endpoints():
        return Closed(404, UNKNOWN)
    return _shown(page, link) if link.counts(page.now()) else Closed(410, OVER)


def _shown(page: Page, link: Link) -> Shown | Closed:
    try:
        with page.database.read() as db:
            incident = acknowledgements.find(db, link.incident)
            return Shown(link, incident, acknowledgements.in_force(db, incident, page.now()))
    except Refused:
        return Closed(404, UNKNOWN)


def _acknowledged(page: Page, shown: Shown, fields: Fields) -> Shown | Closed:
    link = shown.link
    by = _said(fields.text("by"), LONGEST_NAME) or link.endpoint.partition("/")[2] or link.endpoint
    wish = Wish(by, _said(fields.text("note"), LONGEST_NOTE), is_first=True)
    whom = Token(f"link of {link.endpoint}", Secret(""), frozenset())
    try:
        with audited(whom, "alert.acknowledge", link.incident), page.database.write() as db:
            done = acknowledgements.acknowledge(db, link.incident, wish, page.live.new_id, page.now())
    except Refused:  # somebody was faster, or it is over
        return _shown(page, link)
    return Shown(link, done.incident, done.acknowledgement)


def _said(text: str, most: int) -> str:
    """What was typed, on one line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:most]


def _render(page: Page, request: Request, found: Shown | Closed, *, is_done: bool = False) -> Response:
    visitor = page.visitor(request)
    if isinstance(found, Closed):
        values = {"why": found.why, "seconds": found.seconds, "incident": None}
        answer = page.render(request, visitor, "acknowledge.html", code=found.code, **values)
        if found.seconds:
            answer.headers["retry-after"] = str(found.seconds)
    else:
        incident = explanations.Incident.told(found.incident)
        answer = page.render(
            request,
            visitor,
            "acknowledge.html",
            incident=incident,
            subject=subject_of(incident, Writing(Words(visitor.language), page.zone(), page.now())),
            has=found.has,
            is_done=is_done,
            most_name=LONGEST_NAME,
            most_note=LONGEST_NOTE,
        )
    # Not even to ourselves: what stands before us may write down where somebody came from.
    answer.headers["referrer-policy"] = "no-referrer"
    return answer
