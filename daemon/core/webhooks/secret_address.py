"""A URL that is a secret: all of it but its host. Pure."""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

ORDINARY = frozenset(
    (
        *(
            "events",
            "exec",
            "gateway",
            "hook",
            "hooks",
            "incoming",
            "integrations",
            "macros",
            "message",
            "messages",
        ),
        *(
            "notifications",
            "notify",
            "public",
            "publish",
            "receive",
            "result",
            "sendMessage",
            "service",
            "services",
        ),
        *("status", "trigger", "webhook", "webhook-test", "webhooks", "workflow", "workflows", "yemotd"),
    )
)
"""Steps of paths that are the same for everybody: hidden, they would black out half of every log."""


def pieces(url: str) -> Iterator[str]:
    """All of a URL that is a secret but its host: as a whole, and in pieces, as they stand there and as
    they are meant."""
    parts = urlsplit(url)
    beyond = url.split("://", 1)[-1].removeprefix(parts.netloc)
    found = [parts.path.strip("/"), *parts.path.split("/"), parts.query, *re.split("[&=;]", parts.query)]
    found += [parts.fragment]
    spelled = [url, beyond, parts.path, *(one for one in found if one not in ORDINARY)]
    for one in dict.fromkeys(spelled):
        if one.strip("/"):
            yield one
            yield from {unquote(one), unquote(one.replace("+", " "))} - {one}
