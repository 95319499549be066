"""The clock of another machine: what is known of it between its answers, quick ones and slow ones."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.shared_clock import DRIFT, Estimate, Sample, learned
from tests.support.fakes import START

YEARS = 40 * 365 * 86400.0
MICROSECONDS = timedelta(microseconds=10)
asked = st.tuples(
    st.floats(0.0, 100.0),  # seconds that pass before it is asked
    st.floats(0.0001, 30.0),  # for which the answer is under way
    st.floats(0.0, 1.0),  # the share of them after which it is made
)


class Machines:
    """Theirs, and ours, whose elapsed time goes on a little differently."""

    def __init__(self, drift: float = 0.0) -> None:
        self.passed, self.set, self.lost, self.drift = 0.0, 0.0, 0.0, drift

    def theirs(self) -> float:
        return self.passed + self.set

    def elapsed(self) -> float:
        return 5_000 + self.passed * (1 + self.drift) - self.lost

    def sample(self, took: float, share: float) -> Sample:
        before = self.elapsed()
        self.passed += took * share
        at = START + timedelta(seconds=self.theirs())
        self.passed += took * (1 - share)
        return Sample(before, at, self.elapsed())

    def off(self, known: Estimate) -> timedelta:
        """How far what is known is from what their clock shows."""
        return abs(known.at(self.elapsed()) - START - timedelta(seconds=self.theirs()))


@given(st.lists(asked, min_size=1, max_size=20), st.floats(-DRIFT, DRIFT))
def test_it_is_known_as_well_as_the_quickest_answer_says(
    answers: list[tuple[float, float, float]], drift: float
) -> None:
    machines, known = Machines(drift), None
    best = YEARS
    for passes, took, share in answers:
        machines.passed += passes
        best += 2 * DRIFT * (passes + took)
        known = learned(known, machines.sample(took, share))
        best = min(best, took * (1 + DRIFT))

        assert machines.off(known) <= timedelta(seconds=best / 2 + 2 * DRIFT * took) + MICROSECONDS


@given(asked, st.floats(1, YEARS), st.booleans(), st.booleans())
def test_that_it_was_set_is_seen_by_one_quick_answer(
    then: tuple[float, float, float], by: float, is_back: bool, is_lost: bool
) -> None:
    """Or that our own time stood still."""
    machines = Machines()
    known = learned(None, machines.sample(0.01, 0.5))
    machines.passed += then[0]
    if is_lost:
        machines.passed += by
        machines.lost += by
    else:
        machines.set -= by if is_back else -by
    slow = learned(known, machines.sample(then[1], then[2]))
    quick = learned(slow, machines.sample(0.01, 0.5))

    assert machines.off(quick) <= timedelta(milliseconds=6)
    assert quick.is_exact


@given(st.floats(0.6, 3600))
def test_by_a_slow_answer_no_step_is_told(took: float) -> None:
    machines = Machines()
    known = learned(None, machines.sample(took, 0.0))

    assert not known.is_exact
    assert machines.off(known) <= timedelta(seconds=took / 2) + MICROSECONDS


def test_an_answer_from_before_the_last_says_nothing() -> None:
    machines = Machines()
    old = machines.sample(0.01, 0.5)
    machines.set += 100
    machines.passed += 1
    known = learned(None, machines.sample(0.01, 0.5))

    assert learned(known, old) == known


@pytest.mark.parametrize("took", [0.01, 0.4])
def test_a_slow_answer_takes_nothing_from_a_quick_one(took: float) -> None:
    machines = Machines()
    known = learned(None, machines.sample(took, 0.5))
    machines.passed += 1
    after = learned(known, machines.sample(20, 0.9))

    assert after.is_exact
    assert machines.off(after) <= timedelta(seconds=took / 2 + 25 * DRIFT)
