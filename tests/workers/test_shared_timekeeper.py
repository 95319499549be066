"""Several daemons by the one clock of their database: what it is set by is followed once, whoever sees it,
holds the duty, joins, leaves, or is paused meanwhile."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.durations import DAY, HOUR, MINUTE, NOTHING
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest
from daemon.core.timeline import SLACK, Look, Timeline
from daemon.pipeline.events import Recorder
from daemon.store import clock_steps
from daemon.store.clock_steps import Clock
from daemon.store.database import Database
from daemon.store.location import FAILURES
from daemon.store.schema import events, metadata
from daemon.workers.shared_clock import TRIES, SharedClock
from daemon.workers.shared_timekeeper import ANSWERED_WITHIN, SharedTimekeeper
from tests.support import stores
from tests.support.engines import ON_POSTGRESQL, USED
from tests.support.examples import examples
from tests.support.fakes import START, Ids

LEASE = timedelta(minutes=5)


class Member:
    """One daemon, on a machine whose elapsed time may stand still, drift, and be far from the others'."""

    def __init__(self, world: "World", name: str, elapsed: float, *, is_alone: bool) -> None:
        self.world, self.name, self.began = world, name, world.passed
        self.start, self.drift, self.lost = elapsed, 0.0, 0.0
        self.drifted = 0.0
        self.slow = 0.0
        """Seconds that the next answers take."""
        self.heard = NOTHING
        self.woken = 0
        self.clock = SharedClock(self.elapsed, self.ask)
        with world.database.read() as db:
            self.clock.sample_well(db)
        self.timeline = Timeline(self.clock.wall, self.elapsed)
        recorder = Recorder([Interest("crm", ("sms.*",), None)], world.ids)
        self.keeper = SharedTimekeeper(
            world.database,
            self.timeline,
            lambda: recorder,
            clock=self.clock,
            is_ours=self.is_ours,
            look=lambda: Look(START, timedelta(seconds=self.elapsed()), world.boot or f"boot of {name}"),
            wake=self.wake,
            ahead=lambda _now: [],
            longest_wait=lambda _endpoint: 400 * DAY,
            on_step=self.hear,
        )
        self.keeper.recover(is_alone=is_alone)

    def elapsed(self) -> float:
        return self.start + self.world.passed - self.lost + self.drifted

    def ask(self, db: sa.Connection) -> tuple[datetime, Clock | None]:
        self.world.passed += self.slow / 3
        found = self.world.clock(), clock_steps.load(db)
        self.world.passed += self.slow * 2 / 3
        return found

    def is_ours(self, db: sa.Connection) -> bool:
        self.keeper.check(db)  # as whoever has something of what is shared out
        return self.world.holder == self.name

    def wake(self) -> None:
        self.woken += 1

    def hear(self, step: timedelta) -> None:
        self.heard += step

    def sample(self) -> None:
        with self.world.database.read() as db:
            self.keeper.sample(db)

    def turn(self) -> None:
        """What a member does each second."""
        self.sample()
        self.keeper.look()
        self.keeper.follow()


class World:
    """A database whose clock is set, and those who live by it."""

    def __init__(self, database: Database | None = None) -> None:
        self.database = database or stores.in_memory()
        self.ids = Ids()
        self.passed = 0.0
        self.set = 0.0
        """Seconds that the database's clock was set by in all."""
        self.holder: str | None = None
        self.boot = ""
        """Of a machine on which all of them run; "": each has its own."""
        self.members: dict[str, Member] = {}
        self._made = 0
        recorder = Recorder([Interest("crm", ("sms.*",), None)], self.ids)
        with self.database.write() as db:
            recorder.record(db, "main", [Fact("sms.received", "a", {})], START)
            db.execute(sa.update(metadata.tables["deliveries"]).values(due_at=START + LEASE))

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.passed + self.set)

    def join(self) -> Member:
        self._made += 1
        name = f"m{self._made}"
        elapsed = 1_000.0 if self.boot else 1_000.0 * self._made**3
        one = self.members[name] = Member(self, name, elapsed, is_alone=not self.members)
        self.holder = self.holder or name
        return one

    def leave(self, name: str) -> None:
        del self.members[name]
        if self.holder == name:
            self.holder = None

    def pass_time(self, seconds: float) -> None:
        self.passed += seconds
        for one in self.members.values():
            one.drifted += one.drift * seconds

    def is_early(self, one: Member) -> bool:
        """Whether a member would begin by its time what is not due by the rows, were it to begin it now."""
        with self.database.write() as db:
            stepped = one.keeper.stepped(db)
            rows = START + timedelta(seconds=self.passed) + clock_steps.stepped(db)
            return stepped is not None and one.timeline.now() - rows > 2 * SLACK

    def is_late(self, one: Member) -> bool:
        """The same for what is due."""
        with self.database.write() as db:
            stepped = one.keeper.stepped(db)
            rows = START + timedelta(seconds=self.passed) + clock_steps.stepped(db)
            return stepped is not None and rows - one.timeline.now() > 2 * SLACK

    def calm_down(self, seconds: int = 25) -> None:
        """Somebody holds the duty, and everybody looks every second."""
        if self.holder is None and self.members:
            self.holder = next(iter(self.members))
        for _ in range(seconds):
            for one in list(self.members.values()):
                one.slow = 0.0
                one.turn()
            self.pass_time(1)

    def moved(self) -> timedelta:
        """By how much the rows were moved in all."""
        with self.database.read() as db:
            (due,) = db.execute(sa.select(metadata.tables["deliveries"].c.due_at)).scalars()
            moved: timedelta = due - START - LEASE
            assert clock_steps.stepped(db) == moved
            return moved

    def close(self) -> None:
        self.database.close()


@pytest.fixture
def world(engine: str) -> Iterator[World]:
    """With nobody in it, on either engine."""
    one = World(stores.new())
    yield one
    one.close()


def assert_all_agree(world: World) -> None:
    for one in world.members.values():
        assert abs(one.timeline.now() - world.clock()) <= SLACK, one.name
        assert one.keeper.is_sure
        assert one.keeper.stepped() == world.moved()


@contextmanager
def three() -> Iterator[World]:
    world = World()
    for _ in range(3):
        world.join()
        world.calm_down(2)
    yield world
    world.close()


YEARS = 40 * 365 * 86400
sizes = st.one_of(st.integers(2, 9), st.integers(10, 7200), st.integers(7200, YEARS)).flatmap(
    lambda size: st.sampled_from([float(size), -float(size)])
)
MOST = 5
OFTEN = 900.0
"""Seconds: two times drift apart by less than a step in them."""
which = st.integers(0, MOST)
ARGUMENTS: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "set": (sizes,),
    # By no whole seconds: no pause is as long as a step.
    "pause": (which, st.integers(2, 5_000).map(lambda seconds: seconds + 0.37)),
    "drift": (which, st.floats(-0.0005, 0.0005)),
    "duty": (st.none() | which,),
    "join": (),
    "leave": (which,),
    "slow": (which, st.floats(0.01, 30)),
    "sample": (which,),
    "look": (which,),
    "follow": (which,),
    "turn": (which,),
    "wait": (st.floats(0, 20),),
}
happenings = st.one_of(*(st.tuples(st.just(name), *given_) for name, given_ in ARGUMENTS.items()))


class Played:
    """What happens to a world; `steady` lives throughout, and its machine is never paused."""

    def __init__(self, world: World, steady: Member) -> None:
        self.world, self.steady = world, steady

    def of(self, number: int) -> Member:
        names = list(self.world.members)
        return self.world.members[names[number % len(names)]]

    def set(self, seconds: float) -> None:
        self.world.set += seconds

    def pause(self, number: int, seconds: float) -> None:
        """The others live on meanwhile."""
        one = self.of(number)
        while one is not self.steady and seconds > 0:
            passed = min(seconds, OFTEN)
            self.world.pass_time(passed)
            one.lost += passed + one.drift * passed
            seconds -= passed
            for other in self.world.members.values():
                if other is not one:
                    other.turn()

    def drift(self, number: int, by: float) -> None:
        self.of(number).drift = by

    def duty(self, number: int | None) -> None:
        self.world.holder = None if number is None else self.of(number).name

    def join(self) -> None:
        if len(self.world.members) < MOST:
            self.world.join()

    def leave(self, number: int) -> None:
        if self.of(number) is not self.steady:
            self.world.leave(self.of(number).name)

    def slow(self, number: int, seconds: float) -> None:
        self.of(number).slow = seconds

    def sample(self, number: int) -> None:
        self.of(number).sample()

    def look(self, number: int) -> None:
        self.of(number).keeper.look()

    def follow(self, number: int) -> None:
        self.of(number).keeper.follow()

    def turn(self, number: int) -> None:
        self.of(number).turn()

    def wait(self, seconds: float) -> None:
        """Whoever lives steadily looks again and again."""
        while seconds > 0:
            self.world.pass_time(min(seconds, 4))
            self.steady.turn()
            seconds -= 4


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(happenings, max_size=30), st.integers(0, 2))
def test_whatever_happens_the_rows_are_moved_by_what_the_clock_was_set(
    happened: list[tuple[Any, ...]], number: int
) -> None:
    with three() as world:
        steady = list(world.members.values())[number]
        played = Played(world, steady)
        for name, *arguments in happened:
            getattr(played, name)(*arguments)
            assert not world.is_early(steady)
            assert not world.is_late(steady)
        world.calm_down()

        assert_all_agree(world)
        assert abs(world.moved() - timedelta(seconds=world.set)) <= 2 * SLACK


def test_nobody_is_late_with_an_answer_who_could_not_look(world: World) -> None:
    """Where the database was away for minutes, or the machines of all stood still."""
    first, second = living(world, 2)
    world.set = 60
    new = world.join()
    world.pass_time(316)
    for one in (new, second, first):
        one.turn()
    world.calm_down()

    assert_all_agree(world)
    assert world.moved() == MINUTE


def living(world: World, many: int) -> list[Member]:
    """So many members that are sure of the time; the first has the duty."""
    for _ in range(many):
        world.join()
        world.calm_down(2)
    return list(world.members.values())


def told(world: World) -> list[str]:
    with world.database.read() as db:
        return list(db.scalars(sa.select(events.c.type).where(events.c.type.startswith("daemon."))))


@pytest.mark.parametrize("seconds", [3.0, -3.0, 7200.0, -7200.0, YEARS, -YEARS])
def test_a_step_is_followed_by_one_and_taken_over_by_the_others(world: World, seconds: float) -> None:
    first, second, third = living(world, 3)
    world.set = seconds
    for one in (third, second, first):  # the holder of the duty last
        one.turn()
    world.calm_down()

    assert_all_agree(world)
    assert world.moved() == timedelta(seconds=seconds)
    assert [one.heard for one in (first, second, third)] == [timedelta(seconds=seconds)] * 3
    assert told(world) == (["daemon.clock_stepped"] if abs(seconds) > 30 else [])


def test_the_holder_of_the_duty_follows_at_once(world: World) -> None:
    first, second = living(world, 2)
    world.set = 7200
    second.turn()
    assert second.keeper.stepped() is None
    assert world.moved() == NOTHING
    first.turn()
    assert world.moved() == 2 * HOUR
    second.turn()

    assert_all_agree(world)


def test_a_step_is_followed_where_nobody_has_the_duty(world: World) -> None:
    first, second = living(world, 2)
    world.holder = None
    world.set = 7200
    for _ in range(int(ANSWERED_WITHIN) + 2):
        world.pass_time(1)
        first.turn()
        second.turn()

    assert_all_agree(world)
    assert world.moved() == 2 * HOUR


@pytest.mark.parametrize("paused", [0, 1])
def test_a_machine_that_was_paused_moves_nothing_in_the_end(world: World, paused: int) -> None:
    """Nor is anything told, for one that had the duty is paused for less than others take it."""
    members = living(world, 3)
    world.pass_time(8)
    members[paused].lost += 8
    members[paused].turn()
    assert not world.is_early(members[paused])
    world.calm_down()

    assert_all_agree(world)
    assert world.moved() == NOTHING
    assert told(world) == []


def test_who_comes_between_a_step_and_its_following_waits_for_it(world: World) -> None:
    first, second = living(world, 2)
    world.set = -7200
    new = world.join()
    new.turn()
    assert new.keeper.stepped() is None
    assert world.moved() == NOTHING
    first.turn()
    assert world.moved() == -2 * HOUR
    second.turn()
    new.turn()

    assert new.heard == -2 * HOUR
    assert_all_agree(world)


def test_a_newcomer_is_sure_once_another_has_looked(world: World) -> None:
    (first,) = living(world, 1)
    new = world.join()
    assert new.keeper.stepped() is None
    first.turn()
    new.turn()

    assert new.keeper.is_sure


def test_one_after_whom_nobody_looks_is_sure_by_itself(world: World) -> None:
    (first,) = living(world, 1)
    new = world.join()
    world.leave(first.name)
    world.calm_down()

    assert new.keeper.is_sure
    world.set = 100
    world.calm_down()
    assert world.moved() == timedelta(seconds=100)


def test_nothing_is_written_by_a_clock_that_the_rows_do_not_go_by_any_more(world: World) -> None:
    first, second = living(world, 2)
    world.set = -7200
    first.turn()
    with world.database.write() as db:
        assert second.keeper.stepped() == NOTHING  # it has not looked since
        assert second.keeper.stepped(db) is None
        with pytest.raises(FAILURES):
            second.keeper.check(db)
        assert second.keeper.seen(db).wall - world.clock() < SLACK  # and so what is given meanwhile is dated
        first.keeper.check(db)
    assert second.woken
    second.turn()
    with world.database.write() as db:
        second.keeper.check(db)


def test_what_cannot_be_written_is_followed_later(world: World) -> None:
    (first,) = living(world, 1)
    world.set = 7200
    first.sample()
    in_force, first.keeper._in_force = first.keeper._in_force, failing
    before = first.timeline.now()
    with pytest.raises(FAILURES):
        first.keeper.follow()
    assert (first.timeline.now(), world.moved(), first.heard) == (before, NOTHING, NOTHING)
    assert first.keeper.stepped() is None

    first.keeper._in_force = in_force
    world.calm_down()
    assert world.moved() == 2 * HOUR
    assert_all_agree(world)


def failing() -> Recorder:
    raise stores.FAILING[0]


def test_how_the_clock_stands_is_remembered_by_the_holder_of_the_duty(world: World) -> None:
    def seen() -> tuple[datetime, str]:
        with world.database.read() as db:
            known = clock_steps.load(db)
            assert known is not None
            return known.seen.wall, known.seen.boot

    first, second = living(world, 2)
    before = seen()
    for _ in range(30):
        world.pass_time(1)
        second.turn()
    assert seen() == before
    first.turn()
    assert seen() == (world.clock(), "boot of m1")


@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_a_step_while_nobody_ran_is_known_to_the_same_machine(world: World, seconds: float) -> None:
    world.boot = "one"
    (first,) = living(world, 1)
    first.turn()
    world.leave(first.name)
    world.pass_time(600)
    world.set = seconds
    world.join()

    with world.database.read() as db:
        assert clock_steps.stepped(db) == timedelta(seconds=seconds)
        (made,) = db.scalars(sa.select(metadata.tables["deliveries"].c.created_at))
    assert made == START + timedelta(seconds=seconds)


def test_on_another_machine_time_that_nobody_saw_has_passed(world: World) -> None:
    (first,) = living(world, 1)
    world.leave(first.name)
    world.set = 30 * 86400
    new = world.join()

    assert world.moved() == NOTHING
    assert new.keeper.is_sure
    assert not new.keeper.is_believed()


def test_no_system_is_left_alone_for_longer_than_it_can_be(world: World) -> None:
    (first,) = living(world, 1)
    world.leave(first.name)
    kept = metadata.tables["holdings"]
    with world.database.write() as db:
        for name, until in (("a", START + DAY), ("b", START + MINUTE), ("c", None)):
            values = {"kind": "system", "name": name, "token": 1, "since": START, "paused_until": until}
            db.execute(sa.insert(kept).values(values))
    world.join()

    with world.database.read() as db:
        found = list(db.scalars(sa.select(kept.c.paused_until).order_by(kept.c.name)))
    assert found == [world.clock() + 15 * MINUTE, START + MINUTE, None]


def test_what_drifts_moves_nothing(world: World) -> None:
    members = living(world, 2)
    members[0].drift, members[1].drift = 0.0005, -0.0005
    for _ in range(500):
        world.pass_time(20)
        for one in members:
            one.turn()

    assert_all_agree(world)
    assert world.moved() == NOTHING


def test_a_slow_answer_is_no_reason_to_move_anything(world: World) -> None:
    (first,) = living(world, 1)
    world.set = 7200
    first.slow = 3.0
    first.turn()
    assert world.moved() == NOTHING
    first.slow = 0.0
    first.turn()

    assert world.moved() == 2 * HOUR


def test_who_asks_nobody_else_asks_by_itself(world: World) -> None:
    """Where no renewal does."""
    (first,) = living(world, 1)
    world.pass_time(10)
    world.set = 7200
    first.keeper.look()
    first.keeper.follow()

    assert world.moved() == 2 * HOUR


@pytest.mark.parametrize("error", stores.FAILING)
def test_a_look_that_fails_is_no_reason_to_end(world: World, error: Exception) -> None:
    (first,) = living(world, 1)
    world.pass_time(100)
    first.keeper._database, working = stores.Failing(error), first.keeper._database
    first.keeper.look()
    first.keeper._database = working


@ON_POSTGRESQL
@USED
def test_a_database_says_what_time_it_is() -> None:
    """In one statement, with what the store knows of it."""
    with closing(stores.new()) as database, database.write() as db:
        at, known = clock_steps.ask(db)
        assert known is None
        assert clock_steps.wall(db, lambda: START) - at < HOUR
        seen = Clock(DAY, Look(START, HOUR, "boot"))
        clock_steps.save(db, seen)
        again, known = clock_steps.ask(db)
        looked = clock_steps.look(db, lambda: (START, HOUR, "boot"))

    assert known == seen
    assert at.utcoffset() == NOTHING
    assert NOTHING < again - at < MINUTE
    assert looked.wall > again
    assert looked[1:] == (HOUR, "boot")


@ON_POSTGRESQL
@USED
def test_it_is_asked_again_for_a_quick_answer_but_not_for_ever() -> None:
    passed = iter(range(100))  # a second with each reading: no answer is quick
    clock = SharedClock(lambda: float(next(passed)))
    with closing(stores.new()) as database, database.read() as db:
        clock.sample_well(db)
        at, _ = clock_steps.ask(db)

    assert clock.samples == TRIES
    assert not clock.is_exact
    assert abs(clock.wall() - at) < MINUTE
