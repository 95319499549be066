"""The commander: what is sent, in which order, how often, and who is told."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.core.commands import command as commands
from daemon.core.commands.command import HOLIDAY, WAITS, Command, Done, Status, Trouble
from daemon.core.model import Fact, Failure, Unknown
from daemon.store import inbox
from tests.support import stores
from tests.support.commanding import BRIDGE, KICK, PAUSE, READ, Office, at, broken, one_by_one, with_policy
from tests.support.engines import ON_SQLITE

TIMEOUT = Unknown(Failure.TIMEOUT, "no complete answer in time")


@pytest.fixture
def office(engine: str, tmp_path: Path) -> Iterator[Office]:
    one = Office(stores.at(tmp_path / "commands.db"))
    yield one
    one.database.close()


def test_the_intent_is_committed_before_anything_is_sent(office: Office) -> None:
    given = office.give(BRIDGE).command
    office.work()

    (sent,) = office.sent
    assert (sent.id, sent.status, sent.attempts, sent.started_at) == (
        given.id,
        Status.RUNNING,
        1,
        office.clock.now(),
    )
    assert office.find(given.id).status is Status.SUCCEEDED


def test_the_outcome_is_told_and_the_dispatcher_woken(office: Office) -> None:
    given = office.give(PAUSE).command
    office.work()

    assert office.told() == [("command.succeeded", f"command/{given.id}")]
    assert office.dispatcher.woken == 1


def test_commands_of_a_system_keep_their_order_while_one_is_tried_again(office: Office) -> None:
    office.says = one_by_one(TIMEOUT, Done({}), Done({}))
    first, second = office.give(PAUSE).command, office.give(KICK).command
    office.run(WAITS[0].total_seconds())

    assert [one.id for one in office.sent] == [first.id, first.id, second.id]


def test_a_system_that_is_slow_holds_up_no_other(office: Office) -> None:
    office.systems = ("main", "other")
    office.start()
    is_released = threading.Event()

    def says(command: Command) -> Done:
        if command.system == "main":
            assert is_released.wait(10)
        return Done({})

    office.says = says
    slow, quick = office.give(PAUSE).command, office.give({**PAUSE, "system": "other"}).command
    ready = office.commander.run_once()
    thread = threading.Thread(target=office.commander.work, args=("main",))
    thread.start()
    office.commander.work("other")

    assert set(ready) == {"main", "other"}
    assert office.find(quick.id).status is Status.SUCCEEDED
    assert office.commander.run_once() == []
    is_released.set()
    thread.join(10)
    assert office.find(slow.id).status is Status.SUCCEEDED


def test_what_is_not_to_be_done_yet_holds_up_nothing(office: Office) -> None:
    later = office.give(PAUSE, not_before=at(office.clock, 60)).command
    soon = office.give(KICK).command
    office.run(59)
    assert [one.id for one in office.sent] == [soon.id]
    office.run(1)

    assert [one.id for one in office.sent] == [soon.id, later.id]


def test_what_is_too_late_is_never_sent_and_told_so(office: Office) -> None:
    office.give(PAUSE, expires_at=at(office.clock, 5))
    office.clock.advance(5)
    office.work()

    assert office.sent == []
    assert [kind for kind, _ in office.told()] == ["command.expired"]


def test_a_campaign_whose_answer_is_lost_is_never_sent_again(office: Office) -> None:
    office.says = lambda _command: TIMEOUT
    given = office.give(BRIDGE).command
    office.run(3600, step=60)

    assert len(office.sent) == 1
    assert office.find(given.id).status is Status.UNKNOWN
    assert office.told() == [("command.unknown", f"command/{given.id}")]


def test_a_campaign_that_never_left_is_tried_again(office: Office) -> None:
    office.says = one_by_one(Unknown(Failure.UNREACHABLE, "refused", is_unsent=True), Done({}))
    given = office.give(BRIDGE).command
    office.run(WAITS[0].total_seconds())

    assert office.find(given.id).status is Status.SUCCEEDED


def test_a_crash_while_a_campaign_is_sent_leaves_it_unknown_and_unsent(office: Office) -> None:
    class Killed(BaseException):
        pass

    def says(_command: Command) -> Done:
        raise Killed

    office.says = says
    given = office.give(BRIDGE).command
    with pytest.raises(Killed):
        office.work()
    office.says = lambda _command: Done({})
    office.start()

    assert office.find(given.id).status is Status.RUNNING
    assert office.commander.recover() == 1
    office.run(10)
    assert office.find(given.id).status is Status.UNKNOWN
    assert len(office.sent) == 1
    assert office.told() == [("command.unknown", f"command/{given.id}")]
    assert office.commander.recover() == 0


def test_a_crash_while_a_command_is_sent_that_may_be_repeated_repeats_it(office: Office) -> None:
    given = office.give(PAUSE).command
    office.says = broken
    office.work()
    doubtful = office.find(given.id)
    office.says = lambda _command: Done({})
    office.run(WAITS[0].total_seconds())

    assert (doubtful.status, doubtful.is_doubtful) == (Status.QUEUED, True)
    assert office.find(given.id).status is Status.SUCCEEDED


def test_a_crash_while_another_version_sent_what_this_one_does_not_know_ends_it(office: Office) -> None:
    given = office.give(PAUSE).command
    with office.database.write() as db:
        inbox.save(db, replace(given, type="queue.gone", status=Status.RUNNING, attempts=1))
    office.start()

    assert office.commander.recover() == 1
    assert office.find(given.id).status is Status.UNKNOWN
    assert office.sent == []


def test_an_error_of_our_own_leaves_a_campaign_unknown(office: Office) -> None:
    office.says = broken
    given = office.give(BRIDGE).command
    office.run(600, step=60)

    assert len(office.sent) == 1
    assert office.find(given.id).status is Status.UNKNOWN


@ON_SQLITE
def test_an_outcome_that_cannot_be_written_is_written_later_and_nothing_is_sent_again(
    office: Office, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "commands.db", isolation_level=None)) as other:

        def says(_command: Command) -> Done:
            # From here on nobody else can write.
            other.execute("BEGIN IMMEDIATE")
            return Done({"well": True})

        office.says = says
        with office.database.engine.connect() as db:
            db.exec_driver_sql("PRAGMA busy_timeout=1")
            db.commit()
        given = office.give(BRIDGE).command
        office.work()
        assert office.find(given.id).status is Status.RUNNING
        other.execute("ROLLBACK")
    office.work()

    assert office.find(given.id).status is Status.SUCCEEDED
    assert len(office.sent) == 1
    assert office.told() == [("command.succeeded", f"command/{given.id}")]


def test_a_rejected_token_leaves_the_system_alone_for_a_while(office: Office) -> None:
    office.says = one_by_one(Unknown(Failure.TOKEN_REJECTED, "no"), Done({}))
    first, second = office.give(PAUSE).command, office.give(KICK).command
    office.run(59)
    assert office.find(first.id).status is Status.FAILED
    assert len(office.sent) == 1
    office.run(2)
    assert len(office.sent) == 1  # a poll tries first
    office.run(60)

    assert office.find(second.id).status is Status.SUCCEEDED


def test_a_pause_that_a_poll_was_asked_for_holds_up_commands_too(office: Office) -> None:
    office.pauses.take("main", Unknown(Failure.THROTTLED, "wait", retry_after=timedelta(seconds=55)))
    office.give(PAUSE)
    office.run(54)
    assert office.sent == []
    office.run(2)
    assert office.sent == []  # a poll tries first
    office.pauses.take("main", None)
    office.run(1)

    assert len(office.sent) == 1


def test_a_command_waits_for_no_poll_where_none_comes(office: Office) -> None:
    office.pauses.take("main", Unknown(Failure.THROTTLED, "wait", retry_after=timedelta(seconds=55)))
    office.give(PAUSE)
    office.run(114)
    assert office.sent == []
    office.run(2)

    assert len(office.sent) == 1


def test_no_more_go_in_a_second_than_the_system_takes(office: Office) -> None:
    with_policy(office, rate=2.0)
    for _ in range(6):
        office.give(PAUSE)
    office.work()
    assert len(office.sent) == 2
    office.run(2, step=0.5)

    assert len(office.sent) == 6


def test_what_the_configuration_does_not_allow_any_more_is_turned_down(office: Office) -> None:
    pause, read = office.give(PAUSE).command, office.give(READ).command
    with_policy(office, allowed=("sip.*",))
    office.work()

    turned_down = office.find(pause.id)
    assert turned_down.error is not None
    assert (turned_down.status, turned_down.error.kind) == (Status.FAILED, Trouble.NOT_ALLOWED.value)
    assert office.find(read.id).status is Status.SUCCEEDED


def test_a_budget_that_was_lowered_holds_for_what_waits(office: Office) -> None:
    first, second = office.give(BRIDGE).command, office.give(BRIDGE).command
    with_policy(office, units_per_day=1.2)
    office.work()

    error = office.find(second.id).error
    assert office.find(first.id).status is Status.SUCCEEDED
    assert error is not None
    assert (office.find(second.id).status, error.kind) == (Status.FAILED, Trouble.OVER_BUDGET.value)
    assert len(office.sent) == 1


def test_nothing_is_left_of_a_budget_where_no_tenth_is(office: Office) -> None:
    """Three times 1.2 is 3.5999999999999996, so that 4.4e-16 of 3.6 are left."""
    *_, last = (office.give(BRIDGE).command for _ in range(4))
    with_policy(office, units_per_day=3.6)
    office.work()

    error = office.find(last.id).error
    assert error is not None
    assert error.message == "it may cost 1.2 units, and of the 3.6 of today 0 are left"


def test_commands_of_a_system_that_left_the_configuration_end(office: Office) -> None:
    given = office.give(PAUSE).command
    office.in_force = {}
    office.work()

    error = office.find(given.id).error
    assert error is not None
    assert (office.find(given.id).status, error.kind) == (Status.FAILED, Trouble.NOT_CONFIGURED.value)
    assert [kind for kind, _ in office.told()] == ["command.failed"]


def test_a_campaign_refused_on_shabbat_waits_for_its_end_where_it_is_asked_to(office: Office) -> None:
    with_policy(office, holiday_end=lambda now: now + timedelta(hours=20))
    office.says = one_by_one(Unknown(Failure.REFUSED, "Shabbat", HOLIDAY), Done({}), Done({}))
    given = office.give(BRIDGE, on_holiday="wait").command
    other = office.give(PAUSE).command
    office.run(60)
    assert office.find(other.id).status is Status.SUCCEEDED
    office.clock.advance(20 * 3600)
    office.work()

    assert office.find(given.id).status is Status.SUCCEEDED
    assert [kind for kind, _ in office.told()] == ["command.succeeded", "command.succeeded"]


def test_the_loop_carries_out_what_is_queued_and_ends_when_it_is_told_to(office: Office) -> None:
    has_ended = threading.Event()
    office.commander._on_ended = lambda _ended: has_ended.set()
    thread = threading.Thread(target=office.commander.run)
    thread.start()
    given = office.give(PAUSE).command
    office.commander.wake()

    assert has_ended.wait(10)
    office.commander.stop()
    assert office.commander.settle(timedelta(seconds=10))
    thread.join(10)
    assert not thread.is_alive()
    assert office.find(given.id).status is Status.SUCCEEDED


def test_settling_waits_no_longer_than_it_is_told(office: Office) -> None:
    is_released, has_begun = threading.Event(), threading.Event()

    def says(_command: Command) -> Done:
        has_begun.set()
        assert is_released.wait(10)
        return Done({})

    office.says = says
    office.give(PAUSE)
    thread = threading.Thread(target=office.commander.run)
    thread.start()
    assert has_begun.wait(10)
    office.commander.stop()

    assert not office.commander.settle(timedelta(milliseconds=10))
    is_released.set()
    assert office.commander.settle(timedelta(seconds=10))
    thread.join(10)


def test_an_end_that_cannot_be_worked_out_is_not_known_and_sent_no_second_time(office: Office) -> None:
    def raises(_now: datetime) -> datetime:
        raise ValueError

    with_policy(office, holiday_end=raises)
    office.says = one_by_one(Unknown(Failure.REFUSED, "Shabbat", HOLIDAY), Done({}))
    given, after = office.give(BRIDGE).command, office.give(PAUSE).command
    office.run(60)

    assert office.find(given.id).status is Status.UNKNOWN
    assert office.find(after.id).status is Status.SUCCEEDED
    assert [one.id for one in office.sent] == [given.id, after.id]


def test_a_loop_that_ends_by_an_error_waits_for_no_command_that_is_under_way(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_released, has_begun = threading.Event(), threading.Event()

    def says(_command: Command) -> Done:
        has_begun.set()
        assert is_released.wait(10)
        return Done({})

    def raises() -> list[str]:
        raise KeyError

    office.says = says
    given = office.give(PAUSE).command
    ended: list[type[Exception]] = []

    def run() -> None:
        try:
            office.commander.run()
        except KeyError as error:
            ended.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    assert has_begun.wait(10)
    monkeypatch.setattr(office.commander, "run_once", raises)
    office.commander.wake()
    thread.join(10)
    assert ended == [KeyError]
    is_released.set()

    assert office.commander.settle(timedelta(seconds=10))
    assert office.find(given.id).status is Status.SUCCEEDED


@pytest.mark.parametrize("error", stores.FAILING)
def test_a_store_that_fails_does_not_end_the_loop_nor_lose_an_outcome(
    office: Office, error: Exception
) -> None:
    working, failing = office.commander._database, stores.Failing(error)

    def says(_command: Command) -> Done:
        office.commander._database = failing
        return Done({"well": True})

    office.says = says
    given = office.give(BRIDGE).command
    office.work()
    turns = threading.Semaphore(0)
    thread = threading.Thread(target=office.commander.run, args=(turns.release,))
    thread.start()
    for _ in range(3):
        assert turns.acquire(timeout=10)
        office.commander.wake()
    assert office.find(given.id).status is Status.RUNNING
    office.commander._database = working
    for _ in range(2):
        office.commander.wake()
        assert turns.acquire(timeout=10)
    office.commander.stop()
    thread.join(10)

    assert office.find(given.id).status is Status.SUCCEEDED
    assert len(office.sent) == 1
    assert office.told() == [("command.succeeded", f"command/{given.id}")]


def test_an_outcome_that_cannot_be_told_is_kept_and_holds_up_no_other(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an error that nobody planned."""
    told = commands.told

    def raises(command: Command) -> Fact | None:
        if command.type == "campaign.bridge" and command.status.is_ended:
            raise ZeroDivisionError
        return told(command)

    bridge, pause = office.give(BRIDGE).command, office.give(PAUSE).command
    with monkeypatch.context() as patch:
        patch.setattr(commands, "told", raises)
        office.run(3)
        assert office.find(bridge.id).status is Status.RUNNING
        assert office.find(pause.id).status is Status.SUCCEEDED
    office.work()

    assert office.find(bridge.id).status is Status.SUCCEEDED
    assert [one.id for one in office.sent] == [bridge.id, pause.id]


def test_all_that_is_left_waits_while_the_store_fails(office: Office) -> None:
    office.systems = ("main", "other")
    office.start()
    working, failing = office.commander._database, stores.Failing(stores.FAILING[0])

    def says(_command: Command) -> Done:
        office.commander._database = failing
        return Done({})

    office.says = says
    given = [office.give({**PAUSE, "system": one}).command for one in office.systems]
    for system in office.commander.run_once():
        office.commander.work(system)
        office.commander._database = working
    office.commander._database = failing
    for _ in range(2):
        with pytest.raises(sa.exc.OperationalError):
            office.work()
    office.commander._database = working
    office.work()

    assert [office.find(one.id).status for one in given] == [Status.SUCCEEDED] * 2
    assert len(office.sent) == 2


def test_systems_for_which_there_is_no_thread_are_tried_by_whoever_comes_after(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.systems = ("main", "other", "third")
    office.start()
    given = [office.give({**PAUSE, "system": one}).command for one in office.systems]
    pool = Queued(room=1)
    with pytest.raises(RuntimeError):
        office.commander._hand_over(pool, office.commander.run_once())
    assert not office.commander._busy
    pool.run()
    assert office.sent == []
    office.work()

    assert [office.find(one.id).status for one in given] == [Status.SUCCEEDED] * 3


def test_one_for_which_somebody_has_begun_stays_busy_until_he_has_ended(office: Office) -> None:
    office.systems = ("main", "other")
    office.start()
    for one in office.systems:
        office.give({**PAUSE, "system": one})
    pool = Queued(room=1)
    seen: list[set[str]] = []

    def says(_command: Command) -> Done:
        seen.append(set(office.commander._busy))
        pool.room = 0
        return Done({})

    office.says = says
    pool.runs_at_once = True
    with pytest.raises(RuntimeError):
        office.commander._hand_over(pool, office.commander.run_once())

    assert seen == [{"main", "other"}]
    assert not office.commander._busy


class Queued(Executor):
    """A pool that can start so many threads, and has in its queue what it has no thread for."""

    def __init__(self, *, room: int) -> None:
        self.room = room
        self.runs_at_once = False
        self.queue: list[Callable[[], object]] = []

    def submit(self, fn: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        self.queue.append(partial(fn, *given, **named))
        if not self.room:
            raise RuntimeError("can't start new thread")
        self.room -= 1
        if self.runs_at_once:
            self.run()
        return Future()

    def run(self) -> None:
        while self.queue:
            self.queue.pop(0)()


@pytest.mark.parametrize("stepped", [timedelta(hours=-2), None])
def test_a_clock_that_is_set_while_it_waits_for_others_to_write_ends_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch, stepped: timedelta | None
) -> None:
    """What was too late by the clock of the look is not by that of the writing."""
    given = office.give(PAUSE, expires_at=at(office.clock, 5)).command
    office.clock.advance(6)
    write = office.database.write

    def write_late() -> AbstractContextManager[sa.Connection]:
        office.clock.jump(-7200)
        office.commander._stepped = lambda: stepped
        return write()

    with monkeypatch.context() as patch:
        patch.setattr(office.database, "write", write_late)
        office.commander._end_hopeless()

    assert office.find(given.id).status is Status.QUEUED


def test_a_system_that_is_configured_while_it_waits_for_others_to_write_keeps_its_commands(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = office.give(PAUSE).command
    office.in_force, there = {}, office.in_force
    write = office.database.write

    def write_late() -> AbstractContextManager[sa.Connection]:
        office.in_force = there
        return write()

    with monkeypatch.context() as patch:
        patch.setattr(office.database, "write", write_late)
        office.commander._end_hopeless()

    assert office.find(given.id).status is Status.QUEUED


def test_one_that_is_too_late_and_of_no_system_any_more_ends_once(office: Office) -> None:
    given = office.give(PAUSE, expires_at=at(office.clock, 5)).command
    office.clock.advance(6)
    office.in_force = {}
    office.work()

    assert office.told() == [("command.expired", f"command/{given.id}")]
