"""Which tokens can be guessed: what programs make never, what people make mostly."""

import base64
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.tokens import WORDS, weakness
from tests.support.examples import examples


def drawn(seed: int, many: int) -> bytes:
    return random.Random(seed).randbytes(many)  # noqa: S311 - the same each time


@given(seed=st.integers(0, 2**64), many=st.integers(16, 64))
@settings(max_examples=examples(500))
def test_what_a_program_made_is_never_called_weak(seed: int, many: int) -> None:
    """By `openssl rand -hex`, `-base64`, or as password managers do."""
    made = drawn(seed, many)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

    assert weakness(made.hex()) is None
    assert weakness(base64.b64encode(made).decode()) is None
    assert weakness(base64.urlsafe_b64encode(made).decode().rstrip("=")) is None
    assert weakness("".join(letters[one % len(letters)] for one in made)) is None


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "only 1 different"),
        ("1212121212121212", "only 2 different"),
        ("3f9a3f9a3f9a3f9a3f9a3f9a", "only 4 different"),
        ("x7Kq9ZpWx7Kq9ZpW", "repeated"),
        ("7301948265513820", "few kinds"),
        ("jdkwpqmzxnvb", "few kinds"),
        ("abcdefghijklmnopqrst", "one after the other"),
        ("ABCDEFGHIJKLMNOP0123456789", "one after the other"),
        ("01234567890123456789abcdef", "one after the other"),
        ("this-is-my-secret-token", "words"),
        ("Yemotd-Admin-Password-2026!", "words"),
        ("changeme-changeme-2025", "words"),
        ("my_very_long_password_123", "words"),
        ("secretsecretsecret1234", "words"),
    ],
)
def test_what_a_person_made_up_is_weak(token: str, why: str) -> None:
    said = weakness(token)

    assert said is not None
    assert why in said


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), between=st.sampled_from("-_. !"))
def test_words_alone_are_never_enough(words: list[str], between: str) -> None:
    assert weakness(between.join(words)) is not None


@given(st.text(max_size=200))
def test_any_text_is_judged_and_no_part_of_it_is_told(token: str) -> None:
    said = weakness(token)

    assert said is None or len(token) < 4 or token not in said
