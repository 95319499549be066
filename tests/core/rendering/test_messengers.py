"""Whatever somebody sent reaches a messenger as text and nothing else, within its limits, at whole words."""

import importlib
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.core.delivery.outcome import Outcome
from daemon.core.event_types import EVENT_TYPES
from daemon.core.rendering.formats import Answer, Format, Shape, Verdict, render
from daemon.core.rendering.phrases import END, FIRST_STRONG
from daemon.core.rendering.wire.words import ELLIPSIS, NOTHING, fitted, inert
from tests.core.rendering.test_formats import stored
from tests.support.event_examples import example as event_example
from tests.support.messengers import CHAT, TAKES, Said, Shown, linked

FORMATS = [one for one in Format if one.value in TAKES]
BASE = "https://phones.example.org"
FIELDS = {"telegram": (("chat_id", str(CHAT)), ("topic", "7")), "ntfy": (("topic", "phones"),)}
PIECES = [
    *("<b>x</b>", "</i>", "<a href='https://evil.example'>y</a>", "&lt;", "&", "[z](https://evil.example)"),
    *("*w*", "_v_", "`u`", "~s~", "<!channel>", "<@U1>", "@channel", "@here", "#tag", "$TSLA", "/start"),
    *(
        "https://evil.example/x",
        "evil.example",
        "a@evil.example",
        "tg://user?id=1",
        "HTTP://EVIL.COM",
        "t.me/x",
    ),
    *(
        "\u202e",
        "\u2067",
        "\u2068",
        "\u2069",
        "\u200f",
        "\x00",
        "\x1b[31m",
        "\x9b",
        "\r\n",
        "\u2028",
        "\ud800",
    ),
    *("👨‍👩‍👧", "e\u0301", "שָׁלוֹם", "שלום", "עולם", "0501234567", " ", "\n", '"', "\\", "'"),
]
UNSEEN = str.maketrans("", "", FIRST_STRONG + END + ELLIPSIS)
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=30).map("".join)


def shape(form: Format, language: str = "en") -> Shape:
    return Shape(form, language=language, base=BASE, fields=FIELDS.get(form.value, ()))


def shown(form: Format, body: bytes, language: str = "en") -> Shown:
    found = TAKES[form.value](render(body, shape(form, language)).body)
    assert not isinstance(found, Said), found.body
    return found


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("language", ["en", "he"])
@given(text=texts, phone=texts)
@example(text="https://evil.example @channel <b>", phone="a@evil.example")
@example(text="@@@channel ://x //start ##tag", phone="/start")
def test_whatever_somebody_sent_is_text_and_nothing_else(
    form: Format, language: str, text: str, phone: str
) -> None:
    body = (
        stored({"sms": {"from": phone, "text": text}})
        .decode("utf-8", "surrogatepass")
        .encode("utf-8", "replace")
    )
    one = shown(form, body, language)

    assert set(one.links) == {f"{BASE}/events"}
    assert linked(one.text) == []
    assert not {sign for sign in one.text if (sign < " " and sign != "\n") or "\u202a" <= sign <= "\u202e"}
    assert one.text.count(FIRST_STRONG) == one.text.count(END)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("language", ["en", "he"])
@pytest.mark.parametrize("type_", EVENT_TYPES)
def test_every_event_is_taken(form: Format, language: str, type_: str) -> None:
    one = shown(form, json.dumps(event_example(type_)).encode(), language)

    assert linked(one.text) == []
    assert len(set(one.links)) == 1


ROOM = {
    Format.TELEGRAM: ("telegram", "UNITS"),
    Format.NTFY: ("ntfy", "MESSAGE_BYTES"),
    Format.SLACK: ("slack", "CHARACTERS"),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("word", ["שלום", "<&>", "hello", "👨‍👩‍👧", '"\\'])
def test_what_is_too_long_is_cut_between_words(
    form: Format, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name = ROOM[form]
    monkeypatch.setattr(importlib.import_module(f"daemon.core.rendering.wire.{module}"), name, 260)
    text = " ".join([word] * (300 // (len(word) + 1)))
    one = shown(form, stored({"sms": {"from": "0501234567", "text": text}}), "he")
    sentence = one.text.split("\n")[0].replace(NOTHING, "")

    assert ELLIPSIS in sentence
    said, _, rest = sentence.partition(ELLIPSIS)
    assert rest == END
    assert said.split()[-1].lstrip(FIRST_STRONG) == word


@given(text=texts, room=st.integers(0, 80))
@example(text="*w**w*<@U1>/start000000 00<b>x</b><b>x</b><b>x</b>", room=49)
@example(text="a" + " " * 20 + "bbb", room=23)
def test_what_fits_is_a_beginning_at_a_word_with_its_isolates_closed(text: str, room: int) -> None:
    found = fitted(text, lambda one: len(one) <= room)

    assert len(found) <= room
    if found == text or not found:
        return
    said, mark, ends = found.rpartition(ELLIPSIS)
    assert mark
    assert text.startswith(said)
    assert set(ends) <= {END}
    assert found.count(FIRST_STRONG) <= found.count(END)
    words = [len(one.translate(UNSEEN)) for one in said.split()]
    is_at_a_word = not said or text[len(said)].isspace()
    assert is_at_a_word or max(words, default=0) * 2 >= sum(
        words
    )  # a word that is half of all that is said is cut in it


def test_a_word_without_end_is_cut_between_the_signs_that_people_see() -> None:
    family, accented = "👨‍👩‍👧", "e\u0301"

    assert fitted(family * 3, lambda one: len(one) <= 8) == family + ELLIPSIS
    assert fitted(accented * 5, lambda one: len(one) <= 4) == accented + ELLIPSIS
    assert fitted("abc", lambda _one: False) == ""


@given(texts)
def test_nothing_is_left_to_be_pressed_and_nothing_is_lost(text: str) -> None:
    assert linked(inert(text)) == []
    assert inert(text).replace(NOTHING, "") == text.replace(NOTHING, "")


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["ok", "description", "parameters", "retry_after", "migrate_to_chat_id", "code", "error"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("form", [one for one in Format if one.wire.judge])
@given(
    body=st.binary(max_size=40) | JSONS.map(lambda one: json.dumps(one).encode()) | st.just(b"[" * 100_000),
    status=st.integers(100, 999),
    outcome=st.sampled_from(Outcome),
)
def test_no_answer_makes_a_format_raise_or_calls_a_failure_a_success(
    form: Format, body: bytes, status: int, outcome: Outcome
) -> None:
    judge: Any = form.wire.judge
    found = judge(Verdict(outcome), Answer(status, [], body))

    assert found.outcome is not Outcome.ACCEPTED or outcome is Outcome.ACCEPTED
    assert found.why is None or isinstance(found.why, str)
