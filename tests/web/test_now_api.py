"""`GET /api/v1/now`: the operation's document, and who may ask for it."""

import pytest

from tests.support.http_app import COMMANDER, Setting
from tests.support.watched import DOWN, Watched, queue, sip, the_api


@pytest.fixture
def watched(setting: Setting) -> Watched:
    one = Watched(setting)
    one.see(the_api(), sip("071", DOWN), sip("072"), queue("5", metrics={"calls_waiting": 0}))
    return one


def test_it_says_what_is_there(watched: Watched) -> None:
    answer = watched.setting.client.get("/api/v1/now")
    (system,) = answer.json()["systems"]

    assert answer.status_code == 200
    assert (system["phones"]["on"], system["phones"]["off"]) == (1, 1)
    assert [one["name"] for one in system["phones"]["listed"]] == ["071"]
    assert [one["waiting"] for one in system["queues"]] == [0]
    assert answer.json()["next"] is None


def test_it_has_its_head_and_names_what_it_does_not_know(watched: Watched) -> None:
    client = watched.setting.client

    assert client.head("/api/v1/now").status_code == 200
    assert client.get("/api/v1/now?only=all").status_code == 422
    assert client.get("/api/v1/now?limit=0").status_code == 422
    assert client.get("/api/v1/now?every=1").status_code == 422
    assert client.get("/api/v1/now?system=none").status_code == 404
    assert client.get("/api/v1/now?system=main&only=unwell&limit=5").status_code == 200


def test_only_who_may_read_may_ask(watched: Watched) -> None:
    assert watched.setting.anybody.get("/api/v1/now").status_code == 401
    assert watched.setting.holder("token-of-a-robot").get("/api/v1/now").status_code == 403
    assert watched.setting.holder(COMMANDER).get("/api/v1/now").status_code in (200, 403)
