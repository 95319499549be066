"""The parts that run by themselves, each in its thread: one that has ended is started again.

A part ends by an error that nobody planned. What it had in hand is in the store, or with those who go on; so
it begins anew where it was, and others are told. One that ends again and again is not mended by that: then
the process ends, and the service manager starts it whole.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from daemon.core.wishes import where

log = structlog.get_logger()

MOST_RESTARTS = 5
"""Of one part …"""
WITHIN = timedelta(minutes=10)
"""… within this time; once more, and it is given up."""
UNKNOWN = "an error that left no trace"


@dataclass(frozen=True)
class Restart:
    """A part that had ended, and was started again."""

    name: str
    error: str
    many: int
    """How often within `WITHIN`."""


class Part(Protocol):
    """What runs by itself."""

    def start(self) -> None:
        """Begin, or begin again."""

    @property
    def is_alive(self) -> bool:
        """Whether it goes on."""

    @property
    def error(self) -> str | None:
        """What it ended by."""


class Looping:
    """A part that is one thread, which calls one function."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self.name = name
        self.error: str | None = None
        self._run = run
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, or begin again."""
        self._thread = threading.Thread(target=self._guarded, name=self.name, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether its thread is there."""
        return self._thread is not None and self._thread.is_alive()

    def join(self, timeout: float) -> None:
        """Wait for its end."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _guarded(self) -> None:
        try:
            self._run()
        except Exception as error:
            self.error = where(error)
            log.exception("part.ended", part=self.name)


@dataclass
class _Watched:
    part: Part
    restarts: deque[float] = field(default_factory=deque)
    """When, by the monotonic clock."""


class Supervisor:
    """Looks after the parts. `tend` is for one thread; `ended` for all."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.given_up: str | None = None
        """The part that ended too often."""
        self._monotonic = monotonic
        self._parts: dict[str, _Watched] = {}

    def start(self, name: str, part: Part) -> None:
        """Start a part, and look after it from now on."""
        part.start()
        self._parts[name] = _Watched(part)

    def rest(self, name: str) -> None:
        """Look after a part no more: it is to end."""
        self._parts = {other: one for other, one in self._parts.items() if other != name}

    @property
    def started(self) -> Mapping[str, Part]:
        """The parts that are looked after."""
        return {name: one.part for name, one in self._parts.items()}

    def ended(self) -> list[str]:
        """The parts that have ended, and should not have."""
        return [name for name, one in list(self._parts.items()) if not one.part.is_alive]

    def tend(self) -> list[Restart]:
        """Start again what has ended, unless that is of no use any more."""
        if self.given_up is not None:
            return []
        return [restart for name in self.ended() if (restart := self._tended(name, self._parts[name]))]

    def _tended(self, name: str, watched: _Watched) -> Restart | None:
        now, restarts, error = self._monotonic(), watched.restarts, watched.part.error or UNKNOWN
        while restarts and restarts[0] <= now - WITHIN.total_seconds():
            restarts.popleft()
        if len(restarts) >= MOST_RESTARTS:
            log.critical("part.given_up", part=name, error=error, restarts=len(restarts))
            self.given_up = name
            return None
        restarts.append(now)
        watched.part.start()
        log.warning("part.restarted", part=name, error=error, restarts=len(restarts))
        return Restart(name, error, len(restarts))
