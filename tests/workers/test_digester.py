"""Digests of what really was stored: what they say, to whom they go, and that each is made once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from daemon.core.delivery.outcome import Outcome
from daemon.core.digests.schedule import Digest
from daemon.core.model import Failure
from daemon.core.routing.plan import Interest
from daemon.pipeline.withdrawal import withdraw
from daemon.store.database import Database
from daemon.workers.digester import Digester
from tests.support.engines import USED
from tests.support.event_examples import DIGEST as EXAMPLE
from tests.support.story import Story

ZONE = ZoneInfo("Asia/Jerusalem")
DAILY = Digest("office", ("crm",), time(15), frozenset(range(7)), ZONE, "day")
"""A story begins at 14:00 by its clock."""
DUE = 3600
TO = [
    Interest("crm", ("sip.*",), None),
    Interest("all", ("*",), None),
    Interest("named", ("digest.*",), None),
]


class Play:
    """A story with a digester."""

    def __init__(self, path: Path, *digests: Digest, interests: Sequence[Interest] = TO) -> None:
        self.story = Story(path, interests=list(interests))
        self.digests = digests or (DAILY,)
        self.is_believed = True

    def digester(self, database: Database | None = None) -> Digester:
        story = self.story
        return Digester(
            database or story.database,
            lambda: story.recorder,
            lambda: self.digests,
            lambda: ["main"],
            now=story.timeline.now,
            wake=story.dispatcher.wake,
            keep_history=lambda: story.poller.hearers.historian.flush(story.timeline.now()),
            is_clock_believed=lambda: self.is_believed,
        )

    def run(self, until: float) -> None:
        """As the daemon does, but looking for digests once a minute."""
        digester = self.digester()
        while self.story.now() < until:
            digester.run()
            self.story.run(until=min(self.story.now() + 60, until), step=10)
        digester.run()
        self.story.run(until=until + 1)

    def hurry(self, until: float) -> None:
        """The same with a poll every five minutes, and nothing sent."""
        digester = self.digester()
        while self.story.now() < until:
            for watch in self.story.watches():
                self.story.poller.poll(watch)
            self.story.timekeeper.look()
            self.story.dispatcher.run_once()
            digester.run()
            self.story.clock.advance(300)

    def made(self) -> list[dict[str, Any]]:
        """What the digests say, in order."""
        bodies: list[dict[str, Any]] = self.story.bodies()
        return [body["data"]["digest"] for body in bodies if body["type"] == "digest.made"]

    def told(self, endpoint: str) -> list[str]:
        return [what for _, what in self.story.accepted(endpoint) if what == "digest.made"]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Any]:
    begun: list[Play] = []

    def begin(*digests: Digest, **of_it: Any) -> Play:
        begun.append(Play(tmp_path / "digests.db", *digests, **of_it))
        return begun[-1]

    yield begin
    for one in begun:
        one.story.database.close()


@USED
def test_it_says_what_happened_and_what_was_not_seen(play: Any) -> None:
    at = play()
    for second in (100, 700, 2000, 3000):
        at.story.sms_arrives(second, f"at {second}", sender=f"05412345{second % 100:02d}")
    at.story.phone("0771", (300, 900))
    at.story.phone("0772")
    at.story.api_fails(1500, 1800, Failure.TIMEOUT)
    at.run(DUE + 60)

    (said,) = at.made()
    assert (said["name"], said["covers"], said["due_at"]) == ("office", "day", "2026-03-01T13:00:00.000Z")
    # The day before nobody watched, and it says so.
    assert said["from"] == "2026-02-28T13:00:00.000Z"
    assert said["span_seconds"] == pytest.approx(86_400, abs=70)
    (system,) = said["systems"]
    assert (system["system"], system["sms"]) == ("main", 4)
    seen = 86_400 - system["unseen_seconds"]
    assert seen == pytest.approx(DUE - 300, abs=60)
    down = {one["subject"]: one for one in said["outages"]}
    assert list(down) == ["sip/0771", "api"]
    assert down["sip/0771"]["down_seconds"] == pytest.approx(600, abs=20)
    assert down["sip/0771"]["unseen_seconds"] == pytest.approx(86_400 - DUE + 310, abs=80)
    assert down["api"]["down_seconds"] == pytest.approx(300, abs=20)
    assert not down["sip/0771"]["is_down"]
    assert sum(one["sms"] for one in said["busy"]) == 4
    assert (said["alerts"], said["open_alerts"]) == (2, 0)


@USED
def test_it_goes_to_whom_it_names_and_to_who_names_it(play: Any) -> None:
    narrow = Interest("narrow", ("digest.*",), ("other",))
    mailbox = Interest("ops/anna@example.org", (), None)
    at = play(replace(DAILY, to=("crm", "ops")), interests=[*TO, narrow, mailbox])
    at.run(DUE + 60)

    for endpoint in ("crm", "named", "ops/anna@example.org"):
        assert at.told(endpoint) == ["digest.made"]
    assert at.told("all") == []  # a bare * does not ask for it
    assert at.told("narrow") == []  # which may not hear of the system


@USED
def test_it_is_made_once_however_often_it_is_looked_for_and_whoever_dies(play: Any) -> None:
    at = play()
    for until in (DUE - 30, DUE + 30, DUE + 90, DUE + 400):
        at.run(until)
        at.story.kill()
    at.run(DUE + 500)

    assert len(at.made()) == 1
    assert at.told("crm") == ["digest.made"]


@USED
def test_of_two_that_make_it_at_once_one_does(play: Any) -> None:
    at = play()
    at.run(DUE - 60)
    at.story.run(until=DUE + 10, step=10)
    other, real = at.digester(), at.story.database

    class Between:
        """The other one is as far by now."""

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        @contextmanager
        def write(self) -> Iterator[sa.Connection]:
            other.run()
            with real.write() as db:
                yield db

    at.digester(Between()).run()

    assert len(at.made()) == 1


@USED
def test_what_cannot_be_written_is_made_at_the_next_look(play: Any) -> None:
    at = play()
    at.run(DUE - 60)
    at.story.run(until=DUE + 10, step=10)
    real = at.story.database

    class Full:
        """A disk without room."""

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        @contextmanager
        def write(self) -> Iterator[sa.Connection]:
            with real.write() as db:
                yield db
                raise sa.exc.OperationalError(None, None, OSError("database or disk is full"))

    at.digester(Full()).run()
    assert at.made() == []
    at.digester().run()
    assert len(at.made()) == 1


@USED
def test_one_with_nothing_to_say_is_left_out_and_what_was_not_seen_is_something(play: Any) -> None:
    at = play(
        replace(DAILY, skip_empty=True), replace(DAILY, name="none", systems=("other",), skip_empty=True)
    )
    at.run(DUE + 60)

    # Of a system that there is not, there is nothing; of this one, the day before was not seen.
    assert [one["name"] for one in at.made()] == ["office"]
    with at.story.database.read() as db:
        told = db.exec_driver_sql("SELECT name, day, event IS NULL FROM digests ORDER BY name").all()
    assert [tuple(one) for one in told] == [("none", "2026-03-01", True), ("office", "2026-03-01", False)]


@USED
def test_it_waits_for_a_clock_that_is_believed(play: Any) -> None:
    at = play()
    at.run(DUE - 60)
    at.is_believed = False
    at.run(DUE + 120)
    assert at.made() == []
    at.is_believed = True
    at.run(DUE + 300)
    assert len(at.made()) == 1


@USED
def test_one_that_was_due_while_nobody_ran_is_made_late_and_says_what_it_covers(play: Any) -> None:
    at = play()
    at.run(600)
    at.story.poller.hearers.historian.flush(at.story.timeline.now())  # as once a minute
    at.story.database.close()
    at.story.clock.advance(2 * 3600)
    at.story.start()
    at.run(at.story.now() + 60)

    (said,) = at.made()
    assert said["due_at"] == "2026-03-01T13:00:00.000Z"
    assert said["to"] > "2026-03-01T14:09"
    seen = said["span_seconds"] - said["systems"][0]["unseen_seconds"]
    assert seen == pytest.approx(600, abs=80)


@USED
@pytest.mark.parametrize("jump", [-5 * 3600, 5 * 3600, 40 * 86_400])
def test_each_message_stands_in_one_digest_however_the_clock_is_set(play: Any, jump: float) -> None:
    at = play(*(replace(DAILY, name=f"{hour}", at=time(hour)) for hour in (14, 15, 16, 20)))
    for index in range(20):
        at.story.sms_arrives(30 + 500 * index, f"number {index}")
    at.hurry(3000)
    at.story.clock.jump(jump)
    at.hurry(30 * 3600)

    for name in {one["name"] for one in at.made()}:
        of_it = [one for one in at.made() if one["name"] == name]
        assert [one["to"] for one in of_it] == [one["from"] for one in of_it[1:]] + [of_it[-1]["to"]] or jump
    counted = {
        name: sum(one["systems"][0]["sms"] for one in at.made() if one["name"] == name)
        for name in ("15", "16", "20")
    }
    assert counted == {"15": 20, "16": 20, "20": 20}


@USED
def test_a_reload_takes_back_no_digest_that_waits(play: Any) -> None:
    at = play()
    at.story.endpoint_says(Outcome.UNREACHABLE, 0, DUE + 40)
    at.run(DUE - 60)
    at.story.run(until=DUE + 10, step=10)
    at.digester().run()
    at.story.run(until=DUE + 20)  # the first attempt fails, so that it waits for the next
    with at.story.database.write() as db:
        assert withdraw(db, at.story.interests, at.story.timeline.now()) == {}
    at.story.run(until=DUE + 400, step=5)
    assert at.told("crm") == ["digest.made"]


@USED
def test_one_that_raises_keeps_no_other_from_being_made(play: Any) -> None:
    broken = replace(DAILY, name="broken", covers="never")
    at = play(broken, DAILY)
    at.run(DUE + 60)
    assert [one["name"] for one in at.made()] == ["office"]


@USED
def test_the_example_of_the_catalogue_says_what_the_code_says(play: Any) -> None:
    at = play()
    at.story.phone("0771", (300, 900))
    at.run(DUE + 60)
    (said,) = at.made()
    assert said.keys() == EXAMPLE.keys()
    assert said["systems"][0].keys() == EXAMPLE["systems"][0].keys()
    assert said["outages"][0].keys() == EXAMPLE["outages"][0].keys()
