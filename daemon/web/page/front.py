"""`/`: how it stands, at a glance; and `/systems/{system}`: everything that is watched of one.

A small installation has every row on the front page, with its bar. Of a large one it shows what is not well,
and how much else there is; the rest is on the pages of its systems, so many rows on each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from daemon.operations.history import Sums, courses
from daemon.schemas.documents import Endpoint
from daemon.schemas.fields import Line
from daemon.schemas.status import SystemStatus
from daemon.schemas.subjects import SubjectStatus
from daemon.store import views
from daemon.web.page import members
from daemon.web.page.frame import Page
from daemon.web.page.public import public
from daemon.web.page.rows import AT_ONCE, NOTHING, Courses, Row, by_system, rows, unwell, worst_first
from daemon.web.page.sentences import Sentences, path_of
from daemon.web.page.standing import Look, Teller
from daemon.web.page.visitors import Visitor
from daemon.web.page.words import Words
from daemon.web.routes.status import Asked, status_of

SYSTEMS = 30
"""On one front page."""
UNWELL = 100
"""Rows of what is not well, on the front page of a large installation."""
Shown = list[tuple[SystemStatus, SubjectStatus]]
From = Annotated[int, Query(alias="from", ge=0, le=10**9)]


@dataclass(frozen=True)
class Section:
    """What the front page has of one system."""

    name: str
    path: str
    paused_until: str | None
    poller: Markup | None
    """Who polls it, where there are several who could."""
    rows: Sequence[Row]
    rest: Markup | None
    """What else there is, and that it is well."""
    more: int
    """Rows that are not well and have no room."""
    many: int


def router(page: Page) -> APIRouter:
    """The front page, and those of systems."""
    routes = APIRouter(include_in_schema=False)
    sums = Sums()

    @routes.get("/")
    def front(
        request: Request, visitor: Annotated[Visitor, page.visit_or_look("read")], first: From = 0
    ) -> Response:
        if visitor.token is None:
            return public(page, request, visitor)
        say = sentences(page, request, visitor)
        look = _look(page, Asked())
        teller = Teller(look, say)
        systems = sorted(look.status.systems, key=lambda one: not unwell(one))
        shown = systems[first : first + SYSTEMS]
        is_small = sum(len(one.subjects) for one in systems) <= AT_ONCE
        sections = _small(page, shown, look, say, sums) if is_small else _large(shown, look, say, teller)
        onward = first + SYSTEMS if len(systems) > first + SYSTEMS else None
        return page.render(
            request,
            visitor,
            "front.html",
            standing=teller.standing(),
            sections=sections,
            members=members.rows(look.status, say),
            onward=onward,
            first=first,
        )

    @routes.get("/systems/{system}")
    def show_system(
        request: Request,
        visitor: Annotated[Visitor, page.visit("read")],
        system: Line,
        only: Literal["unwell"] | None = None,
        first: From = 0,
    ) -> Response:
        say = sentences(page, request, visitor)
        look = _look(page, Asked(system))
        (of,) = look.status.systems
        found = unwell(of) if only else worst_first(of)
        here: Shown = [(of, one) for one in found[first : first + AT_ONCE]]
        return page.render(
            request,
            visitor,
            "system.html",
            system=of,
            poller=members.poller(look.status, of, say),
            standing=Teller(look, say).standing(),
            rows=rows(here, say, courses_of(page, here, sums)),
            only=only,
            first=first,
            onward=first + AT_ONCE if len(found) > first + AT_ONCE else None,
        )

    return routes


def sentences(page: Page, request: Request, visitor: Visitor) -> Sentences:
    """What makes sentences for this look."""
    words = Words(visitor.language)
    return Sentences(words, page.writing(words, visitor), page.link(request))


def courses_of(page: Page, shown: Shown, sums: Sums) -> Courses:
    """How what is shown has fared."""
    with page.database.read() as db:
        return courses(db, by_system(shown), page.live.unflushed, page.now(), sums)


def _look(page: Page, asked: Asked) -> Look:
    """How it stands, and whom it would be told."""
    status = status_of(page.database, page.live, page.version, asked)
    with page.database.read() as db:
        endpoints = views.endpoints(db, page.live.endpoints())
        told = views.told_alerts(db, page.live.endpoints(), page.now())
    return Look(status, [Endpoint.of(one, None) for one in endpoints], told)


def _small(
    page: Page, systems: Sequence[SystemStatus], look: Look, say: Sentences, sums: Sums
) -> list[Section]:
    shown: Shown = [(system, one) for system in systems for one in worst_first(system)]
    made = iter(rows(shown, say, courses_of(page, shown, sums) if shown else NOTHING))
    return [
        _section(system, members.poller(look.status, system, say), [next(made) for _ in system.subjects])
        for system in systems
    ]


def _large(systems: Sequence[SystemStatus], look: Look, say: Sentences, teller: Teller) -> list[Section]:
    left, sections = UNWELL, []
    for system in systems:
        bad = unwell(system)
        here: Shown = [(system, one) for one in bad[:left]]
        left -= len(here)
        of_bad = {one.subject for one in bad}
        well = [one for one in system.subjects if one.subject not in of_bad]
        rest = say.words("front.rest", counts=teller.counts(well)) if well else None
        poller = members.poller(look.status, system, say)
        sections.append(_section(system, poller, rows(here, say), rest, len(bad) - len(here)))
    return sections


def _section(
    system: SystemStatus,
    poller: Markup | None,
    made: Sequence[Row],
    rest: Markup | None = None,
    more: int = 0,
) -> Section:
    path = path_of(system.name)
    return Section(system.name, path, system.paused_until, poller, made, rest, more, len(system.subjects))
