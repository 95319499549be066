"""The notify protocol, against a socket as the service manager has it."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.systemd import Notifier

UNIT = Path(__file__).parent.parent / "systemd" / "yemotd.service"


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


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed here")
def test_the_unit_is_understood_by_systemd(tmp_path: Path) -> None:
    """`verify` exits 0 on unknown keys, so its standard error must be empty."""
    unit = tmp_path / "yemotd.service"
    unit.write_text(UNIT.read_text().replace("/opt/yemotd/bin/yemotd", "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(unit)],  # noqa: S607 - of this machine's systemd
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")
