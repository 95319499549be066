"""Downloads heed the pause of their system, and what the platform says to one of them begins it."""

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest

from daemon.core.model import Failure, Unknown
from daemon.core.ownership import Kind, Share
from daemon.store import ownership
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING, Ownership, Pause
from daemon.workers.heedful_downloads import Heedful
from daemon.workers.system_pauses import FOR_A_POLL, SLOW_RETRY, Pauses
from tests.support import stores
from tests.support.engines import USED
from tests.support.fakes import START
from tests.workers.test_downloads import CONTENT, Platform, Watch, recording
from tests.workers.test_keeper import Owner

MINUTE = timedelta(minutes=1)
REJECTED = Unknown(Failure.TOKEN_REJECTED, "the token was rejected")
THROTTLED = Unknown(Failure.THROTTLED, "it asks for a pause", retry_after=5 * MINUTE)


class Member:
    """One daemon, as far as it downloads."""

    def __init__(self, database: Database, of: Ownership) -> None:
        self.watch, self.platform = Watch(), Platform()
        self.pauses = Pauses(self.watch)
        self.fetch = Heedful(self.platform.fetch, self.pauses, database, of, lambda: START)

    def ask(self, answer: Unknown | None = None) -> int | Unknown:
        self.platform.answer = answer
        return self.fetch(recording(), io.BytesIO(), lambda: True)

    @property
    def asked(self) -> int:
        return len(self.platform.asked)


@pytest.fixture
def database(engine: str) -> Iterator[Database]:
    one = stores.new()
    yield one
    one.close()


@pytest.fixture
def alone(database: Database) -> Member:
    return Member(database, EVERYTHING)


@USED
def test_nothing_is_fetched_of_a_system_that_is_left_alone_until_a_poll_had_its_turn(alone: Member) -> None:
    alone.pauses.take("main", THROTTLED)
    told = alone.ask()
    alone.watch.now = (5 * MINUTE + FOR_A_POLL).total_seconds() - 1
    late = alone.ask()
    alone.watch.now += 1
    after = alone.ask()

    assert isinstance(told, Unknown)
    assert isinstance(late, Unknown)
    assert (told.failure, told.retry_after) == (Failure.THROTTLED, 5 * MINUTE + FOR_A_POLL)
    assert late.retry_after == timedelta(seconds=1)
    assert (told.is_unsent, after, alone.asked) == (True, len(CONTENT), 1)


@USED
def test_it_ends_as_soon_as_a_poll_is_answered(alone: Member) -> None:
    alone.pauses.take("main", THROTTLED)
    alone.watch.now = (5 * MINUTE).total_seconds()
    with alone.pauses.asking("main") as why:
        assert why is None
        alone.pauses.take("main", None)

    assert alone.ask() == len(CONTENT)


@USED
@pytest.mark.parametrize(("said", "lasts"), [(REJECTED, SLOW_RETRY), (THROTTLED, 5 * MINUTE)])
def test_what_the_platform_says_to_one_is_for_all(alone: Member, said: Unknown, lasts: timedelta) -> None:
    alone.ask(said)

    assert alone.pauses.left() == {"main": lasts}
    assert alone.pauses.is_paused("main")
    with alone.pauses.asking("main") as why:
        assert why == said


@USED
@pytest.mark.parametrize(
    "said",
    [
        Unknown(Failure.REFUSED, "there is no such file", 404),
        Unknown(Failure.OURS, "nobody waits for it any more"),
        Unknown(Failure.MALFORMED, "the file was cut short"),
    ],
)
def test_what_is_the_file_s_or_ours_begins_none(alone: Member, said: Unknown) -> None:
    alone.ask(said)

    assert alone.pauses.left() == {}


@USED
def test_what_is_ours_ends_none_either(alone: Member) -> None:
    alone.pauses.take("main", THROTTLED)
    alone.watch.now = (5 * MINUTE + FOR_A_POLL).total_seconds()
    alone.ask(Unknown(Failure.OURS, "nobody waits for it any more"))

    assert "main" in alone.pauses.left()


@USED
def test_a_file_that_was_on_its_way_says_nothing_of_a_pause_that_began_meanwhile(alone: Member) -> None:
    def meanwhile() -> bool:
        alone.pauses.take("main", REJECTED)
        alone.pauses.take("main", REJECTED)
        alone.watch.now = timedelta(hours=1).total_seconds()
        alone.platform.go_on.set()
        return True

    alone.platform.go_on.clear()
    alone.fetch(recording(), io.BytesIO(), meanwhile)
    alone.pauses.take("main", REJECTED)

    assert alone.pauses.left() == {"main": 4 * SLOW_RETRY}


@USED
def test_it_is_written_down_for_the_member_that_comes_next(database: Database) -> None:
    with database.write() as db:
        ownership.take(db, [Share(Kind.SYSTEM, "main")], "north", START)
    Member(database, Owner()).ask(THROTTLED)

    with database.read() as db:
        (pause,) = ownership.pauses(db, ["main"]).values()
    assert pause.until == START + 5 * MINUTE


@USED
def test_a_member_heeds_the_pause_of_a_system_that_another_polls(database: Database) -> None:
    elsewhere = Owner()
    elsewhere.tokens = {}
    other = Member(database, elsewhere)
    why = {"failure": "throttled", "message": "it asks for a pause", "code": None, "rejections": 0}
    with database.write() as db:
        ownership.take(db, [Share(Kind.SYSTEM, "main")], "north", START)
        ownership.pause(db, "main", Pause(START + 3 * MINUTE, why))
    told = other.ask()
    with database.write() as db:
        ownership.pause(db, "main", Pause(START - MINUTE, why))

    assert isinstance(told, Unknown)
    assert (told.retry_after, other.asked) == (3 * MINUTE, 0)
    assert other.ask() == len(CONTENT)
