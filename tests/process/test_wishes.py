"""A wish that raises is set aside: whatever it is and whose, all others are told everything, and of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from daemon.app import jobs
from daemon.app.lifecycle import App
from daemon.cli.status import status
from daemon.config.load import load
from daemon.core import wishes
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.rate import Bucket
from daemon.core.event_types import matches
from daemon.core.rendering.formats import Format, render
from daemon.core.routing.quiet import Weekly
from daemon.core.routing.schedule import schedule_of
from daemon.core.watches import units
from daemon.host.clock import monotonic
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.wiring import hebrew_calendar
from tests.process.test_app import bodies, wait_for
from tests.support.fakes import Receiver, answer
from tests.support.process import HTTP_TOKEN, SECRET, TOKEN, inherited
from tests.support.smtp import MailServer

pytestmark = pytest.mark.slow

FILE = """\
[daemon]
database = "sqlite:///{folder}/yemotd.db"
key_file = "{folder}/yemotd.key"
drain = "1s"
[http]
listen = "127.0.0.1:0"
token_env = "HTTP_TOKEN"
[[systems]]
name = "main"
token_env = "TOKEN"
base_url = "{api}"
[systems.sms]
every = "200ms"
[systems.sip]
every = "200ms"
for = "0s"
[systems.units]
every = "200ms"
below = 100
[[webhooks]]
name = "crm"
url = "{crm}"
secret_env = "SECRET"
format = "slack"
events = ["sms.*", "sip.*", "endpoint.*"]
retries = ["77ms", "77s"]
rate = 7.5
[[webhooks.filters]]
field = "sms.to"
contains = "501234567"
[[webhooks.quiet]]
from = "{start}"
to = "{end}"
[[webhooks.quiet]]
shabbat = true
[[webhooks]]
name = "ops"
url = "{ops}"
secret_env = "SECRET"
[smtp]
host = "127.0.0.1"
port = {port}
from = "yemotd@pbx.test"
security = "none"
templates = "templates"
[[emails]]
name = "desk"
to = ["anna@pbx.test"]
group_wait = "0s"
group_interval = "0s"
"""
OF_CRM, OF_DESK, OF_UNITS = ("endpoint", "crm"), ("endpoint", "desk"), ("watch", "main/units")


class Poison(Exception):
    """What a wish raises; what it says must get nowhere but into the log."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__("poisonous: the secret of somebody")


def raises(*_: object, **__: object) -> Any:
    raise Poison


def only(when: Callable[..., bool], work: Callable[..., Any]) -> Callable[..., Any]:
    """A function that raises for some."""

    def tried(*words: Any, **names: Any) -> Any:
        if when(*words, **names):
            raise Poison
        return work(*words, **names)

    return tried


def no_shabbat(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hebrew_calendar, "is_holy", raises)


def no_night(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Weekly, "covers", raises)


def no_filters(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("daemon.core.routing.plan.passes", raises)  # only one endpoint has some


def no_events(patch: pytest.MonkeyPatch) -> None:
    is_crm = only(lambda globs, _type: "sms.*" in globs, matches)
    patch.setattr("daemon.core.routing.plan.matches", is_crm)


def no_expiry(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("daemon.core.routing.plan.schedule_of", only(_is_crm, schedule_of))


def no_retries(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("daemon.core.delivery.route.schedule_of", only(_is_crm, schedule_of))


def _is_crm(schedules: Any, _type: str) -> bool:
    return timedelta(milliseconds=77) in schedules[-1].retries


def no_rate(patch: pytest.MonkeyPatch) -> None:
    for name in ("room", "ready_at"):
        patch.setattr(Bucket, name, only(lambda self, _now: self.rate == 7.5, getattr(Bucket, name)))


def no_pace(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MailPace, "free_at", raises)


def no_format(patch: pytest.MonkeyPatch) -> None:
    is_slack = only(lambda _body, shape, **_: shape.format is Format.SLACK, render)
    patch.setattr("daemon.senders.webhook_attempt.render", is_slack)


def no_recipient(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("daemon.wiring.senders.compose", raises)


def no_units(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(units, "diff", raises)


def no_template(_patch: pytest.MonkeyPatch) -> None:
    (Path("templates") / "mail.txt").write_text("{{ 1 / 0 }}")


@dataclass(frozen=True)
class Case:
    """One wish that raises, and what its endpoint is told all the same."""

    poison: Callable[[pytest.MonkeyPatch], None]
    whose: tuple[str, str]
    setting: str
    crm_hears_sms: bool = True
    crm_hears_alerts: bool = True
    desk_hears: bool = True


CASES = [
    Case(no_shabbat, OF_CRM, "quiet, entry 2"),
    Case(no_night, OF_CRM, "quiet, entry 1"),
    Case(no_filters, OF_CRM, "filters", crm_hears_sms=False),
    Case(no_events, OF_CRM, "events", crm_hears_sms=False),
    Case(no_expiry, OF_CRM, "retries"),
    Case(no_retries, OF_CRM, "retries", crm_hears_sms=False, crm_hears_alerts=False),
    Case(no_rate, OF_CRM, "rate"),
    Case(no_format, OF_CRM, "format", crm_hears_sms=False, crm_hears_alerts=False),
    Case(no_pace, OF_DESK, "group_interval"),
    Case(no_recipient, OF_DESK, "format", desk_hears=False),
    Case(no_template, OF_DESK, "templates"),
    Case(no_units, OF_UNITS, "polling"),
]


@dataclass
class House:
    """A daemon in this process, with all that is around it."""

    folder: Path
    system: SimulatedSystem
    crm: Receiver
    ops: Receiver
    mails: MailServer
    text: str
    app: App | None = None

    def write(self, text: str) -> Path:
        path = self.folder / "config.toml"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def start(self) -> App:
        self.app = App(load(self.write(self.text), ENVIRON).config)
        self.app.start()
        wait_until(lambda: all(one["observed_at"] or one["set_aside"] for one in self.status("watches")))
        return self.app

    def status(self, part: str = "endpoints") -> list[dict[str, Any]]:
        assert self.app
        assert self.app.port
        asked = Request(f"http://127.0.0.1:{self.app.port}/api/v1/status")
        asked.add_header("authorization", f"Bearer {HTTP_TOKEN}")
        with urlopen(asked, timeout=10) as reply:  # noqa: S310 - loopback
            document = json.load(reply)
        found: list[dict[str, Any]] = (
            document["systems"][0]["watches"] if part == "watches" else document[part]
        )
        return found


ENVIRON = {"TOKEN": TOKEN, "HTTP_TOKEN": HTTP_TOKEN, "SECRET": SECRET}


def wait_until(is_true: Callable[[], bool]) -> None:
    until = monotonic() + 60
    while not is_true():
        assert monotonic() < until


@pytest.fixture
def house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: SimulatedSystem, simulator: Simulator
) -> Iterator[House]:
    (tmp_path / "templates").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jobs, "TELL_EVERY", timedelta(milliseconds=100))
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    with Receiver() as crm, Receiver() as ops:
        mails = MailServer()
        places: dict[str, Any] = {"folder": tmp_path, "api": simulator.base_url, "port": mails.port}
        # Quiet for a minute at an hour that it is not: what raises, raises at every hour.
        text = FILE.format(**places, crm=crm.url, ops=ops.url, start="03:33", end="03:34")
        one = House(tmp_path, system, crm, ops, mails, text)
        yield one
        if one.app:
            one.app.stop()
        mails.close()


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one.poison.__name__}, {one.setting}")
def test_one_wish_is_nobody_else_s_trouble(
    house: House, monkeypatch: pytest.MonkeyPatch, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    case.poison(monkeypatch)
    if case.poison is no_retries:
        house.crm.script.answers = [answer(500)]
    app = house.start()
    house.system.receive_sms(sender="0541234567", recipient="0501234567", text="hello")
    house.system.set_registered("0773137770", registered=False)

    (sms,) = wait_for(house.ops, "sms.received")
    wait_for(house.ops, "sip.account.unregistered")
    told = wait_for(house.ops, "endpoint.misconfigured")

    assert sms["data"]["sms"]["text"] == "hello"
    (wish,) = {(one["data"]["wish"]["of"], one["data"]["wish"]["name"]) for one in told}
    assert wish == case.whose
    assert {one["data"]["wish"]["setting"] for one in told} == {case.setting}
    assert "poisonous" not in json.dumps(told)
    assert app.state.is_alive() == (True, "dispatcher ok")
    assert app.tend() is None
    _is_told_what_it_may(house, case)
    _is_in_the_status(house, case, capsys)
    assert not bodies(house.ops, "daemon.part_restarted")


def _is_told_what_it_may(house: House, case: Case) -> None:
    if case.desk_hears:
        wait_until(lambda: len(house.mails.mails) >= 1)
    if case.poison is no_retries:
        return  # it takes nothing, and what was tried is tried again later
    wait_until(lambda: "hello" in _said(house.crm) or not case.crm_hears_sms)
    wait_until(lambda: "is off the network" in _said(house.crm) or not case.crm_hears_alerts)

    assert ("hello" in _said(house.crm)) is case.crm_hears_sms
    assert ("is off the network" in _said(house.crm)) is case.crm_hears_alerts
    assert ("is set aside" in _said(house.crm)) is False or case.whose != OF_CRM


def _said(receiver: Receiver) -> str:
    return " ".join(one.body.decode() for one in list(receiver.received))


def _is_in_the_status(house: House, case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    kind, name = case.whose
    rows = house.status("watches" if kind == "watch" else "endpoints")
    key = "watch" if kind == "watch" else "name"
    shown = {one[key]: [wish["setting"] for wish in one["set_aside"]] for one in rows}

    assert {one.partition("/")[0]: found for one, found in shown.items() if found} == {
        name.rpartition("/")[2]: [case.setting]
    }
    status(house.folder / "config.toml")
    printed = capsys.readouterr().out
    assert f"set aside {kind}/{name}: {case.setting} (" in printed
    assert "poisonous" not in printed


def test_it_is_told_when_a_wish_works_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wishes, "CALM_LOOKS", 2)
    with monkeypatch.context() as patch:
        no_shabbat(patch)
        house.start()
        wait_for(house.ops, "endpoint.misconfigured")
    (again,) = wait_for(house.ops, "endpoint.configured")

    assert again["data"]["alert"]["reason"] == "resolved"
    assert not any(one["set_aside"] for one in house.status())


def test_it_is_told_when_a_reload_takes_a_wish_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    no_shabbat(monkeypatch)
    app = house.start()
    wait_for(house.ops, "endpoint.misconfigured")
    app.reload(
        load(house.write(house.text.replace("[[webhooks.quiet]]\nshabbat = true\n", "")), ENVIRON).config
    )
    (gone,) = wait_for(house.ops, "endpoint.configured")

    assert gone["data"]["alert"]["reason"] == "removed"


@pytest.mark.parametrize("poison", [no_filters, no_events])
def test_a_wish_that_raises_ends_no_reload_and_no_start_and_takes_nothing_back(
    house: House, monkeypatch: pytest.MonkeyPatch, poison: Callable[[pytest.MonkeyPatch], None]
) -> None:
    house.crm.script.answers = [answer(500)]
    app = house.start()
    house.system.receive_sms(sender="0541234567", recipient="0501234567", text="hello")
    wait_for(house.ops, "sms.received")
    wait_until(lambda: "hello" in _said(house.crm))
    poison(monkeypatch)
    house.text = house.text.replace("77s", "78s")
    app.reload(load(house.write(house.text), ENVIRON).config)
    wait_for(house.ops, "daemon.config_reloaded")
    wait_for(house.ops, "endpoint.misconfigured")

    assert app.tend() is None
    assert app.state.is_alive() == (True, "dispatcher ok")
    app.stop()
    house.text = house.text.replace("78s", "79s")
    app = house.start()
    wait_for(house.ops, "daemon.started", 2)
    with app.parts.database.read() as db:
        sql = (
            "SELECT d.status FROM deliveries d JOIN events e ON e.number = d.event"
            " WHERE d.endpoint = 'crm' AND e.type = 'sms.received'"
        )
        assert db.exec_driver_sql(sql).scalars().all() in (["pending"], ["leased"])


def test_a_wish_that_raises_at_the_start_is_no_reason_not_to_start_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was told of it is known, and is told once, however often it starts."""
    no_shabbat(monkeypatch)
    house.start().stop()
    house.start()
    wait_for(house.ops, "daemon.started", 2)
    wait_for(house.ops, "endpoint.misconfigured")

    assert len(bodies(house.ops, "endpoint.misconfigured")) == 1


def test_a_dispatcher_that_ends_is_started_again_and_told_of(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = house.start()
    with monkeypatch.context() as patch:
        patch.setattr(app.parts.dispatcher, "_exchange", raises)
        app.parts.dispatcher.wake()
        wait_until(lambda: not app.state.is_alive()[0])
    assert app.state.is_alive() == (False, "the dispatcher has ended")
    assert app.tend() is None
    (told,) = wait_for(house.ops, "daemon.part_restarted")
    house.system.receive_sms(sender="0541234567", recipient="0501234567", text="after")
    wait_for(house.ops, "sms.received")

    assert told["data"]["part"]["name"] == "dispatcher"
    assert told["data"]["part"]["error"].startswith("Poison at test_wishes.py:")
    assert app.state.is_alive() == (True, "dispatcher ok")


def test_a_commander_that_ends_is_started_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    app = house.start()
    with monkeypatch.context() as patch:
        patch.setattr(app.parts.commander, "run_once", raises)
        wait_until(lambda: not app.state.is_alive()[0])
    app.tend()
    (told,) = wait_for(house.ops, "daemon.part_restarted")

    assert told["data"]["part"]["name"] == "commander"


def test_a_scheduler_that_ends_is_started_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    app = house.start()
    scheduler = app._jobs._scheduler
    with monkeypatch.context() as patch:
        patch.setattr(scheduler, "_process_jobs", raises)
        patch.setattr("threading.excepthook", lambda _: None)
        scheduler.wakeup()
        wait_until(lambda: not app.state.is_alive()[0])
    app.tend()
    wait_for(house.ops, "daemon.part_restarted")
    house.system.receive_sms(sender="0541234567", recipient="0501234567", text="after")

    assert wait_for(house.ops, "sms.received")


def test_what_ends_again_and_again_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    app = house.start()
    monkeypatch.setattr(app.parts.dispatcher, "_exchange", raises)
    given_up: list[str | None] = []
    while not any(given_up):
        app.parts.dispatcher.wake()
        wait_until(lambda: not app.state.is_alive()[0])
        given_up.append(app.tend())

    assert given_up == [None] * 5 + ["dispatcher"]


ENDS = """\
import sys
from daemon.__main__ import main
from daemon.workers.dispatcher import Dispatcher

def ends(self):
    raise KeyError("the secret of somebody")

Dispatcher._exchange = ends
sys.argv[1:] = ["run"]
main()
"""


def test_a_process_whose_part_is_given_up_ends_so_that_it_is_started_again(house: House) -> None:
    house.write(house.text)
    words = [sys.executable, "-c", ENDS]
    ended = subprocess.run(
        words, env={**inherited(), **ENVIRON}, capture_output=True, text=True, timeout=60, check=False
    )
    said = [json.loads(line)["event"] for line in ended.stderr.splitlines() if line.startswith("{")]

    assert ended.returncode == os.EX_SOFTWARE
    assert said.count("part.restarted") == 5
    assert said[-2:] == ["part.given_up", "daemon.given_up"]
