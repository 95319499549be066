"""The tables of speed are those of the run that was kept, and the page's commands are commands."""

import re
import shlex

import pytest

from bench import pages, report, results, tables
from bench.__main__ import ENTRANTS, MEASUREMENTS, parsed
from bench.names import RACED
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
KEPT = results.read(report.KEPT)
WORDS = re.findall(
    r"""make bench WORDS=["']([^"']+)["']""", PAGE + CONTRIBUTING + (ROOT / "Makefile").read_text()
)


@pytest.mark.parametrize("name", [*pages.PAGES, pages.PICTURE])
def test_what_is_made_of_the_kept_run_is_of_that_run(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == pages.made(ROOT, KEPT)[ROOT / name]


def test_every_table_that_there_is_stands_somewhere() -> None:
    text = "".join((ROOT / one).read_text(encoding="utf-8") for one in pages.PAGES)
    assert sorted(re.findall(r"<!-- bench: (\w+) -->", text)) == sorted(tables.TABLES)


@pytest.mark.parametrize("words", [one for one in WORDS if "NAME" not in one and "OTHER" not in one])
def test_a_command_of_the_page_is_one_that_there_is(words: str) -> None:
    assert vars(parsed(shlex.split(words))) != vars(parsed([]))


def test_who_races_is_named() -> None:
    assert frozenset(ENTRANTS) == RACED
    assert not RACED & set(MEASUREMENTS)
