"""What is told from memory: to everybody who wants to know, once, and to nobody else."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from daemon.app import alarm as alarms
from daemon.app.alarm import UNNUMBERED, Alarm
from daemon.config.settings import Config
from daemon.core import own_events
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet
from daemon.wiring.endpoints import interests
from tests.support.config_files import SIGNING, SYSTEM, loaded
from tests.support.fakes import Receiver, answer

FAILED = Fact(own_events.STORE_FAILED, own_events.STORE, {"store": {"failing_since": "x", "error": "full"}})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as one:
        yield one


START = "[http]\nlisten = ''\n" + SYSTEM + "[systems.sms]\n"
WEBHOOKS = '[[webhooks]]\nname = "{}"\nurl = "{}"\nsecret_env = "SIGNING"\n'


def configured(folder: Path, receiver: Receiver) -> Config:
    deaf = WEBHOOKS.format("sms", receiver.url) + 'events = ["sms.*"]\n'
    return loaded(folder, START + WEBHOOKS.format("all", receiver.url) + deaf).config


def alarm(config: Config, quiet: dict[str, Quiet] | None = None) -> Alarm:
    def wishes() -> list[Interest]:
        found = interests(config)
        return [
            Interest(one.endpoint, one.events, one.systems, quiet=(quiet[one.endpoint],))
            if quiet and one.endpoint in quiet
            else one
            for one in found
        ]

    return Alarm(lambda: config, wishes)


def told(one: Alarm) -> None:
    sounding = one._sounding
    assert sounding
    assert sounding.is_told.wait(20)


def test_everybody_who_wants_to_know_is_told_once_and_signed(tmp_path: Path, receiver: Receiver) -> None:
    one = alarm(configured(tmp_path, receiver))
    assert one.is_told
    one.sound(FAILED)
    told(one)
    one.end()

    (got,) = receiver.received
    Webhook(SIGNING).verify(got.body, got.headers)
    body = json.loads(got.body)
    assert body["type"] == "daemon.store_failed"
    assert body["data"]["sequence"] == UNNUMBERED
    assert body["data"]["store"] == {"failing_since": "x", "error": "full"}
    assert one.is_told


def test_one_that_does_not_take_it_is_asked_again_under_the_same_id_and_the_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "WAITS", (0.01,))
    with Receiver(answer(500), answer(500), answer()) as failing, Receiver() as other:
        text = WEBHOOKS.format("failing", failing.url) + WEBHOOKS.format("other", other.url)
        one = alarm(loaded(tmp_path, START + text).config)
        one.sound(FAILED)
        got = failing.wait_for(3, timeout=20)
        one.end()
        assert len(other.received) == 1

    assert len({each.headers["webhook-id"] for each in got}) == 1
    assert len({each.body for each in got}) == 1


def test_an_endpoint_in_its_quiet_time_is_told_when_that_is_over(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "WAITS", (0.01,))
    is_loud = threading.Event()
    one = alarm(configured(tmp_path, receiver), {"all": Quiet(lambda _moment: not is_loud.is_set())})
    one.sound(FAILED)
    told(one)
    assert receiver.received == []
    is_loud.set()
    receiver.wait_for(1, timeout=20)
    one.end()


def test_a_window_that_cannot_be_read_mutes_nobody(tmp_path: Path, receiver: Receiver) -> None:
    def covers(_moment: datetime) -> bool:
        raise ZeroDivisionError

    one = alarm(configured(tmp_path, receiver), {"all": Quiet(covers)})
    one.sound(FAILED)
    told(one)
    one.end()
    assert len(receiver.received) == 1


def test_a_wish_that_fails_does_not_keep_the_end_of_the_process_from_coming(tmp_path: Path) -> None:
    def broken() -> list[Interest]:
        raise ZeroDivisionError

    with Receiver() as receiver:
        one = Alarm(lambda: configured(tmp_path, receiver), broken)
        one.sound(FAILED)
        told(one)
        one.end()
    assert one.is_told


def test_an_error_in_one_round_ends_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is: the configuration may be taken over by another at that moment."""
    monkeypatch.setattr(alarms, "WAITS", (0.01,))
    with Receiver() as receiver:
        config = configured(tmp_path, receiver)
        broken = [ZeroDivisionError()]

        def wishes() -> list[Interest]:
            if broken:
                raise broken.pop()
            return list(interests(config))

        one = Alarm(lambda: config, wishes)
        one.sound(FAILED)
        receiver.wait_for(1, timeout=20)
        one.end()
