"""`yemotd init` at a real terminal, against the simulator, a receiver and a mail server on loopback."""

import json
import os
import signal
import socket
import stat
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from daemon.core.model import Secret
from daemon.core.webhooks.signing import signature
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.gateway import api_key, switch_id
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.certificates import Authority, server_side
from tests.support.fakes import Receiver, answer
from tests.support.process import free_port, run_cli
from tests.support.smtp import MailServer
from tests.support.terminal import CONTROL, TerminalSession

pytestmark = pytest.mark.slow

TOKEN = "0773137770:secret-of-the-system"
WRONG = "0773137770:not-that"
HEBREW = "מכירות"


@pytest.fixture
def system() -> SimulatedSystem:
    found = SimulatedSystem("0773137770", now=utcnow)
    found.add_sip_account("0773137770")
    found.add_sip_account("0773137770=2", registered=False)
    found.set_extension("/5", "queue", HEBREW)
    found.set_extension("/2", "record", "הודעות")
    found.set_extension("/7", None)
    found.receive_sms("0541234567", "שלום")
    return found


@pytest.fixture
def simulator(system: SimulatedSystem) -> Iterator[Simulator]:
    with Simulator({TOKEN: system}, now=utcnow) as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as one:
        yield one


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as one:
        yield one


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files(directory: Path) -> set[str]:
    return {str(one.relative_to(directory)) for one in directory.rglob("*") if one.is_file()}


def document(directory: Path) -> dict[str, Any]:
    return tomllib.loads((directory / "config.toml").read_text(encoding="utf-8"))


def start(directory: Path, simulator: Simulator, *words: str, columns: int = 60) -> TerminalSession:
    return TerminalSession(directory, "init", "--base-url", simulator.base_url, *words, columns=columns)


def take_everything_proposed(at: TerminalSession, token: str = TOKEN) -> None:
    """Up to the question whether the files are to be written."""
    at.answer("Where shall it stand?", "")
    at.answer("Token", token, is_hidden=True)
    at.answer("be called?", "")
    at.answer("Watch this?", "")
    at.answer("Its URL", "")
    at.answer("Mail server", "")
    at.answer("Where it listens", "127.0.0.1:0")
    at.answer("A token to sign in", "", is_hidden=True)


def test_enter_takes_what_is_proposed(tmp_path: Path, simulator: Simulator, system: SimulatedSystem) -> None:
    with start(tmp_path, simulator) as at:
        take_everything_proposed(at)
        at.answer("Write them?", "")
        at.expect("The configuration is good.")
        at.expect("To start it:")
        assert at.end() == os.EX_OK
        shown = at.shown

    assert files(tmp_path) == {"config.toml", "secrets/main-token", "secrets/http-token"}
    assert {mode(tmp_path / one) for one in files(tmp_path)} == {0o600}
    assert mode(tmp_path / "secrets") == 0o700
    written = document(tmp_path)["systems"][0]
    assert written["queues"][0]["name"] == HEBREW
    assert [one["path"] for one in written["directories"]] == ["/2"]
    assert {"sms", "sip", "units", "pirsumphone"} <= written.keys()
    assert TOKEN.partition(":")[2] not in shown
    assert "warning" not in shown
    assert not CONTROL.search(shown)
    asked, _, checked = shown.partition("They are written.")
    lines = [*asked.splitlines(), *checked.partition("The configuration is good.")[2].splitlines()]
    assert [line for line in lines if len(line) > 60 and str(tmp_path) not in line] == []
    assert sum(system.request_counts.values()) <= 12


def test_a_terminal_that_knows_ascii_alone_shows_and_takes_what_it_can(
    tmp_path: Path, simulator: Simulator
) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TERM": "unknown"}
    words = ["init", "--base-url", simulator.base_url]
    with TerminalSession(tmp_path, *words, columns=40, environment=plain) as at:
        at.answer("Where shall it stand?", "")
        at.answer("Token", TOKEN, is_hidden=True)
        at.answer("be called?", "מרכזייה")
        at.expect("no UTF-8 text")
        at.answer("be called?", "")
        at.answer("Watch this?", "")
        at.answer("Its URL", "")
        at.answer("Mail server", "")
        at.answer("Where it listens", "-")
        at.answer("Write them?", "")
        at.expect("The configuration is good.")
        assert at.end() == os.EX_OK

    assert HEBREW not in at.shown
    assert r"\u05de\u05db" in at.shown
    assert document(tmp_path)["systems"][0]["queues"][0]["name"] == HEBREW


def test_every_answer_is_wrong_once(  # noqa: PLR0915 - there are so many questions
    tmp_path: Path, simulator: Simulator, system: SimulatedSystem, receiver: Receiver, mail_server: MailServer
) -> None:
    """Each is refused with a reason, and asked again; then all of it works, from nothing to an event."""
    receiver.script.answers[:] = [answer(500, b"no such hook"), answer(204)]
    mail_server.refusals["nobody@example.org"] = "550 5.1.1 No such user"
    taken = tmp_path / "taken.toml"
    taken.write_text("# mine", encoding="utf-8")
    port = free_port()
    with start(tmp_path, simulator) as at:
        at.answer("Where shall it stand?", str(taken))
        at.expect("nothing is overwritten")
        at.answer("Where shall it stand?", "")
        at.answer("Token", "with a \tcontrol", is_hidden=True)
        at.expect("control character")
        at.answer("Token", WRONG, is_hidden=True)
        at.expect("the token is wrong, or has expired")
        at.answer("Token", TOKEN, is_hidden=True)
        at.expect("number:password of 0773137770")
        at.answer("be called?", "a name")
        at.expect("expected letters, digits")
        at.answer("be called?", "office")
        at.expect(HEBREW)
        at.answer("Watch this?", "perhaps")
        at.expect('expected "y" or "n"')
        at.answer("Watch this?", "n")
        at.answer("Tell of SMS", "maybe")
        at.answer("Tell of SMS", "y")
        at.answer("phones are registered?", "no idea")
        at.answer("phones are registered?", "y")
        at.answer("may one be off?", "a while")
        at.expect("such as")
        at.answer("may one be off?", "1s")
        at.answer("Watch 1 queue found?", "both")
        at.expect("expected one of all, some, none")
        at.answer("Watch 1 queue found?", "all")
        at.answer("Another queue", "/6")
        at.expect("queue not found")
        at.answer("Another queue", "-")
        at.answer("more than so many wait", "many")
        at.expect("expected a number")
        at.answer("more than so many wait", "2")
        at.answer("for at least", "long")
        at.answer("for at least", "10s")
        at.answer("no agent is available", "0x")
        at.answer("no agent is available", "-")
        at.answer("Watch 1 recording folder found?", "some of them")
        at.answer("Watch 1 recording folder found?", "none")
        at.answer("Another recording folder", "a path")
        at.expect("has a blank in it")
        at.answer("Another recording folder", "-")
        at.answer("below so many units", "-1")
        at.answer("below so many units", "50")
        at.answer("before they expire", "soon")
        at.answer("before they expire", "7d")
        at.answer("registration to PirsumPhone?", "x")
        at.answer("registration to PirsumPhone?", "n")
        at.answer("Its URL", "crm.example.org")
        at.expect('starts with "https://"')
        at.answer("Its URL", receiver.url)
        at.answer("What is it called?", "smtp")
        at.expect("stands for the mail server")
        at.answer("What is it called?", "crm")
        at.answer("Which events", "sns.*")
        at.expect("did you mean")
        at.answer("Which events", "sms.* sip.* test.*")
        secret = _word(at)
        at.type("y")
        at.expect("HTTP 500")
        at.answer("What now?", "whatever")
        at.answer("What now?", "again")
        at.expect("It was taken.")
        at.answer("Mail server", "no host")
        at.expect("expected the name or address of a host")
        at.answer("Mail server", "127.0.0.1")
        at.answer("Protected by", "ssl")
        at.answer("Protected by", "none")
        at.answer("Port", "smtp")
        at.answer("Port", str(mail_server.port))
        at.answer("User name there", " ")
        at.answer("Sender, such as", "phones")
        at.expect("expected a mail address")
        at.answer("Sender, such as", "Phones <phones@example.org>")
        at.answer("Readers", "dana@example.org, dana@example.org")
        at.answer("Readers", "nobody@example.org")
        at.answer("Language", "fr")
        at.answer("Language", "he")
        at.answer("Which events", "directory.*")
        at.expect("no event can reach it")
        at.answer("Which events", "")
        at.answer("What are these readers called?", "crm")
        at.expect("the webhook has this name")
        at.answer("What are these readers called?", "people")
        at.answer("Send a test mail now?", "y")
        at.expect("No such user")
        at.answer("What now?", "change")
        at.answer("Mail server", "")
        at.answer("Protected by", "none")
        at.answer("Port", str(mail_server.port))
        at.answer("User name there", "")
        at.answer("Sender, such as", "Phones <phones@example.org>")
        at.answer("Readers", "Dana <dana@example.org>")
        at.answer("Language", "")
        at.answer("Which events", "")
        at.answer("What are these readers called?", "people")
        at.answer("Send a test mail now?", "")
        at.expect("It was taken.")
        at.answer("Quiet on Shabbat", "london")
        at.expect("jerusalem")
        at.answer("Quiet on Shabbat", "haifa")
        at.answer("Quiet hours", "night")
        at.expect("such as 22:00-07:00")
        at.answer("Quiet hours", "23:00-06:30")
        at.answer("For the webhook, too?", "?")
        at.answer("For the webhook, too?", "n")
        at.answer("Where it listens", "0.0.0.0:8470")
        at.expect("only this machine itself")
        at.answer("Where it listens", f"127.0.0.1:{port}")
        at.answer("A token to sign in", "short", is_hidden=True)
        at.expect("fewer than 16")
        at.answer("A token to sign in", "a-token-of-my-own-making", is_hidden=True)
        at.answer("Write them?", "?")
        at.answer("Write them?", "y")
        at.expect("The configuration is good.")
        assert at.end() == os.EX_OK
        shown = at.shown

    assert taken.read_text(encoding="utf-8") == "# mine"
    names = {"office-token", "http-token", "crm-secret"}
    assert files(tmp_path) == {"taken.toml", "config.toml", *(f"secrets/{one}" for one in names)}
    assert (tmp_path / "secrets/office-token").read_text(encoding="utf-8") == f"{TOKEN}\n"
    assert (tmp_path / "secrets/crm-secret").read_text(encoding="utf-8") == f"{secret}\n"
    written = document(tmp_path)
    (queue,) = written["systems"][0]["queues"]
    assert [(one["metric"], one["above"], one["for"]) for one in queue["thresholds"]] == [
        ("calls_waiting", 2, "10s")
    ]
    assert "directories" not in written["systems"][0]
    assert written["systems"][0]["units"] == {"every": "1h", "below": 50, "expires_within": "7d"}
    assert written["emails"][0]["quiet"] == [
        {"shabbat": True, "place": "haifa"},
        {"from": "23:00", "to": "06:30"},
    ]
    assert "quiet" not in written["webhooks"][0]
    assert not any(one in shown for one in (TOKEN, WRONG, "a-token-of-my-own-making"))
    _, test = receiver.received
    assert _is_signed(test, secret)
    assert json.loads(test.body)["type"] == "test.ping"
    assert [one.rcpt_tos for one in mail_server.mails] == [["dana@example.org"]]


def _word(at: TerminalSession) -> str:
    """The secret that is shown, before the question whether it is to be tried."""
    at.expect("whsec_")
    return "whsec_" + at.expect("Send it a signed test now?").split()[0]


def _is_signed(test: Any, secret: str) -> bool:
    headers, key = test.headers, Secret(secret)
    expected = signature(key, headers["webhook-id"], int(headers["webhook-timestamp"]), test.body)
    return bool(headers["webhook-signature"] == expected)


def test_everything_can_be_skipped(tmp_path: Path, simulator: Simulator, system: SimulatedSystem) -> None:
    """What is written then lacks nothing but the token, and says where it goes."""
    with start(tmp_path, simulator) as at:
        at.answer("Where shall it stand?", "")
        at.answer("Token", "", is_hidden=True)
        at.answer("be called?", "")
        at.answer("Watch this?", "")
        at.answer("Its URL", "-")
        at.answer("Mail server", "-")
        at.answer("Where it listens", "-")
        at.answer("Write them?", "")
        at.expect("Put the token into")
        assert at.end() == os.EX_OK

    assert files(tmp_path) == {"config.toml"}
    assert not system.request_counts
    (tmp_path / "secrets").mkdir(mode=0o700)
    token = tmp_path / "secrets" / "main-token"
    token.touch(mode=0o600)
    token.write_text(TOKEN, encoding="utf-8")
    checked = run_cli(tmp_path, "check")
    assert (checked.returncode, checked.stderr) == (os.EX_OK, "")
    assert "warning" not in checked.stdout


def test_a_key_of_the_newer_gateway_is_known_by_its_look(
    tmp_path: Path, simulator: Simulator, system: SimulatedSystem
) -> None:
    with TerminalSession(tmp_path, "init", "--base-url", simulator.gateway_url) as at:
        at.answer("Where shall it stand?", "")
        at.answer("Token", api_key(TOKEN, system), is_hidden=True)
        at.answer("Its switch-id", "a wrong one")
        at.expect("does not allow this switch")
        at.answer("What now?", "other")
        at.answer("Token", api_key(TOKEN, system), is_hidden=True)
        at.answer("Its switch-id", switch_id(system))
        at.expect("a key of the newer gateway")
        at.answer("be called?", "")
        at.answer("Watch this?", "")
        at.answer("Its URL", "")
        at.answer("Mail server", "")
        at.answer("Where it listens", "-")
        at.answer("Write them?", "")
        at.expect("The configuration is good.")
        assert at.end() == os.EX_OK

    (written,) = document(tmp_path)["systems"]
    assert (written["authorization"], written["switch_id"]) == ("bearer", switch_id(system))


class Filter:
    """What stands between a customer and the platform: the same answers, in TLS of its own making."""

    def __init__(self, certificate: Path, port: int) -> None:
        self._context = server_side(certificate)
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}/ym/api/"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                taken, _ = self._listening.accept()
                threading.Thread(target=self._relay, args=(taken,), daemon=True).start()

    def _relay(self, taken: socket.socket) -> None:
        with (
            suppress(OSError),
            self._context.wrap_socket(taken, server_side=True) as theirs,
            socket.create_connection(("127.0.0.1", self._port)) as ours,
        ):
            back = threading.Thread(target=_pumped, args=(ours, theirs), daemon=True)
            back.start()
            _pumped(theirs, ours)
            back.join(10)


def _pumped(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def test_behind_a_content_filter_its_certificate_can_be_trusted(tmp_path: Path, simulator: Simulator) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    authority = Authority(elsewhere)
    between = Filter(authority.issue("127.0.0.1"), int(simulator.base_url.split(":")[2].partition("/")[0]))
    folder = tmp_path / "here"
    folder.mkdir()
    with TerminalSession(folder, "init", "--base-url", between.url) as at:
        at.answer("Where shall it stand?", "")
        at.answer("Token", TOKEN, is_hidden=True)
        at.expect("the TLS certificate is not trusted")
        at.answer("Its path", str(elsewhere / "not-there.pem"))
        at.expect("cannot be used: No such file")
        at.answer("Its path", str(authority.pem))
        at.answer("What now?", "again")
        at.expect("the API takes it")
        at.answer("be called?", "")
        at.answer("Watch this?", "")
        at.answer("Its URL", "")
        at.answer("Mail server", "")
        at.answer("Where it listens", "-")
        at.answer("Write them?", "")
        at.expect("The configuration is good.")
        assert at.end() == os.EX_OK
    between.close()

    assert document(folder)["systems"][0]["ca_file"] == str(authority.pem)


def test_a_token_is_not_guessed_for_ever(tmp_path: Path, simulator: Simulator) -> None:
    """The platform blocks whole systems for it."""
    with start(tmp_path, simulator) as at:
        at.answer("Where shall it stand?", "")
        for _ in range(5):
            at.answer("Token", WRONG, is_hidden=True)
        at.expect("more could have the platform block the whole system")
        assert at.end() == os.EX_NOPERM

    assert len(simulator.strangers) == 5
    assert files(tmp_path) == set()


def test_what_does_not_take_its_test_can_be_kept_or_left_out(tmp_path: Path, simulator: Simulator) -> None:
    with start(tmp_path, simulator) as at:
        at.answer("Where shall it stand?", "")
        at.answer("Token", TOKEN, is_hidden=True)
        at.answer("be called?", "")
        at.answer("Watch this?", "")
        at.answer("Its URL", "http://127.0.0.1:9/hook")
        at.answer("What is it called?", "")
        at.answer("Which events", "")
        at.answer("signed test now?", "")
        at.answer("What now?", "keep")
        at.answer("Mail server", "localhost")
        at.answer("Protected by", "none")
        at.answer("Port", "9")
        at.answer("User name", "dana")
        at.answer("Its password", "a-password-of-hers", is_hidden=True)
        at.answer("Sender", "phones@example.org")
        at.answer("Readers", "dana@example.org")
        at.answer("Language", "en")
        at.answer("Which events", "")
        at.answer("these readers called?", "")
        at.answer("test mail now?", "")
        at.answer("What now?", "skip")
        at.answer("Quiet on Shabbat", "eilat")
        at.answer("Quiet hours", "")
        at.answer("Where it listens", "-")
        at.answer("Write them?", "")
        at.expect("The configuration is good.")
        assert at.end() == os.EX_OK

    written = document(tmp_path)
    assert "emails" not in written
    assert written["webhooks"][0]["quiet"] == [{"shabbat": True, "place": "eilat"}]
    assert files(tmp_path) == {"config.toml", "secrets/main-token", "secrets/webhook-secret"}
    assert "a-password-of-hers" not in at.shown


def test_an_api_that_is_away_is_said_and_tried_again(tmp_path: Path, simulator: Simulator) -> None:
    simulator.faults.set("GetSession", Fault.HTML, times=1)
    with start(tmp_path, simulator) as at:
        at.answer("Where shall it stand?", "")
        at.answer("Token", TOKEN, is_hidden=True)
        at.expect("such as a content filter")
        at.answer("What now?", "again")
        at.expect("the API takes it")
        at.answer("be called?", "")
        at.expect("Watch this?")
        at.press(b"\x03")
        assert at.end() == 130

    assert files(tmp_path) == set()


def test_from_nothing_to_the_first_event(
    tmp_path: Path, simulator: Simulator, system: SimulatedSystem, receiver: Receiver
) -> None:
    """What the wizard wrote is run as it stands, and an SMS arrives, signed by the secret that it showed."""
    with start(tmp_path, simulator, columns=80) as at:
        at.answer("Where shall it stand?", "")
        at.answer("Token", TOKEN, is_hidden=True)
        at.answer("be called?", "")
        at.answer("Watch this?", "")
        at.answer("Its URL", receiver.url)
        at.answer("What is it called?", "")
        at.answer("Which events", "")
        secret = _word(at)
        at.type("y")
        at.answer("Mail server", "")
        at.answer("Quiet on Shabbat", "")
        at.answer("Quiet hours", "")
        at.answer("Where it listens", "127.0.0.1:0")
        at.answer("A token to sign in", "", is_hidden=True)
        at.answer("Write them?", "")
        assert at.end() == os.EX_OK
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with TerminalSession(elsewhere, "run", "--config", str(tmp_path / "config.toml")) as daemon:
        _wait_until(lambda: system.request_counts["GetSmsIncomingLog"] > 1, daemon)
        (tmp_path / "yemotd.db").stat()
        system.receive_sms("0541234567", "the first")
        _wait_until(lambda: any(_type(one) == "sms.received" for one in receiver.received), daemon)
        daemon.signal(signal.SIGTERM)
        daemon.end()

    (told,) = [one for one in receiver.received if _type(one) == "sms.received"]
    assert json.loads(told.body)["data"]["sms"]["text"] == "the first"
    assert _is_signed(told, secret)


def _type(one: Any) -> str:
    return str(json.loads(one.body)["type"])


def _wait_until(is_so: Callable[[], bool], daemon: TerminalSession) -> None:
    deadline = monotonic() + 60
    while not is_so():
        assert monotonic() < deadline, daemon.shown
        daemon.read(0.1)


QUESTIONS = [
    ("Where shall it stand?", "", False),
    ("Token", TOKEN, True),
    ("be called?", "", False),
    ("Watch this?", "", False),
    ("Its URL", "", False),
    ("Mail server", "", False),
    ("Where it listens", "127.0.0.1:0", False),
    ("A token to sign in", "", True),
    ("Write them?", "", False),
]


ENDS = [
    *(("SIGTERM", number) for number in range(len(QUESTIONS))),
    *(("Ctrl-C", number) for number in (1, 3, 8)),
    *(("Ctrl-D", number) for number in (1, 8)),
    ("SIGHUP", 1),
    ("SIGKILL", 8),
]


@pytest.mark.parametrize(("way", "number"), ENDS)
def test_whatever_ends_it_at_a_question_leaves_nothing(
    tmp_path: Path, simulator: Simulator, way: str, number: int
) -> None:
    with start(tmp_path, simulator) as at:
        for question, line, is_hidden in QUESTIONS[:number]:
            at.answer(question, line, is_hidden=is_hidden)
        question, _, is_hidden = QUESTIONS[number]
        at.expect(question, is_hidden=is_hidden)
        if way.startswith("Ctrl"):
            at.press(b"\x03" if way == "Ctrl-C" else b"\x04")
        else:
            at.signal(signal.Signals[way])
        code = at.end()
        is_echoing, shown = at.is_echoing, at.shown

    assert files(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []
    if way != "SIGKILL":
        expected = 128 + signal.Signals[way] if way.startswith("SIG") else 130
        assert code == expected
        assert is_echoing
        assert "Nothing was written." in shown
