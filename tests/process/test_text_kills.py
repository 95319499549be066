"""SIGKILL at any moment while SMS are sent, to tell alerts and by command: none leaves twice, and of none is
it forgotten that it may not have left."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.host.clock import monotonic, utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.process.test_command_kills import ended, give
from tests.support import stores
from tests.support.engines import engine
from tests.support.fakes import Receiver
from tests.support.killing import killable
from tests.support.process import Process

__all__ = ["engine"]  # so that each test runs on both
pytestmark = pytest.mark.slow

PHONES = tuple(f"05410000{number:02d}" for number in range(3))
ACCOUNTS = tuple(f"0770000000={number}" for number in range(1, 5))
"""Each tells a phone two messages: fewer than it may get in an hour."""
CONFIGURATION = """\
commands = ["*"]
commands_rate = 1000.0
sms_units_per_day = 1000
[systems.sip]
every = "200ms"
for = "0s"
keep_firing = "0s"
many = 1000
flapping = "0s"
[[texts]]
name = "boss"
system = "main"
language = "en"
to = {phones}
events = ["sip.*"]
retries = ["50ms", "50ms", "200ms", "1s", "1s", "1s"]
[[webhooks]]
name = "crm"
url = "{webhook_url}"
secret_file = "secret"
events = ["sms.unknown", "command.*"]
retries = ["50ms", "50ms", "200ms", "1s", "1s", "1s"]
"""
OFF, BACK = "off the network", "back on the network"
SAYS = {"sip.account.unregistered": OFF, "sip.account.registered": BACK}
PATIENCE = 120
"""Seconds, for what takes a few."""
COMMANDS, KILLS = 30, 6

DELIVERIES = """\
SELECT events.body, deliveries.endpoint,
    CASE WHEN deliveries.status = 'delivered' AND deliveries.error IS NOT NULL THEN 'unknown'
    ELSE deliveries.status END
FROM deliveries JOIN events ON events.number = deliveries.event WHERE deliveries.endpoint LIKE 'boss/%'
"""
Told = dict[tuple[str, str, str], str]
"""How it stands that a phone is told something of an account."""


@pytest.fixture
def system() -> SimulatedSystem:
    one = SimulatedSystem("0770000000", now=utcnow)
    one.set_units(10_000)
    for account in ACCOUNTS:
        one.add_sip_account(account)
    return one


@pytest.fixture
def daemon(engine: str, tmp_path: Path, simulator: Simulator, receiver: Receiver) -> Iterator[Process]:
    places = {"base_url": simulator.base_url, "webhook_url": receiver.url, "phones": json.dumps(PHONES)}
    with killable(tmp_path, CONFIGURATION, **places) as one:
        yield one


def test_no_alert_is_told_twice_or_forgotten_whenever_the_daemon_is_killed(
    daemon: Process, system: SimulatedSystem, simulator: Simulator, receiver: Receiver, tmp_path: Path
) -> None:
    """Every step is told to each phone, with a kill somewhere: before anything left, or after any of it."""
    chance = random.Random(20261130)  # noqa: S311 - the same moments in every run
    url, hung, steps = stores.url_at(tmp_path / "yemotd.db"), 0, 0
    daemon.start()
    wait_until(lambda: system.request_counts["GetSipAccountsRegisteredStatus"] > 1, "it does not look")
    for account in ACCOUNTS:
        for is_back in (False, True):
            before, steps = len(system.sent), steps + 1
            if chance.random() < 0.5:  # it leaves, and no answer comes
                simulator.faults.set("SendSms", Fault.HANG, times=1)
                hung += 1
            system.set_registered(account, registered=is_back)
            later = before + chance.randrange(len(PHONES) + 1)
            wait_until(lambda later=later: len(system.sent) >= later, "nothing leaves")  # type: ignore[misc]
            daemon.kill()
            daemon.start()
            wait_until(lambda: has_ended(url, steps * len(PHONES)), "not all of them end")  # noqa: B023

    found = told(url)
    left = Counter((one.recipient, one.text) for one in system.sent)
    assert found.keys() == {(p, a, says) for p in PHONES for a in ACCOUNTS for says in (OFF, BACK)}
    assert max(left.values()) == 1
    for (phone, account, says), status in found.items():
        times = sum(n for (to, text), n in left.items() if to == phone and account in text and says in text)
        assert times == 1 or status == "unknown", (phone, account, says, status)
    unknown = Counter(f"boss/{phone}" for (phone, _, _), status in found.items() if status == "unknown")
    assert unknown.total() >= hung > 0
    wait_until(lambda: said_to_be_unknown(receiver) >= unknown, "nobody hears of them")


def test_no_command_sends_twice_whenever_the_daemon_is_killed(
    daemon: Process, system: SimulatedSystem, simulator: Simulator, receiver: Receiver
) -> None:
    chance = random.Random(20261201)  # noqa: S311 - as above
    kills = {*chance.sample(range(COMMANDS), KILLS)}
    phones = [f"05{number:08d}" for number in range(COMMANDS)]
    daemon.start()
    ids = []
    for number, phone in enumerate(phones):
        is_hung = number in kills and chance.random() < 0.5
        if is_hung:
            simulator.faults.set("SendSms", Fault.HANG, times=1)
        ids.append(give(daemon, phone, sending))
        if is_hung:
            wait_until(lambda: not simulator.faults.active, "it does not leave")
        if number in kills:
            daemon.kill()
            daemon.start()
    ends = [ended(daemon, one) for one in ids]

    left = Counter(one.recipient for one in system.sent)
    assert len({*ids}) == COMMANDS
    assert max(left.values()) == 1
    for phone, end in zip(phones, ends, strict=True):
        assert end["params"]["to"] == [phone]
        assert end["status"] in ("succeeded", "unknown"), end
        assert end["status"] == "unknown" or left[phone] == 1
    statuses = {key: {f"command.{end['status']}"} for key, end in zip(ids, ends, strict=True)}
    assert 1 <= sum(one == {"command.unknown"} for one in statuses.values()) <= KILLS
    wait_until(lambda: said_of_commands(receiver) == statuses, "not all of them are told")


def sending(phone: str) -> dict[str, Any]:
    return {"type": "sms.send", "system": "main", "params": {"to": [phone], "text": "שלום"}}


def told(url: str) -> Told:
    """Of every alert and every phone, as the store has it."""
    found: Told = {}
    for body, endpoint, status in rows(url, DELIVERIES):
        event = json.loads(body)
        of = (endpoint.removeprefix("boss/"), event["data"]["account"]["user_name"], SAYS[event["type"]])
        assert of not in found, "one alert, two deliveries"
        found[of] = status
    return found


def has_ended(url: str, many: int) -> bool:
    statuses = Counter(status for _, _, status in rows(url, DELIVERIES))
    assert statuses.keys() <= {"pending", "leased", "delivered", "unknown"}, statuses
    return statuses["delivered"] + statuses["unknown"] == many == statuses.total()


def rows(url: str, sql: str) -> list[Any]:
    database = sa.create_engine(url)
    try:
        with database.connect() as db:
            return list(db.execute(sa.text(sql)))
    finally:
        database.dispose()


def said_to_be_unknown(receiver: Receiver) -> Counter[str]:
    """To how many messages of each phone that applies, an event that came twice being one."""
    found = {}
    for one in list(receiver.received):
        body = json.loads(one.body)
        if body["type"] == "sms.unknown":
            found[body["data"]["id"]] = body["data"]["sms"]["endpoint"]
    return Counter(found.values())


def said_of_commands(receiver: Receiver) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in list(receiver.received):
        body = json.loads(one.body)
        if body["type"].startswith("command."):
            found.setdefault(body["data"]["command"]["id"], set()).add(body["type"])
    return found


def wait_until(is_it: Callable[[], bool], failing: str) -> None:
    until = monotonic() + PATIENCE
    while not is_it():
        assert monotonic() < until, failing
        Event().wait(0.05)  # the daemon needs the machine, too
