"""`[[windows]]`: windows that have a name, and who goes by them."""

from datetime import time
from pathlib import Path

import pytest

from tests.support.config_files import QUEUE, QUIET, SMS, SYSTEM, THRESHOLD, WEBHOOK, config, faults, warnings

NIGHTS = '[[windows]]\nname = "nights"\nfrom = "22:00"\nto = "07:00"\n'
SHABBAT = '[[windows]]\nname = "shabbat"\nshabbat = true\nplace = "haifa"\n'
OFFICE = '[[windows]]\nname = "office"\nfrom = "08:00"\nto = "17:00"\nexcept = ["shabbat", "holidays"]\n'
BASE = QUIET + SYSTEM + SMS + WEBHOOK


def test_an_endpoint_is_quiet_by_names(tmp_path: Path) -> None:
    found = config(tmp_path, BASE + 'quiet = ["nights", "shabbat"]\n' + NIGHTS + SHABBAT)
    nights, shabbat = found.webhooks[0].quiet

    assert (nights.start, nights.end, len(nights.days)) == (time(22), time(7), 7)
    assert (shabbat.shabbat, shabbat.place) == (True, "haifa")
    assert found.webhooks[0].quiet == found.windows


def test_two_endpoints_share_a_window_wherever_it_stands(tmp_path: Path) -> None:
    other = WEBHOOK.replace('"crm"', '"other"') + 'quiet = "nights"\n'
    found = config(tmp_path, NIGHTS + BASE + 'quiet = ["nights"]\n' + other)

    assert found.webhooks[0].quiet == found.webhooks[1].quiet == found.windows


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('quiet = ["nigths"]\n', 'no [[windows]] has this name; did you mean "nights"?'),
        (
            'quiet = ["nights", {from = "12:00", to = "13:00"}]\n',
            "names and tables do not go together: write all as tables, or give the tables names",
        ),
        (
            'quiet = ["nights"]\n[[webhooks.quiet]]\nfrom = "12:00"\nto = "13:00"\n',
            'stands beside "quiet = […]" of the same endpoint, and names and tables do not go together',
        ),
        ("quiet = [7]\n", "quiet"),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path: Path, keys: str, said: str) -> None:
    found = faults(tmp_path, NIGHTS + BASE + keys)

    assert any(said in one for one in found), found
    assert len(found) == 1


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('name = "x"\n', 'give "from" and "to", or "shabbat = true", or "holidays = true"'),
        ('name = "x"\nshabbat = true\nexcept = ["holidays"]\n', '"except" goes with "from" and "to"'),
        ('name = "x"\nholidays = true\ndays = ["sun"]\n', '"days" goes with "from" and "to"'),
        ('name = "x"\nfrom = "08:00"\nto = "17:00"\nholidays = true\n', 'give "from" and "to", or'),
        ('name = "x"\nfrom = "08:00"\nto = "17:00"\nholidays = false\n', 'goes with "shabbat = true"'),
        ('name = "x"\nfrom = "08:00"\nto = "17:00"\nexcept = []\n', "must not be empty"),
        ('name = "x"\nfrom = "08:00"\nto = "17:00"\nexcept = ["sabbath"]\n', "except"),
        ('name = "x"\nfrom = "08:00"\nto = "17:00"\nexcept = ["shabbat", "shabbat"]\n', "twice"),
        ('from = "08:00"\nto = "17:00"\n', "name is missing"),
        ('name = "nights"\nfrom = "08:00"\nto = "17:00"\n', "another window has this name"),
        (
            'name = "x"\nfrom = "08:00"\nto = "17:00"\nexcept = ["shabbat"]\n'
            "latitude = 80.0\nlongitude = 1.0\n",
            'give "nightfall" in minutes',
        ),
    ],
)
def test_a_window_that_is_none_is_refused_once_with_its_place(tmp_path: Path, keys: str, said: str) -> None:
    """Also where somebody goes by it: that is no fault of his."""
    used = BASE + ('quiet = ["nights", "x"]\n' if '"x"' in keys else 'quiet = ["nights"]\n')
    found = faults(tmp_path, NIGHTS + "[[windows]]\n" + keys + used)

    assert any(said in one and "windows" in one for one in found), found
    assert len(found) == 1, found


def test_alerts_have_hours(tmp_path: Path) -> None:
    text = THRESHOLD + 'above = 5\nactive = "office"\n' + WEBHOOK + OFFICE + NIGHTS
    text = text.replace('path = "/5"\n', 'path = "/5"\nactive = ["office", "nights"]\n')
    (queue,) = config(tmp_path, text).systems[0].queues

    assert [one.name for one in queue.active] == ["office", "nights"]
    assert [one.name for one in queue.thresholds[0].active] == ["office"]
    assert queue.thresholds[0].active[0].holy == (True, True)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[systems.sip]\nactive = "ofice"\n', "no [[windows]] has this name"),
        ("[systems.sip]\nactive = []\n", "must not be empty"),
        ('[systems.sip]\nactive = ["office", "office"]\n', "twice"),
        ('[systems.sip]\nactive = [{from = "08:00", to = "17:00"}]\n', "expected the name of a [[windows]]"),
        ('[systems.sms]\nactive = "office"\n', 'unknown key "active"'),
        ('[systems.sip]\nignore = ["1", "1"]\n', "names one of its entries twice"),
    ],
)
def test_hours_that_are_none_are_refused(tmp_path: Path, table: str, said: str) -> None:
    found = faults(tmp_path, OFFICE + SYSTEM + table + WEBHOOK)

    assert any(said in one for one in found), found


def test_a_window_that_nobody_goes_by_is_warned_of(tmp_path: Path) -> None:
    assert any('no "quiet" and no "active" names it' in one for one in warnings(tmp_path, BASE + NIGHTS))
    assert warnings(tmp_path, BASE + 'quiet = ["nights"]\n' + NIGHTS) == ()
    queue = QUIET + QUEUE + 'active = "nights"\n' + WEBHOOK + NIGHTS
    assert warnings(tmp_path, queue) == ()


@pytest.mark.parametrize(
    ("keys", "holy"),
    [
        ("shabbat = true\n", (True, True)),
        ("shabbat = true\nholidays = true\n", (True, True)),
        ("shabbat = true\nholidays = false\n", (True, False)),
        ("holidays = true\n", (False, True)),
        ('from = "08:00"\nto = "17:00"\nexcept = ["holidays"]\n', (False, True)),
        ('from = "08:00"\nto = "17:00"\n', (False, False)),
    ],
)
def test_which_holy_days_are_meant(tmp_path: Path, keys: str, holy: tuple[bool, bool]) -> None:
    found = config(tmp_path, BASE + 'quiet = ["x"]\n[[windows]]\nname = "x"\n' + keys)

    assert found.windows[0].holy == holy
