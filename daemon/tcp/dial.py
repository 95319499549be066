"""A connection to whichever address of a name answers first: Happy Eyeballs (RFC 8305), within a deadline.

An address that swallows every packet says nothing, so whoever waits for it alone waits for all of its time.
Here the next address is tried beside it after a moment, or at once where it fails; the first connection
wins, and the others are closed.
"""

import errno
import os
import select
import socket
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from math import inf

from daemon.tcp.names import Address, Resolve, Wait, look_up

ATTEMPT_DELAY = 0.25
"""Seconds before the next address is tried beside the last: RFC 8305, section 5."""
MOST_ADDRESSES = 16
"""Ours. Of a name; each that is tried takes a descriptor."""
GLANCE = 0.1
"""Seconds; how late it may be noticed that nobody wants the connection any more."""


def never() -> bool:
    """Nobody breaks it off."""
    return False


def unheard() -> None:
    """Nobody asks when the name was resolved."""


def dial(
    host: str,
    port: int,
    left: Callable[[], float],
    *,
    resolve: Resolve = look_up,
    on_resolved: Callable[[], None] = unheard,
    is_broken_off: Callable[[], bool] = never,
) -> socket.socket:
    """A connected socket, which does not block.

    `left`: the seconds until the deadline; raises TimeoutError when it has passed. `is_broken_off` is asked
    now and then. Raises OSError: `socket.gaierror` for a name that leads nowhere, TimeoutError,
    ConnectionAbortedError where it was broken off, or why the last address failed, with that address in
    `filename`.
    """

    def wait(at_most: float) -> float:
        if is_broken_off():
            raise ConnectionAbortedError("broken off")
        return min(left(), at_most, GLANCE)

    addresses = by_turns(resolve(host, port, wait))[:MOST_ADDRESSES]
    on_resolved()
    return _Race(addresses, left, wait).won()


def by_turns(addresses: Iterable[Address]) -> list[Address]:
    """The addresses in their order, but with the families taking turns (RFC 8305, section 4)."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address.family, []).append(address)
    return [one for turn in zip_longest(*families.values()) for one in turn if one is not None]


class _Race:
    """Attempts to connect, under way beside each other."""

    def __init__(self, addresses: Sequence[Address], left: Callable[[], float], wait: Wait) -> None:
        self._due = deque(addresses)
        self._left = left
        self._wait = wait
        # However short the deadline is, each address gets its turn.
        self._delay = min(ATTEMPT_DELAY, left() / (len(addresses) + 1))
        self._poll = select.poll()
        self._under_way: dict[int, tuple[socket.socket, Address]] = {}
        self._failure: OSError = socket.gaierror(socket.EAI_NONAME, "the name has no address")

    def won(self) -> socket.socket:
        """The first connection. Raises OSError."""
        try:
            while self._due or self._under_way:
                if self._due:
                    self._wait(0)  # nothing is begun that nobody wants
                    self._start(self._due.popleft())
                opened = self._first()
                if opened is not None:
                    return opened
        finally:
            for beaten, _ in self._under_way.values():
                beaten.close()
        raise self._failure

    def _start(self, address: Address) -> None:
        try:
            opened = socket.socket(address.family, socket.SOCK_STREAM, address.protocol)
        except OSError as error:  # no such family here, or no descriptor left
            self._fail(address, error.errno)
            return
        self._under_way[opened.fileno()] = opened, address
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = opened.connect_ex(address.where)
        if code not in (0, errno.EINPROGRESS):
            self._take(opened.fileno()).close()
            self._fail(address, code)
            return
        self._poll.register(opened, select.POLLOUT)

    def _first(self) -> socket.socket | None:
        """The first connection; None where it is another address' turn, or nothing is under way any more."""
        began = self._left()
        while self._under_way:
            rest = self._delay - (began - self._left()) if self._due else inf
            if rest <= 0:
                return None
            for descriptor, _ in self._poll.poll(self._wait(rest) * 1000):
                opened = self._ended(descriptor)
                if opened is not None or self._due:
                    return opened
        return None

    def _ended(self, descriptor: int) -> socket.socket | None:
        _, address = self._under_way[descriptor]
        self._poll.unregister(descriptor)
        opened = self._take(descriptor)
        code = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not code:
            return opened
        opened.close()
        self._fail(address, code)
        return None

    def _take(self, descriptor: int) -> socket.socket:
        opened, _ = self._under_way.pop(descriptor)
        return opened

    def _fail(self, address: Address, code: int | None) -> None:
        number = code or errno.EIO
        self._failure = OSError(number, os.strerror(number), address.spelled)
