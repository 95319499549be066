"""Strangers' text for people: nothing in it is obeyed, and nothing that makes text is touched."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.visible import escaped, visible, visible_line

BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
ANYTHING = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cc", "Cs", "Zl", "Zp", "Cf"]),
        st.sampled_from("אבג \x1b[2J\u202e"),
    )
)


def is_obeyed(sign: str) -> bool:
    """By what Unicode itself says of it, as the module does not ask."""
    return (
        unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} and sign not in "\t\n"
    ) or unicodedata.bidirectional(sign) in BIDI


def test_every_sign_of_unicode_is_shown_or_left_alone() -> None:
    for number in range(0x110000):
        sign = chr(number)
        assert visible(sign) == (f"⟨U+{number:04X}⟩" if is_obeyed(sign) else sign)


@given(ANYTHING)
def test_nothing_that_is_obeyed_remains(text: str) -> None:
    assert not any(map(is_obeyed, visible(text)))
    assert not {"\n", "\t"} & {*visible_line(text)}
    visible(text).encode()


@given(ANYTHING)
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    assert visible_line(visible_line(text)) == visible_line(text)
    if not any(map(is_obeyed, text)):
        assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "lines", "line"),
    [
        ("\x1b[2J", "⟨U+001B⟩[2J", "⟨U+001B⟩[2J"),
        ("a\nb\tc", "a\nb\tc", "a⟨U+000A⟩b⟨U+0009⟩c"),
        ("\x9b31m", "⟨U+009B⟩31m", "⟨U+009B⟩31m"),
        ("שלום\u202eevil", "שלום⟨U+202E⟩evil", "שלום⟨U+202E⟩evil"),
        ("\ud800", "⟨U+D800⟩", "⟨U+D800⟩"),
        ("\u200fשָׁלוֹם 👨‍👩‍👧", "\u200fשָׁלוֹם 👨‍👩‍👧", "\u200fשָׁלוֹם 👨‍👩‍👧"),
    ],
)
def test_examples(text: str, lines: str, line: str) -> None:
    assert (visible(text), visible_line(text)) == (lines, line)


@given(st.dictionaries(ANYTHING, ANYTHING))
def test_escaped_json_says_the_same_and_nothing_in_it_is_obeyed(document: dict[str, str]) -> None:
    text = escaped(json.dumps(document, ensure_ascii=False, indent=1))

    assert json.loads(text) == document
    assert not any(map(is_obeyed, text))
