"""`[[escalations]]`: rows become steps, and what they say wrong of each other is found with its place."""

from datetime import timedelta
from pathlib import Path

import pytest

from daemon.core.routing.escalation import Escalation, Step
from daemon.wiring.escalations import ladders
from tests.support.config_files import QUIET, SYSTEM, WEBHOOK, config, faults, warnings

BASE = QUIET + SYSTEM + "[systems.sip]\n" + WEBHOOK + WEBHOOK.replace("crm", "boss") + "events = []\n"
FIRST = '[[escalations]]\nname = "night"\nevents = ["sip.*"]\nafter = "10m"\nto = ["boss"]\n'
MINUTE = timedelta(minutes=1)


def test_the_rows_of_one_name_are_its_steps_with_the_events_of_the_first(tmp_path: Path) -> None:
    second = '[[escalations]]\nname = "night"\nafter = "30m"\nto = ["crm"]\nbreak_through = true\n'
    other = FIRST.replace("night", "day")
    found = ladders(config(tmp_path, BASE + FIRST + other + second).escalations)

    assert found == [
        Escalation(
            "night",
            ("sip.*",),
            (Step("night", 1, 10 * MINUTE, ("boss",)), Step("night", 2, 30 * MINUTE, ("crm",), True)),
        ),
        Escalation("day", ("sip.*",), (Step("day", 1, 10 * MINUTE, ("boss",)),)),
    ]
    assert warnings(tmp_path, BASE + FIRST) == ()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (FIRST.replace('"boss"', '"bos"'), 'no endpoint has this name; did you mean "boss"?'),
        (FIRST.replace('events = ["sip.*"]\n', ""), "events is missing"),
        (FIRST.replace('to = ["boss"]', "to = []"), "must not be empty"),
        (FIRST.replace('to = ["boss"]\n', ""), "to is missing"),
        (FIRST.replace('after = "10m"\n', ""), "after is missing"),
        (FIRST + FIRST.replace("10m", "5m"), "is before the step above (10m)"),
        (FIRST + FIRST.replace("sip", "queue"), "the steps of one name have the same events"),
        (FIRST + "break_trough = true\n", 'unknown key "break_trough"; did you mean "break_through"?'),
        (FIRST.replace("10m", "soon"), "soon"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, row: str, told: str) -> None:
    found = faults(tmp_path, BASE + row)

    assert len(found) == 1, found
    assert told in found[0]
    assert "escalations" in found[0]


def test_two_steps_may_be_at_one_time(tmp_path: Path) -> None:
    assert len(config(tmp_path, BASE + FIRST + FIRST).escalations) == 2


def test_what_nothing_can_reach_and_what_fires_never_is_warned_of(tmp_path: Path) -> None:
    (nothing,) = warnings(tmp_path, BASE)
    (never,) = warnings(tmp_path, BASE + FIRST.replace('["sip.*"]', '["sip.*", "sms.*"]'))

    assert "no event can reach it" in nothing
    assert '"sms.*" is no alert that fires' in never
