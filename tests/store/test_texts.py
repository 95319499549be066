"""Strangers' texts in the store, on both engines: what is kept of them, how they are found, their order."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from daemon.core.alerts.life import Seen
from daemon.core.commands.command import Command, Error
from daemon.core.commands.command import Status as CommandStatus
from daemon.core.delivery.outcome import DEAD, DELIVERED, Attempted, Outcome, Phases, Status
from daemon.core.durations import NOTHING
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest, plan
from daemon.core.watches import registrations, sip, sms
from daemon.core.watches.subjects import called
from daemon.store import events, history, inbox, outbox
from daemon.store.database import Database
from daemon.store.events import Query
from daemon.store.outbox import Finished, Lease
from daemon.store.schema import events as table
from tests.support import stores
from tests.support.examples import examples
from tests.support.fakes import START, Ids

NUL, PICTURE = "\0", "\u2400"
HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.one_of(HOSTILE, st.text("aAzZ09/_.-~\\%'\" \u05d0\u00e9\U0001f600\u2400", max_size=12))

ON_ONE_STORE: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}


@pytest.fixture
def database(engine: str) -> Iterator[Database]:
    one = stores.new()
    yield one
    one.close()


def record(database: Database, *named: str) -> None:
    with database.write() as db:
        db.execute(sa.text("DELETE FROM events"))
        events.record(db, "main", [Fact("sms.received", one, {"text": one}) for one in named], START, Ids())


@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(NAMES, min_size=1, max_size=8))
@example(["\\"])
@example(["a\\b", "\\x0"])
def test_the_events_of_a_phone_are_found_among_whatever_else_there_is(
    database: Database, names: list[str]
) -> None:
    written = [f"sms/{name}".replace(NUL, PICTURE) for name in names]
    record(database, *written, "sms/050-123 4567", "sms/972501234567", "queue/0501234567", "sms0501234567")
    with database.read() as db:
        found = events.read(db, Query(subject="sms/0501234567"))
        for subject in set(written):
            same = [one.subject for _, one in events.read(db, Query(subject=subject))]
            assert same.count(subject) == written.count(subject)

    of_phone = ["sms/050-123 4567", "sms/972501234567"]
    assert [one.subject for _, one in found if one.subject in of_phone] == of_phone


@settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sets(NAMES, min_size=2, max_size=8))
def test_texts_are_in_the_order_of_their_bytes(database: Database, names: set[str]) -> None:
    written = {name.replace(NUL, PICTURE) for name in names}
    with database.write() as db:
        db.execute(sa.text("DELETE FROM sequences"))
        db.execute(sa.text("INSERT INTO sequences VALUES (:name, 1)"), [{"name": one} for one in written])
    with database.read() as db:
        ordered = list(db.scalars(sa.text("SELECT system FROM sequences ORDER BY system")))
        first = db.scalar(sa.text("SELECT min(system) FROM sequences"))
        after = db.scalar(
            sa.text("SELECT count(*) FROM sequences WHERE system > :first"), {"first": min(written)}
        )

    assert ordered == sorted(written)
    assert (first, after) == (min(written), len(written) - 1)


def test_a_glob_knows_only_the_small_and_capital_letters_of_ascii(database: Database) -> None:
    record(database, "a")
    with database.write() as db:
        db.execute(sa.text("UPDATE events SET type = :name"), {"name": "CAFÉ.İ"})
    with database.read() as db:
        found = [
            len(list(db.scalars(sa.select(table.c.number).where(events.glob(table.c.type, one)))))
            for one in ("café*", "CafÉ*", "*i", "*İ")
        ]
    assert found == [0, 1, 0, 1]


def test_a_nul_in_a_name_is_shown_as_a_picture_and_the_text_of_the_message_is_as_it_came() -> None:
    row = sms.Row("050\0", "0771234567", "a\0b", "a\0b", "2026-11-23 01:02:03")
    fact = sms._fact(row, Seen(START, None, NOTHING), UTC)
    told: Any = fact.payload["sms"]
    assert (fact.subject, told["from"], told["text"]) == ("sms/050\u2400", "050\0", "a\0b")
    assert sip.subject("a\0b") == registrations._subject("sip:a\0b@host", 1) == "sip/a\u2400b"


def test_a_nul_fails_nothing_that_it_stands_beside(database: Database) -> None:
    """A name, an error, an answer: whatever a stranger says stays readable, and the poll or the result is
    stored."""
    ids = Ids()
    with database.write() as db:
        written = events.record(db, "main", [Fact("sms.received", "sms/1", {"text": "a\0b"})], START, ids)
        outbox.add(db, plan(written, [Interest("crm", ("*",), None)]), START)
        lease = Lease("t", START, START + timedelta(minutes=1))
        (message,) = outbox.claim(db, "crm", 9, lease).messages
        attempted = Attempted(message, Outcome.FAILED, START, error="a\0b", response_head="c\0d")
        assert outbox.finish(db, [Finished(attempted, DEAD)], START) == []
    with database.read() as db:
        ((_, event),) = events.read(db, Query())
        (delivery,) = history.of_events(db, [event.id])

    assert rb"a\u0000b" in event.body
    assert (delivery.status, len(delivery.attempts)) == (Status.DEAD, 1)
    assert delivery.error in ("a\0b", "a\u2400b")


def test_a_name_of_any_length_can_be_stored_and_is_told_from_every_other(database: Database) -> None:
    """Of characters that no index makes shorter, and at which names end alike or begin alike."""
    body = "".join(chr(0x10000 + number * number * 7919 % 0x10000) for number in range(5000))
    names = [called("sip", one) for one in (body, body + "a", "a" + body, body[:300], body[:301])]
    assert len({*names}) == len(names)
    assert max(map(len, names)) == len("sip/") + 300
    assert names[3] == f"sip/{body[:300]}"
    with database.write() as db:
        written = events.record(db, "main", [Fact("sms.received", one, {}) for one in names], START, Ids())
        outbox.add(db, plan(written, [Interest("crm", ("*",), None)]), START)
    with database.read() as db:
        assert [one.subject for _, one in events.read(db, Query())] == names


def test_an_attempt_in_which_the_process_was_stopped_for_days_is_stored(database: Database) -> None:
    hour = 3_600_000_000
    phases = Phases(1, 2, 50 * hour, 51 * hour, 52 * hour)
    ids = Ids()
    with database.write() as db:
        facts = [Fact("sms.received", f"sms/{number}", {}) for number in range(2)]
        written = events.record(db, "main", facts, START, ids)
        outbox.add(db, plan(written, [Interest("crm", ("*",), None)]), START)
        lease = Lease("t", START, START + timedelta(minutes=1))
        first, second = outbox.claim(db, "crm", 9, lease).messages
        done = [
            Finished(Attempted(first, Outcome.ACCEPTED, START, phases), DELIVERED),
            Finished(Attempted(second, Outcome.FAILED, START, phases, error="x"), DEAD),
        ]
        assert outbox.finish(db, done, START) == []
    with database.read() as db:
        found = history.of_events(db, [one.id for one in written])
    assert [one.attempts[0].phases for one in found] == [Phases(1, 2, 2**31 - 1, 2**31 - 1, 52 * hour)] * 2


def test_a_code_of_the_api_that_no_column_holds_leaves_the_outcome_of_its_command(database: Database) -> None:
    hour = timedelta(hours=1)
    command = Command("cmd_1", "main", "queue.pause", {}, "crm", START, START, START + hour, START)
    with database.write() as db:
        inbox.add(db, command, "print")
        for code in (2**31 - 1, 2**63 - 1, -(2**63)):
            failed = replace(command, status=CommandStatus.FAILED, error=Error("refused", "no", code))
            inbox.save(db, failed)
            found = inbox.find(db, command.id)
            assert found is not None
            assert found.error == Error("refused", "no", code if code == 2**31 - 1 else None)
