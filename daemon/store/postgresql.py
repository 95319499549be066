"""PostgreSQL: a server, which several daemons use at the same time.

Whoever decides something takes one lock as the first thing of his transaction, as SQLite's writers do: so
each sees all that was committed before, numbers of events are committed in their order, and no two of us wait
for each other for ever. Who only writes what nobody else writes shares that lock with his like. They are in
READ COMMITTED, so what comes after the lock sees what its last holder left; who reads is in REPEATABLE READ.

Nobody is held up for long by a process that was stopped, or whose machine is gone, in a transaction:

    idle within one         the server ends its session after 5 s, and undoes what it wrote
    waiting for a lock      fails after 10 s, and may be tried again
    a silent connection     is given up by both ends (keepalives, what was sent and not heard of)

What is said in a URL goes before (`options=-c lock_timeout=3s`, `connect_timeout`, ...). Settings are made by
SET, and not as the connection begins, for PgBouncer; which has to keep a session for its client: locks and
notices are a session's.
"""

import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.abc import Buffer
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumperUnknown

from daemon.core.visible import without_nul
from daemon.store.backend import BEGIN, Alone, Write
from daemon.store.location import FAILURES, DatabaseError, is_cut, shown
from daemon.store.schema import metadata

KEY = 0x79656D6F74
"""The advisory lock of who writes: alone, or beside his like."""
OPENING_KEY = KEY + 1
"""That of who creates or upgrades the tables, for a session."""
CHANNEL = "yemotd"
OLDEST = 15
"""Of the server's versions."""
CONNECTIONS = 5
OVERFLOW = 11
"""With those above: 14 for who reads, and one for each of the two that write (`database.MOST_READERS`)."""

IDLE_WITHIN = "5s"
"""In a transaction that writes."""
LOCK_WITHIN = "10s"
READ_WITHIN = "60s"
"""For one question; and in a transaction that reads, between two of them."""
MIGRATION_LOCK_WITHIN = "3s"
"""Everybody who uses a table waits behind whoever waits to change it."""
MIGRATION_TRIES = 20
BETWEEN_TRIES = 2.0
"""Seconds, in which others get to the table."""
LOOK_EVERY = timedelta(seconds=0.2)
"""Whether it is our turn to create or upgrade."""
CONNECTING: Mapping[str, Any] = {
    "connect_timeout": 10,  # seconds
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
    "application_name": "yemotd",
    "client_encoding": "utf8",
}
"""What libpq is told where the URL does not (postgresql.org/docs/current/libpq-connect.html)."""
_GIVEN = re.compile(r"(?:-c\s*|--)([A-Za-z_][A-Za-z0-9_.-]*)\s*=")
"""A setting within `options`."""
_LOST = (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)
_TOO_BUSY = frozenset({"55P03", "40P01"})
"""Of an upgrade: a lock was not to be had in time, or two waited for each other."""


class _Text(StrDumperUnknown):
    """What is written, or asked for, as text: a NUL, which none may hold here, as its picture. What strangers
    say comes so already; whatever comes otherwise yet fails nothing that it stands beside."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(without_nul(obj) if "\0" in obj else obj)


class Postgresql:
    """The form of `Backend` for a server."""

    is_shared = True
    writing = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({KEY})"
    beside = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock_shared({KEY})"
    most_turns = 16  # other daemons wait for the lock meanwhile
    read_too_long = "it was read from for too long at a time"

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**{BEGIN: _reading(_given(engine.url))})

    def is_lost(self, driver: psycopg.Connection) -> bool:
        return driver.info.transaction_status in _LOST

    def is_spoiled(self, driver: psycopg.Connection) -> bool:
        """After an error nothing is done any more, and COMMIT answers ROLLBACK as if all were well."""
        return driver.info.transaction_status == TransactionStatus.INERROR

    def changed(self, driver: psycopg.Connection) -> int:
        return 0

    def read(self) -> sa.Connection:
        try:
            return _begun(self._reading)
        except FAILURES as error:
            if not is_cut(error):
                raise
        return _begun(self._reading)

    def let_write(self, db: sa.Connection) -> None:
        db.exec_driver_sql("SET TRANSACTION READ WRITE")

    def end_read(self, driver: psycopg.Connection) -> None:
        """By its socket, for to ask the server would wait: what it asks fails, and the server hears of it."""
        with suppress(psycopg.Error, OSError), closing(socket.socket(fileno=os.dup(driver.fileno()))) as line:
            line.shutdown(socket.SHUT_RDWR)

    def tell(self, db: sa.Connection, payload: str) -> None:
        db.execute(_TELL, {"channel": CHANNEL, "payload": payload})

    def touch(self, db: sa.Connection) -> None:
        """Not the revision: by that row a daemon of the release before may be judged. A transaction that has
        a number is written down in any case, so a full disk is noticed also where there is no row yet."""
        db.exec_driver_sql("UPDATE in_force SET name = name")
        db.exec_driver_sql("SELECT pg_current_xact_id()")

    def shrink(self, alone: Alone, pages: int) -> bool:
        """Autovacuum's matter."""
        return False

    def shorten_log(self, alone: Alone) -> None:
        """The server's own matter."""

    @contextmanager
    def opening(self, patience: timedelta) -> Iterator[None]:
        with detached(self._engine) as db:
            name = shown(str(self._engine.url))
            check(db, name)
            with detached(self._engine) as other:
                _check_sessions(db, other, name)
            _wait_for_turn(db, patience)
            yield  # the lock is the session's, and goes with it, whatever happens
            _patiently(lambda: order_by_bytes(db))

    def upgrade(self, write: Write) -> None:
        from daemon.store import migrating  # noqa: PLC0415 - see there

        def migrate() -> None:
            with write() as db:
                db.exec_driver_sql(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_WITHIN}'")
                migrating.upgrade(db)

        _patiently(migrate)


_TELL = sa.text("SELECT pg_notify(:channel, :payload)")
_IN_OTHER_ORDER = sa.text(
    'SELECT relname AS "table", attname AS "column"'
    " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
    " WHERE relkind = 'r' AND pg_table_is_visible(pg_class.oid) AND relname = ANY (:tables) AND attnum > 0"
    " AND NOT attisdropped AND atttypid = 'text'::regtype AND attcollation <> '\"C\"'::regcollation"
)
_OF_EXTENSIONS = sa.text(
    "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
    " JOIN pg_depend ON classid = 'pg_class'::regclass AND objid = pg_class.oid"
    " WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass AND relkind IN ('r', 'p')"
    " AND nspname = current_schema()"
)
_TRY_OPENING = sa.text(f"SELECT pg_try_advisory_lock({OPENING_KEY})")


def engine(url: sa.URL) -> sa.Engine:
    """Raises `DatabaseError` for a driver that is not ours, ImportError where there is none."""
    if url.get_driver_name() != "psycopg":
        raise DatabaseError(f"database: {url.drivername} cannot be used; expected postgresql+psycopg")
    made = sa.create_engine(
        url,
        connect_args={name: value for name, value in CONNECTING.items() if name not in url.query},
        pool_size=CONNECTIONS,
        max_overflow=OVERFLOW,
        use_native_hstore=False,  # or it is looked for in every database
    )
    _prepare(made, _given(url))
    return made


def _given(url: sa.URL) -> frozenset[str]:
    """The settings that the URL makes itself."""
    options = url.query.get("options", "")
    text = options if isinstance(options, str) else " ".join(options)
    return frozenset(one.lower().replace("-", "_") for one in _GIVEN.findall(text))


def _reading(given: frozenset[str]) -> str:
    """How a transaction begins that only reads, and holds nobody up."""
    bounds = [
        f"SET LOCAL {name} = '{READ_WITHIN}'"
        for name in ("statement_timeout", "idle_in_transaction_session_timeout")
        if name not in given
    ]
    return "; ".join(["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", *bounds])


def _prepare(made: sa.Engine, given: frozenset[str]) -> None:
    own = {"idle_in_transaction_session_timeout": IDLE_WITHIN, "lock_timeout": LOCK_WITHIN}
    settings = [f"SET {name} = '{value}'" for name, value in own.items() if name not in given]
    if "synchronous_commit" not in given:
        # What was committed survives a power cut. Where a standby shall have it, too, that stays.
        settings.append(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
    session = "; ".join(settings)

    @sa.event.listens_for(made, "connect")
    def on_connect(driver: psycopg.Connection, _record: Any) -> None:
        driver.autocommit = True  # it must not begin transactions by itself
        driver.adapters.register_dumper(str, _Text)
        if session:
            driver.execute(session.encode())

    @sa.event.listens_for(made, "begin")
    def on_begin(db: sa.Connection) -> None:
        if begin := db.get_execution_options().get(BEGIN, "BEGIN"):
            db.exec_driver_sql(begin)

    @sa.event.listens_for(made, "handle_error")
    def on_error(context: sa.ExceptionContext) -> BaseException | None:
        """That a session ended, or that nothing can be written, is one kind of error for all who ask."""
        error = context.original_exception
        is_other = isinstance(error, psycopg.Error) and not isinstance(error, psycopg.OperationalError)
        if not is_other or not (context.is_disconnect or isinstance(error, psycopg.InternalError)):
            return None
        return sa.exc.OperationalError(
            context.statement, context.parameters, error, connection_invalidated=context.is_disconnect
        )


def detached(made: sa.Engine) -> sa.Connection:
    """A connection that is none of the pool's, over which each statement is a transaction. It is closed by
    who has it."""
    db = made.execution_options(**{BEGIN: ""}).connect()
    try:
        db.detach()
    except BaseException:
        db.close()
        raise
    return db


def check(db: sa.Connection, name: str) -> None:
    """Raises `DatabaseError` for a server, or a database, that a daemon cannot use."""
    version, in_recovery, encoding = db.exec_driver_sql(
        "SELECT current_setting('server_version_num')::int, pg_is_in_recovery(),"
        " current_setting('server_encoding')"
    ).one()
    if version < OLDEST * 10_000:
        raise DatabaseError(
            f"{name}: PostgreSQL {version // 10_000} is too old, {OLDEST} is needed; upgrade the server"
        )
    if in_recovery:
        raise DatabaseError(
            f"{name}: the server is a standby, by which nothing can be written; name the primary, or several"
            " hosts with target_session_attrs=read-write behind the URL's ?"
        )
    if encoding != "UTF8":
        raise DatabaseError(
            f"{name}: its encoding is {encoding}, which does not know every text; make the database anew with"
            " ENCODING 'UTF8' TEMPLATE template0"
        )


def tables_of_extensions(db: sa.Connection) -> set[str]:
    """Those that an extension has brought into the schema, such as PostGIS its systems of coordinates."""
    return set(db.scalars(_OF_EXTENSIONS))


def _check_sessions(db: sa.Connection, other: sa.Connection, name: str) -> None:
    """Raises `DatabaseError` where something between lends the sessions of the server to whoever says
    something: a lock, or a setting, would then be somebody else's."""
    pid = "SELECT pg_backend_pid()"
    mine = db.exec_driver_sql(pid).scalar()
    if other.exec_driver_sql(pid).scalar() == mine:
        raise DatabaseError(
            f"{name}: two connections have one session of the server; let PgBouncer pool by session"
            " (pool_mode = session), or name the server itself"
        )


def _wait_for_turn(db: sa.Connection, patience: timedelta) -> None:
    """Raises `DatabaseError` where another is at it for too long."""
    pause = threading.Event()
    for _ in range(patience // LOOK_EVERY):
        if db.scalar(_TRY_OPENING):
            return
        pause.wait(LOOK_EVERY.total_seconds())
    raise DatabaseError(
        f"{shown(str(db.engine.url))}: another yemotd has been creating or upgrading it for"
        f" {patience.total_seconds():g} s; what it waits for is seen in pg_stat_activity"
    )


def _patiently(change: Callable[[], None]) -> None:
    """Change tables that a daemon of the release before may use, which is let through in between."""
    for left in reversed(range(MIGRATION_TRIES)):
        try:
            change()
        except FAILURES as error:
            if not left or getattr(getattr(error, "orig", None), "sqlstate", None) not in _TOO_BUSY:
                raise
        else:
            return
        threading.Event().wait(BETWEEN_TRIES)


def order_by_bytes(db: sa.Connection) -> None:
    """Let texts be in the order of their bytes, as SQLite has them, whatever language a database is for. The
    indexes of a column that is not in that order yet are made anew, table by table."""
    db.exec_driver_sql(f"SET lock_timeout = '{MIGRATION_LOCK_WITHIN}'")
    others = db.execute(_IN_OTHER_ORDER, {"tables": list(metadata.tables)}).all()
    for table in dict.fromkeys(row.table for row in others):
        each = [f'ALTER COLUMN "{row.column}" TYPE text COLLATE "C"' for row in others if row.table == table]
        db.exec_driver_sql(f'ALTER TABLE "{table}" {", ".join(each)}')


def _begun(made: sa.Engine) -> sa.Connection:
    db = made.connect()
    try:
        db.begin()
    except BaseException:
        db.close()
        raise
    return db
