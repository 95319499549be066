"""Endpoints of the file and of the store over any life of both: added, changed, taken away, a file that takes
their names and leaves them, a daemon that ends at any moment.

What is in force is always what the file says, and what the store keeps under other names. What waits for one
that was taken away is not sent; what waits for all others stays.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.app import resubscribing
from daemon.app.lifecycle import App
from daemon.app.subscriptions import Subscriptions
from daemon.config.kept_endpoints import KeptWebhook, names_of_file
from daemon.core.model import Fact
from daemon.core.refusals import Refused
from daemon.store import in_force, kept_endpoints
from daemon.web.problems import Problem
from daemon.wiring.described import fingerprint
from tests.support.config_files import QUIET, SYSTEM, WEBHOOK, loaded
from tests.support.examples import examples

NAMES = ("crm", "n8n", "sheets")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["add", "change", "remove", "rotate"]), st.sampled_from(NAMES)),
        st.tuples(st.just("reload"), st.sets(st.sampled_from(NAMES), max_size=2).map(sorted)),
        st.tuples(st.sampled_from(["kill", "happen", "unheard remove", "unheard add"]), st.just("crm")),
    ),
    max_size=12,
)


class Life:
    """A daemon whose threads do not run: what its dispatcher does at a turn is done when it is told to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file: list[str] = []
        self.kept: set[str] = set()
        self.left: set[str] = set()
        """Endpoints that stood in the file when something happened, and left it."""
        self.app = self.started()

    def config(self) -> Any:
        head = f'[daemon]\ndatabase = "sqlite:///{self.directory}/y.db"\nkey_file = "{self.directory}/key"\n'
        hooks = "".join(WEBHOOK.replace('"crm"', f'"{name}"') for name in self.file)
        text = QUIET.replace("''", "'127.0.0.1:0'") + head + SYSTEM + hooks
        return loaded(self.directory, text).config

    def started(self) -> App:
        app = App(self.config())
        app.parts.dispatcher.recover()
        app._reloading.take_over_at_start()
        return app

    def subscriptions(self, *, is_heard: bool = True) -> Subscriptions:
        app = self.app
        return Subscriptions(
            app.parts.database,
            app._vault,
            lambda: app.current().config,
            lambda: app.current().subscribed,
            now=app.parts.timeline.now,
            changed=self.followed if is_heard else lambda: None,
        )

    def followed(self) -> None:
        self.app._reloading.follow()
        self.app.parts.dispatcher.run_once()

    def do(self, kind: str, what: str | list[str]) -> None:
        getattr(self, kind.replace(" ", "_"))(what)

    def add(self, name: str, *, is_heard: bool = True) -> None:
        settings = {"name": name, "url": f"https://{name}.example.org/kept", "after": "1h"}
        with suppress(Refused, Problem):
            self.subscriptions(is_heard=is_heard).add(settings, "admin", None)
            assert name not in self.kept and name not in self.file
            self.kept.add(name)

    def unheard_add(self, name: str) -> None:
        self.add(name, is_heard=False)
        self.kill(name)

    def change(self, name: str) -> None:
        with suppress(Refused):
            self.subscriptions().change(name, {"events": ["sms.*"]}, "admin")
            assert name in self.kept - {*self.file}

    def rotate(self, name: str) -> None:
        with suppress(Refused):
            self.subscriptions().rotate(name, timedelta(0))
            assert name in self.kept

    def remove(self, name: str, *, is_heard: bool = True) -> None:
        with suppress(Refused):
            self.subscriptions(is_heard=is_heard).remove(name)
            assert name in self.kept
            self.kept.remove(name)

    def unheard_remove(self, name: str) -> None:
        self.remove(name, is_heard=False)
        self.kill(name)

    def reload(self, names: str | list[str]) -> None:
        self.left |= {*self.file}
        self.file = [*names]
        self.app.reload(self.config())
        self.app.parts.dispatcher.run_once()
        self.app._reloading.tend()
        self.app.parts.dispatcher.run_once()

    def kill(self, _name: str) -> None:
        self.app.stop()
        self.app = self.started()

    def happen(self, _name: str) -> None:
        with self.app.parts.database.write() as db:
            fact = Fact("sip.account.added", "sip/077", {"account": {}})
            self.app.current().recorder.record(db, "main", [fact], self.app.parts.timeline.now())

    def check(self) -> None:
        now = self.app.current()
        wanted = {*self.file} | self.kept
        assert {*now.routes} == {one.endpoint for one in now.recorder.interests} == wanted
        assert names_of_file(now.config) - {"smtp"} == {*self.file}
        kept = {one.name: one for one in now.config.webhooks if isinstance(one, KeptWebhook)}
        assert kept.keys() == self.kept - {*self.file}
        assert self.app.parts.outgoing.senders.by_endpoint.keys() == wanted
        assert fingerprint(now.config, b"key") == fingerprint(self.config(), b"key")
        with self.app.parts.database.read() as db:
            assert {one.name for one in kept_endpoints.load(db)} == self.kept
            found = in_force.load(db)
            assert found is not None
            assert {*found.parts["endpoints"]} == wanted
            open_for = set(
                db.exec_driver_sql("SELECT endpoint FROM deliveries WHERE ended_at IS NULL").scalars()
            )
        assert open_for <= wanted | self.left
        assert "kept" not in json.dumps(found.parts)


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(resubscribing.Resubscription, "wait", lambda _self: None)
    monkeypatch.setattr("daemon.app.taking_over.Takeover.wait", lambda _self: None)
    monkeypatch.setattr("daemon.senders.webhook.WebhookSender.start", lambda _self, _message: None)
    yield


@pytest.mark.slow
@settings(max_examples=examples(12), deadline=None)
@given(steps=STEPS)
def test_in_force_is_the_file_and_what_the_store_keeps_under_other_names(
    steps: list[tuple[str, str | list[str]]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        life = Life(Path(directory))
        try:
            life.check()
            for kind, what in steps:
                life.do(kind, what)
                life.check()
        finally:
            life.app.stop()


def test_what_waits_for_one_that_is_taken_away_is_not_sent_and_one_of_its_name_begins_anew(
    tmp_path: Path,
) -> None:
    life = Life(tmp_path)
    try:
        life.do("add", "crm")
        life.do("happen", "crm")
        life.do("unheard remove", "crm")
        life.check()
        with life.app.parts.database.read() as db:
            rows = db.exec_driver_sql("SELECT status, error FROM deliveries WHERE endpoint = 'crm'").all()
        assert [(one.status, one.error) for one in rows] == [("superseded", "no longer for this endpoint")]
        life.do("add", "crm")
        life.do("happen", "crm")
        life.check()
    finally:
        life.app.stop()


def test_the_file_may_take_a_name_and_leave_it_again(tmp_path: Path) -> None:
    life = Life(tmp_path)
    try:
        life.do("add", "crm")
        for names in (["crm"], [], ["crm", "n8n"]):
            life.do("reload", names)
            life.check()
        life.do("kill", "crm")
        life.check()
    finally:
        life.app.stop()
