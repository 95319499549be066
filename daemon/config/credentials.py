"""What of a header or a URL opens the receiver: what no answer, page or log may show.

In a header or URL that stands in the configuration, what looks like a credential is one, and the rest may be
read, since the administrator wrote it where settings are. One that comes from elsewhere is a secret as a
whole: of a URL `core/webhooks/secret_address.py` says what that is.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit

from daemon.config.wording import is_like_secret

SCHEMES = frozenset({"basic", "bearer", "digest", "token", "apikey", "negotiate"})
"""What stands before a credential (RFC 9110, section 11.4): IANA's, and those of some services."""
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
