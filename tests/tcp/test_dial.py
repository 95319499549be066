"""Connecting to a name with several addresses, on loopback: some refuse, some swallow every packet."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.tcp.dial import ATTEMPT_DELAY, by_turns, dial
from daemon.tcp.names import MOST_LOOKUPS, Address, Resolver, SlowNameError, Wait
from tests.support.bad_receiver import full_backlog

LIMIT = 5.0
"""Seconds for all of it, as the API's client has by default."""
SOON = 2.0
"""Far below it, far above what a busy machine takes."""


def within(seconds: float) -> Callable[[], float]:
    """What is left of so many seconds that begin now."""
    until = perf_counter() + seconds

    def left() -> float:
        if until <= perf_counter():
            raise TimeoutError("the deadline passed")
        return until - perf_counter()

    return left


def at(port: int, host: str = "127.0.0.1") -> Address:
    return Address(socket.AF_INET, socket.IPPROTO_TCP, (host, port))


NOWHERE = Address(0x7FFF, 0, ("nowhere", 1))
"""Of a family that this machine does not have."""


class Street:
    """Addresses by how they behave."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._listener = self._open.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.listening = at(self._listener.getsockname()[1])
        self.swallowing = at(self._open.enter_context(full_backlog()))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.refusing = at(taken.getsockname()[1])

    def close(self) -> None:
        self._open.close()

    def dial(self, *addresses: Address, limit: float = LIMIT) -> socket.socket:
        """Dial a name that leads to these; a connection is taken at the other end."""
        opened = dial("api.test", 443, within(limit), resolve=lambda _host, _port, _wait: addresses)
        self._listener.accept()[0].close()
        return opened


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    made = Street()
    yield made
    made.close()


def test_an_address_that_swallows_everything_holds_up_no_other(street: Street) -> None:
    began = perf_counter()
    opened = street.dial(street.swallowing, street.swallowing, street.listening)

    assert opened.getpeername() == street.listening.where
    assert perf_counter() - began < SOON
    opened.close()


def test_one_that_refuses_costs_no_wait(street: Street) -> None:
    began = perf_counter()
    street.dial(*[street.refusing] * 8, street.listening).close()

    assert perf_counter() - began < 8 * ATTEMPT_DELAY


def test_the_first_that_answers_is_asked_alone(street: Street) -> None:
    opened = street.dial(street.listening, street.swallowing)

    assert opened.getpeername() == street.listening.where
    opened.close()


@given(data=st.data())
def test_whatever_the_others_do_an_address_that_answers_is_found(street: Street, data: st.DataObject) -> None:
    kinds = st.sampled_from([street.listening, street.refusing, street.swallowing, NOWHERE])
    addresses = data.draw(st.lists(kinds, max_size=4))
    descriptors = len(os.listdir("/proc/self/fd"))

    if street.listening in addresses:
        street.dial(*addresses, limit=2.0).close()
    else:
        with pytest.raises(OSError) as raised:
            street.dial(*addresses, limit=0.05)
        expected = TimeoutError if street.swallowing in addresses else OSError
        assert isinstance(raised.value, expected)

    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_failure_names_the_last_address(street: Street) -> None:
    with pytest.raises(ConnectionRefusedError) as raised:
        street.dial(NOWHERE, street.refusing)

    assert (raised.value.strerror, raised.value.filename) == ("Connection refused", street.refusing.spelled)


def test_a_name_without_an_address_leads_nowhere(street: Street) -> None:
    with pytest.raises(socket.gaierror):
        street.dial()


def test_what_nobody_wants_any_more_ends_long_before_its_deadline(street: Street) -> None:
    looks = count()
    began = perf_counter()
    with pytest.raises(ConnectionAbortedError):
        dial(
            "api.test",
            443,
            within(60),
            resolve=lambda _host, _port, _wait: [street.swallowing],
            is_broken_off=lambda: next(looks) > 2,
        )

    assert perf_counter() - began < SOON


def test_what_is_broken_off_already_is_not_begun() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = at(listener.getsockname()[1])
        with pytest.raises(ConnectionAbortedError):
            dial("a.test", 443, within(60), resolve=lambda _h, _p, _w: [address], is_broken_off=lambda: True)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_families_take_turns_and_keep_their_order() -> None:
    first, second, third = (Address(socket.AF_INET6, 0, (f"::{n}", 1)) for n in range(3))
    fourth, fifth = (Address(socket.AF_INET, 0, (f"127.0.0.{n}", 1)) for n in range(2))

    assert by_turns([first, second, third, fourth, fifth]) == [first, fourth, second, fifth, third]


class SlowResolver:
    """Answers for no name before it is released."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.release = threading.Event()
        self.resolve = Resolver(self._ask)

    def _ask(self, host: str, port: int, flags: int) -> list[Address]:
        if flags:
            raise socket.gaierror(socket.EAI_NONAME, "no number")
        self.asked.append(host)
        self.release.wait(LIMIT)
        if host == "gone.test":
            raise socket.gaierror(socket.EAI_NONAME, "gone")
        return [at(port)]


@pytest.fixture
def slow() -> Iterator[SlowResolver]:
    made = SlowResolver()
    yield made
    made.release.set()


def until(seconds: float) -> Wait:
    left = within(seconds)
    return lambda most: min(left(), most)


def test_a_resolver_that_hangs_is_waited_for_no_longer_than_the_deadline(slow: SlowResolver) -> None:
    began = perf_counter()
    with pytest.raises(SlowNameError):
        slow.resolve("api.test", 443, until(0.05))

    assert perf_counter() - began < SOON


def test_however_many_wait_for_a_name_it_is_asked_for_once(slow: SlowResolver) -> None:
    for _ in range(3):
        with pytest.raises(SlowNameError):
            slow.resolve("api.test", 443, until(0.01))
    slow.release.set()

    assert slow.resolve("api.test", 443, until(LIMIT)) == [at(443)]
    assert slow.asked in (["api.test"], ["api.test"] * 2)  # the first may have ended before the last wait


def test_a_name_that_leads_nowhere_says_so_to_each_who_asks(slow: SlowResolver) -> None:
    slow.release.set()
    raised = []
    for _ in range(2):
        with pytest.raises(socket.gaierror, match="gone") as one:
            slow.resolve("gone.test", 443, until(LIMIT))
        raised.append(one.value)

    assert raised[0] is not raised[1]


def test_a_resolver_that_hangs_keeps_a_bounded_number_of_threads(slow: SlowResolver) -> None:
    for index in range(MOST_LOOKUPS + 3):
        with pytest.raises(OSError):
            slow.resolve(f"{index}.test", 443, until(0.001))

    assert len(slow.asked) <= MOST_LOOKUPS
    with pytest.raises(socket.gaierror, match="too many"):
        slow.resolve("one.more.test", 443, until(LIMIT))


def test_an_address_is_no_name_and_is_not_asked_for() -> None:
    opened = socket.create_server(("127.0.0.1", 0))
    with opened, dial("127.0.0.1", opened.getsockname()[1], within(LIMIT)) as sock:
        assert sock.getpeername() == opened.getsockname()


@pytest.mark.parametrize("host", ["name.invalid", f"{'x' * 64}.test", "a..b"])
def test_a_name_that_nobody_has_leads_nowhere(host: str) -> None:
    with pytest.raises(socket.gaierror):
        dial(host, 443, within(LIMIT))
