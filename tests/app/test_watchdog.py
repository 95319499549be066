"""Loops that promise to turn, and those that do not keep it."""

from datetime import timedelta

from daemon.app.watchdog import Awake, Progress
from tests.support.fakes import FakeClock

MINUTE = timedelta(minutes=1)


def test_a_loop_that_turns_is_not_stuck() -> None:
    clock = FakeClock()
    progress = Progress(clock.monotonic)
    loop = progress.loop("sender", MINUTE)

    for _ in range(5):
        loop.turn()
        clock.advance(60)
        assert progress.stuck() == []


def test_a_loop_that_turns_no_more_is_stuck_until_it_does() -> None:
    clock = FakeClock()
    progress = Progress(clock.monotonic)
    sender, poller = progress.loop("sender", MINUTE), progress.loop("poller", 2 * MINUTE)
    sender.turn()
    poller.turn()
    stuck = []
    for _ in range(2):
        clock.advance(61)
        stuck.append(progress.stuck())
    sender.turn()

    assert stuck == [["sender"], ["sender", "poller"]]
    assert progress.stuck() == ["poller"]


def test_a_loop_that_has_not_begun_and_one_that_rests_promise_nothing() -> None:
    clock = FakeClock()
    progress = Progress(clock.monotonic)
    progress.loop("not begun", MINUTE)
    progress.loop("resting", MINUTE).turn()
    progress.loop("resting", MINUTE)  # another, in its place
    ended = progress.loop("ended", MINUTE)
    ended.turn()
    ended.rest()
    clock.advance(3600)

    assert progress.stuck() == []


def test_time_that_is_set_on_the_wall_clock_is_no_time() -> None:
    clock = FakeClock()
    progress = Progress(clock.monotonic)
    progress.loop("sender", MINUTE).turn()
    clock.jump(86400)

    assert progress.stuck() == []


def test_a_stop_of_the_process_is_nobodys_hang() -> None:
    clock = FakeClock()
    progress = Progress(Awake(clock.monotonic))
    sender = progress.loop("sender", MINUTE)
    sender.turn()
    for _ in range(3):
        clock.advance(600)  # SIGSTOP, SIGCONT
        assert progress.stuck() == []

    for _ in range(61):
        clock.advance(1)
        stuck = progress.stuck()
    assert stuck == ["sender"]


def test_a_promise_aside_is_by_the_clock_that_the_loops_keep_going() -> None:
    clock = FakeClock()
    progress = Progress(Awake(clock.monotonic))
    turning, checking = progress.loop("http", MINUTE), progress.aside(MINUTE / 2)
    checking.turn()
    for _ in range(31):
        turning.turn()
        clock.advance(1)

    assert checking.is_stuck
    assert progress.stuck() == []
