"""Text that is looked for in events: what of an event is searched, and what a question means. Pure.

Both are brought into one form, in which a question is a part of a text:

    letters   without case, points and accents; a final letter is the letter; a quote within a word is nothing
    numbers   without what stands between their digits, and a phone as it is dialled at home, too
    the rest  is a blank; one stands between two words, and at both ends

A part of three signs or more is found anywhere; a shorter one where a word begins or ends with it, so that
each has three signs with the blank: an index of trigrams has them all, and nothing has to be read through.
One-time codes are left out, as far as `core/rendering/codes` sees them.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from daemon.core import phones

LONGEST_TEXT = 8000
"""Ours. Signs of an event that are searched; five times the longest message that a phone sends."""
LONGEST_QUESTION = 200
"""Ours. Signs."""
MOST_TERMS = 10
"""Ours. Words of a question, each of which has to be in a text."""
SHORTEST = 3
"""Signs of a trigram."""
MOST_TRIGRAMS = 6
"""Ours. Of one needle: each costs a walk, and what six have in common is mostly it."""
MESSAGE = "text"
"""The field of a message that somebody wrote, in which a one-time code may stand."""
NOT_SEARCHED = frozenset(
    {
        "id", "system", "sequence", "incident", "status", "severity", "reason", "changed_between",
        "server_date", "raw_text",
    }
)  # fmt: skip
"""Fields that say nothing to look for, or the same once more; by the digits of a date a number would be found
that is none."""
_FINALS = {"ך": "כ", "ם": "מ", "ן": "נ", "ף": "פ", "ץ": "צ"}
_DASHES = frozenset("-‐‑‒–—―−־﹘﹣－")
_WITHIN_WORDS = re.compile(r"(?<=[^\W_])['\"`´׳״’‘”“](?=[^\W_])")
"""A geresh, gershayim, or what is typed for them: `מע"מ` is found by `מעמ`."""
_RUN = re.compile(r"\+?[0-9](?:[ ().-]{0,3}[0-9])*")
"""A number, with what may stand between its digits."""
_BETWEEN_DIGITS = "[ ().-]{0,3}"
_OF_A_NUMBER = frozenset("0123456789 ().-+/")
_LEAST_OF_A_PHONE, _MOST_OF_A_PHONE = 7, 15
"""Digits. With fewer, blanks stand between numbers; with more, between phones."""
_REST = str.maketrans(dict.fromkeys("().-+", " "))
_QUOTED = re.compile(r'"([^"]*)"?|(\S+)')


class _Signs(dict[int, "str | None"]):
    """What becomes of each sign; worked out once for each that is met."""

    def __missing__(self, code: int) -> "str | None":
        found = self[code] = _sign(chr(code))
        return found


def _sign(one: str) -> str | None:
    category = unicodedata.category(one)
    if one in "().+":
        return one
    if one in _DASHES:
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(one))
    if category[0] in "LN" or category == "So":
        return _FINALS.get(one, one)
    return None if category in ("Mn", "Me", "Cf") else " "


_SIGNS = _Signs()


@dataclass(frozen=True)
class Term:
    """One thing that has to be in a text."""

    needles: tuple[str, ...]
    """One of these is a part of it. Each has `SHORTEST` signs, or more."""

    def is_in(self, text: str) -> bool:
        """Whether a text, as `searched` gives it, has it."""
        return any(one in text for one in self.needles)


def terms(question: str) -> tuple[Term, ...]:
    """What has to be in a text, all of it; words between quotes as they follow each other.

    Raises ValueError, with a message for people, where there is nothing to look for, or too much.
    """
    if len(question) > LONGEST_QUESTION:
        raise ValueError(f"expected at most {LONGEST_QUESTION} characters")
    wanted = [one for one in dict.fromkeys(_spelled(question)) if one[0]]
    if not wanted:
        raise ValueError("there is nothing in it to look for: expected letters or digits")
    if len(wanted) > MOST_TERMS:
        raise ValueError(f"expected at most {MOST_TERMS} words")
    return tuple(Term(tuple(dict.fromkeys(chain.from_iterable(map(_needles, one))))) for one in wanted)


def matches(wanted: Sequence[Term], text: str) -> bool:
    """Whether a text, as `searched` gives it, has all of them."""
    return all(one.is_in(text) for one in wanted)


def searched(body: bytes) -> str:
    """What of an event's body can be found: its subject, and what its data says in words and numbers; in the
    form in which it is compared."""
    document = json.loads(body)
    data = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(data, Mapping):
        return ""
    words: list[str] = []
    room = LONGEST_TEXT
    for key, text in _texts(data):
        words += _words(text[:room], _code(text) if key == MESSAGE else None, beside=True)
        room -= len(text)
        if room <= 0:
            break
    return f" {' '.join(words)} "


def trigrams(needle: str) -> list[str]:
    """Trigrams of which a text with this needle has each: as few as cover it, and of a long one no more than
    narrow it down."""
    last = len(needle) - SHORTEST
    many = min(-(-last // SHORTEST), MOST_TRIGRAMS - 1)
    places = [last * step // many for step in range(many + 1)] if many else [0]
    return list(dict.fromkeys(needle[at : at + SHORTEST] for at in places))


def _spelled(question: str) -> Iterator[tuple[str, ...]]:
    """Each thing that is looked for, in the ways in which it may stand in a text."""
    if _OF_A_NUMBER.issuperset(_plain(question)):
        words = _words(question)
        whole = "".join(words)
        if len(whole) <= _MOST_OF_A_PHONE:
            yield (" ".join(words), whole)
            return
    for quoted, bare in _QUOTED.findall(_straight(question)):
        yield (" ".join(_words(quoted or bare)),)


def _straight(question: str) -> str:
    """Quotes around words as ASCII; one within a word, such as gershayim, is none."""
    return _WITHIN_WORDS.sub("", question).translate(str.maketrans("“”״„", '""""'))


def _needles(term: str) -> Iterator[str]:
    if len(term) < SHORTEST:
        yield f" {term} " if len(term) == 1 else f" {term}"
        if len(term) > 1:
            yield f"{term} "
        return
    yield term
    if term.isascii() and term.isdigit() and (home := _at_home(term)):
        yield home


def _at_home(digits: str) -> str | None:
    """The beginning of an Israeli number as it is dialled at home; None: it does not begin as from abroad."""
    bare = digits.removeprefix("00") if digits.startswith("00" + phones.COUNTRY) else digits
    rest = bare.removeprefix(phones.COUNTRY)
    return "0" + rest.removeprefix("0") if rest != bare and len(rest.removeprefix("0")) > 1 else None


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The texts of a document, each with the name of its field."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if name not in NOT_SEARCHED and not name.endswith("_at"):
                yield from _texts(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part, key)


def _code(text: str) -> str | None:
    if not any(map(str.isdigit, text)):
        return None
    from daemon.core.rendering.codes import code_in  # noqa: PLC0415 - who only asks needs no list of its words

    return code_in(text)


def _plain(text: str) -> str:
    """With numbers and what may stand in them as in ASCII, and nothing else but letters and blanks."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    return _WITHIN_WORDS.sub("", folded).translate(_SIGNS)


def _words(text: str, code: str | None = None, *, beside: bool = False) -> list[str]:
    """The words of a text in the form in which they are compared; `code` is left out. `beside`: also phones
    as they are dialled at home, behind the others."""
    plain = _plain(text)
    if code is not None:
        plain = _without(plain, code)
    more: list[str] = []
    written = _RUN.sub(lambda run: _joined(run[0], more), plain)
    words = written.translate(_REST).split()
    return words + more if beside else words


def _without(plain: str, code: str) -> str:
    """Without a one-time code, however it is spaced; where it is not found, without any digit."""
    found, many = re.subn(rf"(?<![0-9]){_BETWEEN_DIGITS.join(code)}(?![0-9])", " ", plain)
    return found if many else re.sub("[0-9]", "", plain)


def _joined(run: str, more: list[str]) -> str:
    digits = "".join(filter(str.isdigit, run))
    if " " in run and not _LEAST_OF_A_PHONE <= len(digits) <= _MOST_OF_A_PHONE:
        return " ".join(_joined(part, more) for part in run.split())
    one = phones.phone(run) if len(digits) >= _LEAST_OF_A_PHONE else None
    bare = one.lstrip("+").partition("=")[0] if one else digits
    if bare != digits:
        more.append(bare)
    return digits
