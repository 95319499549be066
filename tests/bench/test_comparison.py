"""What is called slower: by more than the spread, and not because the machine is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.comparison import UNKNOWN_SPREAD, Change, Verdict, compare
from bench.figures import Figure, Loop
from bench.results import Results

LOOP = Loop(50, 40)
OURS = Figure("durable", "yemotd", "/s", (9_000, 9_100, 9_200), loops=(LOOP,) * 3)
PYCURL = Figure("raw-pycurl", "pycurl", "/s", (60_000, 60_500, 61_000), loops=(LOOP,) * 3)
HUEY = Figure("huey", "huey", "/s", (700, 710, 720), loops=(LOOP,) * 3)
POLL = Figure("poll-changed", "a poll", "ms CPU", (2.0, 2.02, 2.04), loops=(LOOP,) * 3)
LATENCY = Figure("latency-p50", "latency", "ms", (1.8,), loops=(LOOP,))
MEMORY = Figure("rss-demo", "memory", "MiB RSS", (85.0, 85.2))
SLOW_RECEIVER = Figure("slow-receiver", "slow", "/s", (3_800, 3_810))
ALL = (OURS, PYCURL, HUEY, POLL, LATENCY, MEMORY, SLOW_RECEIVER)
TIMES = st.floats(0.2, 5)


def run(*figures: Figure) -> Results:
    return Results({}, figures or ALL, 3, is_quick=False)


def times(figure: Figure, factor: float) -> Figure:
    return replace(figure, runs=tuple(one * factor for one in figure.runs))


def on_a_machine(figure: Figure, slower: float) -> Figure:
    """What would be measured on a machine that is so much slower."""
    loops = tuple(Loop(one.wall * slower, one.cpu * slower) for one in figure.loops)
    if not figure.loops:
        return figure  # memory, and what the receiver bounds
    factor = 1 / slower if figure.unit == "/s" else slower
    return replace(times(figure, factor), loops=loops)


def verdict(now: Figure, then: Figure) -> Verdict:
    """On the same machine."""
    (one,) = compare(run(now), run(then))
    return one.verdict


@given(TIMES)
def test_on_another_machine_nothing_has_changed(slower: float) -> None:
    changes = compare(run(*(on_a_machine(one, slower) for one in ALL)), run())

    assert {one.figure.name: one.verdict for one in changes} == dict.fromkeys(
        ["durable", "poll-changed", "latency-p50", "rss-demo", "slow-receiver"], Verdict.SAME
    )


@pytest.mark.parametrize("figure", [OURS, POLL, LATENCY, MEMORY, SLOW_RECEIVER], ids=lambda one: one.name)
@given(slower=TIMES, by=st.floats(1.35, 10))
def test_what_has_become_worse_is_said_on_any_machine(figure: Figure, slower: float, by: float) -> None:
    worse = times(figure, 1 / by if figure.unit == "/s" else by)
    now = [on_a_machine(worse if one is figure else one, slower) for one in ALL]
    found = {one.figure.name: one.verdict for one in compare(run(*now), run())}

    assert found.pop(figure.name) is Verdict.SLOWER
    assert set(found.values()) == {Verdict.SAME}


@given(
    st.lists(st.floats(0.5, 2), min_size=1, max_size=5), st.lists(st.floats(0.5, 2), min_size=1, max_size=5)
)
def test_slower_one_way_is_faster_the_other(mine: list[float], theirs: list[float]) -> None:
    now, then = replace(POLL, runs=tuple(mine)), replace(POLL, runs=tuple(theirs))
    other = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER, Verdict.SAME: Verdict.SAME}

    assert verdict(then, now) is other[verdict(now, then)]


def test_a_change_within_the_spread_of_either_run_is_none() -> None:
    uneven = replace(POLL, runs=(2.0, 2.3, 2.6))

    assert verdict(times(POLL, 1.2), uneven) is Verdict.SAME
    assert verdict(uneven, POLL) is Verdict.SAME
    assert verdict(times(POLL, 1.2), POLL) is Verdict.SLOWER


def test_of_one_run_the_spread_is_not_known_and_taken_as_large() -> None:
    assert verdict(times(LATENCY, 1 + 0.9 * UNKNOWN_SPREAD), LATENCY) is Verdict.SAME
    assert verdict(times(LATENCY, 1 + 1.1 * UNKNOWN_SPREAD), LATENCY) is Verdict.SLOWER


def test_rates_are_compared_round_by_round() -> None:
    # A round in which the machine was busy: for both.
    ours, theirs = replace(OURS, runs=(9_000, 3_000, 9_000)), replace(PYCURL, runs=(60_000, 20_000, 60_000))
    (one,) = compare(run(ours, theirs), run(OURS, PYCURL))

    assert one.by == "raw-pycurl"
    assert one.verdict is Verdict.SAME
    assert one.spread < 0.1


@pytest.mark.parametrize("broken", [replace(PYCURL, faults=("9 of 10",)), replace(PYCURL, runs=(0.0, 1.0))])
def test_a_peer_that_failed_is_no_yardstick(broken: Figure) -> None:
    (one, *_) = compare(run(OURS, broken, HUEY), run())

    assert one.by == "huey"


def test_without_a_peer_a_rate_is_compared_with_the_loop() -> None:
    (one,) = compare(run(on_a_machine(OURS, 2)), run(OURS))

    assert (one.by, one.verdict) == ("the machine's loop", Verdict.SAME)


@pytest.mark.parametrize(
    "now",
    [
        None,
        replace(POLL, runs=(), not_run="no compiler"),
        replace(POLL, faults=("lost one",)),
        replace(POLL, unit="s"),
    ],
)
def test_what_is_not_there_or_not_to_be_believed_is_lost(now: Figure | None) -> None:
    (one,) = compare(run(*[now] if now else [OURS]), run(POLL))

    assert one.verdict is Verdict.LOST


def test_a_rate_that_fell_to_nothing_is_slower() -> None:
    assert verdict(replace(OURS, runs=(0.0, 0.0)), OURS) is Verdict.SLOWER


def test_peers_are_not_watched_and_what_is_new_is_not_compared() -> None:
    assert [one.figure.name for one in compare(run(), run(HUEY, MEMORY))] == ["rss-demo"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            Change(OURS, Verdict.SLOWER, "huey", 0.5, 0.1),
            "yemotd: 0.50 × what was kept beside huey: worse (spread 10%)",
        ),
        (Change(MEMORY, Verdict.SAME, "", 1.0, 0.05), "memory: 1.00 × what was kept: the same (spread 5%)"),
        (Change(replace(MEMORY, not_run="why"), Verdict.LOST), "memory: not measured (why)"),
    ],
)
def test_it_is_said(change: Change, said: str) -> None:
    assert str(change) == said
