"""What SQLite and PostgreSQL do each in a way of its own, as one interface, of which `sqlite.py` and
`postgresql.py` are the two forms. Words that the two have of their own are asked for in `dialects.py`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Protocol

import sqlalchemy as sa

BEGIN = "yemotd_begin"
"""The execution option that holds what a transaction begins with; without it, that is "BEGIN" alone."""

Alone = Callable[[], AbstractContextManager[Callable[[], Any]]]
"""While it is entered nobody writes; it gives what gives the driver's connection of those who do."""
Write = Callable[[], AbstractContextManager[sa.Connection]]
"""One writing transaction."""


class Backend(Protocol):
    """Of one database. Methods raise SQLAlchemy's errors."""

    is_shared: bool
    """Whether other daemons may use it at the same time."""
    writing: str
    """How a transaction begins that decides something: alone, of all that write, whoever they are."""
    beside: str
    """How one begins that writes only what nobody else does: beside its like, never beside the former."""
    most_turns: int
    """That are committed together: the first of them waits for all, and whoever has a turn after them."""
    read_too_long: str
    """What is said to who read for too long, and was ended."""

    def is_lost(self, driver: Any) -> bool:
        """Whether the transaction that was begun there is undone already, by the database itself."""

    def is_spoiled(self, driver: Any) -> bool:
        """Whether a COMMIT would undo it, without a word."""

    def changed(self, driver: Any) -> int:
        """Rows changed over a connection, as far as the driver counts them."""

    def read(self) -> sa.Connection:
        """A connection to read by. One that broke while nobody used it is nobody's failure."""

    def let_write(self, db: sa.Connection) -> None:
        """Let a transaction write that was begun to read, and has asked nothing yet; it will be undone."""

    def end_read(self, driver: Any) -> None:
        """Let fail what another thread reads; it must not wait."""

    def tell(self, db: sa.Connection, payload: str) -> None:
        """Let others hear of what is written here, once it is committed."""

    def touch(self, db: sa.Connection) -> None:
        """Write something that changes nothing."""

    def shrink(self, alone: Alone, pages: int) -> bool:
        """Give so many free pages back to the file system. Returns whether there are more."""

    def shorten_log(self, alone: Alone) -> None:
        """Begin the log beside the file anew, where it is long."""

    def opening(self, patience: timedelta) -> AbstractContextManager[None]:
        """Of all that create or upgrade it, one at a time. Raises `DatabaseError`."""

    def upgrade(self, write: Write) -> None:
        """Run the migrations that are missing."""
