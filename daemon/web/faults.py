"""What a request got wrong: the path of each field, and words that help.

No value is shown, as it may be a secret.
"""

from collections.abc import Iterable, Mapping
from typing import Any

PLACES = frozenset({"body", "query", "path", "header", "cookie"})
MOST = 50
"""A request may be wrong in a million places; nobody reads more."""
LONGEST_NAME = 200

_WORDING = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "json_invalid": "is no JSON: {error}",
    "model_type": "expected an object",
    "model_attributes_type": "expected an object",
    "dict_type": "expected an object",
    "list_type": "expected a list",
    "string_type": "expected text",
    "string_unicode": "expected text; half of a surrogate pair is none",
    "string_too_short": "expected at least {min_length} characters",
    "string_too_long": "expected at most {max_length} characters",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_parsing_size": "expected a whole number of less than 19 digits",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a number",
    "greater_than_equal": "expected at least {ge}",
    "less_than_equal": "expected at most {le}",
    "enum": "expected {expected}",
    "literal_error": "expected {expected}",
    "union_tag_invalid": "expected one of {expected_tags}",
    "value_error": "{error}",
}
"""What pydantic found, by its type, in our words; its own show values now and then."""


def faults(errors: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The path of each field that is wrong, such as `params.phones.3`, and why; the first `MOST`."""
    return [(_path(one), _reason(one)) for one in list(errors)[:MOST]]


def _path(error: Mapping[str, Any]) -> str:
    place, *keys = error["loc"] or ("body",)
    if error["type"] == "json_invalid":  # its other key is where in the text
        return str(place)
    if place not in PLACES or (place == "body" and not any(isinstance(key, str) for key in keys)):
        keys = [place, *keys]
    # Keys are whatever somebody sent, half a surrogate pair included.
    path = ".".join(str(key) for key in keys).encode("utf-8", "replace").decode("utf-8")
    return path if len(path) <= LONGEST_NAME else path[:LONGEST_NAME] + "…"


def _reason(error: Mapping[str, Any]) -> str:
    wording = _WORDING.get(error["type"], "cannot be used")
    return wording.format(**error.get("ctx", {}))
