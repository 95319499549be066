"""One session of a daemon's own on a server: by it others see that it lives, and it hears what they commit.

For one thread. Each statement is a transaction of its own; nothing of it waits for a lock of ours. What fails
by it ends in the store's `FAILURES`; then it is to be closed, and another one made: what it held is free as
soon as the server knows that it is gone.
"""

from contextlib import closing, suppress

import psycopg
import sqlalchemy as sa
from psycopg.pq import PGnotify

from daemon.store import ownership
from daemon.store.happened import Topic
from daemon.store.location import FAILURES
from daemon.store.ownership import LOCKS
from daemon.store.postgresql import CHANNEL, detached

_HOLD = sa.text(f"SELECT pg_try_advisory_lock({LOCKS}, CAST(:lock AS integer))")
_LET_GO = sa.text(f"SELECT pg_advisory_unlock({LOCKS}, CAST(:lock AS integer))")
_WORDS = {topic.value: topic for topic in Topic}


class Session:
    """Closed by who made it."""

    def __init__(self, engine: sa.Engine, token: str) -> None:
        """`token`: how notices begin that are our own. Raises SQLAlchemy's errors."""
        self.db = detached(engine)
        self._token = token
        self._heard: set[Topic] = set()
        self._driver: psycopg.Connection = self.db.connection.dbapi_connection  # type: ignore[assignment]
        # In place of what would keep them for `notifies` alone: they come with any answer.
        self._driver.pgconn.notify_handler = self._hear
        try:
            self.db.exec_driver_sql(f"LISTEN {CHANNEL}")
        except BaseException:
            self.db.close()
            raise

    def hold(self, lock: int) -> bool:
        """Hold an advisory lock until this is closed, or ends otherwise; whether it was to be had."""
        return bool(self.db.scalar(_HOLD, {"lock": lock}))

    def let_go(self, lock: int) -> None:
        """Hold it no more."""
        self.db.execute(_LET_GO, {"lock": lock})

    def held(self) -> set[int]:
        """Those that anybody holds in this database."""
        return ownership.held(self.db)

    def wait(self, seconds: float) -> set[Topic]:
        """Until another daemon commits what somebody may wait for, or has by now; so long at most. Returns
        what that is; what this release has no word for is nothing."""
        if not self._heard:
            try:
                with closing(self._driver.notifies(timeout=seconds)) as notices:
                    next((True for _ in notices if self._heard), None)
            except psycopg.Error as error:
                lost = self._driver.closed
                if lost:
                    self.db.invalidate(error)
                raise sa.exc.OperationalError(None, None, error, connection_invalidated=lost) from error
        heard, self._heard = self._heard, set()
        return heard

    def close(self) -> None:
        """End it, and what it holds."""
        try:
            with suppress(*FAILURES):  # it has ended by itself
                self.db.close()
        finally:
            self._driver.close()

    def _hear(self, notice: PGnotify) -> None:
        token, *words = notice.extra.decode(errors="replace").split() or [""]
        if notice.relname == CHANNEL.encode() and token != self._token:
            self._heard.update(_WORDS[one] for one in words if one in _WORDS)
