"""Members of one database, in one process and by clocks that are moved by hand, on a real PostgreSQL.

Whatever becomes of them, no two ever have the same in hand, and all that there is falls to somebody before
long.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from daemon.core import ownership
from daemon.core.ownership import HOUSE, Kind, Share
from daemon.pipeline.events import Recorder
from daemon.store import in_force, schema
from daemon.store import ownership as store
from daemon.store.database import Database
from daemon.store.happened import Topic
from daemon.store.location import FAILURES, DatabaseError
from daemon.workers.duty import OfHouse
from daemon.workers.membership import Membership, NameTakenError
from daemon.workers.shares import Shares
from tests.support import postgresql, stores
from tests.support.examples import examples
from tests.support.fakes import START, Ids
from tests.support.paths import ROOT

NAMES = ("north", "south", "west")
WANTED = frozenset(
    [
        Share(Kind.DUTY, HOUSE),
        *(Share(Kind.SYSTEM, f"s{number}") for number in range(6)),
        *(Share(Kind.ENDPOINT, f"e{number}") for number in range(2)),
    ]
)
IN_FORCE = "of all"
"""The fingerprint of the configuration."""
NO_DRIFT = dict.fromkeys(NAMES, 1.0)

pytestmark = [pytest.mark.slow, pytest.mark.needs(*postgresql.NEEDED)]


class Line:
    """A member's database: what it waits for is the world's time, and it can be away."""

    def __init__(self, world: "World", database: Database) -> None:
        self._world, self._database = world, database
        self.is_away = False

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        self.check()
        with self._database.write() as db:
            yield db

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        self.check()
        with self._database.read() as db:
            yield db

    def session(self) -> "Waiting":
        self.check()
        return Waiting(self._world, self, self._database.session())

    def check(self) -> None:
        if self.is_away:
            raise sa.exc.OperationalError(None, None, Exception("it is away"))


class Waiting:
    """A session that waits by the world's clock."""

    def __init__(self, world: "World", line: Line, session: Any) -> None:
        self._world, self._line, self._session = world, line, session
        self.hold, self.let_go, self.close = session.hold, session.let_go, session.close

    @property
    def db(self) -> sa.Connection:
        self._line.check()
        db: sa.Connection = self._session.db
        return db

    @db.setter
    def db(self, _db: sa.Connection) -> None:
        raise AssertionError("it is for reading")

    def wait(self, seconds: float) -> set[Topic]:
        self._line.check()
        self._world.pass_time(seconds)
        return set(self._session.wait(0))


@dataclass
class Hands:
    """What a member works on, as `Keeper` is told; in the middle of it others may have their turn."""

    between: Callable[[], None]
    busy: set[Share] = field(default_factory=set)
    in_hand: set[Share] = field(default_factory=set)

    def taken(self, shares: Collection[Share]) -> None:
        assert not self.in_hand.intersection(shares), "it is taken twice"
        self.between()

    def begun(self, shares: Collection[Share]) -> None:
        self.in_hand |= set(shares)

    def leaving(self, shares: Collection[Share]) -> None:
        self.in_hand -= set(shares)

    def is_free(self, share: Share) -> bool:
        return share not in self.busy

    def settled(self, _shares: Collection[Share]) -> None:
        self.between()

    def lost(self, shares: Collection[Share]) -> None:
        self.in_hand -= set(shares)

    def learn(self, _db: sa.Connection) -> None:
        pass


class One:
    """A process; its clock may go wrong by a tenth."""

    def __init__(self, world: "World", name: str, rate: float) -> None:
        self.world, self.name, self.rate = world, name, rate
        self.line = Line(world, world.databases[name])
        self.is_frozen = False
        self.dozes = False
        """Whether the thread that shares out hangs, while that which renews goes on."""
        self.objects: str | None = None
        self.is_current = True
        self.hands = Hands(world.have_a_turn)
        self.membership = Membership(
            self.line,  # type: ignore[arg-type]
            name,
            version="1",
            fingerprint="",
            key="",
            now=lambda: START + timedelta(seconds=self.elapsed()),
            monotonic=self.elapsed,
            new_id=world.ids,
            heard=self._hear,
        )
        self.shares = Shares(
            self.line,  # type: ignore[arg-type]
            self.membership,
            lambda: Recorder([], world.ids),
            wanted=self._wanted,
            objection=lambda _view: self.objects,
            now=lambda: START + timedelta(seconds=world.passed),
            monotonic=self.elapsed,
            running=lambda: IN_FORCE if self.is_current else "of before",
        )
        self.shares.keeper = self.hands

    def elapsed(self) -> float:
        return 1000 + self.world.passed * self.rate

    def tick(self) -> None:
        """As `Membership.run` does."""
        if not self.is_frozen:
            try:
                self.membership.tick()
                self._hear(self.membership._opened().wait(0))
            except FAILURES as error:
                self.membership._lost_touch(error)

    def look(self) -> None:
        if not self.is_frozen:
            with suppress(*FAILURES):
                self.shares.look()

    def holds(self) -> set[Share]:
        """What may be begun here at this moment, for all that this process knows."""
        return {one for one in WANTED if self.shares.holds(*one)}

    def die(self) -> None:
        """SIGKILL."""
        self.membership._close()

    def _hear(self, topics: set[Topic]) -> None:
        if Topic.HOLDINGS in topics:
            self.shares.nudge()

    def _wanted(self) -> Collection[Share]:
        self.world.have_a_turn()  # between what was read, and what is written
        return WANTED


class World:
    """A database and those who share it."""

    def __init__(self, databases_of: dict[str, Database], rates: Mapping[str, float]) -> None:
        self.databases = databases_of
        self.rates = rates
        self.ids = Ids()
        self.passed = 0.0
        self.there: dict[str, One] = {}
        self.turns: list[str] = []
        """Who is to have a turn in the middle of another's, in this order."""
        self._is_nested = False
        self._since = 0.0

    def join(self, name: str) -> None:
        if name in self.there:
            return
        one = One(self, name, self.rates[name])
        with suppress(NameTakenError, DatabaseError):
            one.membership.join()
            self.there[name] = one
            return
        one.die()

    def have_a_turn(self) -> None:
        """For one that is not in the middle of something itself."""
        self.check()
        if self.turns and not self._is_nested:
            self._is_nested = True
            try:
                one = self.there.get(self.turns.pop(0))
                if one is not None and not one.shares._one_look.locked():
                    one.tick()
                    one.look()
            finally:
                self._is_nested = False

    def pass_time(self, seconds: float) -> None:
        """Each renews once a second, as long as it can."""
        self.passed += seconds
        if self.passed - self._since >= 1:
            self._since = self.passed
            for one in list(self.there.values()):
                one.tick()
                self.check()
            for one in list(self.there.values()):
                if not one.dozes and not one.shares._one_look.locked():
                    one.look()
                    self.check()
        self.check()

    def told(self, event_type: str) -> int:
        """How many events of a type there are."""
        with self.databases[NAMES[0]].read() as db:
            return sum(one == event_type for one in db.scalars(sa.text("SELECT type FROM events")))

    def check(self) -> None:
        """No two may begin the same, and no two may write of it."""
        everybody = list(self.there.values())
        held = [one.holds() for one in everybody]
        assert sum(map(len, held)) == len(set().union(*held)), [(one.name, one.holds()) for one in everybody]

    def calm_down(self) -> None:
        """Nothing hangs any more, and everybody looks."""
        for one in self.there.values():
            one.is_frozen = one.line.is_away = one.dozes = False
            one.objects = None
            one.hands.busy.clear()
        for _ in range(18):
            self.pass_time(1)

    def assert_all_is_shared_out(self) -> None:
        everybody = list(self.there.values())
        for share in WANTED:
            holders = [one.name for one in everybody if share in one.holds() and share in one.hands.in_hand]
            owner = ownership.owner(share, [one.name for one in everybody])
            assert holders == [owner] * bool(everybody), share
        with self.databases[NAMES[0]].read() as db:
            assert not everybody or {one.name for one in store.members(db)} == self.there.keys()


HARMS = ["die", "leave", "freeze", "freeze", "away", "away", "lose", "object", "doze", "hang"]
MENDS = ["join", "join", "join", "thaw", "back", "agree", "wake", "let_go", "look"]
steps = st.one_of(
    st.tuples(st.sampled_from(HARMS), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(MENDS), st.sampled_from(NAMES)),
    st.tuples(st.just("pass"), st.sampled_from([0.3, 1.0, 2.0, 3.0, 5.0, 12.0])),
    st.tuples(st.just("pass"), st.sampled_from([0.3, 1.0, 2.0, 3.0, 5.0, 12.0])),
    st.tuples(st.just("turns"), st.lists(st.sampled_from(NAMES), max_size=4)),
)


def play(world: World, step: tuple[str, Any]) -> None:  # noqa: C901, PLR0912 - a list of what can happen
    word, what = step
    if word == "pass":
        left = what
        while left > 0:
            world.pass_time(min(left, 1.0))
            left -= 1.0
        return
    if word == "turns":
        world.turns = list(what)
        return
    if word == "join":
        world.join(what)
        return
    one = world.there.get(what)
    if one is None:
        return
    if word == "die":
        one.die()
        del world.there[what]
    elif word == "leave":
        if not one.is_frozen and not one.line.is_away:
            one.shares.stop()
            one.shares.give_back([Kind.SYSTEM])
            one.membership.leave()
            del world.there[what]
    elif word == "look":
        one.look()
    elif word in ("freeze", "thaw"):
        one.is_frozen = word == "freeze"
    elif word in ("doze", "wake"):
        one.dozes = word == "doze"
    elif word in ("away", "back"):
        one.line.is_away = word == "away"
    elif word in ("object", "agree"):
        one.objects = "another file" if word == "object" else None
        one.shares.nudge()
    elif word == "lose":
        one.membership._close()
    elif word == "hang":
        one.hands.busy = set(WANTED)
    elif word == "let_go":
        one.hands.busy.clear()
    world.check()


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[str, Database]]:
    """Of one database, for each member its own."""
    with stores.on_engine(stores.POSTGRESQL):
        place = ROOT / "several"
        found = {name: stores.at(place) for name in NAMES}
        yield found
        for one in found.values():
            one.close()


@contextmanager
def world_of(
    opened: dict[str, Database], *names: str, rates: Mapping[str, float] = NO_DRIFT
) -> Iterator[World]:
    """An empty database, and on it those who are named, or two."""
    with opened[NAMES[0]].write() as db:
        for table in (schema.members, schema.holdings, schema.events, schema.sequences):
            db.execute(sa.delete(table))
        in_force.save(db, {}, None, START, is_reload=False, fingerprint=IN_FORCE)
    world = World(opened, rates)
    try:
        for name in names or NAMES[:2]:
            world.join(name)
        yield world
    finally:
        for one in world.there.values():
            one.die()


@settings(
    max_examples=examples(30),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(
    life=st.lists(steps, min_size=10, max_size=40),
    rates=st.fixed_dictionaries({name: st.sampled_from([0.95, 1.0, 1.05]) for name in NAMES}),
)
def test_whatever_becomes_of_them_no_two_have_the_same(
    opened: dict[str, Database], life: list[tuple[str, Any]], rates: dict[str, float]
) -> None:
    with world_of(opened, rates=rates) as world:
        for step in life:
            play(world, step)
        world.calm_down()
        world.assert_all_is_shared_out()


def test_who_was_declared_dead_begins_nothing_of_what_it_had(opened: dict[str, Database]) -> None:
    """It has joined anew and renews, but whoever shares out here has not looked since."""
    with world_of(opened) as world:
        play(world, ("pass", 12.0))
        south = world.there["south"]
        assert south.holds()
        play(world, ("freeze", "south"))
        play(world, ("pass", 14.0))
        assert world.there["north"].holds() == WANTED
        south.dozes = True
        play(world, ("thaw", "south"))
        play(world, ("pass", 3.0))
        assert south.membership.is_valid
        assert not south.holds()


def test_what_was_to_be_given_and_is_ours_after_all_is_taken_again_at_once(
    opened: dict[str, Database],
) -> None:
    """Whom it was for is gone by the time that it is free."""
    with world_of(opened, "north") as world:
        play(world, ("pass", 12.0))
        north = world.there["north"]
        play(world, ("hang", "north"))
        world.join("south")
        play(world, ("pass", 3.0))
        assert north.holds() < WANTED
        play(world, ("leave", "south"))
        play(world, ("pass", 3.0))
        play(world, ("let_go", "north"))
        play(world, ("pass", 3.0))
        assert north.holds() == WANTED


def test_time_in_which_nobody_reached_the_database_is_held_against_nobody(
    opened: dict[str, Database],
) -> None:
    """It was away for a moment, and one of them finds it again before the other."""
    with world_of(opened, "south", "north") as world:
        play(world, ("pass", 12.0))
        for name in ("north", "south"):
            play(world, ("away", name))
        play(world, ("pass", 2.0))
        play(world, ("back", "north"))
        play(world, ("pass", 3.0))
        play(world, ("back", "south"))
        play(world, ("pass", 2.0))
        assert world.told("daemon.member_lost") == 0
        world.assert_all_is_shared_out()


def test_the_lock_that_a_session_left_behind_is_taken_once_it_is_free(opened: dict[str, Database]) -> None:
    """Its connection was cut on our side alone: the server knows that later."""
    with world_of(opened) as world:
        play(world, ("pass", 2.0))
        south = world.there["south"]
        left, south.membership._session = south.membership._session, None
        south.membership._is_held = False
        assert left
        play(world, ("pass", 2.0))
        left.close()
        play(world, ("pass", 2.0))
        with opened["north"].read() as db:
            assert store.connected(db) == {"north", "south"}


def test_who_does_not_go_by_what_is_in_force_writes_nothing(opened: dict[str, Database]) -> None:
    """A reload has taken effect in another, and here it will in a moment."""
    with world_of(opened, "north") as world:
        play(world, ("pass", 3.0))
        north = world.there["north"]
        for is_current in (True, False):
            north.is_current = is_current
            with opened["north"].read() as db:
                assert north.shares.kept(db, Kind.DUTY, (HOUSE,)) == ({HOUSE} if is_current else set())
                assert north.shares.kept(db, Kind.SYSTEM, ("s0",)) == ({"s0"} if is_current else set())


def test_who_has_lost_the_duty_writes_nothing_of_it(opened: dict[str, Database]) -> None:
    """It was stopped between the question whether it has it and what it writes."""
    with world_of(opened) as world:
        play(world, ("pass", 12.0))
        one = next(each for each in world.there.values() if Share(Kind.DUTY, HOUSE) in each.holds())
        of_house = OfHouse(world.databases[one.name], one.shares)
        with of_house.write() as db:
            assert store.members(db)
        play(world, ("freeze", one.name))
        play(world, ("pass", 14.0))
        with pytest.raises(FAILURES), of_house.write():
            pytest.fail("it has it no more")
