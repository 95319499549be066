"""What the command does beside measuring: it repeats, keeps and compares."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import report, results
from bench.figures import Figure
from bench.plan import Plan
from bench.processes import cores
from bench.results import Results

DURABLE = Figure("durable", "yemotd", "/s", (9_000.0, 9_100.0))
PYCURL = Figure("raw-pycurl", "pycurl", "/s", (60_000.0, 60_100.0))
RUN = Results({"date": "today"}, (DURABLE, PYCURL), 2, is_quick=False)
SLOWER = replace(RUN, figures=(replace(DURABLE, runs=(5_000.0, 5_100.0)), PYCURL))


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with its pages, in which nothing was kept yet."""
    (tmp_path / "docs" / "pictures").mkdir(parents=True)
    (tmp_path / "README.md").write_text("# a\n<!-- bench: readme -->\n<!-- end -->\n")
    (tmp_path / "docs" / "performance.md").write_text("# b\n<!-- bench: peers -->\n<!-- end -->\n")
    monkeypatch.setattr(command, "TOP", tmp_path)
    monkeypatch.setattr(report, "KEPT", tmp_path / "kept.json")
    return tmp_path


def test_a_run_that_is_kept_makes_the_tables(top: Path) -> None:
    results.write(RUN, top / "run.json")
    assert command.main(["--keep", str(top / "run.json")]) == os.EX_OK

    assert results.read(top / "kept.json") == RUN
    assert "| yemotd | 9,050/s |" in (top / "README.md").read_text(encoding="utf-8")
    assert "| pycurl | 60,050/s |" in (top / "docs" / "performance.md").read_text(encoding="utf-8")
    assert "60,050" in (top / "docs" / "pictures" / "deliveries.svg").read_text(encoding="utf-8")


def test_what_was_measured_by_itself_is_kept_with_the_run(top: Path) -> None:
    by_size = Figure("a poll @ 1000000", "a poll", "ms", (2.0,))
    results.write(RUN, top / "run.json")
    results.write(replace(RUN, figures=(by_size,)), top / "sizes.json")
    assert command.main(["--keep", str(top / "run.json"), str(top / "sizes.json")]) == os.EX_OK
    kept = results.read(top / "kept.json")

    assert [one.name for one in kept.figures] == ["durable", "raw-pycurl", "a poll @ 1000000"]
    assert command.main(["--compare", str(top / "run.json")]) == 0


def test_what_became_slower_is_said_with_an_exit_code(top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results.write(RUN, top / "kept.json")
    results.write(SLOWER, top / "run.json")

    assert command.main(["--compare", str(top / "kept.json")]) == 0
    assert command.main(["--compare", str(top / "run.json")]) == 1
    assert "slower: yemotd" in capsys.readouterr().out


def test_a_quick_run_is_not_compared_with_a_whole_one(top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results.write(RUN, top / "kept.json")
    results.write(replace(SLOWER, is_quick=True), top / "run.json")

    assert command.main(["--compare", str(top / "run.json")]) == 0
    assert "Not compared" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--keep", "nothing.json"], ["--compare", "nothing.json"]])
def test_without_a_run_there_is_nothing_to_do(top: Path, words: list[str]) -> None:
    assert command.main([words[0], str(top / words[1])]) == os.EX_NOINPUT
    assert not (top / "kept.json").exists()


@pytest.mark.parametrize(("within", "times"), [(60.0, 3), (0.0, 1)])
def test_what_is_quick_is_measured_several_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, within: float, times: int
) -> None:
    seen: list[float] = []

    def measured(_plan: Plan) -> list[Figure]:
        seen.append(float(len(seen)))
        return [Figure("cold-version", "cold", "ms", (seen[-1],))]

    monkeypatch.setitem(command.MEASUREMENTS, "cold", measured)
    monkeypatch.setattr(command, "REPEATED_WITHIN", within)
    plan = Plan(tmp_path, tmp_path / "receiver", cores())
    (one,) = command.measured("cold", plan)

    assert list(one.runs) == seen
    assert len(seen) == len(one.loops) == times


def test_one_that_fails_is_told_and_no_other_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([[Figure("cold-version", "cold", "ms", (1.0,))]])

    def measured(_plan: Plan) -> list[Figure]:
        try:
            return next(times)
        except StopIteration:
            raise OSError("no space left") from None

    monkeypatch.setitem(command.MEASUREMENTS, "cold", measured)
    first, second = command.measured("cold", Plan(tmp_path, tmp_path / "receiver", cores(), runs=2))

    assert (first.name, first.runs) == ("cold-version", (1.0,))
    assert (second.name, second.not_run) == ("cold", "no space left")
