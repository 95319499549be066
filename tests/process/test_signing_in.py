"""The door of the real daemon: what outlasts a restart, a kill and a reload."""

import re
import signal
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.process import HTTP_TOKEN, Process

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9/"
HTML = {"accept": "text/html", "sec-fetch-site": "same-origin"}


class Browser:
    """What a browser sends to the daemon, wherever that listens by now."""

    def __init__(self, daemon: Process) -> None:
        self.daemon = daemon
        self.cookie = ""

    def ask(
        self, method: str, path: str, fields: dict[str, str] | None = None, *, host: str = "localhost"
    ) -> HTTPResponse:
        ready = [line for line in self.daemon.lines if line.get("event") == "daemon.ready"][-1]
        sent: dict[str, str] = {**HTML, "cookie": self.cookie, "host": host}
        connection = HTTPConnection("127.0.0.1", ready["http_port"], timeout=15)
        if fields is not None:
            sent["content-type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, urlencode(fields) if fields is not None else None, sent)
        answer = connection.getresponse()
        self.text = answer.read().decode()
        connection.close()
        return answer

    def sign_in(self) -> None:
        entered = self.ask("POST", "/sign-in", {"token": HTTP_TOKEN})
        assert entered.status == 303, self.text
        self.cookie = str(entered.headers["set-cookie"]).partition(";")[0]

    def sign_out(self) -> HTTPResponse:
        self.ask("GET", "/")
        (csrf, *_) = re.findall(r'name="csrf" value="([^"]+)"', self.text)
        return self.ask("POST", "/sign-out", {"csrf": csrf})

    def is_in(self) -> bool:
        return self.ask("GET", "/").status == 200 and self.ask("GET", "/api/v1/status").status == 200


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Process]:
    one = Process(tmp_path, base_url=NOWHERE, webhook_url=NOWHERE)
    yield one
    one.stop()


def test_a_session_outlasts_a_restart_and_its_end_a_kill(daemon: Process, tmp_path: Path) -> None:
    one, other = Browser(daemon.start()), Browser(daemon)
    one.sign_in()
    other.sign_in()
    daemon.stop()
    daemon.start()
    assert one.is_in()

    assert one.sign_out().headers["clear-site-data"] == '"cache", "storage"'
    daemon.kill()
    daemon.start()

    assert not one.is_in()
    assert other.is_in()
    daemon.stop()
    (tmp_path / "yemotd.key").unlink()
    daemon.start()
    assert not other.is_in()
    assert daemon.count("key_file.made") == 2
    content = (tmp_path / "yemotd.key").read_bytes().strip()
    assert [path for path in tmp_path.glob("yemotd.db*") if content in path.read_bytes()] == []
    assert HTTP_TOKEN not in str(daemon.lines)


def test_the_names_of_a_reload_count_at_once_and_another_key_at_the_next_start(
    daemon: Process, tmp_path: Path
) -> None:
    one, before = Browser(daemon.start()), (tmp_path / "config.toml").read_text()
    named = "phones.example.org"
    assert one.ask("GET", "/sign-in", host=named).status == 421
    assert "Set [http] url" in one.text.replace("&#34;", '"')

    url = '[http]\nurl = "https://Phones.Example.org:8443/y"\n'
    changed = before.replace("[http]\n", url).replace("[daemon]\n", '[daemon]\nkey_file = "other.key"\n')
    (tmp_path / "config.toml").write_text(changed)
    daemon.signal(signal.SIGHUP)
    daemon.wait_for("config.reloaded")

    assert one.ask("GET", "/sign-in", host=named).status == 200
    assert one.ask("GET", "/sign-in", host="evil.example").status == 421
    assert daemon.wait_for("config.needs_restart")["setting"] == "[daemon] key_file"
    assert not (tmp_path / "other.key").exists()


def test_where_no_key_can_be_kept_it_runs_and_says_so(daemon: Process, tmp_path: Path) -> None:
    text = (tmp_path / "config.toml").read_text()
    (tmp_path / "config.toml").write_text(text.replace("[daemon]\n", '[daemon]\nkey_file = "/proc/y.key"\n'))
    one = Browser(daemon.start())
    one.sign_in()
    assert one.is_in()
    assert daemon.wait_for("key_file.not_made")["path"] == "/proc/y.key"

    daemon.stop()
    daemon.start()

    assert not one.is_in()
