"""The inbox: accepted once, in order, and never claimed before its time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.core.commands.command import Command, Error, OnHoliday, Status
from daemon.store import inbox
from daemon.store.database import Database
from daemon.store.inbox import Wanted
from tests.support import stores
from tests.support.engines import ON_SQLITE
from tests.support.fakes import START

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
def store(engine: str) -> Iterator[Database]:
    one = stores.new()
    yield one
    one.close()


def command(name: str, system: str = "main", **changed: Any) -> Command:
    one = Command(name, system, "queue.pause", {"agent": "סוכן"}, "crm", START, START, START + HOUR, START)
    return replace(one, **changed)


def campaign(name: str, system: str = "main", **changed: Any) -> Command:
    return command(name, system, type="campaign.bridge", **changed)


def put(store: Database, *found: Command) -> None:
    with store.write() as db:
        for one in found:
            inbox.add(db, one, f"print of {one.id}")


def test_every_field_comes_back_as_it_went_in(store: Database) -> None:
    full = command(
        "cmd_1",
        idempotency_key="k",
        on_holiday=OnHoliday.WAIT,
        estimate=1.2,
        units=0.6,
        day=START.date(),
        status=Status.FAILED,
        attempts=3,
        is_doubtful=True,
        started_at=START,
        ended_at=START + SECOND,
        result={"calls": [{"call_id": "a"}]},
        error=Error("refused", "לא", 104),
    )
    put(store, full, command("cmd_2"))

    with store.read() as db:
        assert inbox.find(db, "cmd_1") == full
        assert inbox.find(db, "cmd_2") == command("cmd_2")
        assert inbox.find(db, "cmd_3") is None
        assert inbox.find_by_key(db, "main", "k") == (full, "print of cmd_1")
        assert inbox.find_by_key(db, "other", "k") is None


def test_a_key_is_taken_once_for_each_system(store: Database) -> None:
    put(store, command("cmd_1", idempotency_key="k"), command("cmd_2", "other", idempotency_key="k"))

    with pytest.raises(sa.exc.IntegrityError):
        put(store, command("cmd_3", idempotency_key="k"))


def test_the_head_is_the_oldest_that_may_go_and_what_waits_for_it_stays_behind(store: Database) -> None:
    put(
        store,
        command("later", not_before=START + HOUR, due_at=START + HOUR),
        command("tried", due_at=START + 5 * SECOND),
        command("behind"),
        command("elsewhere", "other"),
    )
    with store.read() as db:
        assert inbox.head(db, "main", START) is None
        assert inbox.head(db, "main", START + 5 * SECOND) == command("tried", due_at=START + 5 * SECOND)
        assert {one.system: one.due_at for one in inbox.heads(db, START)} == {
            "main": START + 5 * SECOND,
            "other": START,
        }


@pytest.mark.parametrize("status", set(Status) - {Status.QUEUED})
def test_what_is_not_queued_is_no_head_and_never_overdue(store: Database, status: Status) -> None:
    put(store, command("cmd_1", status=status))
    with store.read() as db:
        assert inbox.head(db, "main", START) is None
        assert inbox.heads(db, START) == []
        assert inbox.overdue(db, START + 2 * HOUR) == []
        assert [one.id for one in inbox.running(db)] == (["cmd_1"] if status is Status.RUNNING else [])


def test_it_is_too_late_from_the_very_moment_on(store: Database) -> None:
    put(store, command("cmd_1"))
    with store.read() as db:
        assert inbox.overdue(db, START + HOUR - SECOND) == []
        assert [one.id for one in inbox.overdue(db, START + HOUR)] == ["cmd_1"]


def test_the_units_of_a_day_are_those_of_its_system_and_day_and_of_others(store: Database) -> None:
    day = START.date()
    put(
        store,
        campaign("cmd_1", units=1.5, day=day, status=Status.UNKNOWN),
        campaign("cmd_2", units=2.0, day=day),
        campaign("cmd_3", units=4.0, day=day + timedelta(days=1)),
        campaign("cmd_4", "other", units=8.0, day=day),
        command("cmd_5", type="sms.send", units=16.0, day=day),
    )
    with store.read() as db:
        assert inbox.units(db, "main", day) == 3.5
        assert inbox.units_spent(db, "main", day) == 1.5
        assert inbox.units(db, "nobody", day) == 0
        assert inbox.units(db, "main", day, "sms.send") == 16


def test_commands_are_read_newest_first_and_from_page_to_page(store: Database) -> None:
    put(store, *(command(f"cmd_{number}") for number in range(5)))
    put(store, command("cmd_5", "other", type="queue.kick", status=Status.RUNNING))

    def ids(**wanted: Any) -> list[str]:
        with store.read() as db:
            return [one.id for one in inbox.read(db, Wanted(**wanted))]

    assert ids(limit=2) == ["cmd_5", "cmd_4"]
    assert ids(before="cmd_4", limit=2) == ["cmd_3", "cmd_2"]
    assert ids(system="other") == ids(type="queue.kick") == ids(status=Status.RUNNING) == ["cmd_5"]
    assert ids(before="cmd_unknown") == []


def test_commands_of_systems_that_are_gone_are_found(store: Database) -> None:
    put(store, command("cmd_1"), command("cmd_2", "gone"), command("cmd_3", "gone", status=Status.FAILED))
    with store.read() as db:
        assert [one.id for one in inbox.of_other_systems(db, ["main"])] == ["cmd_2"]


def test_open_commands_are_counted(store: Database) -> None:
    put(
        store,
        command("cmd_1"),
        command("cmd_2"),
        command("cmd_3", status=Status.RUNNING),
        command("cmd_4", status=Status.FAILED),
    )
    with store.read() as db:
        assert inbox.counts(db) == {("main", Status.QUEUED): 2, ("main", Status.RUNNING): 1}


LOOKS: dict[str, Callable[[sa.Connection], object]] = {
    "heads": lambda db: inbox.heads(db, START),
    "head": lambda db: inbox.head(db, "main", START),
    "overdue": lambda db: inbox.overdue(db, START),
    "running": inbox.running,
    "of_other_systems": lambda db: inbox.of_other_systems(db, ["main"]),
    "counts": inbox.counts,
    "units": lambda db: inbox.units(db, "main", START.date()),
}


@ON_SQLITE
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_no_look_for_work_reads_all_that_has_ended(
    store: Database, look: Callable[[sa.Connection], object]
) -> None:
    asked: list[tuple[str, Any]] = []
    with store.read() as db:
        sa.event.listen(
            db, "before_cursor_execute", lambda _c, _cur, sql, values, *_: asked.append((sql, values))
        )
        look(db)
        plan = [
            row[3]
            for query, values in [one for one in asked if one[0].startswith("SELECT")]
            for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)
        ]

    assert plan
    assert not [step for step in plan if step == "SCAN commands"], plan
