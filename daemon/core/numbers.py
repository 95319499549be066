"""Numbers for people: two decimals at most, whatever a division or a sum of binary fractions left. Pure.

What is compared with a limit is rounded before, not after: else somebody would read that 3 is above 3.
"""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def rounded(value: float) -> float:
    """To two decimals, halves away from zero; never -0.0. The value is finite."""
    return float(_cents(value)) + 0.0


def shown(value: float) -> str:
    """The same as text, without zeros that say nothing and without an exponent."""
    text = f"{_cents(value):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _cents(value: float) -> Decimal:
    # By the digits that the number is written with: 0.285 is meant, not 0.284999….
    return Decimal(repr(value)).quantize(CENT, ROUND_HALF_UP) if abs(value) < 10**15 else Decimal(repr(value))
