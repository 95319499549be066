"""The daemon as the benchmark sees it: a configuration, a store filled by its own functions, a process.

What the rest of the benchmark knows of the product is in this file, in `inside.py` and in `history.py`.
"""

import http
import http.client
import json
import os
import shutil
import socket
import sqlite3
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench import profiling
from bench.processes import environment, running, tail
from daemon.config.load import load as load_config
from daemon.config.settings import Config
from daemon.core.model import Fact
from daemon.host import clock
from daemon.pipeline.events import Recorder
from daemon.store import database as databases
from daemon.wiring.endpoints import interests

FILES = {
    "token": "0770000000:demo",
    "http-token": "http-token-of-the-benchmark",
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
DATABASE = "yemotd.db"
BATCH = 1_000
"""Facts of one transaction while a store is filled."""
TEXT_BYTES = 240
"""Of each message, so that a body is about 600 bytes."""
READY_SECONDS = 60.0
_PAUSE = threading.Event()

HEAD = """\
[daemon]
database = "sqlite:///yemotd.db"
[http]
listen = "{listen}"
token_file = "http-token"
"""
SYSTEM = """\
[[systems]]
name = "{name}"
token_file = "token"
base_url = "{base_url}"
connect_timeout = "1s"
read_timeout = "5s"
deadline = "10s"
{watches}
"""
NOTHING_TO_POLL = '[systems.units]\nevery = "24h"\nbelow = 1'
WEBHOOK = """\
[[webhooks]]
name = "{name}"
url = "{url}"
secret_file = "secret"
events = ["{events}"]
max_in_flight = {in_flight}
"""
NOBODY = "http://127.0.0.1:9/"
"""Where nothing listens."""


@dataclass(frozen=True)
class Webhook:
    """An endpoint of the daemon."""

    url: str
    in_flight: int = 8
    name: str = "receiver"
    events: str = "sms.*"


def configure(
    directory: Path, webhooks: Sequence[Webhook], *, systems: Sequence[str] = (), listen: str = ""
) -> Path:
    """Write a configuration; without `systems` there is one that asks nobody anything."""
    text = HEAD.format(listen=listen)
    text += "".join(systems or [system("main", NOBODY, NOTHING_TO_POLL)])
    for one in webhooks:
        text += WEBHOOK.format(name=one.name, url=one.url, events=one.events, in_flight=one.in_flight)
    return written(directory, text)


def system(name: str, base_url: str, watches: str) -> str:
    """The table of one system."""
    return SYSTEM.format(name=name, base_url=base_url, watches=watches)


def written(directory: Path, text: str) -> Path:
    """A configuration and the secrets that it names, in files."""
    path = directory / "config.toml"
    for name, content in {**FILES, path.name: text}.items():
        file = directory / name
        file.touch(mode=0o600)
        file.write_text(content)
    return path


def loaded(path: Path) -> Config:
    """The configuration as the daemon reads it."""
    return load_config(path, os.environ).config


def fill(directory: Path, config: Config, many: int, *, lanes: int) -> None:
    """Events of received messages, with the deliveries that the configuration asks for."""
    fill_database(f"sqlite:///{directory / DATABASE}", config, many, lanes=lanes)


def fill_database(url: str, config: Config, many: int, *, lanes: int) -> None:
    """The same in any database."""
    recorder = Recorder(interests(config), clock.new_id)
    database = databases.open_for_daemon(url)
    try:
        for start in range(0, many, BATCH):
            facts = [_fact(number, lanes) for number in range(start, min(start + BATCH, many))]
            with database.write() as db:
                recorder.record(db, "main", facts, clock.utcnow())
    finally:
        database.close()


def _fact(number: int, lanes: int) -> Fact:
    sender = f"05{number % lanes:08}"
    message = {
        "from": sender,
        "to": "0770000000",
        "text": f"{number:09} ".ljust(TEXT_BYTES, "x"),
        "received_at": "2026-01-01T12:00:00+02:00",
        "server_date": "2026-01-01 12:00:00",
    }
    return Fact("sms.received", f"sms/{sender}", {"sms": message})


def copy_store(source: Path, target: Path) -> None:
    """A store that was filled before."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / DATABASE, target / DATABASE)


def fault_after_all_is_told(directory: Path, many: int) -> str:
    """What is not as it must be after all was delivered; "" when all is."""
    with closing(sqlite3.connect(directory / DATABASE)) as db:
        delivered = dict(db.execute("SELECT status, count(*) FROM deliveries GROUP BY status"))
        (attempts,) = db.execute(
            "SELECT (SELECT count(*) FROM attempts WHERE outcome = 'accepted')"
            " + (SELECT count(*) FROM deliveries WHERE first_started_at IS NOT NULL)"
        ).fetchone()
    faults = []
    if delivered != {"delivered": many}:
        faults.append(f"deliveries are {delivered}, not {many} delivered")
    if attempts != many:
        faults.append(f"{attempts} attempts for {many} deliveries")
    return "; ".join(faults)


@dataclass
class Daemon:
    """`yemotd run` at work."""

    pid: int
    log: Path
    ready_after: float
    """Seconds from the start of the process to READY=1."""
    log_from: int = 0
    """Where in the log it begins; before that are those that ran earlier."""

    @cached_property
    def http_port(self) -> int:
        """Of the HTTP side, as the daemon's log says, a moment after it is ready."""
        until = time.perf_counter() + READY_SECONDS
        while b'"daemon.ready"' not in self._logged() and time.perf_counter() < until:
            _PAUSE.wait(0.01)
        return int(self.said("daemon.ready")["http_port"])

    def ask(self, path: str) -> bytes:
        """A GET on a new connection, as a command or a script makes it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=60)
        try:
            connection.request("GET", path, headers={"authorization": f"Bearer {FILES['http-token']}"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"GET {path}: {answer.status} {body[:200]!r}")
            return body
        finally:
            connection.close()

    def said(self, event: str) -> dict[str, Any]:
        """The last line of the log with this name."""
        said = self._logged().decode().splitlines()
        lines: list[dict[str, Any]] = [json.loads(line) for line in said if line.startswith("{")]
        return [line for line in lines if line["event"] == event][-1]

    def _logged(self) -> bytes:
        """What it has logged, in whole lines."""
        with self.log.open("rb") as log:
            log.seek(self.log_from)
            return log.read().rpartition(b"\n")[0]

    def rss_mib(self) -> float:
        """Resident memory."""
        return rss_mib(self.pid)

    def cpu_seconds(self) -> float:
        """User and system time that it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def command(*words: str) -> list[str]:
    """A verb of yemotd, as a process."""
    return [sys.executable, *profiling.module("daemon"), *words]


def rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


@contextmanager
def daemon(config: Path, *, core: int | None) -> Iterator[Daemon]:
    """The daemon on a core of its own, from READY=1 on; stopped as a service manager stops it."""
    log = config.with_name("daemon.log")
    log_from = log.stat().st_size if log.exists() else 0
    words = command("run", "--config", config.name)
    with _manager(config.parent) as (address, manager):
        started_at = time.perf_counter()
        with running(words, log, core=core, env=environment(NOTIFY_SOCKET=address)) as process:
            manager.settimeout(READY_SECONDS)
            try:
                while b"READY=1" not in manager.recv(4096):
                    pass
            except TimeoutError:
                raise RuntimeError(f"the daemon did not start: {tail(log)}") from None
            yield Daemon(process.pid, log, time.perf_counter() - started_at, log_from)


@contextmanager
def simulator(directory: Path, *, core: int) -> Iterator["Simulated"]:
    """`yemotd simulate` in a process of its own."""
    log = directory / "simulator.log"
    words = [sys.executable, "-m", "daemon", "simulate", "--scenario", "quiet", "--port", "0"]
    with running(words, log, core=core, env=environment()) as process:
        until = time.perf_counter() + READY_SECONDS
        while "control" not in (said := log.read_text()):
            if time.perf_counter() > until or process.poll() is not None:
                raise RuntimeError(f"the simulator did not start: {said}")
            _PAUSE.wait(0.05)
        addresses = dict(line.split(maxsplit=1) for line in said.splitlines() if "http" in line)
        yield Simulated(addresses["API"], addresses["control"])


@dataclass(frozen=True)
class Simulated:
    """The simulated phone system, in another process."""

    base_url: str
    control_url: str

    def do(self, subject: str, **action: object) -> None:
        """Let something happen on it."""
        request = urllib.request.Request(
            f"{self.control_url}{FILES['token']}/{subject}",
            json.dumps(action).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


@contextmanager
def _manager(directory: Path) -> Iterator[tuple[str, socket.socket]]:
    """A service manager's end of the notify protocol."""
    path = directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        path.unlink(missing_ok=True)
        manager.bind(str(path))
        yield str(path), manager
