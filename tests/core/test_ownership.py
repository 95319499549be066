"""Shares among members: little moves, all of it is somebody's, and nobody is taken for dead who lives."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.ownership import (
    DEAD_AFTER,
    DEAD_WITHOUT_SESSION,
    LOOKED_AWAY,
    MOST_MOVED,
    Holding,
    Kind,
    Lives,
    Member,
    Share,
    owner,
    plan,
)

NOW = datetime(2026, 11, 29, tzinfo=UTC)
NAMES = st.sets(st.text(min_size=1, max_size=4), min_size=1, max_size=6)
SHARES = st.sets(st.builds(Share, st.sampled_from(Kind), st.text(max_size=4)), max_size=40)


def member(name: str, counter: int = 0) -> Member:
    return Member(name, f"of {name}", 1, counter, NOW, "1.0", "f", NOW, "")


@given(SHARES, NAMES, st.data())
def test_only_what_was_its_own_moves_where_a_member_goes(
    shares: set[Share], members: set[str], data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(sorted(members)))
    for share in shares:
        before, after = owner(share, members), owner(share, members - {gone})
        assert before in (after, gone)


@pytest.mark.parametrize("many", [2, 3, 7])
def test_each_has_about_as_much(many: int) -> None:
    members = [f"member-{number}" for number in range(many)]
    had = [owner(Share(Kind.SYSTEM, f"system-{number}"), members) for number in range(3000)]
    shares = [had.count(one) for one in members]
    assert min(shares) > 0.85 * 3000 / many
    assert max(shares) < 1.15 * 3000 / many


@given(SHARES, NAMES, st.data())
def test_all_of_it_is_had_before_long_and_by_one(
    wanted: set[Share], names: set[str], data: st.DataObject
) -> None:
    """From whatever stands there, with each going by its own plan, in any order."""
    holder = st.none() | st.sampled_from(sorted(names))
    held = {
        share: Holding(share.kind, share.name, data.draw(holder), 1, NOW)
        for share in data.draw(SHARES) | set(sorted(wanted)[::2])
    }
    for _ in range(len(held) + 2):
        for me in data.draw(st.permutations(sorted(names))):
            planned = plan(me, wanted, held, names, most=3)
            for share in planned.give:
                assert held[share].member == me
                held[share] = replace(held[share], member=None)
            for share in planned.take:
                assert share not in held or held[share].member is None
                held[share] = Holding(share.kind, share.name, me, 1, NOW)
    assert {share: one.member for share, one in held.items() if one.member is not None} == {
        share: owner(share, names) for share in wanted
    }


def test_who_is_no_member_takes_nothing() -> None:
    shares = {Share(Kind.SYSTEM, str(number)) for number in range(20)}
    assert not plan("me", shares, {}, ["another"]).take
    mine = {share: Holding(share.kind, share.name, "me", 1, NOW) for share in shares}
    assert set(plan("me", shares, mine, ["another"]).give) == shares


def test_little_is_given_at_once_but_all_that_is_not_wanted_any_more() -> None:
    shares = {Share(Kind.SYSTEM, str(number)) for number in range(500)}
    mine = {share: Holding(share.kind, share.name, "me", 1, NOW) for share in shares}
    little = plan("me", shares, mine, ["another"])
    assert len(little.give) == MOST_MOVED
    assert little.has_more
    assert not plan("me", shares, mine, ["another"], ready=["me"]).give
    assert set(plan("me", (), mine, ["me"]).give) == shares


class Looks:
    """One member looks at another, at these times."""

    def __init__(self) -> None:
        self.lives = Lives()

    def dead(self, at: float, counter: int, *, is_connected: bool = True) -> bool:
        connected = {"other"} if is_connected else set()
        return bool(self.lives.look([member("other", counter)], connected, at))


def test_a_counter_that_stands_still_is_a_death() -> None:
    looks = Looks()
    found = [looks.dead(at / 2, 7) for at in range(30)]
    assert found.index(True) == DEAD_AFTER * 2


def test_that_it_is_silent_is_said_before_it_is_dead_and_until_it_stirs() -> None:
    looks = Looks()
    for at in range(3):
        assert not looks.dead(at, 7)
        assert looks.lives.silent() == {}  # a renewal may be late by one or two
    for at in range(3, 9):
        assert not looks.dead(at, 7)
        assert looks.lives.silent() == {"other": at}
    assert not looks.dead(9, 8)
    assert looks.lives.silent() == {}


def test_without_its_session_it_is_one_sooner() -> None:
    looks = Looks()
    found = [looks.dead(at / 2, 7, is_connected=False) for at in range(30)]
    assert found.index(True) == DEAD_WITHOUT_SESSION * 2


def test_one_that_was_started_again_is_alive() -> None:
    lives = Lives()
    for at in range(9):
        assert not lives.look([member("other")], {"other"}, at)
    again = replace(member("other"), incarnation="another process")
    for at in range(9, 18):
        assert not lives.look([again], {"other"}, at)


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_nobody_is_dead_before_its_time_and_all_are_after_it(looks: list[tuple[float, bool, bool]]) -> None:
    """However long who looks stood still itself, and whatever its clock does."""
    one, at, counter, still = Looks(), 0.0, 0, 0.0
    for index, (passed, moves, is_connected) in enumerate(looks):
        at += passed
        counter += moves
        counted = passed if index and passed <= LOOKED_AWAY else 0.0
        still = 0.0 if moves or not index else still + counted
        least = DEAD_AFTER if is_connected else DEAD_WITHOUT_SESSION
        assert one.dead(at, counter, is_connected=is_connected) == (still >= least) or still == pytest.approx(
            least
        )
