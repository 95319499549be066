"""A form that acts once: sent again by a double click, or from the page before, it does nothing."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from daemon.core.refusals import Refused
from daemon.store.location import FAILURES
from daemon.web.problems import Problem

LASTS = timedelta(hours=1)
"""From being drawn; of an older one nobody remembers whether it was sent."""
MOST = 10_000
"""Forms that are remembered."""


class Once:
    """Which forms were sent. Safe to use from any thread."""

    def __init__(self, now: Callable[[], datetime], began: Callable[[], datetime]) -> None:
        """`began`: what was drawn before the process began may have been sent to the one before it."""
        self._now = now
        self._began = began
        self._sent: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def draw(self) -> str:
        """What a form carries."""
        return f"{int(self._now().timestamp() * 1000)}.{secrets.token_urlsafe(12)}"

    def take(self, mark: str) -> bool:
        """Whether a form may act, which it may once."""
        drawn = self._drawn(mark)
        with self._lock:
            if drawn is None or mark in self._sent or not self._is_fresh(drawn):
                return False
            self._sent = {one: at for one, at in self._sent.items() if self._is_fresh(at)}
            if len(self._sent) >= MOST:
                return False
            self._sent[mark] = drawn
            return True

    @contextmanager
    def acting(self, mark: str) -> Iterator[bool]:
        """Whether a form may act. One that was refused, or for which the store could not be written, has not
        acted, and may once more."""
        may_act = self.take(mark)
        try:
            yield may_act
        except (Problem, Refused, *FAILURES):
            if may_act:
                with self._lock:
                    self._sent.pop(mark, None)
            raise

    def _is_fresh(self, drawn: datetime) -> bool:
        return max(self._began(), self._now() - LASTS) <= drawn

    def _drawn(self, mark: str) -> datetime | None:
        at, _, rest = mark.partition(".")
        if not rest or not at.isascii() or not at.isdigit() or len(at) > len("9999999999999"):
            return None
        return datetime.fromtimestamp(int(at) / 1000, UTC)
