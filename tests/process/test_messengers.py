"""A phone drops off, and people are told: in Telegram, by Apprise, and elsewhere where Telegram refuses."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.process.test_app import wait_for, wait_for_baseline
from tests.support.fakes import Receiver
from tests.support.messengers import CHAT, TOKEN, Said, Service
from tests.support.process import CONFIGURATION, PATIENCE, Process, run_cli

pytestmark = pytest.mark.slow

PHONE = "0773137770"
TOLD = (
    CONFIGURATION.replace("[http]\n", '[http]\nurl = "https://phones.example.org"\n')
    + f"""\
events = ["endpoint.*"]
[[webhooks]]
name = "telegram"
format = "telegram"
url = "{{telegram_url}}"
token_file = "bot"
chat_id = {CHAT}
language = "he"
retries = ["200ms", "200ms", "200ms", "1s", "1s", "1s", "2s", "2s", "2s", "5s"]
events = ["sip.account.*", "sms.*"]
[[webhooks]]
name = "desk"
format = "apprise"
url_file = "desk-url"
events = ["sip.account.*"]
"""
)


def refused(status: int, why: str, **parameters: int) -> Said:
    return Said.json(
        status, {"ok": False, "error_code": status, "description": why, "parameters": parameters}
    )


@pytest.fixture
def people() -> Iterator[tuple[Service, Receiver, Receiver]]:
    with Service("telegram") as telegram, Receiver() as desk, Receiver() as ops:
        yield telegram, desk, ops


def test_an_outage_reaches_people_and_a_chat_that_refuses_is_told_to_others(
    tmp_path: Path,
    system: SimulatedSystem,
    simulator: Simulator,
    people: tuple[Service, Receiver, Receiver],
) -> None:
    telegram, desk, ops = people
    places = {"base_url": simulator.base_url, "webhook_url": ops.url, "telegram_url": telegram.base}
    put(tmp_path, "bot", TOKEN)
    put(tmp_path, "desk-url", desk.url.replace("http://", "json://") + "/deskdesktoken")
    telegram.next = [refused(429, "Too Many Requests: retry after 1", retry_after=1)]
    daemon = Process(tmp_path, TOLD, **places)
    try:
        daemon.start()
        wait_for_baseline(daemon)
        system.set_registered(PHONE, registered=False)
        telegram.wait_for(lambda: bool(telegram.shown))
        told = telegram.shown[0]
        first = json.loads(desk.wait_for(1, timeout=PATIENCE)[0].body)

        telegram.always = refused(403, "Forbidden: bot was blocked by the user")
        system.receive_sms(sender="0541234567", recipient="0501234567", text="hello")
        suspended = wait_for(ops, "endpoint.suspended")[0]["data"]["endpoint"]

        telegram.always = None
        enabled = run_cli(tmp_path, "endpoints", "enable", "telegram")
        telegram.wait_for(lambda: any("hello" in one.text for one in telegram.shown))
        listed = run_cli(tmp_path, "deliveries", "list", "--json")
    finally:
        daemon.stop()

    assert told.text.startswith("🔴 הטלפון")
    assert PHONE in told.text
    assert told.links[0].startswith("https://phones.example.org/incidents/inc_")
    assert f"Phone {PHONE} is off the network" in first["message"]
    assert (suspended["name"], suspended["error"]) == (
        "telegram",
        "Telegram: Forbidden: bot was blocked by the user",
    )
    assert (enabled.returncode, listed.returncode) == (0, 0), (enabled.stderr, listed.stderr)
    seen = (listed.stdout + json.dumps(daemon.lines)).encode()
    seen += b"".join(path.read_bytes() for path in tmp_path.glob("yemotd.db*"))
    for secret in (TOKEN, TOKEN.partition(":")[2], "deskdesktoken"):
        assert secret.encode() not in seen


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).touch(mode=0o600)
    (folder / name).write_text(text + "\n")
