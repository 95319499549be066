"""A run's file: what is written is read back."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import results
from bench.figures import Figure, Goal, Loop
from bench.results import Results, UnreadableError

SIX_FIGURES = st.floats(1e-6, 1e9).map(lambda value: float(f"{value:.6g}"))
GOALS = st.builds(Goal, SIX_FIGURES, st.booleans(), st.sampled_from(["", "ms", "×"]))
FIGURES = st.builds(
    Figure,
    st.text(),
    st.text(),
    st.sampled_from(["/s", "ms", "%"]),
    st.lists(SIX_FIGURES).map(tuple),
    st.none() | GOALS,
    st.text(),
    st.lists(st.text()).map(tuple),
    st.text(),
    st.lists(st.builds(Loop, SIX_FIGURES, SIX_FIGURES)).map(tuple),
)
RUNS = st.builds(
    Results,
    st.dictionaries(st.text(), st.text()),
    st.lists(FIGURES, max_size=4).map(tuple),
    st.integers(1, 9),
    st.booleans(),
)


@given(RUNS)
def test_a_run_is_read_as_it_was_written(run: Results) -> None:
    assert results.parsed(results.dumped(run)) == run


def test_a_file_is_written_and_read(tmp_path: Path) -> None:
    run = Results({"processor": "מעבד"}, (Figure("durable", "yemotd", "/s", (9_000.0,)),), 3, is_quick=False)
    results.write(run, tmp_path / "run.json")

    assert results.read(tmp_path / "run.json") == run


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 0}', '{"version": 1}', "null"])
def test_another_file_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(UnreadableError, match=r"run\.json is not the file of a run"):
        results.read(tmp_path / "run.json")


def test_what_is_measured_by_itself_takes_its_place_in_a_run_and_says_so() -> None:
    old = Figure("start", "start", "s", (2.0,), note="5 starts")
    new, more = replace(old, runs=(1.0,)), Figure("large", "large", "ms", (3.0,))
    run = Results({"date": "Monday"}, (old, Figure("durable", "yemotd", "/s", (1.0,))), 3, is_quick=False)
    joined = run.joined(Results({"date": "Tuesday"}, (new, more), 1, is_quick=False))

    assert [one.name for one in joined.figures] == ["start", "durable", "large"]
    assert joined.figures[0] == replace(new, note="5 starts; measured by itself, Tuesday")
    assert joined.figures[2].note == "measured by itself, Tuesday"
    assert joined.machine == run.machine
