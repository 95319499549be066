"""What happened: the stored bodies, to the byte, by cursor; and those that are looked for."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Response

from daemon.core import when
from daemon.core.refusals import Refused, Why
from daemon.core.when import Towards
from daemon.operations import search
from daemon.operations.search import Answer, Wanted
from daemon.schemas import documents, pages
from daemon.schemas.fields import Line, Question, When
from daemon.schemas.redaction import redacted
from daemon.store import events
from daemon.store.database import Database
from daemon.store.search import Patience
from daemon.web.auth import Token, Tokens, require
from daemon.web.dependencies import Live
from daemon.web.problems import WRONG, Fault, Problem, responses
from daemon.web.routes.base import reading

TypeQuery = Annotated[Line | None, Query(description="A type, or a glob such as sip.*")]
SystemQuery = Annotated[Line | None, Query(description="One system's events only")]
SubjectQuery = Annotated[
    Line | None, Query(description="One subject's events only; a phone in any spelling, a queue by its name")
]
SenderQuery = Annotated[
    Line | None, Query(description="SMS of one sender only: a phone in any spelling, or a name")
]
ContactQuery = Annotated[
    Line | None, Query(description="What is about one contact only, by name or number, with all its numbers")
]
IncidentQuery = Annotated[Line | None, Query(description="The events of one incident only: inc_…")]
SinceQuery = Annotated[
    When | None,
    Query(
        description="Observed at this time or later: with an offset, or by the daemon's zone `2026-11-23`, "
        "`2026-11-23T08:00`, `08:00`, `yesterday`, `yesterday 08:00`; or so long ago: `2h`"
    ),
]
UntilQuery = Annotated[When | None, Query(description="Observed before this time")]
TextQuery = Annotated[
    Question | None,
    Query(
        description="What the text says: each of these words, in any order; parts of words and of numbers of "
        'three signs or more, shorter ones where a word begins or ends so; between "quotes" as they follow '
        "each other. Phones in any spelling. It needs the scope `content`; one-time codes are not found"
    ),
]


@dataclass(frozen=True)
class Asked:
    """What is looked for, as parameters of a request."""

    type: TypeQuery = None
    system: SystemQuery = None
    subject: SubjectQuery = None
    sender: SenderQuery = None
    contact: ContactQuery = None
    incident: IncidentQuery = None
    since: SinceQuery = None
    until: UntilQuery = None
    q: TextQuery = None

    def wanted(self, token: Token, live: Live) -> Wanted:
        """As the store is asked. Raises `Problem` where the token does not open what it takes."""
        if self.q is not None and not token.allows("content"):
            # Who may not see texts may not find out either what they say.
            raise Problem(403, "The token is not allowed to do this", "`q` needs the scope 'content'.")
        return Wanted(
            self.type,
            self.system,
            self.subject,
            self.sender,
            self.contact,
            self.incident,
            _moment(live, "since", self.since),
            _moment(live, "until", self.until),
            self.q,
        )


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/events`; the texts of SMS are for the scope `content`."""
    routes = reading("reading", tokens)
    reader = Depends(require("read", tokens))

    @routes.get(
        "/events",
        summary="What happened, oldest first, and what is looked for in it",
        response_class=Response,
        responses={200: {"model": pages.EventPage}, **responses(400, 409, 422)},
    )
    def list_events(
        token: Annotated[Token, reader],
        asked: Annotated[Asked, Depends()],
        after: Annotated[
            Line | None, Query(description="The id of the last event already read, in the order asked for")
        ] = None,
        order: Annotated[Literal["oldest", "newest"], Query(description="Which come first")] = "oldest",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        latest: Annotated[
            bool, Query(description="The newest instead, still oldest first; goes without `after`")
        ] = False,
    ) -> Response:
        wanted = asked.wanted(token, live)
        if latest and after is not None:
            raise Refused(Why.WRONG, "goes without `latest`", "after")
        with database.read() as db:
            start = 0 if after is None else number_of(db, after)
            found = search.find(
                db,
                wanted,
                Patience(live.monotonic),
                contacts=live.contacts(),
                after=start,
                limit=limit,
                is_newest_first=latest or order == "newest",
                systems=live.systems(),
            )
        if latest:
            found = replace(found, events=found.events[::-1], has_more=False, last_id=_last_id(found))
        return Response(_page(found, token), media_type="application/json")

    @routes.get(
        "/events/{event_id}",
        summary="One event",
        response_class=Response,
        responses={200: {"model": pages.EventBody}, **responses(404, 422)},
    )
    def show_event(event_id: Line, token: Annotated[Token, reader]) -> Response:
        with database.read() as db:
            found = events.find(db, event_id)
        if found is None:
            raise Problem(404, "There is no such event", f"No event {event_id!r} is kept.")
        return Response(shown(found[1].body, token), media_type="application/json")

    return routes


def _last_id(found: Answer) -> str | None:
    """Of the newest, where they came newest first."""
    return found.events[0][1].id if found.events else None


def shown(body: bytes, token: Token) -> bytes:
    """A body as who has this token may see it."""
    return body if token.allows("content") else redacted(body)


def _moment(live: Live, name: str, text: str | None) -> datetime | None:
    """A time that was asked for, by the clock of the page. Raises `Problem`."""
    if text is None:
        return None
    try:
        return when.moment(text, live.now(), live.zone(), towards=Towards.PAST)
    except ValueError as fault:
        raise Problem(422, WRONG, f"{name}: {fault}", [Fault(name=name, reason=str(fault))]) from None


def number_of(db: sa.Connection, after: str) -> int:
    """The number of the event to go on from. Raises `Problem` where there is no such event."""
    if after == events.START:
        return 0
    found = events.find(db, after)
    if found is None:
        raise Problem(
            400, "The event to go on from is not known", f"No event {after!r} is kept; leave `after` out."
        )
    return found[0]


def _page(found: Answer, token: Token) -> bytes:
    """The stored bodies, to the byte, in one document."""
    bodies = b",".join(shown(event.body, token) for _, event in found.events)
    parts = [b'"events":[' + bodies + b"]", *_part("next", found.last_id), *_part("has_more", found.has_more)]
    if found.unindexed is not None:
        parts += _part("unindexed", found.unindexed._asdict())
    if found.strangers:
        parts += _part("unknown", [documents.Stranger.of(one).model_dump() for one in found.strangers])
    return b"{" + b",".join(parts) + b"}"


def _part(name: str, value: Any) -> list[bytes]:
    return [f'"{name}":{json.dumps(value, ensure_ascii=False, separators=(",", ":"))}'.encode()]
