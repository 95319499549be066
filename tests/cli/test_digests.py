"""`yemotd digests` and what `check` says of them: from the store, with what is not there said."""

import json
from pathlib import Path

import pytest

from daemon.store import database as databases
from tests.cli.conftest import Call
from tests.support.config_files import SYSTEM, WEBHOOK

DIGEST = '[[digests]]\nname = "המשרד"\nto = ["crm"]\nat = "18:00"\nlanguage = "he"\n'
EXPECTED = (
    '[systems.sms]\n[[systems.expectations]]\ntype = "sms.received"\nwithin = "2h"\nname = "messages"\n'
)


@pytest.fixture
def office(call: Call) -> Call:
    Path("config.toml").write_text(SYSTEM + EXPECTED + WEBHOOK + DIGEST, encoding="utf-8")
    databases.open_for_daemon("sqlite:///yemotd.db").close()
    return call


def test_they_are_listed(office: Call) -> None:
    code, out, _ = office("digests", "list", "--json")
    (digest,) = map(json.loads, out.splitlines())
    assert code == 0
    assert (digest["name"], digest["to"], digest["told_until"]) == ("המשרד", ["crm"], None)
    assert "next" in office("digests", "list")[1]


def test_a_preview_is_a_mail_in_either_language(office: Call) -> None:
    code, out, err = office("digests", "preview", "המשרד")
    assert (code, err) == (0, "")
    assert "סיכום יומי" in out
    assert "Daily digest" in office("digests", "preview", "המשרד", "--language", "en")[1]
    assert len(out.splitlines()) > 3
    assert "U+" not in out + office("digests", "preview", "המשרד", "--html")[1]
    assert "<html" in office("digests", "preview", "המשרד", "--html")[1]
    said = json.loads(office("digests", "preview", "המשרד", "--json")[1])
    assert said["digest"]["systems"][0]["sms"] == 0
    # Nobody has watched yet, and it says so.
    assert said["digest"]["systems"][0]["unseen_seconds"] > 0


def test_one_that_there_is_not_is_said(office: Call) -> None:
    code, _, err = office("digests", "preview", "המשרדים")
    assert code != 0
    assert 'did you mean "המשרד"?' in err


def test_check_says_what_is_expected_and_when_a_digest_comes(office: Call) -> None:
    code, out, _ = office("check")
    assert code == 0
    assert "expects messages: sms.received within 2h, as seen by sms" in out
    assert "המשרד: of a day, to crm; next" in out
    document = json.loads(office("check", "--json")[1])
    assert document["systems"][0]["expectations"][0]["watches"] == ["sms"]
    assert document["digests"][0]["to"] == ["crm"]
