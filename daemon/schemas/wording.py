"""What a request got wrong: the path of each field, and words that help; for HTTP and the command line.

No value is shown, as it may be a secret.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from daemon.core.wording import WITHOUT_WORDS, WRONG

BODY = "body"
"""What a fault of no field is about."""
PLACES = frozenset({"body", "query", "path", "header", "cookie"})
MOST = 50
"""A request may be wrong in a million places; nobody reads more."""
LONGEST_NAME = 200
"""Characters of the path of a field, whose keys are whatever somebody sent."""

_WORDING = {
    **WRONG,
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "json_invalid": "is not JSON: {error}, at character {position}",
    "model_type": "expected an object",
    "model_attributes_type": "expected an object",
    "literal_error": "expected {expected}",
    "list_type": "expected a list",
    "tuple_type": "expected a list",
    "dict_type": "expected an object",
    "greater_than": "expected more than {gt}",
    "too_short": "expected at least {min_length}",
    "too_long": "expected at most {max_length}",
    "string_type": "expected text",
    "string_unicode": "expected text; this holds half of a character (a lone surrogate)",
    "string_too_short": "must not be empty",
    "string_too_long": "expected at most {max_length} characters",
    "bool_parsing": "expected true or false",
    "int_parsing": "expected a whole number",
    "int_parsing_size": "expected a whole number of fewer digits",
    "int_from_float": "expected a whole number",
    "finite_number": "expected a finite number",
    "greater_than_equal": "expected at least {ge}",
    "less_than_equal": "expected at most {le}",
    "timezone_aware": "expected a time with its offset, such as 2026-11-23T18:00:00+02:00",
    "union_tag_invalid": "expected one of {expected_tags}",
    "union_tag_not_found": "is missing",
}
"""What pydantic found, by its type, in our words; its own show values now and then."""
_NO_TIME = "expected a time such as 2026-11-23T18:00:00+02:00"


def faults(errors: Iterable[Mapping[str, Any]], tags: Collection[str] = ()) -> list[tuple[str, str]]:
    """The path of each field that is wrong, such as `params.phones.3`, and why; the first `MOST`.

    `tags`: what stands in pydantic's paths and in nobody's request.
    """
    return [(_path(one, tags), _reason(one)) for one in list(errors)[:MOST]]


def _path(error: Mapping[str, Any], tags: Collection[str]) -> str:
    kind: str = error["type"]
    *keys, last = error["loc"] or (BODY,)
    keys = [key for key in keys if key not in tags]
    if kind != "json_invalid" and (kind == "extra_forbidden" or last not in tags):
        keys.append(last)  # of text that is no JSON it is where in the text
    if len(keys) > 1 and keys[0] in PLACES:
        del keys[0]
    if kind.startswith("union_tag"):
        keys = [*(key for key in keys if key != BODY), "type"]
    field, _ = _told(error)
    # Keys are whatever somebody sent, half a surrogate pair included.
    path = ".".join(map(str, [*keys, *([field] if field else [])])) or BODY
    path = path.encode("utf-8", "replace").decode("utf-8")
    return path if len(path) <= LONGEST_NAME else path[:LONGEST_NAME] + "…"


def _reason(error: Mapping[str, Any]) -> str:
    kind: str = error["type"]
    if kind == "value_error":
        return _told(error)[1]
    wording = _NO_TIME if kind.startswith("datetime") else _WORDING.get(kind, WITHOUT_WORDS)
    last = error["loc"][-1] if error["loc"] else None
    position = last + 1 if isinstance(last, int) else None
    return wording.format(**{"position": position, **error.get("ctx", {})})


def _told(error: Mapping[str, Any]) -> tuple[str, str]:
    """What a check of ours says: the field that it is about, where it names one, and the reason."""
    said = str(error.get("ctx", {}).get("error", ""))
    field, separator, reason = said.partition(": ")
    return (field, reason) if separator and field.isidentifier() else ("", said)
