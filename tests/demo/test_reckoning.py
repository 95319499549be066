"""The demo's last page tells the truth: each kind of loss shows."""

from pathlib import Path

import pytest

from daemon.core.model import Fact
from daemon.core.routing.plan import Planned
from daemon.demo.reckoning import checks, dialling, followed, texted
from daemon.store import database as databases
from daemon.store import events, outbox
from tests.support import stores
from tests.support.fakes import START, Ids

SENT = ["one", "two", "two"]
LOST = "3 events written for it, 2 received as they were written"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'demo.db'}"


@pytest.fixture
def received(url: str, tmp_path: Path) -> dict[str, bytes]:
    """What a receiver took of a demo where all went well."""
    store = stores.on_file(tmp_path / "demo.db")
    facts = [Fact("sms.received", "sms/054", {"sms": {"text": text}}) for text in SENT]
    with store.write() as db:
        written = events.record(db, "main", facts, START, Ids())
    store.close()
    return {event.id: event.body for event in written}


def failing(url: str, received: dict[str, bytes], *, sent: list[str] = SENT, refused: int = 0) -> list[str]:
    return [one.text for one in checks(url, received, sent, refused) if not one.is_good]


def test_all_is_well_where_the_three_agree(url: str, received: dict[str, bytes]) -> None:
    assert failing(url, received) == []


def test_an_event_that_did_not_arrive_shows(url: str, received: dict[str, bytes]) -> None:
    del received["evt_2"]

    assert failing(url, received) == [f"{LOST}; without sms.received"]


@pytest.mark.parametrize("is_for_all", [True, False])
def test_an_alert_s_event_is_owed_to_the_receiver_only_where_it_was_meant_for_it(
    tmp_path: Path, url: str, received: dict[str, bytes], *, is_for_all: bool
) -> None:
    """A mailbox that learns of an alert when it is over gets an event of its own."""
    store = stores.on_file(tmp_path / "demo.db")
    with store.write() as db:
        fact = Fact("api.reachable", "api", {"alert": {"incident": "inc_1"}}, "inc_1")
        (event,) = events.record(db, "main", [fact], START, lambda _kind: "evt_alert")
        names = ["office/office@demo.example", *(["receiver"] if is_for_all else [])]
        outbox.add(db, [Planned(event, name, "main/api") for name in names], START)
    store.close()

    lost = ["4 events written for it, 3 received as they were written; without api.reachable"]
    assert failing(url, received) == (lost if is_for_all else [])


def test_an_event_that_arrived_otherwise_shows(url: str, received: dict[str, bytes]) -> None:
    received["evt_2"] += b" "

    assert failing(url, received) == [f"{LOST}; without sms.received"]


def test_an_event_that_nobody_wrote_shows(url: str, received: dict[str, bytes]) -> None:
    received["evt_99"] = b"{}"

    assert failing(url, received) == ["1 received that were never written"]


@pytest.mark.parametrize("sent", [["one", "two"], ["one", "two", "two", "two"], ["one", "one", "two"]])
def test_a_message_told_too_often_or_too_seldom_shows(
    url: str, received: dict[str, bytes], sent: list[str]
) -> None:
    (text,) = failing(url, received, sent=sent)

    assert text.endswith("were told, each as often as it came")


def test_a_request_that_was_not_genuine_shows(url: str, received: dict[str, bytes]) -> None:
    assert failing(url, received, refused=2) == ["2 requests with a wrong signature, time or body"]


def test_a_gap_in_the_sequence_shows(url: str, received: dict[str, bytes]) -> None:
    store = databases.open_for_daemon(url)
    with store.write() as db:
        db.exec_driver_sql("UPDATE events SET sequence = 9 WHERE sequence = 3")
    store.close()

    assert failing(url, received) == ["a sequence has a gap"]


ENDED = {"outcome": "finished", "answered": 1, "dialled": 2, "price": 0.95, "estimate": 1.2}


@pytest.mark.parametrize(
    ("told", "is_good"),
    [
        ([ENDED], True),
        ([], False),
        ([ENDED, ENDED], False),
        ([{**ENDED, "outcome": "unknown"}], False),
        ([{**ENDED, "answered": 2}], False),
    ],
)
def test_a_campaign_whose_end_is_not_told_once_or_otherwise_shows(
    told: list[dict[str, object]], is_good: bool
) -> None:
    assert followed(1, told).is_good is is_good


@pytest.mark.parametrize(("dialled", "is_good"), [("ab", True), ("ba", True), ("a", False), ("aabb", False)])
def test_a_number_that_is_called_twice_or_never_shows(dialled: str, is_good: bool) -> None:
    assert dialling("ab", dialled).is_good is is_good


@pytest.mark.parametrize(
    ("statuses", "taken", "is_good"),
    [
        (["delivered", "delivered"], 2, True),
        (["delivered", "delivered"], 1, False),
        (["delivered", "delivered"], 3, False),
        (["delivered", "unknown"], 1, True),
        (["delivered", "unknown"], 2, True),
        (["delivered", "unknown"], 0, False),
        (["dead"], 0, False),
        (["delivered", "dead"], 1, False),
        ([], 1, False),
        ([], 0, True),
    ],
)
def test_an_sms_that_was_not_sent_as_it_is_said_shows(
    tmp_path: Path, url: str, statuses: list[str], taken: int, *, is_good: bool
) -> None:
    store = stores.on_file(tmp_path / "demo.db")
    with store.write() as db:
        fact = Fact("queue.threshold.crossed", "queue/5", {"alert": {"incident": "inc_1"}}, "inc_1")
        (event,) = events.record(db, "main", [fact], START, lambda _kind: "evt_alert")
        names = [f"manager/05{number}" for number in range(len(statuses))]
        outbox.add(db, [Planned(event, name, "main/queue") for name in ["office/a@b.example", *names]], START)
        for name, status in zip(names, statuses, strict=True):
            # The store has what is unknown as delivered, with an error.
            kept, error = ("delivered", "no answer") if status == "unknown" else (status, None)
            db.exec_driver_sql(
                "UPDATE deliveries SET status = ?, error = ?, ended_at = 1 WHERE endpoint = ?",
                (kept, error, name),
            )
    store.close()

    assert texted(url, taken).is_good is is_good
