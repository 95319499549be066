"""Who is to be called back, over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.core.watches.callers import ABANDONED, LEFT
from tests.support import stores
from tests.support.callers import AVI, DANA, Office, left
from tests.support.http_app import Setting


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    database = stores.on_file(tmp_path / "web.db")
    office = Office(database)
    office.sees(left(ABANDONED), left(ABANDONED, AVI, "c2"), left(LEFT, "0500000000", "c3"), unseen=2)
    yield Setting(database)
    database.close()


def test_who_is_to_be_called_back_is_listed_with_what_became_of_the_others(setting: Setting) -> None:
    document = setting.client.get("/api/v1/missed").json()

    assert [(one["phone"], one["queue"], one["calls"]) for one in document["missed"]] == [
        (DANA, {"path": "/5", "name": "sales"}, 1),
        (AVI, {"path": "/5", "name": "sales"}, 1),
    ]
    assert document["missed"][0]["waited_seconds"] == [40, 52]
    assert (document["has_more"], document["next"]) == (False, None)
    (today,) = document["today"]
    assert (today["abandoned"], today["unknown"], today["not_seen"], today["withheld"]) == (2, 1, 2, 0)


def test_it_is_read_page_by_page_and_of_one_system(setting: Setting) -> None:
    client = setting.client
    first = client.get("/api/v1/missed?limit=1").json()
    second = client.get(f"/api/v1/missed?limit=1&after={first['next']}").json()

    assert [one["phone"] for one in (*first["missed"], *second["missed"])] == [DANA, AVI]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert client.get("/api/v1/missed?system=branch").json()["missed"] == []
    assert client.get("/api/v1/missed?after=cb_0").status_code == 404
    assert client.get("/api/v1/missed?limit=0").status_code == 422


def test_somebody_is_crossed_off_once(setting: Setting) -> None:
    admin = setting.admin
    first = admin.post("/api/v1/missed/+972541234567/done", json={"by": "Dana", "note": "called"})
    again = admin.post(f"/api/v1/missed/{first.json()['id']}/done")

    assert first.status_code == again.status_code == 200
    assert (first.json()["outcome"], first.json()["by"], first.json()["is_new"]) == ("by_hand", "Dana", True)
    assert (again.json()["by"], again.json()["is_new"]) == ("Dana", False)
    assert [one["phone"] for one in admin.get("/api/v1/missed").json()["missed"]] == [AVI]


def test_who_may_only_read_crosses_nobody_off(setting: Setting) -> None:
    assert setting.client.post(f"/api/v1/missed/{DANA}/done").status_code == 403
    assert setting.admin.post("/api/v1/missed/cb_0/done").status_code == 404
    assert setting.admin.post(f"/api/v1/missed/{DANA}/done", json={"by": 1}).status_code == 422
