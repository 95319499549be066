"""How a fault reads: the place in the file, the key, the value and the way out. Nothing is judged here.

    [systems.sip] every = '10ms': at least 200ms
    [systems "main" queues "sales" thresholds 2] unknown key "abvoe"; did you mean "above"?

No secret is ever shown, nor any URL, which may carry one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from daemon.core.model import Secret

Location = tuple[str | int, ...]
"""Keys and indexes from the top of the document, as TOML spells them."""

NEVER_SHOWN = frozenset({"url", "base_url", "fallback_url", "database"})
LONGEST_SHOWN = 60
# A secret that was put where a name belongs: a webhook's, an API key, a number with its password.
_SECRET = re.compile(r"\s*(wh[a-z]+_|yk_|\+?[0-9]{5,}:)|.*[=:].*://.*@", re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9_-]+")

_WORDING = {
    "missing": "is missing",
    "string_type": "expected text in quotes",
    "int_type": "expected a whole number",
    "float_type": "expected a number",
    "finite_number": "expected a number",
    "tuple_type": "expected a list",
    "model_type": "expected a table",
    "model_attributes_type": "expected a table",
    "too_short": "must not be empty",
    "enum": "expected {expected}",
    "literal_error": "expected {expected}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "value_error": "{error}",
}
"""What pydantic found, by its type, in our words."""


@dataclass(frozen=True)
class Fault:
    """Something wrong at one place. `text` goes without the place."""

    at: Location
    text: str


def fault(at: Location, reason: str, value: object = None) -> Fault:
    """A fault of one key, with its value where there is one that may be shown."""
    shown = show(at[-1], value) if at else ""
    return Fault(at, f"{shown}: {reason}" if shown else f": {reason}")


def missing(at: Location, way_out: str = "") -> Fault:
    """A key that must be there and is not."""
    return Fault(at, " is missing" + (f": {way_out}" if way_out else ""))


def translated(error: ValidationError, document: Mapping[str, Any]) -> Iterator[Fault]:
    """What pydantic found in a document, in the words of this program."""
    for found in error.errors(include_url=False, include_input=False):
        at = found["loc"]
        if found["type"] == "missing":
            yield missing(at)
            continue
        wording = _WORDING.get(found["type"], "cannot be used")
        yield fault(at, wording.format(**found.get("ctx", {})), _value(document, at))


def lines(document: Mapping[str, Any], faults: Iterable[Fault]) -> tuple[str, ...]:
    """Each fault on its line with its place, in the order of the file."""
    ordered = sorted(faults, key=lambda one: list(_order(document, one.at)))
    return tuple(dict.fromkeys(_line(document, one) for one in ordered))


def quoted(key: str) -> str:
    """A key or name in double quotes, on one line whatever is in it."""
    return '"' + key.encode("unicode_escape").decode().replace('"', '\\"') + '"' if key else '""'


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean "every"?`, or "" where no word comes near."""
    near = get_close_matches(word, sorted(words), n=1)
    return f"; did you mean {quoted(near[0])}?" if near else ""


def show(key: str | int, value: object) -> str:
    """` = 'value'`, on one line; "" for what must not, or need not, be shown."""
    if value is None or key in NEVER_SHOWN or isinstance(value, Secret | list | tuple | dict):
        return ""
    if isinstance(value, bool):
        return f" = {str(value).lower()}"
    if not isinstance(value, str):
        return f" = {value}"
    return "" if is_like_secret(value) else f" = {_cut(value)!r}"


def is_like_secret(text: str) -> bool:
    """Whether a text looks like a secret that was put where something else belongs."""
    return bool(_SECRET.match(text))
