"""What a transaction tells whoever commits it: what there is in it that somebody waits for, and what is to be
done then.

Functions take a connection.
"""

from collections.abc import Callable
from enum import StrEnum

import sqlalchemy as sa

_KEY = "yemotd_happened"
_THEN = "yemotd_then"
_BESIDE = "yemotd_beside"
_PROOF = "yemotd_proof"


class Topic(StrEnum):
    """What somebody may wait for; a word of what one daemon tells the others."""

    EVENTS = "events"
    """Written: for all who read on."""
    DELIVERIES = "deliveries"
    """There are more of them, they are due sooner, or are not to be sent."""
    ENDPOINTS = "endpoints"
    """An operator asked for one to be turned on or off."""
    COMMANDS = "commands"
    """There are more of them."""
    ENDED = "ended"
    """Commands that somebody may wait for."""
    SUBSCRIPTIONS = "subscriptions"
    """Endpoints that are kept in the store, or feeds, are others by now."""
    HOLDINGS = "holdings"
    """Who holds what has changed, or who is there."""


class BesideError(Exception):
    """A fault of ours: what everybody has to see in one order is written beside others."""


def mark(db: sa.Connection, topic: Topic) -> None:
    """There is something of this in this transaction. Raises `BesideError` for events beside others, whose
    numbers would be committed out of order."""
    if topic is Topic.EVENTS and db.info.get(_BESIDE):
        raise BesideError("events are recorded in a transaction beside others: begin it with `write`")
    marked: set[Topic] | None = db.info.get(_KEY)
    if marked is None:
        marked = db.info[_KEY] = set()
    marked.add(topic)


def taken(db: sa.Connection) -> frozenset[Topic]:
    """What was marked, since this was last asked; the connection outlives its transaction."""
    marked: set[Topic] | None = db.info.pop(_KEY, None)
    return frozenset(marked) if marked else NOTHING


NOTHING: frozenset[Topic] = frozenset()


def then(db: sa.Connection, call: Callable[[], None]) -> None:
    """Call this once the transaction is committed, and before another begins; it must not wait nor raise."""
    db.info.setdefault(_THEN, []).append(call)


def calls(db: sa.Connection) -> list[Callable[[], None]]:
    """What is to be called, since this was last asked."""
    found: list[Callable[[], None]] = db.info.pop(_THEN, [])
    return found


def prove(db: sa.Connection, event: str) -> None:
    """If this event is there, by its id, this transaction was committed."""
    db.info[_PROOF] = event


def proof(db: sa.Connection) -> str | None:
    """What would be there, since this was last asked; None: nothing that nobody else writes."""
    event: str | None = db.info.pop(_PROOF, None)
    return event


def begin(db: sa.Connection, *, is_beside: bool = False) -> None:
    """Somebody begins to write: nothing has happened, whatever was left by one that was rolled back."""
    taken(db)
    calls(db)
    proof(db)
    db.info[_BESIDE] = is_beside


def is_within_savepoint(db: sa.Connection) -> bool:
    """Whether what is written now may be undone, and the rest be committed all the same."""
    return db.in_nested_transaction()
