"""What is seen between two polls is written down once a minute, and told at once: each second once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.core.history.buckets import DAY, HOUR, MINUTE, Bucket, start_of
from daemon.core.history.tally import NONE
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.operations.history import Span, Sums, history, uptimes
from daemon.schemas.history import History
from daemon.store import subjects, uptime
from daemon.store.column_types import millis
from daemon.workers.historian import Historian
from tests.support import stores
from tests.support.fakes import START, FakeClock

EVERY = timedelta(seconds=30)
WATCH = ("main", "sip")
UP, DOWN = SubjectState.UP, SubjectState.DOWN
API = Subject("api", SubjectKind.API, UP)


class Office:
    """A watch of one account, polled by hand."""

    def __init__(self, path: Path) -> None:
        self.database = stores.at(path)
        self.clock = FakeClock(START)
        self.historian = Historian(self.database)

    def look(self, state: SubjectState = UP, *, after: float = 30, waiting: int | None = None) -> None:
        self.clock.advance(after)
        metrics = None if waiting is None else {"calls_waiting": waiting}
        seen = [Subject("sip/a", SubjectKind.SIP, state, metrics=metrics)]
        with self.database.write() as db:
            subjects.save(db, WATCH, seen, self.clock.now(), None)
            subjects.save(db, ("main", "api"), [API], self.clock.now(), None)
        self.historian.looked(
            WATCH,
            {one.subject: one for one in seen},
            API,
            clock=self.clock.monotonic(),
            now=self.clock.now(),
            most=2 * EVERY,
        )

    def same(self, *, after: float = 30) -> None:
        self.clock.advance(after)
        self.historian.same(WATCH, clock=self.clock.monotonic(), now=self.clock.now(), most=2 * EVERY)

    def fails(self, *, after: float = 30) -> None:
        self.clock.advance(after)
        self.historian.looked(
            WATCH, None, None, clock=self.clock.monotonic(), now=self.clock.now(), most=2 * EVERY
        )

    def flush(self) -> None:
        self.historian.flush(self.clock.now())

    def is_killed(self) -> None:
        self.historian = Historian(self.database)

    def shown(self, subject: str = "sip/a", *, since: datetime = START, step: int | None = None) -> History:
        with self.database.read() as db:
            span = Span(since, self.clock.now() + timedelta(seconds=1), step)
            return history(db, "main", subject, span, self.clock.now(), self.historian.unflushed)

    def seconds(self, subject: str = "sip/a") -> tuple[float, float, float]:
        found = self.shown(subject).buckets
        return (
            sum(one.up for one in found),
            sum(one.down for one in found),
            sum(one.unknown for one in found),
        )

    def stored(self, step: int) -> tuple[int, int]:
        """Of the first bucket, without what is not flushed."""
        with self.database.read() as db:
            start = start_of(step, millis(START))
            found = uptime.read(db, [Bucket(step, start)], ["main"])
            number = subjects.number(db, "main", "sip/a") or 0
            row = found.get(("main", Bucket(step, start)))
        tally = row.tallies().get(number, NONE) if row else NONE
        return tally.up, tally.down


@pytest.fixture
def office(engine: str, tmp_path: Path) -> Iterator[Office]:
    one = Office(tmp_path / "yemotd.db")
    yield one
    one.database.close()


def test_what_is_not_written_down_yet_is_told_all_the_same(office: Office) -> None:
    office.look(after=0)
    office.same()
    office.look(DOWN)
    office.same(after=15)

    assert office.seconds() == (60, 15, 0)
    assert office.stored(DAY) == (0, 0)


def test_a_flush_changes_nothing_of_what_is_told(office: Office) -> None:
    office.look(after=0)
    for _ in range(5):
        office.same()
        before = office.shown()
        office.flush()
        assert office.shown() == before
        office.flush()
        assert office.shown() == before

    assert office.stored(MINUTE) == (60_000, 0)
    assert office.stored(HOUR) == office.stored(DAY) == (150_000, 0)


def test_whoever_reads_while_it_is_written_sees_each_second_once(office: Office) -> None:
    """A reader's view of the store is from before the commit or from after it."""
    office.look(after=0)
    office.same()
    office.flush()
    office.same()
    span = Span(START, office.clock.now() + EVERY)
    with office.database.read() as db:
        db.execute(sa.text("SELECT count(*) FROM history")).scalar()
        office.flush()  # after the view was taken
        office.same(after=10)
        found = history(db, "main", "sip/a", span, office.clock.now(), office.historian.unflushed)

    assert sum(one.up for one in found.buckets) == 70
    assert office.seconds()[0] == 70


def test_a_kill_takes_what_was_not_flushed_and_it_is_unseen(office: Office) -> None:
    office.look(after=0)
    office.same()
    office.flush()
    office.same()
    office.is_killed()
    office.look(after=20)
    office.same(after=10)

    assert office.seconds() == (40, 0, 50)


def test_what_cannot_be_written_is_written_later(office: Office) -> None:
    office.look(after=0)
    office.same()
    with stores.refusing(office.database, "INSERT ON history"):
        with pytest.raises(sa.exc.DBAPIError):
            office.flush()
        shown = office.seconds()
        office.same()
    office.flush()

    assert [shown, office.seconds()] == [(30, 0, 0), (60, 0, 0)]
    assert office.stored(DAY) == (60_000, 0)


def test_what_cannot_be_written_for_long_is_unseen_but_for_the_last_hour(office: Office) -> None:
    office.look(after=0)
    with stores.refusing(office.database, "INSERT ON history"):
        for _ in range(240):
            office.same()
        with pytest.raises(sa.exc.DBAPIError):
            office.flush()

    assert office.seconds()[0] == 3600


def test_an_answer_that_fails_says_nothing_of_what_was_before_it(office: Office) -> None:
    office.look(after=0)
    office.fails()
    office.look()
    office.same()

    assert office.seconds() == (30, 0, 60)


def test_the_api_is_looked_at_by_every_watch_and_counted_once(office: Office) -> None:
    office.look(after=0)
    other = ("main", "sms")
    for _ in range(4):
        office.same(after=15)
        clock, now = office.clock.monotonic(), office.clock.now()
        office.historian.same(other, clock=clock, now=now, most=2 * EVERY)

    assert office.seconds("api") == (60, 0, 0)


def test_a_watch_that_leaves_the_configuration_keeps_what_was_seen(office: Office) -> None:
    office.look(after=0)
    office.same()
    office.historian.keep([])
    office.same()
    office.flush()

    assert office.seconds() == (30, 0, 30)


def test_values_have_their_least_mean_and_most_by_the_time_they_lasted(office: Office) -> None:
    office.look(after=0, waiting=1)
    office.look(after=45, waiting=9)
    office.same(after=15)
    office.flush()
    office.same(after=15)

    first, second = office.shown().samples["calls_waiting"]
    assert (first.min, first.mean, first.max) == (1, 3, 9)
    assert (second.min, second.mean, second.max) == (9, 9, 9)


@pytest.mark.parametrize("jump", [-3600, -20, 7200, 40 * 365 * 86_400, -40 * 365 * 86_400])
def test_a_clock_that_is_set_makes_no_bucket_longer_than_it_is(office: Office, jump: float) -> None:
    office.look(after=0)
    office.same()
    office.flush()
    office.clock.jump(jump)
    for _ in range(6):
        office.same(after=20)
    office.flush()

    with office.database.read() as db:
        rows = db.execute(sa.text("SELECT step, tallies FROM history")).all()
    for step, packed in rows:
        for tally in uptime.Row(0, packed).tallies().values():
            assert 0 <= tally.up <= step * 1000


def uptime_of(office: Office, sums: Sums | None = None) -> dict[str, tuple[float, float, float]]:
    with office.database.read() as db:
        views = subjects.views(db)
        found = uptimes(db, views, office.historian.unflushed, office.clock.now(), sums)
    return {window: (one.up, one.down, one.unknown) for window, one in found["main", "sip/a"].items()}


def test_uptime_is_over_a_day_a_week_and_a_month_and_says_what_was_not_seen(office: Office) -> None:
    office.look(after=0)
    for _ in range(4):
        office.same()
    office.flush()
    office.look(DOWN, after=2 * 86_400)  # nobody looked for two days: two intervals of it count
    office.same(after=10)

    assert uptime_of(office) == {
        "24h": (60, 10, 86_400 + 130 - 70),
        "7d": (180, 10, 7 * 86_400 + 130 - 190),
        "30d": (180, 10, 30 * 86_400 + 130 - 190),
    }


def test_what_was_added_up_once_is_as_good_as_what_is_added_up_anew(office: Office) -> None:
    """Over hours, a midnight, what comes late by an hour and more, and a clock that is set back."""
    office.look(after=0)
    sums = Sums()
    for number in range(120):
        office.same(after=60 if number % 7 else 1800)
        if number % 3 == 0:
            office.flush()
        if number == 80:
            office.clock.jump(-5 * 3600)
        assert uptime_of(office, sums) == uptime_of(office)


def test_what_comes_late_is_added_up_anew(office: Office) -> None:
    """A watch that is polled twice a day has its hours only when they are long over."""
    office.look(after=0)
    office.clock.advance(6 * 3600)
    sums = Sums()
    before = uptime_of(office, sums)
    office.historian.same(
        WATCH, clock=office.clock.monotonic(), now=office.clock.now(), most=timedelta(hours=24)
    )
    office.flush()

    assert before["24h"][0] == 0
    assert uptime_of(office, sums)["24h"][0] == uptime_of(office)["24h"][0] == 6 * 3600


def test_a_day_of_looks_adds_up_over_every_step(office: Office) -> None:
    office.look(after=0)
    for _ in range(2880 + 240):
        office.same()
    office.flush()
    day = office.clock.now() - timedelta(hours=20)

    for step in (MINUTE, HOUR, DAY):
        found = office.shown(since=day, step=step).buckets
        length = sum(one.up + one.unknown for one in found)
        assert {one.down for one in found} == {0}
        assert length == (office.clock.now() - datetime.fromisoformat(found[0].at)).total_seconds()
    assert sum(one.unknown for one in office.shown(since=START, step=HOUR).buckets) == 0
