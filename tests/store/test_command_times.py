"""When a command may begin, and when it is too late: SQL chooses what `core` says, whatever the clock did."""

from datetime import timedelta

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.core.commands import command as commands
from daemon.core.commands.command import Command
from daemon.core.commands.command_types import CAMPAIGN
from daemon.store import inbox
from daemon.store.database import Database
from daemon.store.schema import metadata
from tests.support.fakes import START

offsets = st.one_of(st.integers(-3, 3), st.integers(-20_000 * 86400, 20_000 * 86400)).map(
    lambda seconds: timedelta(seconds=seconds)
)


@st.composite
def given_commands(draw: st.DrawFn) -> Command:
    not_before = START + draw(offsets)
    return Command(
        id="cmd_1",
        system="main",
        type=draw(st.sampled_from([CAMPAIGN, "queue.pause", "of.tomorrow"])),
        params={},
        created_by="me",
        created_at=START,
        not_before=not_before,
        expires_at=START + draw(offsets),
        due_at=not_before + draw(st.sampled_from([timedelta(0), timedelta(seconds=2)])),
        attempts=draw(st.integers(0, 1)),
        clock=draw(st.one_of(st.none(), offsets)),
        is_start_given=draw(st.sampled_from([None, False, True])),
        is_end_given=draw(st.sampled_from([None, False, True])),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each begins without a command
@given(command=given_commands(), stepped=offsets)
def test_sql_and_core_agree(database: Database, command: Command, stepped: timedelta) -> None:
    with database.write() as db:
        db.execute(sa.delete(metadata.tables["commands"]))
        inbox.add(db, command, "")
        heads = inbox.heads(db, START, stepped)
        head = inbox.head(db, "main", START, stepped)
        overdue = inbox.overdue(db, START, stepped)

    is_early = commands.is_too_early(command, START, stepped)
    is_fresh = command.is_start_given is False and not command.attempts
    is_due = is_fresh or command.due_at <= START
    assert bool(heads) == (not is_early)
    assert [one.due_at <= START for one in heads] == ([] if is_early else [is_due])
    assert bool(head) == (not is_early and is_due)
    assert bool(overdue) == commands.is_too_late(command, START, stepped)


@given(given_commands(), offsets)
def test_what_may_be_sent_once_is_sent_only_in_time_by_both_readings(
    command: Command, stepped: timedelta
) -> None:
    readings = commands.readings(command, START, stepped)

    assert len(readings) == (2 if command.type != "queue.pause" and command.clock is not None else 1)
    if not commands.is_too_late(command, START, stepped):
        assert all(reading < command.expires_at for reading in readings)
    if command.is_start_given and not commands.is_too_early(command, START, stepped):
        assert all(reading >= command.not_before for reading in readings)
