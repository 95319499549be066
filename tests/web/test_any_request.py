"""Whatever is sent to the HTTP side: an answer, and never an error of our own."""

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.core.wording import WITHOUT_WORDS
from daemon.web.problems import MEDIA_TYPE
from tests.support import stores
from tests.support.examples import examples
from tests.support.http_app import Setting

WRITING = [
    "silences",
    "silences/sil_1/expire",
    "deliveries/1/retry",
    "endpoints/crm/replay",
    "endpoints/crm/enable",
    "commands",
    "commands/cmd_1/cancel",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["type", "system", "subject", "for", "ends_at", "until_resolved", "starts_at", "comment"]
NAMES += [
    "params",
    "not_before",
    "expires_at",
    "which",
    "since",
    "until",
    "rate",
    "history",
    "dry_run",
    "odd \ud800\0",
]
MOMENTS = st.datetimes(timezones=st.timezones() | st.none()).map(lambda one: one.isoformat())
DURATIONS = st.from_regex(r"[0-9]{1,16}(d|h|m|s|ms)", fullmatch=True)
BODIES = st.dictionaries(st.sampled_from(NAMES), JSON | MOMENTS | DURATIONS, max_size=6)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    path = tmp_path_factory.mktemp("any") / "web.db"
    one = Setting(stores.on_file(path))
    yield one
    one.database.close()


@pytest.mark.parametrize("path", WRITING)
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES | JSON)
def test_any_json_is_taken_or_refused_and_breaks_nothing(setting: Setting, path: str, body: object) -> None:
    answer = setting.admin.post(
        f"/api/v1/{path}", content=json.dumps(body), headers={"content-type": "application/json"}
    )

    assert answer.status_code < 500, answer.text
    answer.json()


@pytest.mark.parametrize("path", WRITING)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"null",
        b"[" * 100_000,
        b'{"rate": NaN, "comment": Infinity}',
        b'{"rate": ' + b"9" * 5000 + b"}",
        b'{"comment": "\\ud800", "\\udfff": 1}',
        json.dumps({f"key {number}": number for number in range(5000)}).encode(),
    ],
    ids=["empty", "no UTF-8", "cut short", "null", "deep", "no numbers", "huge", "surrogates", "many"],
)
def test_what_is_no_request_is_refused(setting: Setting, path: str, body: bytes) -> None:
    answer = setting.admin.post(f"/api/v1/{path}", content=body, headers={"content-type": "application/json"})

    assert answer.status_code < 500, answer.text
    assert len(answer.content) < 20_000


@pytest.mark.parametrize(
    "path", ["silences/{}", "deliveries/{}", "endpoints/{}", "events/{}", "events?after={}", "commands/{}"]
)
@pytest.mark.parametrize(
    "odd", ["%00", "%ff", "%ed%a0%80", "x" * 3000, "9" * 30, "..%2f..", "%0d%0aa:b", "'"]
)
def test_any_name_is_known_or_not(setting: Setting, path: str, odd: str) -> None:
    answer = setting.client.get(f"/api/v1/{path.format(odd)}")

    assert answer.status_code in (400, 404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_whatever_is_asked_for_is_refused_in_our_words(setting: Setting) -> None:
    operations = [
        (method, path, parameter)
        for path, methods in setting.anybody.get("/openapi.json").json()["paths"].items()
        for method, route in methods.items()
        for parameter in route.get("parameters", ())
    ]
    refused = []
    for method, path, parameter in operations:
        name, place = parameter["name"], parameter["in"]
        for odd in ("", "x", "-1", "0.5", "1e400", "9" * 30, "9" * 5000, "x" * 3000, "\0", "2026-01-01"):
            asked = quote(odd, safe="") or "%20" if place == "path" else "0"
            answer = setting.admin.request(
                method,
                re.sub(r"\{\w+\}", asked, path),
                params={name: odd} if place == "query" else None,
            )
            if answer.headers["content-type"] == MEDIA_TYPE:
                refused += [(path, name, one["reason"]) for one in answer.json().get("faults", [])]

    assert not [one for one in refused if one[2] == WITHOUT_WORDS or one[2].startswith("Input should")]
    assert {"limit", "before", "all", "dry_run", "delivery_id"} <= {name for _, name, _ in refused}


def test_a_fault_names_the_path_of_its_field_and_shows_no_value(setting: Setting) -> None:
    body = {"subject": ["0773137770:password"], "comment": {"a": "wh" + "sec_secret"}, "for": "whsec_secret"}

    answer = setting.admin.post("/api/v1/silences", json=body)

    assert {one["name"] for one in answer.json()["faults"]} == {"subject", "comment", "for"}
    assert "password" not in answer.text
    assert "secret" not in answer.text


def test_a_body_that_is_no_json_is_said_to_be_so(setting: Setting) -> None:
    answer = setting.admin.post(
        "/api/v1/silences", content=b"{'a'", headers={"content-type": "application/json"}
    )

    (fault,) = answer.json()["faults"]
    assert (answer.status_code, fault["name"]) == (422, "body")
    assert fault["reason"].startswith("is not JSON: ")
