"""What a transaction tells whoever commits it: that there are events in it. Functions take a connection."""

import sqlalchemy as sa

_KEY = "yemotd_happened"


def mark(db: sa.Connection) -> None:
    """There are events in this transaction."""
    db.info[_KEY] = True


def taken(db: sa.Connection) -> bool:
    """Whether there are, since this was last asked; the connection outlives its transaction."""
    return bool(db.info.pop(_KEY, False))
