"""Events that somebody looks for: by when, whom, which incident, and what they say; for the command line,
HTTP and the page. Nothing is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from daemon.core import contacts as naming
from daemon.core.contacts import NOBODY, Contacts
from daemon.core.model import Event
from daemon.core.phones import phone
from daemon.core.refusals import Refused, Why
from daemon.core.search import Term, terms
from daemon.core.wording import Stranger, nearest, quoted
from daemon.operations import meant
from daemon.store import events, incidents, search, searchable
from daemon.store.events import Query
from daemon.store.search import Found, Patience
from daemon.store.searchable import Unindexed

SENT_BY = "sms/"
OF_PHONES, OF_EXTENSIONS = ("sms/", "sip/"), ("queue/", "directory/")
"""Subjects by which a contact is found."""


@dataclass(frozen=True)
class Wanted:
    """What is looked for; None does not narrow."""

    type: str | None = None
    """A type, or a glob."""
    system: str | None = None
    subject: str | None = None
    sender: str | None = None
    """Of SMS: a phone in any spelling, or a name as the platform gives it."""
    contact: str | None = None
    """A name of `[contacts]`, or a number."""
    incident: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    question: str | None = None
    """What the text has to say, as `core/search.terms` reads it."""

    @property
    def is_plain(self) -> bool:
        """Whether the indexes of events alone find it, in one go."""
        return all(one is None for one in (self.incident, self.since, self.until, self.question))


@dataclass(frozen=True)
class Answer:
    """Some events, and how far they are all that there are."""

    events: Sequence[tuple[int, Event]]
    has_more: bool
    last_id: str | None
    """From which to go on; None: nothing comes behind these."""
    is_cut: bool = False
    """Time was up before there were as many as were asked for."""
    unindexed: Unindexed | None = None
    """How many events a question did not reach, whose texts are not there yet; None: there was none."""
    strangers: Sequence[Stranger] = ()
    """Where nothing was found: the words that mean nothing here."""


def query_of(
    db: sa.Connection, wanted: Wanted, *, contacts: Contacts = NOBODY, after: int = 0, limit: int = 100
) -> Query:
    """What is looked for, as the store is asked for it, but for the question.

    Raises `Refused` for a contact whom nobody is called by, and for a subject's name that several have.
    """
    among = [
        _of_sender(wanted.sender),
        _of_contact(wanted.contact, contacts),
        _of_incident(db, wanted.incident),
    ]
    given = [one for one in among if one is not None]
    subject = wanted.subject and _named(db, wanted.subject, contacts, wanted.system)
    return Query(
        after,
        wanted.type,
        wanted.system,
        limit,
        subject,
        among=_common(given) if given else None,
        since=wanted.since,
        until=wanted.until,
        incident=wanted.incident,
    )


def find(
    db: sa.Connection,
    wanted: Wanted,
    patience: Patience,
    *,
    contacts: Contacts = NOBODY,
    after: int = 0,
    limit: int = 100,
    is_newest_first: bool = False,
    systems: Sequence[str] = (),
) -> Answer:
    """The events, oldest first or newest first, behind the one whose number is `after`. `systems`: those of
    the configuration.

    Raises `Refused` for a question in which nothing is asked, and as `query_of`.
    """
    asked = _terms(wanted.question)
    query = query_of(db, wanted, contacts=contacts, after=after, limit=limit)
    if wanted.is_plain and not is_newest_first:
        found = _in_one_go(db, query)
    else:
        found = search.find(db, query, patience, terms=asked, is_newest_first=is_newest_first)
    is_nothing = not found.events and not after
    return Answer(
        found.events,
        found.has_more,
        found.last_id,
        found.is_cut,
        searchable.unindexed(db) if asked else None,
        strangers(db, replace(wanted, subject=query.subject), systems) if is_nothing else (),
    )


def strangers(db: sa.Connection, wanted: Wanted, systems: Sequence[str] = ()) -> list[Stranger]:
    """Those of the words that mean nothing here."""

    found = meant.strangers(
        db, type_=wanted.type, system=wanted.system, subject=wanted.subject, systems=systems
    )
    if wanted.incident is not None and incidents.find(db, wanted.incident) is None:
        found.append(Stranger("incident", wanted.incident, None))
    return found


def _in_one_go(db: sa.Connection, query: Query) -> Found:
    some = events.read(db, replace(query, limit=query.limit + 1))
    kept = some[: query.limit]
    return Found(kept, has_more=len(some) > len(kept), last_id=kept[-1][1].id if kept else None)


def _terms(question: str | None) -> tuple[Term, ...]:
    if question is None:
        return ()
    try:
        return terms(question)
    except ValueError as fault:
        raise Refused(Why.WRONG, str(fault), "q") from None


def _of_sender(sender: str | None) -> tuple[str, ...] | None:
    return None if sender is None else (SENT_BY + sender,)


def _named(db: sa.Connection, subject: str, contacts: Contacts, system: str | None) -> str:
    from daemon.operations.contacts import named  # noqa: PLC0415 - a cold start is measured

    return named(db, subject, contacts, system)


def _of_contact(contact: str | None, contacts: Contacts) -> tuple[str, ...] | None:
    """What is about whoever is called so: by each of their numbers."""
    if contact is None:
        return None
    numbers = contacts.numbers_of(contact)
    if not numbers and (phone(contact) is not None or contacts.name_of(contact) is not None):
        numbers = (naming.key(contact),)
    if not numbers:
        near = nearest(naming.folded(contact), contacts.names)
        raise Refused(Why.WRONG, f"nobody is called {quoted(contact)}{near}", "contact")
    return tuple(subject for one in numbers for subject in _subjects(one))


def _subjects(number: str) -> list[str]:
    if number.startswith("/"):
        return [kind + number.removeprefix("/") for kind in OF_EXTENSIONS]
    return [kind + number for kind in OF_PHONES]


def _of_incident(db: sa.Connection, incident: str | None) -> tuple[str, ...] | None:
    """The subject of an incident is that of each of its events; of one that is not kept there are none."""
    if incident is None:
        return None
    found = incidents.find(db, incident)
    return () if found is None else (found.subject,)


def _common(given: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What is in all of these; spelled alike, for each comes of the same rules."""
    first, *others = given
    keys = [{naming.key(one) if one.startswith(OF_PHONES) else one for one in each} for each in others]
    return tuple(
        one
        for one in first
        if all((naming.key(one) if one.startswith(OF_PHONES) else one) in each for each in keys)
    )
