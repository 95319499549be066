"""Several daemons on one PostgreSQL: how they are set up, and what they cost while they are at it."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bench import product, services
from bench.product import Daemon
from daemon.core.ownership import HOUSE, Kind, Share, owner
from daemon.store import database as databases

NAMES = ("north", "south", "west")
LOOK_EVERY = 0.02
"""Seconds between two looks at who has the writers' lock, and who waits for it."""
PATIENCE = 300.0
"""Seconds: thousands of systems move a few at a time."""
HEAD = """\
[daemon]
database = "{url}"
member = "{member}"
drain = "3s"
[http]
listen = "127.0.0.1:0"
token_file = "http-token"
"""
KEY = "yemotd.key"
LOCK_KEY = 0x79656D6F74
"""Of who writes, as the store takes it."""
_LOCKS = (
    "SELECT count(*) FILTER (WHERE granted AND mode = 'ExclusiveLock'), count(*) FILTER (WHERE NOT granted)"
    " FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND classid = %s AND objid = %s"
)
_PAUSE = threading.Event()


class Postgresql:
    """A server with durable settings, which is gone with the measurement."""

    def __init__(self, dsn: str) -> None:
        said = conninfo_to_dict(dsn)
        self._host, self._port, self._user = said["host"], said["port"], said["user"]
        wait_until("started", self._is_there)
        with self.connect() as db:
            self._postmaster = _parent(db.info.backend_pid)

    def url(self, name: str) -> str:
        """As the daemon's configuration has it."""
        return f"postgresql+psycopg://{self._user}@{self._host}:{self._port}/{name}"

    def connect(self, name: str = "postgres") -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection; each statement is a transaction."""
        return psycopg.connect(
            f"host={self._host} port={self._port} user={self._user} dbname={name}", autocommit=True
        )

    def _is_there(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def create(self, name: str) -> str:
        """A database as a daemon leaves a new one; its URL."""
        with self.connect() as db:
            db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        databases.open_for_daemon(self.url(name)).close()
        return self.url(name)

    def cpu_seconds(self, but: int) -> float:
        """Of all its processes so far, those that have ended among them, without one session's."""
        children = [one for one in _pids() if _parent(one) == self._postmaster and one != but]
        ended = _ticks(self._postmaster, (11, 12, 13, 14))
        return (ended + sum(_ticks(one, (11, 12)) for one in children)) / os.sysconf("SC_CLK_TCK")


class Spent(NamedTuple):
    """What was used in a while."""

    seconds: float
    daemons: float
    """Seconds of CPU of all of them together."""
    server: float
    """Of PostgreSQL."""
    held: float
    """The share of the time in which somebody had the writers' lock for himself."""
    waiting: float
    """How many waited for it, on average."""


class Watch:
    """Looks at a group of daemons, and at their server, until it is asked."""

    def __init__(self, server: Postgresql, name: str, daemons: Sequence[Daemon]) -> None:
        self._server = server
        self._daemons = daemons
        self._db = server.connect(name)
        self._own = self._db.info.backend_pid
        self._looks: list[tuple[Any, ...]] = []
        self._is_over = threading.Event()
        self._began = time.perf_counter()
        self._before = self._cpu()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> Spent:
        """What was used since the beginning."""
        after, seconds = self._cpu(), time.perf_counter() - self._began
        self._is_over.set()
        self._thread.join()
        self._db.close()
        used = [now - then for now, then in zip(after, self._before, strict=True)]
        many = max(len(self._looks), 1)
        held, waiting = (sum(one[at] for one in self._looks) / many for at in (0, 1))
        return Spent(seconds, used[0], used[1], held, waiting)

    def _cpu(self) -> tuple[float, float]:
        return sum(one.cpu_seconds() for one in self._daemons), self._server.cpu_seconds(self._own)

    def _look(self) -> None:
        while not self._is_over.wait(LOOK_EVERY):
            found = self._db.execute(_LOCKS, (LOCK_KEY >> 32, LOCK_KEY & 0xFFFFFFFF)).fetchone()
            if found:
                self._looks.append(found)


@contextmanager
def postgresql(directory: Path) -> Iterator[Postgresql]:
    """One at work. Raises `MissingError`."""
    folder = directory / "postgresql"
    folder.mkdir()
    folder.chmod(0o755)  # it runs as a user of its own
    with services.postgres(folder) as dsn:
        yield Postgresql(dsn)


@dataclass
class Group:
    """Daemons that share a database; started and ended one by one."""

    server: Postgresql
    database: str
    """Its name."""
    directory: Path
    tables: str
    """Of the configuration, without what each has for itself."""
    shares: Sequence[Share]

    def __post_init__(self) -> None:
        self.running: dict[str, Daemon] = {}
        self._ends: dict[str, ExitStack] = {}

    @property
    def daemons(self) -> list[Daemon]:
        return list(self.running.values())

    def start(self, member: str) -> None:
        """One more, from its READY=1 on."""
        folder = self.directory / member
        folder.mkdir(parents=True, exist_ok=True)
        if self.running:
            other = self.directory / next(iter(self.running)) / KEY
            shutil.copy(other, folder / KEY)
        head = HEAD.format(url=self.server.url(self.database), member=member)
        config = product.written(folder, head + self.tables)
        ends = self._ends[member] = ExitStack()
        self.running[member] = ends.enter_context(product.daemon(config, core=None))

    def ended(self, member: str) -> None:
        """It was killed, or is ended now."""
        del self.running[member]
        self._ends.pop(member).close()

    def settle(self) -> None:
        """Wait until each has what falls to it."""
        wanted = {(one.kind.value, one.name): owner(one, self.running) for one in self.shares}
        until = time.perf_counter() + PATIENCE
        while self.holdings() != wanted:
            if time.perf_counter() > until:
                raise RuntimeError(f"{len(self.running)} members do not share all out in {PATIENCE:g} s")
            _PAUSE.wait(0.25)

    def holdings(self) -> dict[tuple[str, str], str | None]:
        """Who has what."""
        with self.server.connect(self.database) as db:
            found = db.execute("SELECT kind, name, member FROM holdings").fetchall()
        return {(str(kind), str(name)): None if of is None else str(of) for kind, name, of in found}

    def watch(self) -> Watch:
        return Watch(self.server, self.database, self.daemons)


@contextmanager
def group(
    server: Postgresql,
    database: str,
    directory: Path,
    tables: str,
    *,
    systems: Sequence[str],
    endpoints: Sequence[str],
) -> Iterator[Group]:
    """Daemons on a database that was created before."""
    shares = [Share(Kind.DUTY, HOUSE)]
    shares += [Share(Kind.SYSTEM, one) for one in systems]
    shares += [Share(Kind.ENDPOINT, one) for one in endpoints]
    made = Group(server, database, directory, tables, shares)
    try:
        yield made
    finally:
        for one in list(made.running):
            made.ended(one)


def wait_until(what: str, is_so: Callable[[], bool], *, within: float = PATIENCE) -> None:
    """Raises RuntimeError where it is not so in time."""
    until = time.perf_counter() + within
    while not is_so():
        if time.perf_counter() > until:
            raise RuntimeError(f"not {what} in {within:g} s")
        _PAUSE.wait(0.1)


def pause(lasts: timedelta) -> None:
    """Let it go on for a while."""
    _PAUSE.wait(lasts.total_seconds())


def _pids() -> list[int]:
    return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal()]


def _stat(pid: int) -> list[str]:
    """From the third field on; nothing where the process has just ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _ticks(pid: int, fields: Sequence[int]) -> int:
    found = _stat(pid)
    return sum(int(found[one]) for one in fields) if found else 0
