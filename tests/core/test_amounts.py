"""Amounts as people read them: short, never negative, and true."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.amounts import left, needed, spelled
from daemon.core.commands.policy import ROUNDING

AMOUNTS = st.floats(-10, 1e6) | st.integers(0, 10**6).map(lambda tenths: tenths * 0.1)


@pytest.mark.parametrize(
    ("amount", "least", "most"),
    [
        (8.88178e-16, "0", "0"),
        (-8.88178e-16, "0", "0"),
        (0.1 + 0.2, "0.3", "0.3"),
        (249.89999999999998, "249.9", "249.9"),
        (0.29, "0.29", "0.29"),
        (2.3333333333333335, "2.33", "2.34"),
        (-5, "0", "0"),
        (1234567.0, "1234567", "1234567"),
        (100, "100", "100"),
    ],
)
def test_amounts_are_short(amount: float, least: str, most: str) -> None:
    assert (spelled(left(amount)), spelled(needed(amount))) == (least, most)


@given(AMOUNTS)
def test_what_is_left_is_not_more_and_what_is_needed_not_less(amount: float) -> None:
    least, most = left(amount), needed(amount)

    for one in (least, most):
        assert re.fullmatch(r"[0-9]+(\.[0-9]{1,2})?", spelled(one))
        assert float(spelled(one)) == one >= 0
    assert Fraction(least) <= Fraction(max(amount, 0.0)) + Fraction(1, 10**8)
    assert Fraction(most) >= Fraction(amount) - Fraction(1, 10**8)
    assert most - least < 0.011


@given(AMOUNTS, AMOUNTS)
def test_what_is_refused_for_want_of_units_costs_more_than_are_left(cost: float, there: float) -> None:
    if cost > there + ROUNDING and cost > ROUNDING:
        assert needed(cost) > left(there)


@given(st.lists(st.integers(1, 500), max_size=40), st.integers(0, 10**4))
def test_a_day_of_campaigns_leaves_what_is_reckoned_in_whole_tenths(spent: list[int], budget: int) -> None:
    used = 0.0
    for numbers in spent:
        used += round(0.6 * numbers, 2)

    assert left(budget - used) == max(budget * 10 - 6 * sum(spent), 0) / 10
