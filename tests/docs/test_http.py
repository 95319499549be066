"""The page on HTTP, taken at its word: its routes are those that there are, its bodies do what it says."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.core.delivery.breaker import Switch
from daemon.store import events
from daemon.web.broadcast import MOST_READERS
from daemon.web.connections import Bounds
from daemon.web.limits import ALL_BODIES, LARGEST_BODY, MOST_VALUES
from daemon.web.routes import stream
from tests.support import stores
from tests.support.http_app import ADMIN, READER, Setting
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
ROUTES = re.findall(r"^\| `(GET|POST|PUT|PATCH|DELETE) (/api/v1/\S+)` \| (\w+) \|", PAGE, re.MULTILINE)
TAGS = {
    *("reading", "alerts", "incidents", "silences", "contacts", "deliveries", "endpoints", "missed"),
    *("recordings", "feeds"),
}


def bodies(kind: str) -> list[object]:
    return [json.loads(one) for one in re.findall(rf"```json {kind}\n(.*?)```", PAGE, re.DOTALL)]


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    database = stores.on_file(tmp_path / "web.db")
    yield Setting(database, now=lambda: datetime(2026, 11, 23, 16, tzinfo=UTC))
    database.close()


def test_every_route_is_on_the_page(setting: Setting) -> None:
    paths = setting.anybody.get("/openapi.json").json()["paths"]

    there_are = {
        (method.upper(), path)
        for path, methods in paths.items()
        for method, route in methods.items()
        if TAGS & set(route["tags"])
    }
    assert {(method, path) for method, path, _ in ROUTES} == there_are


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_a_route_needs_the_scope_that_the_page_says(
    setting: Setting, method: str, path: str, scope: str
) -> None:
    scopes = {}
    for name, token in {"read": READER, "admin": ADMIN}.items():
        answer = setting.holder(token).request(method, re.sub(r"\{\w+\}", "0", path))
        scopes[name] = answer.status_code != 403

    assert scopes == {"read": scope == "read", "admin": True}
    assert setting.anybody.request(method, path).status_code == 401


def test_the_bodies_are_taken(setting: Setting) -> None:
    for body in bodies("silence"):
        assert setting.admin.post("/api/v1/silences", json=body).status_code == 201, body
    for body in bodies("replay"):
        assert setting.admin.post("/api/v1/endpoints/crm/replay", json=body).status_code == 200, body
    assert len(bodies("silence")) + len(bodies("replay")) == 4


def test_an_error_reads_as_the_page_shows_it(setting: Setting) -> None:
    answer = setting.admin.post("/api/v1/silences", json={"fro": "2h"})

    assert bodies("problem") == [answer.json()]


def test_the_actions_of_the_log_are_those_of_the_code() -> None:
    web = ROOT / "daemon" / "web"
    code = "".join(one.read_text(encoding="utf-8") for one in web.rglob("*.py"))
    said = set(re.findall(r'audited\(token, "([\w.]+)"', code)) | {f"endpoint.{one.value}" for one in Switch}
    told = re.search(r"the `action` \((.*?)\)", PAGE, re.DOTALL)

    assert told
    noun, page = "", set()
    for one in re.findall(r"`([\w.]+)`", told[1]):
        noun = one.partition(".")[0] or noun  # `.enable` after `endpoint.test`
        page.add(f"{noun}.{one.partition('.')[2]}")
    assert said == page


def test_the_bounds_are_those_of_the_code() -> None:
    (text,) = re.findall(r"\*\*Bounds\*\*: .*?\n\n", PAGE, re.DOTALL)
    said = " ".join(text.split())

    assert f"{Bounds.connections} connections" in said
    assert f"head has to be there within {Bounds.head} s, a body within {Bounds.body} s" in said
    assert f"nothing to do ends after {Bounds.idle} s" in said
    assert Bounds.told_every == 60  # once a minute
    assert (f"{LARGEST_BODY // 2**20} MiB and {MOST_VALUES:,} values") in said
    assert f"nothing is read for {Bounds.body} s is cut off" in said
    assert f"all bodies together {ALL_BODIES // 2**20} MiB" in said


def test_the_bounds_of_the_stream_are_those_of_the_code() -> None:
    (text,) = re.findall(r"The \*\*stream\*\* is .*?```console", PAGE, re.DOTALL)
    said = " ".join(text.split())

    assert f"A comment comes every {stream.HEARTBEAT:g} s" in said
    assert f"hears nothing for {2 * stream.HEARTBEAT:g} s" in said
    assert f"At most {MOST_READERS} follow" in said
    assert f"takes nothing for {Bounds.body} s is cut off" in said
    assert f"`{events.START}` is what is before the first event" in said
