"""How long a system is left alone: the API asks for it, or too many rejected calls would block the account.

Polls and commands of a system share its pause.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from daemon.core.model import Failure, Unknown

SLOW_RETRY = timedelta(minutes=1)
"""The first pause of a system whose token was rejected; it doubles up to `SLOWEST_RETRY`."""
SLOWEST_RETRY = timedelta(minutes=15)
"""How late a token that is good again may be noticed."""


@dataclass
class _Pause:
    until: float = 0.0
    rejections: int = 0


class Pauses:
    """By system; for any number of threads."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._pauses: dict[str, _Pause] = {}
        self._lock = threading.Lock()

    def is_paused(self, system: str) -> bool:
        """Whether nothing is to be asked of a system at present."""
        with self._lock:
            return self._monotonic() < self._pauses.setdefault(system, _Pause()).until

    def take(self, system: str, unknown: Unknown | None) -> None:
        """Learn from how a call ended; None: it was answered."""
        with self._lock:
            pause = self._pauses.setdefault(system, _Pause())
            if unknown is None:
                pause.rejections = 0
            elif unknown.failure is Failure.TOKEN_REJECTED:
                wait = min(SLOW_RETRY * 2**pause.rejections, SLOWEST_RETRY)
                pause.rejections = min(pause.rejections + 1, 8)
                pause.until = self._monotonic() + wait.total_seconds()
            elif unknown.retry_after is not None:
                pause.until = self._monotonic() + unknown.retry_after.total_seconds()
