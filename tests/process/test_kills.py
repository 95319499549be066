"""SIGKILL at any moment of thousands of deliveries: nothing is lost, and nothing overtakes."""

import random
import sys
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.config.load import load as load_config
from daemon.core.model import Fact
from daemon.pipeline.events import Recorder
from daemon.store import database as databases
from daemon.wiring.endpoints import interests
from tests.support import stores
from tests.support.engines import engine
from tests.support.fakes import START, Ids, Receiver, answer
from tests.support.process import Process

__all__ = ["engine"]  # so that each test runs on both
pytestmark = pytest.mark.slow

CONFIGURATION = """\
[daemon]
database = "{database}"
drain = "20s"
[http]
listen = ""
[[systems]]
name = "main"
token_file = "token"
base_url = "http://127.0.0.1:9/"
[systems.units]
every = "24h"
below = 1
"""
WEBHOOK = """\
[[webhooks]]
name = "{name}"
url = "{url}"
secret_file = "secret"
events = ["sms.*"]
order = "{order}"
max_in_flight = {in_flight}
retries = ["20ms", "20ms", "50ms", "100ms", "1s"]
recovery_rate = 10000.0
[webhooks.headers]
x-endpoint = "{name}"
"""
ENDPOINTS = {"steady": ("strict", 16), "moody": ("strict", 8), "hasty": ("best_effort", 8)}
"""Their order, and how many may be under way. "moody" and "hasty" fail now and then."""
MANY = 1000
"""Events; each goes to every endpoint."""
LANES = 37
KILLS = 12
AHEAD = 50
"""Answers beyond a kill's moment, so that a slow killer finds not everything over before its last kill."""
IN_A_ROW = 4
"""An endpoint that failed so often fails no more, so that it counts as well."""


@dataclass(frozen=True)
class Answered:
    """One request, in the order in which they were answered."""

    endpoint: str
    event: str
    attempt: int
    is_accepted: bool


class Moods:
    """What each endpoint answers: 500 to some of what it sees for the first time."""

    def __init__(self) -> None:
        self.answered: list[Answered] = []
        self._accepted: set[tuple[str, str]] = set()
        self._refused: set[tuple[str, str]] = set()
        self._in_a_row: Counter[str] = Counter()
        self._may_answer = 0
        self._changed = threading.Condition()

    def allow(self, answers: int) -> None:
        """So many answers are given in all; what asks after that waits until more are allowed."""
        with self._changed:
            self._may_answer = answers
            self._changed.notify_all()

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        endpoint, event = handler.headers["x-endpoint"], handler.headers["webhook-id"]
        with self._changed:
            self._changed.wait_for(lambda: len(self.answered) < self._may_answer)
            is_accepted = not self._refuses(endpoint, event)
            attempt = int(handler.headers["yemotd-attempt"])
            self.answered.append(Answered(endpoint, event, attempt, is_accepted))
            if is_accepted:
                self._accepted.add((endpoint, event))
                self._changed.notify_all()
        answer(204 if is_accepted else 500)(handler)

    def wait_for_all(self, many: int, timeout: float) -> None:
        """Wait until so many deliveries were accepted."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._accepted) >= many, timeout), len(self._accepted)

    def _refuses(self, endpoint: str, event: str) -> bool:
        is_bad = endpoint != "steady" and zlib.crc32(event.encode()) % 7 == 0
        if not is_bad or (endpoint, event) in self._refused or self._in_a_row[endpoint] >= IN_A_ROW:
            self._in_a_row[endpoint] = 0
            return False
        self._refused.add((endpoint, event))
        self._in_a_row[endpoint] += 1
        return True


@pytest.fixture
def moods() -> Moods:
    return Moods()


@pytest.fixture
def receiver(moods: Moods) -> Iterator[Receiver]:
    with Receiver(moods) as one:
        yield one


@pytest.fixture
def url(engine: str, tmp_path: Path) -> str:
    """Of the store, on both engines."""
    return stores.url_at(tmp_path / "yemotd.db")


@pytest.fixture
def daemon(url: str, tmp_path: Path, receiver: Receiver) -> Iterator[Process]:
    webhooks = [
        WEBHOOK.format(name=name, url=receiver.url, order=order, in_flight=in_flight)
        for name, (order, in_flight) in ENDPOINTS.items()
    ]
    one = Process(tmp_path, CONFIGURATION + "".join(webhooks), database=url)
    yield one
    one.stop()


def fill(directory: Path, url: str) -> None:
    """Events of `LANES` subjects in turn, written as a poll writes them."""
    config = load_config(directory / "config.toml", {}).config
    recorder = Recorder(interests(config), Ids())
    database = databases.open_for_daemon(url)
    facts = [Fact("sms.received", f"sms/{number % LANES}", {"n": number}) for number in range(MANY)]
    with database.write() as db:
        recorder.record(db, "main", facts, START)
    database.close()


def number_of(event: str) -> int:
    return int(event.removeprefix("evt_"))


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(url)
    try:
        with engine.connect() as db:
            return [tuple(row) for row in db.execute(sa.text(sql))]
    finally:
        engine.dispose()


OF_SMS = "FROM deliveries AS d JOIN events AS e ON e.number = d.event WHERE e.type = 'sms.received'"
TRIED = (
    "SELECT delivery, number, outcome, http_status FROM attempts UNION ALL"
    " SELECT id, 1, 'accepted', first_http_status FROM deliveries WHERE first_started_at IS NOT NULL"
)


def test_killed_at_any_moment_it_delivers_everything_in_order(
    daemon: Process, receiver: Receiver, moods: Moods, tmp_path: Path, url: str
) -> None:
    """How much has arrived says when it is killed; what the daemon does at that time is anything."""
    fill(tmp_path, url)
    everything = MANY * len(ENDPOINTS)
    moments = sorted(random.Random(11).sample(range(1, everything * 2 // 3), KILLS))  # noqa: S311
    for sample in moments:
        moment = max(sample, len(receiver.received) + 1)
        moods.allow(moment + AHEAD)
        daemon.start()
        receiver.wait_for(moment, timeout=30)
        daemon.kill()
    moods.allow(sys.maxsize)
    daemon.start()
    moods.wait_for_all(everything, timeout=60)
    assert daemon.stop() == 0

    assert_each_arrived_under_its_id(receiver, url)
    assert_kept_in_order(moods)
    assert_stored_as_it_was(moods, url)
    repeats = [one for one in moods.answered if one.endpoint == "steady" and one.attempt > 1]
    assert repeats, "not one of the kills was in the middle of anything"
    recovered = daemon.count("dispatcher.recovered") + daemon.count("shares.recovered")
    assert recovered > KILLS // 2


def assert_each_arrived_under_its_id(receiver: Receiver, url: str) -> None:
    """Everything arrived everywhere, and whatever arrived again was the same to the byte."""
    written = dict(rows(url, "SELECT id, body FROM events WHERE type = 'sms.received'"))
    assert len(written) == MANY
    for endpoint in ENDPOINTS:
        arrived = [one for one in receiver.received if one.headers["x-endpoint"] == endpoint]
        assert {one.headers["webhook-id"] for one in arrived} == written.keys()
        assert all(one.body == written[one.headers["webhook-id"]] for one in arrived)


def assert_kept_in_order(moods: Moods) -> None:
    """In strict order nothing arrives before all that is older in its lane was accepted."""
    strict = {name for name, (order, _) in ENDPOINTS.items() if order == "strict"}
    accepted: set[tuple[str, int]] = set()
    seen: set[tuple[str, int]] = set()
    for one in moods.answered:
        this = (one.endpoint, number_of(one.event))
        if one.endpoint in strict and this not in seen and this[1] > LANES:
            assert (one.endpoint, this[1] - LANES) in accepted, one
        seen.add(this)
        if one.is_accepted:
            accepted.add(this)


def assert_stored_as_it_was(moods: Moods, url: str) -> None:
    """The file is whole, everything has ended, and its attempts are those that the receiver saw."""
    if url.startswith("sqlite"):
        assert rows(url, "PRAGMA integrity_check") == [("ok",)]
        assert rows(url, "PRAGMA foreign_key_check") == []
    left = rows(url, f"SELECT e.id, d.endpoint, d.status {OF_SMS} AND d.status <> 'delivered'")
    assert left == []
    assert rows(url, "SELECT id FROM deliveries WHERE token IS NOT NULL OR status = 'leased'") == []
    tries = Counter((one.endpoint, one.event, one.attempt) for one in moods.answered)
    assert set(tries.values()) == {1}, "an attempt's number was used twice"
    accepted = Counter((one.endpoint, one.event) for one in moods.answered if one.is_accepted)
    stored = rows(
        url,
        "SELECT d.endpoint, e.id, d.attempts, d.failures, count(a.number), max(a.number),"
        " count(*) FILTER (WHERE a.outcome = 'accepted'),"
        " max(CASE a.outcome WHEN 'accepted' THEN a.number END),"
        " max(CASE a.outcome WHEN 'accepted' THEN a.http_status END),"
        " count(*) FILTER (WHERE a.outcome = 'failed')"
        f" {OF_SMS.replace('WHERE', f'JOIN ({TRIED}) AS a ON a.delivery = d.id WHERE')} GROUP BY d.id, e.id",
    )
    assert len(stored) == MANY * len(ENDPOINTS)
    for endpoint, event, attempts, failures, many, last, successes, success, status, failed in stored:
        assert (successes, success, status) == (1, attempts, 204)
        assert (last, failed, failures) == (attempts, many - 1, many - 1)
        assert tries[endpoint, event, attempts] == 1
        assert accepted[endpoint, event] <= attempts
