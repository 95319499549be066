"""A terminal: verbs called in an empty directory."""

import itertools
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from daemon.cli.main import main
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest
from daemon.host import clock
from daemon.store import events
from tests.support.config_files import SYSTEM, WEBHOOK
from tests.support.fakes import START
from tests.support.story import Story

TOKEN = "0773137770:secret-of-the-system"
Call = Callable[..., tuple[int, str, str]]

FILLED = (
    "UPDATE watches SET failure = 'unreachable', failure_message = :text",
    "UPDATE alerts SET subject = :text",
    "UPDATE incidents SET subject = :text",
    "UPDATE silences SET author = :text, comment = :text, subject = :text",
    "UPDATE deliveries SET error = :text, first_response_head = :text, first_address = :text",
    "UPDATE attempts SET error = :text, response_head = :text, address = :text",
    "UPDATE endpoints SET error = :text",
    "UPDATE commands SET created_by = :text, result = :json, error = 'rejected', error_message = :text",
    "INSERT INTO members VALUES (:text, 'mem_1', 2, 0, 0, :text, '', 0, '', :text, NULL)",
    "INSERT INTO holdings VALUES ('system', 'main', :text, 1, 0, NULL, NULL)",
    "UPDATE events SET subject = :text",
    "INSERT INTO contacts VALUES ('077', '077', :text, 'x', :text, 0)",
    "INSERT INTO contacts VALUES (:text, :text, :text, 'x', :text, 0)",
    "UPDATE events SET body = replace(CAST(body AS TEXT), '\"IT\"', :json)",
)
"""Whatever a column of the store may hold that strangers wrote."""
STORED = (
    ("status",),
    ("now",),
    ("events", "list"),
    ("events", "show", "{event}"),
    ("alerts", "list"),
    ("silence", "list", "--all"),
    ("explain", "{event}"),
    ("explain", "inc_1"),
    ("deliveries", "list"),
    ("deliveries", "show", "1"),
    ("endpoints", "list"),
    ("endpoints", "replay", "crm", "--which", "all", "--dry-run"),
    ("command", "list"),
    ("command", "show", "{command}"),
    ("contacts", "list"),
)
"""Verbs that print them; each has `--json`, too."""


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Call:
    """Run a command line in an empty directory: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path_factory.mktemp("cli"))
    monkeypatch.setenv("TOKEN", TOKEN)
    monkeypatch.setenv("WRONG", "0773137770:not-it")
    monkeypatch.setenv("SIGNING", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["yemotd", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


class Room:
    """Directories with a configuration and a store, a new one for each example."""

    def __init__(self, event: str, command: str) -> None:
        self.event, self.command = event, command
        self._empty = Path.cwd()
        self._numbers = itertools.count(1)
        with closing(sqlite3.connect("yemotd.db")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def fill(self, text: str) -> None:
        """Go to a store in which strangers said nothing but this."""
        directory = self._empty / str(next(self._numbers))
        directory.mkdir()
        for name in ("config.toml", "yemotd.db"):
            shutil.copy(self._empty / name, directory)
        os.chdir(directory)
        said = json.dumps(text, ensure_ascii=False)
        with closing(sqlite3.connect("yemotd.db")) as db:
            for statement in FILLED:
                db.execute(statement, {"text": text, "json": said})
            db.execute("UPDATE events SET body = CAST(body AS BLOB)")
            db.commit()

    def words(self, verb: tuple[str, ...], text: str = "") -> list[str]:
        return [one.format(event=self.event, command=self.command, text=text) for one in verb]


@pytest.fixture
def room(call: Call) -> Room:
    """One of everything: an SMS, a phone that is down, a delivery that failed, a command, a silence."""
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + 'commands = ["*"]\n[systems.sip]\n' + WEBHOOK, encoding="utf-8")
    story = Story(Path("yemotd.db"), interests=[Interest("crm", ("*",), None)])
    story.phone("077", (10, 10_000))
    story.endpoint_says(Outcome.UNREACHABLE, 0, 10_000)
    story.run(until=100)
    with story.database.write() as db:
        fact = Fact("sms.received", "sms/050", {"sms": {"from": "IT", "to": "IT", "text": "IT"}})
        (event,) = events.record(db, "main", [fact], START, clock.new_id)
    story.database.close()
    assert call("silence", "add", "--comment", "x", "--for", "1h", "--type", "sip.*")[0] == 0
    command = json.loads(call("command", "add", "queue.pause", "queue_path=/5", "agent=1", "--json")[1])
    return Room(event.id, command["id"])
