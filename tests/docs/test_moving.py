"""The move to another machine of `docs/operating.md`, done: its commands are run, between two folders.

A folder is a machine: what the page calls `/etc` and `/var/lib` lies in it. Root's part (owners, units,
packages) is left out; where the page has `systemctl` the daemon is started and stopped without it.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.fakes import Receiver, answer
from tests.support.paths import ROOT
from tests.support.process import CONFIGURATION, HTTP_TOKEN, SECRET, TOKEN, Process, inherited

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## Moving to another machine\n")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"^(old|new)# (.*)$", SECTION, re.MULTILINE)
PHONE = "0770000000"
PATIENCE = 20
MANY = 5
CHECKED = [("old", "yemotd db check"), ("new", "yemotd db check")]


class Machine:
    """A folder that stands for one, with yemotd on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("etc/yemotd/credentials", "etc/default", "var/lib/yemotd", "var/backups"):
            (root / name).mkdir(parents=True)
        self.environment = {
            "YEMOTD_CONFIG": str(root / "etc/yemotd/config.toml"),
            "CREDENTIALS_DIRECTORY": str(root / "etc/yemotd/credentials"),
        }
        self.process = Process(root / "var/lib/yemotd", "")

    def configure(self, text: str) -> None:
        credentials = {"main-token": TOKEN, "crm-secret": SECRET, "http-token": HTTP_TOKEN}
        for name, secret in credentials.items():
            self._write(f"etc/yemotd/credentials/{name}", secret)
        self._write("etc/yemotd/config.toml", text)
        self._write("etc/yemotd/contacts.csv", f"{PHONE},Front desk\n")
        self._write("etc/default/yemotd", "FAILURE_MAIL=root\n")

    def start(self) -> None:
        self.process.start(**self.environment)

    def yemotd(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "daemon", *words],
            cwd=self.root / "var/lib/yemotd",
            env={**inherited(), **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def listed(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.yemotd(*words, "--json").splitlines()]

    def _write(self, name: str, text: str) -> None:
        path = self.root / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


class Move:
    """The page's commands, one after the other."""

    def __init__(self, old: Machine, new: Machine) -> None:
        self.machines = {"old": old, "new": new}
        self.said: list[tuple[str, str, str]] = []

    def do(self, where: str, command: str) -> None:
        machine, words = self.machines[where], shlex.split(command)
        if words[0] == "yemotd":
            given = [self._path(where, one) for one in words[1:]]
            self.said.append((where, command, machine.yemotd(*given)))
        elif words[0] == "systemctl":
            (what,) = {"enable", "disable"} & {*words}
            assert words == ["systemctl", what, "--now", "yemotd"]
            machine.start() if what == "enable" else machine.process.stop()
        elif words[0] in ("rsync", "install"):
            self._copy(where, words)
        else:
            assert words[:2] == ["apt", "install"]

    def _copy(self, where: str, words: list[str]) -> None:
        """`rsync` may not be there, and owners are root's: the same by `cp`, or without them."""
        source, target = (self._path(where, one) for one in words[-2:])
        if words[0] == "rsync":
            assert words[1] == "-a"
            whole = f"{source}." if source.endswith("/") else source
            subprocess.run(["cp", "-a", whole, target], check=True)  # noqa: S607
        else:
            assert words[1:7] == ["-o", "yemotd", "-g", "yemotd", "-m", "600"]
            subprocess.run(["install", "-m", "600", source, target], check=True)  # noqa: S607

    def _path(self, where: str, word: str) -> str:
        """A path of the page, as it is below the folder of its machine."""
        if word.startswith("old:"):
            where, word = "old", word.removeprefix("old:")
        return f"{self.machines[where].root}{word}" if word.startswith("/") else word


CONFIGURED = (
    CONFIGURATION.replace('token_file = "http-token"', 'token_credential = "http-token"')
    .replace('token_file = "token"', 'token_credential = "main-token"')
    .replace('secret_file = "secret"', 'secret_credential = "crm-secret"')
    + '[contacts]\ncontacts_file = "contacts.csv"\n'
)


@pytest.fixture
def system() -> SimulatedSystem:
    one = SimulatedSystem(PHONE, now=utcnow)
    one.add_sip_account(PHONE)
    return one


@pytest.fixture
def cleanups() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def refusing_messages(handler: BaseHTTPRequestHandler) -> None:
    """A receiver that takes everything but SMS."""
    answer(503 if handler.headers["yemotd-event"].startswith("sms.") else 204)(handler)


def until(machine: Machine, is_it: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until its status is so."""
    deadline = monotonic() + PATIENCE
    while not is_it(status := machine.process.get("/api/v1/status")[1]):
        assert monotonic() < deadline, status


def was_seen(status: dict[str, Any]) -> bool:
    watches = [watch for system in status["systems"] for watch in system["watches"]]
    return bool(watches) and all(watch["observed_at"] for watch in watches)


def test_the_commands_move_everything(tmp_path: Path, system: SimulatedSystem, cleanups: ExitStack) -> None:
    simulator = cleanups.enter_context(Simulator({TOKEN: system}, now=utcnow))
    deaf, receiver = (cleanups.enter_context(Receiver(one)) for one in (refusing_messages, answer(204)))
    old, new = Machine(tmp_path / "old"), Machine(tmp_path / "new")
    for one in (old, new):
        cleanups.callback(one.process.stop)
    told_to = {"base_url": simulator.base_url, "webhook_url": deaf.url}
    old.configure(CONFIGURED.format(**told_to))
    old.start()
    until(old, was_seen)
    system.set_registered(PHONE, registered=False)
    until(old, lambda status: bool(incidents(told_of(deaf))))
    for number in range(MANY):
        system.receive_sms("0541234567", f"message {number}")
    until(old, lambda status: status["endpoints"][0]["open"] == MANY)

    move, is_stopped = Move(old, new), False
    for where, command in COMMANDS:
        if command.startswith("systemctl enable"):
            at_rest = compared(old, new)
            # The receiver is well again, and what came meanwhile was seen by nobody.
            config = Path(new.environment["YEMOTD_CONFIG"])
            config.write_text(config.read_text().replace(deaf.url, receiver.url))
            system.receive_sms("0541234567", "while nobody ran")
            system.set_registered(PHONE, registered=True)
        move.do(where, command)
        is_stopped |= "disable" in command
        assert is_stopped or not (new.root / "var/lib/yemotd/yemotd.db").exists()

    before = [one["data"] for one in at_rest if one["type"] == "sms.received"]
    until(new, lambda status: len(told_of(receiver)) >= MANY + 3 and status["endpoints"][0]["open"] == 0)
    told = told_of(receiver)
    after = [one["data"] for one in told if one["type"] == "sms.received"]
    assert after[:-1] == before
    assert after[-1]["sms"]["text"] == "while nobody ran"
    assert sequences(new.listed("events", "list")) == [*range(1, len(sequences(at_rest)) + 3)]
    assert ended(told) == incidents(at_rest) == incidents(told_of(deaf))
    assert [(where, command) for where, command, _ in move.said if "db check" in command] == CHECKED
    keys = [(one.root / "var/lib/yemotd/yemotd.key").read_bytes() for one in (old, new)]
    assert keys[0] == keys[1]
    assert "Front desk" in new.yemotd("contacts", "list")
    shown = [said.splitlines() for _, command, said in move.said if command == "yemotd status"]
    assert shown[0][0] == shown[1][0]
    assert "not running" in shown[1][0]


def compared(old: Machine, new: Machine) -> list[dict[str, Any]]:
    """The events that both have before the start. What they have is equal, row by row."""
    events, deliveries = ("events", "list", "--limit", "1000"), ("deliveries", "list", "--limit", "1000")
    assert new.listed(*events) == old.listed(*events)
    assert new.listed(*deliveries) == old.listed(*deliveries)
    open_ones = [one for one in new.listed(*deliveries) if one["status"] in ("pending", "waiting")]
    assert len(open_ones) == MANY
    return new.listed(*events)


def told_of(receiver: Receiver) -> list[dict[str, Any]]:
    """What arrived, each event once, in order of arrival."""
    by_id = {one.headers["webhook-id"]: json.loads(one.body) for one in receiver.received}
    return [*by_id.values()]


def incidents(events: list[dict[str, Any]]) -> set[str]:
    return {one["data"]["alert"]["incident"] for one in events if one["type"] == "sip.account.unregistered"}


def ended(events: list[dict[str, Any]]) -> set[str]:
    return {one["data"]["alert"]["incident"] for one in events if one["type"] == "sip.account.registered"}


def sequences(events: list[dict[str, Any]]) -> list[int]:
    return [one["data"]["sequence"] for one in events if one["data"]["system"] == "main"]


def test_every_program_of_the_page_is_one_that_was_thought_of() -> None:
    assert {command.split()[0] for _, command in COMMANDS} == {
        "apt",
        "yemotd",
        "systemctl",
        "rsync",
        "install",
    }


def test_the_copy_is_made_after_the_stop_and_put_in_place_before_the_start() -> None:
    words = [command for _, command in COMMANDS]
    order = [
        words.index("systemctl disable --now yemotd"),
        next(at for at, one in enumerate(words) if one.startswith("yemotd db backup ")),
        next(at for at, one in enumerate(words) if one.startswith("install ")),
        words.index("systemctl enable --now yemotd"),
    ]

    assert order == sorted(order)
    assert words[0].startswith("apt install ")
