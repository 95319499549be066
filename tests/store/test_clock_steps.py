"""What a step of the clock does to the rows: every column of times has its kind, and moves as that says."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.alerts.life import Phase
from daemon.core.commands.command import OnHoliday, Status
from daemon.core.commands.command_types import CAMPAIGN
from daemon.core.delivery import outcome as delivery
from daemon.core.delivery.breaker import Health
from daemon.core.durations import DAY, HOUR, MINUTE, NOTHING, SECOND
from daemon.core.model import Fact, Severity
from daemon.core.routing.plan import Interest
from daemon.core.timeline import Look
from daemon.pipeline.events import Recorder
from daemon.store import clock_steps
from daemon.store.clock_steps import Clock
from daemon.store.column_types import UtcTime
from daemon.store.database import Database
from daemon.store.schema import metadata
from tests.support import stores
from tests.support.engines import ON_SQLITE, USED
from tests.support.fakes import START, Ids

NOW = START
WAIT = 4 * HOUR
PARTLY = {"deliveries.ended_at", "deliveries.first_started_at", "attempts.started_at"}
"""History, but for what is asked of them while something lasts."""
steps = st.timedeltas(timedelta(days=-20_000), timedelta(days=20_000)).map(
    lambda step: timedelta(milliseconds=step // timedelta(milliseconds=1))
)


def named(kind: tuple[tuple[sa.Table, clock_steps.Where, tuple[str, ...]], ...]) -> list[str]:
    return [f"{table.name}.{column}" for table, _, columns in kind for column in columns]


def test_every_time_in_the_store_has_its_kind() -> None:
    """Whoever adds a column of times says what a clock that is set does to it."""
    times = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, UtcTime)
    }
    kinds = [
        set(named(clock_steps.LIVE)) - PARTLY,
        set(named(clock_steps.DUE)),
        {*clock_steps.EXPIRING, *clock_steps.OF_COMMANDS, *clock_steps.SINCE},
        set(clock_steps.GIVEN),
        {*clock_steps.HISTORY} | PARTLY,
    ]

    assert set().union(*kinds) == times
    assert sum(map(len, kinds)) == len(times)


def given_deliveries(database: Database, now: datetime, *subjects: str) -> None:
    recorder = Recorder([Interest("crm", ("*",), None)], Ids())
    with database.write() as db:
        recorder.record(db, "main", [Fact("sms.received", one, {}) for one in subjects], now)


def times(database: Database, table: str, *columns: str) -> list[tuple[datetime | None, ...]]:
    chosen = metadata.tables[table]
    with database.read() as db:
        found = db.execute(sa.select(*(chosen.c[name] for name in columns)).order_by(*chosen.primary_key))
        return [tuple(row) for row in found]


@USED
@given(step=steps)
def test_what_waits_is_as_far_off_as_before(step: timedelta) -> None:
    database = stores.new()
    given_deliveries(database, NOW, "a", "a", "b")
    with database.write() as db:
        db.execute(
            sa.update(metadata.tables["deliveries"]).values(
                due_at=NOW + MINUTE, expires_at=NOW + HOUR, leased_until=NOW + 5 * MINUTE
            )
        )
        clock_steps.shift(db, step, step)

    moved = NOW + step
    columns = "created_at", "due_at", "leased_until", "expires_at"
    assert (
        times(database, "deliveries", *columns)
        == [(moved, moved + MINUTE, moved + 5 * MINUTE, moved + HOUR)] * 3
    )
    assert times(database, "events", "timestamp") == [(NOW,)] * 3
    database.close()


@USED
@given(
    ahead=st.timedeltas(timedelta(milliseconds=1), timedelta(days=40_000)), wait=st.integers(0, 14_000_000)
)
def test_what_was_written_by_a_clock_that_was_ahead_is_due_when_its_wait_is_over(
    ahead: timedelta, wait: int
) -> None:
    """Also where nobody saw the step."""
    database, waits = stores.new(), timedelta(milliseconds=wait)
    wrong = NOW + timedelta(milliseconds=ahead // timedelta(milliseconds=1))
    given_deliveries(database, wrong, "a", "a")
    with database.write() as db:
        db.execute(sa.update(metadata.tables["deliveries"]).values(due_at=wrong + waits))
        clock_steps.settle(db, NOW, lambda _endpoint: WAIT)

    for created_at, due_at in times(database, "deliveries", "created_at", "due_at"):
        assert created_at == min(wrong, NOW)
        assert due_at == NOW + min(waits, WAIT)
    database.close()


@USED
@given(due=st.timedeltas(timedelta(days=-20_000), timedelta(days=20_000)))
def test_nothing_of_ours_is_further_off_than_it_can_be(due: timedelta) -> None:
    """A retry that was computed while the clock was ahead, of a delivery that is older."""
    database = stores.new()
    given_deliveries(database, NOW - DAY, "a")
    with database.write() as db:
        db.execute(sa.update(metadata.tables["deliveries"]).values(due_at=NOW + due))
        db.execute(
            sa.insert(metadata.tables["endpoints"]).values(
                name="crm", health=Health.HEALTHY, first_failures=0, any_failures=0, rejections=0,
                throttles=0, trials=0, not_before=NOW + due, suspended_for=NOTHING, is_catching_up=False,
            )
        )  # fmt: skip
        clock_steps.settle(db, NOW, lambda _endpoint: WAIT)

    ((due_at,),) = times(database, "deliveries", "due_at")
    ((not_before,),) = times(database, "endpoints", "not_before")
    assert due_at is not None and not_before is not None
    assert due_at <= NOW + WAIT
    assert not_before <= NOW + WAIT
    assert due > WAIT or abs(due_at - NOW - due) < timedelta(milliseconds=1)
    database.close()


@USED
@given(step=steps)
def test_an_attempt_is_as_long_ago_as_before_while_its_delivery_is_open(step: timedelta) -> None:
    """Also the first one, which is kept with it; of what has ended it is history."""
    database = stores.new()
    given_deliveries(database, NOW, "a", "b")
    table = metadata.tables["deliveries"]
    with database.write() as db:
        db.execute(sa.update(table).values(first_started_at=NOW))
        db.execute(sa.update(table).where(table.c.id == 2).values(ended_at=NOW))
        clock_steps.shift(db, step, step)
    assert times(database, "deliveries", "first_started_at") == [(NOW + step,), (NOW,)]

    with database.write() as db:
        db.execute(sa.update(table).values(first_started_at=NOW + step))
        clock_steps.settle(db, NOW, lambda _endpoint: WAIT)
    assert times(database, "deliveries", "first_started_at") == [(NOW + min(step, NOTHING),), (NOW + step,)]
    database.close()


@USED
@given(
    lives=st.lists(
        st.tuples(st.booleans(), st.lists(steps, max_size=3)),  # is it open? and how its attempts stand off
        min_size=1,
        max_size=6,
    )
)
def test_no_attempt_of_what_is_open_is_later_than_now(lives: list[tuple[bool, list[timedelta]]]) -> None:
    database = stores.new()
    given_deliveries(database, NOW, *"abcdef"[: len(lives)])
    kept = metadata.tables["deliveries"]
    with database.write() as db:
        for number, (is_open, tried) in enumerate(lives, start=1):
            over: dict[str, Any] = {} if is_open else {"ended_at": NOW, "status": delivery.Status.DEAD}
            db.execute(sa.update(kept).where(kept.c.id == number).values(attempts=len(tried), **over))
            for which, off in enumerate(tried, start=1):
                db.execute(
                    sa.insert(metadata.tables["attempts"]).values(
                        delivery=number, number=which, started_at=NOW + off, resolved=0, connected=0,
                        secured=0, answered=0, total=0, outcome=delivery.Outcome.UNREACHABLE,
                    )
                )  # fmt: skip
        clock_steps.settle(db, NOW, lambda _endpoint: WAIT)

    settled = [NOW + (min(off, NOTHING) if is_open else off) for is_open, tried in lives for off in tried]
    assert times(database, "attempts", "started_at") == [(one,) for one in settled]
    database.close()


@USED
@given(given=st.lists(st.none() | steps, min_size=4, max_size=4))
def test_of_times_in_one_row_only_those_that_are_later_than_now_are_moved(
    given: list[timedelta | None],
) -> None:
    columns = "last_known", "changed_after", "changed_before", "started_at"
    written = dict(zip(columns, (None if one is None else NOW + one for one in given), strict=True))
    database = stores.new()
    with database.write() as db:
        db.execute(
            sa.insert(metadata.tables["alerts"]).values(
                system="main", key="k", watch="sip", fires="f", resolves="r", subject="s", payload="{}",
                severity=Severity.ERROR, phase=Phase.FIRING, held=NOTHING, is_blind=False, **written,
            )
        )  # fmt: skip
        clock_steps.settle(db, NOW, lambda _endpoint: WAIT)

    settled = tuple(at and min(at, NOW) for at in written.values())
    assert times(database, "alerts", *columns) == [settled]
    database.close()


COMMAND = {
    "system": "main", "params": "{}", "created_by": "me", "created_at": NOW, "on_holiday": OnHoliday.FAIL,
    "fingerprint": "", "units": 0.0, "attempts": 0, "is_doubtful": False, "status": Status.QUEUED,
    "not_before": NOW, "expires_at": NOW + HOUR, "due_at": NOW, "clock": NOTHING,
}  # fmt: skip


def command(database: Database, **values: object) -> None:
    with database.write() as db:
        db.execute(sa.insert(metadata.tables["commands"]).values({**COMMAND, "id": "cmd_1", **values}))


@pytest.mark.parametrize(
    ("values", "moved"),
    [
        # Ours: nobody wrote a date.
        ({"type": "queue.pause", "is_start_given": False, "is_end_given": False}, (1, 1, 1)),
        ({"type": "queue.pause", "is_start_given": True, "is_end_given": False}, (0, 1, 0)),
        ({"type": "queue.pause", "is_start_given": False, "is_end_given": True}, (1, 0, 1)),
        ({"type": "queue.pause", "is_start_given": True, "is_end_given": True}, (0, 0, 0)),
        # A retry is ours, whatever was given.
        ({"type": "queue.pause", "is_start_given": True, "is_end_given": True, "attempts": 1}, (0, 0, 1)),
        # By whom, nobody knows: it may be a caller's.
        ({"type": "queue.pause"}, (0, 0, 0)),
        # What may be sent once is judged by both readings instead.
        ({"type": CAMPAIGN, "is_start_given": False, "is_end_given": False}, (0, 0, 0)),
        # Accepted after the step, by a process that saw it.
        (
            {"type": "queue.pause", "is_start_given": False, "is_end_given": False, "clock": 2 * HOUR},
            (0, 0, 0),
        ),
    ],
)
def test_of_a_command_only_what_its_caller_did_not_write_is_moved(
    database: Database, values: dict[str, object], moved: tuple[int, int, int]
) -> None:
    command(database, **values)
    with database.write() as db:
        clock_steps.shift(db, 2 * HOUR, 2 * HOUR)

    start, end, due = (2 * HOUR * one for one in moved)
    assert times(database, "commands", "not_before", "expires_at", "due_at") == [
        (NOW + start, NOW + HOUR + end, NOW + due)
    ]


def test_there_and_back_is_where_it_was(database: Database) -> None:
    command(database, type="queue.pause", is_start_given=False, is_end_given=False)
    with database.write() as db:
        clock_steps.shift(db, 5 * DAY, 5 * DAY)
    with database.write() as db:
        clock_steps.shift(db, -5 * DAY, NOTHING)

    assert times(database, "commands", "not_before", "expires_at", "due_at") == [(NOW, NOW + HOUR, NOW)]


def test_what_is_quiet_still_covers_what_it_held_back(database: Database) -> None:
    for step, since in ((2 * HOUR, NOW), (-2 * HOUR, NOW - 2 * HOUR)):
        with database.write() as db:
            table = metadata.tables["quiet"]
            db.execute(sa.delete(table))
            db.execute(sa.insert(table).values(endpoint="ops", since=NOW))
            clock_steps.shift(db, step, step)

        assert times(database, "quiet", "since") == [(since,)]


def test_another_process_sees_a_step_that_the_daemon_has_not_followed_yet(database: Database) -> None:
    with database.write() as db:
        assert clock_steps.stepped(db) == NOTHING
        clock_steps.save(db, Clock(3 * SECOND, Look(NOW, HOUR, "boot")))
        clock_steps.save(db, Clock(DAY, Look(NOW, HOUR, "boot")))

        assert clock_steps.stepped(db) == DAY
        assert clock_steps.stepped(db, Look(NOW + MINUTE, HOUR + MINUTE, "boot")) == DAY
        assert clock_steps.stepped(db, Look(NOW - HOUR, HOUR, "boot")) == DAY - HOUR


def test_what_another_process_sends_again_is_due_at_once_whatever_its_clock_says(database: Database) -> None:
    with database.write() as db:
        assert clock_steps.now(db, Look(NOW, HOUR, "boot")) == NOW
        clock_steps.save(db, Clock(NOTHING, Look(NOW, HOUR, "boot")))
        ahead = Look(NOW + 5 * DAY + MINUTE, HOUR + MINUTE, "boot")

        assert clock_steps.now(db, ahead) == NOW + MINUTE


@pytest.mark.parametrize("wrong", [-DAY, DAY])
def test_a_command_of_a_moment_when_the_clock_was_wrong_has_its_time_all_the_same(
    database: Database, wrong: timedelta
) -> None:
    """Given while nobody ran, by a clock that was right before and is right again."""
    at = NOW + wrong
    command(
        database, type="queue.pause", is_start_given=False, is_end_given=False, clock=wrong,
        not_before=at, expires_at=at + HOUR, due_at=at,
    )  # fmt: skip
    with database.write() as db:
        clock_steps.save(db, Clock(NOTHING, Look(NOW, HOUR, "boot")))
        clock_steps.settle(db, NOW, lambda _endpoint: WAIT)
        clock_steps.settle(db, NOW, lambda _endpoint: WAIT)

    assert times(database, "commands", "not_before", "expires_at", "due_at") == [(NOW, NOW + HOUR, NOW)]


def steps_to_settle(database: Database) -> int:
    """How many instructions of SQLite it takes to settle, by thousands."""
    taken = 0

    def one_more() -> int:
        nonlocal taken
        taken += 1
        return 0

    with database.write() as db:
        connection: Any = db.connection.dbapi_connection
        connection.set_progress_handler(one_more, 1_000)
        clock_steps.settle(db, NOW, lambda _endpoint: WAIT)
        connection.set_progress_handler(None, 1_000)
    return taken


@ON_SQLITE
def test_deliveries_that_are_over_cost_a_start_nothing(database: Database) -> None:
    given_deliveries(database, NOW, *(f"a/{number}" for number in range(2_000)))
    table = metadata.tables["deliveries"]
    is_over = table.c.id > 10

    def end(many: int) -> int:
        with database.write() as db:
            over = sa.update(table).where(is_over, table.c.id <= 10 + many)
            db.execute(over.values(status=delivery.Status.DELIVERED, ended_at=NOW))
            db.execute(sa.delete(table).where(table.c.id > 10 + many))
        return steps_to_settle(database)

    assert end(1_990) <= end(0) + 1
