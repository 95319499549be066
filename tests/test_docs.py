"""The examples of `docs/alerts.md`, played: what the page says is told is told, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.core.delivery import Outcome
from tests.story import Story

PAGE = Path(__file__).parent.parent / "docs" / "alerts.md"
EXAMPLES = re.findall(r"```story\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def seconds(text: str) -> int:
    minutes, rest = text.split(":")
    return 60 * int(minutes) + int(rest)


def spans(text: str) -> Iterator[tuple[float, float]]:
    for since, until in re.findall(r"(\d+:\d\d) to (\d+:\d\d)", text):
        yield seconds(since), seconds(until)


def told(line: str) -> tuple[int, str, str]:
    at, event_type, reason = line.split()[1:]
    return seconds(at), event_type, reason


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example(story: Story, example: str) -> None:
    wanted = []
    for line in example.splitlines():
        if line.startswith("phone"):
            story.phone(line.split()[1], *spans(line))
        elif line.startswith("the API"):
            (span,) = spans(line)
            story.api_fails(*span)
        elif line.startswith("the endpoint"):
            (span,) = spans(line)
            story.endpoint_says(Outcome.UNREACHABLE, *span)
        elif line != "told nothing":
            wanted.append(told(line))
    story.run(until=1200)

    accepted = [
        (at, one.event_type, json.loads(one.body)["data"]["alert"]["reason"])
        for at, one, outcome in story.told
        if outcome is Outcome.ACCEPTED
    ]
    assert accepted == wanted


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 7
