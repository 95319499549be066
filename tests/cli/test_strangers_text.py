"""Strangers' text in a terminal: whatever an SMS, a receiver's answer, a person or the configuration says, no
verb prints what a terminal obeys."""

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.core.visible import escaped
from tests.cli.conftest import STORED, Call, Room
from tests.core.test_visible import is_obeyed
from tests.support.config_files import SYSTEM, WEBHOOK
from tests.support.examples import examples

TEXT = st.lists(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.characters(categories=["Cc", "Cf", "Zl", "Zp"]),
        st.sampled_from(["\x1b[2J", "\x9b31m", "\u202e", "[red]", "[link=https://x.example]", "\r\n", "א"]),
    ),
    min_size=1,
    max_size=12,
).map("".join)
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
    max_examples=examples(30),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


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
