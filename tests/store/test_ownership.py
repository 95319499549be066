"""Members and what they have: taken once, under a token that grows, and freed with who had it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.core.ownership import Kind, Member, Share
from daemon.store import happened, in_force, ownership
from daemon.store.database import Database
from daemon.store.happened import Topic
from daemon.store.ownership import EVERYTHING, Pause
from tests.support import stores
from tests.support.engines import ON_POSTGRESQL, USED
from tests.support.examples import examples
from tests.support.fakes import START

IN_FORCE = "of all"
ONE, OTHER = Share(Kind.SYSTEM, "one"), Share(Kind.ENDPOINT, "one")


def member(name: str, number: int = 1, **more: object) -> Member:
    made = Member(name, f"mem_{name}", number, 0, START, "1", IN_FORCE, START, "")
    return replace(made, **more)  # type: ignore[arg-type] # the test's own words


@pytest.fixture(autouse=True)
def agreed(database: Database) -> None:
    with database.write() as db:
        in_force.save(db, {}, None, START, is_reload=False, fingerprint=IN_FORCE)


def test_what_nobody_has_is_taken_and_what_somebody_has_is_not(database: Database) -> None:
    with database.write() as db:
        assert ownership.take(db, [ONE, OTHER], "north", START) == {ONE: 1, OTHER: 1}
        assert ownership.take(db, [ONE], "south", START) == {}
        assert ownership.take(db, [ONE], "north", START) == {}


def test_thousands_are_taken_by_few_statements(database: Database) -> None:
    """While they are, nobody else writes."""
    shares = [Share(Kind.SYSTEM, f"s{number}") for number in range(2_500)]
    known, others, said = shares[:1_200], shares[:300], []
    with database.write() as db:
        ownership.give(db, ownership.take(db, known, "south", START))
        ownership.take(db, others, "south", START)
        sa.event.listen(db, "before_cursor_execute", lambda *given: said.append(given[2]))
        taken = ownership.take(db, [*shares, OTHER], "north", START)
        assert ownership.take(db, shares, "west", START) == {}

    assert taken == {
        **dict.fromkeys(shares[300:1_200], 2),
        **dict.fromkeys(shares[1_200:], 1),
        OTHER: 1,
    }
    assert len(said) < 30


def test_a_token_is_another_one_each_time(database: Database) -> None:
    with database.write() as db:
        tokens = []
        for name in ("north", "south", "north"):
            ((share, token),) = ownership.take(db, [ONE], name, START).items()
            tokens.append(token)
            assert ownership.token(db, ONE, name, IN_FORCE) == token
            ownership.give(db, {share: token})
            assert ownership.token(db, ONE, name, IN_FORCE) is None
        assert tokens == [1, 2, 3]


def test_what_was_another_s_meanwhile_is_not_given_for_him(database: Database) -> None:
    with database.write() as db:
        before = ownership.take(db, [ONE], "north", START)
        ownership.give(db, before)
        ownership.take(db, [ONE], "south", START)
        ownership.give(db, before)
        assert ownership.token(db, ONE, "south", IN_FORCE) == 2


def test_nothing_is_had_by_another_configuration_than_is_in_force(database: Database) -> None:
    with database.write() as db:
        ownership.take(db, [ONE], "north", START)
        assert ownership.tokens(db, Kind.SYSTEM, "north", IN_FORCE) == {"one": 1}
        assert ownership.tokens(db, Kind.SYSTEM, "north", "of before") == {}
        assert ownership.token(db, ONE, "north", "of before") is None


def test_who_leaves_frees_what_it_had(database: Database) -> None:
    with database.write() as db:
        ownership.join(db, member("north"))
        ownership.take(db, [ONE], "north", START)
        ownership.leave(db, "north", "another process of this name")
        assert ownership.token(db, ONE, "north", IN_FORCE) == 1
        ownership.leave(db, "north", "mem_north")
        assert ownership.members(db) == []
        assert ownership.take(db, [ONE], "south", START) == {ONE: 2}


def test_who_joins_has_nothing_of_what_its_name_had_before(database: Database) -> None:
    with database.write() as db:
        ownership.join(db, member("north"))
        ownership.take(db, [ONE], "north", START)
        ownership.join(db, member("north", 2, incarnation="another"))
        assert ownership.token(db, ONE, "north", IN_FORCE) is None
        assert not ownership.renew(db, "north", "mem_north")
        assert ownership.renew(db, "north", "another")
        assert [one.counter for one in ownership.members(db)] == [1]


def test_who_came_to_life_meanwhile_is_not_buried(database: Database) -> None:
    with database.write() as db:
        for number, name in enumerate(("north", "south")):
            ownership.join(db, member(name, number))
        ownership.take(db, [ONE], "north", START)
        ownership.take(db, [OTHER], "south", START)
        dead = ownership.members(db)
        ownership.renew(db, "north", "mem_north")
        assert [one.name for one in ownership.bury(db, dead)] == ["south"]
        assert ownership.bury(db, dead) == []  # another has done it
        assert ownership.token(db, ONE, "north", IN_FORCE) == 1
        assert ownership.token(db, OTHER, "south", IN_FORCE) is None


@USED
@pytest.mark.parametrize("what", ["join", "leave", "take", "differ", "announce"])
def test_others_hear_of_it(database: Database, what: str) -> None:
    steps: dict[str, Callable[[sa.Connection], object]] = {
        "join": lambda db: ownership.join(db, member("south", 2)),
        "leave": lambda db: ownership.leave(db, "north", "mem_north"),
        "take": lambda db: ownership.take(db, [ONE], "north", START),
        "differ": lambda db: ownership.differ(db, "north", "mem_north", "its file"),
        "announce": lambda db: ownership.announce(db, "north", "mem_north", "another", START),
    }
    with database.write() as db:
        ownership.join(db, member("north"))
        happened.taken(db)
        steps[what](db)
        assert happened.taken(db) == {Topic.HOLDINGS}


def test_a_pause_is_found_by_who_comes_next(database: Database) -> None:
    until = START + timedelta(minutes=2)
    with database.write() as db:
        ownership.take(db, [ONE, Share(Kind.SYSTEM, "other")], "north", START)
        ownership.pause(db, "one", Pause(until, {"failure": "timeout"}))
        assert ownership.pauses(db, ["one", "other"]) == {"one": Pause(until, {"failure": "timeout"})}
        assert ownership.pauses(db, ["other"]) == {}
        ownership.pause(db, "one", None)
        assert ownership.pauses(db, ["one"]) == {}


def test_the_one_daemon_of_a_database_asks_nobody(database: Database) -> None:
    with database.read() as db:
        assert EVERYTHING.kept(db, Kind.SYSTEM, ["a", "b"]) == {"a", "b"}
    assert EVERYTHING.holds(Kind.DUTY, "house")
    assert EVERYTHING.is_sole


@ON_POSTGRESQL
def test_a_member_is_connected_as_long_as_its_session_is_there(database: Database) -> None:
    with database.write() as db:
        ownership.join(db, member("north", 7))
    session = database.session()
    with database.read() as db:
        assert ownership.connected(db) == set()
    assert session.hold(7)
    with database.read() as db:
        assert ownership.connected(db) == {"north"}
    session.close()


NAMES = st.sampled_from(["north", "south", "west"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "give", "leave", "join"]), NAMES, st.sampled_from([ONE, OTHER])),
    max_size=30,
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_done_a_share_is_one_member_s_and_an_old_token_is_nothing(
    engine: str, steps: list[tuple[str, str, Share]]
) -> None:
    database = stores.new()
    given: dict[Share, list[int]] = {ONE: [], OTHER: []}
    mine: dict[tuple[str, Share], int] = {}
    with database.write() as db:
        in_force.save(db, {}, None, START, is_reload=False, fingerprint=IN_FORCE)
        for what, name, share in steps:
            if what == "take":
                for token in ownership.take(db, [share], name, START).values():
                    assert token not in given[share]
                    given[share].append(token)
                    mine = {key: one for key, one in mine.items() if key[1] != share}
                    mine[name, share] = token
            elif what == "give" and (name, share) in mine:
                ownership.give(db, {share: mine.pop((name, share))})
            elif what in ("leave", "join"):
                joined = member(name, ["north", "south", "west"].index(name))
                ownership.leave(db, name, joined.incarnation)
                ownership.join(db, joined)
                mine = {key: one for key, one in mine.items() if key[0] != name}
            for one in ("north", "south", "west"):
                for each in (ONE, OTHER):
                    assert ownership.token(db, each, one, IN_FORCE) == mine.get((one, each))
    database.close()
