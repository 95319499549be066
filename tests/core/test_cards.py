"""Numbers of payment cards are found however they are written, and few others are taken for one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from daemon.core.cards import BEHIND, COMMON, LONGEST, LOOKED_AT, SHORTEST, has_card, without_cards

SEPARATORS = st.sampled_from(
    ["", " ", "-", "\u2013", "\u00a0", " - ", "*", "#", "\u200f", "\u2066", "\ufeff"]
)


def checked(digits: str) -> str:
    """With its check digit, reckoned as ISO/IEC 7812-1 says it in words."""
    total = 0
    for place, one in enumerate(reversed(digits)):
        value = int(one) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


CARDS = st.integers(SHORTEST - 1, LONGEST - 1).flatmap(
    lambda many: st.text("0123456789", min_size=many, max_size=many).map(checked)
)


@given(CARDS, SEPARATORS, st.sampled_from(["", "card ", "כרטיס: "]), st.sampled_from(["", ".", " תודה"]))
def test_a_card_is_found_however_it_is_written(card: str, between: str, before: str, behind: str) -> None:
    value = before + between.join(card) + behind

    assert has_card(value)
    assert without_cards(value) == before + behind


@given(CARDS, st.text("0123456789", min_size=1, max_size=8))
def test_what_is_keyed_in_behind_it_does_not_hide_it(card: str, expiry: str) -> None:
    value = card.rjust(LONGEST, "0") if len(card) + len(expiry) <= LONGEST else card

    assert has_card(value + expiry) or len(value + expiry) <= LONGEST


@given(
    st.sampled_from(COMMON).flatmap(
        lambda many: st.text("0123456789", min_size=many - 1, max_size=many - 1).map(checked)
    ),
    st.sampled_from(["", " ", "*"]),
    st.text("0123456789", min_size=BEHIND, max_size=8),
)
def test_a_code_or_a_date_right_behind_a_card_of_today_does_not_hide_it(
    card: str, between: str, behind: str
) -> None:
    assert has_card(card + between + behind)


@given(CARDS, st.integers(0, 8))
def test_another_check_digit_is_no_card(card: str, off: int) -> None:
    wrong = card[:-1] + str((int(card[-1]) + 1 + off) % 10)
    assume(not any(checked(wrong[: many - 1]) == wrong[:many] for many in COMMON))

    assert not has_card(wrong)
    assert without_cards(wrong) == wrong


@pytest.mark.parametrize(
    "value",
    ["", "0501234567", "03/05/2026 10:14:09", "1777777777.123456", "4580 1234", "מה שלומך", "123456789012"],
)
def test_what_is_shorter_or_parted_is_none(value: str) -> None:
    assert not has_card(value)
    assert without_cards(value) == value


@pytest.mark.parametrize("value", ["4580458045804580"[:15] + "x", "４５８０４５８０４５８０４５８０"])
def test_digits_of_any_script_are_digits(value: str) -> None:
    assert has_card(value) == has_card(value.translate(str.maketrans("０１２３４５６７８９", "0123456789")))


def test_a_wall_of_digits_takes_no_time_and_is_taken_for_one() -> None:
    assert has_card("1" * 64 * 1024)
    assert has_card("1 " * (LOOKED_AT + 1))
