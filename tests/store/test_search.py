"""Events that match: by text, time, subject and incident, however they are asked for; and what that costs."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core import search as core
from daemon.core.model import Event, Fact
from daemon.store import events, pruning, search, searchable, spellings
from daemon.store.database import Database
from daemon.store.dialects import POSTGRESQL
from daemon.store.events import Query
from daemon.store.search import Patience
from daemon.store.searchable import Unindexed
from tests.support import stores
from tests.support.engines import ON_POSTGRESQL, ON_SQLITE, USED
from tests.support.examples import examples
from tests.support.fakes import START, Ids
from tests.support.plans import Plans

SECOND = timedelta(seconds=1)
ENDLESS = Patience(lambda: 0.0)
ALL = Query()
FEW = 16
"""Events of one go."""


@pytest.fixture
def database(engine: str) -> Iterator[Database]:
    one = stores.new()
    yield one
    one.close()


def sms(text: str, sender: str = "0501234567", **more: object) -> Fact:
    return Fact("sms.received", f"sms/{sender}", {"sms": {"from": sender, "text": text}, **more})  # type: ignore[dict-item] # the test's own


def record(
    db: sa.Connection, *facts: Fact, at: datetime = START, system: str = "main", ids: Ids
) -> list[Event]:
    return events.record(db, system, facts, at, ids)


def index(db: sa.Connection, at_once: int = 7) -> None:
    """All that can be, as the worker does."""
    for next_ones in (searchable.following, searchable.preceding):
        while found := next_ones(db, at_once):
            searchable.add(db, found, [core.searched(event.body) for _, event in found])


def look(
    db: sa.Connection, question: str = "", query: Query = ALL, *, is_newest_first: bool = False
) -> list[str]:
    """The texts of what is found, page by page."""
    terms = core.terms(question) if question else ()
    told, after = [], query.after
    while True:
        page = replace(query, after=after)
        found = search.find(db, page, ENDLESS, terms=terms, is_newest_first=is_newest_first)
        told += [_text(event) for _, event in found.events]
        if not found.has_more:
            return told
        assert found.last_id is not None
        place = events.find(db, found.last_id)
        assert place is not None
        assert place[0] < after if is_newest_first and after else place[0] > after
        after = place[0]


def _text(event: Event) -> str:
    data = json.loads(event.body)["data"]
    return str(data["sms"]["text"] if "sms" in data else data["subject"])


def test_what_is_said_is_found_in_either_order(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        record(db, sms("שלום לכם"), sms("ברוכים הבאים"), sms("ושלום גם לך", "0527777777"), ids=ids)
        index(db)

        assert look(db, "שלום") == ["שלום לכם", "ושלום גם לך"]
        assert look(db, "שלומ", is_newest_first=True) == ["ושלום גם לך", "שלום לכם"]
        assert look(db, "777") == ["ושלום גם לך"]
        assert look(db, "שלום", Query(subject="sms/+972-52-777-7777")) == ["ושלום גם לך"]
        assert look(db, "שלום", Query(among=("sms/0501234567", "sms/050"))) == ["שלום לכם"]
        assert look(db, "שלום", Query(type="sip.*")) == []
        assert look(db, "שלום", Query(system="other")) == []
        assert look(db, "גם שלום") == ["ושלום גם לך"]
        assert look(db, "גם") == ["ושלום גם לך"]


def test_what_is_not_indexed_yet_is_counted_and_what_is_gone_is_not_found(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        assert searchable.unindexed(db) == Unindexed(0, 0)
        record(db, *(sms(f"word{number}") for number in range(30)), ids=ids)
        assert searchable.unindexed(db) == Unindexed(0, 30)
        found = searchable.preceding(db, 10)
        searchable.add(db, found, [core.searched(event.body) for _, event in found])
        record(db, sms("word30"), ids=ids)
        assert searchable.unindexed(db) == Unindexed(1, 20)
        assert look(db, "word") == [f"word{number}" for number in range(20, 30)]
        index(db)
        assert searchable.unindexed(db) == Unindexed(0, 0)
        assert look(db, "word") == [f"word{number}" for number in range(31)]

        pruning.forget_events(db, [number for number, _ in events.read(db, Query(limit=12))])
        assert look(db, "word") == [f"word{number}" for number in range(12, 31)]
        assert searchable.unindexed(db) == Unindexed(0, 0)
        kept = db.exec_driver_sql("SELECT count(*) FROM searchable").scalar()
        assert kept == 19
        if db.dialect.name != POSTGRESQL:
            # Raises where the index is not what its rows say.
            db.exec_driver_sql("INSERT INTO trigrams (trigrams, rank) VALUES ('integrity-check', 1)")


def test_texts_that_another_release_left_go_with_the_time(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        record(db, *(sms(f"word{number}") for number in range(30)), ids=ids)
        index(db)
        db.execute(sa.text("DELETE FROM events WHERE number <= 12"))

        assert look(db, "word") == [f"word{number}" for number in range(12, 30)]
        assert searchable.forget_left(db, 10) == 10
        assert searchable.forget_left(db, 10) == 2
        assert searchable.forget_left(db, 10) == 0
        assert db.exec_driver_sql("SELECT count(*) FROM searchable").scalar() == 18


def test_a_batch_that_somebody_else_has_overtaken_is_not_added(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        record(db, *(sms(f"word{number}") for number in range(9)), ids=ids)
        batch = searchable.preceding(db, 3)
        texts = [core.searched(event.body) for _, event in batch]

        assert searchable.add(db, batch, texts) == 3
        assert searchable.add(db, batch, texts) == 0
        apart = [one for one in events.read(db, Query(limit=9)) if one[0] <= 3]
        assert searchable.add(db, apart, [""] * 3) == 0


def test_times_are_found_whatever_the_clock_did(database: Database) -> None:
    """Set to 1970 for a while, and to the next century."""
    ids = Ids()
    years = [2026, 2026, 1970, 2026, 2126, 2026, 2027]
    moments = [START.replace(year=year) + index * SECOND for index, year in enumerate(years)]
    with database.write() as db:
        for index_, at in enumerate(moments):
            record(db, sms(f"word{index_}"), at=at, ids=ids)
            index(db)

        for since in (None, *moments):
            for until in (None, *moments):
                expected = [
                    f"word{place}"
                    for place, at in enumerate(moments)
                    if (since is None or at >= since) and (until is None or at < until)
                ]
                query = Query(since=since, until=until, limit=2)
                assert look(db, "word", query) == expected
                assert look(db, "", query) == expected
                assert look(db, "", query, is_newest_first=True) == expected[::-1]


def test_times_are_found_also_before_anything_is_indexed(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        for second in range(5):
            record(db, sms(f"word{second}"), at=START + second * SECOND, ids=ids)

        assert look(db, "", Query(since=START + 3 * SECOND)) == ["word3", "word4"]


def test_the_events_of_an_incident_are_found_by_its_subject(database: Database) -> None:
    ids = Ids()

    def turned(incident: str) -> Fact:
        return Fact("sip.account.unregistered", "sip/077", {"alert": {"incident": incident}})

    with database.write() as db:
        record(db, turned("inc_1"), turned("inc_10"), turned("inc_1"), ids=ids)
        found = search.find(db, Query(among=("sip/077",), incident="inc_1"), ENDLESS)

    assert [number for number, _ in found.events] == [1, 3]


WORDS = ["שלום", "כן", "a", "abc", "abcd", "0541234567", "054-123", "5", "%", "_", "x*", '"', "מע״מ"]
SENDERS = ["050", "0521111111", "+972-52-111-1111", "052 111 1111", "0531111111", "Bank"]
texts = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)


@USED
@given(
    st.lists(st.tuples(texts, st.sampled_from(SENDERS), st.integers(-3, 3)), max_size=12),
    texts,
    st.integers(1, 4),
    st.booleans(),
    st.tuples(st.none() | st.integers(-3, 3), st.none() | st.integers(-3, 3)),
    st.sampled_from([None, "sms/050", "sms/+972521111111", "sms/0599999999"]),
    st.tuples(st.sampled_from([None, "sms.*", "sip.*"]), st.sampled_from([None, "main", "other"])),
    st.fixed_dictionaries(
        {
            "FEW": st.sampled_from([0, 3, search.FEW]),
            "MANY": st.sampled_from([1, 5, search.MANY]),
            "FIRST_CANDIDATES": st.sampled_from([1, 3, search.FIRST_CANDIDATES]),
            "CHECKED": st.sampled_from([1, 2, search.CHECKED]),
            "WALKS": st.sampled_from([1, search.WALKS]),
        }
    ),
    st.integers(0, 9),
)
@settings(max_examples=examples(300))
def test_the_store_finds_what_the_rules_say(
    messages: list[tuple[str, str, int]],
    question: str,
    limit: int,
    is_newest_first: bool,
    span: tuple[int | None, int | None],
    subject: str | None,
    of: tuple[str | None, str | None],
    limits: dict[str, int],
    spelled: int,
) -> None:
    """As looking at each event would, page by page; with a text and without, and by whatever way: through
    what few there are, or by trigrams, of few words and of many; with spellings kept up to anywhere."""
    ids = Ids()
    since, until = (START + one * SECOND if one is not None else None for one in span)
    type_, system = of
    query = Query(type=type_, system=system, limit=limit, since=since, until=until, subject=subject)
    database = stores.new()
    with database.write() as db, pytest.MonkeyPatch.context() as patch:
        for name, one in limits.items():
            patch.setattr(search, name, one)
        patch.setattr(spellings, "AT_ONCE", 2)
        for place, (text, sender, second) in enumerate(messages):
            record(
                db, sms(text, sender), at=START + second * SECOND, system=("main", "side")[place % 2], ids=ids
            )
            if place < spelled:
                spellings.go_on(db)
        index(db, at_once=3)
        try:
            asked = core.terms(question)
        except ValueError:
            asked, question = (), ""
        all_of_them = [event for _, event in events.read(db, Query(limit=100))]
        found = look(db, question, query, is_newest_first=is_newest_first)
    database.close()

    expected = [
        _text(event)
        for event in all_of_them
        if query.takes(event) and core.matches(asked, core.searched(event.body))
    ]
    assert found == (expected[::-1] if is_newest_first else expected)


def test_time_that_is_up_ends_it_and_says_from_where_to_go_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at the clock finds it later: one go, and no more."""
    monkeypatch.setattr(search, "FIRST_GO", FEW)
    monkeypatch.setattr(search, "FIRST_CANDIDATES", FEW)
    clock = iter(range(1_000))
    patience = Patience(lambda: float(next(clock)), seconds=0.5)
    ids = Ids()
    with database.write() as db:
        # Each has all trigrams of both words, and the first and the last alone have one of the words.
        others = (sms("fir rst las ast") for _ in range(FEW + 10))
        record(db, sms("first las ast"), *others, sms("last fir rst"), ids=ids)
        index(db, at_once=1000)

        first = search.find(db, Query(), patience, terms=core.terms("last"))
        assert (first.events, first.has_more, first.is_cut) == ([], True, True)
        place = events.find(db, first.last_id or "")
        assert place is not None and place[0] == FEW
        second = search.find(db, Query(after=place[0]), patience, terms=core.terms("last"))
        assert [_text(event) for _, event in second.events] == ["last fir rst"]
        back = search.find(db, Query(), patience, terms=core.terms("first"), is_newest_first=True)
        assert (back.events, back.is_cut) == ([], True)


@ON_SQLITE
@pytest.mark.parametrize("are_few", [False, True])
@pytest.mark.parametrize("is_newest_first", [False, True])
@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(type="sms.*"),
        Query(type="sms.received", system="main"),
        Query(system="main"),
        Query(subject="sms/0501234567"),
        Query(since=START, until=START + SECOND),
        Query(among=("sms/0501234567",), incident="inc_1"),
    ],
)
def test_no_question_reads_all_there_is(
    database: Database, query: Query, is_newest_first: bool, are_few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not are_few:
        monkeypatch.setattr(search, "FEW", 0)
    with database.write() as db:
        record(db, sms("שלום"), ids=Ids())
        index(db)
        with Plans(db) as plans:
            search.find(db, query, ENDLESS, terms=core.terms("שלום"), is_newest_first=is_newest_first)
            search.find(db, query, ENDLESS, is_newest_first=is_newest_first)
        steps = plans.all()

    assert not [
        one for one in steps if one.startswith(("SCAN events", "SCAN searchable")) or "TEMP B-TREE" in one
    ]
    is_narrowed = query.type or query.system or query.subject or query.among
    assert bool([one for one in steps if "trigrams VIRTUAL TABLE" in one]) is not (are_few and is_narrowed)


@ON_SQLITE
def test_the_index_is_merged_bit_by_bit_and_finds_the_same(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        for number in range(40):
            record(db, sms(f"word{number}"), ids=ids)
            index(db)
    with database.write() as db:
        goes = 0
        while searchable.merge(db):
            goes += 1
            assert goes < 1000
        assert goes
        assert len(look(db, "word")) == 40
        db.exec_driver_sql("INSERT INTO trigrams (trigrams, rank) VALUES ('integrity-check', 1)")


@ON_POSTGRESQL
def test_a_server_uses_its_index_of_trigrams(database: Database) -> None:
    with database.write() as db:
        record(db, sms("שלום"), ids=Ids())
        index(db)
        db.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = (
            db.exec_driver_sql("EXPLAIN SELECT 1 FROM searchable WHERE text LIKE '%%word%%'").scalars().all()
        )

    assert any("searchable_trigrams" in line for line in plan)
