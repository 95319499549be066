"""The daemon and those who read its log: one that stops reading, or leaves, holds up nothing."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.host.test_systemd import wait_until
from tests.process.test_app import wait_for
from tests.support.fakes import Receiver
from tests.support.process import CONFIGURATION, Process, inherited

pytestmark = pytest.mark.slow


@contextmanager
def running(
    folder: Path, simulator: Simulator, receiver: Receiver, output: int
) -> Iterator["subprocess.Popen[bytes]"]:
    """A daemon whose standard streams are this one."""
    Process(folder, CONFIGURATION, base_url=simulator.base_url, webhook_url=receiver.url)
    one = subprocess.Popen(
        [sys.executable, "-m", "daemon", "run"], cwd=folder, env=inherited(), stdout=output, stderr=output
    )
    try:
        yield one
    finally:
        one.kill()
        one.wait()


def is_at_work(system: SimulatedSystem, receiver: Receiver) -> None:
    """It polls, and tells what it finds."""
    wait_until(
        lambda: len(asked := system.request_counts) > 1 and min(asked.values()) > 1
    )  # past the baseline
    for number in range(3):
        system.receive_sms(sender="0501234567", text=f"{number}")
        wait_for(receiver, "sms.received", number + 1)


def test_a_pipe_that_nobody_reads_holds_up_neither_the_polls_nor_the_end(
    tmp_path: Path, system: SimulatedSystem, simulator: Simulator, receiver: Receiver
) -> None:
    reader, pipe = os.pipe()
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
    os.write(pipe, b"x" * 4096)
    with running(tmp_path, simulator, receiver, pipe) as daemon:
        is_at_work(system, receiver)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
    os.close(pipe)
    os.close(reader)


def test_a_reader_that_has_left_turns_no_clean_end_into_a_failure(
    tmp_path: Path, system: SimulatedSystem, simulator: Simulator, receiver: Receiver
) -> None:
    reader, pipe = os.pipe()
    with running(tmp_path, simulator, receiver, pipe) as daemon:
        os.close(pipe)
        os.read(reader, 100)
        os.close(reader)
        is_at_work(system, receiver)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0


def test_a_journal_that_has_stopped_holds_up_nothing_either(
    tmp_path: Path, system: SimulatedSystem, simulator: Simulator, receiver: Receiver
) -> None:
    """Its stream is a socket, of which nobody takes anything."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    ours.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            ours.send(b"x" * 4096)
    ours.setblocking(True)
    with running(tmp_path, simulator, receiver, ours.fileno()) as daemon:
        is_at_work(system, receiver)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
    ours.close()
    theirs.close()


def test_what_was_logged_before_the_end_is_written_before_it(
    tmp_path: Path, system: SimulatedSystem, simulator: Simulator, receiver: Receiver
) -> None:
    reader, pipe = os.pipe()
    with running(tmp_path, simulator, receiver, pipe) as daemon, open(reader, "rb") as log:
        os.close(pipe)
        is_at_work(system, receiver)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
        said = log.read()

    assert said.count(b'"sms.received"') == 3
    assert b"daemon.stopped" in said.splitlines()[-1]


HANGING = """
import threading
from datetime import timedelta
from daemon.cli.run import _end_in
from daemon.host import logs

logs.configure(logs.Redactor())
_end_in(timedelta(milliseconds=50))
threading.Event().wait()
"""


def test_an_end_that_takes_too_long_says_where_it_hangs_and_is_over() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING], env=inherited(), capture_output=True, timeout=60, check=False
    )
    (line,) = map(json.loads, done.stderr.splitlines())

    assert (done.returncode, line["event"]) == (1, "daemon.end_too_long")
    assert "in wait" in line["exception"]


def test_an_end_that_takes_too_long_is_over_though_nobody_reads_where() -> None:
    reader, pipe = os.pipe()
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
    os.write(pipe, b"x" * 4096)
    done = subprocess.run(
        [sys.executable, "-c", HANGING], env=inherited(), stderr=pipe, timeout=60, check=False
    )
    os.close(pipe)
    os.close(reader)

    assert done.returncode == 1
