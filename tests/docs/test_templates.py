"""`docs/templates.md`, taken at its word: its examples are sent, its lists and figures are the code's."""

import json
import re
from datetime import UTC
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from daemon.config.load import Loaded, load
from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.core.templates.budget import MOST_OUTPUT, MOST_TURNS
from daemon.core.templates.source import MOST_BYTES, parsed
from daemon.host import clock
from daemon.senders.templating.language import METHODS
from daemon.senders.templating.operations import TESTS
from daemon.senders.templating.sandbox import Sandbox
from daemon.senders.templating.template import NAMES
from daemon.store.template_versions import MOST_VERSIONS
from daemon.wiring.senders import Outgoing
from tests.docs.test_docs import blocks
from tests.support.attempts import message
from tests.support.bad_receiver import PATIENCE
from tests.support.config_files import ENVIRON, QUIET, SMS, SYSTEM, written
from tests.support.event_examples import example
from tests.support.fakes import Received, Receiver
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "templates.md").read_text(encoding="utf-8")
SETTINGS, FILES = blocks(PAGE, "toml"), blocks(PAGE, "template")
PASSWORD = "hunter2222"


def configured(folder: Path, number: int, url: str) -> Loaded:
    (file,) = re.findall(r'^\w+ = "(\w+\.txt)"$', SETTINGS[number], re.MULTILINE)
    (folder / file).write_text(FILES[number], encoding="utf-8")
    (folder / "gateway-password").write_text(PASSWORD + "\n", encoding="utf-8")
    (folder / "gateway-password").chmod(0o600)
    text = re.sub(r"https://[a-z.]+\.example\.org/[a-z/]+", url, SETTINGS[number])
    return load(written(folder, QUIET + SYSTEM + SMS + text), ENVIRON)


def sent(folder: Path, number: int, event_type: str) -> Received:
    """What a receiver gets by an example of the page."""
    with Receiver() as receiver:
        out = Outgoing(configured(folder, number, receiver.url).config)
        (endpoint,) = out.senders.by_endpoint
        body = json.dumps(example(event_type), ensure_ascii=False).encode()
        out.senders.start(message(endpoint, body=body))
        ended: list[Attempted] = []
        deadline = clock.monotonic() + PATIENCE
        while not ended:
            assert clock.monotonic() < deadline
            ended = out.senders.finished(1)
        out.senders.close()
        assert ended[0].outcome is Outcome.ACCEPTED, ended
        (got,) = receiver.received
        return got


def test_the_chat_gets_json(tmp_path: Path) -> None:
    got = sent(tmp_path, 0, "sms.received")
    text = json.loads(got.body)["text"]

    assert got.headers["content-type"] == "application/json"
    assert "(main)\n" in text
    assert "קוד האימות שלך הוא 482913" in text


def test_the_gateway_gets_a_form(tmp_path: Path) -> None:
    got = sent(tmp_path, 1, "sip.account.unregistered")
    fields = parse_qsl(got.body.decode("ascii"), strict_parsing=True)

    assert [name for name, _ in fields] == ["username", "password", "to", "message"]
    assert dict(fields) | {"message": ""} == {
        "username": "office",
        "password": PASSWORD,
        "to": "0541234567",
        "message": "",
    }
    assert "0773137770" in dict(fields)["message"]
    assert "webhook-signature" not in got.headers


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_nothing_is_odd_about_an_example(tmp_path: Path, number: int) -> None:
    assert configured(tmp_path, number, "http://127.0.0.1:9/x").warnings == ()


def test_the_lists_are_whole() -> None:
    section = PAGE.partition("## What a template may say")[2]
    told = [
        set(re.findall(r"`([a-z]+)`", one.partition(": ")[2].partition("`. `")[0] + "`"))
        for one in section.split("\n- ")[1:4]
    ]

    assert told[0] == {one for one in Sandbox(UTC, "en").filters if not one.startswith("_")}
    assert told[1] == set(TESTS)
    assert told[2] & METHODS == METHODS
    found = PAGE.partition("## What a template finds")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z]+)`", "".join(re.findall(r"^\| (`.*?) \|", found, re.MULTILINE)))) == set(
        NAMES
    )


def test_the_figures_are_the_code_s() -> None:
    assert f"at most {MOST_BYTES // 1024} KiB, its loops turn at most {MOST_TURNS:,} times" in PAGE
    assert f"a body has at most {MOST_OUTPUT // 1024} KiB" in PAGE
    assert f"The last {MOST_VERSIONS} versions" in PAGE


def test_every_content_type_of_the_page_is_taken() -> None:
    section = PAGE.partition("## How values are written")[2].partition("\n## ")[0]
    types = re.findall(r"`([a-z]+/[a-z-]+)`", section)

    assert len(types) == 6
    for one in types:
        parsed(f"content-type: {one}\n\nx")
