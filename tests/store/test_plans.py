"""How it is judged whether a statement costs the more the more there is; so is each that the store says."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests import conftest
from tests.support import plans, stores
from tests.support.plans import Judge, Listener
from tests.support.statements import STORE

SAID = "def say(db):\n    db.exec_driver_sql({!r}, (None,) * {!r}.count('?')).all()\n"


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    engine = stores.upgraded()
    with engine.connect() as db:
        yield Judge(db)
    engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT body FROM events WHERE timestamp < ?",
        "SELECT e.body FROM events AS e WHERE e.timestamp < ? LIMIT ?",
        "SELECT count(*) FROM events",
        "SELECT min(id) FROM deliveries WHERE status = 'leased' AND attempts <= 1",
        "SELECT body FROM events WHERE number > ? ORDER BY number",
        "SELECT body FROM events WHERE system = ?",
        "SELECT body FROM events WHERE system = ? AND number > ? ORDER BY number LIMIT ?",
        "SELECT id FROM deliveries WHERE endpoint = ? AND ended_at IS NULL",
        "UPDATE deliveries SET due_at = ? WHERE endpoint = ? AND ended_at IS NULL",
        "DELETE FROM attempts WHERE started_at < ?",
        "SELECT id FROM incidents WHERE ended_at < ? LIMIT ?",
        "SELECT id FROM incidents ORDER BY severity LIMIT ?",
        "SELECT incident FROM ledger WHERE event = ?",
        "SELECT type, count(*) FROM events GROUP BY type",
        "DELETE FROM history WHERE step = ?",
    ],
)
def test_what_reads_or_sorts_all_there_ever_was_is_found(judge: Judge, statement: str) -> None:
    assert judge.faults(statement) != []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT body FROM events WHERE number = ?",
        "SELECT body FROM events WHERE id IN (?, ?, ?)",
        "SELECT body FROM events ORDER BY number DESC LIMIT ?",
        "SELECT body FROM events WHERE number > ? ORDER BY number LIMIT ?",
        "SELECT body FROM events WHERE number > ? AND number <= ?",
        "SELECT body FROM events WHERE type = ? ORDER BY number DESC LIMIT ?",
        "SELECT body FROM events WHERE system = ? ORDER BY sequence LIMIT ?",
        "SELECT id FROM deliveries WHERE endpoint = ? AND ended_at IS NULL AND lane >= ''",
        "SELECT endpoint, count(*) FROM deliveries WHERE ended_at IS NULL GROUP BY endpoint",
        "DELETE FROM attempts WHERE delivery IN (?, ?)",
        "SELECT id FROM incidents WHERE ended_at IS NULL",
        "SELECT incident FROM ledger WHERE NOT is_over AND endpoint = ?",
        "SELECT name FROM endpoints",
        "SELECT state FROM watches ORDER BY system",
    ],
)
def test_what_costs_the_same_is_left_alone(judge: Judge, statement: str) -> None:
    assert judge.faults(statement) == []


@pytest.fixture
def listener() -> Iterator[Listener]:
    one = Listener()
    one.listen()
    yield one
    sa.event.remove(sa.Engine, "before_cursor_execute", one._take)
    conftest.listener.faults()  # which hears the same, and would hold it against these tests


def says(statement: str, *, file: str) -> None:
    """Somebody whose code stands in this file."""
    said: dict[str, object] = {}
    exec(compile(SAID.format(statement, statement), file, "exec"), said)  # noqa: S102 - our own words
    with stores.in_memory().read() as db:
        said["say"](db)  # type: ignore[operator]


def test_what_the_store_says_is_judged_once(listener: Listener) -> None:
    bad = "SELECT number FROM events WHERE timestamp < ?"
    says("SELECT id FROM events WHERE number = ?", file=str(STORE / "some.py"))
    assert listener.faults() == []
    says(bad, file=str(STORE / "some.py"))
    assert listener.faults() == [f"SCAN events: {bad}"]
    says(bad, file=str(STORE / "some.py"))
    assert listener.faults() == []


def test_what_a_test_says_is_its_own_matter(listener: Listener) -> None:
    says("SELECT number FROM events WHERE timestamp < ?", file=__file__)

    assert listener.faults() == []


def test_what_is_allowed_is_said_with_its_reason(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "ALLOWED", {r"FROM events WHERE timestamp": "a reason"})
    says("SELECT number FROM events WHERE timestamp < ?", file=str(STORE / "some.py"))

    assert listener.faults() == []


def test_each_exception_has_a_reason() -> None:
    assert all(reason for reason in plans.ALLOWED.values())
