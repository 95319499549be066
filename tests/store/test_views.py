"""The overview's figures, and that reading them never walks through what has ended."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from daemon.core.delivery.outcome import Attempted, Message, Next, Outcome, Status
from daemon.core.model import Fact, Failure, Unknown
from daemon.core.routing.plan import Planned
from daemon.core.watches.api import Problems
from daemon.store import events, incidents, ledger, outbox, views, watches
from daemon.store.database import Database
from daemon.store.outbox import Finished, Lease
from tests.support.fakes import START, Ids

SECOND = timedelta(seconds=1)


TOKENS = Ids()


def plan(db: sa.Connection, endpoint: str, *subjects: str) -> None:
    facts = [Fact("sms.received", subject, {}) for subject in subjects]
    written = events.record(db, "main", facts, START, ids)
    planned = [Planned(one, endpoint, one.subject) for one in written]
    outbox.add(db, planned, START + len(subjects) * SECOND)


ids = Ids()


def end(db: sa.Connection, message: Message, status: Status) -> None:
    outcome = Outcome.ACCEPTED if status is Status.DELIVERED else Outcome.REFUSED
    outbox.finish(db, [Finished(Attempted(message, outcome, START), Next(status))], START)


def claim(db: sa.Connection, endpoint: str) -> list[Message]:
    later = START + timedelta(hours=1)
    return outbox.claim(db, endpoint, 10, Lease(TOKENS("t"), later, later)).messages


def test_the_backlog_counts_what_is_open_and_what_was_given_up(database: Database) -> None:
    with database.write() as db:
        plan(db, "crm", "a", "a", "b", "c")
        first, second, third = claim(db, "crm")
        end(db, first, Status.DEAD)
        end(db, second, Status.DELIVERED)
        plan(db, "idle", "a")
        (only,) = claim(db, "idle")
        end(db, only, Status.DELIVERED)

        overview = views.read(db)

    assert overview.backlog == [views.EndpointView("crm", open=2, dead=1, oldest_open_at=START + 4 * SECOND)]
    assert overview.events == 5
    assert third.lane == "c"


def test_an_empty_store_shows_nothing(database: Database) -> None:
    with database.read() as db:
        assert views.read(db) == views.Overview([], [], [], 0, None)


def test_watches_come_by_system_and_name_with_their_trouble(database: Database) -> None:
    with database.write() as db:
        watches.save_observed(db, ("main", "sms"), "{}", now=START, problems=Problems())
        watches.save_observed(db, ("branch", "sip"), "{}", now=START, problems=Problems())
        unknown = Unknown(Failure.FILTERED, "an HTML page")
        watches.save_failed(db, ("main", "sip"), unknown, polled_at=START, since=START, problems=Problems())

        found = views.watches(db)

    assert [(one.system, one.name, one.failure) for one in found] == [
        ("branch", "sip", None),
        ("main", "sip", "filtered"),
        ("main", "sms", None),
    ]


GROWING = ("deliveries", "events", "attempts", "incidents", "ledger", "decisions", "transitions")


def unsettled(db: sa.Connection) -> object:
    return incidents.unsettled(db, ["crm", "ops"])


def told(db: sa.Connection) -> object:
    return ledger.load(db, ["crm", "ops"])


@pytest.mark.parametrize(
    "read",
    [views.backlog, views.alerts, views.event_count, unsettled, told, incidents.firing, incidents.phases],
)
def test_what_has_ended_is_not_read(database: Database, read: object) -> None:
    """The tables that grow are reached through partial indexes only."""
    statements: list[tuple[str, tuple[object, ...]]] = []
    sa.event.listen(
        database.engine, "before_cursor_execute", lambda *given: statements.append((given[2], given[3]))
    )
    with database.read() as db:
        read(db)  # type: ignore[operator]
        plans = [
            row.detail
            for statement, values in list(statements)
            if statement.startswith("SELECT")
            for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]

    assert plans
    scanned = [plan for plan in plans if plan.startswith("SCAN") and "INDEX" not in plan]
    assert [one for one in scanned if one.split()[1] in GROWING] == []
