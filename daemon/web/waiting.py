"""Requests that wait until something has happened, without a thread of the pool for each."""

import asyncio
import threading
from contextlib import suppress


class Bell:
    """Rung from any thread; waited for in the event loop.

    One of them is rung after every commit that wrote events, by `Database.write`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self.is_closed = False
        """Nothing will happen any more: who waits answers with what there is."""

    def ring(self) -> None:
        """Something has happened: everybody who waits looks whether that was theirs."""
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for loop, event in waiting:
            with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """Send everybody home, for the end of the daemon must not wait for them."""
        self.is_closed = True
        self.ring()

    def listen(self) -> asyncio.Event:
        """An event that the next ring sets. Ask for it before looking, and nothing is missed."""
        event = asyncio.Event()
        with self._lock:
            self._waiting.add((asyncio.get_running_loop(), event))
        return event

    def leave(self, event: asyncio.Event) -> None:
        """Wait no longer."""
        with self._lock:
            self._waiting = {one for one in self._waiting if one[1] is not event}


class Endings(Bell):
    """Rung when commands have ended."""
