"""How a value is written: as text, and as JSON. Pure."""

import json
import math
from collections.abc import Mapping
from typing import Any

from daemon.core.numbers import shown
from daemon.core.templates.faults import TemplateFault


class Written(str):
    """Text that is JSON already: it stands for a value where one may stand, and is text anywhere else."""

    __slots__ = ()


def as_json(value: Any) -> str:
    """A value as JSON. Raises TemplateFault for what JSON does not have."""
    if isinstance(value, Written):
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        raise TemplateFault("a number that JSON does not have, or lists within lists too deep") from None


def as_text(value: Any) -> str:
    """A value for people: nothing for null, and JSON for what has others in it."""
    if isinstance(value, str):
        return str(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value):
        return shown(value)
    return as_json(value)


def clean(value: Any) -> Any:
    """A document of JSON without halves of pairs of surrogates, which are no text and have no UTF-8."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {clean(key): clean(one) for key, one in value.items()}
    return [clean(one) for one in value] if isinstance(value, list) else value
