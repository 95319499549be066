"""Phone numbers, compared as phones: `0501234567`, `972501234567` and `+972-50-123 45 67` are one. Pure.

Rules of ours, not the field's library. `phonenumberslite` 9.0.42 costs 1.6 MiB, 13 ms of a start at best and
15 µs a number (this: 2 to 4 µs), which would do, but it answers another question: what a person in Israel
who dials this may mean. Of the 1,446 spellings in `tests/core/spellings.py`, whose truth is known, it has
222 wrong by what is possible, and 47 of them equal to a phone that they are not: `501234567` and
`-0501234567` are `0501234567` to it, and `447911123456`, which is how the platform gives a foreign number,
is `0447911123456`. By what is valid it has 369 wrong: ranges that are not in its tables, such as 050-123,
are no phones. What it knows of other countries these rules agree with; a test holds them to its examples of
all of them.
"""

import re
import unicodedata
from fnmatch import fnmatchcase
from functools import lru_cache

COUNTRY = "972"
"""Israel, by ITU-T E.164."""
LONGEST_NATIONAL = 10
"""Digits of the longest number of Israel's numbering plan with its leading zero (05x-xxxxxxx)."""
LONGEST_SPELLING = 64
"""Ours. Characters; a longer text is not a phone."""
KEPT = 4096
"""Ours. Spellings that are not worked out anew: a log names the same few senders again and again."""
PHONE_SUBJECTS = ("sms/", "sip/")
"""Subjects whose name may be a phone."""

_DASHES = frozenset("-‐‑‒–—―−־﹘﹣－")
_SPELLING = re.compile(
    r"\(?(?P<plus>\+?)(?P<number>[ ()]{0,2}\d(?:[ ().-]{0,3}\d)*)\)?(?P<account>=\d{1,4})?"
)
"""A number, and behind `=` the sub-account of a SIP account."""
_FOREIGN = re.compile(r"[1-9]\d{6,14}")
"""Behind a `+`: at most 15 digits (ITU-T E.164, section 6); shorter than 7 there is none."""
_FOREIGN_BARE = re.compile(r"1\d{10}|[2-9]\d{9,14}")
"""Without a `+`: what is shorter may as well be an extension, or a national number that lost its zero."""
_NATIONAL = re.compile(r"0[1-9]\d{7,8}|1[5-9]\d{8}")
"""With its zero, of 9 or 10 digits; or a service such as 1-700-123-456, which has none."""
_ISRAELI = re.compile(rf"{COUNTRY}0?(?P<rest>[1-9]\d{{7,8}}|1[5-9]\d{{8}})")
"""The zero stands there in `+972 (0)50 …`."""
_SERVICE_DIGITS = 10
_BETWEEN = r"[\s().\u00ad\u05be\u200b-\u200f\u2010-\u2015\u2060\u2066-\u2069\u202a-\u202e\u2212-]{0,4}"
"""What may stand between two digits in a running text."""
_PLUS = rf"(?:[+＋]|{'[0٠۰０]' * 2})?"
_ZEROS = "0٠۰０"
"""Of the digits in which phones are written: ASCII, Arabic, Persian, wide."""
_GLOB_SIGN = re.compile(r"[*?\[]")
_DIGITS = re.compile(r"(?P<plus>\+?)(?P<digits>\d+)")


def normalise(number: str) -> str:
    """The national form (`0541234567`) of an Israeli number; anything else as it is, without blanks.

    What is remembered of the SMS log is made of this: if one spelling came out otherwise, messages that were
    told long ago would be new. To compare phones, take `phone`.
    """
    bare = number.strip()
    digits = bare.removeprefix("+").replace("-", "").replace(" ", "")
    if not digits.isascii() or not digits.isdigit():
        return bare
    if digits.startswith(COUNTRY) and len(COUNTRY) < len(digits) <= len(COUNTRY) + LONGEST_NATIONAL - 1:
        return "0" + digits.removeprefix(COUNTRY)
    return digits


def phone(text: str) -> str | None:
    """The one form of a phone in whatever spelling: `0501234567`, `1700123456`, `+12125550100`, and of a SIP
    sub-account `0772222770=2`. None: it can be no phone, such as a name, a short code, an extension, `*2000`.
    """
    return _phone(text) if len(text) <= LONGEST_SPELLING else None


@lru_cache(maxsize=KEPT)
def _phone(text: str) -> str | None:
    found = _SPELLING.fullmatch(_plain(text))
    if found is None:
        return None
    number = found["number"]
    digits = "".join(filter(str.isdigit, number))
    has_plus = bool(found["plus"])
    if not has_plus and digits.startswith("00"):
        has_plus, digits = True, digits[2:]
    one = _one_form(digits, has_plus=has_plus, is_dotted="." in number)
    return one and one + (found["account"] or "")


def _one_form(digits: str, *, has_plus: bool, is_dotted: bool) -> str | None:
    if not has_plus and _NATIONAL.fullmatch(digits):
        return digits
    if israeli := _ISRAELI.fullmatch(digits):
        rest = israeli["rest"]
        return rest if len(rest) == _SERVICE_DIGITS else "0" + rest
    if has_plus:
        return "+" + digits if _FOREIGN.fullmatch(digits) else None
    # With dots it may be an address: 11.111.111.11 is not 111.11.111.11.
    return "+" + digits if _FOREIGN_BARE.fullmatch(digits) and not is_dotted else None


def key(text: str) -> str:
    """What a text is compared by: its phone, or where it can be none the text as it is."""
    return phone(text) or text


def begins_with(text: str, beginning: str) -> bool:
    """Whether a text is a phone that begins so, in whatever spelling of either: `050…` by `050`, by `+972 50`
    and by `97250`, `+44…` by `+44`, `0044` and `44`, which is how the platform gives it."""
    one, digits = phone(text), _beginning(beginning)
    if one is None or digits is None:
        return False
    if one.startswith("+"):
        return one.removeprefix("+").startswith(digits.removeprefix("+"))
    return (_abroad(one) if digits.startswith("+") else one).startswith(digits)


def contains(text: str, part: str) -> bool:
    """Whether a text is a phone with these digits in it, whatever the spellings: `123-45`, `97250`."""
    one, found = phone(text), _DIGITS.fullmatch(_unwritten(part))
    if one is None or found is None:
        return False
    return found["digits"] in one or (found["digits"].startswith(COUNTRY) and found["digits"] in _abroad(one))


def _beginning(text: str) -> str | None:
    """The digits of a beginning, with a `+` in front where it is one of a number as from abroad."""
    found = _DIGITS.fullmatch(_unwritten(text))
    if found is None:
        return None
    plus, digits = found["plus"], found["digits"]
    if not plus and digits.startswith("00"):
        plus, digits = "+", digits[2:]
    if digits.startswith(COUNTRY):
        plus, digits = "+", COUNTRY + digits.removeprefix(COUNTRY).removeprefix("0")
    return plus + digits if digits else None


def _abroad(one: str) -> str:
    if one.startswith("+"):
        return one
    return f"+{COUNTRY}{one.removeprefix('0')}"


def subject_key(subject: str) -> str:
    """What a subject is compared by: `sms/0501234567` for every spelling of that phone."""
    kind = _kind(subject)
    return subject if kind is None else kind + key(subject.removeprefix(kind))


def pattern(text: str) -> str | None:
    """A regular expression that finds a phone within a text, however spelled. None: it can be no phone."""
    one = phone(text)
    if one is None:
        return None
    number, _, account = one.partition("=")
    country, rest = ("", number[1:]) if number.startswith("+") else (COUNTRY, number.removeprefix("0"))
    abroad = _BETWEEN.join((_PLUS, *map(_digit, country), f"(?:{_digit('0')})?" if country else ""))
    home = rf"|{_digit('0')}?" if country else ""
    digits = _BETWEEN.join(map(_digit, rest))
    return rf"(?<!\d)\(?(?:{abroad}{home}){_BETWEEN}{digits}(?!\d)" + (f"={account}" if account else "")


def _digit(one: str) -> str:
    return f"[{''.join(chr(ord(zero) + int(one)) for zero in _ZEROS)}]"


def names_phone(subject: str) -> bool:
    """Whether what a subject names can be a phone, so that it may be spelled otherwise."""
    kind = _kind(subject)
    return kind is not None and phone(subject.removeprefix(kind)) is not None


def subject_matches(subject: str, glob: str) -> bool:
    """Whether a subject matches a glob, whatever the spellings: `sip/+972-77*` covers `sip/0773137770`.

    Only what stands before the first sign of a glob is read as the beginning of a phone, and only where it
    says of which: `sip/972*` covers every phone of Israel, `sip/9*` does not.
    """
    if fnmatchcase(subject, glob):
        return True
    kind = _kind(subject) or ""
    one = phone(subject.removeprefix(kind)) if kind else None
    if one is None:
        return False
    sought = _glob_of_phones(glob)
    forms = (_abroad(one), one) if "/+" in sought else (one, one.removeprefix("+"))
    return any(fnmatchcase(kind + form, sought) for form in forms)


def _kind(subject: str) -> str | None:
    return next((one for one in PHONE_SUBJECTS if subject.startswith(one)), None)


@lru_cache(maxsize=KEPT)
def _glob_of_phones(glob: str) -> str:
    """A glob for subjects whose phone is written in its one form."""
    kind, slash, name = glob.partition("/")
    literal = _GLOB_SIGN.split(name, maxsplit=1)[0]
    begun = key(name) if literal == name else (_beginning(literal) or literal) + name.removeprefix(literal)
    return kind + slash + begun


def _unwritten(text: str) -> str:
    """Without what stands between digits and means nothing."""
    return "".join(one for one in _plain(text) if one not in " ().-")


def _plain(text: str) -> str:
    """In the signs of ASCII, without marks that are not seen (bidi, joiners) and without blanks around it."""
    if text.isascii():
        return text.strip().replace("\t", " ")
    return "".join(map(_sign, unicodedata.normalize("NFKC", text))).strip()


def _sign(one: str) -> str:
    category = unicodedata.category(one)
    if category == "Nd":
        return str(unicodedata.decimal(one))
    if category == "Cf":
        return ""
    if category == "Zs" or one == "\t":
        return " "
    return "-" if one in _DASHES else one
