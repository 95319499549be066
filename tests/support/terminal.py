"""Somebody at a terminal: a program on a pseudo-terminal of its own, what it shows, and what is typed."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daemon.host.clock import monotonic
from tests.support.process import inherited

LAUNCHED = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    " os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes the terminal that of the program, as a login does, and becomes it."""
PATIENCE = 120.0
"""Seconds for what is waited for: both cores may be busy."""
CONTROL = re.compile(r"\x1b|[\x00-\x08\x0b\x0c\x0e-\x1f]")


class TerminalSession:
    """`yemotd …` at a terminal, or another program. A context manager, which kills what still runs."""

    def __init__(
        self,
        directory: Path,
        *words: str,
        columns: int = 60,
        environment: dict[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "daemon"),
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        given = {**inherited(), "TERM": "dumb", "NO_COLOR": "1", **(environment or {})}
        for name in ("COLUMNS", "LINES", "YEMOTD_CONFIG", "CREDENTIALS_DIRECTORY"):
            given.pop(name, None)
        self._running = subprocess.Popen(
            [sys.executable, "-c", LAUNCHED, *program, *words],
            cwd=directory,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=given,
        )
        self._their_settings = os.dup(theirs)
        os.close(theirs)
        self.shown = ""
        """Everything so far, as a terminal got it."""
        self._read_to = 0

    def __enter__(self) -> "TerminalSession":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._running.poll() is None:
            self._running.kill()
        self._running.wait(PATIENCE)
        os.close(self._ours)
        os.close(self._their_settings)

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def is_echoing(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._their_settings)[3] & termios.ECHO)

    def expect(self, text: str, *, is_hidden: bool = False) -> str:
        """Wait until it is shown after what was waited for before, whatever the lines; all up to its end.
        `is_hidden`: and until what is typed would not be shown."""
        deadline = monotonic() + PATIENCE
        pattern = re.compile(r"\s+".join(map(re.escape, text.split())))
        while (found := pattern.search(self.shown, self._read_to)) is None or (is_hidden and self.is_echoing):
            assert self._take(deadline - monotonic()), f"{text!r} does not come:\n{self.shown}"
        before, self._read_to = self._read_to, found.end()
        return self.shown[before : found.end()]

    def answer(self, question: str, line: str, *, is_hidden: bool = False) -> None:
        """Wait for a question, and answer it."""
        self.expect(question, is_hidden=is_hidden)
        self.type(line)

    def read(self, seconds: float) -> None:
        """Take in what is shown meanwhile."""
        self._take(seconds)

    def type(self, line: str) -> None:
        os.write(self._ours, f"{line}\n".encode())

    def press(self, sign: bytes) -> None:
        os.write(self._ours, sign)

    def signal(self, number: signal.Signals) -> None:
        self._running.send_signal(number)

    def end(self) -> int:
        """All that is still shown, and the exit code."""
        deadline = monotonic() + PATIENCE
        while self._take(deadline - monotonic()):
            pass
        return self._running.wait(PATIENCE)

    def _take(self, seconds: float) -> bool:
        """What is shown next; False: nothing came, or nothing can."""
        slice_ = min(max(seconds, 0), 0.1)
        ready, _, _ = select.select([self._ours], [], [], slice_)
        if ready:
            try:
                self.shown += os.read(self._ours, 65536).decode("utf-8", "replace")
            except OSError:
                return False
            return True
        return seconds > 0 and self._running.poll() is None
