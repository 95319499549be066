"""Two members on one database, one of which is killed or stopped while SMS leave: none leaves twice, and of
none is it forgotten that it may not have left, whoever goes on with it."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.simulator.faults import Fault
from daemon.simulator.system import SimulatedSystem
from tests.process.test_text_kills import BACK, DELIVERIES, OFF, SAYS
from tests.support.postgresql import NEEDED
from tests.support.several import HOOKS, Several, several, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.needs(*NEEDED)]

NAMES = ("north", "south")
PHONES = tuple(f"05410000{number:02d}" for number in range(3))
TEXTS = f"""\
[[texts]]
name = "boss"
system = "s0"
language = "en"
to = {json.dumps(PHONES)}
events = ["sip.*"]
retries = ["50ms", "50ms", "200ms", "1s", "1s", "1s", "2s", "2s"]
"""
Message = tuple[str, str, str]
"""The phone, the system it is told of, and what of it."""


@pytest.fixture
def them(tmp_path: Path) -> Iterator[Several]:
    """With as many systems as a phone may be told of in an hour."""
    with several(tmp_path, systems=3, every="200ms", seed=21) as one:
        budget = "commands_rate = 100.0\nsms_units_per_day = 1000\n"
        one.configuration = one.configuration.replace("commands_rate = 100.0\n", budget)
        hooks = HOOKS.replace('"sms.*", ', '"sms.*", "sms.unknown", ', 1)
        one.configuration = one.configuration.replace(HOOKS, hooks) + TEXTS
        yield one


def test_no_text_leaves_twice_or_is_forgotten_whichever_member_is_killed_or_stopped(them: Several) -> None:
    """The clocks of `for` are the polls', and each step is told to each phone before the next one."""
    them.begin(*NAMES)
    by, hung, steps = them.systems["s0"], 0, 0
    for system in them.systems:
        for _ in (OFF, BACK):
            before, steps = len(by.sent), steps + 1
            if them.chance.random() < 0.5:  # it leaves, and no answer comes
                them.simulator.faults.set("SendSms", Fault.HANG, times=1)
                hung += 1
            them.turn(system)
            later = before + them.chance.randrange(len(PHONES) + 1)
            wait_until(lambda later=later: len(by.sent) >= later, what=lambda: sent(by))  # type: ignore[misc]
            victim = them.chance.choice(NAMES)
            if them.chance.random() < 0.5:
                them.members[victim].kill()
                wait_until(lambda: has_ended(them, steps * len(PHONES)), what=lambda: told(them))  # noqa: B023
                them.start(victim)
            else:
                them.freeze(victim)
                wait_until(lambda: has_ended(them, steps * len(PHONES)), what=lambda: told(them))  # noqa: B023
                them.thaw(victim)
            them.wait_until_shared(*NAMES)
    assert them.come_to_rest() == []

    found, left = told(them), sent(by)
    assert found.keys() == {(p, s, says) for p in PHONES for s in them.systems for says in (OFF, BACK)}
    assert max(left.values()) == 1
    for (phone, system, says), status in found.items():
        times = sum(n for (to, text), n in left.items() if to == phone and system in text and says in text)
        assert times == 1 or status == "unknown", (phone, system, says, status)
    unknown = Counter(f"boss/{phone}" for (phone, _, _), status in found.items() if status == "unknown")
    assert unknown.total() >= hung > 0
    heard = {
        one.told["data"]["id"]: one.told["data"]["sms"]["endpoint"] for one in them.of_type("sms.unknown")
    }
    assert Counter(heard.values()) == unknown
    assert [them.members[one].stop() for one in NAMES] == [0, 0]


def sent(by: SimulatedSystem) -> Counter[tuple[str, str]]:
    """To whom, and what, how often."""
    return Counter((one.recipient, one.text) for one in by.sent)


def told(them: Several) -> dict[Message, str]:
    """Of every alert and every phone, as the store has it."""
    found: dict[Message, str] = {}
    for body, endpoint, status in them.rows(DELIVERIES.replace("%", "%%")):
        event = json.loads(bytes(body))
        of = (endpoint.removeprefix("boss/"), event["data"]["system"], SAYS[event["type"]])
        assert of not in found, "one alert, two deliveries"
        found[of] = status
    return found


def has_ended(them: Several, many: int) -> bool:
    statuses = Counter(told(them).values())
    assert statuses.keys() <= {"pending", "leased", "delivered", "unknown"}, statuses
    return statuses["delivered"] + statuses["unknown"] == many == statuses.total()
