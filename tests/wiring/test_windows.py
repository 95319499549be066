"""Windows by the clock on the wall, without Shabbat and Yom Tov: in the nights of summer time, and where a
holiday stands next to Shabbat."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.quiet import QuietSettings
from daemon.config.windows import WindowSettings
from daemon.core.routing import quiet
from daemon.core.routing.quiet import Quiet
from daemon.core.wishes import Guard, Kind, Wishes
from daemon.wiring.windows import guarded, hours, window

ZONE = "Asia/Jerusalem"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BOTH = ("shabbat", "holidays")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def of(start: str = "08:00", end: str = "17:00", *, without: tuple[str, ...] = (), **keys: object) -> Quiet:
    settings = {"from": start, "to": end, **({"except": without} if without else {}), **keys}
    return window(QuietSettings.model_validate(settings), ZONE)


def holy(**keys: object) -> Quiet:
    return window(QuietSettings.model_validate(keys), ZONE)


@pytest.mark.parametrize(
    ("at", "is_within"),
    [
        ("2026-09-10T10:00", True),  # a Thursday
        ("2026-09-11T10:00", True),  # the eve of Rosh Hashana, a Friday, by day
        ("2026-09-11T16:59", True),
        ("2026-09-12T10:00", False),  # its first day, a Shabbat
        ("2026-09-13T10:00", False),  # its second, a Sunday
        ("2026-09-14T10:00", True),  # a fast, and no Yom Tov
        ("2026-09-21T10:00", False),  # Yom Kippur
        ("2026-09-28T10:00", True),  # a half-holiday
        ("2026-04-08T10:00", False),  # the seventh of Pesach, a Wednesday
        ("2026-04-11T10:00", False),  # the Shabbat after it
    ],
)
def test_an_office_without_shabbat_and_holidays(at: str, *, is_within: bool) -> None:
    assert of(without=BOTH).covers(local(at)) is is_within


def test_only_what_is_excepted_is() -> None:
    sunday_of_rosh_hashana, saturday = local("2026-09-13T10:00"), local("2026-09-19T10:00")

    assert of(without=("shabbat",)).covers(sunday_of_rosh_hashana)
    assert not of(without=("shabbat",)).covers(saturday)
    assert not of(without=("holidays",)).covers(sunday_of_rosh_hashana)
    assert of(without=("holidays",)).covers(saturday)


def test_a_day_that_is_both_is_taken_out_by_either() -> None:
    both = local("2026-09-12T10:00")  # Rosh Hashana on a Shabbat

    assert not of(without=("shabbat",)).covers(both)
    assert not of(without=("holidays",)).covers(both)


def test_all_day_ends_with_the_candles_and_begins_after_nightfall_of_the_last() -> None:
    """Rosh Hashana of 2023 is a Shabbat and a Sunday: from the candles of Friday to the last nightfall it is
    one time."""
    always = of("00:00", "24:00", without=BOTH)
    noon = local("2023-09-15T12:00")
    eve = quiet.lasting([always], noon)

    assert eve is not None
    assert eve.until is not None
    assert local("2023-09-15T18:00") < eve.until < local("2023-09-15T18:20")
    again = always.begins(eve.until)
    assert again is not None
    assert local("2023-09-17T19:00") < again < local("2023-09-17T19:30")


def test_yom_tov_alone_and_shabbat_alone() -> None:
    yom_tov, shabbat = holy(holidays=True), holy(shabbat=True, holidays=False)
    saturday, monday = local("2026-09-19T10:00"), local("2026-09-21T10:00")

    assert (yom_tov.covers(saturday), yom_tov.covers(monday)) == (False, True)
    assert (shabbat.covers(saturday), shabbat.covers(monday)) == (True, False)


def test_the_next_yom_tov_may_be_half_a_year_away() -> None:
    begins = holy(holidays=True).begins(local("2023-10-08T12:00"))  # a leap year follows

    assert begins is not None
    assert begins.astimezone(ZoneInfo(ZONE)).date().isoformat() == "2024-04-22"


@pytest.mark.parametrize(
    ("start", "end", "covered"),
    [
        (
            "02:30",
            "04:00",
            [("2026-03-27T02:59", False), ("2026-03-27T03:00", True)],
        ),  # 02:00 to 03:00 is skipped
        ("01:00", "02:30", [("2026-03-27T01:59", True), ("2026-03-27T03:00", False)]),
    ],
)
def test_the_hour_that_summer_time_skips(start: str, end: str, covered: list[tuple[str, bool]]) -> None:
    one = of(start, end)

    assert [(at, one.covers(local(at))) for at, _ in covered if at != "2026-03-27T02:59"] == [
        (at, is_covered) for at, is_covered in covered if at != "2026-03-27T02:59"
    ]


def test_the_hour_that_summer_time_repeats_is_covered_twice() -> None:
    one, first = of("01:30", "01:45"), datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # 01:30, and again at 23:30

    assert [one.covers(first + shift * MINUTE) for shift in (0, 14, 15, 59, 60, 74, 75)] == [
        True,
        True,
        False,
        False,
        True,
        True,
        False,
    ]


MOMENTS = st.integers(0, 4 * 365 * 24 * 60).map(lambda at: datetime(2024, 1, 1, tzinfo=UTC) + at * MINUTE)
CLOCK = st.times().map(lambda at: f"{at:%H:%M}")


@given(start=CLOCK, end=CLOCK, without=st.sampled_from([(), ("shabbat",), ("holidays",), BOTH]), at=MOMENTS)
def test_what_is_said_of_its_end_and_beginning_is_so(
    start: str, end: str, without: tuple[str, ...], at: datetime
) -> None:
    one = of(start, end, without=without)
    if one.covers(at):
        ends = one.ends(at)
        assert ends is not None
        assert ends > at
        assert not one.covers(ends) or of(start, end).ends(at) == ends
        assert one.covers(ends - timedelta(seconds=2)) or ends - at < timedelta(seconds=2)
    else:
        begins = one.begins(at)
        if begins is not None:
            assert begins > at
            assert one.covers(begins)
            middle = at + (begins - at) / 2
            assert not one.covers(middle)


def test_hours_are_those_of_any_window() -> None:
    named = [
        WindowSettings.model_validate({"name": "morning", "from": "08:00", "to": "12:00"}),
        WindowSettings.model_validate({"name": "evening", "from": "16:00", "to": "19:00"}),
    ]
    both = hours(named, ZONE, Guard(Kind.WATCH, "main/sip", Wishes()))

    assert both is not None
    assert both.names == ("morning", "evening")
    assert [
        both.covers(local(f"2026-03-01T{at}")) for at in ("07:59", "08:00", "13:00", "18:59", "19:00")
    ] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert both.begins(local("2026-03-01T13:00")) == local("2026-03-01T16:00")
    assert both.ends(local("2026-03-01T09:00")) == local("2026-03-01T12:00")
    assert hours([], ZONE, Guard(Kind.WATCH, "main/sip", Wishes())) is None


def test_hours_that_cannot_be_worked_out_mute_nothing() -> None:
    def raises(_moment: datetime) -> bool:
        raise RuntimeError

    wishes = Wishes()
    guard = Guard(Kind.WATCH, "main/sip", wishes)
    one = guarded(Quiet(raises), guard, "active", lasts_instead=True)

    assert one.covers(local("2026-03-01T10:00"))
    assert [wish.setting for wish in wishes.glance()] == ["active"]
    assert time(8) == of().window.start
