"""Signals as something to wait for. Each test in a process of its own: handlers are the whole process's."""

import subprocess
import sys
from textwrap import dedent

import pytest

pytestmark = pytest.mark.slow

BEGINNING = """
import os, signal
from daemon.host.signals import Signals
signals = Signals((signal.SIGTERM, signal.SIGHUP))
"""


def said(script: str) -> list[str]:
    """What a process with such signals prints."""
    ran = subprocess.run(
        [sys.executable, "-c", BEGINNING + dedent(script)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return ran.stdout.split()


def test_they_are_taken_one_by_one_in_the_order_of_coming() -> None:
    assert said(
        """
        for one in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), one)
        print(*(signals.wait(10).name for _ in range(3)), signals.wait(0))
        """
    ) == ["SIGHUP", "SIGTERM", "SIGHUP", "None"]


def test_one_that_nobody_waits_for_by_name_wakes_nobody_wrongly() -> None:
    assert said(
        """
        signal.signal(signal.SIGUSR1, lambda *_: None)
        os.kill(os.getpid(), signal.SIGUSR1)
        print(signals.wait(0))
        """
    ) == ["None"]


@pytest.mark.parametrize("patience", [0, 0.001, 0.05])
def test_whoever_is_stopped_while_he_waits_has_no_signal(patience: float) -> None:
    """A child stops and continues its parent all the while."""
    assert said(
        f"""
        import time
        parent = os.getpid()
        if not os.fork():
            for _ in range(40):
                os.kill(parent, signal.SIGSTOP)
                time.sleep(0.005)
                os.kill(parent, signal.SIGCONT)
                time.sleep(0.005)
            os._exit(0)
        came = set()
        until = time.monotonic() + 1
        while time.monotonic() < until:
            came.add(signals.wait({patience}))
        print(*came)
        """
    ) == ["None"]


def test_what_is_restored_ends_the_process() -> None:
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{BEGINNING}signals.restore([signal.SIGTERM])\nos.kill(os.getpid(), signal.SIGTERM)",
        ],
        timeout=30,
        check=False,
    )
    assert ran.returncode == -15


def test_a_thousand_signals_are_no_more_than_fit() -> None:
    assert said(
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, [])
        for _ in range(100_000):
            signal.raise_signal(signal.SIGHUP)
        first = signals.wait(1)
        print(first.name)
        """
    ) == ["SIGHUP"]
