"""Templates in a whole daemon: what waits goes by the template that it was planned with, through reloads and
restarts; and one that fails is told to the others and holds up nobody."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.app.lifecycle import App
from daemon.core.delivery.breaker import HEALTHY, Breaker, DisabledBy, Health
from daemon.core.model import Fact
from daemon.host import clock
from daemon.store import endpoint_health, history
from daemon.store.history import Wanted
from tests.support.bad_receiver import PATIENCE
from tests.support.config_files import ENVIRON, QUIET, SMS, SYSTEM, loaded
from tests.support.fakes import Receiver

pytestmark = pytest.mark.slow

TEMPLATE = 'content-type: application/json\n\n{"v": VERSION, "text": {{ data.sms.text }}}\n'
OFF = Breaker(Health.DISABLED, disabled_by=DisabledBy.OPERATOR)


def written(
    folder: Path, receiver: Receiver, version: int | None, *, more: str = "", text: str = TEMPLATE
) -> str:
    (folder / "crm.txt").write_text(text.replace("VERSION", str(version)), encoding="utf-8")
    by = 'secret_env = "SIGNING"\n' + ('template = "crm"\n' if version is not None else "")
    return (
        QUIET
        + f'[daemon]\ndatabase = "sqlite:///{folder}/y.db"\n[templates]\ncrm = "crm.txt"\n'
        + f'[[webhooks]]\nname = "crm"\nurl = "{receiver.url}"\nevents = ["sms.received"]\n{by}{more}'
        + SYSTEM
        + SMS
    )


@contextmanager
def running(folder: Path, text: str, *, is_off: bool) -> Iterator[App]:
    """A daemon; `is_off`: nothing leaves it, so that what happens waits."""
    app = App(loaded(folder, text, ENVIRON).config)
    with app.parts.database.write() as db:
        endpoint_health.save(db, {"crm": OFF if is_off else HEALTHY})
    app.start()
    try:
        yield app
    finally:
        app.stop()


def happen(app: App, *texts: str) -> None:
    with app.parts.database.write() as db:
        facts = [
            Fact("sms.received", f"sms/{text}", {"sms": {"from": "0541234567", "to": "1", "text": text}})
            for text in texts
        ]
        app.current().recorder.record(db, "main", facts, app.parts.timeline.began)


def reload(app: App, folder: Path, text: str) -> None:
    app.reload(loaded(folder, text, ENVIRON).config)


def bodies(receiver: Receiver, many: int) -> dict[str, Any]:
    """What arrived, by its text: the template's version, or None where it is the whole event."""
    found = [json.loads(one.body) for one in receiver.wait_for(many, PATIENCE)]
    return {one["text"] if "text" in one else one["data"]["sms"]["text"]: one.get("v") for one in found}


def test_what_waits_goes_by_what_it_was_planned_with_through_reloads_and_a_restart(tmp_path: Path) -> None:
    with Receiver() as receiver:
        with running(tmp_path, written(tmp_path, receiver, None), is_off=True) as app:
            happen(app, "plain")
            reload(app, tmp_path, written(tmp_path, receiver, 1))
            happen(app, "first")
            reload(app, tmp_path, written(tmp_path, receiver, 1))
            happen(app, "again")
        # The file is changed while nobody runs.
        with running(tmp_path, written(tmp_path, receiver, 2), is_off=True) as app:
            happen(app, "second")
            reload(app, tmp_path, written(tmp_path, receiver, None))
            happen(app, "none")
            with app.parts.database.read() as db:
                named = [one.template for one in reversed(history.read(db, Wanted(type="sms.*")))]
            assert receiver.received == []
        with running(tmp_path, written(tmp_path, receiver, None), is_off=False) as app:
            told = bodies(receiver, 5)

    assert told == {"plain": None, "first": 1, "again": 1, "second": 2, "none": None}
    assert named == [None, "crm", "crm", "crm", None]


def test_a_template_that_cannot_tell_an_event_is_told_to_the_others_and_holds_up_nobody(
    tmp_path: Path,
) -> None:
    once = TEMPLATE.replace("{{ data.sms.text }}", "{{ {'good': 1, 'better': 2, KNOWN}[data.sms.text] }}")
    known = json.dumps("קוד האימות שלך הוא 482913", ensure_ascii=False) + ": 3"
    with Receiver() as receiver, Receiver() as others:
        more = (
            f'[[webhooks]]\nname = "ops"\nurl = "{others.url}"\nformat = "slack"\nevents = ["endpoint.*"]\n'
        )
        text = written(tmp_path, receiver, 1, more=more, text=once.replace("KNOWN", known))
        with running(tmp_path, text, is_off=False) as app:
            happen(app, "good", "bad", "better")
            told = [json.loads(one.body) for one in receiver.wait_for(2, PATIENCE)]
            app.parts.chores.tell()
            (said,) = others.wait_for(1, PATIENCE)
            deadline = clock.monotonic() + PATIENCE
            failed: list[Any] = []
            while not failed:
                assert clock.monotonic() < deadline
                with app.parts.database.read() as db:
                    failed = [one for one in history.read(db, Wanted(endpoint="crm")) if one.error]

    assert sorted(one["text"] for one in told) == [1, 2]
    assert "template" in said.body.decode()
    assert len(failed) == 1
    assert failed[0].error.startswith(
        "its template cannot be used for it: line 3: there is nothing at this place"
    )
    assert "bad" not in failed[0].error
