"""What may stand where on a command line, and in which zone people read and write times."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.cli import output
from daemon.cli.manual import pages
from daemon.cli.verbs import VERBS, Verbs, is_other_number
from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.cli.conftest import TOKEN, Call, Room
from tests.support.config_files import SYSTEM


@pytest.mark.parametrize(
    ("word", "verb"),
    [
        ("event", "events"),
        ("alert", "alerts"),
        ("silences", "silence"),
        ("delivery", "deliveries"),
        ("endpoint", "endpoints"),
        ("commands", "command"),
    ],
)
def test_a_noun_is_taken_in_either_number(room: Room, call: Call, word: str, verb: str) -> None:
    assert call(word, "list") == call(verb, "list")
    assert call(word, "list")[0] == 0


@pytest.mark.parametrize("word", ["polls", "runs", "dbs", "statuses", "statu", "explains", "s", ""])
def test_what_is_no_noun_has_no_other_number(call: Call, word: str) -> None:
    code, out, _ = call(word, "--help")
    assert (code, out) == (os.EX_USAGE, "")


def test_no_two_verbs_are_one_in_another_number() -> None:
    assert [one for one in VERBS if sum(is_other_number(verb, one) for verb in VERBS) > 1] == []


@pytest.mark.parametrize("option", ["-c", "--config"])
def test_the_configuration_stands_before_the_verb_or_after_it(room: Room, call: Call, option: str) -> None:
    told = call("events", "list")
    os.rename("config.toml", "other.toml")

    assert told[0] == 0
    assert call(option, "other.toml", "events", "list") == told
    assert call("events", option, "other.toml", "list") == told
    assert call("events", "list", option, "other.toml") == told
    assert call(option, "absent.toml", "events", "list", option, "other.toml") == told
    assert call(option, "absent.toml", "events", "list")[0] == os.EX_CONFIG
    assert call("events", "list")[0] == os.EX_CONFIG, "it is forgotten with its command line"
    assert call(option, "other.toml", "check")[0] == 0


def test_people_read_and_write_times_of_the_configuration_s_zone(room: Room, call: Call) -> None:
    path = Path("config.toml")
    path.write_text(
        '[daemon]\ntimezone = "Asia/Tokyo"\n' + path.read_text(encoding="utf-8"), encoding="utf-8"
    )
    add = ("silence", "add", "--type", "x.*", "--comment", "x", "--until", "2030-01-01T08:00")

    assert "until 2030-01-01 08:00:00+09:00" in call(*add)[1]
    assert json.loads(call(*add, "--json")[1])["ends_at"] == "2029-12-31T23:00:00.000Z"
    assert "times     Asia/Tokyo; now " in call("status")[1]
    assert "+09:00" in call("events", "list")[1]


def test_a_time_that_is_shown_can_be_given_again() -> None:
    moment = datetime(2026, 3, 27, 23, 30, 15, tzinfo=UTC)
    for zone in ("Asia/Jerusalem", "Asia/Kathmandu", "UTC", None):
        output.use_zone(zone)
        assert output.moment_gone("--until", output.clock_time(moment), moment) == moment
    output.use_zone("no/such/zone")
    assert output.clock_time(None) == "–"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator({TOKEN: SimulatedSystem(now=utcnow)}, now=utcnow) as one:
        yield one


def test_a_trace_says_what_is_asked_and_what_comes_back_and_hides_the_token(
    call: Call, simulator: Simulator
) -> None:
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + f'base_url = "{simulator.base_url}"\n[systems.sip]\n', encoding="utf-8")
    quiet = call("poll", "--dry-run")
    code, out, err = call("poll", "--dry-run", "--trace")

    assert (code, out) == (0, quiet[1])
    (line,) = err.splitlines()
    assert line.startswith(f"main: GET {simulator.base_url}")
    assert "HTTP 200" in line
    assert "bytes, application/json" in line
    assert line.endswith("an answer")
    assert TOKEN not in err
    assert TOKEN.partition(":")[2] not in err


def test_a_trace_of_a_poll_that_fails_says_how_it_was_judged(call: Call) -> None:
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + 'base_url = "http://127.0.0.1:9/"\n[systems.sip]\n', encoding="utf-8")
    code, _, err = call("poll", "--dry-run", "--trace")

    assert code == os.EX_UNAVAILABLE
    assert "nothing came back" in err
    assert "unreachable" in err


PAGES = dict(pages())
"""Of the manual, by the names of their files."""


class TestManual:
    def test_there_is_a_page_for_each_verb_and_it_has_each_option(self) -> None:
        assert set(PAGES) == {"yemotd.1", *(f"yemotd-{one}.1" for one in VERBS)}
        verbs = Verbs()
        for name in VERBS:
            text = PAGES[f"yemotd-{name}.1"].replace("\\-", "-")
            command = verbs[name]
            for one in getattr(command, "commands", {"": command}).values():
                for param in one.params:
                    assert all(option in text for option in param.opts if option.startswith("--")), (
                        name,
                        param,
                    )

    @pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff here")
    @pytest.mark.parametrize("name", PAGES)
    def test_it_is_well_formed(self, name: str) -> None:
        words = ["groff", "-man", "-Tutf8", "-ww", "-z"]
        ended = subprocess.run(words, input=PAGES[name], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")

    def test_nothing_of_the_text_is_taken_for_a_request(self) -> None:
        for text in PAGES.values():
            for line in text.splitlines():
                assert not line.startswith(("'", "\\'")), line
                assert not line.startswith(".") or line.split()[0] in {".TH", ".SH", ".TP", ".B", ".PP"}, line
