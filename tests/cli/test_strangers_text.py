"""Strangers' text in a terminal: whatever an SMS, a receiver's answer, a person or the configuration says, no
verb prints what a terminal obeys."""

import itertools
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest
from daemon.core.visible import escaped
from daemon.host import clock
from daemon.store import events
from tests.cli.conftest import Call
from tests.core.test_visible import is_obeyed
from tests.support.config_files import SYSTEM, WEBHOOK
from tests.support.examples import examples
from tests.support.fakes import START
from tests.support.story import Story

TEXT = st.lists(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.characters(categories=["Cc", "Cf", "Zl", "Zp"]),
        st.sampled_from(["\x1b[2J", "\x9b31m", "\u202e", "[red]", "[link=https://x.example]", "\r\n", "א"]),
    ),
    min_size=1,
    max_size=12,
).map("".join)
FILLED = (
    "UPDATE watches SET failure = 'unreachable', failure_message = :text",
    "UPDATE alerts SET subject = :text",
    "UPDATE incidents SET subject = :text",
    "UPDATE silences SET author = :text, comment = :text, subject = :text",
    "UPDATE deliveries SET error = :text",
    "UPDATE attempts SET error = :text, response_head = :text, address = :text",
    "UPDATE endpoints SET error = :text",
    "UPDATE commands SET created_by = :text, result = :json, error = 'rejected', error_message = :text",
    "UPDATE events SET subject = :text",
    "UPDATE events SET body = replace(CAST(body AS TEXT), '\"IT\"', :json)",
)
"""Whatever a column of the store may hold that strangers wrote."""
STORED = (
    ("status",),
    ("events", "list"),
    ("events", "show", "{event}"),
    ("alerts", "list"),
    ("silence", "list", "--all"),
    ("explain", "{event}"),
    ("explain", "inc_1"),
    ("deliveries", "list"),
    ("deliveries", "show", "1"),
    ("endpoints", "list"),
    ("endpoints", "replay", "crm", "--which", "all", "--dry-run"),
    ("command", "list"),
    ("command", "show", "{command}"),
)
"""Verbs that print them; each has `--json`, too."""
GIVEN = (
    ("events", "show", "{text}"),
    ("explain", "{text}"),
    ("silence", "add", "--comment", "{text}", "--for", "1h", "--subject", "{text}"),
    ("silence", "expire", "{text}"),
    ("endpoints", "test", "{text}"),
    ("command", "add", "{text}", "{text}={text}"),
    ("command", "add", "queue.pause", "queue_path=/5", "agent={text}"),
    ("poll", "--watch", "{text}"),
    ("verify", "--body", "{text}", "--endpoint", "crm"),
    ("check", "--config", "{text}"),
    ("simulate", "--scenario", "{text}/"),
    ("{text}",),
)
"""Verbs that are handed them."""
WITH = settings(
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Room:
    """Directories with a configuration and a store, a new one for each example."""

    def __init__(self, event: str, command: str) -> None:
        self.event, self.command = event, command
        self._empty = Path.cwd()
        self._numbers = itertools.count(1)
        with closing(sqlite3.connect("yemotd.db")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def fill(self, text: str) -> None:
        """Go to a store in which strangers said nothing but this."""
        directory = self._empty / str(next(self._numbers))
        directory.mkdir()
        for name in ("config.toml", "yemotd.db"):
            shutil.copy(self._empty / name, directory)
        os.chdir(directory)
        said = json.dumps(text, ensure_ascii=False)
        with closing(sqlite3.connect("yemotd.db")) as db:
            for statement in FILLED:
                db.execute(statement, {"text": text, "json": said})
            db.execute("UPDATE events SET body = CAST(body AS BLOB)")
            db.commit()

    def words(self, verb: tuple[str, ...], text: str = "") -> list[str]:
        return [one.format(event=self.event, command=self.command, text=text) for one in verb]


@pytest.fixture
def room(call: Call) -> Room:
    """One of everything: an SMS, a phone that is down, a delivery that failed, a command, a silence."""
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + 'commands = ["*"]\n[systems.sip]\n' + WEBHOOK, encoding="utf-8")
    story = Story(Path("yemotd.db"), interests=[Interest("crm", ("*",), None)])
    story.phone("077", (10, 10_000))
    story.endpoint_says(Outcome.UNREACHABLE, 0, 10_000)
    story.run(until=100)
    with story.database.write() as db:
        fact = Fact("sms.received", "sms/050", {"sms": {"from": "IT", "to": "IT", "text": "IT"}})
        (event,) = events.record(db, "main", [fact], START, clock.new_id)
    story.database.close()
    assert call("silence", "add", "--comment", "x", "--for", "1h", "--type", "sip.*")[0] == 0
    command = json.loads(call("command", "add", "queue.pause", "queue_path=/5", "agent=1", "--json")[1])
    return Room(event.id, command["id"])


def obeyed(said: str) -> set[str]:
    return {sign for sign in said if is_obeyed(sign)}


@given(text=TEXT)
@WITH
def test_no_verb_prints_what_a_terminal_obeys(call: Call, room: Room, text: str) -> None:
    room.fill(text)
    for verb in STORED:
        code, out, err = call(*room.words(verb))
        assert (verb, code, err) == (verb, 0, "")
        assert (verb, obeyed(out)) == (verb, set())


@given(text=TEXT)
@WITH
def test_json_says_it_all_and_holds_nothing_that_is_obeyed(call: Call, room: Room, text: str) -> None:
    room.fill(text)
    for verb in STORED:
        code, out, err = call(*room.words(verb), "--json")
        assert (verb, code, err) == (verb, 0, "")
        assert (verb, obeyed(out)) == (verb, set())
        said = [json.loads(line) for line in out.split("\n")[:-1]]
        assert said
    assert text in {
        one["data"]["sms"]["text"]
        for one in map(json.loads, call("events", "list", "--json")[1].splitlines())
        if "sms" in one["data"]
    }


@given(text=st.one_of(TEXT, st.text(min_size=1, max_size=12)))
@WITH
def test_what_a_verb_is_handed_is_shown_and_not_obeyed(call: Call, room: Room, text: str) -> None:
    room.fill("x")
    for verb in GIVEN:
        _, out, err = call(*room.words(verb, text.replace("\0", "")))
        assert (verb, obeyed(out + err)) == (verb, set())


@given(text=TEXT)
@WITH
def test_what_a_configuration_holds_is_shown_and_not_obeyed(call: Call, room: Room, text: str) -> None:
    value = escaped(json.dumps(text, ensure_ascii=False))
    for line in (
        f"[{value}]\n",
        f"{value} = 1\n",
        f"[http]\nlisten = {value}\n",
        WEBHOOK.replace('"crm"', value),
    ):
        Path("odd.toml").write_text(line + SYSTEM, encoding="utf-8")
        _, out, err = call("check", "--config", "odd.toml")
        assert obeyed(out + err) == set()


def test_marks_of_markup_are_text(call: Call, room: Room) -> None:
    room.fill("[red]x[/red]")

    assert "[red]x[/red]" in call("events", "list")[1]
    assert "answer: [red]x[/red]" in call("deliveries", "show", "1")[1]


def test_a_line_of_strangers_stays_one_line(call: Call, room: Room) -> None:
    room.fill("x\nforged")
    for verb in (("deliveries", "list"), ("silence", "list"), ("alerts", "list"), ("command", "list")):
        out = call(*room.words(verb))[1]
        assert not any(line.startswith("forged") for line in out.splitlines())
        assert "⟨U+000A⟩" in out
