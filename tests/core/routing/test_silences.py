"""Silences: what they cover, how long they last, and when one has served."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.phones import phone
from daemon.core.refusals import Refused
from daemon.core.routing.quiet import Weekly
from daemon.core.routing.silences import Silence, Wish, granted, is_granted, is_served, silencing
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


ZONE = ZoneInfo("Asia/Jerusalem")
SUNDAYS = Weekly(frozenset({6}), time(2), time(4), ZONE)
WEEKLY = Silence("sil_2", NOON, None, "*", "*", "sip/*", "Dana", "maintenance", NOON, weekly=SUNDAYS)
ASKED = Wish("Dana", "maintenance", subject="sip/*", start=time(2), end=time(4), zone=ZONE)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def test_one_that_comes_back_mutes_at_its_hours_and_at_no_others() -> None:
    sunday, a_year_on = at("2027-02-28T02:00"), at("2028-02-27T03:59")

    assert [WEEKLY.is_active(one) for one in (sunday - SECOND, sunday, a_year_on)] == [False, True, True]
    assert not WEEKLY.is_active(at("2027-02-28T04:00"))
    assert (WEEKLY.mutes_until(sunday), WEEKLY.mutes_from(sunday - HOUR)) == (sunday + 2 * HOUR, sunday)


def test_one_that_comes_back_is_over_when_somebody_ends_it_or_at_its_end() -> None:
    sunday = at("2027-02-28T03:00")
    ended, till_then = replace(WEEKLY, expired_at=sunday), replace(WEEKLY, ends_at=sunday)

    for one in (ended, till_then):
        assert one.is_active(sunday - SECOND)
        assert not one.is_active(sunday)
        assert one.is_over(sunday)
    assert till_then.mutes_until(sunday - HOUR) == sunday
    assert till_then.mutes_from(sunday + HOUR) is None
    assert not WEEKLY.is_over(at("2037-01-01T00:00"))


def test_one_that_comes_back_waits_for_no_incident() -> None:
    assert not is_served(WEEKLY, [ENDED], at("2027-02-28T03:00"))


def test_it_is_granted_as_it_was_asked_for() -> None:
    found = granted(replace(ASKED, days=frozenset({6})), "sil_2", NOON)

    assert found == WEEKLY
    assert is_granted(found, replace(ASKED, days=frozenset({6})))
    assert not is_granted(found, ASKED)
    assert granted(ASKED, "sil_3", NOON).weekly == replace(SUNDAYS, days=frozenset(range(7)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"end": None}, "`from` and `to` go together"),
        ({"start": None}, "`from` and `to` go together"),
        ({"start": None, "end": None, "days": frozenset({6})}, "`days` goes with `from` and `to`"),
        ({"lasts": HOUR}, "goes on until `ends_at`"),
        ({"until_resolved": True}, "goes on until `ends_at`"),
        ({"subject": "*"}, "would mute everything"),
        ({"ends_at": NOON}, "over before it begins"),
    ],
)
def test_hours_that_do_not_go_together_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(Refused, match=said):
        granted(replace(ASKED, **change), "sil_2", NOON)  # type: ignore[arg-type]


@given(
    days=st.frozensets(st.integers(0, 6), min_size=1),
    start=st.times(),
    end=st.times(),
    hours=st.integers(0, 9000),
)
def test_what_is_said_of_its_next_time_is_so(
    days: frozenset[int], start: time, end: time, hours: int
) -> None:
    whole = {"second": 0, "microsecond": 0}
    weekly = Weekly(days, start.replace(**whole), end.replace(**whole), ZONE)  # type: ignore[arg-type]
    one, now = replace(WEEKLY, weekly=weekly), NOON + hours * HOUR
    if one.is_active(now):
        until = one.mutes_until(now)
        assert until is not None
        assert one.is_active(until - SECOND)
    elif (begins := one.mutes_from(now)) is not None:
        assert begins > now
        assert one.is_active(begins)
        assert not one.is_active(begins - 2 * SECOND)
