"""How accounts, queues and units stand, for graphs."""

from datetime import timedelta

import pytest

from daemon.core.missed import Callback, Source
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.store import missed, phone_figures, subjects
from daemon.store.database import Database
from daemon.store.phone_figures import Account, Many, Missed, Valued
from tests.support.fakes import START

UP, DOWN, UNKNOWN = SubjectState.UP, SubjectState.DOWN, SubjectState.UNKNOWN
SECOND = timedelta(seconds=1)


def write(database: Database, system: str, *seen: Subject, gone: str = "") -> None:
    with database.write() as db:
        for one in seen:
            watch = "sip" if one.kind is SubjectKind.SIP else one.subject
            subjects.save(db, (system, watch), [one], START, None)
        if gone:
            subjects.leave(db, system, [gone], START)


def sip(name: str, state: SubjectState = UP) -> Subject:
    return Subject(f"sip/{name}", SubjectKind.SIP, state)


@pytest.fixture
def two(database: Database) -> Database:
    write(database, "north", sip("3"), sip("1", DOWN), sip("2", DOWN), sip("0"), gone="sip/0")
    write(database, "south", sip("9", UNKNOWN), Subject("pirsumphone", SubjectKind.PIRSUMPHONE, UP))
    return database


def test_accounts_are_counted_by_how_they_stand(two: Database) -> None:
    with two.read() as db:
        assert sorted(phone_figures.accounts(db), key=str) == [
            Many("north", "sip", DOWN, 2),
            Many("north", "sip", UP, 1),
            Many("south", "sip", UNKNOWN, 1),
        ]


def test_the_first_of_each_system_come_in_the_order_in_which_they_were_seen(two: Database) -> None:
    def first(of_system: int, of_all: int) -> list[Account]:
        with two.read() as db:
            return list(phone_figures.first_accounts(db, of_system, of_all))

    north = [
        Account("north", "sip", "sip/3", UP),
        Account("north", "sip", "sip/1", DOWN),
        Account("north", "sip", "sip/2", DOWN),
    ]
    assert first(100, 100) == [*north, Account("south", "sip", "sip/9", UNKNOWN)]
    assert first(2, 100) == [*north[:2], Account("south", "sip", "sip/9", UNKNOWN)]
    assert first(100, 3) == north
    assert first(100, 0) == []


def test_queues_and_units_come_with_their_values(database: Database) -> None:
    queue = Subject("queue/5", SubjectKind.QUEUE, DOWN, "sales", {"metric": "x"}, {"calls_waiting": 2})
    write(database, "main", queue, Subject("queue/6", SubjectKind.QUEUE, UNKNOWN), sip("1"))
    write(database, "main", Subject("units", SubjectKind.UNITS, UP, metrics={"balance": 1.5}))
    write(database, "gone", queue, gone="queue/5")

    with database.read() as db:
        assert sorted(phone_figures.valued(db)) == [
            Valued("main", "queue/5", SubjectKind.QUEUE, "sales", DOWN, queue.why, {"calls_waiting": 2}),
            Valued("main", "units", SubjectKind.UNITS, None, UP, {}, {"balance": 1.5}),
        ]


def test_who_is_to_be_called_back_is_counted_with_the_time_of_the_first(database: Database) -> None:
    def one(number: int, system: str) -> Callback:
        at = START + number * SECOND
        return Callback(
            f"cb_{number}", system, f"{number}", "05", "queue/5", "/5", "sales", Source.QUEUE, 1, at, at, None
        )

    with database.write() as db:
        for each in (one(1, "north"), one(2, "north"), one(3, "north"), one(4, "south"), one(5, "east")):
            missed.add(db, each)
        for each in (one(1, "north"), one(5, "east")):
            missed.close(db, each.__class__(**{**vars(each), "closed_at": START}), is_told=True)

        assert phone_figures.missed(db) == {
            "north": Missed(2, START + 2 * SECOND),
            "south": Missed(1, START + 4 * SECOND),
        }
