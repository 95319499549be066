"""Times as text: the API's dates in both orders, and the two nights in which a clock is not enough."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from freezegun import freeze_time
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.timestamps import CLOCK_SKEW, Located, iso, iso_or_none, locate, parse_local
from daemon.host.clock import utcnow
from tests.support.examples import examples

ZONE = ZoneInfo("Asia/Jerusalem")
WINTER, SUMMER = timezone(timedelta(hours=2)), timezone(timedelta(hours=3))
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
NAIVE = datetime(2024, 7, 30, 22, 40, 54)  # noqa: DTZ001 - naive is what the API gives

# In the night to 2026-10-25 clocks went from 02:00 back to 01:00: half past one came twice.
TWICE = datetime(2026, 10, 25, 1, 30)  # noqa: DTZ001
FIRST = datetime(2026, 10, 25, 1, 30, tzinfo=SUMMER)
SECOND_TIME = datetime(2026, 10, 25, 1, 30, tzinfo=WINTER)


def located(naive: datetime, *, after: datetime | None, before: datetime) -> Located:
    return locate(naive, ZONE, between=(after, before))


def test_our_times_are_utc_with_milliseconds() -> None:
    assert iso(datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)) == "2026-11-23T01:02:03.456Z"
    assert iso(datetime(2026, 11, 23, 3, 2, 3, tzinfo=WINTER)) == "2026-11-23T01:02:03.000Z"
    assert iso_or_none(FIRST) == iso(FIRST)
    assert iso_or_none(None) is None


@given(
    st.datetimes(
        datetime(1, 1, 3),  # noqa: DTZ001 - the zone is drawn beside it
        datetime(9999, 12, 29),  # noqa: DTZ001
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(60 * minutes * SECOND)),
    )
)
def test_a_time_is_written_as_the_standard_library_writes_it(moment: datetime) -> None:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    assert iso(moment) == text.removesuffix("+00:00") + "Z"


def test_the_clock_gives_what_an_event_needs() -> None:
    with freeze_time("2026-03-27T00:00:00.5Z"):
        assert iso(utcnow()) == "2026-03-27T00:00:00.500Z"


@pytest.mark.parametrize(
    "text",
    [
        "2024-07-30 22:40:54",
        "22:40:54 2024-07-30",
        "  2024-07-30   22:40:54 ",
        "2024-07-30T22:40:54",
        "2024-07-30 22:40:54.123",
        "2024-7-30 22:40:54",
    ],
)
def test_a_date_is_read_in_either_order(text: str) -> None:
    assert parse_local(text) == NAIVE


@pytest.mark.parametrize("text", ["2024-02-29 00:00:00", "00:00:00 2024-02-29"])
def test_a_leap_day_exists_in_a_leap_year(text: str) -> None:
    assert parse_local(text) == datetime(2024, 2, 29)  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2024-07-30",
        "22:40:54",
        "2024-07-30 22:40",
        "2023-02-29 00:00:00",
        "2024-13-01 00:00:00",
        "2024-00-10 00:00:00",
        "0000-00-00 00:00:00",
        "2024-07-32 00:00:00",
        "2024-07-30 24:00:00",
        "2024-07-30 23:60:00",
        "2024-07-30 23:59:60",
        "30/07/2024 22:40:54",
        "12024-07-30 22:40:54",
        "2024-07-301 22:40:54",
        "2024-07-30 122:40:54",
        "1722368454",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_local(text) is None


@settings(max_examples=examples(100))
@given(st.datetimes().map(lambda moment: moment.replace(microsecond=0)))
def test_any_date_is_read_back_from_both_orders(moment: datetime) -> None:
    date, time = moment.isoformat(" ").split()

    assert parse_local(f"{date} {time}") == parse_local(f"{time} {date}") == moment


@settings(max_examples=examples(100))
@given(st.text(alphabet="0123456789-: /TZא", max_size=24))
def test_no_text_breaks_the_reading(text: str) -> None:
    found = parse_local(text)

    assert found is None or found.tzinfo is None


@pytest.mark.parametrize(("month", "offset"), [(1, WINTER), (7, SUMMER)])
def test_a_date_has_the_offset_of_its_season(month: int, offset: timezone) -> None:
    naive = datetime(2026, month, 10, 12)  # noqa: DTZ001
    found = located(naive, after=None, before=datetime(2027, 1, 1, tzinfo=UTC))

    assert found == Located(naive.replace(tzinfo=offset), is_ambiguous=False)
    assert found.at.utcoffset() == offset.utcoffset(None)


def test_the_interval_never_moves_a_date_that_is_clear() -> None:
    day = datetime(2026, 7, 10, 12)  # noqa: DTZ001
    elsewhere = datetime(2020, 1, 1, tzinfo=UTC)

    assert located(day, after=elsewhere, before=elsewhere + HOUR).at == day.replace(tzinfo=SUMMER)


@pytest.mark.parametrize(
    ("clock", "utc"),
    [
        ((1, 59, 59), datetime(2026, 3, 26, 23, 59, 59, tzinfo=UTC)),
        ((3, 0, 0), datetime(2026, 3, 27, 0, 0, 0, tzinfo=UTC)),
    ],
)
def test_clocks_jump_from_two_to_three_in_spring(clock: tuple[int, int, int], utc: datetime) -> None:
    found = located(datetime(2026, 3, 27, *clock), after=None, before=utc)  # noqa: DTZ001

    assert found == Located(utc, is_ambiguous=False)


@pytest.mark.parametrize("minute", [0, 30, 59])
def test_a_time_that_no_clock_showed_keeps_the_offset_of_winter(minute: int) -> None:
    missing = datetime(2026, 3, 27, 2, minute)  # noqa: DTZ001
    found = located(missing, after=None, before=datetime(2026, 3, 28, tzinfo=UTC))

    assert found == Located(missing.replace(tzinfo=WINTER), is_ambiguous=False)
    assert found.at.isoformat().endswith("+02:00")


@pytest.mark.parametrize(
    ("clock", "utc"),
    [
        ((0, 59, 59), datetime(2026, 10, 24, 21, 59, 59, tzinfo=UTC)),
        ((2, 0, 0), datetime(2026, 10, 25, 0, 0, 0, tzinfo=UTC)),
    ],
)
def test_only_one_hour_repeats_in_autumn(clock: tuple[int, int, int], utc: datetime) -> None:
    found = located(datetime(2026, 10, 25, *clock), after=None, before=utc)  # noqa: DTZ001

    assert found == Located(utc, is_ambiguous=False)


@pytest.mark.parametrize(
    ("after", "before", "expected"),
    [
        (FIRST - 30 * SECOND, FIRST + 30 * SECOND, FIRST),
        (None, FIRST + 30 * SECOND, FIRST),
        (SECOND_TIME - 30 * SECOND, SECOND_TIME + 30 * SECOND, SECOND_TIME),
        (FIRST + CLOCK_SKEW + SECOND, SECOND_TIME + HOUR, SECOND_TIME),
    ],
)
def test_in_the_hour_that_repeats_the_interval_decides(
    after: datetime | None, before: datetime, expected: datetime
) -> None:
    found = located(TWICE, after=after, before=before)

    assert found == Located(expected, is_ambiguous=False)
    assert found.at.utcoffset() == expected.utcoffset()


@pytest.mark.parametrize("after", [None, FIRST - HOUR, FIRST + CLOCK_SKEW])
def test_where_both_were_possible_the_later_is_taken_and_said_to_be_ambiguous(after: datetime | None) -> None:
    found = located(TWICE, after=after, before=SECOND_TIME + HOUR)

    assert found == Located(SECOND_TIME, is_ambiguous=True)
    assert found.at.isoformat().endswith("+02:00")


@pytest.mark.parametrize("ahead", [SECOND, CLOCK_SKEW])
def test_the_platforms_clock_may_run_a_little_ahead(ahead: timedelta) -> None:
    assert located(TWICE, after=FIRST + HOUR / 2, before=SECOND_TIME - ahead) == Located(
        SECOND_TIME, is_ambiguous=False
    )


def test_what_lies_beyond_the_skew_has_not_happened_yet() -> None:
    found = located(TWICE, after=FIRST - HOUR, before=SECOND_TIME - CLOCK_SKEW - SECOND)

    assert found == Located(FIRST, is_ambiguous=False)


def test_where_neither_was_possible_the_first_is_taken_and_it_is_no_certainty() -> None:
    found = located(TWICE, after=SECOND_TIME + HOUR, before=SECOND_TIME + 2 * HOUR)

    assert found == Located(FIRST, is_ambiguous=True)


@settings(max_examples=examples(200))
@given(
    true=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
    )
    | st.integers(-7200, 7200).map(lambda offset: FIRST + offset * SECOND),
    before=st.integers(0, 1700),
    after=st.integers(0, 1700),
)
def test_a_moment_inside_a_short_interval_is_found_again(true: datetime, before: int, after: int) -> None:
    """The interval and the skew on its both ends are shorter than the hour that tells the two apart."""
    shown = true.astimezone(ZONE).replace(tzinfo=None)
    found = located(shown, after=true - before * SECOND, before=true + after * SECOND)

    assert found == Located(true, is_ambiguous=False)
