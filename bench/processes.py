"""Processes of a measurement: started on a core of their own, and ended whatever happens."""

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

TOP = Path.cwd()
"""Of the repository: `python -m bench` is run from there."""
USABLE = frozenset(os.sched_getaffinity(0))
"""Cores that we may use; read before the benchmark pins itself."""
PATIENCE = 20.0
"""Seconds that a process has to end when it is asked to."""


class Cores(NamedTuple):
    """Who runs where. On a machine with one core both are the same, and the figures say little."""

    sender: int
    receiver: int


def cores() -> Cores:
    """The first two cores that this process may use."""
    usable = sorted(USABLE)
    return Cores(usable[0], usable[min(1, len(usable) - 1)])


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """What is started within runs on this core only; None: wherever there is room."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, USABLE if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def environment(**more: str) -> dict[str, str]:
    """Ours, with compiled modules kept: half of a start is compiling them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(TOP), **more}


@contextmanager
def running(
    words: Sequence[str], log: Path, *, core: int | None = None, env: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program at work, what it says in a file; ended with SIGTERM, killed if it stays."""
    process = launch(words, log, core=core, env=env)
    try:
        yield process
    finally:
        end(process)


def launch(
    words: Sequence[str], log: Path, *, core: int | None = None, env: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Start a program, whose end is the caller's matter."""
    with log.open("ab") as said, pinned(core):
        return subprocess.Popen(
            list(words),
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=dict(env if env is not None else environment()),
            start_new_session=True,
        )


def end(process: "subprocess.Popen[bytes]") -> int:
    """SIGTERM, and its exit code; killed if it does not end."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def tail(log: Path, lines: int = 5) -> str:
    """The last that a program said."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
