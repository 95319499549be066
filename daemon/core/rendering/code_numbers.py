"""A message as words, numbers and signs, and which numbers are written as a one-time code may be. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from daemon.core.rendering.code_words import UNIT

SHORTEST, LONGEST = 4, 8
"""Digits of a code."""
HALF = 3
"""Digits of each half of a code that is written in two, as `123-456`."""
MONEY = "₪$€£¥₽"
OPENING, CLOSING = "\"'“”„«»‘’([{<*", "\"'“”„«»‘’)]}>*"
TOKEN = re.compile(r"\d+|[^\W\d_]+(?:[\"'׳״’][^\W\d_]+)*|\n|[^\w\s]|_")
"""A number, a word (`ש"ח` is one), the end of a line, or a sign."""
_JOINING = frozenset("-–—)")
_BLANKS = re.compile(r"[^\S\n]+")
_PREPOSITION = re.compile("[והבלמשכ]{1,2}-")
"""Of Hebrew, tied to what follows: `ב-1234`, `ל-10`."""


@dataclass(frozen=True)
class Token:
    """A piece of a text."""

    text: str
    """In lower case; digits in those of ASCII."""
    start: int
    end: int

    @property
    def is_number(self) -> bool:
        return self.text.isdecimal()

    @property
    def is_word(self) -> bool:
        return self.text[0].isalpha()


@dataclass(frozen=True)
class Candidate:
    """A number that may be a code."""

    digits: str
    first: int
    """Its first token."""
    last: int
    """Its last one, which is another where it is written in two."""


def plain(text: str) -> str:
    """Without marks that are not seen (bidi, joiners, vowels); blanks, dashes and digits are of ASCII."""
    return _BLANKS.sub(" ", text if text.isascii() else "".join(map(_sign, text)))


def _sign(one: str) -> str:
    if unicodedata.category(one) in ("Cf", "Mn"):
        return ""
    return "-" if one in "‐‑−־" else str(unicodedata.decimal(one, one))


def tokens(text: str) -> list[Token]:
    """The pieces of a plain text."""
    return [Token(one[0].casefold(), one.start(), one.end()) for one in TOKEN.finditer(text)]


def candidates(text: str, pieces: list[Token]) -> Iterator[Candidate]:
    """The numbers of a plain text that are no part of something else: a date, a sum, a phone, an address."""
    for index, token in enumerate(pieces):
        if not token.is_number:
            continue
        last: int | None = index
        digits = token.text
        if not SHORTEST <= len(digits) <= LONGEST:
            last = _second_half(text, pieces, index)
            digits += pieces[last].text if last is not None else ""
        if last is not None and _is_free_before(text, pieces, index) and _is_free_behind(text, pieces, last):
            yield Candidate(digits, index, last)


def _second_half(text: str, pieces: list[Token], index: int) -> int | None:
    """Of `123-456` and `123 456` the second number."""
    start = pieces[index].end
    other = next((at for at in range(index + 1, min(index + 3, len(pieces))) if pieces[at].is_number), None)
    if other is None or text[start : pieces[other].start] not in ("-", " "):
        return None
    return other if len(pieces[index].text) == len(pieces[other].text) == HALF else None


def _is_free_before(text: str, pieces: list[Token], first: int) -> bool:
    start = pieces[first].start
    sign, further = text[start - 1 : start], text[max(start - 2, 0) : max(start - 1, 0)]
    if _goes_on_from_a_number(pieces, first) or _PREPOSITION.fullmatch(_word_before(text, start)):
        return False
    if sign == "*":
        return further != "*" and text[pieces[first].end : pieces[first].end + 1] == "*"
    if sign and sign in ".,:":
        return not further.isdecimal()
    return not (sign.isalnum() or (sign and sign in MONEY + "+#/@_%№&\\"))


def _goes_on_from_a_number(pieces: list[Token], first: int) -> bool:
    """Whether a number stands before it, with at most a dash or a bracket between: `050 123`, `(03) 123`."""
    before = first - 1
    if before >= 0 and pieces[before].text in _JOINING:
        before -= 1
    return before >= 0 and pieces[before].is_number


def _word_before(text: str, start: int) -> str:
    """What is tied to a number, back to a blank, as far as it matters."""
    return re.split(r"\s", text[max(start - 4, 0) : start])[-1]


def _is_free_behind(text: str, pieces: list[Token], last: int) -> bool:
    end = pieces[last].end
    sign, further = text[end : end + 1], text[end + 1 : end + 2]
    following = pieces[last + 1] if last + 1 < len(pieces) else None
    if following and (following.text in UNIT or following.text in MONEY):
        return False
    if following and following.is_number:
        return False
    if sign == "*":
        return text[pieces[last].start - 1 : pieces[last].start] == "*"
    if sign and sign in ".,:-–—":
        return not further.isdecimal()
    return not (sign.isalnum() or (sign and sign in MONEY + "#/@_%\\"))
