"""Hours in which nothing counts, by real windows: both changes of the clocks, Shabbat and Yom Tov."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from freezegun import freeze_time

from daemon.config.windows import WindowSettings
from daemon.core.model import Severity
from daemon.core.watches.expectations import Expectation, Lull
from daemon.core.wishes import UNGUARDED
from daemon.host import clock
from daemon.wiring.windows import hours

ZONE = ZoneInfo("Asia/Jerusalem")
NIGHTS = WindowSettings.model_validate({"name": "nights", "from": "22:00", "to": "07:00"})
OFFICE = WindowSettings.model_validate(
    {"name": "office", "from": "08:00", "to": "17:00", "except": ["shabbat", "holidays"]}
)
MINUTE = timedelta(minutes=1)


def minutes_that_count(window: WindowSettings, day: str, length: timedelta = timedelta(days=1)) -> int:
    """Of the time from noon of a day on, asked every minute and always answered."""
    one = Expectation(
        "x",
        "sms.received",
        timedelta(hours=2),
        Severity.WARNING,
        frozenset({"sms"}),
        hours=hours((window,), ZONE.key, UNGUARDED),
    )
    lull = Lull(one.watches)
    began = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZONE).astimezone(UTC)
    with freeze_time(began) as frozen:
        for minute in range(length // MINUTE + 1):
            frozen.move_to(began + minute * MINUTE)
            lull.looked("sms", minute * 60.0, 120, counts=one.counts_at(clock.utcnow()))
    return round(lull.seconds / 60)


@pytest.mark.parametrize(
    ("day", "of_night"),
    [
        ("2026-03-25", 9 * 60),
        ("2026-03-26", 8 * 60),  # on Friday at 02:00 it is 03:00
        ("2026-10-23", 9 * 60),
        ("2026-10-24", 10 * 60),  # on Sunday at 02:00 it is 01:00
    ],
)
def test_a_night_in_which_the_clocks_change_counts_for_as_long_as_it_is(day: str, of_night: int) -> None:
    # Less the minute before its first answer, since nobody looked within the hours before that.
    assert minutes_that_count(NIGHTS, day) in (of_night - 1, of_night)


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        ("2026-11-24", True),  # from noon of Tuesday to noon of Wednesday
        ("2026-11-27", False),  # from noon of Friday, when Shabbat begins at four
        ("2026-04-01", False),  # Pesach begins in the evening
        ("2026-09-11", False),  # Rosh HaShana, two days
        ("2026-09-20", False),  # Yom Kippur
    ],
)
def test_shabbat_and_yom_tov_count_for_nothing(day: str, counts: bool) -> None:
    after = minutes_that_count(OFFICE, day) - minutes_that_count(OFFICE, day, timedelta(hours=9))
    # Of the second day, the hours from eight to noon.
    assert (after >= 4 * 60 - 2) if counts else after == 0
