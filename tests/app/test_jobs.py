from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from daemon.app.jobs import SPREAD, first_runs

LONGEST = timedelta(days=1)
ROUNDING = timedelta(microseconds=1)

intervals = st.timedeltas(min_value=timedelta(milliseconds=100), max_value=LONGEST)


@given(st.lists(st.sampled_from([timedelta(seconds=1), timedelta(seconds=60), LONGEST]) | intervals))
def test_first_polls_are_within_their_intervals(every: list[timedelta]) -> None:
    assert all(timedelta(0) <= first < one for first, one in zip(first_runs(every), every, strict=True))


@given(every=intervals, many=st.integers(2, 2_000))
def test_polls_of_an_interval_stay_apart_however_many_there_are(every: timedelta, many: int) -> None:
    """Also the last of one round and the first of the next."""
    first = first_runs([every] * many)

    apart = min(SPREAD, every / many) - ROUNDING
    around = [*first, first[0] + every]
    assert all(after - before >= apart for before, after in pairwise(around))


def test_few_polls_do_not_wait_for_an_interval() -> None:
    assert first_runs([timedelta(seconds=60)] * 3) == [timedelta(0), SPREAD, 2 * SPREAD]
