"""What is counted, from whichever thread it comes."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from daemon.core.counts import Counts
from daemon.core.delivery.outcome import Attempted, Message, Outcome, Phases
from daemon.workers.counters import BOUNDS, Counters
from daemon.workers.poller import Polled
from tests.support.fakes import START
from tests.support.story import Story

MILLISECOND = timedelta(milliseconds=1)


def attempted(took: timedelta, endpoint: str = "crm", outcome: Outcome = Outcome.ACCEPTED) -> Attempted:
    message = Message(1, "lease", endpoint, "main/a", "evt_1", "sms.received", b"", 1)
    return Attempted(message, outcome, START, Phases(total=took // timedelta(microseconds=1)))


def test_nothing_was_counted_at_first() -> None:
    assert Counters().counts() == Counts()


@pytest.mark.parametrize(
    ("took", "within"),
    [(0, 13), (5, 13), (5.001, 12), (10, 12), (999, 6), (1000, 6), (60_000, 1), (60_001, 0)],
)
def test_a_duration_counts_for_every_bound_that_it_does_not_pass(took: float, within: int) -> None:
    counters = Counters()
    counters.attempted([attempted(took * MILLISECOND)])

    durations = counters.counts().attempts_took["crm"]
    assert list(durations.within) == list(BOUNDS)
    assert list(durations.within.values()) == [0] * (13 - within) + [1] * within
    assert (durations.many, durations.total) == (1, took * MILLISECOND)


def test_attempts_are_counted_by_endpoint_and_outcome() -> None:
    counters = Counters()
    counters.attempted([attempted(MILLISECOND), attempted(2 * MILLISECOND)])
    counters.attempted([attempted(MILLISECOND, "ops", Outcome.TIMEOUT)])
    counters.attempted([])

    counts = counters.counts()
    assert counts.attempts == {("crm", "accepted"): 2, ("ops", "timeout"): 1}
    assert counts.attempts_took["crm"].total == 3 * MILLISECOND


def test_what_was_asked_for_does_not_change_afterwards() -> None:
    counters = Counters()
    counters.attempted([attempted(MILLISECOND)])
    counts = counters.counts()
    counters.attempted([attempted(MILLISECOND)])

    assert counts.attempts == {("crm", "accepted"): 1}


def test_nothing_that_is_counted_at_once_is_lost() -> None:
    counters = Counters()
    batch = [attempted(MILLISECOND, f"e{number}") for number in range(50)]
    start = threading.Barrier(5)

    def work() -> None:
        start.wait()
        for _ in range(100):
            counters.attempted(batch)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    start.wait()
    seen = [sum(counters.counts().attempts.values()) for _ in range(20)]
    for thread in threads:
        thread.join()

    assert sum(counters.counts().attempts.values()) == 4 * 100 * 50
    assert all(many % 50 == 0 for many in seen), "a batch is counted whole"


def test_polls_are_counted_unless_their_watch_has_left(story: Story) -> None:
    counters = Counters()
    polled = Polled(story.watches()[0].description, START)
    counters.polled(polled, 20 * MILLISECOND)
    counters.polled(replace(polled, is_paused=True), MILLISECOND)
    counters.polled(replace(polled, is_dropped=True), MILLISECOND)

    counts = counters.counts()
    assert counts.polls == {("main", "sip", "answered"): 1, ("main", "sip", "paused"): 1}
    assert (counts.polls_took["main"].many, counts.polls_took["main"].total) == (1, 20 * MILLISECOND)


def test_copies_of_recordings_are_counted_with_their_bytes() -> None:
    counters = Counters()
    for size in (10, None, 0, 5):
        counters.copied("main", size)
    counters.copied("branch", None)

    counts = counters.counts()
    assert counts.recordings == {"main": 3, "branch": 0}
    assert counts.recording_bytes == {"main": 15, "branch": 0}
    assert counts.recordings_failed == {"main": 1, "branch": 1}
