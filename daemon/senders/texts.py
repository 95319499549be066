"""SMS as one more way out of the dispatcher: a thread for each phone that is told.

    start      the dispatcher's thread   gives the message to its endpoint's thread
    tell       the endpoint's thread     writes the intent, sends, writes what came of it
    finished   the dispatcher's thread   what ended

What is told, and whether it may be, is not decided here.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from queue import SimpleQueue

import structlog

from daemon.core.delivery.outcome import Attempted, Message, Outcome

log = structlog.get_logger()

Tell = Callable[[Message], Attempted]
"""Tells one message, at most once, and says how that ended."""


@dataclass
class _Worker:
    """One endpoint's thread, and what it is to do."""

    jobs: "SimpleQueue[Message | None]" = field(default_factory=SimpleQueue)
    thread: threading.Thread | None = None


class TextSender:
    """SMS under way. All but `tell` belongs to one thread. An attempt takes as long as `tell` does, which has
    its own deadlines: one that is given up here might be sent all the same."""

    patience: tuple[float, ...] = ()
    """Nobody has to look before one ended."""

    def __init__(self, tell: Tell, *, now: Callable[[], datetime], wake: Callable[[], None]) -> None:
        self._tell = tell
        self._now = now
        self._wake = wake
        self._workers: dict[str, _Worker] = {}
        self._in_flight: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ended: list[Attempted] = []

    def start(self, message: Message) -> None:
        """Begin one attempt."""
        worker = self._workers.setdefault(message.endpoint, _Worker())
        if worker.thread is None or not worker.thread.is_alive():
            # A daemon: an API that hangs must not keep the process; what it sends is unknown then.
            worker.thread = threading.Thread(target=self._run, args=(worker,), name="texts", daemon=True)
            worker.thread.start()
        self._in_flight[message.endpoint] += 1
        worker.jobs.put(message)

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""
        return self._in_flight[endpoint]

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._in_flight.total()

    def finished(self) -> list[Attempted]:
        """Attempts that ended. Never waits."""
        with self._lock:
            ended, self._ended = self._ended, []
        self._in_flight.subtract(one.message.endpoint for one in ended)
        return ended

    def close(self) -> None:
        """Begin nothing more."""
        for worker in self._workers.values():
            worker.jobs.put(None)

    def _run(self, worker: _Worker) -> None:
        while (message := worker.jobs.get()) is not None:
            started_at = self._now()
            try:
                ended = self._tell(message)
            except Exception:  # must not end the thread; whether it left, the store says at the next attempt
                log.exception("texts.crashed", endpoint=message.endpoint, event_id=message.event)
                why = "a fault of our own: see the log"
                ended = Attempted(message, Outcome.FAILED, started_at, error=why, is_our_fault=True)
            with self._lock:
                self._ended.append(ended)
            self._wake()
