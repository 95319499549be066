"""Below a prefix, and through a proxy: the same routes, and who asked is known."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from daemon.web.reach import Reach, Reached, asking, client_of
from tests.support import stores
from tests.support.http_app import Setting

PROXY = Reach(trusted_proxies=(ip_network("127.0.0.1"),))
STRANGER = "203.0.113.7"


def inner() -> FastAPI:
    app = FastAPI(redirect_slashes=False)

    @app.get("/{path:path}")
    def seen(request: Request, path: str) -> dict[str, Any]:
        return {
            "path": "/" + path,
            "whole": request.url.path,
            "client": client_of(request),
            "asking": asking(),
            "scheme": request.url.scheme,
        }

    return app


def client(prefix: str = "", reach: Reach = PROXY, peer: str = "127.0.0.1") -> TestClient:
    return TestClient(Reached(inner(), prefix, lambda: reach), client=(peer, 4711))


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/yemotd/api/v1/status", "/api/v1/status"),
        ("/yemotd/", "/"),
        ("/yemotd", "/"),
        ("/yemotd/yemotd/a", "/yemotd/a"),
        # Without it as well, for programs on this machine.
        ("/api/v1/status", "/api/v1/status"),
        ("/livez", "/livez"),
        ("/yemotdx/a", "/yemotdx/a"),
        ("/", "/"),
    ],
)
def test_the_routes_find_the_path_without_the_prefix(asked: str, path: str) -> None:
    seen = client("/yemotd").get(asked).json()

    assert (seen["path"], seen["whole"]) == (path, "/yemotd" + path)


def test_without_a_prefix_a_path_is_as_it_comes() -> None:
    seen = client().get("/yemotd/a").json()

    assert (seen["path"], seen["whole"]) == ("/yemotd/a", "/yemotd/a")


def test_who_asks_is_known_in_the_request_and_in_its_context() -> None:
    told = {"x-forwarded-for": STRANGER, "x-forwarded-proto": "https"}

    seen = client().get("/", headers=told).json()
    assert (seen["client"], seen["asking"], seen["scheme"]) == (STRANGER, STRANGER, "https")
    seen = client(reach=Reach()).get("/", headers=told).json()
    assert (seen["client"], seen["asking"], seen["scheme"]) == ("127.0.0.1", "127.0.0.1", "http")
    assert asking() is None


@pytest.fixture
def below(tmp_path: Path) -> Iterator[Setting]:
    database = stores.on_file(tmp_path / "web.db")
    yield Setting(database, prefix="/yemotd", reach=lambda: PROXY)
    database.close()


def test_the_api_answers_below_the_prefix_and_names_it(below: Setting) -> None:
    assert below.client.get("/yemotd/api/v1/status").status_code == 200
    assert below.anybody.get("/yemotd/livez").text == below.anybody.get("/livez").text == "ok\n"
    assert below.anybody.get("/yemotd/api/v1/status").json()["instance"] == "/yemotd/api/v1/status"
    assert below.anybody.get("/yemotd/openapi.json").json()["servers"] == [{"url": "/yemotd"}]
    assert below.anybody.get("/yemotd/nothing").status_code == 404
    answer = below.client.get("/yemotd/api/v1/status")
    assert answer.headers["cache-control"] == "no-store"


def test_the_audit_says_for_whom_the_proxy_asked(below: Setting) -> None:
    trusting = TestClient(below.app, headers=dict(below.admin.headers), client=("127.0.0.1", 4711))
    stranger = TestClient(below.app, headers=dict(below.admin.headers), client=("198.51.100.9", 4711))
    with capture_logs() as lines:
        for one in (trusting, stranger):
            one.post("/yemotd/api/v1/endpoints/crm/disable", headers={"x-forwarded-for": STRANGER})

    assert [one["client"] for one in lines if one["event"] == "http.audit"] == [STRANGER, "198.51.100.9"]


def test_what_was_made_is_named_as_it_is_asked_for_from_outside(below: Setting) -> None:
    silence = {"subject": "sip/077", "for": "1h", "comment": "a new phone"}

    made = below.admin.post("/yemotd/api/v1/silences", json=silence)

    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/yemotd/api/v1/silences/{made.json()['id']}"
    assert below.admin.get(made.headers["location"]).status_code == 200
