"""Lanes that a release before this one named by spellings of phones: no event is read to know of none."""

import sqlite3

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.model import Fact
from daemon.core.phones import subject_key
from daemon.core.routing.plan import Interest, plan
from daemon.store import events, lanes, outbox
from daemon.store.database import Database
from tests.core.spellings import truths
from tests.support.engines import ON_SQLITE
from tests.support.examples import examples
from tests.support.fakes import START, Ids

SPELLINGS = sorted({spelled for spelled, _ in truths()})
SYSTEMS = st.sampled_from(["main", "a/sms/b", "sip", "sms/0501234567", "x/0", "972501234567"])
KINDS = st.sampled_from(["sms/", "sip/", "queue/", ""])
NAMES = st.sampled_from(SPELLINGS) | st.from_regex(r"\+?[0-9]{7,13}(=[0-9])?", fullmatch=True)


@given(
    system=SYSTEMS | st.text(max_size=8),
    kind=KINDS,
    name=NAMES | st.text(max_size=12),
    urgency=st.none() | st.integers(0, 3),
)
@settings(max_examples=examples(500))
def test_a_lane_that_would_have_another_name_by_now_is_never_passed_over(
    system: str, kind: str, name: str, urgency: int | None
) -> None:
    before, after = f"{system}/{kind}{name}", f"{system}/{subject_key(kind + name)}"
    suffix = "" if urgency is None else f"/{urgency}"

    assert lanes.may_be_renamed(before + suffix) or before == after


@pytest.mark.parametrize(
    "lane", ["main/sms/0501234567", "main/sip/0773137770=2", "main/sip/025551234/0", "main/sms/Yemot", "a"]
)
def test_one_that_is_named_as_it_should_be_is_passed_over(lane: str) -> None:
    assert not lanes.may_be_renamed(lane)


@ON_SQLITE
@pytest.mark.parametrize(("last", "is_read"), [("sms/0501111111", False), ("sms/972501234567", True)])
def test_events_are_read_only_where_a_phone_is_spelled_otherwise(
    database: Database, last: str, is_read: bool
) -> None:
    said: list[str] = []
    with database.write() as db:
        facts = [Fact("sms.received", one, {}) for one in ("sms/0501234567", "sms/Yemot", last)]
        outbox.add(
            db, plan(events.record(db, "main", facts, START, Ids()), [Interest("crm", ("*",), None)]), START
        )
        db.execute(sa.text("UPDATE deliveries SET lane = 'main/' || :last WHERE id = 3"), {"last": last})
        driver = db.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(said.append)
        lanes.unite(db, START, unordered=())
        driver.set_trace_callback(None)

    assert any("events" in one for one in said) is is_read
