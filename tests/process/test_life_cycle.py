"""The life of the process, as the service manager and the kernel see it: ready, reloaded, told to end."""

import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from daemon.app.lifecycle import App
from daemon.config.load import load
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.host.test_systemd import wait_until
from tests.process.test_app import bodies, wait_for
from tests.support.config_files import SYSTEM
from tests.support.fakes import Receiver, answer
from tests.support.process import CONFIGURATION, TOKEN, Process, inherited

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9/"
"""Nobody listens there."""


class Manager:
    """The service manager's end of the notify socket."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(30)

    def hear(self) -> dict[str, str]:
        """The next thing that it is told."""
        lines = self._socket.recv(4096).decode().splitlines()
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    def hear_of(self, name: str, part: str = "") -> dict[str, str]:
        """The next thing that it is told with some text in this field."""
        while part not in (said := self.hear()).get(name, "") or name not in said:
            continue
        return said

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    one = Manager(tmp_path)
    yield one
    one.close()


@pytest.fixture
def process(tmp_path: Path, receiver: Receiver) -> Iterator[Process]:
    """The daemon, of a phone system that does not answer."""
    one = Process(tmp_path, base_url=NOWHERE, webhook_url=receiver.url)
    yield one
    one.stop()


def test_it_is_ready_once_it_listens_and_before_it_asks_anything(tmp_path: Path) -> None:
    path, seen = tmp_path / "config.toml", []
    system = SimulatedSystem(now=utcnow)
    with Simulator({TOKEN: system}, now=utcnow) as simulator:
        own = f'[daemon]\ndatabase = "sqlite:///{tmp_path}/yemotd.db"\nkey_file = "{tmp_path}/yemotd.key"\n'
        own += '[http]\nlisten = "127.0.0.1:0"\n'
        watched = f'{SYSTEM}base_url = "{simulator.base_url}"\n[systems.sip]\nevery = "1s"\n'
        path.write_text(own + watched)
        path.chmod(0o600)
        app = App(load(path, {"TOKEN": TOKEN}).config)

        def ready() -> None:
            polling = [one.name for one in threading.enumerate() if one.name == "APScheduler"]
            seen.append((app.state.is_alive(), bool(app.port), polling, dict(system.request_counts)))

        app.start(ready)
        wait_until(lambda: sum(system.request_counts.values()) > 0)
        app.stop()

    assert seen == [((True, "dispatcher ok"), True, [], {})]


def test_ready_is_said_after_what_was_under_way_has_been_taken_back(
    process: Process, receiver: Receiver
) -> None:
    hold, let_go = held()
    receiver.script.answers = [hold]
    process.start()
    receiver.wait_for(1)
    process.kill()
    let_go.set()
    before = len(process.lines)
    process.start()
    said = [line["event"] for line in process.lines[before:]]

    assert said.index("dispatcher.recovered") < said.index("daemon.ready")


def test_a_phone_system_that_is_away_is_no_reason_not_to_start_and_is_in_the_status(
    process: Process, manager: Manager
) -> None:
    process.start(NOTIFY_SOCKET=manager.path)
    ready = manager.hear()
    later = manager.hear_of("STATUS", "without an answer")

    assert ready == {"READY": "1", "STATUS": "polling 2 watches of 1 systems, telling 1 endpoints"}
    assert later == {"STATUS": "polling 2 watches of 1 systems (2 without an answer), telling 1 endpoints"}


def test_an_endpoint_that_fails_is_in_the_status(
    process: Process, receiver: Receiver, manager: Manager
) -> None:
    receiver.script.answers = [answer(401)]  # three of them, and it is left alone
    process.start(NOTIFY_SOCKET=manager.path)
    for _ in range(2):
        process.signal(signal.SIGHUP)
        process.wait_for("config.reloaded")

    assert manager.hear_of("STATUS", "failing")["STATUS"].endswith("telling 1 endpoints (1 failing)")


def test_a_reload_is_begun_and_ended_for_the_manager_also_where_it_is_refused(
    process: Process, manager: Manager
) -> None:
    process.start(NOTIFY_SOCKET=manager.path)
    before = monotonic()
    process.signal(signal.SIGHUP)
    begun, ended = manager.hear_of("RELOADING"), manager.hear_of("READY")
    process.configure(CONFIGURATION.replace("every", "evry"))
    process.signal(signal.SIGHUP)
    begun_again, refused = manager.hear_of("RELOADING"), manager.hear_of("READY")

    assert before <= int(begun["MONOTONIC_USEC"]) / 1_000_000 <= monotonic()
    assert ended["STATUS"].startswith("polling 2 watches")
    assert int(begun_again["MONOTONIC_USEC"]) > int(begun["MONOTONIC_USEC"])
    assert refused["STATUS"].startswith("reload failed, still on the old configuration: ")
    assert "evry" in refused["STATUS"]


def held() -> tuple[Callable[[BaseHTTPRequestHandler], None], threading.Event]:
    """An answer that is not given until the event is set."""
    event = threading.Event()

    def hold(handler: BaseHTTPRequestHandler) -> None:
        event.wait(60)
        answer()(handler)

    return hold, event


def undelivered(tmp_path: Path) -> int:
    with sqlite3.connect(tmp_path / "yemotd.db") as db:
        (many,) = db.execute("SELECT count(*) FROM deliveries WHERE status != 'delivered'").fetchone()
    db.close()
    return int(many)


@pytest.mark.parametrize(
    ("drain", "signals", "code"),
    [
        ("300ms", [signal.SIGTERM], 0),
        ("1h", [signal.SIGTERM, signal.SIGTERM], -signal.SIGTERM),
        ("1h", [signal.SIGTERM, signal.SIGINT], -signal.SIGINT),
    ],
    ids=["when the time is over", "at once at the second signal", "at once by the keyboard"],
)
def test_an_end_waits_for_a_receiver_no_longer_than_it_may_and_loses_nothing(
    process: Process, receiver: Receiver, tmp_path: Path, drain: str, signals: list[signal.Signals], code: int
) -> None:
    hold, let_go = held()
    receiver.script.answers = [hold]
    process.configure(CONFIGURATION.replace('drain = "3s"', f'drain = "{drain}"'))
    process.start()
    receiver.wait_for(1)
    for one in signals:
        process.signal(one)
        process.wait_for("daemon.stopping")
    ended, left = process.wait(), undelivered(tmp_path)
    let_go.set()
    receiver.script.answers = [answer()]
    process.start()
    again = wait_for(receiver, "daemon.started", 2)
    first = [one for one in receiver.received if one.headers["webhook-id"] == again[0]["data"]["id"]]

    assert (ended, left > 0) == (code, True)
    assert len(first) == 2  # the one that was not answered, and the one that was


def test_a_reload_that_is_asked_for_at_the_end_does_not_cut_it_short(
    process: Process, receiver: Receiver, tmp_path: Path
) -> None:
    hold, let_go = held()
    receiver.script.answers = [hold, answer()]
    process.configure(CONFIGURATION.replace('drain = "3s"', 'drain = "1h"'))
    process.start()
    receiver.wait_for(1)
    process.signal(signal.SIGTERM)
    process.wait_for("daemon.stopping")
    process.signal(signal.SIGHUP)
    let_go.set()

    assert process.wait() == 0
    assert len(bodies(receiver, "daemon.stopped")) == 1
    assert undelivered(tmp_path) == 0


HANGS = """\
import sys, threading
from datetime import timedelta
from daemon.__main__ import main
from daemon.app.lifecycle import App
from daemon.cli import run

def hang(app):
    threading.Event().wait()

App.stop, run.BESIDE_DRAIN = hang, timedelta(milliseconds=100)
sys.argv[1:] = ["run"]
main()
"""


def test_an_end_that_hangs_is_over_all_the_same_and_says_where_it_hung(
    process: Process, manager: Manager, tmp_path: Path
) -> None:
    process.configure(CONFIGURATION.replace('drain = "3s"', 'drain = "0s"'))
    hung = subprocess.Popen(
        [sys.executable, "-c", HANGS],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env={**inherited(), "NOTIFY_SOCKET": manager.path},
    )
    manager.hear_of("READY")
    hung.send_signal(signal.SIGTERM)
    _, said = hung.communicate(timeout=30)

    assert hung.returncode == 1
    assert "in hang" in said
