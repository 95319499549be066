"""Tests of endpoints: few at once, whoever asks for them, a program or somebody at the page."""

import threading
from collections.abc import Callable

from daemon.store.history import DeliveryView
from daemon.web.problems import Problem

TESTS_AT_ONCE = 4
"""Each holds a thread of all requests for as long as the endpoint takes."""
Ping = Callable[[str], DeliveryView]


def bounded(ping: Ping) -> Ping:
    """The same, for so many at once. Raises `Problem` where there are as many."""
    places = threading.BoundedSemaphore(TESTS_AT_ONCE)

    def test(endpoint: str) -> DeliveryView:
        if not places.acquire(blocking=False):
            raise Problem(429, "Too many tests are under way", "Try again when one of them has ended.")
        try:
            return ping(endpoint)
        finally:
            places.release()

    return test
