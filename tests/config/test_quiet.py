"""Quiet windows and the wishes of an endpoint, as they are written, and what is refused."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from daemon.core.model import Severity
from daemon.wiring.endpoints import interests
from tests.support.config_files import QUIET, SMS, SYSTEM, WEBHOOK, config, faults, warnings

BASE = QUIET + SYSTEM + SMS + WEBHOOK
WINDOW = BASE + "[[webhooks.quiet]]\n"
MINUTE = timedelta(minutes=1)


def test_an_endpoint_wants_everything_at_once_and_no_reminders(tmp_path: Path) -> None:
    (wants,) = interests(config(tmp_path, BASE))

    assert (wants.min_severity, wants.after, wants.repeat, wants.quiet) == (
        Severity.INFO,
        timedelta(0),
        None,
        (),
    )


def test_what_an_endpoint_may_wish(tmp_path: Path) -> None:
    text = BASE + 'min_severity = "error"\nafter = "15m"\nrepeat = "4h"\n'
    (wants,) = interests(config(tmp_path, text))

    assert (wants.min_severity, wants.after, wants.repeat) == (
        Severity.ERROR,
        15 * MINUTE,
        timedelta(hours=4),
    )


def test_mails_are_repeated_unless_that_is_switched_off(tmp_path: Path) -> None:
    mail = BASE + '[smtp]\nhost = "mail.example.org"\nfrom = "a@example.org"\n'
    mail += '[[emails]]\nname = "ops"\nto = ["b@example.org"]\n'

    assert config(tmp_path, mail).emails[0].repeat == timedelta(hours=4)
    assert config(tmp_path, mail + 'repeat = ""\n').emails[0].repeat is None


def test_a_window_of_every_night(tmp_path: Path) -> None:
    found = config(tmp_path, WINDOW + 'from = "22:00"\nto = "07:30"\ndays = ["sun", "mon"]\n')
    (window,) = found.webhooks[0].quiet

    assert (window.start, window.end, window.days) == (time(22), time(7, 30), ("sun", "mon"))
    assert len(interests(found)[0].quiet) == 1


def test_to_midnight_may_be_written_24_00(tmp_path: Path) -> None:
    (window,) = config(tmp_path, WINDOW + 'from = "22:00"\nto = "24:00"\n').webhooks[0].quiet

    assert window.end == time(0)


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ("", (31.778, 35.235, 40 * MINUTE)),
        ('place = "haifa"\n', (32.794, 34.990, 30 * MINUTE)),
        ('place = "haifa"\ncandle_lighting = "25m"\n', (32.794, 34.990, 25 * MINUTE)),
        ("latitude = 40.7\nlongitude = -74.0\n", (40.7, -74.0, 18 * MINUTE)),
    ],
)
def test_where_shabbat_is_kept(tmp_path: Path, keys: str, place: tuple[float, float, timedelta]) -> None:
    (window,) = config(tmp_path, WINDOW + "shabbat = true\n" + keys).webhooks[0].quiet

    assert window.sun == place


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("", 'give "from" and "to", or "shabbat = true"'),
        ('from = "22:00"\n', '"from" and "to" go together'),
        ('from = "22:00"\nto = "7:00"\n', "expected a time of day"),
        ('from = "22:00"\nto = "25:00"\n', "expected a time of day"),
        ('from = "22:00"\nto = "07:00"\nshabbat = true\n', 'give "from" and "to", or "shabbat = true"'),
        ('from = "22:00"\nto = "07:00"\nplace = "haifa"\n', '"place" goes with "shabbat = true"'),
        ('from = "22:00"\nto = "07:00"\ndays = []\n', "must not be empty"),
        ('from = "22:00"\nto = "07:00"\ndays = ["sunday"]\n', "sunday"),
        ('shabbat = true\ndays = ["sat"]\n', '"days" goes with "from" and "to"'),
        ('shabbat = true\nplace = "narnia"\n', "narnia"),
        ("shabbat = true\nlatitude = 40.7\n", '"latitude" and "longitude" go together'),
        ('shabbat = true\nplace = "haifa"\nlatitude = 1.0\nlongitude = 1.0\n', 'give "place", or'),
        ("shabbat = true\nlatitude = 60.0\nlongitude = 25.0\n", 'give "nightfall" in minutes'),
        ("shabbat = true\nlatitude = 80.0\nlongitude = 25.0\n", 'give "nightfall" in minutes'),
        ("shabbat = true\nlatitude = 91.0\nlongitude = 25.0\n", "latitude = 91.0: at most 90"),
        ("shabbat = true\nlatitude = 1.0\nlongitude = -181.0\n", "longitude = -181.0: at least -180"),
        ('shabbat = true\nnightfall = "7h"\n', "nightfall = '7h': at most 6h"),
        ('shabbat = true\ncandle_lighting = "3650d"\n', "candle_lighting = '3650d': at most 6h"),
    ],
)
def test_a_window_that_is_none_is_refused_with_its_place(tmp_path: Path, keys: str, said: str) -> None:
    found = faults(tmp_path, WINDOW + keys)

    assert any(said in one and "quiet" in one for one in found), found


def test_in_the_far_north_nightfall_in_minutes_will_do(tmp_path: Path) -> None:
    keys = 'shabbat = true\nlatitude = 60.0\nlongitude = 25.0\nnightfall = "60m"\n'
    (window,) = config(tmp_path, WINDOW + keys).webhooks[0].quiet

    assert window.nightfall == 60 * MINUTE


def test_where_the_sun_does_not_set_nightfall_in_minutes_will_do(tmp_path: Path) -> None:
    keys = 'shabbat = true\nlatitude = 90\nlongitude = 180\ntimezone = "UTC"\nnightfall = "72m"\n'
    (window,) = config(tmp_path, WINDOW + keys).webhooks[0].quiet

    assert window.sun == (90.0, 180.0, 18 * MINUTE)


@pytest.mark.parametrize(
    ("longitude", "zone", "is_odd"),
    [
        (-74.0, "Asia/Jerusalem", True),
        (-74.0, "America/New_York", False),
        (-157.4, "Pacific/Kiritimati", False),
        (-170.7, "Pacific/Pago_Pago", False),
        (75.0, "Asia/Shanghai", False),
    ],
)
def test_a_clock_that_is_hours_off_the_sun_is_warned_of(
    tmp_path: Path, longitude: float, zone: str, *, is_odd: bool
) -> None:
    keys = f'shabbat = true\nlatitude = 10.0\nlongitude = {longitude}\ntimezone = "{zone}"\n'
    found = [one for one in warnings(tmp_path, WINDOW + keys) if "off the clock" in one]

    assert len(found) == is_odd
