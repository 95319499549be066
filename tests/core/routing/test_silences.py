"""Silences: what they cover, how long they last, and when one has served."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daemon.core.routing.silences import Silence, is_served, silencing
from tests.core.routing.test_ledger import ENDED, FIRING, HOUR, NOON

SILENCE = Silence("sil_1", NOON, NOON + HOUR, "sip.*", "*", "sip/077", "Dana", "replacing the phone", NOON)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"type": "*"}, True),
        ({"type": "queue.*"}, False),
        ({"system": "main"}, True),
        ({"system": "branch"}, False),
        ({"subject": "sip/*"}, True),
        ({"subject": "sip/078"}, False),
    ],
)
def test_it_covers_what_matches_all_of_its_globs(change: dict[str, str], *, expected: bool) -> None:
    assert replace(SILENCE, **change).covers(FIRING) is expected  # type: ignore[arg-type]


def test_it_lasts_from_its_start_to_before_its_end() -> None:
    active = [SILENCE.is_active(NOON + n * HOUR) for n in (-1, 0, 1)]

    assert active == [False, True, False]


def test_one_that_was_ended_mutes_nothing_more() -> None:
    ended = replace(SILENCE, expired_at=NOON + 10 * SECOND)

    assert ended.is_active(NOON + 9 * SECOND)
    assert not ended.is_active(NOON + 10 * SECOND)


def test_the_first_that_mutes_is_named() -> None:
    other = replace(SILENCE, id="sil_2", type="queue.*")

    assert silencing([other, SILENCE], FIRING, NOON) == SILENCE
    assert silencing([other], FIRING, NOON) is None
    assert silencing([SILENCE], FIRING, NOON + HOUR) is None


def test_one_that_waits_for_the_end_has_served_when_nothing_fires_that_it_covers() -> None:
    waiting = replace(SILENCE, ends_at=None)

    assert not is_served(waiting, [FIRING], NOON)
    assert is_served(waiting, [ENDED], NOON)
    assert is_served(waiting, [replace(FIRING, subject="sip/078")], NOON)
    assert not is_served(SILENCE, [], NOON)
    assert not is_served(replace(waiting, starts_at=NOON + HOUR), [], NOON)
