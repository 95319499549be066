"""What stands between those who log and those who read: a queue with a bound, and a thread that empties it.

A pipe that nobody reads, a log driver that has stopped or a full disk holds up this thread and nobody else.
What does not fit meanwhile is dropped and counted, and told when there is room again.

Who puts a line in waits for no lock: whoever held it might be stopped in the middle by a finalizer that logs,
or wait for something that this one holds. So each number is written by one side only, and read by the other.
"""

import signal
import threading
from _thread import start_new_thread
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import NamedTuple

MOST_LINES = 10_000
MOST_CHARACTERS = 8 * 1024 * 1024
"""Of lines that wait."""
LOOK_SECONDS = 1.0
"""How often it is looked whether there is something to tell that no line brings up."""


class _Line(NamedTuple):
    text: str
    stands_for: int
    """The number of lines that are missing where this one is not written."""


@dataclass
class _Sum:
    """Of the lines that passed a place."""

    lines: int = 0
    characters: int = 0

    def add(self, text: str) -> None:
        self.lines += 1
        self.characters += len(text)


class Writer:
    """Takes lines, and hands them on in their order. For one caller at a time, in whichever thread."""

    def __init__(
        self,
        deliver: Callable[[str], None],
        *,
        dropped: Callable[[int], str],
        more: Callable[[], None] = lambda: None,
    ) -> None:
        """`deliver` may wait as long as it likes; OSError: the line is nowhere. `dropped` says that so many
        lines are missing here. `more`, which must not wait, puts in what else there is to say by now."""
        self._deliver = deliver
        self._say_dropped = dropped
        self._more = more
        self._queue: SimpleQueue[_Line | Callable[[], None]] = SimpleQueue()
        self._put = _Sum()
        self._dropped = 0
        self._is_started = False
        self._done = _Sum()
        """By the thread, as the next."""
        self._failed = 0

    def put(self, line: str) -> None:
        """Take a line, or drop it."""
        if not self._has_room(len(line)):
            self._dropped += 1
            return
        self.tell_dropped()
        self._add(line, 1)

    def tell_dropped(self) -> None:
        """Say how many lines are missing, where there is something to say, and room for it."""
        if self._dropped and self._has_room(0):
            self._add(self._say_dropped(self._dropped), self._dropped)
            self._dropped = 0

    def call_when_written(self, call: Callable[[], None]) -> None:
        """Call it once nothing waits any more; `call` must not wait."""
        if self._is_started:
            self._queue.put(call)
        else:
            call()

    def _has_room(self, characters: int) -> bool:
        lines = self._put.lines - self._done.lines
        waiting = self._put.characters - self._done.characters
        return lines < MOST_LINES and waiting + characters <= MOST_CHARACTERS

    def _add(self, text: str, stands_for: int) -> None:
        self._queue.put(_Line(text, stands_for))
        self._put.add(text)
        if not self._is_started:
            self._start()

    def _start(self) -> None:
        """Not by `threading`, which takes a lock, and waits for the new thread."""
        # It inherits the mask: signals are for the thread that waits for them.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            start_new_thread(self._run, ())
            self._is_started = True
        except RuntimeError:  # there are too many threads; the next line tries again
            return
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _run(self) -> None:
        threading.current_thread().name = "log"
        while True:
            try:
                one = self._queue.get(timeout=LOOK_SECONDS)
            except Empty:
                self._more()
                continue
            if isinstance(one, _Line):
                self._write(one)
                if self._is_done():
                    self._more()
                continue
            self._more()
            if self._is_done():
                one()
            else:
                self._queue.put(one)

    def _is_done(self) -> bool:
        return self._done.lines >= self._put.lines

    def _write(self, line: _Line) -> None:
        is_written = self._failed_is_told() and self._is_delivered(line.text)
        if not is_written:
            self._failed += line.stands_for
        self._done.add(line.text)

    def _failed_is_told(self) -> bool:
        if self._failed and self._is_delivered(self._say_dropped(self._failed)):
            self._failed = 0
        return not self._failed

    def _is_delivered(self, text: str) -> bool:
        try:
            self._deliver(text)
        except (OSError, ValueError):  # the other end has left, or the stream was closed
            return False
        return True
