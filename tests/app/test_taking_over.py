"""One configuration follows another: what changed is told and kept, and what is no longer for an endpoint is
not sent."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.app.lifecycle import App
from daemon.app.reloading import Reloaded
from daemon.app.taking_over import Takeover
from daemon.cli.run import _reload
from daemon.core.delivery.breaker import Breaker, DisabledBy, Health
from daemon.core.model import Fact
from daemon.host.logs import Redactor
from daemon.host.systemd import Notifier
from daemon.pipeline.withdrawal import withdraw
from daemon.store import endpoint_health
from daemon.store.database import Database
from tests.support.config_files import ENVIRON, QUIET, SMS, SYSTEM, WEBHOOK, loaded, written

CRM = WEBHOOK.replace("https://crm.example.org/hook", "http://127.0.0.1:9/hook")
OPS = CRM.replace('"crm"', '"ops"')
NOTHING_ELSE: dict[str, list[str]] = {"endpoints": [], "watches": [], "systems": [], "settings": []}


@contextmanager
def running(directory: Path, text: str) -> Iterator[App]:
    """A daemon whose endpoints are off, so that nothing of theirs is ever under way."""
    app = App(loaded(directory, QUIET + f'[daemon]\ndatabase = "sqlite:///{directory}/y.db"\n' + text).config)
    with app.parts.database.write() as db:
        off = Breaker(Health.DISABLED, disabled_by=DisabledBy.OPERATOR)
        endpoint_health.save(db, {"crm": off, "ops": off})
    app.start()
    try:
        yield app
    finally:
        app.stop()


def reload(app: App, directory: Path, text: str) -> Reloaded:
    text = QUIET + f'[daemon]\ndatabase = "sqlite:///{directory}/y.db"\n' + text
    return app.reload(loaded(directory, text, ENVIRON).config)


def told_to_reload(app: App, directory: Path) -> str:
    """What SIGHUP comes to: what is said of it until the next one."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRON.items():
            patch.setenv(name, value)
        return _reload(app, directory / "config.toml", Redactor(), Notifier({}))


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


FEWER = CRM + 'events = ["directory.*"]\n'


@pytest.mark.slow
def test_what_a_reload_could_not_withdraw_is_withdrawn_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reload gives up waiting, and then the process ends before the dispatcher came to it."""
    with running(tmp_path, CRM + SYSTEM) as app:
        happen(app, "sms.received")
        with monkeypatch.context() as patch:
            patch.setattr(app.parts.dispatcher, "reroute", lambda *_: None)
            patch.setattr(Takeover, "wait", lambda _self: None)
            reload(app, tmp_path, FEWER + SYSTEM)
        assert reloads(app.parts.database)[0]["withdrawn"] is None, "nobody knows"
        assert ended(app.parts.database) == []
    with running(tmp_path, FEWER + SYSTEM) as app:
        assert ("crm", "sms.received") in ended(app.parts.database)


def raising_once(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [KeyError("ours")]

    def once(*words: Any) -> dict[str, int]:
        ended = withdraw(*words)
        if errors:
            raise errors.pop()
        return ended

    monkeypatch.setattr("daemon.app.taking_over.withdraw", once)


@pytest.mark.slow
def test_a_withdrawal_that_raises_is_told_and_made_up_for_by_the_next_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, CRM + OPS + SYSTEM) as app:
        happen(app, "sms.received")
        raising_once(monkeypatch)
        reloaded = reload(app, tmp_path, FEWER + OPS + SYSTEM)
        assert str(reloaded.not_withdrawn).startswith("KeyError at test_taking_over.py:")
        assert reloads(app.parts.database)[0]["withdrawn"] is None
        assert (ended(app.parts.database), app.tend()) == ([], None)
        assert app.state.is_alive() == (True, "dispatcher ok")

        assert reload(app, tmp_path, FEWER + SYSTEM).not_withdrawn is None
        assert ("crm", "sms.received") in ended(app.parts.database)


@pytest.mark.slow
def test_a_withdrawal_that_raises_at_the_start_is_made_up_for_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, CRM + SYSTEM) as app:
        happen(app, "sms.received")
    raising_once(monkeypatch)
    with running(tmp_path, FEWER + SYSTEM) as app:
        assert ended(app.parts.database) == []
    with running(tmp_path, FEWER + SYSTEM) as app:
        assert ("crm", "sms.received") in ended(app.parts.database)


HEARTBEAT = '[heartbeat]\nurl = "http://127.0.0.1:9/"\n'


def raises(*_: object, **__: object) -> Any:
    raise KeyError("ours")


@pytest.mark.slow
def test_a_reload_that_raises_says_which_configuration_is_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And all that this one has to do is done."""
    before, after = CRM + SYSTEM, HEARTBEAT + CRM + SYSTEM + SMS
    with running(tmp_path, before) as app:
        planned, config = set(app._jobs.next_runs()), app.config
        place = f'[daemon]\ndatabase = "sqlite:///{tmp_path}/y.db"\n'
        written(tmp_path, QUIET + place + after)
        with monkeypatch.context() as patch:
            patch.setattr("daemon.app.jobs.Heartbeat", raises)
            said = told_to_reload(app, tmp_path)
        assert said.startswith("reload failed, still on the old configuration: ")
        assert app.config is config
        assert set(app._jobs.next_runs()) == planned

        with monkeypatch.context() as patch:
            patch.setattr(app.parts.chores, "sweep", raises)
            said = told_to_reload(app, tmp_path)
        assert said.startswith("reload cut short, on the new configuration all the same: ")
        assert app.config is not config
        assert set(app._jobs.next_runs()) >= {"heartbeat", "main/sms"}

        raising_once(monkeypatch)
        assert "not withdrawn: KeyError at " in told_to_reload(app, tmp_path)
        assert told_to_reload(app, tmp_path) == ""
