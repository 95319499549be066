"""Secrets in other people's words: whoever was handed one may say it back. Pure."""

import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote

SHORTEST = 6
"""Characters; shorter ones would cut into ordinary words."""


def spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """The secrets, and as they stand in JSON, in URLs and in HTML; longest first, so that no tail of one
    remains."""
    found = {spelled for one in secrets if len(one) >= SHORTEST for spelled in _spelled(one)}
    return tuple(sorted(found, key=lambda one: (-len(one), one)))


def _spelled(secret: str) -> Iterator[str]:
    yield from (secret, json.dumps(secret)[1:-1], secret.replace("/", "\\/"), quote(secret, safe=""))
    in_html = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    yield from (in_html, in_html.replace("'", "&#x27;"), in_html.replace("'", "&#39;"))


def redacted(text: str, spelled: Iterable[str]) -> str:
    """A text without any of these, as `spellings` gives them."""
    for one in spelled:
        text = text.replace(one, "***")
    return text
