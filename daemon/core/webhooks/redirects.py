"""Where a redirect after a success may lead: below a prefix that the configuration names. Pure.

Some receivers take a message, and say so by leading to a page elsewhere that says what came of it: Google's
Apps Script answers every POST so. A redirect to any other place is no such success: mostly it is a login.

What is compared are the parts of a URL (RFC 3986, section 3), never its text: a text that begins alike may
name another host (`https://good.example.evil.example/`, `https://good.example@evil.example/`) or leave the
path by `..`. What could be read in two ways is taken for neither, and what is asked is put together of what
was judged.
"""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

LONGEST = 8192
"""Ours. Characters of a Location; Google's have about 600. RFC 9110, section 4.1, wants 8000 at least."""
STATUSES = frozenset({302, 303})
"""Those after which a POST is asked on by GET (RFC 9110, sections 15.4.3 and 15.4.4). 301 says that the
address is an old one; 307 and 308 want the message once more."""
EXAMPLE = 'such as "https://script.googleusercontent.com/"'
PORTS = {"https": 443, "http": 80}
"""Of the two schemes (RFC 9110, sections 4.2.1 and 4.2.2); http is for this machine alone."""

# RFC 3986, section 2: no other sign stands in a URL, and a percent sign never by itself.
_SIGNS = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_URL = re.compile(
    r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?(/[^?#]*)?(\?[^#]*)?(?:#.*)?",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HIDDEN_STEP = re.compile(r"%(?:2e|2f|5c|25|[01][0-9a-f]|7f)", re.IGNORECASE)
"""A dot, a slash, a backslash, a percent sign or a control character that some servers read as themselves."""
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")


class Place(NamedTuple):
    """The parts of a URL that say where it leads."""

    scheme: str
    host: str
    """In small letters; an IPv6 address in its brackets."""
    port: int
    path: str
    query: str = ""
    """With its question mark; "" without one."""

    @property
    def url(self) -> str:
        """The same as a URL, without a fragment."""
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}{self.query}"


def prefix(text: str) -> Place:
    """The place below which redirects may lead. Raises ValueError for what is none, without a part of it."""
    found = _place(text)
    if found is None or (found.scheme == "http" and not _is_here(found.host)):
        raise ValueError(f'expected an https URL that ends with "/", {EXAMPLE}')
    if "?" in text or "#" in text or not text.endswith("/"):
        raise ValueError(f'must end with a "/" behind the host or the path, without "?" or "#", {EXAMPLE}')
    return found


def below(base: str, location: str, accepted: Place) -> Place | None:
    """Where a redirect of `base` leads, if that is below what is accepted; None for any other place."""
    found = _place(_resolved(base, location))
    if found is None or found[:3] != accepted[:3]:
        return None
    return found if found.path.startswith(accepted.path) else None


def location(head: Sequence[bytes]) -> str | None:
    """Where an answer leads, by the lines of its head; None where it does not say, or says two things. Of
    several heads (interim answers, a proxy's) the last counts."""
    found = set[str]()
    for line in head:
        if line.startswith(b"HTTP/"):
            found.clear()
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() == b"location":
            found.add(value.decode("latin-1").strip(" \t\r\n"))
    return found.pop() if len(found) == 1 else None


def host(base: str, where: str | None) -> str:
    """The host that a redirect names, for people, and nothing else of it: the rest may be a credential."""
    target = _resolved(base, where or "")
    authority = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#\\]*)", target)
    named = (authority[1] if authority else "").rpartition("@")[2]
    bare = re.fullmatch(rf"({_HOST.pattern})(?::[0-9]{{1,5}})?", named)
    return bare[1].lower() if bare else "a place that is no URL"


def _resolved(base: str, where: str) -> str:
    """A reference in full (RFC 3986, section 4.2), where it is one from the top; others stay as they are, and
    are then no URL."""
    if _SCHEME.match(where) or not where.startswith("/"):
        return where
    parts = urlsplit(base)
    return f"{parts.scheme}:{where}" if where.startswith("//") else f"{parts.scheme}://{parts.netloc}{where}"


def _place(text: str) -> Place | None:
    if len(text) > LONGEST or not _SIGNS.fullmatch(text):
        return None
    parts = _URL.fullmatch(text)
    if parts is None:
        return None
    scheme = parts[1].lower()
    port, path = int(parts[3] or PORTS[scheme]), parts[4] or "/"
    is_odd = "[" in path or _HIDDEN_STEP.search(path) or any(map(_is_step, path.split("/")))
    if is_odd or not 0 < port < 1 << 16:
        return None
    return Place(scheme, parts[2].lower(), port, path, parts[5] or "")


def _is_here(host: str) -> bool:
    """Whether a host is this machine itself, by its name or address alone."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_step(segment: str) -> bool:
    """Whether a part of a path leads elsewhere: `.` and `..`, also with what some servers pass over behind
    it."""
    return segment.partition(";")[0] in (".", "..")
