"""Silences: what they cover, how long they last, and when one has served."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.phones import phone
from daemon.core.routing.silences import Silence, is_served, silencing
from tests.core.routing.test_ledger import ENDED, FIRING, HOUR, NOON
from tests.core.spellings import truths

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


@pytest.mark.parametrize(
    ("subject", "glob", "expected"),
    [
        ("sip/0773137770", "sip/+972-77-313-7770", True),
        ("sip/0773137770", "sip/972773137770", True),
        ("sip/972773137770", "sip/0773137770", True),
        ("sip/972773137770", "sip/077*", True),
        ("sip/0773137770", "sip/97277*", True),
        ("sip/0773137770", "sip/+972-77-*", True),
        ("sip/0773137770", "sip/972*", True),
        ("sip/0773137770", "sip/972773137?70", True),
        ("sip/0773137770", "sip/97277313777[01]", True),
        ("sip/972773137770", "*/0773137770", True),
        ("sip/0773137770", "*/+972773137770", True),
        ("sip/0773137770", "s*/972-77*", True),
        ("sip/+972-77-313-7770", "sip/*3137770", True),
        ("sip/972772222770=2", "sip/0772222770=2", True),
        ("sip/972772222770=2", "sip/0772222770=*", True),
        ("sip/0773137770", "sip/9*", False),
        ("sip/0773137770", "sip/97*", False),
        ("sip/0773137770", "sip/*972*", False),
        ("sip/0773137770", "sip/97278*", False),
        ("sip/0773137770", "sip/773137770", False),
        ("sip/0773137770", "sms/0773137770", False),
        ("sip/0772222770=2", "sip/0772222770", False),
        ("sip/101", "sip/0101", False),
        ("queue/5", "queue/5", True),
        ("queue/972773137770", "queue/0773137770", False),
        ("api/sip", "*", True),
    ],
)
def test_a_phone_is_muted_by_any_spelling_and_no_other_subject_with_it(
    subject: str, glob: str, *, expected: bool
) -> None:
    assert replace(SILENCE, subject=glob).covers(replace(FIRING, subject=subject)) is expected


PHONES = [spelling for spelling, truth in truths() if truth]


@given(st.sampled_from(PHONES), st.sampled_from(PHONES))
def test_one_spelling_mutes_another_where_they_are_one_phone(subject: str, glob: str) -> None:
    covers = replace(SILENCE, subject=f"sip/{glob}").covers(replace(FIRING, subject=f"sip/{subject}"))

    assert covers is (phone(subject) == phone(glob))


@given(
    st.sampled_from([spelling for spelling, truth in truths() if truth == "0501234567"]),
    st.sampled_from([spelling for spelling, truth in truths() if truth == "0501234567"]),
)
def test_every_spelling_mutes_every_other(subject: str, glob: str) -> None:
    assert replace(SILENCE, subject=f"sip/{glob}").covers(replace(FIRING, subject=f"sip/{subject}"))


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
