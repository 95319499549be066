"""`/api/v1/digests`: which there are, and what one would say now; nothing comes of looking."""

from datetime import time
from zoneinfo import ZoneInfo

import pytest

from daemon.core.digests.schedule import Digest
from daemon.core.model import Fact
from daemon.pipeline.events import Recorder
from tests.support.fakes import START
from tests.support.http_app import COMMANDER, Setting
from tests.support.watched import DOWN, Watched, sip, the_api

OFFICE = Digest("משרד", ("crm",), time(18), frozenset({6, 0}), ZoneInfo("Asia/Jerusalem"), "day")


@pytest.fixture
def office(setting: Setting) -> Setting:
    setting.digests = [OFFICE]
    Watched(setting).see(the_api(), sip("071", DOWN))
    sms = Fact("sms.received", "sms/0541234567", {"sms": {"from": "0541234567", "text": "secret 1234"}})
    with setting.database.write() as db:
        Recorder(setting.interests, setting.new_id).record(db, "main", [sms, sms], START)
    return setting


def test_it_says_which_there_are_and_when_they_come(office: Setting) -> None:
    (digest,) = office.client.get("/api/v1/digests").json()["digests"]

    assert (digest["name"], digest["to"], digest["at"], digest["days"]) == (
        "משרד",
        ["crm"],
        "18:00",
        ["mon", "sun"],
    )
    assert digest["told_until"] is None
    assert digest["next_due_at"] == "2026-03-01T16:00:00.000Z"


def test_a_preview_says_what_it_would_and_writes_nothing(office: Setting) -> None:
    before = office.client.get("/api/v1/events").json()
    said = office.client.get("/api/v1/digests/משרד/preview?language=he").json()

    assert said["digest"]["systems"][0]["sms"] == 2
    assert not said["is_empty"]
    assert said["language"] == "he"
    assert said["subject"] == "סיכום יומי: משרד"
    assert 'dir="rtl"' in said["html"]
    assert "מסרונים נכנסים" in said["text"]
    assert "secret" not in str(said)  # nor is it, of who may read the texts of SMS
    assert office.client.get("/api/v1/events").json() == before
    with office.database.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM digests").scalar() == 0


def test_in_the_other_language_it_is_the_same_digest(office: Setting) -> None:
    said = office.client.get("/api/v1/digests/משרד/preview?language=en").json()
    assert (said["language"], said["subject"]) == ("en", "Daily digest: משרד")


def test_what_there_is_not_is_said(office: Setting) -> None:
    assert office.client.get("/api/v1/digests/none/preview").status_code == 404
    assert office.client.get("/api/v1/digests/משרד/preview?language=fr").status_code == 422
    assert office.client.get("/api/v1/digests?every=1").status_code == 422


def test_only_who_may_read_may_ask(office: Setting) -> None:
    for path in ("/api/v1/digests", "/api/v1/digests/משרד/preview"):
        assert office.anybody.get(path).status_code == 401
        assert office.holder("token-of-a-robot").get(path).status_code == 403
        assert office.holder(COMMANDER).get(path).status_code in (200, 403)
