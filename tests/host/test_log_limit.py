"""How often the log says the same, over every order of lines and times: each is told or counted."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.host.log_limit import MOST, MOST_CAUSES, WITHIN, Limiter
from tests.support.fakes import FakeClock

STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 60), st.sampled_from([0.0, 0.1, 3.0, WITHIN])),
    max_size=30,
)


@given(STEPS)
def test_each_line_is_told_or_counted_once(steps: list[tuple[str, int, float]]) -> None:
    clock = FakeClock()
    limiter = Limiter(clock.monotonic)
    told: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    counted = 0
    for cause, many, pause in steps:
        for _ in range(many):
            if limiter.admit(cause) is not None:
                told[cause].append(clock.monotonic())
        counted += sum(one.untold for one in limiter.ended())
        clock.advance(pause)
    counted += sum(one.untold for one in limiter.close())

    assert sum(map(len, told.values())) + counted == sum(many for _, many, _ in steps)
    for cause, times in told.items():
        windows = {at: sum(at <= other < at + WITHIN for other in times) for at in times}
        assert all(many <= 2 * MOST for many in windows.values())
        asked = sum(many for one, many, _ in steps if one == cause)
        assert len(times) >= min(asked, MOST)


def test_causes_are_bounded_and_none_of_their_lines_is_forgotten() -> None:
    limiter = Limiter(FakeClock().monotonic)
    for number in range(3 * MOST_CAUSES):
        for _ in range(MOST + 1 if number == 0 else 1):
            limiter.admit(number)

    assert [one.untold for one in limiter.ended()] == [1]
    assert len(limiter._windows) < MOST_CAUSES + 1
