"""What the answers of services have in common: JSON from a stranger, which may be anything. Pure."""

import json
from datetime import timedelta
from typing import Any

from daemon.core.delivery.outcome import MAX_RETRY_AFTER


def parsed(body: bytes) -> dict[str, Any]:
    """An answer as a JSON object; {} where it is something else, or breaks off."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def wait(seconds: object) -> timedelta | None:
    """As long as an answer asks for, in whole seconds; None where it says nothing that can be counted. What
    is longer than anybody is granted comes to the same."""
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        return None
    return timedelta(seconds=min(seconds, int(MAX_RETRY_AFTER.total_seconds())))
