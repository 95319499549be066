"""What of a header or a URL opens the receiver: what no answer, page or log may show.

In a header or URL that stands in the configuration, what looks like a credential is one, and the rest may
be read, since the administrator wrote it where settings are. One that comes from elsewhere is a secret as a
whole: of a URL only the host is left, and words that say nothing (`/webhook/`), which would black out half
of every log.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import parse_qsl, unquote, urlsplit

from daemon.config.wording import is_like_secret

SCHEMES = frozenset({"basic", "bearer", "digest", "token", "apikey", "negotiate"})
"""What stands before a credential (RFC 9110, section 11.4): IANA's, and those of some services."""
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
"""Steps of paths that are the same for everybody."""
_SAYS_SECRET = re.compile(r"auth|token|key|secret|passw|cookie|credential|signature|session", re.IGNORECASE)
"""In the name of a header, or of a part of a query."""
_UNSPEAKABLE = re.compile(r"(?=.*[0-9])[A-Za-z0-9_~.-]{16,}|[A-Za-z0-9]{24,}")


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


def of_secret_url(url: str) -> Iterator[str]:
    """All of a URL that is a secret but its host: as a whole, and in pieces, as they stand there and as
    they are meant."""
    parts = urlsplit(url)
    beyond = url.split("://", 1)[-1].removeprefix(parts.netloc)
    pieces = [parts.path.strip("/"), *parts.path.split("/"), parts.query, *re.split("[&=;]", parts.query)]
    pieces += [parts.fragment]
    spelled = [url, beyond, *(one for one in pieces if one not in ORDINARY)]
    for one in dict.fromkeys(spelled):
        if one.strip("/"):
            yield one
            yield from {unquote(one), unquote(one.replace("+", " "))} - {one}
