"""Webhooks through libcurl: many attempts at once from one thread, no policy.

A message goes in by `start`, its end comes out of `finished`. What a single attempt brings with it, and what
its end says, is in `webhook_attempt.py`; what an end means for the delivery is decided in
`core/delivery/outcome.py`. The two files are the only ones that know `pycurl`.
"""

import select
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

import pycurl
import structlog

from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.senders.webhook_attempt import Flight, Handle, Target

log = structlog.get_logger()

_EPOLL_OF = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}


class WebhookSender:
    """Attempts under way. `start` and `finished` belong to one thread; `wake` to all."""

    def __init__(
        self, targets: Mapping[str, Target], *, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self.targets = targets
        self._now = now
        self._monotonic = monotonic
        self._flights: dict[pycurl.Curl, Flight] = {}
        self._idle: dict[str, list[Handle]] = {}
        self._in_flight: Counter[str] = Counter()
        self._multi = pycurl.CurlMulti()
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        """Sockets in epoll."""
        self._resting: set[int] = set()
        """Those of them that libcurl does not ask about at present."""
        self._timer_at: float | None = None
        self._waker, self._wakes = socket.socketpair()
        for end in (self._waker, self._wakes):
            end.setblocking(False)
        self._epoll.register(self._wakes, select.EPOLLIN)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)

    def start(self, message: Message) -> None:
        """Begin one attempt."""
        target = self.targets[message.endpoint]
        idle = self._idle.get(message.endpoint)
        handle = idle.pop() if idle else Handle(target)
        if handle.target is not target:  # a reload has changed it
            handle.curl.close()
            handle = Handle(target)
        started_at = self._now()
        # Counted last: one that cannot be made, and raises, is not under way.
        handle.load(message, started_at)
        self._multi.add_handle(handle.curl)
        self._flights[handle.curl] = Flight(message, handle, started_at)
        self._in_flight[message.endpoint] += 1

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""
        return self._in_flight[endpoint]

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._flights

    def finished(self, timeout: float) -> list[Attempted]:
        """Attempts that ended; waits at most `timeout` seconds for the first, or for `wake`."""
        if self._timer_at is not None:
            timeout = min(timeout, max(self._timer_at - self._monotonic(), 0))
        ready = self._epoll.poll(timeout)
        for descriptor, mask in ready:
            if descriptor == self._wakes.fileno():
                self._drain_wakes()
            elif descriptor in self._resting:  # its other end is gone, or speaks out of turn
                self._forget(descriptor)
            else:
                self._multi.socket_action(descriptor, _curl_bits(mask))
        if self._timer_at is not None and self._monotonic() >= self._timer_at:
            self._timer_at = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        return self._collect()

    def wake(self) -> None:
        """Make `finished` return at once; callable from every thread, also when nobody waits."""
        with suppress(BlockingIOError):  # then it is full of wakes already
            self._waker.send(b"!")

    def close(self) -> None:
        """Break off what is under way and close every connection."""
        for curl in list(self._flights):
            self._multi.remove_handle(curl)
            curl.close()
        self._flights.clear()
        for handle in (handle for idle in self._idle.values() for handle in idle):
            handle.curl.close()
        self._idle.clear()
        self._multi.close()
        self._epoll.close()
        self._waker.close()
        self._wakes.close()

    def _on_socket(self, event: int, descriptor: int, _multi: object, _data: object) -> None:
        if event == pycurl.POLL_REMOVE:
            # Kept for the next request on the connection, which saves taking it out and in each time.
            if descriptor in self._watched:
                self._resting.add(descriptor)
            return
        self._resting.discard(descriptor)
        if descriptor in self._watched:
            with suppress(FileNotFoundError):  # closed meanwhile, and the number given to another socket
                self._epoll.modify(descriptor, _EPOLL_OF[event])
                return
        self._epoll.register(descriptor, _EPOLL_OF[event])
        self._watched.add(descriptor)

    def _forget(self, descriptor: int) -> None:
        self._resting.discard(descriptor)
        self._watched.discard(descriptor)
        with suppress(OSError):
            self._epoll.unregister(descriptor)

    def _on_timer(self, milliseconds: int) -> None:
        self._timer_at = None if milliseconds < 0 else self._monotonic() + milliseconds / 1000

    def _drain_wakes(self) -> None:
        with suppress(BlockingIOError):
            while self._wakes.recv(4096):
                pass

    def _collect(self) -> list[Attempted]:
        ended: list[Attempted] = []
        while True:
            queued, good, bad = self._multi.info_read()
            ended += [self._ended(curl, None) for curl in good]
            ended += [self._ended(curl, (code, text)) for curl, code, text in bad]
            if not queued:
                return ended

    def _ended(self, curl: pycurl.Curl, error: tuple[int, str] | None) -> Attempted:
        flight = self._flights.pop(curl)
        endpoint = flight.message.endpoint
        self._multi.remove_handle(curl)
        self._in_flight[endpoint] -= 1
        attempted = self._told(flight, error)
        if flight.handle.target is self.targets.get(endpoint):
            self._idle.setdefault(endpoint, []).append(flight.handle)
        else:
            curl.close()
        return attempted

    @staticmethod
    def _told(flight: Flight, error: tuple[int, str] | None) -> Attempted:
        try:
            return flight.attempted(error)
        except Exception:  # whatever may be wrong with one answer is no reason to lose the others
            log.exception("webhook.crashed", endpoint=flight.message.endpoint)
            why = "a fault of our own: see the log"
            return Attempted(flight.message, Outcome.FAILED, flight.started_at, error=why)


def _curl_bits(mask: int) -> int:
    """epoll's bits as libcurl's CSELECT ones."""
    bits = 0
    if mask & select.EPOLLIN:
        bits |= pycurl.CSELECT_IN
    if mask & select.EPOLLOUT:
        bits |= pycurl.CSELECT_OUT
    if mask & (select.EPOLLERR | select.EPOLLHUP):
        bits |= pycurl.CSELECT_ERR
    return bits
