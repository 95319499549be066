"""What a digest counts: of which stretches of the history it tells, none twice and of a day none left out;
and the calls, recordings and campaigns that a store has."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.commands.following import FINISHED
from daemon.core.digests.schedule import Digest, Told
from daemon.core.durations import DAY
from daemon.core.history.buckets import Bucket
from daemon.core.missed import KEPT
from daemon.core.model import Fact, Json
from daemon.core.watches.callers import ABANDONED, ANSWERED, KICKED, LEFT
from daemon.core.watches.directories import ADDED
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.store import clock_steps, digests, events, kept_since, schema, subjects
from daemon.store.digest_figures import MINUTES_KEPT, Span, _length, _parts, figures, span_since
from tests.support import stores
from tests.support.callers import AVI, DANA, Office, left
from tests.support.fakes import START as STORY

HOUR = timedelta(hours=1)
BEGINS = STORY - HOUR
START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = 60_000
spans = st.lists(st.integers(1_000, 3 * 86_400_000), min_size=2, max_size=5)


def covered(buckets: set[Bucket]) -> list[int]:
    """The minutes that these buckets are of."""
    return [start + at * MINUTE for step, start in buckets for at in range(step // 60)]


@given(first=st.integers(0, 86_400_000), lengths=spans)
def test_what_one_tells_no_other_does_and_of_a_day_all_is_told(first: int, lengths: list[int]) -> None:
    at, told = START + timedelta(milliseconds=first), list[int]()
    for length in lengths:
        span = Span(at, at + timedelta(milliseconds=length), 0, 0)
        minutes = covered(_parts(span))
        assert len(minutes) * MINUTE == _length(span)
        if told and timedelta(milliseconds=length) <= MINUTES_KEPT and minutes:
            assert min(minutes) == max(told) + MINUTE
        told += minutes
        at = span.end
    assert len(told) == len(set(told))


@pytest.fixture
def office(engine: str, tmp_path: Path) -> Iterator[Office]:
    database = stores.at(tmp_path / "one.db")
    queues = [Subject(f"queue/{n}", SubjectKind.QUEUE, SubjectState.UP, None, {}, {}) for n in (5, 6)]
    with database.write() as db:
        subjects.save(db, ("main", "queue/5"), queues, STORY, None)
        kept_since.begin(db, kept_since.CALLS, STORY - KEPT)
    yield Office(database)
    database.close()


def told(office: Office, begin: datetime, until: datetime) -> dict[str, Any]:
    """What a digest says of the system."""
    digest = Digest("office", ("crm",), time(18), frozenset(range(7)), ZoneInfo("Asia/Jerusalem"), "day")
    with office.database.read() as db:
        span = span_since(db, begin, until)
    said: Any = figures(office.database, digest, ["main"], span, until, [])
    (system,) = said["systems"]
    return dict(system)


def of_calls(queue: dict[str, Any]) -> dict[str, Any]:
    names = ("answered", "missed", "unknown", "unseen", "kicked", "withheld", "longest_wait_seconds")
    return {name: queue[name] for name in (*names, "is_exact")}


def test_calls_are_counted_as_it_is_kept_how_each_left(office: Office) -> None:
    office.sees(left(ANSWERED, "0501111111", "c1", (300, 310)))
    office.sees(left(ABANDONED, DANA, "c2", (40, 52)), unseen=2)
    office.sees(left(ABANDONED, "", "c3", (10, 22)))
    office.sees(left(LEFT, AVI, "c4"))
    office.sees(left(KICKED, AVI, "c5"))
    system = told(office, BEGINS, office.at + HOUR)
    first, second = system["queues"]

    assert of_calls(first) == {
        "answered": 1,
        "missed": 2,
        "unknown": 1,
        "unseen": 2,
        "kicked": 1,
        "withheld": 1,
        "longest_wait_seconds": 300,
        "is_exact": True,
    }
    # Of the other nothing is kept, and no counter of it was seen.
    assert (second["answered"], second["unknown"], second["is_exact"]) == (None, None, False)
    assert system["callbacks_open"] == 1
    (caller,) = system["callbacks"]
    assert (caller["phone"], caller["queue"], caller["calls"]) == (DANA, "sales", 1)


def test_what_the_log_settles_is_known(office: Office) -> None:
    office.sees(left(LEFT, AVI, "c1", (40, 52)))
    office.sees(left(ANSWERED, AVI, None, (45, 45), at=office.at))
    queue, _ = told(office, BEGINS, office.at + HOUR)["queues"]

    assert (queue["answered"], queue["unknown"], queue["longest_wait_seconds"]) == (1, 0, 45)


def test_who_left_in_the_time_of_one_digest_is_in_no_other(office: Office) -> None:
    office.sees(left(ABANDONED, DANA, "c1"))
    first = office.at + timedelta(seconds=1)
    office.sees(left(ABANDONED, AVI, "c2"))
    (before, _), (after, _) = (
        told(office, begin, end)["queues"] for begin, end in ((BEGINS, first), (first, office.at + HOUR))
    )
    assert (before["missed"], after["missed"]) == (1, 1)


def test_what_was_counted_of_a_part_of_the_time_is_about_so_many(office: Office) -> None:
    office.sees(left(ABANDONED, DANA, "c1"))
    with office.database.write() as db:
        db.execute(sa.delete(schema.kept_since))
        kept_since.begin(db, kept_since.CALLS, BEGINS + timedelta(seconds=1))
        kept_since.begin(db, kept_since.CALLS, STORY - KEPT)  # a later start of the daemon changes nothing
    before = of_calls(told(office, BEGINS, office.at + HOUR)["queues"][0])
    after = of_calls(told(office, BEGINS + timedelta(seconds=1), office.at + HOUR)["queues"][0])

    assert (before["missed"], before["is_exact"]) == (1, False)
    assert (after["missed"], after["is_exact"]) == (1, True)


@pytest.mark.parametrize("step", [HOUR, -HOUR, 400 * DAY, -400 * DAY])
def test_a_step_of_the_clock_counts_no_call_twice_and_loses_none(office: Office, step: timedelta) -> None:
    office.sees(left(ABANDONED, DANA, "c1"))
    first = office.at + timedelta(seconds=1)
    with office.database.write() as db:
        told_so_far = Told(first, 0, first.date())
        digests.save(db, "office", told_so_far)
    office.at = first
    office.sees(left(ABANDONED, AVI, "c2"))
    with office.database.write() as db:
        db.execute(sa.update(schema.queue_calls).values(is_open=False))
        clock_steps.shift(db, step, step)
        until = digests.load(db, "office")
        since = kept_since.load(db, kept_since.CALLS)
    assert until is not None
    assert since == STORY - KEPT + step
    earlier, later = (
        told(office, begin, end)["queues"][0]["missed"]
        for begin, end in ((BEGINS + step, until.until), (until.until, office.at + step + HOUR))
    )
    assert (earlier, later) == (1, 1)


def test_of_a_longer_time_than_is_kept_nothing_is_claimed(office: Office) -> None:
    office.sees(left(ABANDONED))
    queue, _ = told(office, office.at - KEPT, office.at + HOUR)["queues"]

    assert (queue["missed"], queue["is_exact"]) == (None, False)


def test_recordings_and_campaigns_are_what_their_events_say(office: Office) -> None:
    campaigns: list[Json] = [
        {"outcome": "finished", "price": 12.5},
        {"outcome": "stopped", "price": None},
        {"outcome": "unknown", "price": 2.0},
    ]
    facts = [Fact(FINISHED, "command/x", {"campaign": one}) for one in campaigns]
    facts += [Fact(ADDED, "directory/2", {"directory": {"added": many}, "file": None}) for many in (1, 3)]
    with office.database.write() as db:
        events.record(db, "main", facts, STORY, office.ids)
        events.record(db, "branch", facts, STORY, office.ids)
    system = told(office, BEGINS, office.at + HOUR)

    assert system["recordings"] == 4
    assert (system["campaigns"], system["campaigns_unknown"]) == (2, 1)
    assert (system["campaign_units"], system["campaigns_unpriced"]) == (14.5, 1)
