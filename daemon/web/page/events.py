"""`/events`: all that happened, the newest first, and a box to search it by what it says, SMS too."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from markupsafe import Markup

from daemon.core import when
from daemon.core.contacts import Contacts
from daemon.core.durations import DAY
from daemon.core.model import Event
from daemon.core.refusals import Refused
from daemon.core.search import LONGEST_QUESTION
from daemon.core.watches.sms import RECEIVED
from daemon.core.when import Towards
from daemon.operations import search
from daemon.operations.search import Answer, Wanted
from daemon.schemas.fields import Line
from daemon.schemas.redaction import redacted
from daemon.store import events
from daemon.store.search import Patience
from daemon.web.page import telling
from daemon.web.page.faults import worded
from daemon.web.page.frame import Page
from daemon.web.page.sentences import path_of
from daemon.web.page.visitors import Visitor
from daemon.web.page.words import Words

SHOWN = 30
"""Events on one page."""
KINDS = ("", RECEIVED, "sip.*", "queue.*", "command.*", "daemon.*")
"""What the box offers as kinds of events; whatever else stands in an address is taken, too."""
DETAILS = ("system", "subject", "sender", "contact", "incident")
"""What is shown only where an address gives it."""
LINKED = frozenset(
    {"sip", "queue", "directory", "report", "units", "sms_units", "caller_id", "pirsumphone", "api"}
)
"""First words of subjects that have a page."""


@dataclass(frozen=True)
class Asked:
    """What is looked for, as it was typed; "" does not narrow."""

    q: Annotated[str, Query(max_length=10 * LONGEST_QUESTION)] = ""
    type: Line = ""
    system: Line = ""
    subject: Line = ""
    sender: Line = ""
    contact: Line = ""
    incident: Line = ""
    since: Line = ""
    until: Line = ""


@dataclass(frozen=True)
class Told:
    """One event as it is shown."""

    event: Event
    sentence: Markup
    path: str | None
    """Of the page that says more."""


def router(page: Page) -> APIRouter:
    """The list."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/events")
    def list_events(
        request: Request,
        visitor: Annotated[Visitor, page.visit("read")],
        asked: Annotated[Asked, Depends()],
        after: Annotated[Line, Query()] = "",
    ) -> Response:
        filters = {name: one for name, one in vars(asked).items() if one}
        found, wrong = _found(page, visitor, filters, after)
        contacts = page.writing(Words(visitor.language), visitor).contacts
        return page.render(
            request,
            visitor,
            "events.html",
            code=422 if wrong else 200,
            filters=filters,
            kinds=dict.fromkeys([*KINDS, asked.type]),
            details=[name for name in DETAILS if name in filters],
            after=after,
            found=found,
            wrong=wrong,
            with_text=visitor.may("content"),
            shown=lambda event: told(event, visitor, contacts),
            asked_instead=lambda one: dict(filters, **{one.name: one.near}),
        )

    return routes


def told(event: Event, visitor: Visitor, contacts: Contacts) -> Told:
    """An event in a sentence, with who is called what, and where more is said of it."""
    body = json.loads(event.body if visitor.may("content") else redacted(event.body))
    return Told(event, telling.told(body, visitor.language, contacts), _path(event, body["data"]))


def _path(event: Event, data: Mapping[str, Any]) -> str | None:
    alert = data.get("alert")
    if isinstance(alert, Mapping) and alert.get("incident"):
        return f"/incidents/{alert['incident']}"
    if event.system and event.subject.partition("/")[0] in LINKED:
        return path_of(event.system, event.subject)
    return None


def _found(
    page: Page, visitor: Visitor, filters: Mapping[str, str], after: str
) -> tuple[Answer | None, list[Markup]]:
    """What was found, or what is wrong with what was asked."""
    t = Words(visitor.language)
    if "q" in filters and not visitor.may("content"):
        return None, [t("events.hidden")]
    try:
        wanted = _wanted(page, filters)
        with page.database.read() as db:
            start = events.find(db, after) if after else None
            found = search.find(
                db,
                wanted,
                Patience(page.live.monotonic),
                contacts=page.live.contacts(),
                after=start[0] if start else 0,
                limit=SHOWN,
                is_newest_first=True,
                systems=page.live.systems(),
            )
    except (Refused, ValueError) as fault:
        return None, [worded(t, str(fault))]
    return found, []


def _wanted(page: Page, filters: Mapping[str, str]) -> Wanted:
    """Raises ValueError for what is no time."""
    given = {name: filters.get(name) for name in ("type", *DETAILS)}
    since, until = filters.get("since"), filters.get("until")
    return Wanted(
        **given,
        since=_moment(page, since) if since else None,
        until=_end(page, until) if until else None,
        question=filters.get("q"),
    )


def _end(page: Page, text: str) -> datetime:
    """A day is meant with all of it."""
    try:
        day = date.fromisoformat(text)
        return _moment(page, (day + DAY).isoformat())
    except (ValueError, OverflowError):
        return _moment(page, text)


def _moment(page: Page, text: str) -> datetime:
    return when.moment(text, page.now(), page.zone(), towards=Towards.PAST)
