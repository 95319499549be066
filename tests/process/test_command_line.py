"""The command line beside a real daemon: asked over loopback, followed over its end, run in a terminal."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from daemon.core.model import Fact
from daemon.host import clock
from daemon.store import database as databases
from daemon.store import events
from tests.support.paths import ROOT
from tests.support.process import CONFIGURATION, HTTP_TOKEN, Process, free_port, inherited

pytestmark = pytest.mark.slow


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Process]:
    configuration = CONFIGURATION.replace("127.0.0.1:0", f"127.0.0.1:{free_port()}")
    one = Process(tmp_path, configuration, base_url="http://127.0.0.1:9/", webhook_url="http://127.0.0.1:9/")
    one.start()
    yield one
    one.stop()


def elsewhere(daemon: Process, tmp_path: Path) -> dict[str, str]:
    """What makes every verb ask that daemon, from a folder where there is nothing."""
    token = tmp_path / "of-operator"
    token.write_text(HTTP_TOKEN, encoding="ascii")
    return {
        **inherited(),
        "PYTHONPATH": str(ROOT),
        "YEMOTD_URL": f"http://127.0.0.1:{daemon.port}",
        "YEMOTD_TOKEN_FILE": str(token),
    }


def run(environment: dict[str, str], folder: Path, *words: str) -> tuple[int, str, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "daemon", *words],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_a_daemon_elsewhere_is_asked_told_and_followed_over_its_end(
    daemon: Process, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("office")
    there = elsewhere(daemon, folder)
    code, out, err = run(there, folder, "status")
    assert (code, err) == (0, "")
    assert f"running, process {daemon.pid};" in out
    assert "times     Asia/Jerusalem; now " in out
    add = ("silence", "add", "--type", "sip.*", "--for", "1h", "--comment", "x", "--json")
    code, out, _ = run(there, folder, *add)
    assert (code, json.loads(out)["author"]) == (0, "token")
    code, out, _ = run(there, folder, "command", "add", "sip.accounts", "--wait", "1s", "--json")
    assert (code, json.loads(out)["status"]) == (os.EX_TEMPFAIL, "queued")  # its API is away

    with subprocess.Popen(
        [sys.executable, "-m", "daemon", "events", "tail", "--type", "sms.*", "--json"],
        env=there,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as tail:
        assert tail.stdout is not None and tail.stderr is not None
        told = []
        happen(daemon, "1")
        told.append(json.loads(tail.stdout.readline())["data"]["subject"])
        daemon.kill()
        happen(daemon, "2")
        daemon.start()
        told.append(json.loads(tail.stdout.readline())["data"]["subject"])
        happen(daemon, "3")
        told.append(json.loads(tail.stdout.readline())["data"]["subject"])
        tail.send_signal(signal.SIGINT)
        rest, err = tail.communicate(timeout=30)

    assert (told, rest) == (["sms/1", "sms/2", "sms/3"], "")
    assert "Traceback" not in err


def happen(daemon: Process, name: str) -> None:
    """An SMS, as by another process beside the daemon, or while there is none."""
    store = databases.connect(f"sqlite:///{daemon.directory}/yemotd.db")
    with store.write() as db:
        fact = Fact("sms.received", f"sms/{name}", {"sms": {"from": name, "text": "x"}})
        events.record(db, "main", [fact], clock.utcnow(), clock.new_id)
    store.close()


def test_in_a_terminal_the_log_is_for_people_in_their_zone(tmp_path: Path) -> None:
    Process(
        tmp_path,
        CONFIGURATION.replace("[http]", 'timezone = "Asia/Kathmandu"\n[http]'),
        base_url="http://127.0.0.1:9/",
        webhook_url="http://127.0.0.1:9/",
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "daemon", "run", "--log-level", "debug"],
        cwd=tmp_path,
        env={**inherited(), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        stderr=theirs,
    ) as running:
        os.close(theirs)
        said = ""
        until = clock.monotonic() + 60
        while not ("daemon.ready" in said and "api.asked" in said) and clock.monotonic() < until:
            if select.select([ours], [], [], 1)[0]:
                with suppress(OSError):
                    said += os.read(ours, 65536).decode()
        running.send_signal(signal.SIGKILL)
    os.close(ours)

    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    ready = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+05:45 \[info *\] daemon\.ready"
    assert re.search(ready, plain, re.MULTILINE), plain
    assert re.search(r"api\.asked .*judged='?unreachable", plain)
    assert "secret-password" not in said


@pytest.mark.parametrize(("level", "said"), [("error", False), ("info", True)])
def test_no_line_below_the_level_is_logged(tmp_path: Path, level: str, said: bool) -> None:
    Process(tmp_path, base_url="http://127.0.0.1:9/", webhook_url="http://127.0.0.1:9/")
    with subprocess.Popen(
        [sys.executable, "-m", "daemon", "run", "--log-level", level],
        cwd=tmp_path,
        env={**inherited(), "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        lock = tmp_path / "yemotd.db"
        store = None
        until = clock.monotonic() + 60
        while clock.monotonic() < until:
            with suppress(Exception):
                store = databases.connect(f"sqlite:///{lock}")
                with store.read() as db:
                    if events.count(db):
                        break
            select.select([], [], [], 0.1)
        running.send_signal(signal.SIGTERM)
        lines = running.stderr.read()
    if store is not None:
        store.close()

    assert ("daemon.stopped" in lines) is said
