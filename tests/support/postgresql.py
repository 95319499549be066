"""A PostgreSQL for one run of the tests, thrown away with it, and empty databases on it by the hundred.

One server for all processes of a run. It is started by whoever needs it first, and lasts as long as one of
them lives: each holds a lock on a file in the run's folder, and a guardian who waits for that lock, which the
kernel gives him however they end, stops the server and clears its folder.

A database is copied from one that the store has made, and used again once it is as it was: what has rows is
emptied, numbers begin anew. That takes a sixth of another copy (6 ms, 37 ms).
"""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, LiteralString

import psycopg
from psycopg import sql

from daemon.store import database as databases

NEEDED = ("postgres", "setpriv", "flock")
"""Programs, as `parts.py` knows them."""
USER = "yemotd"
OF_ROOT = "postgres"
"""Who runs it where we are root: it refuses root."""
TEMPLATE, MAINTENANCE = "made_by_the_store", "postgres"
TRIES = 5
"""Of starting it: another program may take its port first."""
INIT = (
    *("--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-sync", "--locale", "C.UTF-8"),
    # As on most servers, text is not in the order of its bytes.
    *("--locale-provider", "icu", "--icu-locale", "en-US"),
)
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "Asia/Jerusalem",  # the store's times do not depend on it
}
GUARDIAN = '(exec 9>>"$1"; flock --exclusive 9; folder=$2; shift 2; "$@"; rm -rf "$folder") &'
"""What waits for the lock, beside us, and clears up while it has it."""
STRUCTURE = """
    SELECT md5(string_agg(format('%s %s %s %s %s', relname, attname, atttypid, attnotnull, atthasdef), ','
                          ORDER BY relname, attnum)),
           (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
           (SELECT string_agg(version_num, ',') FROM alembic_version)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace
"""
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
NUMBERS_ANEW = """
    SELECT setval(seqrelid::regclass, seqstart, false)
    FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid
    WHERE relnamespace = 'public'::regnamespace
"""
ENDED = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
"""Sessions that a test has left, or that are about to end: one that is about to still has its locks."""


class Server:
    """A server of one's own, which can be stopped and started again; `make` makes it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    @classmethod
    def make(cls, held: Path) -> "Server":
        """Make and start one that lasts as long as somebody holds a lock on that file."""
        folder = Path(tempfile.mkdtemp(prefix="yemotd-postgresql-"))
        one = cls(folder, 0)
        if os.geteuid() == 0:
            shutil.chown(folder, OF_ROOT, OF_ROOT)
        subprocess.run(
            [
                "/bin/sh",
                "-c",
                GUARDIAN,
                "guardian",
                str(held),
                str(folder),
                *one._control("stop", "--mode=immediate"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            check=True,
            start_new_session=True,  # what ends us by the terminal is not meant for him
        )
        one._run(*_as_user(), "initdb", *INIT, "--pgdata", str(one._data))
        one._start_anywhere()
        return one

    def url(self, name: str = MAINTENANCE) -> str:
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{name}"

    def connect(self, name: str = MAINTENANCE) -> psycopg.Connection:
        """A connection beside those of the store; each statement is a transaction."""
        return psycopg.connect(host="127.0.0.1", port=self.port, user=USER, dbname=name, autocommit=True)

    def start(self) -> None:
        """Start it, on its port; it is ready when this returns."""
        settings = {**SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._run(*self._control("start", f"--log={self.folder / 'log'}", f"--options={options}"))

    def stop(self) -> None:
        """End it as an administrator does: transactions are undone, connections cut."""
        self._run(*self._control("stop", "--mode=fast"))

    def kill(self) -> None:
        """End it as a crash does: what comes next recovers from its log."""
        self._run(*self._control("stop", "--mode=immediate"))

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _control(self, verb: str, *words: str) -> list[str]:
        return [*_as_user(), "pg_ctl", verb, "--wait", "--silent", f"--pgdata={self._data}", *words]

    def _start_anywhere(self) -> None:
        for left in reversed(range(TRIES)):
            self.port = _free_port()
            try:
                self.start()
            except AssertionError:
                if not left:
                    raise
            else:
                return

    def _run(self, *words: str) -> None:
        """To a file: a server that is started keeps open what it was given."""
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", check=False
            )
            said.seek(0)
            assert done.returncode == 0, f"{' '.join(words)}: {said.read()}{self._log()}"

    def _log(self) -> str:
        with suppress(OSError):
            return (self.folder / "log").read_text(errors="replace")[-4000:]
        return ""


@contextmanager
def own_server(folder: Path) -> Iterator[Server]:
    """A server that a test may stop and start again; `folder` is the test's."""
    with (folder / "server.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        yield Server.make(folder / "server.lock")


class Run:
    """What one process has of the run's server: it shares it with the others by files in the run's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: IO[str] | None = None
        self._server: Server | None = None
        self._control: psycopg.Connection | None = None
        self._structure: object = None
        """Of a database as it was made."""
        self._tables: list[str] = []
        self._free: list[str] = []
        """Databases that are as they were made."""
        self._given: dict[str, bool] = {}
        """Databases that somebody uses, and whether they may be used again."""
        self._made = 0

    @property
    def server(self) -> Server:
        """Started by the first who asks, of all processes."""
        if self._server is None:
            with (self._folder / "postgresql.starting").open("a") as alone:
                fcntl.flock(alone, fcntl.LOCK_EX)
                self._held = (self._folder / "postgresql.held").open("a")
                # The guardian of one before may be about to clear up; then this waits for him.
                fcntl.flock(self._held, fcntl.LOCK_SH)
                self._server = self._found() or self._start()
        return self._server

    def url(self) -> str:
        """Of a database as a daemon leaves a new one: with all tables, and no row."""
        name = self._free.pop() if self._free else self._copied()
        self._given[name] = True
        return self.server.url(name)

    def empty_url(self) -> str:
        """Of a database without tables."""
        name = self._create("template0")
        self._given[name] = False
        return self.server.url(name)

    def take_back(self, url: str) -> None:
        """Somebody is done with a database."""
        name = url.rpartition("/")[2]
        may_be_used_again = self._given.pop(name)
        self._ask(ENDED, name)
        if may_be_used_again and self._is_as_it_was(name):
            self._free.append(name)
        else:
            self._ask(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def take_back_all(self) -> None:
        """A test is over."""
        for name in [*self._given]:
            self.take_back(name)

    def close(self) -> None:
        """This process needs the server no more."""
        if self._control is not None:
            self._control.close()
        if self._held is not None:
            self._held.close()

    def _found(self) -> Server | None:
        with suppress(FileNotFoundError):
            said = json.loads((self._folder / "postgresql.json").read_text())
            server = Server(Path(said["folder"]), said["port"])
            return server if server.folder.exists() else None
        return None

    def _start(self) -> Server:
        server = Server.make(self._folder / "postgresql.held")
        with closing(server.connect()) as control:
            control.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        databases.open_for_daemon(server.url(TEMPLATE)).close()
        with closing(server.connect()) as control:
            control.execute(ENDED, (TEMPLATE,))
        said = {"folder": str(server.folder), "port": server.port}
        (self._folder / "postgresql.json").write_text(json.dumps(said))
        return server

    def _copied(self) -> str:
        name = self._create(TEMPLATE)
        if self._structure is None:
            with closing(self.server.connect(name)) as db:
                self._structure = db.execute(STRUCTURE).fetchone()
                self._tables = [table for (table,) in db.execute(TABLES) if table != "alembic_version"]
        return name

    def _create(self, template: str) -> str:
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        words = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._ask(words.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def _is_as_it_was(self, name: str) -> bool:
        """Whether a database has again what a new one has: no row, the first numbers, the same tables."""
        try:
            with closing(self.server.connect(name)) as db:
                if db.execute(STRUCTURE).fetchone() != self._structure:
                    return False
                if filled := [table for (table,) in db.execute(_filled(self._tables))]:
                    tables = sql.SQL(", ").join(map(sql.Identifier, filled))
                    db.execute(sql.SQL("TRUNCATE {} CASCADE").format(tables))
                db.execute(NUMBERS_ANEW)
        except psycopg.Error:
            return False
        return True

    def _ask(self, statement: sql.Composed | LiteralString, *values: str) -> None:
        if self._control is None:
            self._control = self.server.connect()
        self._control.execute(statement, values)


_run: list[Run] = []
"""The one of this process."""


@contextmanager
def run(folder: Path) -> Iterator[None]:
    """A run of tests, in a folder that its processes share. A server is started once one of them needs it."""
    one = Run(folder)
    _run.append(one)
    yield
    _run.remove(one)
    one.close()


def this_run() -> Run:
    return _run[-1]


def url() -> str:
    """Of a database of the test's own, as a daemon leaves a new one."""
    return this_run().url()


def empty_url() -> str:
    """Of a database of the test's own without tables."""
    return this_run().empty_url()


def _filled(tables: list[str]) -> sql.Composed:
    """Which of these tables have rows."""
    each = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
    asked = [each.format(sql.Literal(table), sql.Identifier(table)) for table in tables]
    return sql.SQL(" UNION ALL ").join(asked)


def _as_user() -> list[str]:
    """What a program of PostgreSQL's is called by."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={OF_ROOT}", f"--regid={OF_ROOT}", "--init-groups"]


def _free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
