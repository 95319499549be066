"""The stream of a real daemon: it goes on over stops, kills, pauses and a clock that is set."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from daemon.app.lifecycle import App
from daemon.config.load import load
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.web import broadcast
from tests.process.test_app import wait_for, wait_for_baseline
from tests.process.test_clock_and_pauses import message, stopped_for
from tests.support.config_files import SYSTEM
from tests.support.fakes import Receiver
from tests.support.following import Follower, Told
from tests.support.process import CONFIGURATION, HTTP_TOKEN, TOKEN, Process, free_port, inherited
from tests.support.wall import IS_THERE, Wall

pytestmark = pytest.mark.slow

DAY = 86400


@pytest.fixture
def daemon(tmp_path: Path, simulator: Simulator, receiver: Receiver) -> Iterator[Process]:
    listen = f'listen = "127.0.0.1:{free_port()}"'
    configuration = CONFIGURATION.replace('listen = "127.0.0.1:0"', listen)
    one = Process(tmp_path, configuration, base_url=simulator.base_url, webhook_url=receiver.url)
    yield one
    one.signal(signal.SIGCONT)
    one.stop()


Follow = Callable[..., Follower]


@pytest.fixture
def follow(daemon: Process) -> Iterator[Follow]:
    """Begins to follow it, after the event with an id."""
    with ExitStack() as cleanups:

        def begin(last_id: str | None = None) -> Follower:
            one = Follower(daemon.port, HTTP_TOKEN, last_id=last_id, timeout=60)
            cleanups.callback(one.close)
            return one.begun()

        yield begin


def told_of(follower: Follower, text: str) -> list[Told]:
    """What it is told, up to a message with this text."""
    found: list[Told] = []
    while not found or f'"text":"{text}"'.encode() not in found[-1].data:
        one = follower.next()
        assert one is not None, (text, found)
        found.append(one)
    return found


def stored(daemon: Process) -> list[tuple[str, bytes]]:
    with closing(sqlite3.connect(daemon.directory / "yemotd.db")) as db:
        return list(db.execute("SELECT id, body FROM events ORDER BY number"))


def pairs(told: list[Told]) -> list[tuple[str, bytes]]:
    return [(one.id, one.data) for one in told]


def test_it_tells_what_receivers_get_over_an_end_and_a_kill(
    daemon: Process, follow: Follow, system: SimulatedSystem, receiver: Receiver
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    follower = follow()
    begun = follower.last_id
    message(system, "one")
    told = told_of(follower, "one")
    wait_for(receiver, "sms.received")
    assert daemon.stop() == 0
    told += follower.rest()
    assert json.loads(told[-1].data)["type"] == "daemon.stopped"

    daemon.start()
    follower = follow(follower.last_id)
    message(system, "two")
    told += told_of(follower, "two")
    daemon.kill()
    assert follower.rest() == []
    daemon.start()
    message(system, "three")
    told += told_of(follow(follower.last_id), "three")

    there_are = stored(daemon)
    start = [one for one, _ in there_are].index(begun or "") + 1
    assert pairs(told) == there_are[start : start + len(told)]
    by_id = {one.headers["webhook-id"]: one.body for one in receiver.received}
    texts = [one for one in told if one.id in by_id and b"sms.received" in one.data]
    assert texts
    assert all(by_id[one.id] == one.data for one in texts)


def test_a_pause_of_the_daemon_breaks_nothing(
    daemon: Process, follow: Follow, system: SimulatedSystem
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    follower = follow()
    message(system, "before")
    told = told_of(follower, "before")
    stopped_for(daemon, 2)
    message(system, "after")
    told += told_of(follower, "after")

    ids = [one.id for one in told]
    assert ids == [one for one, _ in stored(daemon) if one in ids]
    assert len(set(ids)) == len(ids)


@pytest.mark.skipif(not IS_THERE, reason="libfaketime is not to be had for this machine")
@pytest.mark.parametrize("seconds", [-400 * DAY, 400 * DAY])
def test_a_clock_that_is_set_breaks_nothing(
    daemon: Process, follow: Follow, system: SimulatedSystem, tmp_path: Path, seconds: int
) -> None:
    wall = Wall(tmp_path)
    daemon.start(**wall.environment)
    wait_for_baseline(daemon)
    follower = follow()
    message(system, "before")
    told = told_of(follower, "before")
    wall.set(seconds)
    daemon.wait_for("clock.stepped")
    message(system, "after")
    told += told_of(follower, "after")
    message(system, "again")
    # By its id another goes on, though the dates of what follows may lie before that of what it names.
    again = follow(told[0].id)
    later = told_of(again, "again")

    assert pairs(told[1:]) == pairs(later)[: len(told) - 1]


def test_the_end_is_not_held_up_by_those_who_follow(daemon: Process, follow: Follow) -> None:
    daemon.start()
    followers = [follow() for _ in range(20)]
    daemon.signal(signal.SIGTERM)
    ended = [one.rest() for one in followers]

    assert daemon.wait(10) == 0
    assert {json.loads(one[-1].data)["type"] for one in ended} == {"daemon.stopped"}


def test_tail_goes_on_over_a_restart(daemon: Process, system: SimulatedSystem) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    command = [sys.executable, "-m", "daemon", "events", "tail", "--json", "--limit", "1"]
    with subprocess.Popen(
        command, cwd=daemon.directory, stdout=subprocess.PIPE, env=inherited(), text=True
    ) as tail:
        assert tail.stdout is not None
        lines = [tail.stdout.readline()]

        def read_to(text: str) -> None:
            while text not in lines[-1]:
                lines.append(tail.stdout.readline())  # type: ignore[union-attr] # asserted above
                assert lines[-1], lines

        message(system, "one")
        read_to('"text":"one"')
        assert daemon.stop() == 0
        read_to("daemon.stopped")
        daemon.start()
        message(system, "two")
        read_to('"text":"two"')
        daemon.kill()
        daemon.start()
        message(system, "three")
        read_to('"text":"three"')
        tail.stdout.close()
        assert tail.wait(30) == 0

    bodies = [body.decode() for _, body in stored(daemon)]
    start = bodies.index(lines[0].rstrip("\n"))
    assert [one.rstrip("\n") for one in lines] == bodies[start : start + len(lines)]


def test_a_commit_is_told_by_the_bell_and_not_by_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "LOOK_AGAIN", 3600.0)
    path = tmp_path / "config.toml"
    path.write_text(
        f'[daemon]\ndatabase = "sqlite:///{tmp_path}/yemotd.db"\n'
        f'[http]\nlisten = "127.0.0.1:0"\ntoken_env = "HTTP"\n{SYSTEM}base_url = "http://127.0.0.1:9/"\n'
    )
    config = load(path, {"TOKEN": TOKEN, "HTTP": HTTP_TOKEN}).config
    app = App(config)
    app.start()
    try:
        assert app.port
        with closing(Follower(app.port, HTTP_TOKEN, timeout=20)) as follower:
            follower.begun()
            app.reload(config)
            while b"daemon.config_reloaded" not in (told := follower.next() or pytest.fail("it ended")).data:
                pass
            assert told.id == follower.last_id
    finally:
        app.stop()
