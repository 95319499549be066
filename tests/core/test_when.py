"""Moments as people write them: by which clock, in which direction, and on the two nights when it is set."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from daemon.core import durations, when
from daemon.core.durations import DAY, SECOND
from daemon.core.when import DAYS, FIRST_YEAR, LAST_YEAR, NOW, Towards, instants, moment

JERUSALEM = ZoneInfo("Asia/Jerusalem")
ZONES = [
    JERUSALEM,
    ZoneInfo("America/New_York"),
    ZoneInfo("America/Havana"),  # its midnight is skipped, and shown twice
    ZoneInfo("Australia/Lord_Howe"),  # by half an hour
    ZoneInfo("Pacific/Apia"),  # left out a whole day in 2011
    UTC,
]
PAST, FUTURE = Towards.PAST, Towards.FUTURE
NOON = datetime(2026, 11, 23, 10, tzinfo=UTC)
"""In Jerusalem, on a Monday."""
SPRING = date(2026, 3, 27)
"""Jerusalem's clock goes from 02:00 to 03:00, at midnight in UTC."""
AUTUMN = date(2026, 10, 25)
"""It goes from 02:00 back to 01:00, at 23:00 in UTC the evening before."""

zones = st.sampled_from(ZONES)
times = st.datetimes(datetime(1971, 1, 1), datetime(2105, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - as it wants them
nights = st.sampled_from(
    [
        datetime(2026, 3, 27, tzinfo=UTC),
        datetime(2026, 10, 24, 23, tzinfo=UTC),
        datetime(2011, 12, 30, 10, tzinfo=UTC),
    ]
).flatmap(lambda at: st.integers(-200_000, 200_000).map(lambda seconds: at + seconds * SECOND))
nows = times | nights
clocks = st.builds(time, st.integers(0, 23), st.integers(0, 59))
directions = st.sampled_from(Towards)


def local(text: str, zone: tzinfo = JERUSALEM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def shown(at: datetime, zone: tzinfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("text", "past", "future"),
    [
        ("2h", "2026-11-23 10:00", "2026-11-23 14:00"),
        ("1m30s", "2026-11-23 11:58:30", "2026-11-23 12:01:30"),
        ("now", "2026-11-23 12:00", "2026-11-23 12:00"),
        ("Now", "2026-11-23 12:00", "2026-11-23 12:00"),
        ("08:00", "2026-11-23 08:00", "2026-11-24 08:00"),
        ("8:00", "2026-11-23 08:00", "2026-11-24 08:00"),
        ("13:00", "2026-11-22 13:00", "2026-11-23 13:00"),
        ("12:00", "2026-11-23 12:00", "2026-11-24 12:00"),
        ("12:00:01", "2026-11-22 12:00:01", "2026-11-23 12:00:01"),
        ("today", "2026-11-23 00:00", "2026-11-23 00:00"),
        ("yesterday", "2026-11-22 00:00", "2026-11-22 00:00"),
        ("TOMORROW", "2026-11-24 00:00", "2026-11-24 00:00"),
        ("tomorrow 7:30", "2026-11-24 07:30", "2026-11-24 07:30"),
        ("yesterday 08:00", "2026-11-22 08:00", "2026-11-22 08:00"),
        ("אתמול 08:00", "2026-11-22 08:00", "2026-11-22 08:00"),
        ("2026-11-23", "2026-11-23 00:00", "2026-11-23 00:00"),
        ("2026-11-23T08:00", "2026-11-23 08:00", "2026-11-23 08:00"),
        ("2026-11-23 08:00:30.25", "2026-11-23 08:00:30.25", "2026-11-23 08:00:30.25"),
        (" 2026-11-23 ", "2026-11-23 00:00", "2026-11-23 00:00"),
        ("2026-11-23T08:00Z", "2026-11-23 10:00", "2026-11-23 10:00"),
        ("2026-11-23T08:00:00+02:00", "2026-11-23 08:00", "2026-11-23 08:00"),
        ("2026-11-23T08:00:00+0200", "2026-11-23 08:00", "2026-11-23 08:00"),
        ("2026-11-23T08:00:00 02:00", "2026-11-23 08:00", "2026-11-23 08:00"),  # a `+` of an address
        ("2026-11-23T01:00:00-05:00", "2026-11-23 08:00", "2026-11-23 08:00"),
    ],
)
def test_a_moment_is_read(text: str, past: str, future: str) -> None:
    assert moment(text, NOON, JERUSALEM, towards=PAST) == local(past)
    assert moment(text, NOON, JERUSALEM, towards=FUTURE) == local(future)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a time such as"),
        ("soon", "expected a time such as"),
        ("2 h", "expected a time such as"),
        ("-2h", "expected a time such as"),
        ("08", "expected a time such as"),
        ("٠٨:٠٠", "expected a time such as"),
        ("08:00\n", "expected a time such as"),
        ("20261123", "expected a time such as"),
        ("2026-11-23T08", "expected a time such as"),
        ("2026-11-23  08:00", "expected a time such as"),
        ("2h" + " " * when.LONGEST, "expected a time such as"),
        ("9" * 10_000, "expected a time such as"),
        ("25:00", "there is no 25:00 on a clock"),
        ("8:61", "there is no 8:61 on a clock"),
        ("tomorrow 24:01", "there is no 24:01 on a clock"),
        ("2026-11-31", "the calendar has no 2026-11-31"),
        ("2026-11-23T08:00+24:00", "there is no offset of 24:00"),
        ("2026-11-23T08:00+01:60", "there is no offset of 01:60"),
        ("3651d", "at most 3650d"),
        ("0000-01-01", "the calendar has no 0000-01-01"),
        ("0001-01-01", "expected a time between 1970 and 9000"),
        ("9999-12-31T23:59:59-23:59", "expected a time between 1970 and 9000"),
    ],
)
@pytest.mark.parametrize("towards", Towards)
def test_what_names_no_moment_is_refused_in_words(text: str, said: str, towards: Towards) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        moment(text, NOON, JERUSALEM, towards=towards)


@pytest.mark.parametrize(("towards", "example"), [(PAST, "yesterday"), (FUTURE, "tomorrow")])
def test_the_example_is_one_of_that_direction(towards: Towards, example: str) -> None:
    with pytest.raises(ValueError, match=f'or "{example}"$'):
        moment("soon", NOON, JERUSALEM, towards=towards)


def test_a_time_that_the_clock_skips_is_when_it_jumps_over_it() -> None:
    jump = datetime(2026, 3, 27, 0, tzinfo=UTC)

    assert moment("02:30", jump - DAY / 2, JERUSALEM, towards=FUTURE) == jump
    assert moment("02:30", jump + DAY / 2, JERUSALEM, towards=PAST) == jump
    assert moment(f"{SPRING}T02:30", NOON, JERUSALEM, towards=PAST) == jump


def test_a_time_that_the_clock_shows_twice_is_the_next_of_them_or_the_last() -> None:
    first = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
    second = first + timedelta(hours=1)
    between = first + timedelta(minutes=30)

    assert moment("01:30", between, JERUSALEM, towards=PAST) == first
    assert moment("01:30", between, JERUSALEM, towards=FUTURE) == second
    assert moment("01:30", second, JERUSALEM, towards=PAST) == second
    assert moment(f"{AUTUMN}T01:30", NOON, JERUSALEM, towards=PAST) == first
    assert moment(f"{AUTUMN}T01:30", first - DAY, JERUSALEM, towards=FUTURE) == first
    assert moment(f"{AUTUMN}T01:30", between, JERUSALEM, towards=FUTURE) == second


def test_a_day_that_begins_with_a_skip_or_twice_has_one_beginning() -> None:
    havana = ZoneInfo("America/Havana")

    assert moment("2026-03-08", NOON, havana, towards=PAST) == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert moment("2026-11-01", NOON, havana, towards=PAST) == datetime(2026, 11, 1, 4, tzinfo=UTC)


@given(clocks, nows, zones)
def test_a_time_is_the_last_or_the_next_that_the_clock_shows(at: time, now: datetime, zone: tzinfo) -> None:
    text = at.strftime("%H:%M")
    last, following = (moment(text, now, zone, towards=towards) for towards in (PAST, FUTURE))

    assert last <= now < following
    for one in (last, following):
        # It shows that time then, or has just jumped over it.
        before, after = shown(one - SECOND, zone), shown(one, zone)
        assert (
            after.time() == at
            or before < datetime.combine(after.date(), at) < after
            or (before < datetime.combine(before.date() + DAY, at) < after)
        )
    # Between the two nothing shows it.
    step = (following - last) / 64
    assert all(shown(last + step * part, zone).time() != at for part in range(1, 64))


@given(nows, zones, st.sampled_from(sorted(DAYS)), directions)
def test_a_day_begins_with_the_first_moment_that_has_its_date(
    now: datetime, zone: tzinfo, word: str, towards: Towards
) -> None:
    wanted = now.astimezone(zone).date() + DAYS[word] * DAY
    begins = moment(word, now, zone, towards=PAST)

    assert shown(begins - SECOND, zone).date() < wanted
    assert shown(begins, zone).date() >= wanted
    assert moment(str(wanted), now, zone, towards=PAST) == begins


@given(nows, zones, directions, st.integers(0, durations.LONGEST // SECOND))
def test_a_duration_is_so_far_away(now: datetime, zone: tzinfo, towards: Towards, seconds: int) -> None:
    away = seconds * SECOND
    expected = now - away if towards is PAST else now + away
    assume(expected.year >= FIRST_YEAR)

    assert moment(durations.show(away), now, zone, towards=towards) == expected


@given(nows, nows, zones, directions)
def test_what_has_an_offset_is_the_same_moment_everywhere(
    at: datetime, now: datetime, zone: tzinfo, towards: Towards
) -> None:
    local_form = at.astimezone(zone)
    assume((local_form.utcoffset() or timedelta()).seconds % 60 == 0)

    assert moment(local_form.isoformat(), now, zone, towards=towards) == at
    assert moment(at.isoformat().replace("+00:00", "Z"), now, zone, towards=towards) == at


@given(nows, nows, zones, directions)
def test_what_has_none_is_a_moment_in_which_the_zones_clock_shows_it(
    at: datetime, now: datetime, zone: tzinfo, towards: Towards
) -> None:
    naive = shown(at, zone)
    found = moment(naive.isoformat(), now, zone, towards=towards)

    assert shown(found, zone) == naive
    assert found in instants(naive, zone)
    assert at in instants(naive, zone)


@given(
    st.text(max_size=70)
    | st.text(st.sampled_from("0123456789-: TZ+.dhms"), max_size=40)
    | st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{1,2}:[0-9]{2}([Z+ -][0-9]{2}:[0-9]{2})?", fullmatch=True
    )
    | st.sampled_from([*NOW, *DAYS]),
    nows,
    zones,
    directions,
)
def test_any_text_is_a_moment_within_the_years_or_a_sentence(
    text: str, now: datetime, zone: tzinfo, towards: Towards
) -> None:
    try:
        found = moment(text, now, zone, towards=towards)
    except ValueError as fault:
        assert str(fault).isprintable()
        assert len(str(fault)) < 100
        return

    assert found.tzinfo is UTC
    assert FIRST_YEAR <= found.year <= LAST_YEAR
