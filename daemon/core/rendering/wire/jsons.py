"""JSON as it is sent: short, in UTF-8, and the same each time."""

import json
from collections.abc import Mapping
from typing import Any


def written(document: Mapping[str, Any]) -> bytes:
    """A document as bytes. Raises ValueError for numbers that JSON does not have."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
