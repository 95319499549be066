"""What holds something back and until when, in words of both languages."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon.core.rendering import quiet_words
from daemon.core.routing.quiet import Window

ZONE = ZoneInfo("Asia/Jerusalem")
FRIDAY = datetime(2026, 11, 27, 15, tzinfo=ZONE)
HOLY = frozenset({"shabbat", "holidays"})
SHABBAT = Window(place="jerusalem", zone="Asia/Jerusalem", holy=HOLY)
NIGHTS = Window(days=frozenset(range(7)), start=time(22), end=time(7), name="nights")
OFFICE = Window("haifa", frozenset({6, 0, 1}), time(8), time(17), name="office", holy=frozenset({"holidays"}))


def test_the_sentence_of_the_house() -> None:
    until = datetime(2026, 11, 28, 17, 11, 30, tzinfo=ZONE)

    said = quiet_words.lasts(SHABBAT, until, FRIDAY, ZONE)
    assert (
        f"{said}; {quiet_words.wait(3)}" == "quiet until Sat 17:12, Shabbat or Yom Tov in Jerusalem; 3 wait"
    )
    said = quiet_words.lasts(SHABBAT, until, FRIDAY, ZONE, "he")
    assert f"{said}; {quiet_words.wait(3, 'he')}" == "שקט עד שבת 17:12, שבת או יום טוב בירושלים; 3 ממתינות"


@pytest.mark.parametrize(
    ("window", "english", "hebrew"),
    [
        (NIGHTS, "nights: every day 22:00 to 07:00", "nights: בכל יום, 22:00 עד 07:00"),
        (
            OFFICE,
            "office: Sun, Mon, Tue 08:00 to 17:00, except Yom Tov in Haifa",
            "office: יום א׳, יום ב׳, יום ג׳, 08:00 עד 17:00, מלבד יום טוב בחיפה",
        ),
        (Window(place="40.7, -74", holy=frozenset({"shabbat"})), "Shabbat in 40.7, -74", "שבת ב-40.7, -74"),
    ],
)
def test_which_window_it_is(window: Window, english: str, hebrew: str) -> None:
    assert (quiet_words.which(window), quiet_words.which(window, "he")) == (english, hebrew)


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (timedelta(hours=2), "17:00"),
        (timedelta(hours=2, seconds=1), "17:01"),
        (timedelta(days=1), "Sat 15:00"),
        (timedelta(days=6), "Thu 15:00"),
        (timedelta(days=7), "2026-12-04 15:00"),
        (timedelta(days=-1), "2026-11-26 15:00"),
    ],
)
def test_a_time_that_is_to_come(later: timedelta, said: str) -> None:
    at = (FRIDAY + later).astimezone(UTC)

    assert quiet_words.at(at, FRIDAY.astimezone(UTC), ZONE) == said


def test_without_an_end_and_with_nothing_that_waits() -> None:
    assert quiet_words.lasts(NIGHTS, None, FRIDAY, ZONE).startswith("quiet with no end in sight, nights")
    assert quiet_words.lasts(NIGHTS, None, FRIDAY, ZONE, "he").startswith("שקט שסופו אינו ידוע, nights")
    assert [quiet_words.wait(many) for many in (0, 1, 2)] == ["", "1 waits", "2 wait"]
    assert [quiet_words.wait(many, "he") for many in (0, 1, 2)] == ["", "הודעה אחת ממתינה", "2 ממתינות"]
