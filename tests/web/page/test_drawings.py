"""What is drawn of time: all of it, once, and nothing that was not seen."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.web.page.drawings import (
    DOWN,
    TALL,
    UNKNOWN,
    UP,
    Cell,
    Limit,
    Mark,
    Point,
    Segment,
    Shade,
    axis_end,
    bar,
    plot,
    points,
    segments,
)

DAY = 86_400
ANY = st.floats() | st.integers(-10, 2 * DAY)
SECONDS = st.floats(0, 400)
CELLS = st.lists(
    st.builds(Cell, ANY, ANY, ANY, ANY)
    | st.integers(0, 2_000).flatmap(
        lambda at: st.builds(Cell, st.just(at * 60), st.just(at * 60 + 60), SECONDS, SECONDS)
    ),
    max_size=20,
)
MINUTES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda two: (two[0], min(two[1], 60 - two[0]))),
    min_size=1,
    max_size=60,
)
POINTS = st.lists(
    st.builds(Point, ANY, ANY, ANY, ANY, ANY)
    | st.integers(0, 1_500).flatmap(
        lambda at: st.builds(
            Point,
            st.just(at * 60.0),
            st.just(at * 60.0 + 60),
            st.just(0.0),
            st.floats(0, 9),
            st.just(9.0),
        )
    ),
    max_size=20,
)


@given(CELLS, st.integers(1, DAY), st.integers(3, 120))
def test_a_bar_is_covered_once_from_its_beginning_to_its_end(
    cells: list[Cell], length: int, most: int
) -> None:
    found = segments(cells, length, most)

    assert (found[0].start, found[-1].end) == (0, length)
    assert all(one.end == other.start and one.state != other.state for one, other in pairwise(found))
    assert all(one.earliest <= one.start < one.end <= one.latest for one in found)
    assert len(found) <= most


@given(MINUTES)
def test_each_state_is_as_wide_as_it_was_long(minutes: list[tuple[int, int]]) -> None:
    cells = [Cell(at * 60, at * 60 + 60, up, down) for at, (up, down) in enumerate(minutes)]

    found = segments(cells, 60 * len(minutes), most=10_000)

    lengths = {state: sum(one.seconds for one in found if one.state == state) for state in TALL}
    assert lengths[UP] == sum(up for up, _ in minutes)
    assert lengths[DOWN] == sum(down for _, down in minutes)


@given(MINUTES, st.integers(3, 30))
def test_a_bar_that_is_drawn_coarser_has_the_same_lengths(minutes: list[tuple[int, int]], most: int) -> None:
    cells = [Cell(at * 60, at * 60 + 60, up, down) for at, (up, down) in enumerate(minutes)]

    fine, coarse = (segments(cells, 60 * len(minutes), most=few) for few in (10_000, most))

    for state in TALL:
        assert sum(one.seconds for one in fine if one.state == state) == sum(
            one.seconds for one in coarse if one.state == state
        )


def test_what_nobody_speaks_of_is_unseen() -> None:
    assert segments([], 100, 10) == [Segment(0, 100, UNKNOWN, 0, 100)]
    assert [one.state for one in segments([Cell(20, 40, 20, 0), Cell(60, 80, 20, 0)], 100, 10)] == [
        UNKNOWN,
        UP,
        UNKNOWN,
        UP,
        UNKNOWN,
    ]


def test_a_piece_says_within_which_time_it_was() -> None:
    cells = [Cell(0, 60, 60, 0), Cell(60, 120, 20, 40), Cell(120, 180, 0, 60), Cell(180, 240, 60, 0)]

    (first, down, last) = segments(cells, 240, 10)

    assert (first.seconds, first.earliest, first.latest, first.is_exact) == (80, 0, 120, False)
    assert (down.seconds, down.earliest, down.latest) == (100, 60, 180)
    assert last.is_exact


@pytest.mark.parametrize("down", [0.001, 0.4, 1])
def test_the_shortest_time_down_is_drawn(down: float) -> None:
    assert DOWN in {one.state for one in segments([Cell(0, 3600, 3599, down)], 3600, 10)}


@given(CELLS, POINTS, st.integers(1, DAY), st.text())
def test_whatever_is_drawn_is_numbers_and_text(
    cells: list[Cell], given: list[Point], length: int, text: str
) -> None:
    drawn = bar(segments(cells, length, 30), length, lambda one: text, text) + plot(
        points(given, length, 100),
        length,
        limits=[Limit(5, text)],
        shades=[Shade(-5, 10, text)],
        marks=[Mark(0, text), Mark(1, text)],
        label=text,
    )

    shapes = re.sub(r"(?<=>)[^<]*(?=<)|aria-label=\"[^\"]*\"", "", drawn)
    assert not re.search(r'nan|inf|\de[+-]?\d| x="-|width="-|d="[^"]*-', shapes)
    assert len(re.findall("<", drawn)) == len(re.findall(r"</?(?:svg|rect|title|path|text)[ >]", drawn))


@given(POINTS, st.integers(1, DAY), st.integers(1, 300))
@example([Point(0, 60, 1, 1, 1), Point(120, 180, 1, 1, 1)], 180, 1)
def test_no_line_goes_over_a_time_that_was_not_seen(given: list[Point], length: int, most: int) -> None:
    runs = points(given, length, most)

    seen = [one for one in given if math.isfinite(one.start) and math.isfinite(one.end)]
    for run in runs:
        at = run[0].start
        for one in sorted(seen, key=lambda each: each.start):
            if one.start - at < 1:
                at = max(at, one.end)
        assert at >= run[-1].end
        assert all(abs(one.end - other.start) < 1 for one, other in pairwise(run))


def test_points_that_are_put_together_keep_the_extremes() -> None:
    (run,) = points([Point(at, at + 1, at, at, at) for at in range(1000)], 1000, 10)

    assert len(run) == 10
    assert (run[0].low, run[-1].high) == (0, 999)


def test_a_gap_is_a_new_line() -> None:
    drawn = plot(
        points([Point(0, 60, 1, 1, 1), Point(60, 120, 2, 2, 2), Point(600, 660, 3, 3, 3)], 660, 100),
        660,
        label="",
    )

    assert drawn.count('class="line"') == 2


@given(st.lists(ANY))
def test_an_axis_ends_above_every_value(values: list[float]) -> None:
    end = axis_end(values)

    assert end > 0
    assert all(one <= end for one in values if math.isfinite(one))


@pytest.mark.parametrize(("highest", "end"), [(0, 1), (3, 4), (7, 8), (11, 20), (240, 400), (99, 100)])
def test_an_axis_ends_at_a_round_number(highest: float, end: float) -> None:
    assert axis_end([highest]) == end


def test_the_states_differ_in_height() -> None:
    assert len({height for _, height in TALL.values()}) == len(TALL)


def test_an_axis_of_no_time_at_all_has_three_words_that_differ() -> None:
    assert axis_end([0.0], is_time=True) == axis_end([], is_time=True) == 10
