"""Scalars of the API, coerced: two backends answer, and their types differ.

Pure. What cannot be read is None, never a guess. `Fields` reads an answer's fields and keeps account of
what was missing or unreadable, in words that stay equal while the trouble stays the same.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from daemon.core.model import Json

T = TypeVar("T")

MAX_PROBLEMS = 20
"""Ours. Lines; the fields of the largest method fit."""
LARGEST = 2**63 - 1
"""What an INTEGER of SQLite and a BIGINT of PostgreSQL hold; no figure of the API comes near."""

LONGEST_ID = 200
"""Ours. Characters; an index of PostgreSQL's holds 2,700 bytes, and no id of the API comes near."""
SMALL = 4096
"""Ours. Characters, as JSON, of what is passed on without a look at it."""

INTEGER = re.compile(r"[+-]?\d{1,19}(?:\.0{1,9})?", re.ASCII)
NUMBER = re.compile(r"[+-]?\d{1,19}(?:\.\d{1,19})?", re.ASCII)
DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T].*)?", re.ASCII)
SURROGATE = re.compile("[\ud800-\udfff]")
# GetSipAccountsRegisteredStatus was seen to say `registered` as 0/1 and as "true".
TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def text(value: object) -> str | None:
    """A string as it is, or a whole number as its digits; "" is a text."""
    if isinstance(value, str):
        return value if value.isascii() else without_surrogates(value)
    number = None if isinstance(value, bool) else integer(value)
    return None if number is None else str(number)


def name(value: object) -> str | None:
    """A text that says something, without blanks around it."""
    return (text(value) or "").strip() or None


def identity(value: object) -> str | None:
    """What the platform calls one thing of many; a text that is far too long for that is none."""
    found = name(value)
    return found if found is not None and len(found) <= LONGEST_ID else None


def integer(value: object) -> int | None:
    """A whole number, also as text or as a float without a fraction. A boolean is none."""
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    elif isinstance(value, str) and INTEGER.fullmatch(value.strip()):
        number = int(value.strip().partition(".")[0])
    return number if number is not None and abs(number) <= LARGEST else None


def count(value: object) -> int | None:
    """A whole number from 0."""
    number = integer(value)
    return number if number is not None and number >= 0 else None


def number(value: object) -> float | None:
    """A finite number, also as text. A boolean is none."""
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        return float(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) <= LARGEST and math.isfinite(value) else None
    return None


def boolean(value: object) -> bool | None:
    """True or false, also as 0/1, as "true"/"false", "yes"/"no", and their text."""
    if isinstance(value, bool):
        return value
    return TRUTH.get((text(value) or "").strip().lower())


def calendar_date(value: object) -> date | None:
    """`YYYY-MM-DD`, with or without a time behind it."""
    found = DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def json_of(value: object) -> Json:
    """What came as JSON is JSON; only its texts may hold what UTF-8 cannot say."""
    if isinstance(value, Mapping):
        return {text(key) or "": json_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [json_of(inner) for inner in value]
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float) and not math.isfinite(value):  # 1e999 is one
        return None
    return value if isinstance(value, bool | int | float) else None


def small_json(value: object) -> Json:
    """A value of any form, as long as it is small; None where it is not."""
    found = json_of(value)
    return found if len(json.dumps(found)) <= SMALL else None


def without_surrogates(value: str) -> str:
    """The same text in well-formed Unicode: pairs joined, lone surrogates as U+FFFD, which UTF-8 can say."""
    if not SURROGATE.search(value):
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def listed(value: object) -> Sequence[object] | None:
    """A list; null and {} are empty ones, and {"0": …} is one in another spelling. None: it is no list."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        is_numbered = all(isinstance(key, str) and key.isdecimal() for key in value)
        return list(value.values()) if is_numbered else None
    return value if isinstance(value, list | tuple) else None


@dataclass
class Fields:
    """Reads fields, and remembers which of them could not be read."""

    read: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)

    def take(self, where: str, entry: object, key: str, convert: Callable[[object], T | None]) -> T | None:
        """The field of `entry`, or None and an account of it. `where`: `accounts[].`, or ""."""
        return self._take(where + key, _raw(entry, key), convert, self.missing)

    def take_column(
        self, where: str, entries: Sequence[object], key: str, convert: Callable[[object], T | None]
    ) -> list[T | None]:
        """The field of every entry; the same as `take` for each, and faster over a thousand."""
        raws = [entry.get(key) if isinstance(entry, dict) else _raw(entry, key) for entry in entries]
        values = [None if raw is None else convert(raw) for raw in raws]
        if None in values:
            return [self.take(where, entry, key, convert) for entry in entries]
        self.read[where + key] += len(values)
        return values

    def take_optional(
        self, where: str, entry: object, key: str, convert: Callable[[object], T | None]
    ) -> T | None:
        """A field that may be absent, null or empty; only what is there and cannot be read is told."""
        return self._take(where + key, _raw(entry, key), convert, Counter())

    def _take(
        self, place: str, raw: object, convert: Callable[[object], T | None], missing: Counter[str]
    ) -> T | None:
        self.read[place] += 1
        value = None if raw is None else convert(raw)
        if value is None:
            (missing if raw is None or raw in ("", [], {}) else self.unreadable)[place] += 1
        return value

    def has_none(self, place: str) -> bool:
        """Whether the field was read, and readable nowhere."""
        return 0 < self.read[place] == self.missing[place] + self.unreadable[place]

    def remark(self, line: str) -> None:
        """Something wrong that is not a field's."""
        self.remarks.append(line)

    def problems(self) -> tuple[str, ...]:
        """One line for each field: `accounts[].registered: missing in 2 of 14`. No values, only names."""
        lines = sorted(set(self.remarks))
        for word, found in (("missing", self.missing), ("unreadable", self.unreadable)):
            lines += [
                f"{place}: {word}" + (f" in {times} of {self.read[place]}" if "[]" in place else "")
                for place, times in sorted(found.items())
            ]
        return tuple(lines[:MAX_PROBLEMS])


def _raw(entry: object, key: str) -> object:
    return entry.get(key) if isinstance(entry, Mapping) else None
