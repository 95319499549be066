"""Events: gapless numbers for each system, bodies to the byte, reading with a cursor."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.model import Event, Fact
from daemon.store import events
from daemon.store.database import Database
from daemon.store.events import Query
from tests.core.spellings import truths
from tests.support import stores
from tests.support.engines import ON_SQLITE, USED
from tests.support.examples import examples, sample
from tests.support.fakes import START, Ids
from tests.support.plans import Plans


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


SPELLINGS = [spelling for spelling, phone in truths() if phone == "0501234567"]
OTHERS = [spelling for spelling, phone in truths() if phone != "0501234567"]


def test_a_phone_s_events_are_found_by_every_spelling_of_it_and_no_others(database: Database) -> None:
    subjects = [f"sms/{one}" for one in (*SPELLINGS, *OTHERS)]
    with database.write() as db:
        events.record(db, "main", [Fact("sms.received", one, {}) for one in subjects], START, Ids())
    with database.read() as db:
        for wanted in sample(SPELLINGS):
            found = events.read(db, Query(subject=f"sms/{wanted}"))
            assert [event.subject for _, event in found] == subjects[: len(SPELLINGS)]
            assert events.read(db, Query(subject=f"sip/{wanted}")) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("queue/0501234567", ["queue/0501234567"]),
        ("sms/Yemot", ["sms/Yemot"]),
        ("sms/501234567", []),
        ("sms/", []),
        ("sms", ["sms"]),
        ("sms/%", []),
    ],
)
def test_another_subject_s_events_are_found_by_its_characters(
    database: Database, wanted: str, found: list[str]
) -> None:
    subjects = ["queue/0501234567", "queue/972501234567", "sms/Yemot", "sms/yemot", "sms/0501234567", "sms"]
    with database.write() as db:
        events.record(db, "main", [Fact("sms.received", one, {}) for one in subjects], START, Ids())
    with database.read() as db:
        assert [event.subject for _, event in events.read(db, Query(subject=wanted))] == found
        assert [event.subject for _, event in events.latest(db, Query(subject=wanted))] == found


@ON_SQLITE
@pytest.mark.parametrize("subject", ["sms/0501234567", "queue/5"])
def test_a_subject_s_events_are_read_by_its_index(database: Database, subject: str) -> None:
    with database.write() as db:
        spelled = ("sms/0501234567", "sms/972501234567", "sms/Yemot")
        events.record(db, "main", [fact(subject=one) for one in spelled], START, Ids())
    with database.read() as db:
        with Plans(db) as plans:
            events.latest(db, Query(subject=subject))
        newest = "SEARCH events"  # one seek
        steps = [one for one in plans.all() if "events" in one and one != newest]

    assert steps
    assert [one for one in steps if not one.startswith("SEARCH") or "events_of_subject" not in one] == []


def test_one_system_can_be_read_alone(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        events.record(db, "main", [fact()], START, ids)
        events.record(db, "branch", [fact()], START, ids)
    with database.read() as db:
        assert [event.id for _, event in events.read(db, Query(system="branch"))] == ["evt_2"]
        assert events.count(db) == 2
        assert events.newest(db)[0] == 2


NAMES = st.sampled_from(
    ["sms.received", "sip.account.registered", "sip_x", "SIP.account", "a%b", r"a\b", "sms"]
)
GLOBS = st.one_of(
    NAMES, st.text("s*.ipm%_\\SIab", max_size=6), st.sampled_from(["*", "sip.*", "*.registered"])
)
SUBJECTS = st.sampled_from(["sms/0501234567", "sms/972501234567", "sms/050", "sip/0501234567", "queue/5"])
SYSTEMS = st.sampled_from(["main", "branch"])


@USED
@settings(max_examples=examples(200))
@given(
    st.lists(st.tuples(NAMES, SUBJECTS, SYSTEMS), max_size=8),
    st.none() | GLOBS,
    st.none() | SUBJECTS,
    st.none() | SYSTEMS,
    st.integers(1, 4),
)
def test_an_event_matches_in_memory_as_in_the_store_and_part_by_part_as_at_once(
    written: list[tuple[str, str, str]],
    type_: str | None,
    subject: str | None,
    system: str | None,
    scanned: int,
) -> None:
    database, ids = stores.new(), Ids()
    query = Query(type=type_, subject=subject, system=system)
    with database.write() as db, pytest.MonkeyPatch.context() as patched:
        patched.setattr(events, "SCANNED", scanned)
        for kind, about, of in written:
            events.record(db, of, [Fact(kind, about, {})], START, ids)
        found = events.read(db, query)
        everything = events.read(db, Query())
        assert [one for one in everything if query.takes(one[1])] == found
        for number in range(len(written) + 1):
            some = replace(query, after=number, limit=2)
            assert events.read(db, some) == [one for one in found if one[0] > number][:2]
        assert events.latest(db, replace(query, limit=3)) == found[-3:]

        parts: list[tuple[int, Event]] = []
        has_more, after = True, 0
        while has_more:
            part = events.part(db, replace(query, after=after, limit=2))
            assert part is not None
            parts += part.events
            has_more, after = part.has_more, part.last
        assert parts == found
        assert events.newest(db)[0] == after == len(written)
    database.close()
