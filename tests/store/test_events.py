"""Events: gapless numbers for each system, bodies to the byte, reading with a cursor."""

import json

import pytest

from daemon.core.model import Fact
from daemon.store import events
from daemon.store.database import Database
from daemon.store.events import Query
from tests.support.fakes import START, Ids


def fact(event_type: str = "sms.received", subject: str = "sms/054") -> Fact:
    return Fact(event_type, subject, {"sms": {"text": "שלום"}})


def test_each_system_counts_for_itself_without_gaps(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        first = events.record(db, "main", [fact(), fact()], START, ids)
        other = events.record(db, "branch", [fact()], START, ids)
        third = events.record(db, "main", [fact()], START, ids)

    assert [one.sequence for one in [*first, *third]] == [1, 2, 3]
    assert [one.sequence for one in other] == [1]


def test_a_transaction_that_fails_uses_no_number(database: Database) -> None:
    ids = Ids()
    with pytest.raises(RuntimeError), database.write() as db:
        events.record(db, "main", [fact(), fact()], START, ids)
        raise RuntimeError
    with database.write() as db:
        (after,) = events.record(db, "main", [fact()], START, ids)

    assert after.sequence == 1


def test_an_event_is_read_as_it_was_written(database: Database) -> None:
    with database.write() as db:
        (written,) = events.record(db, "main", [fact()], START, Ids())
    with database.read() as db:
        found = events.find(db, "evt_1")
        missing = events.find(db, "evt_2")

    assert found == (1, written)
    assert missing is None
    assert json.loads(written.body)["data"] == {
        "id": "evt_1",
        "system": "main",
        "sequence": 1,
        "subject": "sms/054",
        "sms": {"text": "שלום"},
    }


def test_a_reader_goes_on_where_it_stopped(database: Database) -> None:
    with database.write() as db:
        events.record(db, "main", [fact() for _ in range(5)], START, Ids())
    with database.read() as db:
        first = events.read(db, Query(limit=2))
        rest = events.read(db, Query(after=first[-1][0]))
        newest = events.latest(db, Query(limit=2))

    assert [event.id for _, event in first] == ["evt_1", "evt_2"]
    assert [event.id for _, event in rest] == ["evt_3", "evt_4", "evt_5"]
    assert [event.id for _, event in newest] == ["evt_4", "evt_5"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("sms.received", ["sms.received"]),
        ("sip.*", ["sip.account.added", "sip_account"][:1]),
        ("*", ["sms.received", "sip.account.added", "units.low"]),
        ("*.low", ["units.low"]),
        ("sip_account_added", []),
        ("%", []),
    ],
)
def test_types_are_chosen_by_name_or_glob(database: Database, pattern: str, found: list[str]) -> None:
    with database.write() as db:
        facts = [fact(one) for one in ("sms.received", "sip.account.added", "units.low")]
        events.record(db, "main", facts, START, Ids())
    with database.read() as db:
        assert [event.type for _, event in events.read(db, Query(type=pattern))] == found


def test_one_system_can_be_read_alone(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        events.record(db, "main", [fact()], START, ids)
        events.record(db, "branch", [fact()], START, ids)
    with database.read() as db:
        assert [event.id for _, event in events.read(db, Query(system="branch"))] == ["evt_2"]
        assert events.count(db) == 2
        assert events.last_number(db) == 2
