"""One configuration follows another: what changed is told and kept, and what is no longer for an endpoint is
not sent."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.app.lifecycle import App
from daemon.core.model import Fact
from daemon.store.database import Database
from tests.support.config_files import ENVIRON, QUIET, SYSTEM, WEBHOOK, loaded

CRM = WEBHOOK.replace("https://crm.example.org/hook", "http://127.0.0.1:9/hook")
OPS = CRM.replace('"crm"', '"ops"')
NOTHING_ELSE: dict[str, list[str]] = {"endpoints": [], "watches": [], "systems": [], "settings": []}


@contextmanager
def running(directory: Path, text: str) -> Iterator[App]:
    app = App(loaded(directory, QUIET + f'[daemon]\ndatabase = "sqlite:///{directory}/y.db"\n' + text).config)
    app.start()
    try:
        yield app
    finally:
        app.stop()


def reload(app: App, directory: Path, text: str) -> None:
    text = QUIET + f'[daemon]\ndatabase = "sqlite:///{directory}/y.db"\n' + text
    app.reload(loaded(directory, text, ENVIRON).config)


def happen(app: App, *types: str) -> None:
    with app.parts.database.write() as db:
        facts = [Fact(one, f"sms/{one}", {"sms": {"text": "code 1234"}}) for one in types]
        app.current().recorder.record(db, "main", facts, app.parts.timeline.began)


def reloads(database: Database) -> list[dict[str, Any]]:
    with database.read() as db:
        sql = "SELECT body FROM events WHERE type = 'daemon.config_reloaded' ORDER BY number"
        return [json.loads(body)["data"]["daemon"] for body in db.exec_driver_sql(sql).scalars()]


def ended(database: Database) -> list[tuple[str, str]]:
    """Endpoint and type of what was superseded."""
    with database.read() as db:
        rows = db.exec_driver_sql(
            "SELECT d.endpoint, e.type FROM deliveries d JOIN events e ON e.number = d.event"
            " WHERE d.status = 'superseded' ORDER BY d.id"
        ).all()
    return [(row.endpoint, row.type) for row in rows]


@pytest.mark.slow
def test_a_reload_says_what_it_changed_and_takes_back_what_is_not_for_an_endpoint_any_more(
    tmp_path: Path,
) -> None:
    with running(tmp_path, CRM + OPS + SYSTEM) as app:
        happen(app, "sms.received", "directory.file.added")
        reload(app, tmp_path, CRM + 'events = ["directory.*"]\n' + SYSTEM)
        (said,) = reloads(app.parts.database)

        assert said["removed"] == {**NOTHING_ELSE, "endpoints": ["ops"]}
        assert said["changed"] == {**NOTHING_ELSE, "endpoints": ["crm"]}
        assert said["added"] == NOTHING_ELSE
        assert said["withdrawn"]["crm"] >= 1
        assert ("crm", "sms.received") in ended(app.parts.database)
        assert ("ops", "sms.received") not in ended(app.parts.database), "it may come back"

        reload(app, tmp_path, CRM + 'events = ["directory.*"]\n' + OPS + 'events = ["sip.*"]\n' + SYSTEM)
        assert ("ops", "sms.received") in ended(app.parts.database), "it came back, and may have less"


@pytest.mark.slow
def test_a_start_with_a_changed_configuration_does_the_same(tmp_path: Path) -> None:
    with running(tmp_path, CRM + SYSTEM) as app:
        happen(app, "sms.received", "directory.file.added")
    with running(tmp_path, CRM + 'events = ["directory.*"]\n' + SYSTEM) as app:
        assert ("crm", "sms.received") in ended(app.parts.database)
        assert ("crm", "directory.file.added") not in ended(app.parts.database)
        with closing(app.parts.database.engine.raw_connection()) as one:
            (described,) = one.execute("SELECT described FROM in_force").fetchone()
        assert "secret" not in described
