"""The one-time code of a message: found where there is one, and never guessed."""

import gc
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.rendering.codes import LONGEST_TEXT, code_in
from tests.core.spellings import truths
from tests.support.examples import examples

HALVES = ("tuning", "held_out")
"""The rules were made by looking at the one; at the other only at its figures."""


def texts(half: str) -> Iterator[tuple[str | None, str]]:
    """Each text with its code; None: it gives none."""
    path = Path(__file__).with_name(f"codes_{half}.tsv")
    for line in path.read_text(encoding="utf-8").splitlines():
        code, text = line.split("\t", 1)
        yield None if code == "-" else code, text.replace("\\n", "\n")


def stands_in(code: str, text: str) -> bool:
    """Whether a text has these digits as a number of their own, in one piece or in two halves."""
    seen = (one for one in text if unicodedata.category(one) not in ("Cf", "Mn"))
    plain = "".join(str(unicodedata.decimal(one, one)) for one in seen)
    half = len(code) // 2
    return re.search(rf"(?<!\d){code[:half]}([-‐‑−־]|\s+)?{code[half:]}(?!\d)", plain) is not None


@pytest.mark.parametrize("half", HALVES)
def test_a_code_is_found_where_there_is_one_and_hardly_ever_where_there_is_none(
    half: str, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = [(code, code_in(text)) for code, text in texts(half)]
    there = [pair for pair in judged if pair[0] is not None]
    found = [pair for pair in judged if pair[1] is not None]
    right = sum(code == one for code, one in found)
    precision, recall = right / len(found), right / len(there)

    with capsys.disabled():
        print(
            f"\ncodes, {half}: precision {precision:.1%} ({right} of {len(found)} found),"
            f" recall {recall:.1%} ({right} of {len(there)} there), {len(judged)} texts"
        )
    assert precision >= 0.99
    assert recall >= 0.90


@pytest.mark.parametrize("half", HALVES)
def test_there_are_texts_enough_of_each_kind(half: str) -> None:
    codes = [code for code, _ in texts(half)]

    assert len(codes) >= 75
    assert min(codes.count(None), len(codes) - codes.count(None)) >= 50


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
        ("קוד האימות לכרטיס המסתיים ב-1234 הוא 567890", "567890"),
        ("Your code for order 55512 is 834201", "834201"),
        ("A code was sent to the phone ending in 4567", None),
        ("zip code 90210", None),
        ("Order 77777 arrived", None),
        ("Your code was sent to 0541234567", None),
        ("Your code was sent to 054-1234567", None),
        ("Code of conduct, 23/11/2026", None),
        ("code: you owe 1500 ₪", None),
        ("code: ₪1500", None),
        ("use code AB1234CD", None),
        ("code 123456789", None),
        ("Your code is 4821 or 4822", "4821"),
        ("code: 4821, code: 4822", None),
        ("code: 4821. Once more: the code is 4821", "4821"),
        ("Your WhatsApp code: 123-456", "123456"),
        ("code: 123-456-789", None),
        ("code: 123 456 789", None),
        ("code: 123\n456", None),
        ("G-123456 is your Google verification code", "123456"),
        ("رمز التحقق هو ٤٨٢٩١٣", "482913"),
        ("קוד: \u200e482913\u200f", "482913"),
        ("the code of the building is the one that we told you in the mail of last week; room 4821", None),
        ("Your old code 4821 is no longer valid", None),
        ("Do not use code 4821", None),
        ("The new security code 2026 comes into force", None),
        ("Your code is 2026", "2026"),
        ("Delivery to pin code 560001 takes 3 days", None),
        ("", None),
    ],
)
def test_codes(text: str, code: str | None) -> None:
    assert code_in(text) == code


PIECES = [
    *("code", "קוד", "הקוד", "код", "رمز", "otp", "is", "הוא", "order", "your", "use", "כרטיס", "ב-"),
    *(":", "-", "—", " ", "\n", ".", "₪", "\u200e", "(", '"', "*", "/", "@"),
    *("1234", "567890", "٤٨٢٩", "12", "345-678", "2026", "0501234567"),
]


@settings(max_examples=examples(500))
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=12), st.sampled_from(["", " "]))
def test_whatever_is_found_stands_in_the_text_as_digits_in_their_order(
    pieces: list[str], between: str
) -> None:
    text = between.join(pieces)
    found = code_in(text)

    if found is not None:
        assert found.isascii()
        assert found.isdecimal()
        assert 4 <= len(found) <= 8
        assert stands_in(found, text)


@settings(max_examples=examples(200))
@given(
    st.from_regex(r"\A[0-9]{4,8}\Z").filter(str.isascii),
    st.sampled_from(
        [
            "Your code is: {}",
            "הקוד שלך הוא {}",
            "{} is the code",
            "{} - קוד אימות",
            "Код: {}",
            "رمز التحقق: {}",
            "code\n{}",
            "Your code for order 55512 is {}",
            "קוד האימות לכרטיס המסתיים ב-1234 הוא {}",
        ]
    ),
)
def test_any_digits_that_are_said_to_be_the_code_are_it(code: str, text: str) -> None:
    assert code_in(text.format(code)) == code


@settings(max_examples=examples(200))
@given(
    st.from_regex(r"\A[0-9]{4,8}\Z").filter(str.isascii),
    st.sampled_from(
        [
            "A code was sent to the phone ending in {}",
            "We sent a code for order {}",
            "קוד נשלח לכרטיס המסתיים ב-{}",
            "קוד אימות נשלח. הזמנה {}",
            "zip code {}",
            "zip code: {}",
            "קוד סניף: {}",
            "Код отправлен на номер {}",
            "الرمز البريدي {}",
            "code: {} ₪",
            "code: ${}",
            "code: +{}",
            "code: *{}",
            "code: https://example.org/{}",
            "your order is {}, the code follows",
            "{}",
        ]
    ),
)
def test_a_number_that_is_something_else_is_no_code(number: str, text: str) -> None:
    assert code_in(text.format(number)) is None


@settings(max_examples=examples(500))
@given(
    st.sampled_from([spelling for spelling, phone in truths() if phone]),
    st.sampled_from(
        ["Your code was sent to {}", "Your code: {}", "קוד {}", "הקוד שלך הוא {}", "{} is your code"]
    ),
)
def test_a_phone_in_no_spelling_is_a_code(spelling: str, text: str) -> None:
    assert code_in(text.format(spelling)) is None


@given(
    st.dates(),
    st.times(),
    st.sampled_from(["code: {}", "הקוד הוא {}", "code valid until {}", "{} is your code"]),
)
def test_a_date_and_a_time_are_no_code(date: object, time: object, text: str) -> None:
    for shown in (f"{date}", f"{date:%d/%m/%Y}", f"{date:%d.%m.%Y}", f"{time:%H:%M}", f"{time:%H:%M:%S}"):
        assert code_in(text.format(shown)) is None


@pytest.mark.parametrize("filling", [". ", "\u200e.", ".    "])
def test_a_code_at_the_end_of_what_is_read_is_whole_or_none(filling: str) -> None:
    for many in (LONGEST_TEXT - 12, LONGEST_TEXT - 10, LONGEST_TEXT - 8):
        text = (filling * many)[:many]
        assert code_in(text + "code: 482913") in (None, "482913")
        assert code_in(text + "code: 482913 ₪") is None


@pytest.mark.parametrize("size", [4 * 1024, 1024 * 1024])
@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "1234 ",
        "code ",
        "code 4821 is ",
        "-",
        '"',
        '("',
        "\n",
        "123-",
        "123 123 ",
        "a'",
        "והכל",
        "والوال",
        "*1234*",
    ],
)
def test_hostile_texts_take_no_longer_than_others(unit: str, size: int) -> None:
    """Some 10 ms each where it was measured; the limit is one that a quadratic rule would not keep."""
    text = (unit * (size // len(unit) + 1))[:size]
    gc.disable()  # a collection takes as long as all that other tests have left takes to look through
    try:
        began = thread_time()
        code_in(text)
        code_in("code: " + text)
        took = thread_time() - began
    finally:
        gc.enable()

    assert took < 1
