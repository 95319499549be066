"""Signals as something to wait for, in the thread that takes them.

Not by `signal.sigtimedwait`: where the process was stopped and goes on, CPython's gives back a signal that
never came, or raises, if the time was up by then. Here a handler only leaves a byte to read, and nothing is
read that was not written.
"""

import select
import signal
import socket
from collections.abc import Iterable


class Signals:
    """From the moment that this is made, these signals wait to be taken. For the main thread."""

    def __init__(self, wanted: Iterable[signal.Signals]) -> None:
        self._wanted = tuple(wanted)
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        # A full pipe loses a signal of which so many wait already.
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for one in self._wanted:
            signal.signal(one, _leave_it)
        self._came: list[signal.Signals] = []

    def wait(self, patience: float) -> signal.Signals | None:
        """The next that came, in the order of coming; None: none within `patience` seconds."""
        if not self._came:
            select.select([self._reader], [], [], max(patience, 0))
            self._read()
        return self._came.pop(0) if self._came else None

    def restore(self, those: Iterable[signal.Signals]) -> None:
        """Let these do what they do by default."""
        for one in those:
            signal.signal(one, signal.SIG_DFL)

    def _read(self) -> None:
        try:
            numbers = self._reader.recv(4096)
        except BlockingIOError:
            return
        self._came += [one for number in numbers for one in self._wanted if one == number]


def _leave_it(_number: int, _frame: object) -> None:
    """The interpreter has written its number to the descriptor already."""
