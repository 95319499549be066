"""What every request passes before its route, for every route that there is: none has to be thought of."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Query
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict
from starlette.types import ASGIApp

from daemon.web.attempts import Attempts
from daemon.web.entrance import Entrance
from daemon.web.gate import Gate
from daemon.web.limits import Bodies
from daemon.web.problems import MEDIA_TYPE
from daemon.web.protection import HEADERS
from daemon.web.sessions import Sessions
from tests.support import stores
from tests.support.examples import examples
from tests.support.fakes import START
from tests.support.http_app import Setting

PAGES = ["/openapi.json", "/docs"]
HOST = {"host": "evil.example.org"}


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    one = Setting(stores.on_file(tmp_path_factory.mktemp("entrance") / "web.db"))
    yield one
    one.database.close()


def described() -> dict[str, dict[str, set[str]]]:
    """The query parameters that the description has, by path and method."""
    one = Setting(stores.in_memory())
    paths = one.anybody.get("/openapi.json").json()["paths"]
    one.database.close()
    return {
        path: {
            method.upper(): {each["name"] for each in route.get("parameters", ()) if each["in"] == "query"}
            for method, route in methods.items()
        }
        for path, methods in paths.items()
    } | {path: {"GET": set()} for path in PAGES}


ROUTES = described()
OPERATIONS = [(method, path) for path, methods in ROUTES.items() for method in methods]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"]


def asked(path: str) -> str:
    return re.sub(r"\{\w+\}", "0", path)


def test_there_are_routes_of_both_kinds() -> None:
    assert len(OPERATIONS) > 20
    assert {method for method, _ in OPERATIONS} == {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.mark.parametrize("path", ROUTES)
def test_a_method_that_a_path_has_not_is_told_those_that_it_has(setting: Setting, path: str) -> None:
    # Of an endpoint's name, in which there may be slashes.
    here = {"GET", "HEAD", "PATCH", "DELETE"} if path.startswith("/api/v1/endpoints/{name}/") else set()
    here |= {"GET", "HEAD", "DELETE"} if path == "/api/v1/contacts/import" else set()  # of a number, too
    has = set(ROUTES[path]) | ({"HEAD"} if "GET" in ROUTES[path] else set()) | here
    for method in METHODS:
        answer = setting.admin.request(method, asked(path))
        if method in has:
            assert answer.status_code != 405
        else:
            assert (answer.status_code, answer.headers["allow"]) == (405, ", ".join(sorted(has))), method
            assert answer.headers["content-type"] == MEDIA_TYPE


@pytest.mark.parametrize("path", [path for method, path in OPERATIONS if method == "GET"])
def test_head_is_answered_as_get_is_without_its_body(setting: Setting, path: str) -> None:
    for query in ("", "?nonsense=1"):
        get, head = (setting.admin.request(one, asked(path) + query) for one in ("GET", "HEAD"))

        assert head.status_code == get.status_code
        assert head.content == b""
        own = {"content-length"} if path == "/metrics" else set()  # of another moment
        assert {name: value for name, value in head.headers.items() if name not in own} == {
            name: value for name, value in get.headers.items() if name not in own
        }


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("more", ["/", "//", "/?limit=1"])
def test_a_slash_too_much_leads_nowhere(setting: Setting, path: str, more: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        answer = setting.admin.request(method, asked(path) + more, headers=HOST, follow_redirects=False)

        assert answer.status_code in (404, 405, 422)
        assert "location" not in answer.headers
        assert "evil" not in answer.text


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_an_unknown_parameter_is_named_with_those_that_are_known(
    setting: Setting, method: str, path: str
) -> None:
    known = ROUTES[path][method]
    answer = setting.admin.request(method, asked(path), params={"stats": "dead"})

    (fault,) = answer.json()["faults"]
    assert (answer.status_code, answer.headers["content-type"]) == (422, MEDIA_TYPE)
    assert fault["name"] == "stats"
    assert all(name in fault["reason"] for name in known)
    assert ("no query parameters" in fault["reason"]) == (not known)


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operation=st.sampled_from(OPERATIONS), name=st.text(max_size=20), value=st.text(max_size=5))
def test_whatever_a_route_does_not_know_it_refuses(
    setting: Setting, operation: tuple[str, str], name: str, value: str
) -> None:
    method, path = operation
    if name in ROUTES[path][method]:
        return

    assert setting.admin.request(method, asked(path), params={name: value}).status_code == 422


@pytest.mark.parametrize("name", sorted(ROUTES["/api/v1/deliveries"]["GET"]))
def test_a_parameter_that_is_given_twice_is_refused(setting: Setting, name: str) -> None:
    answer = setting.admin.get("/api/v1/deliveries", params=[(name, "1"), (name, "2")])

    assert answer.json()["faults"] == [{"name": name, "reason": "is given more than once"}]


def test_what_was_meant_is_guessed(setting: Setting) -> None:
    answer = setting.client.get("/api/v1/deliveries?stats=dead")

    assert answer.json()["detail"] == (
        'stats: is not known here; known: before, endpoint, limit, status, type; did you mean "status"?'
    )


def test_a_query_of_thousands_of_words_gets_a_short_answer(setting: Setting) -> None:
    answer = setting.client.get("/api/v1/status?" + "&".join(f"{number}" * 9 for number in range(1500)))

    assert answer.status_code == 422
    assert len(answer.content) < 5000


def test_a_parameter_of_several_values_may_be_given_as_often() -> None:
    class More(BaseModel):
        model_config = ConfigDict(extra="forbid")
        tags: list[str] | None = None

    app = FastAPI(openapi_url=None)

    @app.get("/lists")
    def lists(types: list[str] = Query([])) -> list[str]:  # noqa: B008 - as FastAPI has it
        return types

    @app.get("/models")
    def models(more: More = Query()) -> list[str] | None:  # noqa: B008 - as FastAPI has it
        return more.tags

    sessions = Sessions(bytes(32), list, lambda: START)
    gate = Gate(sessions, Attempts(lambda: 0.0), frozenset)
    entrance: ASGIApp = Entrance(
        app, [one for one in app.routes if isinstance(one, APIRoute)], Bodies(), gate
    )
    client = TestClient(entrance)

    assert client.get("/lists?types=a&types=b").json() == ["a", "b"]
    assert client.get("/models?tags=a&tags=b").json() == ["a", "b"]
    assert client.get("/models?more=a").status_code == 422


@pytest.mark.parametrize(("method", "path"), [one for one in OPERATIONS if "/api/" in one[1]])
def test_nothing_is_told_of_a_request_before_its_token_is_known(
    setting: Setting, method: str, path: str
) -> None:
    plain = setting.anybody.request(method, asked(path))
    wrong = setting.anybody.request(method, asked(path), params={"stats": "1"}, content=b"x" * 2_000_000)

    assert (plain.status_code, wrong.status_code) == (401, 401)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("GET", "/docs", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/metrics", 200),
        ("GET", "/nowhere", 404),
        ("POST", "/livez", 405),
        ("GET", "/api/v1/status", 401),
        ("GET", "/livez?nonsense", 422),
        ("GET", "/crash", 500),
    ],
)
def test_every_answer_protects_who_reads_it_in_a_browser(
    setting: Setting, method: str, path: str, status: int
) -> None:
    if path == "/crash":
        setting.app.get("/crash", include_in_schema=False)(lambda: 1 // 0)
    answer = setting.holder("").request(method, path, headers={"host": "127.0.0.1"})

    if path == "/metrics":  # the test's client does not come from this machine
        status = answer.status_code
    assert answer.status_code == status
    for name, value in HEADERS:
        told = answer.headers[name.decode()]
        assert told == value.decode() or (path == "/docs" and told.startswith(value.decode()))
    assert ("no-store" in answer.headers.get("cache-control", "")) == path.startswith("/api/")


def test_the_order_is_path_method_token_parameters_body(setting: Setting) -> None:
    wrong: dict[str, Any] = {"params": {"x": "1"}, "content": b"x" * 2_000_000}
    path = "/api/v1/silences"
    found = [
        setting.anybody.request("POST", "/nowhere", **wrong),
        setting.anybody.request("PUT", path, **wrong),
        setting.anybody.request("POST", path, **wrong),
        setting.client.request("POST", path, **wrong),
        setting.admin.request("POST", path, **wrong),
        setting.admin.request("POST", path, content=wrong["content"]),
        setting.admin.request("POST", path, content=b"x"),
    ]

    assert [one.status_code for one in found] == [404, 405, 401, 403, 422, 413, 422]
    assert all(json.loads(one.content)["status"] == one.status_code for one in found)
