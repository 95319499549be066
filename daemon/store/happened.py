"""What a transaction tells whoever commits it: that there are events in it, and what is to be done then.

Functions take a connection.
"""

from collections.abc import Callable

import sqlalchemy as sa

_KEY = "yemotd_happened"
_THEN = "yemotd_then"


def mark(db: sa.Connection) -> None:
    """There are events in this transaction."""
    db.info[_KEY] = True


def taken(db: sa.Connection) -> bool:
    """Whether there are, since this was last asked; the connection outlives its transaction."""
    return bool(db.info.pop(_KEY, False))


def then(db: sa.Connection, call: Callable[[], None]) -> None:
    """Call this once the transaction is committed, and before another begins; it must not wait nor raise."""
    db.info.setdefault(_THEN, []).append(call)


def calls(db: sa.Connection) -> list[Callable[[], None]]:
    """What is to be called, since this was last asked."""
    found: list[Callable[[], None]] = db.info.pop(_THEN, [])
    return found


def begin(db: sa.Connection) -> None:
    """Somebody begins to write: nothing has happened, whatever was left by one that was rolled back."""
    taken(db)
    calls(db)


def is_within_savepoint(db: sa.Connection) -> bool:
    """Whether what is written now may be undone, and the rest be committed all the same."""
    return db.in_nested_transaction()
