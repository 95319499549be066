"""What stands between those who log and those who read: a queue with a bound, and a thread that empties it.

A pipe that nobody reads, a log driver that has stopped or a full disk holds up this thread and nobody else.
What does not fit meanwhile is dropped and counted, and told when there is room again.
"""

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable

MOST_LINES = 10_000
MOST_CHARACTERS = 8 * 1024 * 1024
"""Of lines that wait."""
LOOK_SECONDS = 1.0
"""How often it is looked whether there is something to tell that no line brings up."""


class Writer:
    """Takes lines from any thread at once, and hands them on in their order."""

    def __init__(
        self,
        deliver: Callable[[str], None],
        *,
        dropped: Callable[[int], str],
        more: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """`deliver` may wait as long as it likes; OSError: the line is nowhere. `dropped` says that so many
        lines are missing here. `more`: what else there is to say by now."""
        self._deliver = deliver
        self._say_dropped = dropped
        self._more = more
        self._lines: deque[tuple[str, int]] = deque()
        """Each with the number of lines that are missing where it is."""
        self._characters = 0
        self._dropped = 0
        self._changed = threading.Condition()
        self._is_writing = False
        self._thread: threading.Thread | None = None

    def put(self, line: str) -> None:
        """Take a line, or drop it. Never waits for those who read."""
        with self._changed:
            if len(self._lines) >= MOST_LINES or self._characters + len(line) > MOST_CHARACTERS:
                self._dropped += 1
                return
            self._tell_dropped()
            self._add(line, 1)
            if self._thread is None:
                self._thread = self._started()
            self._changed.notify_all()

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="log", daemon=True)
        # It inherits the mask: signals are for the thread that waits for them.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return thread

    def flush(self, seconds: float) -> bool:
        """Wait until all is written, at most so long; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines and not self._is_writing, seconds)

    def _run(self) -> None:
        while True:
            for line in self._more():
                self.put(line)
            with self._changed:
                if not self._lines:
                    self._changed.wait(LOOK_SECONDS)
                    continue
                line, stands_for = self._lines.popleft()
                self._characters -= len(line)
                self._is_writing = True
            is_written = self._written(line)
            with self._changed:
                self._is_writing = False
                if not is_written:
                    self._dropped += stands_for
                elif not self._lines:
                    self._tell_dropped()
                self._changed.notify_all()

    def _written(self, line: str) -> bool:
        try:
            self._deliver(line)
        except (OSError, ValueError):  # the other end has left, or the stream was closed
            return False
        return True

    def _tell_dropped(self) -> None:
        if self._dropped:
            self._add(self._say_dropped(self._dropped), self._dropped)
            self._dropped = 0

    def _add(self, line: str, stands_for: int) -> None:
        self._lines.append((line, stands_for))
        self._characters += len(line)
