"""Endpoints that are kept in the store, over HTTP: what may be said, who may, which secret is shown once."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from daemon.app.subscribed import NO_TEMPLATE, OTHER_KEY, UNFIT, Vault, look
from daemon.config.kept_endpoints import KeptWebhook, Opened
from daemon.config.settings import Config, Http
from daemon.config.templates import TemplateSettings
from daemon.config.webhooks import Webhook
from daemon.core.model import Secret
from daemon.core.rendering.formats import Format
from daemon.host.key_file import Key
from daemon.schemas.endpoint_requests import MOST, OF_THE_FILE, OURS, TAKEN
from daemon.store import kept_endpoints
from tests.support import stores
from tests.support.config_files import SIGNING
from tests.support.http_app import COMMANDER, MAIN, READER, Setting

N8N: dict[str, Any] = {"name": "n8n", "url": "https://n8n.example.org/hook/a-Very-Secret-Path-1234567"}
PLACES = {"ntfy": "https://ntfy.example.org/office"}
REFUSED = {
    *("secret", "signing_key", "allow", "ca_file", "certificate", "key", "proxy"),
    *("secret_file", "secret_credential", "secret_env", "signing_key_file", "url_file", "url_env"),
    *("token", "token_file", "token_credential", "token_env", "chat_id", "topic"),
}
OF_FILE = Webhook(name="crm", url="https://crm.example.org", secrets=(Secret(SIGNING),))


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    database = stores.on_file(tmp_path / "web.db")
    yield Setting(database, interests=[])
    database.close()


def add(setting: Setting, **body: Any) -> dict[str, Any]:
    answer = setting.admin.post("/api/v1/endpoints", json={**N8N, **body})
    assert answer.status_code == 201, answer.json()
    found: dict[str, Any] = answer.json()
    return found


def faults(setting: Setting, **body: Any) -> dict[str, str]:
    answer = setting.admin.post("/api/v1/endpoints", json={**N8N, **body})
    assert answer.status_code == 422, answer.json()
    return {one["name"]: one["reason"] for one in answer.json()["faults"]}


def kept(setting: Setting) -> dict[str, KeptWebhook]:
    return {one.name: one for one in setting.subscribed().endpoints}


def signs(setting: Setting, name: str = "n8n") -> list[str]:
    return [one.value for one in kept(setting)[name].secrets]


def test_one_is_added_with_a_secret_that_is_shown_once_changed_and_taken_away(setting: Setting) -> None:
    made = add(setting, events=["sms.*"])
    assert made["secret"].startswith("whsec_")
    assert signs(setting) == [made["secret"]]
    assert (made["host"], made["settings"]) == ("n8n.example.org", {"events": ["sms.*"]})
    (listed,) = setting.client.get("/api/v1/endpoints").json()["endpoints"]
    assert (listed["name"], listed["source"], listed["fault"]) == ("n8n", "store", None)

    changed = setting.admin.patch("/api/v1/endpoints/n8n", json={"events": None, "systems": ["main"]})
    assert (changed.status_code, changed.json()["settings"]) == (200, {"systems": ["main"]})
    assert "secret" not in changed.json()
    assert setting.admin.get("/api/v1/endpoints/n8n/settings").json() == changed.json()

    assert setting.admin.delete("/api/v1/endpoints/n8n").status_code == 200
    assert kept(setting) == {}
    assert setting.admin.delete("/api/v1/endpoints/n8n").status_code == 404


def test_nothing_of_it_is_in_clear_in_the_store_nor_shown_again(setting: Setting, tmp_path: Path) -> None:
    made = add(setting, headers={"Authorization": "Bearer of-a-credential-9876"})
    shown = setting.client.get("/api/v1/endpoints/n8n/settings").text
    shown += setting.client.get("/api/v1/endpoints").text
    setting.database.close()
    stored = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    for secret in (made["secret"], "a-Very-Secret-Path-1234567", "of-a-credential-9876"):
        assert secret.encode() not in stored
        assert secret not in shown
    assert base64.b64decode(made["secret"].removeprefix("whsec_")) not in stored


@pytest.mark.parametrize("key", sorted(REFUSED))
def test_no_key_names_a_file_a_variable_a_credential_or_a_way_inside(setting: Setting, key: str) -> None:
    assert faults(setting, **{key: "/etc/passwd"})[key] in (OF_THE_FILE, OURS)


def test_no_header_stands_in_a_file(setting: Setting) -> None:
    wrong = faults(setting, headers={"Authorization_file": "/etc/shadow"}, values={"key_env": "HOME"})
    assert wrong["headers.Authorization_file"] == wrong["values.key_env"] == OF_THE_FILE


@pytest.mark.parametrize("url", ["syslog://", "json://127.0.0.1:9/x", "https://n8n.example.org/", "crm"])
def test_apprise_which_goes_where_it_likes_is_of_the_file_alone(
    setting: Setting, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not even asked whether it knows the URL."""
    monkeypatch.setattr("daemon.senders.notify.fault", lambda _url: pytest.fail("it was asked"))
    assert OF_THE_FILE in faults(setting, url=url, format="apprise", max_in_flight=0)["format"]
    add(setting)
    answer = setting.admin.patch("/api/v1/endpoints/n8n", json={"url": url, "format": "apprise"})
    assert (answer.status_code, "format" in answer.json()["detail"]) == (422, True)
    assert kept(setting)["n8n"].format is Format.STANDARD


def test_what_was_kept_for_apprise_all_the_same_is_not_used(setting: Setting) -> None:
    with setting.database.write() as db:
        now, content = setting.now(), Opened({**N8N, "url": "syslog://", "format": "apprise"}, (SIGNING,))
        sealed = Vault(setting.key).sealed("n8n", content)
        kept_endpoints.put(db, kept_endpoints.Kept("n8n", sealed, "admin", now, now))
    assert (kept(setting), setting.subscribed().faults) == ({}, {"n8n": UNFIT})


@pytest.mark.parametrize("form", sorted(one.value for one in Format))
def test_every_format_that_goes_by_the_guard_and_needs_no_token_may_be_given(
    setting: Setting, form: str
) -> None:
    wire = Format(form).wire
    answer = setting.admin.post(
        "/api/v1/endpoints", json={**N8N, "url": PLACES.get(form, N8N["url"]), "format": form}
    )
    assert (answer.status_code == 201) is (wire.is_http and "token" not in wire.needs), answer.json()


def test_a_template_is_one_of_the_file_and_where_that_goes_nothing_is_sent(setting: Setting) -> None:
    setting.config = Config(
        systems=(MAIN,), templates=TemplateSettings(texts={"mine": "content-type: application/json\n\n{}"})
    )
    assert "mine" in faults(setting, template="mein")["template"]
    add(setting, template="mine", events=["sms.received"])
    assert kept(setting)["n8n"].template == "mine"
    setting.config = Config(systems=(MAIN,))
    assert (kept(setting), setting.subscribed().faults) == ({}, {"n8n": NO_TEMPLATE})
    (listed,) = setting.client.get("/api/v1/endpoints").json()["endpoints"]
    assert listed["fault"] == NO_TEMPLATE


def test_of_every_key_of_a_webhook_it_is_known_whether_it_may_be_given() -> None:
    fields = {str(one.validation_alias or name) for name, one in Webhook.model_fields.items()}
    assert fields <= {*TAKEN, *REFUSED}


def test_all_that_is_wrong_is_said_at_once(setting: Setting) -> None:
    wrong = faults(
        setting,
        name="-",
        url="ftp://n8n.example.org",
        event=["sms.*"],
        systems=["mian"],
        filters=[{"field": "sms.from", "is": ""}],
        max_in_flight=0,
        proxy="http://10.0.0.1",
        quiet=["nights"],
    )
    named = {"name", "url", "event", "systems.0", "filters.0.is", "max_in_flight", "proxy"}
    assert named <= wrong.keys()
    assert "events" in wrong["event"]
    assert any(one.startswith("quiet") for one in wrong)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://[::1]/",
        "http://localhost:8470/",
        "http://x.localhost/",
        "http://10.0.0.5/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:10.0.0.5]/",
        "http://[fe80::1]/",
        "http://[2002:7f00:1::]/",
    ],
)
def test_an_address_inside_is_refused_at_once_unless_the_file_permits_it(setting: Setting, url: str) -> None:
    assert "endpoints_allow" in faults(setting, url=url)["url"]
    everywhere = tuple(map(ip_network, ("0.0.0.0/0", "::/0")))
    setting.config = Config(systems=(MAIN,), http=Http(endpoints_allow=everywhere))
    add(setting, url=url)
    assert kept(setting)["n8n"].allow == everywhere


def test_the_secret_before_signs_until_its_time_is_over(setting: Setting) -> None:
    first = add(setting)["secret"]
    rotated = setting.admin.post("/api/v1/endpoints/n8n/rotate", json={"overlap": "2h"}).json()
    assert signs(setting) == [rotated["secret"], first]
    assert setting.admin.post("/api/v1/endpoints/n8n/rotate", json={}).status_code == 409

    at = setting.now() + timedelta(hours=2)
    with setting.database.read() as db:
        (one,) = look(db, Vault(setting.key), setting.config, lambda: at).endpoints
    assert [each.value for each in one.secrets] == [rotated["secret"]]

    last = setting.admin.post("/api/v1/endpoints/n8n/rotate", json={"overlap": "0s"}).json()
    assert (signs(setting), last["overlap_until"]) == ([last["secret"]], None)
    assert setting.admin.post("/api/v1/endpoints/n8n/rotate", json={"overlap": "31d"}).status_code == 422


def test_without_a_key_file_that_stays_nothing_is_kept(tmp_path: Path) -> None:
    for key in (None, Key(bytes(range(40)), is_kept=False)):
        one = Setting(stores.on_file(tmp_path / f"{key is None}.db"), key=key)
        answer = one.admin.post("/api/v1/endpoints", json=N8N)
        assert (answer.status_code, "key_file" in answer.json()["detail"]) == (409, True)
        one.database.close()


def test_under_another_key_file_it_is_said_and_it_can_be_taken_away(setting: Setting) -> None:
    add(setting)
    other = Setting(setting.database, key=Key(bytes(range(1, 41)), is_kept=True), interests=[])
    (listed,) = other.client.get("/api/v1/endpoints").json()["endpoints"]
    assert (listed["source"], listed["fault"]) == ("store", OTHER_KEY)
    assert other.admin.patch("/api/v1/endpoints/n8n", json={}).status_code == 409
    assert other.admin.delete("/api/v1/endpoints/n8n").status_code == 200


def test_what_is_sealed_for_one_name_opens_under_no_other(setting: Setting) -> None:
    add(setting)
    with setting.database.write() as db:
        (row,) = kept_endpoints.load(db)
        kept_endpoints.put(db, replace(row, name="stolen"))
    assert setting.subscribed().faults == {"stolen": OTHER_KEY}


def test_the_same_key_with_the_same_content_is_the_same_endpoint(setting: Setting) -> None:
    key = {"idempotency-key": "once"}
    first = setting.admin.post("/api/v1/endpoints", json=N8N, headers=key)
    again = setting.admin.post("/api/v1/endpoints", json=N8N, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (again.json()["name"], again.json()["secret"]) == ("n8n", None)
    assert again.headers["idempotency-replayed"] == "true"
    other = setting.admin.post("/api/v1/endpoints", json={**N8N, "name": "x"}, headers=key)
    assert other.status_code == 422
    assert setting.admin.post("/api/v1/endpoints", json=N8N).status_code == 409


def test_a_name_of_the_file_is_refused_and_where_the_file_takes_it_later_the_file_counts(
    setting: Setting,
) -> None:
    setting.config = Config(systems=(MAIN,), webhooks=(OF_FILE,))
    assert "file" in faults(setting, name="crm")["name"]
    assert setting.admin.delete("/api/v1/endpoints/crm").status_code == 409
    add(setting)
    setting.config = Config(systems=(MAIN,), webhooks=(OF_FILE.model_copy(update={"name": "n8n"}),))
    found = setting.client.get("/api/v1/endpoints/n8n")
    assert found.json()["source"] == "file"
    assert setting.client.get("/api/v1/endpoints/n8n/settings").json()["is_hidden"]
    assert setting.admin.patch("/api/v1/endpoints/n8n", json={}).status_code == 409
    assert setting.admin.delete("/api/v1/endpoints/n8n").status_code == 200


def test_a_window_that_the_file_has_no_more_mutes_nobody_and_is_told(setting: Setting) -> None:
    nights = {"name": "nights", "from": "22:00", "to": "07:00"}
    setting.config = Config.model_validate({"systems": (MAIN,), "windows": [nights]})
    add(setting, quiet=["nights"])
    assert len(kept(setting)["n8n"].quiet) == 1
    setting.config = Config(systems=(MAIN,))
    assert kept(setting)["n8n"].quiet == ()
    assert "windows" in setting.subscribed().faults["n8n"]


@pytest.mark.parametrize("key", ["", "languge", "secret", "proxy"])
def test_a_key_that_may_not_be_given_may_not_be_taken_back(setting: Setting, key: str) -> None:
    add(setting)
    answer = setting.admin.patch("/api/v1/endpoints/n8n", json={key: None, "language": "he"})

    assert answer.status_code == 422
    assert key in [one["name"] for one in answer.json()["faults"]]
    assert kept(setting)["n8n"].language == "en"


@pytest.mark.parametrize(
    "name", ["a%0Db", "%0D", "%0A", "a%0A", "%0Ab", "a%1Fb", "a%C2%85b", "a%2Fb", "%2F", ""]
)
def test_a_name_of_signs_that_no_name_has_is_none_that_is_there(setting: Setting, name: str) -> None:
    path = f"/api/v1/endpoints/{name}"
    assert setting.admin.patch(path, json={"language": "he"}).status_code in (404, 422)
    assert setting.admin.delete(path).status_code in (404, 422)


def test_only_an_admin_may_and_there_are_a_hundred_at_most(setting: Setting) -> None:
    for one in (READER, COMMANDER):
        client = setting.holder(one)
        assert client.post("/api/v1/endpoints", json=N8N).status_code == 403
        assert client.patch("/api/v1/endpoints/n8n", json={}).status_code == 403
        assert client.post("/api/v1/endpoints/n8n/rotate", json={}).status_code == 403
        assert client.delete("/api/v1/endpoints/n8n").status_code == 403
    with setting.database.write() as db:
        content = Vault(setting.key)
        now = setting.now()
        for number in range(MOST):
            name = f"e{number}"
            sealed = content.sealed(name, Opened({**N8N, "name": name}, (SIGNING,)))
            kept_endpoints.put(db, kept_endpoints.Kept(name, sealed, "admin", now, now))
    assert setting.admin.post("/api/v1/endpoints", json=N8N).status_code == 409
    assert len(kept(setting)) == MOST
