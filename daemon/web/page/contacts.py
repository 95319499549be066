"""Contacts: who is called how and where that is said; given, taken away and brought in.

Each of these leaves things as they are where it is done again, so a form that is sent twice does nothing
else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup
from pydantic import ValidationError

from daemon.core import contact_files
from daemon.core.contacts import MOST_FAULTS, key
from daemon.core.refusals import Refused, Why
from daemon.operations import contacts
from daemon.schemas.contacts import ContactRequest
from daemon.schemas.fields import Line
from daemon.schemas.wording import faults
from daemon.web.audit import audited
from daemon.web.auth import Token
from daemon.web.forms import Fields
from daemon.web.page import inputs
from daemon.web.page.faults import by_field, worded
from daemon.web.page.frame import Page
from daemon.web.page.visitors import Visitor
from daemon.web.page.words import Words
from daemon.web.problems import REFUSALS

SHOWN = 100
"""Contacts of one page."""
INPUTS = {one.name: one for one in inputs.inputs(ContactRequest)}
TEXT = "text"
"""The field of a whole file."""


@dataclass
class Draft:
    """What was typed, and what is wrong with it."""

    fields: Fields
    faults: dict[str, list[Markup]] = field(default_factory=dict)
    lines: Sequence[str] = ()
    """What is wrong with a file, in the words of the parser: its lines and its values."""

    def typed(self, name: str) -> str:
        """What stands in a field."""
        return self.fields.text(name)

    @property
    def is_wrong(self) -> bool:
        """Whether anything is."""
        return bool(self.faults or self.lines)


NOTHING = Fields({})


def router(page: Page) -> APIRouter:
    """`/contacts…`."""
    routes = APIRouter(include_in_schema=False)
    _add_reading(routes, page)
    _add_changing(routes, page)
    return routes


def _add_reading(routes: APIRouter, page: Page) -> None:
    reader = page.visit("read")

    @routes.get("/contacts")
    def listing(
        request: Request,
        find: Annotated[Line, Query()] = "",
        number: Annotated[Line, Query()] = "",
        after: Annotated[Line | None, Query()] = None,
        visitor: Visitor = reader,
    ) -> Response:
        typed = Fields({"number": [number]} if number else {})
        return _render(page, request, visitor, Draft(typed), find=find.strip(), after=after)


def _add_changing(routes: APIRouter, page: Page) -> None:
    admin = page.visit("admin")

    @routes.post("/contacts")
    def add(request: Request, fields: Fields = page.posted, visitor: Visitor = admin) -> Response:
        return _add(page, request, visitor, Draft(fields))

    @routes.post("/contacts/remove")
    def remove(request: Request, fields: Fields = page.posted, visitor: Visitor = admin) -> Response:
        number, said = fields.text("number"), "contacts.removed"
        with audited(_token(visitor), "contact.remove", key(number), status=303):
            try:
                with page.database.write() as db:
                    contacts.remove(db, number, page.live.configured())
            except Refused as refused:
                if refused.why is not Why.MISSING:
                    raise
                said = "contacts.gone_already"
        page.live.look_at_names()
        return page.redirect(request, "/contacts", said=said)

    @routes.post("/contacts/import")
    def bring_in(request: Request, fields: Fields = page.posted, visitor: Visitor = admin) -> Response:
        return _bring_in(page, request, visitor, Draft(fields))


def _add(page: Page, request: Request, visitor: Visitor, draft: Draft) -> Response:
    """Add it, or say why not."""
    t, typed = Words(visitor.language), {name: draft.typed(name) for name in INPUTS if draft.typed(name)}
    try:
        body = ContactRequest.model_validate(typed)
    except ValidationError as error:
        draft.faults |= by_field(t, faults(error.errors()), list(INPUTS))
        return _render(page, request, visitor, draft, code=422)
    try:
        with (
            audited(_token(visitor), "contact.add", key(body.number), status=303),
            page.database.write() as db,
        ):
            added = contacts.add(
                db,
                body.number,
                body.name,
                author=_token(visitor).name,
                now=page.now(),
                configured=page.live.configured(),
            )
    except Refused as refused:
        draft.faults[next(iter(refused.fields), "")] = [worded(t, str(refused))]
        return _render(page, request, visitor, draft, code=REFUSALS[refused.why][0])
    page.live.look_at_names()
    said = "contacts.hidden" if added.contact.shown_as else "contacts.added"
    return page.redirect(request, "/contacts", said=said)


def _bring_in(page: Page, request: Request, visitor: Visitor, draft: Draft) -> Response:
    """Bring in what was pasted, or say what is wrong with it, whole."""
    taken = contact_files.parsed("\n".join(draft.fields.texts(TEXT)).encode())
    draft.lines = taken.said()
    if not draft.lines and not taken.names:
        draft.faults[TEXT] = [Words(visitor.language)("contacts.nothing_in")]
    if draft.is_wrong:
        return _render(page, request, visitor, draft, code=422)
    these, t = list(taken.names.items()), Words(visitor.language)
    try:
        with audited(_token(visitor), "contact.import", str(len(these)), status=303):
            with page.database.read() as db:
                contacts.room(db, these)
            for part in contacts.parts(these):
                with page.database.write() as db:
                    contacts.take_in(
                        db,
                        part,
                        author=_token(visitor).name,
                        now=page.now(),
                        configured=page.live.configured(),
                    )
    except Refused as refused:
        draft.faults[TEXT] = [worded(t, str(refused))]
        return _render(page, request, visitor, draft, code=REFUSALS[refused.why][0])
    page.live.look_at_names()
    return page.redirect(request, "/contacts", said="contacts.brought_in")


def _render(
    page: Page,
    request: Request,
    visitor: Visitor,
    draft: Draft,
    *,
    find: str = "",
    after: str | None = None,
    code: int = 200,
) -> Response:
    t, configured = Words(visitor.language), page.live.configured()
    with page.database.read() as db:
        if find and (of_number := contacts.find(db, [find], configured)):
            found, following = of_number, None
        else:
            found, following = contacts.listed(db, configured, after=after, limit=SHOWN, name=find or None)
    return page.render(
        request,
        visitor,
        "contacts.html",
        code=code,
        found=found,
        find=find,
        after=after,
        following=following,
        draft=draft,
        inputs=INPUTS,
        labels={**{name: t(f"contacts.field.{name}") for name in INPUTS}, TEXT: t("contacts.field.text")},
        many=sum(map(len, draft.faults.values())),
        most_lines=MOST_FAULTS,
    )


def _token(visitor: Visitor) -> Token:
    assert visitor.token is not None  # noqa: S101 - only who has signed in comes here
    return visitor.token
