"""The daemon in a soak: started, stopped, killed, its clock set, its log left unread."""

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

from tests.support.process import Process
from tests.support.wall import Wall


class Victim(Process):
    """`yemotd run` under a clock that can be set, and with a reader of its log that can look away."""

    def __init__(self, directory: Path, configuration: str, **places: str) -> None:
        super().__init__(directory, configuration, **places)
        self.wall = Wall(directory)
        self.offset = 0.0
        self._is_reading = threading.Event()
        self._is_reading.set()

    def begin(self) -> None:
        """Start, and wait until it is ready."""
        self.read_on()
        self.start(**self.wall.environment)

    def set_clock(self, seconds: float) -> None:
        """So far from the real one."""
        self.offset = seconds
        self.wall.set(seconds)

    def look_away(self) -> None:
        """Read the log no more: its pipe fills."""
        self._is_reading.clear()

    def read_on(self) -> None:
        self._is_reading.set()

    def is_gone(self) -> bool:
        """Whether the process has ended."""
        return self._running is None or self._running.poll() is not None

    def end(self, how: signal.Signals) -> int:
        """End it by a signal, and say how it went."""
        self.read_on()
        self.signal(signal.SIGCONT)
        self.signal(how)
        return self.wait(timeout=60)

    def memory(self) -> int:
        """Resident, in MiB."""
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) // 1024

    def descriptors(self) -> int:
        """Open files and sockets."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def said(self, *events: str) -> list[dict[str, Any]]:
        """Lines of the log of these events."""
        with self._said:
            return [line for line in self.lines if line.get("event") in events]

    def _read(self, running: "subprocess.Popen[str]") -> None:
        assert running.stderr
        with running.stderr:
            for line in running.stderr:
                self._is_reading.wait()
                self._take(line)
