"""`[[systems.expectations]]` and `[[digests]]`: what they become, and what is wrong with them, and where."""

from datetime import timedelta
from pathlib import Path

import pytest

from daemon.core.digests.schedule import Digest
from daemon.core.watches.expectations import Expectation
from daemon.wiring.digests import digests_of
from daemon.wiring.expectations import expected
from tests.support.config_files import QUIET, SYSTEM, WEBHOOK, config, faults, warnings

OFFICE = '[[windows]]\nname = "office"\nfrom = "08:00"\nto = "17:00"\n'
WATCHES = '[systems.sms]\n[[systems.queues]]\npath = "/5"\n[[systems.queues]]\npath = "/6"\n'
BASE = QUIET + OFFICE + SYSTEM + WATCHES
ROW = '[[systems.expectations]]\ntype = "sms.received"\nwithin = "2h"\nactive = "office"\n'
ENDPOINTS = WEBHOOK + WEBHOOK.replace("crm", "boss") + "events = []\n"
DIGEST = '[[digests]]\nname = "office"\nto = ["boss"]\nat = "18:00"\n'


def of(folder: Path, rows: str) -> list[Expectation]:
    return list(expected(config(folder, BASE + rows + WEBHOOK))["main"])


def test_what_is_expected_and_which_watches_may_show_it(tmp_path: Path) -> None:
    queue = '[[systems.expectations]]\ntype = "queue.caller.joined"\nwithin = "1h"\nname = "calls"\n'
    first, both, one = of(tmp_path, ROW + queue + queue.replace("calls", "sales") + 'subject = "queue/5"\n')

    assert (first.name, first.type, first.within) == ("sms.received", "sms.received", timedelta(hours=2))
    assert first.watches == {"sms"}
    assert first.hours is not None
    assert both.hours is None
    assert both.watches == {"queue/5", "queue/6"}
    assert one.watches == {"queue/5"}
    assert len({first.key, both.key, one.key}) == 3


@pytest.mark.parametrize(
    ("type_", "subject", "watches"),
    [
        ("queue.caller.answered", None, {"queue/5", "queue-log/5", "queue/6", "queue-log/6"}),
        ("queue.caller.answered", "queue/6", {"queue/6", "queue-log/6"}),
        ("queue.caller.kicked", "queue/6", {"queue/6"}),
        ("queue.callback.due", "queue/5", {"queue/5", "queue-log/5", "callbacks/5"}),
        ("queue.callback.due", "queue/6", {"queue/6", "queue-log/6"}),
        ("queue.agent.paused", "queue/*", {"queue/5", "queue/6"}),
        ("sip.account.unregistered", None, {"sip"}),
        ("sip.registration.changed", None, {"sip/1"}),
        ("directory.file.added", "directory/2", {"directory/2"}),
    ],
)
def test_a_watch_counts_where_its_own_kind_can_show_it(
    tmp_path: Path, type_: str, subject: str | None, watches: set[str]
) -> None:
    more = '[systems.sip]\ncontexts = [1]\n[[systems.callbacks]]\npath = "/5"\n' + "".join(
        f'[[systems.directories]]\npath = "/{path}"\n' for path in (2, 3)
    )
    row = f'[[systems.expectations]]\ntype = "{type_}"\nwithin = "1h"\n'
    row += "" if subject is None else f'subject = "{subject}"\n'
    (one,) = of(tmp_path, more + row)

    assert one.watches == watches


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (ROW.replace("sms.received", "sms.recieved"), 'gives such an event; did you mean "sms.received"?'),
        (
            ROW.replace("sms.received", "sip.account.added"),
            "no watch of this system gives it; [systems.sip] does",
        ),
        (ROW.replace("sms.received", "daemon.started"), "no watch of this system gives such an event"),
        (ROW.replace("sms.received", "sms.*"), "no watch of this system gives such an event"),
        (ROW.replace('within = "2h"\n', ""), "within is missing"),
        (ROW.replace("2h", "30s"), "at least 1m"),
        (ROW.replace('"office"', '"offce"'), 'no [[windows]] has this name; did you mean "office"?'),
        (ROW + ROW, 'another expectation is called "sms.received"; give this one a name'),
        (ROW + "whitin = 1\n", 'unknown key "whitin"; did you mean "within"?'),
    ],
)
def test_what_is_wrong_with_an_expectation_is_said(tmp_path: Path, row: str, told: str) -> None:
    (found,) = faults(tmp_path, BASE + row + WEBHOOK)

    assert told in found
    assert "expectations" in found


def test_a_digest_is_of_a_day_or_where_it_is_made_on_one_alone_of_a_week(tmp_path: Path) -> None:
    weekly = DIGEST.replace('"office"', '"week"') + 'days = ["thu"]\n'
    written = DIGEST.replace('"office"', '"all"') + 'days = ["thu"]\ncovers = "day"\nlanguage = "he"\n'
    day, week, own = digests_of(config(tmp_path, BASE + ENDPOINTS + DIGEST + weekly + written))

    assert isinstance(day, Digest)
    assert (day.covers, week.covers, own.covers) == ("day", "week", "day")
    assert (sorted(day.days), sorted(week.days)) == ([0, 1, 2, 3, 4, 5, 6], [3])
    assert (day.language, own.language) == (None, "he")
    assert day.zone.key == "Asia/Jerusalem"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (DIGEST.replace('"boss"', '"bos"'), 'no endpoint has this name; did you mean "boss"?'),
        (DIGEST + 'systems = ["mian"]\n', 'no system has this name; did you mean "main"?'),
        (DIGEST + DIGEST, "another digest has this name"),
        (DIGEST.replace("18:00", "18"), 'expected a time of day such as "22:00"'),
        (DIGEST.replace('to = ["boss"]', "to = []"), "must not be empty"),
        (DIGEST + "days = []\n", "must not be empty"),
        (DIGEST + 'covers = "month"\n', "covers"),
        (DIGEST + "skip_emty = true\n", 'unknown key "skip_emty"; did you mean "skip_empty"?'),
    ],
)
def test_what_is_wrong_with_a_digest_is_said(tmp_path: Path, row: str, told: str) -> None:
    (found,) = faults(tmp_path, BASE + ENDPOINTS + row)

    assert told in found
    assert "digests" in found


def test_who_is_told_by_a_digest_alone_can_be_reached(tmp_path: Path) -> None:
    assert any("no event can reach it" in one for one in warnings(tmp_path, BASE + ENDPOINTS))
    assert not any("no event can reach it" in one for one in warnings(tmp_path, BASE + ENDPOINTS + DIGEST))


def test_a_window_that_an_expectation_goes_by_is_used(tmp_path: Path) -> None:
    named = 'no "quiet" and no "active" names it'
    assert any(named in one for one in warnings(tmp_path, BASE + WEBHOOK))
    assert not any(named in one for one in warnings(tmp_path, BASE + ROW + WEBHOOK))
