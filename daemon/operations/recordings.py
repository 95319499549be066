"""Recordings that events tell of: which file is meant, and links in mails that lead there no more."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
from pydantic import BaseModel, Field

from daemon.core import recordings
from daemon.core.recording_links import LONGEST
from daemon.core.recordings import Recording
from daemon.core.refusals import Refused, Why
from daemon.core.timestamps import iso
from daemon.core.watches.directories import ADDED
from daemon.store import events, latest, revoked_links
from daemon.store.latest import Newest


class Readable(Protocol):
    """What is read from."""

    @property
    def read(self) -> Callable[[], AbstractContextManager[sa.Connection]]: ...


class Revoked(BaseModel):
    """Links in mails that lead to a recording no more."""

    event: str = Field(description="Of which the recording is: evt_…")
    revoked_at: str


def found(database: Readable, event: str) -> Recording:
    """The recording of an event. Raises `Refused` where there is no such event, or it tells of no file."""
    with database.read() as db:
        return find(db, event)


def find(db: sa.Connection, event: str) -> Recording:
    """The same, by a connection."""
    known = events.find(db, event)
    if known is None:
        raise Refused(Why.MISSING, f"no event {event!r} is kept")
    of = known[1]
    recording = recordings.of_event(of.id, of.type, of.system, json.loads(of.body)["data"])
    if recording is None:
        raise Refused(Why.MISSING, f"event {event!r} tells of no file that could be fetched")
    return recording


def newest(db: sa.Connection, subject: str, limit: int) -> list[tuple[Recording, datetime]]:
    """The newest recordings of a folder (`directory/2`), of whichever system, with when they were seen."""
    found = [event for _, event in latest.read_of(db, subject, Newest(ADDED, limit=limit))]
    known = [
        (recordings.of_event(one.id, one.type, one.system, json.loads(one.body)["data"]), one.timestamp)
        for one in found
    ]
    return [(one, at) for one, at in known if one is not None]


def revoke(db: sa.Connection, event: str, now: datetime) -> Revoked:
    """Let no link lead to the recording of an event any more. Raises `Refused`. Those that have ended by
    themselves are let go."""
    find(db, event)
    revoked_links.forget(db, now - 2 * LONGEST)
    return Revoked(event=event, revoked_at=iso(revoked_links.add(db, event, now)))


def is_revoked(db: sa.Connection, event: str) -> bool:
    """Whether links lead to the recording of an event no more."""
    return revoked_links.has(db, event)
