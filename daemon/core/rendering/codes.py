"""The one-time code in a message, so that a reader need not look for it. Pure.

A code is 4 to 8 digits near a word such as "code" or "קוד". A phone number, a date, a sum of money is none,
however near: a wrong code set apart is worse than none.
"""

import re

NEAR = 40
"""Characters between the word and the code, at most."""
_WORDS = re.compile(
    r"\b(?:one[- ]time|verification|confirmation|security|access|log-?in)?\s*"
    r"(?:code|codes|otp|pin|passcode|password|token)\b"
    r"|\b[ובלכמשה]{0,3}(?:קוד|סיסמה|סיסמא|סיסמתך|אימות)",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"(?<!\d)\d{4,8}(?!\d)")
_BEFORE = re.compile(r"(?:\d[-./: ]|[+*#$€₪,@/]|\d,|\d\.)$")
"""What makes the digits behind it a part of something else: a phone number, a date, a sum, an address."""
_AFTER = re.compile(r"^(?:[-/:]\d|[.,]\d|\s?(?:₪|ש\"ח|שח\b|NIS\b|ILS\b|\$|€|%)|[*#@])")
_WORD_CHARACTER = re.compile(r"\w")


def code_in(text: str) -> str | None:
    """The one-time code that a text gives; None where it gives none, or it is in doubt."""
    words = [found.span() for found in _WORDS.finditer(text)]
    candidates = [found for found in _DIGITS.finditer(text) if _stands_alone(text, found)]
    near = [
        (_distance(found.span(), word), found.start(), found[0])
        for found in candidates
        for word in words
        if _distance(found.span(), word) <= NEAR
    ]
    return min(near)[2] if near else None


def _stands_alone(text: str, found: "re.Match[str]") -> bool:
    before, after = text[max(found.start() - 3, 0) : found.start()], text[found.end() : found.end() + 5]
    is_in_word = _WORD_CHARACTER.match(after) or _WORD_CHARACTER.search(before[-1:])
    return not (is_in_word or _BEFORE.search(before) or _AFTER.search(after))


def _distance(code: tuple[int, int], word: tuple[int, int]) -> int:
    """Characters between the two; what stands behind its word is nearer than what stands before it."""
    return code[0] - word[1] if code[0] >= word[1] else 2 * (word[0] - code[1])
