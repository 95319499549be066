"""Numbers that may be those of payment cards: they are never kept, whoever keyed them in. Pure.

A card has 13 to 19 digits, the last of which is a check digit (ISO/IEC 7812-1). People write them with blanks
and dashes between, and key them in with stars. One number in ten that is no card looks like one, too: that is
the price.
"""

import re

SHORTEST, LONGEST = 13, 19
"""Digits (ISO/IEC 7812-1)."""
LOOKED_AT = 64
"""Ours. Digits; a longer row of them is taken to hold a card."""

COMMON = (15, 16)
"""Digits of nearly all cards that are issued."""
BEHIND = 2
"""Digits of what is keyed in right behind a card, at least: a year, a month, a code of three or four."""

_BETWEEN = r"\s\-\u2010-\u2015\u2212_*#\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_RUN = re.compile(rf"\d(?:[{_BETWEEN}]{{0,3}}\d){{12,}}")
# From SHORTEST digits on; what nobody sees parts them as little as what everybody does.


def has_card(value: str) -> bool:
    """Whether a text holds what may be the number of a card: by itself, or within a longer row of digits, as
    where the date of its expiry follows."""
    return len(value) >= SHORTEST and any(_is_card(found[0]) for found in _RUN.finditer(value))


def without_cards(value: str) -> str:
    """A text with what may be the number of a card left out; always the same where such a number stood."""
    if len(value) < SHORTEST:
        return value
    return _RUN.sub(lambda found: "" if _is_card(found[0]) else found[0], value)


def _is_card(run: str) -> bool:
    digits = [int(one) for one in run if one.isdecimal()]
    if len(digits) > LOOKED_AT:
        return True
    if len(digits) <= LONGEST:
        begins = [digits[:many] for many in COMMON if many + BEHIND <= len(digits)]
        return any(map(_passes, (digits, *begins)))
    starts = range(len(digits) - SHORTEST + 1)
    return any(
        _passes(digits[start : start + many])
        for start in starts
        for many in range(SHORTEST, min(LONGEST, len(digits) - start) + 1)
    )


def _passes(digits: list[int]) -> bool:
    """The check of ISO/IEC 7812-1, annex B: from the right every other digit counts twice."""
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
