"""The overview's figures, and that reading them never walks through what has ended."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from daemon.core.delivery.outcome import Attempted, Message, Next, Outcome, Status
from daemon.core.model import Fact, Failure, Unknown
from daemon.core.ownership import HOUSE, Kind, Share
from daemon.core.routing.plan import Planned
from daemon.core.watches.api import Problems
from daemon.store import events, incidents, ledger, outbox, ownership, views, watches
from daemon.store.database import Database
from daemon.store.outbox import Finished, Lease
from daemon.store.views import MemberView, Poller
from tests.support.engines import ON_SQLITE
from tests.support.fakes import START, Ids
from tests.support.members import Members, endpoints, systems

SECOND = timedelta(seconds=1)
HOUSE_SHARE = Share(Kind.DUTY, HOUSE)


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


@ON_SQLITE
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


class TestMembers:
    """The daemons that share a database."""

    def test_each_has_how_many_of_what_and_nobody_what_was_given_back(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        members = Members(database, monkeypatch)
        members.join("south", "north", at=START)
        members.hold("north", [*systems("main", "branch"), *endpoints("crm"), HOUSE_SHARE])
        members.hold("south", systems("other"), at=START + SECOND)
        members.differ("south", "another file")
        members.are_connected("north", "stranger")
        with database.write() as db:
            ownership.give(db, {systems("branch")[0]: 1})
            shared = views.shared(db)

        held = {Kind.SYSTEM: 1, Kind.ENDPOINT: 1, Kind.DUTY: 1}
        assert shared.members == [
            MemberView("north", START, "1.2.3", True, None, held),
            MemberView("south", START, "1.2.3", False, "another file", {Kind.SYSTEM: 1}),
        ]
        assert shared.pollers == {
            "main": Poller("north", START, None),
            "branch": Poller(None, START, None),
            "other": Poller("south", START + SECOND, None),
        }

    def test_of_one_system_only_its_own_poller_is_read(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        members = Members(database, monkeypatch)
        members.join("north")
        members.hold("north", systems("main", "branch"))
        with database.read() as db:
            assert views.shared(db, "main").pollers.keys() == {"main"}

    def test_what_a_member_has_that_is_gone_has_nobody(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is freed as its row goes; a store that was put together by hand is believed as little."""
        members = Members(database, monkeypatch)
        members.join("north")
        members.hold("ghost", systems("main"))
        with database.read() as db:
            shared = views.shared(db)

        assert shared.pollers["main"].member is None
        assert [one.held for one in shared.members] == [{}]

    def test_a_pause_is_read_with_who_polls(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        members = Members(database, monkeypatch)
        members.join("north")
        members.hold("north", systems("main"))
        with database.write() as db:
            ownership.pause(db, "main", ownership.Pause(START + SECOND, {}))
            assert views.shared(db).pollers["main"] == Poller("north", START, START + SECOND)

    def test_a_database_of_one_daemon_is_asked_one_thing(self, database: Database) -> None:
        said: list[str] = []
        sa.event.listen(database.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
        with database.read() as db:
            said.clear()
            assert views.shared(db) is views.ALONE
        assert [one for one in said if "FROM" in one] == ["SELECT 1 FROM members LIMIT 1"]
