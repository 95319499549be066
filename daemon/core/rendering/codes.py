"""The one-time code in a message, so that a reader need not look for it. Pure.

A wrong code set apart is worse than none. So a number is a code only where the text says that it is:
`code: 4821`, `הקוד הוא 4821`, `4821 is your code`, `enter 4821` beside the word, or alone on a line
below it. What merely stands near the word (a card's last digits, an order, a date, a phone) is none,
and where two numbers are said to be codes, neither is. A test asserts how often that is right, on 414
texts of our own in four languages.
"""

import itertools
from collections.abc import Iterator
from enum import IntEnum

from daemon.core.rendering.code_numbers import CLOSING, HALF, OPENING, SHORTEST, candidates, plain, tokens
from daemon.core.rendering.code_words import (
    ABOUT,
    ANY_CODE,
    BESIDE,
    CALL,
    CODE,
    CONFIRM,
    CONFIRMING,
    IS,
    NOT,
    NUMBERED,
    OTHER_CODE,
    USE,
    VOID,
)

LONGEST_TEXT = 4096
"""Ours. Characters that are read; the longest message that a phone sends has some 1,500."""
BEHIND = 256
"""Ours. Of a longer one, the last of them only tell what stands behind a number."""
FAR = 24
"""Ours. Words and signs between the word and the code in one sentence, at most."""
NEAR = 6
"""Ours. The same, where the code comes first."""
POSTAL = 6
"""Digits of a postal code of India."""
VOID_NEAR = 5
"""Ours. Words and signs before and behind a code in which a sentence may say that it is void."""
_CALLED_WITHIN = 3
_POINTING = frozenset(":-–—=")
_LEADING = _POINTING | {"("}
_ENDING = frozenset(".!?")
_HEBREW_FOR, _ARABIC_FOR = "ל", "لل"
"""What a code is for begins with it: `קוד לכניסה`, `رمزك للطلب`."""
_HEBREW_BY = ("ב", "מ", "כ", "ל")
"""With these in front, a word does not name what stands before it: `4500 בקוד`."""
_HEBREW_PREFIX = frozenset("והבלמשכ")
_LONGEST_PREFIX = 3
_ARABIC_PREFIXES = [
    lead + article for lead in ("", *"وفبلك") for article in ("ال", "لل", "") if lead + article
]
_NAMING = ABOUT | IS
_HARMLESS = ABOUT | BESIDE | IS | USE | CONFIRMING | CODE | VOID | NOT
_KNOWN = _HARMLESS | CONFIRM | OTHER_CODE | NUMBERED | CALL


class Sign(IntEnum):
    """How clearly a text says that a number is the code, the clearest first."""

    NAMED = 0
    """`code: 4821`, `code 4821`, `the code for order 55512 is 4821`, `4821 is your code`."""
    USED = 1
    """`enter 4821`, or alone on its line, in a text that speaks of a code."""
    HINTED = 2
    """`confirm the login: 4821`, the same."""


def code_in(text: str) -> str | None:
    """The one-time code that a text gives, as digits of ASCII without what stands between them; None where it
    gives none, or it is in doubt."""
    read = plain(text[:LONGEST_TEXT])
    return _Reader(read).code(before=len(read) - BEHIND if len(text) > LONGEST_TEXT else len(read))


class _Reader:
    """One text, as words, numbers and signs."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._names = [self._is_name(index) for index in range(len(self._tokens))]

    def code(self, *, before: int) -> str | None:
        """The number that is most clearly said to be the code, of those that begin before this place."""
        if not any(self._names):
            return None
        said: dict[Sign, set[str]] = {}
        for one in candidates(self._text, self._tokens):
            is_whole = self._tokens[one.first].start < before
            if is_whole and (sign := self._sign(one.first, one.last)) is not None:
                said.setdefault(sign, set()).add(one.digits)
        clearest = said[min(said)] if said else set()
        return clearest.pop() if len(clearest) == 1 else None

    def _sign(self, first: int, last: int) -> Sign | None:
        before = self._before(first)
        if before is not None and (self._is_elsewhere_numbered(before) or self._is_postal(first, before)):
            return None
        if self._is_void(first, last):
            return None
        if self._is_named_before(first, before) or self._is_named_behind(last):
            return Sign.NAMED
        if self._is_alone_on_its_line(first, last) or self._is_used(before):
            return Sign.USED
        is_hinted = before is not None and self._points(before)
        return Sign.HINTED if is_hinted and self._word(self._before(before)) in CONFIRM else None

    def _before(self, index: int | None) -> int | None:
        """The token before one, past brackets, quotes and the break of a line that ends in a colon."""
        at = -1 if index is None else index - 1
        while at >= 0 and self._tokens[at].text in OPENING:
            at -= 1
        if at >= 1 and self._tokens[at].text == "\n":
            at -= 1
            return at if self._tokens[at].text == ":" else None
        return at if at >= 0 else None

    def _word(self, index: int | None) -> str:
        return _bare(self._tokens[index].text) if index is not None else ""

    def _points(self, index: int) -> bool:
        return self._tokens[index].text in _POINTING

    def _is_used(self, before: int | None) -> bool:
        """Whether the text says to type it: `enter 4821`, `נא להקיש: 4821`."""
        if before is not None and self._points(before):
            before = self._before(before)
        return self._word(before) in USE

    def _is_elsewhere_numbered(self, before: int) -> bool:
        """Whether the number belongs to a word that has numbers of its own, or is to be called."""
        leads = self._points(before) or self._word(before) in IS
        if self._word(self._before(before) if leads else before) in NUMBERED:
            return True
        near = range(max(before - _CALLED_WITHIN, 0), before + 1)
        return any(self._word(one) in CALL for one in near if not self._breaks_between(one, before))

    def _is_postal(self, first: int, before: int) -> bool:
        """Whether it is what India calls a PIN code: `pin code 560001`."""
        words = (self._word(self._before(before)), self._word(before))
        return words == ("pin", "code") and len(self._tokens[first].text) == POSTAL

    def _is_void(self, first: int, last: int) -> bool:
        """Whether the sentence says that this code is not, or no longer, to be used."""
        behind = itertools.takewhile(lambda at: not self._ends(at), range(last + 1, len(self._tokens)))
        beside = [*self._sentence_before(first, VOID_NEAR), *itertools.islice(behind, VOID_NEAR)]
        words = [self._word(at) for at in sorted(beside)]
        is_forbidden = any(one in NOT and other in USE for one, other in itertools.pairwise(words))
        return is_forbidden or not VOID.isdisjoint(words)

    def _is_named_before(self, first: int, before: int | None) -> bool:
        """Whether what it is called stands before it in its sentence, and leads to it."""
        if before is None:
            return False
        if self._points(before) or self._word(before) in IS:
            return any(self._names[at] for at in self._sentence_before(before, FAR))
        for at in self._sentence_before(before + 1, NEAR):
            if self._names[at]:
                return not _is_year(self._tokens[first].text)
            if self._word(at) not in ABOUT and self._tokens[at].text not in OPENING + "-":
                return False
        return False

    def _is_named_behind(self, last: int) -> bool:
        """Whether it is followed by what it is called: `4821 is your code`, `4821 - קוד אימות`."""
        at = last + 1
        while at < len(self._tokens) and self._tokens[at].text in CLOSING:
            at += 1
        leads = at < len(self._tokens) and (self._tokens[at].text in _LEADING or self._word(at) in IS)
        for index in range(at, min(at + 1 + (NEAR if leads else 0), len(self._tokens))):
            if self._names[index]:
                is_by = (
                    self._tokens[index].text.startswith(_HEBREW_BY) and self._tokens[index].text not in CODE
                )
                return not is_by and not self._has_its_own(index)
            if self._is_other(index):
                return False
        return False

    def _has_its_own(self, name: int) -> bool:
        """Whether another number follows what a code is called: `request 55120 - code 4821`."""
        for at in range(name + 1, min(name + 1 + NEAR, len(self._tokens))):
            token = self._tokens[at]
            if token.is_number:
                return len(token.text) >= HALF
            if self._word(at) not in _NAMING and token.text not in _POINTING | {'"'}:
                return False
        return False

    def _is_other(self, index: int) -> bool:
        """Whether what a number is said to be ends there, or is something else than a code."""
        token = self._tokens[index]
        if token.text == "\n" or token.text in ",;" or self._ends(index):
            return True
        if token.is_number and len(token.text) >= SHORTEST:
            return True
        is_more = index + 1 < len(self._tokens) and self._word(index + 1) in CODE | CONFIRMING
        return self._word(index) in NUMBERED and not is_more

    def _is_alone_on_its_line(self, first: int, last: int) -> bool:
        start, end = self._tokens[first].start, self._tokens[last].end
        line_start = self._text.rfind("\n", 0, start) + 1
        line_end = self._text.find("\n", end)
        line = self._text[line_start : line_end if line_end >= 0 else len(self._text)]
        return line.strip(" \t\r" + OPENING + CLOSING) == self._text[start:end] and "\n" in self._text

    def _sentence_before(self, index: int, most: int) -> Iterator[int]:
        """The tokens before one, back to the beginning of its sentence, the nearest first."""
        for at in range(index - 1, max(index - 1 - most, -1), -1):
            if self._ends(at) or (self._tokens[at].text == "\n" and at != index - 1):
                return
            yield at

    def _ends(self, index: int) -> bool:
        """Whether a sentence ends with this sign."""
        token = self._tokens[index]
        return token.text in _ENDING and not self._text[token.end : token.end + 1].isalnum()

    def _breaks_between(self, first: int, last: int) -> bool:
        return any(self._ends(at) or self._tokens[at].text == "\n" for at in range(first, last))

    def _is_name(self, index: int) -> bool:
        """Whether it is what a one-time code is called, and no code of another kind."""
        word = self._word(index)
        if word not in CODE:
            return False
        before, behind = self._qualifier(index, -1), self._qualifier(index, 1)
        if self._makes_another(before) or self._makes_another(behind):
            return False
        return word not in ANY_CODE or (self._fits(before, index) and self._fits(behind, index))

    def _makes_another(self, beside: int | None) -> bool:
        """Whether it is a code of another kind by what stands beside it; `رمزك للطلب` is none."""
        word = self._word(beside)
        return word in OTHER_CODE and not (beside and self._tokens[beside].text.startswith(_ARABIC_FOR))

    def _qualifier(self, index: int, step: int) -> int | None:
        """The word beside one, if nothing but a hyphen stands between."""
        at = index + step
        if 0 <= at < len(self._tokens) and self._tokens[at].text == "-" and self._is_tied(at):
            at += step
        return at if 0 <= at < len(self._tokens) and self._tokens[at].is_word else None

    def _is_tied(self, index: int) -> bool:
        """Whether a hyphen has no blanks around it."""
        around = self._text[max(self._tokens[index].start - 1, 0) : self._tokens[index].end + 1]
        return not any(map(str.isspace, around))

    def _fits(self, beside: int | None, index: int) -> bool:
        """Whether the word beside "code" makes no other kind of it: one that may stand there, or a name, as
        in `Uber code`."""
        if beside is None:
            return True
        word, token = self._word(beside), self._tokens[beside]
        if word in _HARMLESS:
            return True
        if token.text.startswith(_ARABIC_FOR):
            return True
        if word in NUMBERED:
            return self._is_of_a_name(beside)
        if token.text.isascii():
            return self._text[token.start].isupper()
        # In Hebrew, Russian and Arabic its kind stands behind the word, or before it with a hyphen.
        return token.text.startswith(_HEBREW_FOR) if beside > index else beside == index - 1

    def _is_of_a_name(self, index: int) -> bool:
        """Whether it is part of a name, as in `Apple Account code`."""
        tokens = self._tokens[max(index - 1, 0) : index + 1]
        is_name = all(one.is_word and self._text[one.start].isupper() for one in tokens)
        return is_name and len(tokens) > 1 and self._word(index - 1) not in ABOUT | BESIDE


def _bare(word: str) -> str:
    """A word without what Hebrew and Arabic write in front of it, where it is known without that."""
    if word in _KNOWN or word.isascii():
        return word
    shorter = [word[many:] for many in range(1, _LONGEST_PREFIX + 1) if set(word[:many]) <= _HEBREW_PREFIX]
    shorter += [word.removeprefix(prefix) for prefix in _ARABIC_PREFIXES if word.startswith(prefix)]
    return next((one for one in shorter if one in _KNOWN), word)


def _is_year(digits: str) -> bool:
    return len(digits) == SHORTEST and digits.startswith(("19", "20"))
