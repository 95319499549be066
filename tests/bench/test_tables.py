"""The tables of the pages, from a run's file."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import tables
from bench.figures import Figure, Goal, Loop
from bench.goals import GOALS, family
from bench.goals import given as with_goal
from bench.results import Results
from bench.tables import NoSuchTableError

DURABLE = with_goal(Figure("durable", "yemotd", "/s", (9_000, 10_000), note="50,000 deliveries"))
HUEY = Figure("huey", "huey on SQLite", "/s", (700,))
LISTS = [
    with_goal(Figure(f"list {path}", f"GET {path}, p95", "ms", (took,), note="200 requests"))
    for path, took in (("/a", 3.0), ("/b", 30.0), ("/c", 4.0))
]
MISSING = with_goal(Figure("start", "start", "s", not_run="no compiler"))
PLAIN = Figure("streams-first", "first reader", "ms", (3.0,), note="300 messages")
RUN = Results(
    {"date": "today", "cores": "2"}, (DURABLE, HUEY, *LISTS, MISSING, PLAIN), rounds=3, is_quick=False
)


def rows(table: str) -> dict[str, list[str]]:
    found = [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in table.splitlines()[2:]]
    return {row[0]: row[1:] for row in found}


def test_each_goal_stands_beside_its_figure() -> None:
    found = rows(tables.goals(RUN))

    assert found["yemotd"] == ["≥ 25,000/s", "9,500/s", "11%", "no", "50,000 deliveries"]
    assert found["start"] == ["≤ 1 s", "not measured", "", "–", "no compiler"]


def test_a_goal_that_was_not_measured_is_not_left_out() -> None:
    assert len(rows(tables.goals(RUN))) == len(GOALS)
    assert rows(tables.goals(RUN))["poll-changed"] == ["≤ 2 ms", "not measured", "", "–", "not measured"]


def test_a_goal_of_the_measurement_itself_is_shown_too() -> None:
    own = Figure("new", "something new", "ms", (1.0,), Goal(2, is_floor=False))

    assert rows(tables.goals(replace(RUN, figures=(own,))))["something new"][:2] == ["≤ 2", "1 ms"]


def test_of_many_lists_the_slowest_counts() -> None:
    (shown,) = [row for name, row in rows(tables.goals(RUN)).items() if "list" in name and "page" not in name]

    assert shown == ["≤ 10 ms", "30 ms", "", "no", "GET /b, p95; 200 requests"]


@pytest.mark.parametrize(
    "worse",
    [replace(LISTS[0], runs=(), not_run="404"), replace(LISTS[0], faults=("wrong",))],
    ids=["not measured", "with a fault"],
)
def test_a_list_that_failed_is_worse_than_a_slow_one(worse: Figure) -> None:
    found = rows(tables.goals(replace(RUN, figures=(*LISTS, worse))))

    assert found["GET …, the slowest list"][3] != "yes"
    assert found["GET …, the slowest list"][4].startswith(worse.not_run or "wrong")


def test_what_falls_short_is_told() -> None:
    told = tables.short(RUN)

    assert "- yemotd: 9,500/s, goal ≥ 25,000/s\n" in told
    assert "- start: not measured, goal ≤ 1 s\n" in told
    assert "huey on SQLite" not in told


def test_peers_stand_in_the_order_of_their_rates() -> None:
    found = rows(tables.peers(RUN))

    assert list(found) == ["yemotd", "huey on SQLite"]
    assert found["yemotd"][2] == "13.6"


def test_without_huey_there_is_no_ratio() -> None:
    assert rows(tables.peers(replace(RUN, figures=(DURABLE,))))["yemotd"][2] == ""


def test_the_readme_tells_a_few() -> None:
    assert list(rows(tables.readme(RUN))) == ["yemotd", "huey on SQLite", "start"]


def test_others_have_no_goal() -> None:
    assert list(rows(tables.others(RUN))) == ["first reader"]


def test_what_was_measured_at_several_sizes_has_a_column_for_each() -> None:
    figures = [
        Figure(f"{name} @ {size}", name, "ms", (size / 1e5,)) for name in "ab" for size in (10**6, 10**5)
    ]
    run = replace(RUN, figures=(*RUN.figures, *figures[:3]))

    assert tables.sizes(run).splitlines()[0] == "| figure | 100,000 | 1,000,000 | events |"
    assert rows(tables.sizes(run)) == {"a": ["1 ms", "10 ms", ""], "b": ["", "10 ms", ""]}
    assert tables.others(run) == tables.others(RUN)
    assert tables.sizes(RUN) == tables.NONE


def test_a_quick_run_says_that_it_is_rough() -> None:
    quick = replace(RUN, is_quick=True)

    for table in (tables.goals, tables.readme):
        assert "these figures are rough" in table(quick).splitlines()[0]
        assert "rough" not in table(RUN)


def test_a_quick_run_reaches_no_goal() -> None:
    quick = replace(RUN, is_quick=True, figures=(replace(DURABLE, runs=(30_000.0,)),))

    assert "| yes |" in tables.goals(replace(quick, is_quick=False))
    assert "| yes |" not in tables.goals(quick)


@pytest.mark.parametrize(("slowest", "is_said"), [(55.0, False), (90.0, True)])
def test_a_run_beside_others_says_so(slowest: float, is_said: bool) -> None:
    even = replace(DURABLE, loops=(Loop(50, 50), Loop(slowest, 50)))

    assert ("Others used the machine" in tables.goals(replace(RUN, figures=(even,)))) is is_said


def test_a_page_is_filled_between_its_marks_and_nowhere_else() -> None:
    page = "a\n<!-- bench: short -->\nformer\n<!-- end -->\nb\n<!-- bench: machine -->\n<!-- end -->\nc\n"
    made = tables.filled(page, RUN)

    assert made.startswith("a\n<!-- bench: short -->\n\n- yemotd")
    assert "former" not in made
    assert made.endswith("- rounds of the race: 3\n\n<!-- end -->\nc\n")
    assert tables.filled(made, RUN) == made


def test_a_page_that_wants_another_table_is_refused() -> None:
    with pytest.raises(NoSuchTableError, match="no table speed"):
        tables.filled("<!-- bench: speed -->\n<!-- end -->\n", RUN)


@given(st.lists(st.text(), min_size=2, max_size=4))
def test_no_text_breaks_out_of_its_row(cells: list[str]) -> None:
    (row,) = tables.markdown(["a"] * len(cells), [cells]).split("\n")[2:-1]

    assert len(re.findall(r"(?<!\\)\|", row)) == len(cells) + 1


def test_a_goal_of_many_is_that_of_all_that_begin_so() -> None:
    assert family("list /api/v1/events?type=sms.*") == "list *"
    assert family("page-list events?limit=50") == "page-list *"
    assert family("page /incidents") is None


def test_several_daemons_stand_side_by_side() -> None:
    figures = (
        Figure("members: deliveries by 1", "deliveries", "/s", (90.0, 110.0), note="12 endpoints"),
        Figure("members: deliveries by 3", "deliveries", "/s", (200.0,), note="12 endpoints"),
        Figure("members: killed, first by 3", "killed", "s", (4.0,), note="one of three"),
    )
    run = replace(RUN, figures=(*RUN.figures, *figures))

    assert rows(tables.members(run)) == {
        "deliveries": ["100/s, 20%", "200/s", "12 endpoints"],
        "killed": ["", "4 s", "one of three"],
    }
    assert "killed" not in tables.others(run)
