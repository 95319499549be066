"""Amounts for people: at most two decimals, never less than nothing, rounded so that what is said is true.

Units are multiples of a tenth and are kept as floats, so a sum that ought to be 0 comes out as 8.9e-16. Pure.
"""

from math import ceil, floor

CENTS = 100
SLACK = 1e-9
"""Ours. What sums of a day's floats are off by at most, and far below what anybody is charged."""


def left(amount: float) -> float:
    """Of what is left: no more than there is."""
    return max(floor((amount + SLACK) * CENTS), 0) / CENTS


def needed(amount: float) -> float:
    """Of what something costs: no less than it does."""
    return max(ceil((amount - SLACK) * CENTS), 0) / CENTS


def at_most(amount: float) -> str:
    """What is left, as people read it."""
    return spelled(left(amount))


def at_least(amount: float) -> str:
    """What something costs, as people read it."""
    return spelled(needed(amount))


def spelled(amount: float) -> str:
    """An amount that was rounded, in digits: `249.9`, `1234567`."""
    return f"{amount:.2f}".rstrip("0").rstrip(".")
