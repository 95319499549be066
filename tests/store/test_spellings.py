"""How phones are spelled in events: as looking at each would say, however far the keeping of it is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.model import Fact
from daemon.core.phones import names_phone, subject_key
from daemon.store import events, pruning, spellings
from daemon.store.database import Database
from daemon.store.events import Query
from daemon.store.schema import events as events_table
from daemon.store.schema import spelled
from daemon.store.schema import spellings as spellings_table
from tests.support import stores
from tests.support.engines import ON_SQLITE, USED
from tests.support.examples import examples
from tests.support.fakes import START, Ids
from tests.support.plans import Plans

PHONES = ["0501234567", "+972-50-123-4567", "972501234567", "٠501234567", "0521111111", "052 111 1111"]
SUBJECTS = [*(kind + one for kind in ("sms/", "sip/") for one in PHONES), "sms/Bank", "queue/0501234567"]
WANTED = ["sms/0501234567", "sip/00972501234567", "sms/+972521111111", "sms/0599999999"]


@pytest.fixture
def database(engine: str) -> Iterator[Database]:
    one = stores.new()
    yield one
    one.close()


def record(db: sa.Connection, *subjects: str, ids: Ids) -> None:
    events.record(db, "main", [Fact("sms.received", one, {}) for one in subjects], START, ids)


def truth(db: sa.Connection, wanted: str) -> set[str]:
    """By looking at each."""
    return {
        event.subject
        for _, event in events.read(db, Query(limit=1000))
        if subject_key(event.subject) == subject_key(wanted)
    }


def kept(db: sa.Connection) -> set[str]:
    return set(db.scalars(sa.select(spellings_table.c.subject)))


def keep_all(db: sa.Connection) -> None:
    """As the worker does."""
    while spellings.is_behind(db):
        assert spellings.go_on(db)


acts = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=4)),
        st.tuples(st.sampled_from(["go on", "keep all"]), st.just([])),
        st.tuples(st.just("forget"), st.lists(st.integers(1, 20), min_size=1, max_size=4)),
        st.tuples(st.just("another release forgets"), st.lists(st.integers(1, 20), min_size=1, max_size=4)),
    ),
    max_size=12,
)


ACTS: dict[str, Callable[[sa.Connection, list[Any], Ids], object]] = {
    "record": lambda db, of, ids: record(db, *of, ids=ids),
    "go on": lambda db, _of, _ids: spellings.go_on(db),
    "keep all": lambda db, _of, _ids: keep_all(db),
    "forget": lambda db, of, _ids: pruning.forget_events(db, of),
    "another release forgets": lambda db, of, _ids: db.execute(
        sa.delete(events_table).where(events_table.c.number.in_(of))
    ),
}


@USED
@settings(max_examples=examples(200))
@given(acts, st.sampled_from([1, 2, 100]), st.sampled_from([0, 2, 2000]))
def test_they_are_those_that_there_are(acts: list[tuple[str, list[Any]]], at_once: int, few: int) -> None:
    ids, database = Ids(), stores.new()
    is_ours_alone = True
    with database.write() as db, pytest.MonkeyPatch.context() as patch:
        patch.setattr(spellings, "AT_ONCE", at_once)
        patch.setattr(spellings, "FEW", few)
        for act, of in acts:
            is_ours_alone = is_ours_alone and act != "another release forgets"
            ACTS[act](db, of, ids)
            for wanted in WANTED:
                found = spellings.of_events(db, wanted)
                assert found == sorted(set(found))
                assert truth(db, wanted) <= set(found)
                if is_ours_alone:
                    assert truth(db, wanted) == set(found)
        keep_all(db)
        there = {
            event.subject for _, event in events.read(db, Query(limit=1000)) if names_phone(event.subject)
        }
        assert there <= kept(db)
        if is_ours_alone:
            assert kept(db) == there
    database.close()


def test_what_another_release_left_goes_with_the_time(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        record(db, "sms/0501111111", "sms/0502222222", "sms/0501111111", "sms/0503333333", ids=ids)
        keep_all(db)
        db.execute(sa.delete(events_table).where(events_table.c.number <= 2))

        assert spellings.forget_left(db, 10) == 1
        assert spellings.forget_left(db, 10) == 0
        assert kept(db) == {"sms/0501111111", "sms/0503333333"}


def test_the_newest_of_a_spelling_that_goes_leaves_it_while_an_older_one_is_there(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        record(db, "sms/0501111111", "sms/0502222222", "sms/0501111111", ids=ids)
        keep_all(db)
        pruning.forget_events(db, [3])
        assert spellings.of_events(db, "sms/0501111111") == ["sms/0501111111"]
        pruning.forget_events(db, [1])
        assert kept(db) == {"sms/0502222222"}


@ON_SQLITE
def test_nothing_is_walked_through_once_all_are_kept(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        record(db, *SUBJECTS, ids=ids)
        keep_all(db)
        record(db, "sms/050-1234567", ids=ids)
        with Plans(db) as plans:
            found = spellings.of_events(db, "sms/0501234567")

        assert "sms/050-1234567" in found
        assert not [one for one in plans.all() if "events_of_subject" in one or "SCAN" in one]


def test_a_mark_is_made_once(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        assert not spellings.is_behind(db)
        record(db, "sms/0501111111", ids=ids)
        keep_all(db)
        record(db, "sms/0502222222", ids=ids)
        keep_all(db)
        assert db.execute(sa.select(spelled)).all() == [("events", 2, None)]
