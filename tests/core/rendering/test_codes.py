"""The one-time code of a message: found where there is one, and never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.rendering.codes import code_in


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Your code is 482913", "482913"),
        ("482913 is your verification code", "482913"),
        ("Your one-time password: 0042", "0042"),
        ("OTP 77318 valid until 14:05", "77318"),
        ("קוד האימות שלך הוא 482913", "482913"),
        ("הקוד: 1234", "1234"),
        ("1234 הוא הקוד שלך", "1234"),
        ("סיסמה חד פעמית 98765432", "98765432"),
        ("לקוד 4829 אין תוקף אחרי 2026-11-23", "4829"),
        ("code 482913. Call 03-6123456 if it was not you", "482913"),
        ("Order 77777 arrived", None),
        ("Your code was sent to 0541234567", None),
        ("Your code was sent to 054-1234567", None),
        ("Code of conduct, 23/11/2026", None),
        ("code: you owe 1500 ₪", None),
        ("code: ₪1500", None),
        ("use code AB1234CD", None),
        ("code 123456789", None),
        ("the code of the building is the one that we told you in the mail of last week; room 4821", None),
        ("", None),
    ],
)
def test_codes(text: str, code: str | None) -> None:
    assert code_in(text) == code


@given(st.text(max_size=200))
def test_whatever_is_found_stands_in_the_text_as_digits_of_their_own(text: str) -> None:
    found = code_in(text)

    assert found is None or (found in text and 4 <= len(found) <= 8)


@given(
    st.from_regex(r"\A[0-9]{4,8}\Z").filter(str.isascii),
    st.sampled_from(["code: {}", "הקוד שלך {}", "{} is the code"]),
)
def test_a_code_beside_its_word_is_found(code: str, text: str) -> None:
    assert code_in(text.format(code)) == code
