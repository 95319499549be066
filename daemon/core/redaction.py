"""Secrets in other people's words: whoever was handed one may say it back. Pure."""

import json
from collections.abc import Iterable
from urllib.parse import quote

SHORTEST = 6
"""Characters; shorter ones would cut into ordinary words."""


def spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """The secrets, and as they stand in JSON and in URLs; longest first, so that no tail of one remains."""
    found = {
        spelled
        for one in secrets
        if len(one) >= SHORTEST
        for spelled in (one, json.dumps(one)[1:-1], one.replace("/", "\\/"), quote(one, safe=""))
    }
    return tuple(sorted(found, key=lambda one: (-len(one), one)))


def redacted(text: str, spelled: Iterable[str]) -> str:
    """A text without any of these, as `spellings` gives them."""
    for one in spelled:
        text = text.replace(one, "***")
    return text
