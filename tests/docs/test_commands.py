"""`docs/commands.md`, taken at its word: its tables and figures are the code's."""

import re
from datetime import timedelta

import pytest

from daemon.config.systems import SystemSettings
from daemon.core.commands import campaigns, command
from daemon.core.commands.command import Status
from daemon.core.commands.command_types import TYPES, Nature
from daemon.core.commands.policy import Policy
from daemon.core.durations import parse
from daemon.schemas import command_requests
from daemon.schemas.command_requests import PARAMS
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
NATURES = {
    "harmless": Nature.REPEATABLE,
    "dials and costs again": Nature.ONCE,
    "reaches people and costs again": Nature.ONCE,
    "a read": Nature.READ,
}


def rows(title: str) -> list[list[str]]:
    """The rows of the table whose first column has this title."""
    lines = PAGE.split(f"| {title} |", 1)[1].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells[: next(i for i, line in enumerate(lines) if not line.startswith("|"))]]


def named(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_type_is_there_with_its_nature_and_its_parameters() -> None:
    shown = {name: (row[1], NATURES[row[2].strip(" |")]) for row in rows("type") for name in named(row[0])}

    assert {name: nature for name, (_, nature) in shown.items()} == {
        name: known.nature for name, known in TYPES.items()
    }
    for name, (told, _) in shown.items():
        fields = {str(one.validation_alias or key): one for key, one in PARAMS[name].model_fields.items()}
        assert named(told) == list(fields)
        optional = {one for one, field in fields.items() if not field.is_required()}
        assert set(re.findall(r"`([^`]+)`\?", told)) == optional


def test_the_bounds_are_those_of_the_models() -> None:
    assert f"at most {campaigns.MOST_NUMBERS} numbers" in PAGE
    assert f"1 to {command_requests.LONGEST_RINGING} seconds" in PAGE
    assert f"`call_ids` (1 to {command_requests.MOST_CALLS})" in PAGE
    assert f"a stored list is taken to hold {campaigns.MOST_NUMBERS} numbers" in PAGE.lower()
    assert f"{campaigns.cost(1)} units a number" in PAGE.replace("\n", " ")
    assert f"{campaigns.DIALLING} unit for every number dialled" in PAGE
    assert f"more than {command.LARGEST_RESULT // 1024} KiB" in PAGE


def test_the_waits_are_those_of_the_code() -> None:
    seconds = [timedelta(seconds=one) for one in (1, 5, 15, 30)]
    assert (*seconds, *[timedelta(minutes=1)] * 5) == command.WAITS
    assert "after 1, 5, 15 and 30 seconds, then five times after a minute" in PAGE


def test_the_defaults_are_those_of_the_settings() -> None:
    (expire,) = re.findall(r'commands_expire = "(\w+)"', PAGE)
    (rate,) = re.findall(r"commands_rate = ([\d.]+)", PAGE)

    assert SystemSettings.model_fields["commands_expire"].default == parse(expire) == Policy().expires
    assert SystemSettings.model_fields["commands_rate"].default == float(rate) == Policy().rate


@pytest.mark.parametrize("status", Status)
def test_every_status_is_in_the_drawing(status: Status) -> None:
    drawing = PAGE.split("```\nqueued", 1)[1].split("```")[0]
    assert status.value in "queued" + drawing
