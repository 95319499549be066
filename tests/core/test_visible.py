"""What others wrote is shown and never obeyed."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.visible import visible

TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
PICTURE = re.compile("⟨U\\+([0-9A-F]{4})⟩")
ANY = st.text(st.characters(codec=None))


def is_obeyed(sign: str) -> bool:
    is_kind = unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"}
    return sign not in "\t\n" and (is_kind or sign in TURNING)


def test_every_sign_that_is_obeyed_has_its_picture_and_every_other_is_itself() -> None:
    for number in range(0x10000):
        sign = chr(number)
        assert visible(sign) == (f"⟨U+{number:04X}⟩" if is_obeyed(sign) else sign)
    above = "".join(map(chr, range(0x10000, 0x110000)))
    assert visible(above) == above


@given(ANY)
def test_nothing_is_left_that_is_obeyed_and_nothing_is_lost(text: str) -> None:
    shown = visible(text)

    assert not any(map(is_obeyed, shown))
    if "⟨" not in text:
        assert PICTURE.sub(lambda found: chr(int(found[1], 16)), shown) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "⟨U+001B⟩[2J"),
        ("abc\u202edef", "abc⟨U+202E⟩def"),
        ("שלום\n\tעולם", "שלום\n\tעולם"),
        ("a\r\nb", "a⟨U+000D⟩\nb"),
        ("\ud800", "⟨U+D800⟩"),
    ],
)
def test_some_texts(text: str, shown: str) -> None:
    assert visible(text) == shown
