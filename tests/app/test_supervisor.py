"""Parts that end by an error: started again, a few times, and then given up."""

import threading
from collections.abc import Callable

from daemon.app.supervisor import MOST_RESTARTS, UNKNOWN, WITHIN, Looping, Restart, Supervisor
from tests.support.fakes import FakeClock


class Part:
    """Lives until it is told to end."""

    def __init__(self) -> None:
        self.is_alive = False
        self.error: str | None = None
        self.starts = 0

    def start(self) -> None:
        self.is_alive = True
        self.starts += 1

    def end(self, error: str | None = "KeyError at a.py:1") -> None:
        self.is_alive, self.error = False, error


def test_what_ended_is_started_again_and_told() -> None:
    part, other, supervisor = Part(), Part(), Supervisor(FakeClock().monotonic)
    supervisor.start("one", part)
    supervisor.start("other", other)
    assert (supervisor.tend(), supervisor.ended()) == ([], [])

    part.end()
    assert supervisor.ended() == ["one"]
    assert supervisor.tend() == [Restart("one", "KeyError at a.py:1", 1)]
    part.end(None)
    assert supervisor.tend() == [Restart("one", UNKNOWN, 2)]
    assert (part.starts, other.starts, supervisor.given_up) == (3, 1, None)


def test_what_is_to_end_is_left_alone() -> None:
    part, supervisor = Part(), Supervisor(FakeClock().monotonic)
    supervisor.start("one", part)
    supervisor.rest("one")
    part.end()

    assert (supervisor.tend(), supervisor.ended(), part.starts) == ([], [], 1)


def test_what_ends_too_often_is_given_up_and_nothing_more_is_started() -> None:
    clock = FakeClock()
    part, supervisor = Part(), Supervisor(clock.monotonic)
    supervisor.start("one", part)
    for _ in range(MOST_RESTARTS + 3):
        part.end()
        supervisor.tend()
        clock.advance(1)

    assert (part.starts, supervisor.given_up) == (1 + MOST_RESTARTS, "one")


def test_what_ends_now_and_then_is_never_given_up() -> None:
    clock = FakeClock()
    part, supervisor = Part(), Supervisor(clock.monotonic)
    supervisor.start("one", part)
    for _ in range(3 * MOST_RESTARTS):
        part.end()
        supervisor.tend()
        clock.advance(WITHIN.total_seconds() / MOST_RESTARTS)

    assert (part.starts, supervisor.given_up) == (1 + 3 * MOST_RESTARTS, None)


def test_a_loop_says_what_it_ended_by_and_not_what_that_said() -> None:
    ended = threading.Event()

    def turn() -> None:
        try:
            raise ValueError("the secret of somebody")
        finally:
            ended.set()

    one = Looping("one", turn)
    assert not one.is_alive
    one.start()
    assert ended.wait(10)
    one.join(10)

    assert not one.is_alive
    assert (one.error or "").startswith("ValueError at test_supervisor.py:")


def test_a_loop_that_goes_on_is_alive() -> None:
    until: Callable[[], None]
    let_go = threading.Event()
    until = let_go.wait  # type: ignore[assignment] # what it returns is nobody's business
    one = Looping("one", until)
    one.start()
    assert one.is_alive

    let_go.set()
    one.join(10)
    assert (one.is_alive, one.error) == (False, None)
