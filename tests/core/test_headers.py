"""What a header can carry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.headers import unfit


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "is empty"),
        ("סוד", "not ASCII"),
        ("\u200fa", "has U+200F (RIGHT-TO-LEFT MARK) in it, which nobody sees"),
        (" a", "begins or ends with a blank"),
        ("a ", "begins or ends with a blank"),
        ("a\nb", "a line break"),
        ("a\x7f", "a line break or another control character"),
        ("\t", "a line break or another control character"),
    ],
)
def test_what_no_header_can_carry(value: str, reason: str) -> None:
    assert reason in str(unfit(value))


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_what_every_header_can_carry(value: str) -> None:
    assert unfit(value) is None
    assert unfit(f"{value} {value}") is None
