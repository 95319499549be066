"""A store that cannot be written, or is taken away: nothing is lost, all are told, then and afterwards."""

import json
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.store import database as databases
from tests.support.fakes import Receiver
from tests.support.process import CONFIGURATION, Process, inherited, run_cli
from tests.support.smtp import MailServer

pytestmark = pytest.mark.slow

HEARTBEAT = """
[heartbeat]
url_file = "heartbeat"
every = "200ms"
"""
MANY = 8


@pytest.fixture
def watcher() -> Iterator[Receiver]:
    """The dead man's switch."""
    with Receiver() as one:
        yield one


@pytest.fixture
def daemon(tmp_path: Path, simulator: Simulator, receiver: Receiver, watcher: Receiver) -> Iterator[Process]:
    one = Process(tmp_path, CONFIGURATION + HEARTBEAT, base_url=simulator.base_url, webhook_url=receiver.url)
    (tmp_path / "heartbeat").write_text(watcher.url)
    yield one
    one.stop()


def refuse_writes(daemon: Process) -> Callable[[], None]:
    """No file of the process may grow, as on a full disk; returns what ends that."""
    before = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (1, before[1]))

    def allow() -> None:
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, before)

    return allow


def arrived(receiver: Receiver, event_type: str) -> list[dict[str, Any]]:
    found = [json.loads(one.body) for one in receiver.received]
    return [body for body in found if body["type"] == event_type]


def until(receiver: Receiver, event_type: str, many: int) -> list[dict[str, Any]]:
    while len(found := arrived(receiver, event_type)) < many:
        receiver.wait_for(len(receiver.received) + 1, timeout=20)
    return found


def sign(watcher: Receiver, age: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The next sign of life of which that holds."""
    while True:
        received = watcher.wait_for(len(watcher.received) + 1, timeout=20)
        body: dict[str, Any] = json.loads(received[-1].body)
        if age(body):
            return body


def test_while_nothing_can_be_written_nothing_is_lost(
    daemon: Process, system: SimulatedSystem, receiver: Receiver, watcher: Receiver, tmp_path: Path
) -> None:
    daemon.start()
    sign(watcher, lambda body: all(one["age_seconds"] is not None for one in body["watches"]))
    system.receive_sms(sender="0541234567", recipient="0501234567", text="before")
    until(receiver, "sms.received", 1)

    allow_writes = refuse_writes(daemon)
    daemon.wait_for("store.failed")
    signs = len(watcher.received)
    for number in range(MANY):
        system.receive_sms(sender="0541234567", recipient="0501234567", text=f"number {number}")
    daemon.wait_for("poll.not_stored", count=3)
    (failed,) = until(receiver, "daemon.store_failed", 1)
    code, ready = daemon.get("/readyz", token=None)
    assert (code, daemon.get("/livez", token=None)[0]) == (503, 200)
    assert "database" in str(ready)
    shown = daemon.get("/api/v1/status")[1]["store"]
    assert shown == failed["data"]["store"]
    assert len(arrived(receiver, "sms.received")) == 1
    assert len(watcher.received) <= signs + 1  # one may have been under way
    allow_writes()

    found = until(receiver, "sms.received", MANY + 1)
    (told,) = until(receiver, "daemon.store_recovered", 1)
    sign(watcher, lambda _: True)
    assert daemon.get("/readyz", token=None)[0] == 200
    assert daemon.stop() == 0

    texts = [body["data"]["sms"]["text"] for body in found]
    assert texts == ["before", *(f"number {number}" for number in range(MANY))]
    assert told["data"]["store"] == failed["data"]["store"]
    assert told["data"]["store"]["error"]
    assert (failed["data"]["sequence"], failed["data"]["subject"]) == (0, "daemon/store")
    assert len(arrived(receiver, "daemon.store_failed")) == 1
    assert told["data"]["store"]["failing_since"] < told["timestamp"]
    with closing(sqlite3.connect(tmp_path / "yemotd.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def baseline(daemon: Process, watcher: Receiver) -> None:
    daemon.start()
    sign(watcher, lambda body: all(one["age_seconds"] is not None for one in body["watches"]))


def events(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [row[0] for row in db.execute("SELECT type FROM events ORDER BY number")]


@pytest.mark.parametrize("way", ["mv", "cp"])
def test_a_copy_that_is_put_in_place_is_taken_up_by_a_restart(
    daemon: Process, system: SimulatedSystem, receiver: Receiver, watcher: Receiver, tmp_path: Path, way: str
) -> None:
    baseline(daemon, watcher)
    copy, path = tmp_path / "copy.db", tmp_path / "yemotd.db"
    assert run_cli(tmp_path, "db", "backup", str(copy)).returncode == 0
    before = events(copy)
    system.receive_sms(sender="0541234567", recipient="0501234567", text="after the copy")
    until(receiver, "sms.received", 1)

    subprocess.run([f"/bin/{way}", str(copy), str(path)], check=True)
    (failed,) = until(receiver, "daemon.store_failed", 1)
    assert daemon.wait() == os.EX_IOERR
    assert ("replaced" if way == "mv" else "overwritten") in failed["data"]["store"]["error"]
    assert events(path) == before
    daemon.start()
    (recovered,) = until(receiver, "daemon.store_recovered", 1)
    assert recovered["data"]["store"] == failed["data"]["store"]
    # The platform still lists it, so it is found again.
    until(receiver, "sms.received", 2)
    assert daemon.stop() == 0
    assert len(arrived(receiver, "daemon.store_failed")) == 1


def test_one_that_was_removed_is_missed_until_somebody_decides(
    daemon: Process, receiver: Receiver, watcher: Receiver, tmp_path: Path
) -> None:
    baseline(daemon, watcher)
    (tmp_path / "yemotd.db").unlink()
    (failed,) = until(receiver, "daemon.store_failed", 1)

    assert "was removed or moved away" in failed["data"]["store"]["error"]
    code, ready = daemon.get("/readyz", token=None)
    assert (code, "was removed" in str(ready)) == (503, True)
    said = run_cli(tmp_path, "status")
    assert said.returncode == os.EX_IOERR
    assert "there is no database" in said.stderr
    assert f"removed under the daemon that runs (process {daemon.pid})" in said.stderr
    assert not (tmp_path / "yemotd.db").exists()
    assert daemon.stop() == 0


def test_a_folder_that_was_renamed_and_comes_back_costs_nothing(
    simulator: Simulator, system: SimulatedSystem, receiver: Receiver, watcher: Receiver, tmp_path: Path
) -> None:
    configuration = CONFIGURATION.replace("sqlite:///yemotd.db", "sqlite:///data/yemotd.db")
    (tmp_path / "data").mkdir()
    (tmp_path / "heartbeat").write_text(watcher.url)
    places = {"base_url": simulator.base_url, "webhook_url": receiver.url}
    daemon = Process(tmp_path, configuration + HEARTBEAT, **places)
    baseline(daemon, watcher)
    (tmp_path / "data").rename(tmp_path / "moved")
    until(receiver, "daemon.store_failed", 1)
    system.receive_sms(sender="0541234567", recipient="0501234567", text="meanwhile")
    daemon.wait_for("poll.not_stored")
    (tmp_path / "moved").rename(tmp_path / "data")

    until(receiver, "daemon.store_recovered", 1)
    until(receiver, "sms.received", 1)
    assert daemon.stop() == 0
    assert "sms.received" in events(tmp_path / "data" / "yemotd.db")


def subject(content: bytes | str | None) -> str:
    assert isinstance(content, bytes)
    return str(message_from_bytes(content, policy=policy.default)["subject"])


def test_it_is_mailed_from_memory_too(
    simulator: Simulator, receiver: Receiver, watcher: Receiver, tmp_path: Path
) -> None:
    mails = """
[smtp]
host = "127.0.0.1"
port = {mail_port}
from = "alerts@pbx.example"
security = "none"
[[emails]]
name = "ops"
to = ["ops@example.org"]
events = ["daemon.*"]
"""
    (tmp_path / "heartbeat").write_text(watcher.url)
    with MailServer() as server:
        places = {"base_url": simulator.base_url, "webhook_url": receiver.url, "mail_port": str(server.port)}
        daemon = Process(tmp_path, CONFIGURATION + HEARTBEAT + mails, **places)
        baseline(daemon, watcher)
        (tmp_path / "yemotd.db").unlink()
        until(receiver, "daemon.store_failed", 1)
        daemon.wait_for("alarm.attempt", count=2)
        assert daemon.stop() == 0
        subjects = [subject(one.content) for one in server.mails]
    assert sum("database cannot be written" in one for one in subjects) == 1


def test_a_second_daemon_does_not_start_under_another_name(
    daemon: Process, watcher: Receiver, tmp_path: Path
) -> None:
    baseline(daemon, watcher)
    (tmp_path / "link.db").symlink_to("yemotd.db")
    (tmp_path / "hard.db").hardlink_to(tmp_path / "yemotd.db")
    (tmp_path / "yemotd.db.lock").unlink()
    text = (tmp_path / "config.toml").read_text()
    for name in ("link.db", "hard.db", "yemotd.db"):
        (tmp_path / "second.toml").touch(mode=0o600)
        (tmp_path / "second.toml").write_text(text.replace("yemotd.db", name))
        said = run_cli(tmp_path, "run", "--config", "second.toml")
        assert (said.returncode, "another yemotd (process" in said.stderr) == (os.EX_IOERR, True), said.stderr
    assert daemon.stop() == 0


def started_on_a_full_disk(folder: Path, most: int) -> tuple[int, str]:
    """A start where no file grows beyond so many bytes; one that is ready is stopped: exit code, log."""
    running = subprocess.Popen(
        ["/bin/sh", "-c", 'exec prlimit --fsize="$0" "$@"', str(most), sys.executable, "-m", "daemon", "run"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        env={**inherited(), "PYTHONDONTWRITEBYTECODE": "1"},  # a module that is cut short stays so
    )
    assert running.stderr
    said = []
    with running.stderr:
        for line in running.stderr:
            said.append(line)
            if "daemon.ready" in line:
                running.terminate()
    return running.wait(30), "".join(said)


@pytest.mark.parametrize("most", [0, 4096, 100_000, 200_000])
def test_a_first_start_on_a_full_disk_ends_with_the_reason(
    daemon: Process, tmp_path: Path, most: int
) -> None:
    code, said = started_on_a_full_disk(tmp_path, most)
    assert code == os.EX_IOERR, said
    assert "Traceback" not in said
    assert any(word in said for word in ("full", "I/O", "too large")), said


@pytest.mark.parametrize("most", [0, 5_000, 9_000, 13_000, 17_000, 30_000])
def test_a_start_on_a_nearly_full_disk_ends_with_the_reason_or_tells_it(
    daemon: Process, tmp_path: Path, most: int
) -> None:
    databases.open_for_daemon(f"sqlite:///{tmp_path / 'yemotd.db'}").close()
    code, said = started_on_a_full_disk(tmp_path, most)
    assert "Traceback" not in said, said
    assert (code == os.EX_OK) == ("daemon.ready" in said), said
    assert code in (os.EX_OK, os.EX_IOERR), said
    if most == 0:
        assert code == os.EX_IOERR
