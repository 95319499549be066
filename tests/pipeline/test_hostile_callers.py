"""Whatever an answer or a log says of callers, a poll takes it: what cannot be is not known."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.core.alerts.life import Seen
from daemon.core.missed import EXPIRES, Figures
from daemon.core.model import Fact, Unknown
from daemon.core.watches import callbacks, callers, queue_log, queues
from daemon.core.watches.queues import Queue
from daemon.core.watches.reports import ADDED
from daemon.operations import missed as operations
from daemon.pipeline import missed
from daemon.pipeline.calls import MOST_UNSEEN, Scene
from daemon.store import missed as store
from daemon.store.database import Database
from daemon.yemot import answers
from daemon.yemot import callbacks as platform
from daemon.yemot.scalars import without_surrogates
from tests.support import stores
from tests.support.callers import DANA, Office, left
from tests.support.examples import examples
from tests.support.fakes import START, Ids

ZONE = ZoneInfo("Asia/Jerusalem")
SECOND, HOUR, YEAR = timedelta(seconds=1), timedelta(hours=1), timedelta(days=365)
QUEUE = Queue("/5", "sales", ())
NUMBERS = st.sampled_from(
    [0, 1, -1, 5, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 10**400, "9" * 19, "9" * 5000, "0" * 5000, 1e300, "x"]
)
TEXTS: st.SearchStrategy[Any] = st.sampled_from(
    ["c1", "c2", "", " ", "a\0b", "x" * 3000, "י" * 3000, "\ud800", "0541234567", "anonymous", 7, None, []]
)
DATES = st.sampled_from(
    [
        *("30/11/2026", "01/01/0001", "31/12/0001", "31/12/9999", "01/01/9998", "29/02/2027", "٣٠/١١/٢٠٢٦"),
        *("2026-11-30", "0/0/0", "", "x" * 3000),
    ]
)
TIMES = st.sampled_from(["09:00:00", "00:00:00", "23:59:59", "24:00:00", "9:0", "25:61", "", "-1:00:00"])
STAMPS = st.sampled_from(
    [
        *("2026-05-03T07:14:11.000Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
        *("9999-12-31T23:59:59Z", "1969-01-01T00:00:00Z", "2026-05-03T07:14:11", "x", "", None),
    ]
)
ENTRIES = st.lists(
    st.fixed_dictionaries({"CallId": TEXTS, "phone": TEXTS, "Wait": NUMBERS, "Position": NUMBERS}), max_size=3
)
MEMBERS = st.lists(
    st.fixed_dictionaries({"agent": TEXTS, "Paused": NUMBERS, "Status": NUMBERS, "CallsTaken": NUMBERS}),
    max_size=2,
)
COUNTERS = st.fixed_dictionaries(
    {}, optional={name: NUMBERS for name in ("Abandoned", "Completed", "Holdtime", "TalkTime")}
)
ROWS = st.fixed_dictionaries(
    {
        "Folder": st.sampled_from(["5", "", "/5", "ivr2:/5", "6"]),
        "Phone": TEXTS,
        "Date": DATES,
        "Time": TIMES,
        "QueueStatus": st.sampled_from(["CONTINUE", "TIMEOUT", "Hangup", "x", ""]),
        "QueueWaitingSeconds": NUMBERS,
        "QueueTotalSeconds": NUMBERS,
        "AnswerNumber": TEXTS,
    }
)
REQUESTS = st.lists(
    st.fixed_dictionaries(
        {"id": st.one_of(TEXTS, NUMBERS), "calling_number": TEXTS, "date_time": STAMPS, "attempts": NUMBERS}
    ),
    max_size=3,
)


@dataclass
class Platform:
    """What a platform that lies says, look by look, and what comes of it in the store."""

    database: Database
    ids: Ids
    at: datetime = START
    queue: queues.State | None = None
    requests: callbacks.State | None = None

    def shows(self, counters: dict[str, Any], entries: list[Any], members: list[Any]) -> None:
        totals = {"Calls": len(entries), **counters}
        seen = answers.queue_state({"queueData": totals, "entries": entries, "members": members})
        assert isinstance(seen, queues.Observation)
        when = Seen(self.at + 10 * SECOND, self.at, 10 * SECOND)
        change = queues.diff(self.queue, seen, QUEUE, when, ZONE, is_emitting=False)
        assert queues.load(queues.dump(change.state)) == change.state
        self.queue = change.state
        self._follows(list(change.facts), change.unseen)

    def logs(self, row: dict[str, Any]) -> None:
        said = {name: str(value or "") for name, value in row.items()}
        facts = [Fact(ADDED, "report/5", {"row": said})]
        self._follows(queue_log.told(facts, QUEUE, self.at, ZONE))

    def lists(self, requests: list[Any]) -> None:
        seen = platform.requests_of(1).parse({"callbackList": requests})
        if isinstance(seen, Unknown):
            return
        change = callbacks.diff(self.requests, seen, QUEUE, self.at, is_emitting=True)
        self.requests = change.state
        self._follows(list(change.facts))

    def _follows(self, facts: list[Fact], unseen: int = 0) -> None:
        last, self.at = self.at, self.at + 10 * SECOND
        with self.database.write() as db:
            missed.follow(Scene(db, "main", self.ids, self.at, last), facts, QUEUE.subject, unseen)

    def figures(self) -> Figures:
        with self.database.read() as db:
            return store.of_all(db, START - YEAR, self.at + SECOND).get(("main", QUEUE.subject), Figures())


@pytest.fixture
def database(engine: str, tmp_path: Path) -> Iterator[Database]:
    found = stores.at(tmp_path / "hostile.db")
    yield found
    found.close()


@pytest.fixture
def ids() -> Ids:
    return Ids()


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def _as_read(value: Any) -> Any:
    """As whoever reads a file hands it on."""
    return without_surrogates(value) if isinstance(value, str) else value


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(COUNTERS, ENTRIES, MEMBERS), min_size=2, max_size=4), st.lists(ROWS, max_size=3))
def test_a_queue_that_shows_nonsense_is_taken_all_the_same(
    database: Database, ids: Ids, looks: list[Any], rows: list[Any]
) -> None:
    one = Platform(database, ids)
    for look in looks:
        one.shows(*look)
    for row in rows:
        one.logs({name: _as_read(value) for name, value in row.items()})

    assert one.figures().unseen <= MOST_UNSEEN * 1000
    with database.read() as db:
        listed, _ = operations.listed(db)
    assert all(each.last_at <= one.at for each in listed), "nobody called in the future"


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(REQUESTS, min_size=2, max_size=4))
def test_a_call_back_list_of_nonsense_is_taken_all_the_same(
    database: Database, ids: Ids, lists: list[Any]
) -> None:
    one = Platform(database, ids)
    for requests in lists:
        one.lists(requests)


@pytest.mark.parametrize(
    "said",
    [
        {"QueueWaitingSeconds": "0" * 5000},
        {"QueueWaitingSeconds": "00000000" + "9" * 20},
        {"QueueTotalSeconds": "00000000" + "9" * 4000},
        {"QueueWaitingSeconds": "604801"},
    ],
)
def test_a_wait_that_cannot_be_is_not_known_and_the_caller_is(said: dict[str, str]) -> None:
    row = {"Phone": DANA, "Date": "30/11/2026", "Time": "09:00:00", "QueueStatus": "Hangup", **said}
    facts = [Fact(ADDED, "report/5", {"row": row})]
    (fact,) = queue_log.told(facts, QUEUE, START + YEAR, ZONE)

    assert fact.type == callers.ABANDONED
    assert fact.payload["caller"] == {"call_id": None, "phone": DANA, "waited_seconds": None}
    assert fact.payload["logged"]["total_seconds"] is None  # type: ignore[index,call-overload]


@pytest.mark.parametrize("date", ["01/01/0001", "31/12/9999"])
def test_a_row_of_a_year_that_not_every_clock_can_show_is_none(date: str) -> None:
    row = {"Phone": DANA, "Date": date, "Time": "00:00:00", "QueueStatus": "Hangup"}
    assert queue_log.told([Fact(ADDED, "report/5", {"row": row})], QUEUE, START, ZONE) == []


def test_who_is_dated_in_the_future_is_listed_as_of_now_and_leaves_the_list_in_a_week(office: Office) -> None:
    assert office.sees(left(callers.ABANDONED, call_id=None, waited=(40, 40), at=START + 5000 * YEAR)) == [
        "caller.abandoned",
        "callback.due",
    ]
    office.at += EXPIRES
    assert office.ticks() == ["callback.done"]


def test_a_row_of_the_future_takes_away_nobody_who_is_counted_later(office: Office) -> None:
    office.sees(left(callers.ABANDONED, call_id=None, waited=(40, 40), at=START + YEAR))
    office.sees(unseen=3)
    with office.database.read() as db:
        assert store.of_day(db, "main", START, START + HOUR)["queue/5"].unseen == 3


def test_who_called_more_than_a_week_ago_is_not_to_be_called_back_any_more(office: Office) -> None:
    row = left(callers.ABANDONED, call_id=None, waited=(40, 40), at=START - EXPIRES)
    assert office.sees(row) == ["caller.abandoned"]
    assert office.ticks() == []


def test_a_counter_that_jumps_counts_no_more_than_can_be(office: Office) -> None:
    for _ in range(3):
        office.sees(unseen=2**63 - 1)
    with office.database.read() as db:
        assert store.of_day(db, "main", START, START + HOUR)["queue/5"].unseen == 3 * MOST_UNSEEN
