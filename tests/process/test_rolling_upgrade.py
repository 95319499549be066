"""From the release before there were members to this one, while both run on one PostgreSQL."""

import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.store.schema import REVISION
from tests.support.fakes import Receiver
from tests.support.postgresql import Server, own_server
from tests.support.process import CONFIGURATION, Process

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BEFORE = "776ba682a1f0cb14eb26b6471e1ae3d901f0fc30"
"""The last commit of before there were members."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as it was then."""
    folder = tmp_path_factory.mktemp("before")
    archive = subprocess.run(
        [shutil.which("git") or "git", "archive", "--format=zip", BEFORE, "daemon", "migrations"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if archive.returncode:
        pytest.skip("the history of the project is not here")
    with zipfile.ZipFile(BytesIO(archive.stdout)) as held:
        held.extractall(folder)
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with own_server(tmp_path) as one:
        with closing(one.connect()) as db:
            db.execute("CREATE DATABASE yemotd TEMPLATE template0")
        yield one


def started(folder: Path, server: Server, simulator: Simulator, receiver: Receiver, code: Path) -> Process:
    folder.mkdir()
    text = CONFIGURATION.replace("sqlite:///yemotd.db", server.url("yemotd"))
    text = text.replace("limit = 10", 'limit = 10\ninitial = "emit"')
    one = Process(folder, text, base_url=simulator.base_url, webhook_url=receiver.url)
    return one.start(PYTHONPATH=str(code))


def messages(receiver: Receiver) -> dict[str, str]:
    """The texts of the SMS that arrived, by the ids of their events."""
    bodies = [json.loads(one.body) for one in receiver.received]
    return {one["data"]["id"]: one["data"]["sms"]["text"] for one in bodies if one["type"] == "sms.received"}


def test_nothing_is_lost_or_doubled_while_both_run(
    tmp_path: Path,
    before: Path,
    server: Server,
    system: SimulatedSystem,
    simulator: Simulator,
    receiver: Receiver,
) -> None:
    sent: list[str] = []

    def arrives(timeout: float = 30) -> None:
        """One more SMS, until it is told."""
        sent.append(f"message {len(sent)}")
        system.receive_sms("0541234567", sent[-1])
        many = len(receiver.received)
        while sorted(messages(receiver).values()) != sorted(sent):
            many = len(receiver.wait_for(many + 1, timeout))

    old = started(tmp_path / "old", server, simulator, receiver, before)
    try:
        arrives()
        new = started(tmp_path / "new", server, simulator, receiver, ROOT)
        try:
            new.wait_for("members.wait")
            arrives()
            assert old.stop() == 0
            assert new.count("shares.taken") == 0  # it has seen the old one until now
            arrives(60)
        finally:
            assert new.stop() == 0
    finally:
        old.stop()
    with closing(server.connect("yemotd")) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISION,)]
        of_it = "SELECT count(*), max(sequence) FROM events WHERE system = 'main'"
        ((many, last),) = db.execute(of_it).fetchall()
    assert many == last == len(sent)
    assert len(messages(receiver)) == len(sent)
