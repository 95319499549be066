"""Observations of every kind are written down and read back as they were, look by look."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.files import File
from daemon.core.model import Failure
from daemon.core.rehearsal import looks
from daemon.core.rehearsal.looks import Answer, Batch, Failed, Looks
from daemon.core.rehearsal.patches import applied, patch
from daemon.core.rehearsal.shapes import dumped, loaded
from daemon.core.watches import directories, pirsumphone, queues, registrations, sip, units
from daemon.core.watches.observed_time import observed
from tests.support.examples import examples

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
names = st.text(min_size=1, max_size=4)
whole = st.none() | st.integers(0, 9)
OBSERVATIONS: dict[type, st.SearchStrategy[Any]] = {
    sip.Observation: st.builds(
        sip.Observation,
        st.dictionaries(names, st.none() | st.booleans(), max_size=3),
        st.just(()),
        st.dictionaries(names, names, max_size=2),
    ),
    queues.Observation: st.builds(
        queues.Observation,
        *[whole] * 5,
        st.none() | names,
        st.none() | st.lists(st.builds(queues.Caller, names, names, whole, whole), max_size=3).map(tuple),
        st.none()
        | st.lists(st.builds(queues.Agent, names, st.none() | st.booleans(), whole.map(str), whole)).map(
            tuple
        ),
    ),
    units.Observation: st.builds(
        units.Observation, st.none() | st.floats(0, 1e6), st.none() | st.dates(date(2020, 1, 1))
    ),
    pirsumphone.Observation: st.builds(pirsumphone.Observation, st.none() | st.booleans()),
    directories.Observation: st.builds(
        directories.Observation,
        *[st.none() | names, whole, whole, whole],
        st.none() | st.builds(File, names, *[st.none() | names] * 8, meta=json_values),
        st.none(),
    ),
    registrations.Observation: st.from_type(registrations.Observation),
}


@pytest.mark.parametrize("of", OBSERVATIONS, ids=lambda of: of.__module__.rpartition(".")[2])
@given(data=st.data())
@settings(max_examples=examples(30), deadline=None)
def test_an_observation_is_read_back_as_it_was(of: type, data: st.DataObject) -> None:
    seen = data.draw(OBSERVATIONS[of])
    assert loaded(of, dumped(seen)) == seen


def test_what_was_worked_out_beside_an_observation_is_not_written_down() -> None:
    with pytest.raises(TypeError):
        dumped(object())
    assert dumped(units.Observation(2.5, date(2026, 11, 30))) == {
        "balance": 2.5,
        "expires_on": "2026-11-30",
        "problems": [],
    }


@pytest.mark.parametrize("stored", [{"balance": 1, "gone": 2}, {"expires_on": "soon"}, [], 5, None])
def test_what_another_release_wrote_is_no_observation(stored: Any) -> None:
    with pytest.raises((AttributeError, LookupError, TypeError, ValueError)):
        loaded(units.Observation, stored)


def _plain(value: Any) -> Any:
    """Numbers for booleans: Python says that they are equal."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, bool) else value


@given(json_values.map(_plain), json_values.map(_plain))
@settings(max_examples=examples(300))
def test_a_patch_leads_from_one_value_to_the_other(before: Any, after: Any) -> None:
    assert applied(before, patch(before, after)) == after


spans = st.sampled_from([10.0, 9.6, 10.4, 25.0, 3.0])
outcomes = st.one_of(
    st.integers(0, 3).map(lambda many: Answer({"many": many, "same": ["a", 1]})),
    st.sampled_from(
        [Failed(Failure.TIMEOUT, "slow\nand more"), Failed(Failure.THROTTLED, "wait", is_left_alone=True)]
    ),
)


@given(
    st.lists(
        st.tuples(outcomes, st.none() | spans, st.integers(1, 4)),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=examples(200))
def test_looks_are_read_back_with_their_times_and_gaps(
    given_: Sequence[tuple[Any, float | None, int]],
) -> None:
    """With how much of them counts as observed time, which is what an alert goes by."""
    every = 10 * SECOND
    batch, at, wanted = Batch(START, every), START, []
    for outcome, gap, many in given_:
        passed = None if gap is None else gap * SECOND
        at += passed or 40 * SECOND
        batch.add(at, outcome, passed)
        wanted.append((at, outcome, observed(passed, every)))
        for _ in range(many - 1):
            at += every
            batch.same(at, 1)
            wanted.append((at, outcome, every))
    found = [
        (one.at(number), one.outcome, observed(one.gap, every))
        for one in looks.read(batch.text)
        for number in range(1, one.many + 1)
    ]
    assert [(outcome, time) for _, outcome, time in found] == [(outcome, time) for _, outcome, time in wanted]
    assert all(abs(one[0] - other[0]) <= SECOND for one, other in zip(found, wanted, strict=True))
    assert batch.length == len(batch.text) + 1
    assert looks.header(batch.text).every == every


def test_equal_looks_are_one_line_however_many() -> None:
    batch = Batch(START, 10 * SECOND)
    batch.add(START, Answer({"a": 1}), None)
    for number in range(1, 361):
        batch.add(START + number * 10 * SECOND, Answer({"a": 1}), 10 * SECOND)
    assert len(batch.lines) == 3
    assert list(looks.read(batch.text))[1] == Looks(
        START + timedelta(hours=1), Answer({"a": 1}), 360, timedelta(hours=1), 10 * SECOND
    )


def test_what_was_before_a_gap_is_not_known() -> None:
    one = Looks(START, Answer({}), gap=SECOND)
    assert looks.after_a_gap(one) == replace(one, gap=None)


@pytest.mark.parametrize("text", ["", "{}", '{"start":1,"every":1,"tick":1}\n[1,2]', "[1]\n[]"])
def test_what_is_no_batch_says_so(text: str) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        list(looks.read(text))
