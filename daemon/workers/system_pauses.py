"""How long a system is left alone: the API asks for it, or too many rejected calls would block the account.

Polls, commands and downloads of a system share its pause. Who asks for it is a stranger (the platform, a
filter, a proxy), so it is believed for a while only. Then one poll tries, and the others follow once it was
answered.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from daemon.core.model import Failure, Unknown

SLOW_RETRY = timedelta(minutes=1)
"""The first pause of a system whose token was rejected; it doubles up to `SLOWEST_RETRY`."""
SLOWEST_RETRY = timedelta(minutes=15)
"""How late a token that is good again may be noticed."""
LONGEST_WAIT = timedelta(minutes=15)
"""Of one that the API asks for; whoever means it asks again."""
FOR_A_POLL = timedelta(minutes=1)
"""How long commands leave it to a poll to try first: one may cost money, and a system may have no watch."""
ANSWERED_ALL_THE_SAME = (Failure.REFUSED,)


@dataclass(frozen=True)
class Kept:
    """A pause, as another process takes it up."""

    left: timedelta
    why: Unknown
    rejections: int


@dataclass(frozen=True)
class News:
    """What became of a pause; `kept` is None where it has ended."""

    kept: Kept | None
    mark: object


@dataclass
class _Pause:
    until: float = 0.0
    """By the monotonic clock."""
    why: Unknown | None = None
    """How the last call failed; None: nothing stands in the way."""
    is_tried: bool = False
    """Whether a poll is trying."""
    rejections: int = 0
    remembered: object = None
    """Its `mark` when it was written down for the other members."""

    @property
    def mark(self) -> object:
        """What has changed where it has; None: nothing stands in the way."""
        return None if self.why is None else (self.until, self.why)


class Pauses:
    """By system; for any number of threads."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._pauses: dict[str, _Pause] = {}
        self._lock = threading.Lock()

    @contextmanager
    def asking(self, system: str) -> Iterator[Unknown | None]:
        """A poll of a system, for as long as it takes; gives why nothing is to be asked, or None."""
        with self._lock:
            pause = self._pauses.get(system) or self._pauses.setdefault(system, _Pause())
            why = pause.why if pause.is_tried or self._left(pause) > 0 else None
            is_trying = why is None and pause.why is not None
            pause.is_tried |= is_trying
        try:
            yield why
        finally:
            with self._lock:
                pause.is_tried &= not is_trying

    def is_paused(self, system: str) -> bool:
        """Whether no command is to be carried out at present."""
        return self.standing(system) is not None

    def standing(self, system: str) -> Unknown | None:
        """Why neither a command nor a download is to be begun at present, and for how long; None: it may."""
        with self._lock:
            pause = self._pauses.get(system, _Pause())
            left = self._left(pause) + FOR_A_POLL.total_seconds()
            if pause.why is None or left <= 0:
                return None
            return replace(pause.why, retry_after=timedelta(seconds=left), is_unsent=True)

    def mark(self, system: str) -> object:
        """What is another one once a pause has begun or ended; None: nothing stands in the way."""
        with self._lock:
            return self._pauses.get(system, _Pause()).mark

    def take(self, system: str, unknown: Unknown | None) -> timedelta | None:
        """Learn from how a call ended; None: it was answered. Returns for how long nothing is asked now."""
        with self._lock:
            pause = self._pauses.get(system) or self._pauses.setdefault(system, _Pause())
            is_answered = unknown is None or unknown.failure in ANSWERED_ALL_THE_SAME
            if is_answered:
                pause.rejections = 0
            wait = _wait(pause, unknown)
            if wait is not None:
                pause.until, pause.why = self._monotonic() + wait.total_seconds(), unknown
            elif pause.why is not None and self._left(pause) <= 0:
                pause.why = None if is_answered else unknown
            return wait

    def left(self) -> dict[str, timedelta]:
        """The systems that are paused, and for how long; nothing, where a poll has yet to be answered."""
        with self._lock:
            return {
                system: timedelta(seconds=max(self._left(pause), 0))
                for system, pause in self._pauses.items()
                if pause.why is not None
            }

    def forget(self, system: str) -> None:
        """Another member asks a system from now on, or did until now."""
        with self._lock:
            self._pauses.pop(system, None)

    def news(self, system: str) -> News | None:
        """The pause of a system, for the member that may come after this one, where it has begun anew or
        ended since that was remembered; None: nothing new."""
        with self._lock:
            pause = self._pauses.get(system)
            if pause is None or pause.remembered == pause.mark:
                return None
            left = timedelta(seconds=max(self._left(pause), 0))
            kept = None if pause.why is None else Kept(left, pause.why, pause.rejections)
            return News(kept, pause.mark)

    def remembered(self, system: str, news: News) -> None:
        """It was written down."""
        with self._lock:
            pause = self._pauses.get(system)
            if pause is not None:
                pause.remembered = news.mark

    def go_on(self, system: str, kept: Kept) -> None:
        """Leave a system alone as the member before did."""
        with self._lock:
            until = self._monotonic() + min(kept.left, SLOWEST_RETRY).total_seconds()
            pause = _Pause(until, kept.why, rejections=kept.rejections)
            pause.remembered = pause.mark
            self._pauses[system] = pause

    def drop(self) -> None:
        """Forget all of it: another configuration may be what ends it."""
        with self._lock:
            self._pauses.clear()

    def _left(self, pause: _Pause) -> float:
        return pause.until - self._monotonic()


def _wait(pause: _Pause, unknown: Unknown | None) -> timedelta | None:
    if unknown is None:
        return None
    if unknown.failure is Failure.TOKEN_REJECTED:
        rejected, pause.rejections = pause.rejections, min(pause.rejections + 1, 8)
        return min(SLOW_RETRY * (1 << rejected), SLOWEST_RETRY)
    return None if unknown.retry_after is None else min(unknown.retry_after, LONGEST_WAIT)
