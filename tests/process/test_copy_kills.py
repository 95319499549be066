"""SIGKILL while recordings are copied: none is lost, none is fetched again that is on the disk, none is half
there."""

import json
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.workers.copies import PART, folder_name
from tests.support.engines import engine
from tests.support.killing import killable
from tests.support.process import Process, inherited

__all__ = ["engine"]  # so that each test runs on both
pytestmark = pytest.mark.slow

EVERY = 23
"""Lines of what copies and writes down, from one that is killed to the next."""
KILLED_AT_A_LINE = textwrap.dedent(
    """
    import json, os, signal, sys, threading
    from pathlib import Path
    from daemon.core.files import File
    from daemon.store import database as databases
    from daemon.store import copied_recordings
    from daemon.workers.copies import Keeping
    from daemon.workers.downloads import Downloads
    from daemon.workers.keeper import Keeper
    from tests.support.fakes import START
    from tests.support.recorded import told
    from datetime import timedelta

    SIZE, MANY, WATCHED = 3 << 20, 3, ("workers/copies.py", "workers/keeper.py", "core/copied.py",
                                       "store/copied_recordings.py")

    def tracing(at):
        left = [at]
        lock = threading.Lock()
        def line(frame, what, _):
            if what == "line":
                with lock:
                    left[0] -= 1
                    if left[0] == 0:
                        os.kill(os.getpid(), signal.SIGKILL)
            return line
        def call(frame, *_):
            return line if frame.f_code.co_filename.endswith(WATCHED) else None
        return call, left

    def life(folder, at):
        def fetch(recording, into, is_wanted):
            with (folder / "asked").open("a") as asked:
                asked.write(recording.event + "\\n")
            into.write(recording.event.encode() * (SIZE // 5))
            return SIZE // 5 * 5
        database = databases.open_for_daemon(f"sqlite:///{folder}/kept.db")
        downloads = Downloads(fetch, lambda: folder, monotonic=lambda: 0.0)
        keeper = Keeper(database, lambda: downloads, folder / "recordings", now=lambda: START,
            asked=lambda: {("main", "/2"): Keeping(timedelta(days=30), 100)}, monotonic=lambda: 0.0)
        call, left = tracing(at)
        threading.settrace(call), sys.settrace(call)
        for _ in range(1000):
            keeper.run()
            for one in list(keeper._due.values()):
                if one.held is not None:
                    one.held._place.done.wait(30)
            with database.read() as db:
                if copied_recordings.load(db) == {("main", "/2"): MANY}:
                    return
        os._exit(3)

    def child(folder, at):
        pid = os.fork()
        if pid == 0:
            try:
                life(folder, at)
                os._exit(0)
            finally:
                os._exit(2)
        return os.waitpid(pid, 0)[1]

    def copies(folder):
        return sorted((folder / "recordings").glob("*/*"))

    root, every = Path(sys.argv[1]), int(sys.argv[2])
    at, killed = 1, 0
    while True:
        folder = root / str(at)
        folder.mkdir()
        database = databases.open_for_daemon(f"sqlite:///{folder}/kept.db")
        for number in range(1, MANY + 1):
            file = File(f"{number}.wav", f"u{number}", None, SIZE // 5 * 5, None, None, None, None, None)
            told(database, file, number=number)
        database.close()
        status = child(folder, at)
        if status == 0:
            break
        assert os.WIFSIGNALED(status), status
        killed += 1
        there = [one.name for one in copies(folder) if one.suffix == ".wav"]
        (folder / "asked").touch()
        before = (folder / "asked").read_text().split()
        assert child(folder, -1) == 0
        after = (folder / "asked").read_text().split()[len(before):]
        wanted = [f"evt_{number}" for number in range(1, MANY + 1)]
        assert [one.name for one in copies(folder)] == [f"{one}.wav" for one in wanted], (at, copies(folder))
        assert all(one.read_bytes() == one.stem.encode() * (SIZE // 5) for one in copies(folder)), at
        assert sorted(after) == [one for one in wanted if f"{one}.wav" not in there], (at, there, after)
        at += every
    print(json.dumps(killed))
    """
)


def test_at_any_line_of_what_copies(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_AT_A_LINE, str(tmp_path), str(EVERY)]
    done = subprocess.run(command, capture_output=True, text=True, env=inherited(), timeout=1200, check=False)

    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) >= 10


CONFIGURATION = """\
[[systems.directories]]
path = "/2"
every = "200ms"
keep = "30d"
"""
MANY = 5
SECONDS = 40
"""Of each recording: 640 kB."""
PATIENCE = 120.0


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem(now=utcnow)


@pytest.fixture
def daemon(engine: str, tmp_path: Path, simulator: Simulator, system: SimulatedSystem) -> Iterator[Process]:
    system.directory("/2")
    with killable(tmp_path, CONFIGURATION, base_url=simulator.base_url) as one:
        yield one


def start(daemon: Process) -> None:
    many = daemon.count("daemon.ready")
    daemon.launch()
    daemon.wait_for("daemon.ready", count=many + 1, timeout=PATIENCE)


def wait(is_it: Callable[[], object]) -> None:
    until = monotonic() + PATIENCE
    while not is_it():
        assert monotonic() < until
        Event().wait(0.01)


def copies(daemon: Process) -> dict[str, int]:
    place = daemon.directory / "recordings" / folder_name("main", "/2")
    found = [one for one in place.iterdir() if one.suffix != PART] if place.is_dir() else []
    return {one.name: one.stat().st_size for one in found}


def test_whenever_it_is_killed(daemon: Process, system: SimulatedSystem) -> None:
    chance = random.Random(20261130)  # noqa: S311 - the same moments in every run
    start(daemon)
    wait(lambda: any(one["observed_at"] for one in daemon.get("/api/v1/status")[1]["systems"][0]["watches"]))
    for _ in range(MANY):
        before = system.request_counts["DownloadFile"]
        system.directory("/2").add_recording("0541234567", seconds=SECONDS)
        wait(lambda before=before: system.request_counts["DownloadFile"] > before)  # type: ignore[misc]
        Event().wait(chance.uniform(0, 0.05))  # the moment of the kill
        daemon.kill()
        start(daemon)
    wait(lambda: len(copies(daemon)) == MANY)
    daemon.stop()

    (wanted,) = {len(one.content) for one in system.files.of("2")}
    assert set(copies(daemon).values()) == {wanted}
    kept = [line["event_id"] for line in daemon.lines if line.get("event") == "recording.kept"]
    assert len(kept) == len(set(kept))
