"""Who is called how: read, given and taken away.

A number may have a slash in it (`/5`, `sip/0773137770`), so it may be more than one part of a path.
"""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Response

from daemon.core.contacts import key
from daemon.core.refusals import Refused, Why
from daemon.core.wording import quoted
from daemon.operations import contacts
from daemon.schemas.contacts import (
    MANY,
    ONE,
    AddedContact,
    Contact,
    ContactPage,
    ContactRequest,
    ContactsRequest,
    Import,
)
from daemon.schemas.fields import Line
from daemon.schemas.requests import examples
from daemon.store.database import Database
from daemon.web.audit import audited
from daemon.web.auth import Token, Tokens, require
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.routes.base import reading

MOST_ASKED = 200
"""Numbers of one question."""


def router(database: Database, tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/contacts`."""
    routes = reading("contacts", tokens)
    _read(routes, database, live)
    _write(routes, database, tokens, live)
    return routes


def _read(routes: APIRouter, database: Database, live: Live) -> None:
    @routes.get("/contacts", summary="Who is called how, wherever that is said", responses=responses(422))
    def list_contacts(
        number: Annotated[
            list[Line] | None,
            Query(description="Of these numbers only, in any spelling", max_length=MOST_ASKED),
        ] = None,
        name: Annotated[Line | None, Query(description="Of this name only; case does not matter")] = None,
        after: Annotated[Line | None, Query(description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> ContactPage:
        with database.read() as db:
            if number is not None:
                found, following = contacts.find(db, number, live.configured()), None
            else:
                found, following = contacts.listed(db, live.configured(), after=after, limit=limit, name=name)
        return ContactPage(
            contacts=[Contact.of(one) for one in found], next=following, has_more=following is not None
        )

    @routes.get(
        "/contacts/{number:path}",
        summary="How one number is called, by whoever says so",
        responses=responses(404, 422),
    )
    def show_contact(number: Line) -> ContactPage:
        with database.read() as db:
            found = contacts.find(db, [number], live.configured())
        if not found:
            raise Refused(Why.MISSING, f"no name is known for {quoted(number)}")
        return ContactPage(contacts=[Contact.of(one) for one in found], next=None, has_more=False)


def _write(routes: APIRouter, database: Database, tokens: Tokens, live: Live) -> None:
    admin = Depends(require("admin", tokens))

    @routes.post(
        "/contacts",
        status_code=201,
        summary="Call a number so, in the place of what the store called it",
        responses={
            200: {"model": AddedContact, "description": "It was called otherwise, or so already"},
            **responses(400, 409, 413, 422),
        },
    )
    def add_contact(
        response: Response,
        token: Annotated[Token, admin],
        body: Annotated[ContactRequest, Body(openapi_examples=examples(ONE))],
    ) -> AddedContact:
        with audited(token, "contact.add", key(body.number), status=201) as entry:
            with database.write() as db:
                added = contacts.add(
                    db,
                    body.number,
                    body.name,
                    author=token.name,
                    now=live.now(),
                    configured=live.configured(),
                )
            entry.status = response.status_code = 201 if added.before is None else 200
        live.look_at_names()
        return AddedContact.made(added)

    @routes.post(
        "/contacts/import",
        summary="Call many numbers so: all of them, or none",
        responses=responses(400, 409, 413, 422),
    )
    def import_contacts(
        token: Annotated[Token, admin],
        body: Annotated[ContactsRequest, Body(openapi_examples=examples(MANY))],
    ) -> Import:
        these = contacts.judged([(one.number, one.name) for one in body.contacts])
        with audited(token, "contact.import", str(len(these))), database.write() as db:
            taken = contacts.take_in(
                db, these, author=token.name, now=live.now(), configured=live.configured()
            )
        live.look_at_names()
        return Import.of(taken)

    @routes.delete(
        "/contacts/{number:path}",
        summary="Forget how the store calls a number",
        responses=responses(404, 422),
    )
    def remove_contact(number: Line, token: Annotated[Token, admin]) -> Contact:
        with audited(token, "contact.remove", key(number)), database.write() as db:
            gone = contacts.remove(db, number, live.configured())
        live.look_at_names()
        return Contact.of(gone)
