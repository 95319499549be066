"""The notify protocol and the watchdog, against a socket as the service manager has it."""

import io
import json
import os
import re
import socket
import subprocess
import sys
import traceback
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from daemon.app.lifecycle import App
from daemon.app.watchdog import TURN_WITHIN, Progress
from daemon.cli.run import longest_end, report
from daemon.config.load import load
from daemon.config.settings import Config, Daemon
from daemon.host import logs
from daemon.host.clock import monotonic
from daemon.host.systemd import Notifier, listening
from daemon.workers.dispatcher import BACKSTOP
from tests.support.config_files import SYSTEM
from tests.support.fakes import FakeClock
from tests.support.paths import ROOT
from tests.support.process import Process

UNITS = ROOT / "systemd"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(path))
        one.settimeout(5)
        yield one, str(path)


def test_the_manager_is_told_each_stage(manager: tuple[socket.socket, str]) -> None:
    one, path = manager
    notifier = Notifier({"NOTIFY_SOCKET": path})

    notifier.ready("polling 3 watches")
    notifier.reloading(12.5)
    notifier.stopping()

    assert one.recv(4096) == b"READY=1\nSTATUS=polling 3 watches"
    assert one.recv(4096) == b"RELOADING=1\nMONOTONIC_USEC=12500000"
    assert one.recv(4096).startswith(b"STOPPING=1\n")


def test_a_status_is_one_line_of_utf8_and_told_when_it_changed(manager: tuple[socket.socket, str]) -> None:
    one, path = manager
    notifier = Notifier({"NOTIFY_SOCKET": path})

    notifier.status("שלוחה 5\nREADY=1")
    notifier.status("שלוחה 5\nREADY=1")
    notifier.status("well")

    assert one.recv(4096).decode() == "STATUS=שלוחה 5 READY=1"
    assert one.recv(4096) == b"STATUS=well"


def test_an_abstract_socket_is_reached() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind("\0yemotd-test-notify")
        one.settimeout(5)
        Notifier({"NOTIFY_SOCKET": "@yemotd-test-notify"}).ready("well")

        assert one.recv(4096).startswith(b"READY=1")


def test_without_a_manager_nothing_is_said_and_nothing_fails(tmp_path: Path) -> None:
    Notifier({}).ready("well")
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("well")


@pytest.mark.parametrize(
    ("environ", "patience"),
    [
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_where_there_is_one_for_us(
    manager: tuple[socket.socket, str], environ: dict[str, str], patience: float | None
) -> None:
    one, path = manager
    notifier = Notifier({"NOTIFY_SOCKET": path, **environ})

    notifier.alive()
    notifier.status("well")

    assert notifier.patience == patience
    if patience:
        assert one.recv(4096) == b"WATCHDOG=1"
    assert one.recv(4096) == b"STATUS=well"


@pytest.fixture
def configuration(tmp_path: Path) -> Config:
    database = f'[daemon]\ndatabase = "sqlite:///{tmp_path}/yemotd.db"\ndrain = "0s"\n'
    path = tmp_path / "config.toml"
    path.write_text(database + '[http]\nlisten = ""\n' + SYSTEM)
    return load(path, {"TOKEN": "0770000000:1234"}).config


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = monotonic() + 30
    while not is_true():
        assert monotonic() < deadline


def is_somewhere_in(function: str) -> bool:
    """Whether a thread is in a function of this name."""
    stacks = [traceback.walk_stack(frame) for frame in sys._current_frames().values()]
    return any(frame.f_code.co_name == function for stack in stacks for frame, _ in stack)


@pytest.mark.slow
def test_a_loop_that_hangs_starves_the_watchdog_and_is_named(
    manager: tuple[socket.socket, str], configuration: Config
) -> None:
    """Whoever writes waits for the writer here, which never ends: the dispatcher lives, and hangs."""
    one, path = manager
    clock, said = FakeClock(), io.StringIO()
    logs.configure(logs.Redactor(), said)
    notifier = Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"})
    app = App(configuration, progress=Progress(clock.monotonic))
    app.start()
    try:
        assert report(app, notifier, "polling", was_alive=True)
        assert one.recv(4096) == b"WATCHDOG=1"
        assert one.recv(4096).startswith(b"STATUS=polling")
        with app.parts.database.write():
            app.parts.dispatcher.wake()
            wait_until(lambda: is_somewhere_in("_exchange"))
            clock.advance(61)

            assert not report(app, notifier, "polling", was_alive=True)
            assert not report(app, notifier, "polling", was_alive=False)
        wait_until(lambda: app.state.is_alive()[0])
        assert report(app, notifier, "polling", was_alive=False)
    finally:
        app.stop()

    assert "dispatcher" in one.recv(4096).decode()  # the status says so, once, and the watchdog hears nothing
    assert one.recv(4096) == b"WATCHDOG=1"
    logs.flush()
    (stuck,) = [
        line for line in map(json.loads, said.getvalue().splitlines()) if line["event"] == "daemon.stuck"
    ]
    assert "_exchange" in stuck["exception"]  # where it hung


@pytest.mark.slow
def test_a_process_feeds_the_watchdog_at_least_twice_in_its_time(
    manager: tuple[socket.socket, str], tmp_path: Path
) -> None:
    one, path = manager
    places = {"base_url": "http://127.0.0.1:9/", "webhook_url": "http://127.0.0.1:9/"}
    daemon = Process(tmp_path, **places)
    daemon.start(NOTIFY_SOCKET=path, WATCHDOG_USEC="400000")
    fed: list[float] = []
    while len(fed) < 5:
        if one.recv(4096) == b"WATCHDOG=1":
            fed.append(monotonic())
    assert daemon.stop() == 0

    # Those that came while this machine was busy may have waited here.
    assert sorted(after - before for before, after in pairwise(fed))[1] < 0.3


HANDED_OVER = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
from daemon.__main__ import main
sys.argv[1:] = ["run"]
main()
"""


@pytest.mark.slow
def test_a_socket_that_the_manager_listens_on_is_used(tmp_path: Path) -> None:
    Process(tmp_path, base_url="http://127.0.0.1:9/", webhook_url="http://127.0.0.1:9/")
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
        daemon = subprocess.Popen(
            [sys.executable, "-c", HANDED_OVER, str(ours.fileno())],
            cwd=tmp_path,
            pass_fds=(ours.fileno(),),
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        # It answers as soon as it can: nobody is refused in the meantime.
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=30) as answer:
            assert answer.read() == b"ok\n"
        daemon.terminate()
        assert daemon.wait(30) == 0


@pytest.mark.slow
def test_more_sockets_than_one_are_a_fault_of_the_configuration(tmp_path: Path) -> None:
    Process(tmp_path, base_url="http://127.0.0.1:9/", webhook_url="http://127.0.0.1:9/")
    with socket.create_server(("127.0.0.1", 0)) as ours:
        ended = subprocess.run(
            [sys.executable, "-c", HANDED_OVER.replace('"1"', '"2"'), str(ours.fileno())],
            cwd=tmp_path,
            pass_fds=(ours.fileno(),),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )

    assert ended.returncode == os.EX_CONFIG
    assert "systemd hands over 2 sockets" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_socket_for_another_process_is_left_alone() -> None:
    assert listening({"LISTEN_FDS": "1", "LISTEN_PID": "1"}) is None
    assert listening({}) is None
    with pytest.raises(ValueError, match="2 sockets"):
        listening({"LISTEN_FDS": "2", "LISTEN_PID": str(os.getpid())})


@pytest.fixture
def analyze(tmp_path: Path) -> Callable[..., str]:
    """`systemd-analyze` on our units, where the programs that they start are there; what it says."""
    for unit in UNITS.glob("yemotd*.s*"):
        (tmp_path / unit.name).write_text(
            re.sub(r"/opt/yemotd/(bin|libexec)/\S+", "/bin/true", unit.read_text())
        )

    def run(*words: str) -> str:
        analyzed = subprocess.run(
            ["systemd-analyze", *words],  # noqa: S607 - of this machine's systemd
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (analyzed.returncode, analyzed.stderr) == (0, "")
        return analyzed.stdout

    return run


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("unit", ["yemotd.service", "yemotd.socket", "yemotd-failure@yemotd.service.service"])
def test_a_unit_is_understood_by_systemd(analyze: Callable[..., str], unit: str) -> None:
    """`verify` ends well also where it does not know a key, and says so."""
    analyze("verify", f"./{unit}")


@pytest.mark.needs("systemd-analyze")
def test_the_service_is_exposed_to_nothing_that_it_can_do_without(analyze: Callable[..., str]) -> None:
    said = analyze("security", "--offline=true", "--no-pager", "./yemotd.service")
    (exposure,) = re.findall(r"Overall exposure level for yemotd.service: ([\d.]+)", said)

    assert float(exposure) <= 1.2


def test_the_watchdog_has_more_patience_than_the_longest_sleep_of_a_loop() -> None:
    """Else it would end what only waits; and the end is over by itself before systemd puts one to it."""
    service = (UNITS / "yemotd.service").read_text()
    (watchdog,) = re.findall(r"^WatchdogSec=(\d+)s$", service, re.MULTILINE)
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)s$", service, re.MULTILINE)

    assert TURN_WITHIN >= 2 * BACKSTOP
    assert int(watchdog) > 10
    assert timedelta(seconds=int(stop)) > longest_end(Daemon().drain)
    assert timedelta(seconds=int(stop)) >= longest_end(timedelta(seconds=15))
