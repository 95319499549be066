"""What watches see is written down in batches, bounded, and what cannot be is a gap."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.core.durations import NOTHING
from daemon.core.model import Failure, Rule, Severity, Unknown
from daemon.core.rehearsal import looks
from daemon.core.rehearsal.looks import Answer, Failed, Looks
from daemon.core.retention import Retention
from daemon.core.watches import sip, sms
from daemon.core.watches.watch import Description, Watch, WatchKind
from daemon.host.clock import monotonic
from daemon.store import observations
from daemon.store.database import Database
from daemon.workers import observation_keeper
from daemon.workers.housekeeper import Housekeeper
from daemon.workers.observation_keeper import ObservationKeeper
from daemon.workers.past import Past, Seen
from tests.support.fakes import START, FakeClock

EVERY = timedelta(seconds=10)
SECOND = timedelta(seconds=1)
RULE = Rule(NOTHING, NOTHING, Severity.ERROR)


class Phones(WatchKind[Any, Any]):
    kept_as = sip.Observation


class Messages(WatchKind[Any, Any]):
    pass


def watch(kind: WatchKind[Any, Any], name: str = "sip", every: timedelta = EVERY) -> Watch[Any, Any]:
    return Watch(Description("main", name, "Get", every, {}, RULE), kind)


SIP = watch(Phones())  # type: ignore[abstract] # nobody asks it
SMS = watch(Messages(), "sms")  # type: ignore[abstract]


class Office:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock(START)
        self.is_on = True
        self.keeper = ObservationKeeper(database, is_on=lambda: self.is_on)

    def sees(self, *registered: bool, after: float = 10, of: Watch[Any, Any] = SIP) -> None:
        self.clock.advance(after)
        seen = sip.Observation({str(number): one for number, one in enumerate(registered)})
        self.keeper.looked(of, seen, clock=self.clock.monotonic(), now=self.clock.now())

    def same(self, *, after: float = 10, of: Watch[Any, Any] = SIP) -> None:
        self.clock.advance(after)
        self.keeper.same(of, clock=self.clock.monotonic(), now=self.clock.now())

    def fails(self, failure: Failure = Failure.TIMEOUT, *, after: float = 10) -> None:
        self.clock.advance(after)
        self.keeper.looked(SIP, Unknown(failure, "away"), clock=self.clock.monotonic(), now=self.clock.now())

    def read(self, name: str = "sip") -> list[Looks]:
        self.seen = Seen(("main", name), START)
        until = self.clock.now() + EVERY
        found = Past(self.database).looks(("main", name), START - EVERY, until, self.seen)
        return [one for one, _ in found]

    def rows(self) -> list[Any]:
        with self.database.read() as db:
            return list(db.execute(sa.text("SELECT name, start, looks FROM observations ORDER BY start")))

    def counted(self) -> tuple[int, int]:
        """What they are counted to take, and what they take."""
        taken = sum(len(row.looks) + observations.ROW for row in self.rows())
        with self.database.read() as db:
            return observations.total(db), taken


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def registered(one: Looks) -> list[bool]:
    assert isinstance(one.outcome, Answer)
    seen: Any = one.outcome.seen
    return [*seen["registered"].values()]


def test_what_was_seen_is_read_back(office: Office) -> None:
    office.sees(True, True)
    office.same()
    office.same()
    office.keeper.flush()
    office.sees(True, False)
    office.fails()
    office.fails()
    office.sees(True, False)
    office.keeper.flush()
    found = office.read()
    assert [one.many for one in found] == [1, 2, 1, 1, 1, 1]
    assert registered(found[0]) == [True, True]
    assert registered(found[2]) == registered(found[5]) == [True, False]
    assert found[3].outcome == found[4].outcome == Failed(Failure.TIMEOUT, "away")
    assert [one.gap for one in found] == [None, *[EVERY] * 5]
    assert office.seen.gaps == []
    assert len(office.rows()) == 1
    counted, taken = office.counted()
    assert counted == taken > 0


def test_of_messages_no_content_is_kept(office: Office) -> None:
    row = sms.Row("0541234567", "0501234567", "code 4711", "code 4711", "2026-03-01 14:00:00")
    seen = sms.Observation((row,), 100, problems=("row 3: no date",))
    office.keeper.looked(SMS, seen, clock=office.clock.monotonic(), now=office.clock.now())
    office.keeper.flush()
    (found,) = office.read("sms")
    assert found.outcome == Answer({"problems": ["row 3: no date"]})


def test_a_batch_ends_after_an_hour_and_observed_time_goes_on(office: Office) -> None:
    office.sees(True)
    for _ in range(800):
        office.same()
        office.keeper.flush()
    rows = office.rows()
    assert len(rows) == 3
    found = office.read()
    assert sum(one.many for one in found) == 801
    assert [one.gap for one in found][1:] == [EVERY] * (len(found) - 1)
    assert office.counted()[0] == office.counted()[1]


@pytest.mark.parametrize("step", [-3600, 7200])
def test_a_clock_that_is_set_costs_no_observed_time(office: Office, step: float) -> None:
    office.sees(True)
    office.same()
    office.clock.jump(step)
    office.same()
    office.same()
    office.keeper.flush()
    with office.database.read() as db:
        batches = observations.following(db, ("main", "sip"), START - timedelta(days=1), 10)
    texts = [observations.unpack(one.looks) for one in batches]
    assert len(texts) == 2
    found = [one for text in texts for one in looks.read(text)]
    assert sum(one.many for one in found) == 4
    assert [one.gap for one in found].count(EVERY) == len(found) - 1


def test_where_nobody_looked_that_is_known(office: Office) -> None:
    office.sees(True)
    office.keeper.unseen(SIP.id)
    office.same(after=20)  # nobody can say what it was
    office.sees(True, after=20)
    office.keeper.flush()
    assert [one.gap for one in office.read()] == [None, None]
    assert office.seen.gaps == [(START + 10 * SECOND, START + 50 * SECOND)]


def test_another_interval_begins_another_batch(office: Office) -> None:
    office.sees(True)
    slow = watch(SIP.kind, every=3 * EVERY)
    office.sees(True, after=30, of=slow)
    office.same(after=30, of=slow)
    office.keeper.flush()
    assert len(office.rows()) == 2
    assert [one.gap for one in office.read()] == [None, 3 * EVERY, 3 * EVERY]


def test_what_is_turned_off_keeps_nothing(office: Office) -> None:
    office.is_on = False
    office.sees(True)
    office.same()
    office.keeper.flush()
    assert office.rows() == []


@contextmanager
def refused(office: Office) -> Iterator[None]:
    """Nothing can be written."""
    real = office.database.write_beside

    def refusing() -> Any:
        raise sa.exc.OperationalError(None, None, Exception("the disk is full"))

    office.database.write_beside = refusing  # type: ignore[method-assign]
    try:
        yield
    finally:
        office.database.write_beside = real  # type: ignore[method-assign]


def test_what_could_not_be_written_is_written_later(office: Office) -> None:
    office.sees(True)
    with refused(office), pytest.raises(sa.exc.OperationalError):
        office.keeper.flush()
    office.sees(False)
    office.keeper.flush()
    assert [registered(one) for one in office.read()] == [[True], [False]]
    assert office.counted()[0] == office.counted()[1]


def test_what_waits_is_bounded_and_the_rest_is_a_gap(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation_keeper, "MOST_WAITING", 5)
    for number in range(12):
        office.sees(number % 2 == 0)
    office.keeper.flush()
    found = office.read()
    assert len(found) == 2
    assert found[0].gap is None


def test_what_cannot_be_written_for_long_is_let_go(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation_keeper, "MOST_UNWRITTEN", 400)
    with refused(office):
        for number in range(40):
            office.sees(*[number % 2 == 0] * 3)
            with suppress(sa.exc.OperationalError):
                office.keeper.flush()
    office.sees(True)
    office.keeper.flush()
    found = office.read()
    assert 1 <= len(found) < 20
    assert found[0].gap is None


def test_an_answer_that_cannot_be_written_down_is_a_gap_and_harms_nobody(office: Office) -> None:
    office.sees(True)
    seen = sip.Observation({"0": object()})  # type: ignore[dict-item]
    office.clock.advance(10)
    office.keeper.looked(SIP, seen, clock=office.clock.monotonic(), now=office.clock.now())
    office.keeper.looked(SMS, Unknown(Failure.TIMEOUT, "away"), clock=1, now=office.clock.now())
    office.keeper.flush()
    office.sees(True)
    office.keeper.flush()
    assert len(office.read("sms")) == 1
    assert office.read()[-1].gap is None


def test_what_another_member_polls_is_not_written(database: Database) -> None:
    class Others:
        def kept(self, *_: object) -> list[str]:
            return []

    office = Office(database)
    office.keeper = ObservationKeeper(database, is_on=lambda: True, ownership=Others())  # type: ignore[arg-type]
    office.sees(True)
    office.keeper.flush()
    assert office.rows() == []
    office.keeper.forget("main")
    office.same()
    office.keeper.flush()
    assert office.rows() == []


def test_of_what_is_polled_no_more_nothing_stays_in_memory(office: Office) -> None:
    office.sees(True)
    office.keeper.flush()
    office.keeper.keep([])
    office.sees(False)
    office.keeper.flush()
    office.keeper.flush()
    assert not (office.keeper._open or office.keeper._unwritten or office.keeper._waiting)
    assert [registered(one) for one in office.read()] == [[True], [False]]


def test_a_system_that_goes_to_another_member_begins_anew_when_it_comes_back(office: Office) -> None:
    office.sees(True)
    office.keeper.flush()
    office.keeper.forget("main")
    office.same()
    office.sees(True)
    office.keeper.flush()
    assert [one.gap for one in office.read()] == [None, None]
    assert len(office.rows()) == 2


def test_a_broken_batch_is_a_gap_and_said(office: Office) -> None:
    office.sees(True)
    for _ in range(800):
        office.same()
        office.keeper.flush()
    starts = [row.start for row in office.rows()]
    broken = sa.text("UPDATE observations SET looks = :looks WHERE start = :start")
    with office.database.write() as db:
        db.execute(broken, {"looks": b"x\x9c broken", "start": starts[1]})
    found = office.read()
    assert sum(one.many for one in found) < 500
    assert len(office.seen.broken) == 1
    assert len(office.seen.gaps) == 1


def housekeeper(office: Office) -> Housekeeper:
    return Housekeeper(office.database, monotonic=monotonic)


def _days(office: Office, many: int) -> None:
    for number in range(many):
        office.sees(number % 2 == 0, after=86400)
        office.keeper.flush()


def test_what_is_too_old_is_forgotten_as_events_are(office: Office) -> None:
    _days(office, 20)
    keeps = Retention(observations=timedelta(days=15), events=timedelta(days=10))
    housekeeper(office).run_once(office.clock.now(), keeps)
    assert len(office.rows()) == 11
    housekeeper(office).run_once(office.clock.now(), Retention(observations=timedelta(days=5)))
    assert len(office.rows()) == 6
    assert office.counted()[0] == office.counted()[1]
    office.clock.advance(1)
    housekeeper(office).run_once(office.clock.now(), Retention(observations=NOTHING))
    assert office.rows() == []
    assert office.counted() == (0, 0)


def test_what_is_too_much_goes_the_oldest_first(office: Office) -> None:
    _days(office, 20)
    total, _ = office.counted()
    newest = [row.start for row in office.rows()][-10:]
    office.clock.advance(86400)
    housekeeper(office).run_once(office.clock.now(), Retention(observations_bytes=total // 2 + 10))
    assert [row.start for row in office.rows()] == newest
    assert office.counted()[0] == office.counted()[1] <= total // 2 + 10
