"""For how long every watch was seen and nothing came: against a reckoning by seconds."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.core.watches.expectations import MOST_SPANS, Lull

EVERY = {"a": 5, "b": 7, "c": 1}
MOST = 2


@st.composite
def looks(draw: st.DrawFn) -> list[tuple[int, str, str]]:
    """Second, watch and what became of the look, in order: at most one of a watch at once."""
    found = []
    for name, every in EVERY.items():
        at = draw(st.integers(0, 5))
        for _ in range(draw(st.integers(0, 25))):
            at += draw(st.sampled_from([every, every, every, every + 1, 3 * every]))
            what = draw(st.sampled_from(["answers", "answers", "answers", "fails", "outside", "came"]))
            found.append((at, name, what))
    return sorted(found)


def reckoned(happened: list[tuple[int, str, str]], names: frozenset[str]) -> int:
    """Second by second: which were seen by all of them, since it came last, as far as all have answered."""
    seen = {name: set[int]() for name in names}
    last: dict[str, int | None] = dict.fromkeys(names)
    until = dict.fromkeys(names, -1)
    came = -1
    for at, name, what in happened:
        if name not in names:
            continue
        if what == "fails":
            last[name] = None
            continue
        before = last[name]
        if what != "outside" and before is not None:
            seen[name] |= set(range(max(before, at - MOST * EVERY[name]), at))
        last[name] = None if what == "outside" else at
        until[name] = at
        if what == "came":
            came = at
    common = set.intersection(*seen.values())
    return sum(came <= second < min(until.values()) for second in common)


@given(happened=looks(), names=st.frozensets(st.sampled_from(sorted(EVERY)), min_size=1))
def test_only_what_all_have_seen_counts(happened: list[tuple[int, str, str]], names: frozenset[str]) -> None:
    lull = Lull(names)
    for at, name, what in happened:
        if name not in names:
            continue
        if what == "fails":
            lull.unseen(name)
            continue
        if what == "came":
            lull.came(at)
        lull.looked(name, at, MOST * EVERY[name], counts=what != "outside")

    assert lull.seconds == reckoned(happened, names)
    last = {name: what for _, name, what in happened if name in names}
    expected = True if "fails" in last.values() else None if len(last) < len(names) else False
    assert lull.is_blind is expected


def test_what_waits_for_a_watch_that_says_nothing_is_bounded() -> None:
    lull = Lull({"a", "b"})
    lull.looked("b", 0, 10, counts=True)
    for at in range(0, 4 * MOST_SPANS, 2):
        lull.looked("a", at, 1, counts=True)  # with a gap between each two

    assert sum(len(one.spans) for one in lull._watches.values()) <= MOST_SPANS
    lull.looked("b", 5 * MOST_SPANS, 10**9, counts=True)
    assert lull.seconds <= MOST_SPANS


def test_a_watch_that_is_not_interrupted_is_one_stretch() -> None:
    lull = Lull({"a", "b"})
    for at in range(10_000):
        lull.looked("a", at, 10, counts=True)

    assert lull._watches["a"].spans == [(0, 9_999)]
