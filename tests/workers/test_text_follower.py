"""Delivery reports of SMS, followed for a day with few questions, across restarts."""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from daemon.core.commands.sent_texts import Logged, SentLog, State, Text
from daemon.core.model import Failure, Unknown
from daemon.core.routing.plan import Interest
from daemon.pipeline.events import Recorder
from daemon.store import events, texts
from daemon.store.database import Database
from daemon.workers.system_pauses import Pauses
from daemon.workers.text_follower import TextFollower
from tests.support.fakes import FakeClock, Ids

ZONE = ZoneInfo("Asia/Jerusalem")


class Setting:
    """A follower on a store, and a log that a test writes."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock, self.ids = database, FakeClock(), Ids()
        self.rows: list[Logged] = []
        self.asked: list[int] = []
        self.is_away = False
        self.systems = {"main": self._ask}
        self.start()

    def start(self) -> None:
        recorder = Recorder([Interest("crm", ("*", "sms.*"), None)], self.ids)
        self.follower = TextFollower(
            self.database,
            lambda: recorder,
            lambda: self.systems,
            lambda: ZONE,
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            pauses=Pauses(self.clock.monotonic),
        )

    def _ask(self, limit: int) -> SentLog | Unknown:
        self.asked.append(limit)
        if self.is_away:
            return Unknown(Failure.TIMEOUT, "no answer in time")
        newest = self.rows[::-1][:limit]
        return SentLog(tuple(newest), len(self.rows) >= limit)

    def sent(self, event: str, state: State = State.SENT) -> None:
        at = self.clock.now()
        one = Text(
            "main", "0501234567", event, 1, 0.1, date(2026, 3, 1), at, state, endpoint="boss/1", event=event
        )
        with self.database.write() as db:
            texts.begin(db, one)

    def logged(self, event: str, report: str | None = None) -> None:
        at = self.clock.now().astimezone(ZONE).replace(tzinfo=None)
        self.rows.append(Logged("972501234567", event, at, None, report))

    def report(self, word: str) -> None:
        one = self.rows[-1]
        self.rows[-1] = Logged(one.to, one.message, one.at, one.sender, word)

    def run(self, seconds: float, step: float = 10) -> None:
        for _ in range(int(seconds / step)):
            for system in self.follower.due():
                self.follower.work(system)
            self.clock.advance(step)

    def told(self) -> list[str]:
        with self.database.read() as db:
            return [one.type for _, one in events.read(db, events.Query(limit=1000))]


@pytest.fixture
def setting(database: Database) -> Iterator[Setting]:
    yield Setting(database)


def test_a_message_that_arrives_is_told_once_also_after_a_restart(setting: Setting) -> None:
    setting.sent("one")
    setting.logged("one", "ESME_ROK")
    setting.run(60)
    assert setting.told() == []
    setting.report("DELIVRD")
    setting.start()
    setting.run(60)
    setting.start()
    setting.run(7200, step=60)

    assert setting.told() == ["sms.delivered"]


def test_a_message_that_the_carrier_refuses_has_failed(setting: Setting) -> None:
    setting.sent("one")
    setting.logged("one", "ESME_RINVDSTADR")
    setting.run(60)

    assert setting.told() == ["sms.failed"]


def test_one_of_which_nobody_knows_is_found_in_the_log(setting: Setting) -> None:
    setting.sent("one", State.UNKNOWN)
    setting.logged("one")
    setting.run(60)

    assert setting.told() == ["sms.sent"]


def test_a_day_of_silence_takes_few_questions_and_then_none(setting: Setting) -> None:
    setting.sent("one")
    setting.logged("one")
    setting.run(25 * 3600, step=30)
    many = len(setting.asked)
    setting.run(24 * 3600, step=300)

    assert many < 70
    assert len(setting.asked) == many
    assert setting.told() == []
    with setting.database.read() as db:
        assert texts.followed(db) == []


def test_a_long_log_is_asked_for_as_far_back_as_needed(setting: Setting) -> None:
    setting.sent("one")
    setting.logged("one", "DELIVRD")
    for number in range(300):
        setting.clock.advance(1)
        setting.logged(f"another {number}")
    setting.run(60)

    assert setting.told() == ["sms.delivered"]
    assert setting.asked == [50, 200, 800]


def test_a_platform_that_is_away_changes_nothing(setting: Setting) -> None:
    setting.is_away = True
    setting.sent("one")
    setting.run(3600, step=60)
    assert setting.told() == []
    setting.is_away = False
    setting.logged("one", "DELIVRD")
    setting.run(3600, step=60)

    assert setting.told() == ["sms.delivered"]


def test_a_system_that_is_gone_is_followed_to_the_end_of_the_day_without_a_question(setting: Setting) -> None:
    setting.sent("one")
    setting.systems = {}
    setting.run(26 * 3600, step=600)

    assert (setting.asked, setting.told()) == ([], [])
    with setting.database.read() as db:
        assert texts.followed(db) == []
