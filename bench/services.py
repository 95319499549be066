"""What peers need beside them: Redis, PostgreSQL, Alertmanager. Debian's packages, on loopback.

A service may use both cores: that is generous to the peers, whose worker has one.
"""

import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import free_port, running, tail

READY_SECONDS = 30.0
_PAUSE = threading.Event()


class MissingError(Exception):
    """A part that a peer needs is not on this machine. The message says how to get it."""


@contextmanager
def redis(directory: Path) -> Iterator[str]:
    """A Redis with its defaults (it saves now and then, and keeps no log); its URL."""
    program = _found("redis-server", "redis-server")
    port = free_port()
    words = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)]
    log = directory / "redis.log"
    with running(words, log):
        wait_for(port, log)
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgres(directory: Path) -> Iterator[str]:
    """A PostgreSQL with its defaults, fsync among them; its DSN."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise MissingError("no PostgreSQL; apt-get install postgresql")
    data, log, port = directory / "postgres", directory / "postgres.log", free_port()
    data.mkdir()
    log.touch()
    as_somebody = _as_somebody(data)
    subprocess.run(
        [*as_somebody, str(found[-1]), "-D", str(data / "data"), "-U", "bench", "-A", "trust", "-E", "UTF8"],
        cwd="/",
        check=True,
        capture_output=True,
    )
    server = [str(found[-1].with_name("postgres")), "-D", str(data / "data"), "-p", str(port)]
    settings = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}"]
    with running([*as_somebody, *server, *settings], log) as process:
        wait_for(port, log)
        yield f"host=127.0.0.1 port={port} user=bench dbname=postgres"
        # Its "fast" end: clients are sent away, and the data is written.
        process.send_signal(2)


def alertmanager() -> str:
    """The program of Prometheus' Alertmanager."""
    return _found("prometheus-alertmanager", "prometheus-alertmanager")


def _found(program: str, package: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise MissingError(f"no {program}; apt-get install {package}")
    return path


def _as_somebody(data: Path) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise MissingError("no user postgres; apt-get install postgresql") from None
    shutil.chown(data, "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--reset-env"]


def wait_for(port: int, log: Path) -> None:
    """Until something listens there."""
    until = time.perf_counter() + READY_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.perf_counter() > until:
                raise RuntimeError(f"port {port} stays closed: {tail(log)}") from None
            _PAUSE.wait(0.05)
