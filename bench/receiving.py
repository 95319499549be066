"""The receiver: `receiver.c`, compiled and run in a process of its own on a core of its own."""

import array
import selectors
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from bench.processes import PATIENCE, environment, pinned

SOURCE = Path(__file__).with_name("receiver.c")
SECOND = 1_000_000_000
LOOK_EVERY = 5.0
"""Seconds between looks at whether anything still arrives."""


class NoCompilerError(Exception):
    """There is nothing that compiles the receiver."""


class Count(NamedTuple):
    """What has arrived so far; times in nanoseconds of the monotonic clock."""

    requests: int
    first: int
    last: int
    bytes: int


class Receiver:
    """One receiver at work."""

    def __init__(self, process: "subprocess.Popen[bytes]", directory: Path) -> None:
        self._process = process
        self._directory = directory
        self.port = int(self._read("port").split()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def count(self) -> Count:
        """How many have come so far."""
        self._say("report")
        return _count(self._read("count"))

    def expect(self, many: int, *, within: float, stalled: float) -> Count:
        """Wait until so many have come: at most `within` seconds, and at most `stalled` while none comes."""
        self._say(f"expect {many}")
        started_at = quiet_since = time.monotonic_ns()
        seen = Count(-1, 0, 0, 0)
        while seen.requests < many:
            if self._is_readable(min(LOOK_EVERY, stalled)):
                seen = _count(self._read("reached"))
                continue
            before, seen, at = seen, self.count(), time.monotonic_ns()
            if seen.requests != before.requests:
                quiet_since = at
            if at - started_at > within * SECOND or at - quiet_since > stalled * SECOND:
                break
        return seen

    def arrivals(self) -> "array.array[int]":
        """When each request came, in nanoseconds."""
        path = self._directory / "arrivals"
        self._say(f"dump {path}")
        self._read("dumped")
        found = array.array("Q")
        found.frombytes(path.read_bytes())
        return found

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def _is_readable(self, timeout: float) -> bool:
        assert self._process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            return bool(selector.select(timeout))

    def _read(self, word: str) -> str:
        """The next line that begins with this word."""
        assert self._process.stdout
        while self._is_readable(PATIENCE):
            line = self._process.stdout.readline().decode()
            if line.startswith(word):
                return line
        raise TimeoutError("the receiver does not answer")


def compiled(directory: Path) -> Path:
    """The receiver as a program."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NoCompilerError("no C compiler; as root: apt-get install gcc libc6-dev")
    program = directory / "receiver"
    subprocess.run([compiler, "-O2", "-o", str(program), str(SOURCE)], check=True)
    return program


@contextmanager
def receiver(
    program: Path,
    directory: Path,
    *,
    core: int,
    most: int,
    delay_ms: int = 0,
    answers: Mapping[str, Path] = MappingProxyType({}),
) -> Iterator[Receiver]:
    """A receiver that remembers at most `most` arrivals; `answers`: JSON files by a part of the path."""
    given = [word for part, path in answers.items() for word in (part, str(path))]
    with pinned(core):
        process = subprocess.Popen(
            [str(program), str(most), str(delay_ms), *given],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )
    try:
        yield Receiver(process, directory)
    finally:
        assert process.stdin and process.stdout
        process.stdin.close()  # which ends it
        process.stdout.close()
        process.wait(10)


def _count(line: str) -> Count:
    return Count(*map(int, line.split()[1:]))
