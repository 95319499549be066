"""Signs of life: what they say, and what is said of those that do not arrive."""

import json
from datetime import timedelta

from structlog.testing import capture_logs

from daemon.config.settings import HeartbeatSettings
from daemon.core.model import Secret
from daemon.wiring.clients import heartbeat_of
from daemon.workers.heartbeat import Heartbeat, sign
from tests.support.dispatching import Setting
from tests.support.fakes import START, Receiver, answer


def heartbeat(url: str) -> Heartbeat:
    return Heartbeat(heartbeat_of(HeartbeatSettings(url=Secret(url))))


def test_a_sign_arrives_as_json(receiver: Receiver) -> None:
    assert heartbeat(receiver.url).beat({"version": "1", "watches": ["תור"]})

    (got,) = receiver.received
    assert json.loads(got.body) == {"version": "1", "watches": ["תור"]}
    assert got.headers["content-type"] == "application/json"


def test_what_does_not_arrive_is_said_once_and_so_is_its_return() -> None:
    with capture_logs() as lines, Receiver(answer(404), answer(302), answer(200)) as receiver:
        one = heartbeat(receiver.url)
        arrived = [one.beat({}) for _ in range(4)]

    assert arrived == [False, False, True, True]
    assert [line["event"] for line in lines] == ["heartbeat.failed", "heartbeat.recovered"]
    assert lines[0]["error"] == "HTTP 404"


def test_the_address_is_in_no_reason() -> None:
    with Receiver() as gone:
        url = gone.url.replace("/hook", "/secret-of-the-switch")
    with capture_logs() as lines:
        assert not heartbeat(url).beat({})

    assert lines
    assert "secret-of-the-switch" not in str(lines)


def test_a_sign_tells_the_age_of_every_watch_and_of_what_waits(setting: Setting) -> None:
    setting.add("a", "b")
    now = START + timedelta(minutes=5)
    last_seen = {("main", "sms"): now - timedelta(seconds=7), ("main", "sip"): None}
    with setting.database.read() as db:
        said = sign(db, "1.2.3", START, last_seen, now)

    assert said == {
        "version": "1.2.3",
        "now": "2026-03-01T12:05:00.000Z",
        "uptime_seconds": 300,
        "watches": [
            {"system": "main", "watch": "sms", "age_seconds": 7, "failure": None},
            {"system": "main", "watch": "sip", "age_seconds": None, "failure": None},
        ],
        "deliveries": {"open": 4, "oldest_age_seconds": 300},
    }
