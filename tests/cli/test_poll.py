"""What `poll --dry-run` saw: of every kind of watch, for people and programs; and no text of a message."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.cli.poll import LISTED
from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.cli.conftest import TOKEN, Call
from tests.support.config_files import SYSTEM

WATCHES = """
[systems.sms]
[systems.sip]
contexts = [1]
[[systems.queues]]
path = "/5"
[[systems.directories]]
path = "/2"
[systems.pirsumphone]
[systems.units]
below = 5
"""


@pytest.fixture
def system(call: Call) -> Iterator[SimulatedSystem]:
    one = SimulatedSystem(now=utcnow)
    one.add_sip_account("0771234567")
    one.add_sip_account("0771234568", registered=False)
    one.receive_sms("0501234567", "קוד 1234 text-of-the-message")
    one.queue("/5").join("0521112233")
    one.queue("/5").add_agent("SIP/100")
    one.directory("/2").add_recording("0501234567")
    one.set_units(120.5)
    with Simulator({TOKEN: one}, now=utcnow) as simulator:
        path = Path("config.toml")
        path.touch(mode=0o600)
        path.write_text(SYSTEM + f'base_url = "{simulator.base_url}"\n' + WATCHES, encoding="utf-8")
        yield one


def test_people_see_what_it_saw(call: Call, system: SimulatedSystem) -> None:
    code, out, err = call("poll", "--dry-run")

    assert code == 0, err
    for one in (
        "main/sms: answered, 0 events\n  saw  rows 1; asked_for 100; newest from 972501234567",
        "  saw  accounts: 2\n    user_name 0771234567, registered yes",
        "    user_name 0771234568, registered no",
        "  saw  callers: 1\n    call_id ",
        "phone 0521112233",
        "  saw  agents: 1\n",
        "  saw  registered yes\n",
        "  saw  balance 120.5; expires_on ",
        "  saw  content_files 1; ",
        "  saw  registrations: ",
    ):
        assert one in out, (one, out)
    assert "text-of-the-message" not in out
    assert not Path("yemotd.db").exists()


def test_programs_get_all_of_it(call: Call, system: SimulatedSystem) -> None:
    for each in range(2 * LISTED):
        system.add_sip_account(f"07799{each:05}")
    printed = call("poll", "--dry-run", "--watch", "sip")[1]
    (document,) = map(json.loads, call("poll", "--dry-run", "--watch", "sip", "--json")[1].splitlines())

    assert f"    and {LISTED + 2} more; --json shows all\n" in printed
    assert len(document["saw"]["accounts"]) == 2 * LISTED + 2
    assert {"user_name", "registered", "created_date"} == document["saw"]["accounts"][0].keys()


def test_of_an_answer_that_failed_nothing_was_seen(call: Call, system: SimulatedSystem) -> None:
    path = Path("config.toml")
    path.write_text(path.read_text().replace('"TOKEN"', '"WRONG"'), encoding="utf-8")
    code, out, _ = call("poll", "--dry-run", "--watch", "sip", "--json")

    assert code == 69
    assert json.loads(out)["saw"] is None


def test_a_poll_that_counts_says_no_more_than_before(call: Call, system: SimulatedSystem) -> None:
    assert "saw" not in call("poll", "--watch", "sip")[1]
