"""PirsumPhone: what is told of the registration, and what an unreadable answer may not move."""

import json

import pytest

from daemon.core.model import Fact
from daemon.core.watches import pirsumphone
from daemon.core.watches.pirsumphone import Observation, State


def facts_of(*answers: bool | None, is_emitting: bool = False) -> list[Fact]:
    """The facts of several answers, with a restart after each."""
    state: State | None = None
    facts: list[Fact] = []
    for answer in answers:
        change = pirsumphone.diff(state, Observation(answer), is_emitting=is_emitting)
        state = pirsumphone.load(json.loads(json.dumps(pirsumphone.dump(change.state))))
        assert (state, change.conditions) == (change.state, ())
        facts += change.facts
    return facts


REGISTERED = Fact("pirsumphone.registered", "pirsumphone", {"pirsumphone": {"registered": True}})
UNREGISTERED = Fact("pirsumphone.unregistered", "pirsumphone", {"pirsumphone": {"registered": False}})


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((True,), []),
        ((False,), []),
        ((True, True), []),
        ((True, False), [UNREGISTERED]),
        ((False, True), [REGISTERED]),
        ((False, True, True, False, False), [REGISTERED, UNREGISTERED]),
        ((True, None, True), []),
        ((True, None, False), [UNREGISTERED]),
        ((None, True), []),
        ((None, True, False), [UNREGISTERED]),
    ],
)
def test_a_change_of_the_service_is_told_once(answers: tuple[bool | None, ...], expected: list[Fact]) -> None:
    assert facts_of(*answers) == expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((True, True), [REGISTERED]),
        ((False,), [UNREGISTERED]),
        ((None, None), []),
        ((None, True), [REGISTERED]),
    ],
)
def test_the_first_readable_answer_is_told_where_the_baseline_is_asked_for(
    answers: tuple[bool | None, ...], expected: list[Fact]
) -> None:
    assert facts_of(*answers, is_emitting=True) == expected
