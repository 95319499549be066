"""The receivers of `docs/receivers/`, run as printed: what is genuine is kept once, and nothing else is."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Secret
from daemon.core.webhooks.signing import hmac_signer
from daemon.host.clock import utcnow
from daemon.senders import ed25519
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support import process
from tests.support.fakes import Received
from tests.support.parts import program
from tests.support.receiving import PAGES, WAYS, Running, Way, printed, running
from tests.support.signing import (
    BODIES,
    FOREIGN,
    OLD,
    SECRET,
    SIGN,
    SIGN_OLD,
    deliver,
    sent,
    signed,
    tampered,
)

EACH = [pytest.param(way, id=name, marks=pytest.mark.needs(*way.needs)) for name, way in WAYS.items()]
BODY = BODIES["Hebrew"]
KEPT = {"evt_1.json": BODY}
RECEIVE, SEND = printed("shell", "bash")

pytestmark = pytest.mark.slow


def refused(request: Received) -> dict[str, Received]:
    """What must not be taken, by what is wrong with it."""
    unsigned = {name: value for name, value in request.headers.items() if name != "webhook-signature"}
    return {
        **tampered(request),
        "earlier": signed(SIGN, seconds=-600, body=BODY),
        "to come": signed(SIGN, seconds=600, body=BODY),
        "unsigned": Received(unsigned, request.body),
        "a path": signed(SIGN, name="../evt_1", body=BODY),
        "another secret": sent(SIGN_OLD, body=BODY),
    }


@pytest.mark.parametrize("way", EACH)
def test_it_takes_what_is_genuine_once_and_nothing_else(way: Way, tmp_path: Path) -> None:
    request = sent(SIGN_OLD, SIGN, ed25519.signer(Secret(ed25519.generate())), body=BODY)
    wrong = refused(request)

    with running(way, tmp_path, SECRET.value) as receiver:
        assert {name: receiver.post(one) for name, one in wrong.items()} == dict.fromkeys(wrong, 401)
        with receiver.without_inbox():
            assert receiver.post(request) == 500
        assert [*tmp_path.glob("**/evt_*")] == []

        with ThreadPoolExecutor(4) as pool:
            assert [*pool.map(receiver.post, [request] * 8)] == [204] * 8
        assert deliver(receiver.url, SIGN_OLD, SIGN, body=BODY) == [Outcome.ACCEPTED]
        assert receiver.inbox() == KEPT
        assert_told_once(receiver)


def assert_told_once(receiver: Running) -> None:
    receiver.hear("evt_1")
    assert sum("evt_1" in line for line in receiver.said) == 1


@pytest.mark.needs("python3")
def test_what_the_daemon_sends_is_taken(tmp_path: Path) -> None:
    system = SimulatedSystem("0770000000", now=utcnow)
    system.receive_sms("0501112222", "שלום")
    configuration = process.CONFIGURATION.replace("limit = 10", 'limit = 10\ninitial = "emit"')
    (tmp_path / "receiver").mkdir()
    (tmp_path / "daemon").mkdir()
    with (
        Simulator({process.TOKEN: system}, now=utcnow) as simulator,
        running(WAYS["Python"], tmp_path / "receiver", process.SECRET) as receiver,
    ):
        places = {"base_url": simulator.base_url, "webhook_url": receiver.url}
        daemon = process.Process(tmp_path / "daemon", configuration, **places).start()
        receiver.hear("sms.received")
        daemon.stop()

    events = [json.loads(body) for body in receiver.inbox().values()]
    assert [one["data"]["sms"]["text"] for one in events if one["type"] == "sms.received"] == ["שלום"]


class Shell:
    """The scripts of the page, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in (("receive.sh", RECEIVE), ("send.sh", SEND)):
            (folder / name).write_text(text, encoding="utf-8")
        self.secret(SECRET)

    def secret(self, one: Secret) -> None:
        (self.folder / "crm-secret").write_text(f"{one.value}\n", encoding="ascii")

    def receive(self, request: Received, *words: str) -> tuple[int, str]:
        """Its exit code, and what it prints."""
        (self.folder / "body").write_bytes(request.body)
        lines = [f"{name.title()}: {value}\r\n" for name, value in request.headers.items()]
        (self.folder / "headers").write_text("".join(lines), encoding="utf-8")
        return self.run("receive.sh", "body", "headers", *words)

    def run(self, *words: str) -> tuple[int, str]:
        ended = subprocess.run(
            [program("bash"), *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return ended.returncode, ended.stdout


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.mark.needs("bash", "openssl")
def test_the_shell_does_so_too(shell: Shell) -> None:
    request = sent(SIGN_OLD, SIGN, ed25519.signer(Secret(ed25519.generate())), body=BODY)
    wrong = refused(request)

    assert {name: shell.receive(one) for name, one in wrong.items()} == dict.fromkeys(wrong, (1, ""))
    assert [*shell.folder.glob("**/evt_*")] == []

    (shell.folder / "inbox").write_text("not a folder")
    assert shell.receive(request) == (2, "")
    (shell.folder / "inbox").unlink()
    assert shell.receive(request) == (0, "new evt_1\n")
    assert shell.receive(request) == (0, "")
    assert {one.name: one.read_bytes() for one in (shell.folder / "inbox").iterdir()} == KEPT


@pytest.mark.needs("bash", "openssl")
def test_the_shell_takes_what_came_earlier_as_of_then(shell: Shell) -> None:
    request = signed(SIGN, seconds=-3600)
    at = int(request.headers["webhook-timestamp"])

    for off in (301, -301):
        assert shell.receive(request, str(at + off)) == (1, "")
    assert shell.receive(request, str(at + 299)) == (0, "new evt_1\n")


@pytest.mark.needs("bash", "openssl")
@pytest.mark.parametrize("secret", [OLD, FOREIGN], ids=["of 64 bytes", "of 28"])
def test_keys_of_every_length_are_taken(shell: Shell, secret: Secret) -> None:
    shell.secret(secret)
    assert shell.receive(sent(hmac_signer(secret))) == (0, "new evt_1\n")


@pytest.mark.needs("bash", "openssl", "curl", "python3")
def test_what_the_shell_signs_is_taken(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    (tmp_path / "body.json").write_bytes(BODY)
    with running(WAYS["Python"], tmp_path, SECRET.value) as receiver:
        shell.secret(FOREIGN)
        assert shell.run("send.sh", "body.json", receiver.url) == (0, "401\n")
        shell.secret(SECRET)
        for _ in range(2):
            assert shell.run("send.sh", "body.json", receiver.url, "evt_2") == (0, "204\n")
        assert receiver.inbox() == {"evt_2.json": BODY}


def test_the_flow_of_node_red_has_the_function_that_is_shown() -> None:
    (shown,), (flow,) = printed("node-red", "js"), printed("node-red", "json")
    (function,) = (one["func"] for one in json.loads(flow) if one["type"] == "function")

    assert function == shown.removesuffix("\n")


@pytest.mark.needs("go")
def test_what_is_printed_in_go_is_formatted(tmp_path: Path) -> None:
    (source,) = printed("go", "go")
    path = tmp_path / "receive.go"
    path.write_text(source, encoding="utf-8")
    formatter = Path(program("go")).resolve().with_name("gofmt")
    said = subprocess.run([formatter, "-l", path], capture_output=True, text=True, timeout=60, check=True)

    assert said.stdout == ""


def test_every_page_is_in_the_table() -> None:
    table = (PAGES / "README.md").read_text(encoding="utf-8")
    pages = {one.name for one in PAGES.glob("*.md")} - {"README.md"}

    assert set(re.findall(r"^\| \[.*?\]\(([\w-]+\.md)\)", table, re.MULTILINE)) == pages
