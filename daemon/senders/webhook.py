"""Webhooks through libcurl: many attempts at once from one thread, no policy.

A message goes in by `start`, its end comes out of `finished`. What a single attempt brings with it, and what
its end says, is in `webhook_attempt.py`, where a redirect may say success in `webhook_confirmation.py`;
what an end means for the delivery is decided in `core/delivery/outcome.py`. These files, and
`address_guard.py`, are the only ones that know `pycurl`.
"""

import select
import socket
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

import pycurl
import structlog

from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.rendering.formats import Rendered
from daemon.senders.webhook_attempt import Handle, Target
from daemon.senders.webhook_confirmation import Confirmation, judged

log = structlog.get_logger()

_EPOLL_OF = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
_CURL_OF = [
    pycurl.CSELECT_IN * bool(mask & select.EPOLLIN)
    | pycurl.CSELECT_OUT * bool(mask & select.EPOLLOUT)
    | pycurl.CSELECT_ERR * bool(mask & (select.EPOLLERR | select.EPOLLHUP))
    for mask in range(2 * max(select.EPOLLIN, select.EPOLLOUT, select.EPOLLERR, select.EPOLLHUP))
]
"""epoll's bits as libcurl's CSELECT ones, for every mask that may come of what is asked for."""


class WebhookSender:
    """Attempts under way. `start` and `finished` belong to one thread; `wake` to all."""

    def __init__(
        self, targets: Mapping[str, Target], *, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self.targets = targets
        self._now = now
        self._monotonic = monotonic
        self._flights: dict[pycurl.Curl, Handle] = {}
        self._confirming: dict[pycurl.Curl, Confirmation] = {}
        """Of those under way, the ones that were led on by a redirect that says success."""
        self._idle: dict[str, list[Handle]] = {}
        self._in_flight: Counter[str] = Counter()
        self._multi = pycurl.CurlMulti()
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        """Sockets in epoll."""
        self._resting: set[int] = set()
        """Those of them that libcurl does not ask about at present."""
        self._timer: deque[int] = deque(maxlen=1)
        """In how many milliseconds libcurl wants to go on, or -1, until somebody hears it. A deque, since its
        `append` is no Python function: it is called twice for each message."""
        self._timer_at: float | None = None
        self._is_begun = False
        """What was started since `finished` is on its way."""
        self._ended: list[Attempted] = []
        """Attempts that nobody was told of yet."""
        self._waker, self._wakes = socket.socketpair()
        for end in (self._waker, self._wakes):
            end.setblocking(False)
        self._epoll.register(self._wakes, select.EPOLLIN)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._timer.append)

    def start(self, message: Message, rendered: Rendered | None = None) -> None:
        """Begin one attempt; `rendered`: what is sent, where that is made already."""
        target = self.targets[message.endpoint]
        idle = self._idle.get(message.endpoint)
        handle = idle.pop() if idle else Handle(target)
        if handle.target is not target:  # a reload has changed it
            handle.curl.close()
            handle = Handle(target)
        # Counted last: one that cannot be made, and raises, is not under way.
        handle.load(message, self._now(), rendered)
        self._multi.add_handle(handle.curl)
        self._flights[handle.curl] = handle
        self._in_flight[message.endpoint] += 1
        if not self._is_begun:  # a lone one is sent here and now; of many, one by one would cost more
            self._is_begun = True
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""
        return self._in_flight[endpoint] + sum(one.message.endpoint == endpoint for one in self._ended)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._flights and not self._confirming and not self._ended

    def finished(self, timeout: float) -> list[Attempted]:
        """Attempts that ended; waits at most `timeout` seconds for the first, or for `wake`."""
        self._keep_time()  # what was started goes out before anything is waited for
        self._is_begun = False
        self._collect()
        for descriptor, mask in self._epoll.poll(0 if self._ended else self._patience(timeout)):
            if descriptor in self._resting:  # its other end is gone, or speaks out of turn
                self._forget(descriptor)
            elif descriptor in self._watched:
                self._multi.socket_action(descriptor, _CURL_OF[mask])
            else:
                self._drain_wakes()
        self._keep_time()
        self._collect()
        self._hear_timer()
        ended, self._ended = self._ended, []
        return ended

    def wake(self) -> None:
        """Make `finished` return at once; callable from every thread, also when nobody waits."""
        with suppress(BlockingIOError):  # then it is full of wakes already
            self._waker.send(b"!")

    def close(self) -> None:
        """Break off what is under way and close every connection."""
        for curl in [*self._flights, *self._confirming]:
            self._multi.remove_handle(curl)
            curl.close()
        self._flights.clear()
        self._confirming.clear()
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
        if descriptor in self._watched:
            self._resting.discard(descriptor)
            try:
                self._epoll.modify(descriptor, _EPOLL_OF[event])
                return
            except FileNotFoundError:  # closed meanwhile, and the number given to another socket
                pass
        self._epoll.register(descriptor, _EPOLL_OF[event])
        self._watched.add(descriptor)

    def _forget(self, descriptor: int) -> None:
        self._resting.discard(descriptor)
        self._watched.discard(descriptor)
        with suppress(OSError):
            self._epoll.unregister(descriptor)

    def _keep_time(self) -> None:
        """Let libcurl do what it wanted to do by now."""
        self._hear_timer()
        if self._timer_at is not None and self._monotonic() >= self._timer_at:
            self._timer_at = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            self._hear_timer()

    def _hear_timer(self) -> None:
        if self._timer:
            milliseconds = self._timer.pop()
            self._timer_at = None if milliseconds < 0 else self._monotonic() + milliseconds / 1000

    def _patience(self, timeout: float) -> float:
        return timeout if self._timer_at is None else min(timeout, max(self._timer_at - self._monotonic(), 0))

    def _drain_wakes(self) -> None:
        with suppress(BlockingIOError):
            while self._wakes.recv(4096):
                pass

    def _collect(self) -> None:
        queued = 1
        while queued:
            queued, good, bad = self._multi.info_read()
            for curl in good:
                self._end(curl, None)
            for curl, code, text in bad:
                self._end(curl, (code, text))

    def _end(self, curl: pycurl.Curl, error: tuple[int, str] | None) -> None:
        """A request is over; so is its attempt, unless it was led on."""
        self._multi.remove_handle(curl)
        handle = self._flights.pop(curl, None)
        if handle is None:
            self._confirmed(curl, error)
            return
        endpoint = handle.message.endpoint
        attempted: Attempted | Confirmation
        try:
            attempted = handle.attempted(error)
            if handle.target.accepts is not None:
                attempted = judged(handle, attempted)
        except Exception:  # whatever may be wrong with one answer is no reason to lose the others
            attempted = _crashed(handle.message, handle.started_at)
        if handle.target is self.targets.get(endpoint):
            self._idle.setdefault(endpoint, []).append(handle)
        else:
            curl.close()
        if isinstance(attempted, Confirmation):
            self._confirming[attempted.curl] = attempted
            self._multi.add_handle(attempted.curl)
            return
        self._in_flight[endpoint] -= 1
        self._ended.append(attempted)

    def _confirmed(self, curl: pycurl.Curl, error: tuple[int, str] | None) -> None:
        """What an attempt was led on to is over, and so is the attempt."""
        confirmation = self._confirming.pop(curl)
        try:
            attempted = confirmation.attempted(error)
        except Exception:  # the same
            attempted = _crashed(confirmation.first.message, confirmation.first.started_at)
        curl.close()
        self._in_flight[attempted.message.endpoint] -= 1
        self._ended.append(attempted)


def _crashed(message: Message, started_at: datetime) -> Attempted:
    log.exception("webhook.crashed", endpoint=message.endpoint)
    return Attempted(message, Outcome.FAILED, started_at, error="a fault of our own: see the log")
