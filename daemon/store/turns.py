"""Who writes takes a turn, one thread after the other; and turns that wait are committed together.

A commit waits for the disk (`synchronous=FULL`), and nobody writes meanwhile: with one sync for each, a disk
that takes 5 ms carries two hundred a second, however little each of them writes. So whoever has written while
others wait for their turn leaves the transaction open to the next of them, and waits until one of them has
committed it for all.

    A  begin  write .......................... both are told that it is safe
    B          (asks)  savepoint  write  commit

What each is promised stays the same: `write` returns once what was written is safe, and not before; one that
fails takes nothing of the others' with it, for each but the first writes within a savepoint of its own. Where
nobody else asks for a turn, it is one transaction and one commit.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa

from daemon.store import happened
from daemon.store.backend import Backend
from daemon.store.location import FAILURES, is_cut
from daemon.store.prepared import Prepared

MOST_TURNS = 32
"""In one transaction: the first of them waits for all."""
ASKED = 3
"""Times: whether what was to be committed while the connection broke is there."""
BETWEEN_ASKED = 1.0
"""Seconds, in which a server may be back."""
MOST_ROWS = 1000
"""Rows changed, after which a transaction is committed: the longer it is, the longer that takes."""

_IS_THERE = sa.text("SELECT 1 FROM events WHERE id = :event")
SPOILED = "a statement of this transaction had failed, and the database would undo all of it"

# As statements: SQLAlchemy's own savepoints take as long as what is written within them.
_SAVE, _UNDO, _LET = map(Prepared, ("SAVEPOINT turn", "ROLLBACK TO SAVEPOINT turn", "RELEASE SAVEPOINT turn"))


class _Shared:
    """A transaction of one thread, or of several."""

    def __init__(self, db: sa.Connection, backend: Backend) -> None:
        self.db = db
        self._backend = backend
        self._transaction = db.begin()
        self.turns = 0
        """That went well."""
        self.failure: BaseException | None = None
        self.ended = threading.Event()
        """It is committed, or `failure` says why not."""
        self.then: list[Callable[[], None]] = []
        """To be called once it is committed."""
        self.proof: str | None = None
        """What is there if it was committed."""
        self._driver: Any = self.db.connection.dbapi_connection
        self._rows = backend.changed(self._driver)
        self._most = min(backend.most_turns, MOST_TURNS)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """What a turn is done within; the first is undone with all of the transaction."""
        is_behind = self.turns > 0
        if is_behind:
            _SAVE.run(self.db)
        try:
            yield
            self._check()
        except BaseException:
            if is_behind and not self.is_lost:
                _UNDO.run(self.db)
                _LET.run(self.db)
            raise
        if is_behind:
            _LET.run(self.db)

    @property
    def is_full(self) -> bool:
        return self.turns >= self._most or self._backend.changed(self._driver) - self._rows >= MOST_ROWS

    @property
    def is_lost(self) -> bool:
        """Whether the database has undone all of it by itself."""
        return self._backend.is_lost(self._driver)

    def commit(self, was_committed: Callable[[str], bool]) -> None:
        """`was_committed`: whether what proves a transaction is there."""
        try:
            self._commit(was_committed)
        except BaseException as error:
            self.failure = error
            raise
        else:
            for call in self.then:
                call()
        finally:
            self.ended.set()

    def _commit(self, was_committed: Callable[[str], bool]) -> None:
        try:
            self._transaction.commit()
        except BaseException as error:
            self._transaction.rollback()  # or SQLAlchemy takes it for ended, and its connection for clean
            if self.proof is None or not is_cut(error) or not was_committed(self.proof):
                raise

    def undo(self, failure: BaseException) -> None:
        self.failure = failure
        try:
            self._transaction.rollback()
        finally:
            self.ended.set()

    def _check(self) -> None:
        """Raises where somebody went on after an error, and what is written could not be committed."""
        if self._backend.is_spoiled(self._driver):
            raise sa.exc.OperationalError(None, None, sqlite3.OperationalError(SPOILED))


class Turns:
    """Of one database. Safe to call from any thread, but not within a turn."""

    def __init__(
        self, engine: sa.Engine, check: Callable[[], None], backend: Backend, *, is_beside: bool = False
    ) -> None:
        """`check` raises where nothing may be written; it is asked at both ends of each turn."""
        self._engine = engine
        self._check = check
        self._backend = backend
        self._is_beside = is_beside
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._asking = 0
        """Threads that will have a turn, whatever happens."""
        self._open: _Shared | None = None
        """Left to the next of them. Of who has the turn."""
        self._kept: sa.Connection | None = None
        """Between two transactions, of which the first went well: to take one each time from the pool, and to
        give it back, takes as long as to begin and to commit. Of who has the turn."""

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One turn: committed when this returns, undone by an exception. Raises SQLAlchemy's errors."""
        with self._taken():
            shared = self._open or self._begin()
            self._open = None
            try:
                with shared.turn():
                    self._check()
                    happened.begin(shared.db, is_beside=self._is_beside)
                    yield shared.db
                    self._check()
            except BaseException as error:
                self._failed(shared, error)
                raise
            shared.turns += 1
            shared.then += happened.calls(shared.db)
            shared.proof = happened.proof(shared.db) or shared.proof
            is_committed = self._pass_on(shared)
        if not is_committed:
            _wait(shared)

    def driver(self) -> Any:
        """The driver's connection of those who write; for who is alone. Raises SQLAlchemy's errors."""
        if self._kept is None:
            self._kept = self._engine.connect()
        return self._kept.connection.dbapi_connection

    def close(self) -> None:
        """Let go of the connection; nobody writes any more."""
        db, self._kept = self._kept, None
        if db is not None:
            db.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A turn without a transaction: nothing is left open, and nobody writes."""
        with self._taken():
            self._commit_open()
            yield

    @contextmanager
    def _taken(self) -> Iterator[None]:
        with self._counting:
            self._asking += 1
        try:
            self._turn.acquire()
        except BaseException:
            self._not_asking()
            with self._turn:
                self._commit_open()  # which was left to this one, maybe
            raise
        try:
            self._not_asking()
            yield
        finally:
            self._turn.release()

    def _not_asking(self) -> None:
        with self._counting:
            self._asking -= 1

    def _pass_on(self, shared: _Shared) -> bool:
        """Leave the transaction to the next, or commit it. Returns whether it is committed."""
        if self._asking and not shared.is_full:
            self._open = shared
            return False
        self._commit(shared)
        return True

    def _begin(self) -> _Shared:
        db, self._kept = self._kept or self._engine.connect(), None
        try:
            return self._begun(db)
        except FAILURES as error:
            if not is_cut(error):
                raise
        return self._begun(self._engine.connect())  # it broke while nobody used it

    def _begun(self, db: sa.Connection) -> _Shared:
        try:
            return _Shared(db, self._backend)
        except BaseException:
            db.close()
            raise

    def _commit(self, shared: _Shared) -> None:
        """Where that fails, the connection is given back, and with it what is left of the transaction."""
        try:
            shared.commit(self._was_committed)
        except BaseException:
            shared.db.close()
            raise
        self._kept = shared.db

    def _was_committed(self, proof: str) -> bool:
        """Whether a transaction was committed whose end nobody has told us; not where that can't be found out
        soon. Asked with the lock of who writes: until it is over, it has that lock itself."""
        pause = threading.Event()
        for _ in range(ASKED):
            try:
                with closing(self._begun(self._engine.connect()).db) as db:
                    return db.scalar(_IS_THERE, {"event": proof}) is not None
            except FAILURES:
                pause.wait(BETWEEN_ASKED)
        return False

    def _failed(self, shared: _Shared, error: BaseException) -> None:
        """A turn came to nothing; the turns before it have to be committed all the same."""
        if not shared.turns or shared.is_lost:
            try:
                shared.undo(error)
            finally:
                shared.db.close()
            return
        self._open = shared
        if not self._asking:
            self._commit_open()

    def _commit_open(self) -> None:
        """For others, who hear of it where that fails."""
        shared, self._open = self._open, None
        if shared is not None:
            try:
                self._commit(shared)
            except sa.exc.SQLAlchemyError:
                return


def _wait(shared: _Shared) -> None:
    """Until somebody has committed it for this thread, too."""
    shared.ended.wait()
    failure = shared.failure
    if failure is not None:
        why = getattr(failure, "orig", None) or sqlite3.OperationalError(f"undone with another's: {failure}")
        raise sa.exc.OperationalError(None, None, why) from failure
