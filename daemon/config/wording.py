"""How a fault reads: the place in the file, the key, the value and the way out. Nothing is judged here.

    [systems.sip] every = '10ms': at least 200ms
    [systems "main" queues "sales" thresholds 2] unknown key "abvoe"; did you mean "above"?

No secret is ever shown, nor any URL, which may carry one.

In a header or URL that stands in the configuration, what looks like a credential is one, and the rest may be
read, since the administrator wrote it where settings are. One that comes from elsewhere is a secret as a
whole: of a URL `core/webhooks/secret_address.py` says what that is.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from daemon.core.model import Secret
from daemon.core.wording import WITHOUT_WORDS, WRONG, cut, nearest, quoted

Location = tuple[str | int, ...]
"""Keys and indexes from the top of the document, as TOML spells them."""

NEVER_SHOWN = frozenset({"url", "base_url", "fallback_url", "database"})
# What is a secret wherever it stands: a webhook's, an API key, a number with its password, a URL with one,
# and what a header says of who asks.
_SECRET = re.compile(
    r"\s*(wh[a-z]{0,3}_|yk_|\+?[0-9]{5,}:|(?i:basic|bearer|token|apikey|digest|negotiate)\s+\S)|.*://[^/]*@",
    re.DOTALL,
)
_EXPECTED = re.compile(r"'([^']*)'")
"""One of the words that pydantic names: 'a', 'b' or 'c'."""
_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}")
SCHEMES = frozenset({"basic", "bearer", "digest", "token", "apikey", "negotiate"})
"""What stands before a credential (RFC 9110, section 11.4): IANA's, and those of some services."""
_SAYS_SECRET = re.compile(r"auth|token|key|secret|passw|cookie|credential|signature|session", re.IGNORECASE)
"""In the name of a header, or of a part of a query."""
_UNSPEAKABLE = re.compile(r"(?=.*[0-9])[A-Za-z0-9_~.-]{16,}|[A-Za-z0-9]{24,}")

_WORDING = {
    **WRONG,
    "string_type": "expected text in quotes",
    "finite_number": "expected a number",
    "tuple_type": "expected a list",
    "model_type": "expected a table",
    "dict_type": "expected a table",
    "literal_error": "expected {expected}",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:g}",
    "value_error": "{error}",
}
"""What pydantic found, by its type, in our words."""


@dataclass(frozen=True)
class Fault:
    """Something wrong, or worth a warning, at one place."""

    at: Location
    text: str
    """What follows the key, or the place where there is a `table`."""
    table: Location | None = None
    """The table that the text is about, where that is not a key's."""


def fault(at: Location, reason: str, value: object = None) -> Fault:
    """A fault of one key, with its value where there is one that may be shown."""
    return Fault(at, f"{_shown(at[-1], value)}: {reason}")


def missing(at: Location, way_out: str = "") -> Fault:
    """A fault of a key that must be there and is not."""
    return Fault(at, f" is missing{way_out and ': '}{way_out}")


def of_table(at: Location, text: str) -> Fault:
    """A fault of a table rather than of one of its keys."""
    return Fault(at, text, at)


def unknown_key(at: Location, known: Iterable[str]) -> Fault:
    """A fault of a key that nobody asked for, with the nearest that means something."""
    key = str(at[-1])
    return Fault(at, f"unknown key {quoted(key)}{nearest(key, known)}", at[:-1])


def translated(error: ValidationError, document: Mapping[str, Any]) -> Iterator[Fault]:
    """What pydantic found in a document, in the words of this program."""
    for found in error.errors(include_url=False, include_input=False):
        at, value = found["loc"], _value(document, found["loc"])
        yield missing(at) if found["type"] == "missing" else _reworded(found, at, value)


def reason(error: ValidationError) -> str:
    """What is wrong with a single value, in words, without the value."""
    found = error.errors(include_url=False, include_input=False)[0]
    return _WORDING.get(found["type"], WITHOUT_WORDS).format(**found.get("ctx", {}))


def lines(document: Mapping[str, Any], faults: Iterable[Fault]) -> tuple[str, ...]:
    """Each fault on its line with its place, in the order of the file, none twice."""
    ordered = sorted(faults, key=lambda one: _order(document, one.at))
    return tuple(dict.fromkeys(_line(document, one) for one in ordered))


def is_like_secret(text: str) -> bool:
    """Whether a text looks like a secret that was put where something else belongs."""
    return _SECRET.match(text) is not None


def of_header(name: str, value: str) -> Iterator[str]:
    """The credentials in a header of the configuration."""
    scheme = value.strip().partition(" ")[0].lower()
    if not (_SAYS_SECRET.search(name) or scheme in SCHEMES or is_like_secret(value)):
        return
    yield from of_secret_header(value)
    if name.lower() == "cookie":
        yield from (one.partition("=")[2].strip() for one in value.split(";"))


def of_secret_header(value: str) -> Iterator[str]:
    """The value of a header that is a secret, and that without the scheme in front; of a login, the
    password."""
    scheme, _, parameters = value.strip().partition(" ")
    yield value.strip()
    if scheme.lower() in SCHEMES:
        yield parameters.strip()
    if scheme.lower() == "basic":
        with suppress(ValueError):
            yield base64.b64decode(parameters, validate=True).decode().partition(":")[2]


def of_url(url: str) -> Iterator[str]:
    """The credentials in a URL of the configuration: values of its query, and parts of its path that nobody
    would name a page."""
    parts = urlsplit(url)
    for name, value in parse_qsl(parts.query):
        if _SAYS_SECRET.search(name) or _UNSPEAKABLE.fullmatch(value):
            yield value
    yield from (one for one in parts.path.split("/") if _UNSPEAKABLE.fullmatch(one))


def _reworded(found: ErrorDetails, at: Location, value: object) -> Fault:
    header = ".".join(str(key) for key in at if isinstance(key, str))
    if found["type"] == "tuple_type" and isinstance(value, dict):
        return of_table(at, f"write it as [[{header}]], with two brackets")
    if found["type"] == "model_type" and isinstance(value, list | tuple):
        return fault(at, f"write it as [{header}], with one bracket")
    wording = _WORDING.get(found["type"], WITHOUT_WORDS)
    if found["type"] == "value_error" and isinstance(value, dict):
        return of_table(at, wording.format(**found.get("ctx", {})))
    near = nearest(value, _words(found)) if isinstance(value, str) else ""
    return fault(at, wording.format(**found.get("ctx", {})) + near, value)


def _words(found: ErrorDetails) -> Iterable[str]:
    """Those that may stand there, where only some may."""
    if found["type"] not in ("enum", "literal_error"):
        return ()
    return _EXPECTED.findall(str(found.get("ctx", {}).get("expected", "")))


def _shown(key: str | int, value: object) -> str:
    """` = 'value'`, on one line; "" for what must not, or need not, be shown."""
    if value is None or key in NEVER_SHOWN or isinstance(value, Secret | list | tuple | dict):
        return ""
    if isinstance(value, bool):
        return f" = {str(value).lower()}"
    if not isinstance(value, str):
        return f" = {cut(_digits(value))}"
    return "" if is_like_secret(value) or "://" in value else f" = '{cut(value)}'"


def _digits(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # Python's own bound, of 4300 digits
        return hex(value) if isinstance(value, int) else type(value).__name__


def _line(document: Mapping[str, Any], one: Fault) -> str:
    table = one.table if one.table is not None else _table(document, one.at)
    place = _place(document, table)
    key = _key(document, table, one.at) if one.table is None else ""
    return f"{place} {key}{one.text}" if place else f"{key}{one.text}"


def _table(document: Mapping[str, Any], at: Location) -> Location:
    """The innermost table around a key."""
    inner = [end for end in range(len(at)) if isinstance(_value(document, at[:end]), dict)]
    return at[: inner[-1]] if inner else ()


def _place(document: Mapping[str, Any], table: Location) -> str:
    """`[systems.sip]`; where there are several of a kind, `[systems "main" sip]`; "" for the top."""
    place, node = "", document
    for key in table:
        if isinstance(key, int):
            place += _label(node, key)
        elif place:
            place += (" " if place.endswith(('"', "]")) or place[-1].isdigit() else ".") + _bare(key)
        else:
            place = _bare(key)
        node = _child(node, key)
    return f"[{place}]" if place else ""


def _label(siblings: Any, index: int) -> str:
    """What tells one table of a list from the others: its name or path, else its number; "" if alone."""
    if not isinstance(siblings, Sequence) or len(siblings) <= 1:
        return ""
    names = [_called(one) for one in siblings]
    name = names[index] if index < len(names) else None
    return f" {quoted(name)}" if name is not None and names.count(name) == 1 else f" {index + 1}"


def _called(table: Any) -> str | None:
    if not isinstance(table, dict):
        return None
    name = table.get("name", table.get("path"))
    return name if isinstance(name, str) and not is_like_secret(name) else None


def _key(document: Mapping[str, Any], table: Location, at: Location) -> str:
    """The key within its table; of a list with several entries, which entry."""
    key, rest = _bare(str(at[len(table)])), at[len(table) + 1 :]
    siblings = _value(document, at[: len(table) + 1])
    has_several = isinstance(siblings, list | tuple) and len(siblings) > 1
    return f"{key}, entry {rest[0] + 1}" if rest and isinstance(rest[0], int) and has_several else key


def _bare(key: str) -> str:
    return key if _BARE.fullmatch(key) else quoted(key)


def _order(document: Mapping[str, Any], at: Location) -> list[int]:
    order, node = [], document
    for key in at:
        keys = list(node) if isinstance(node, dict) else []
        order.append(key if isinstance(key, int) else keys.index(key) if key in keys else len(keys))
        node = _child(node, key)
    return order


def _value(document: Mapping[str, Any], at: Location) -> Any:
    """What stands at a location; None where nothing does."""
    node: Any = document
    for key in at:
        node = _child(node, key)
    return node


def _child(node: Any, key: str | int) -> Any:
    if isinstance(key, str):
        return node.get(key) if isinstance(node, dict) else None
    return node[key] if isinstance(node, list | tuple) and key < len(node) else None
