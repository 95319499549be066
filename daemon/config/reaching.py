"""How the HTTP side is reached: the kinds of value in `[http]` that say by which name, path and proxy, and
what strangers may see.

What is judged here needs no file and no second table; certificates are `certificates.py`'s.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from daemon.config.values import Duration, Seen, split_url
from daemon.core.durations import NOTHING

PROBES = frozenset({"/livez", "/readyz", "/metrics"})
"""What local tools ask for wherever the rest stands."""
Visitors = Literal["nothing", "status"]

_SEGMENTS = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")


def _prefix(value: str) -> str:
    bare = value.rstrip("/")
    if bare and not _SEGMENTS.fullmatch(bare):
        raise ValueError('expected a path such as "/yemotd"; "" is none')
    if bare in PROBES:
        raise ValueError("is where a probe answers")
    return bare


def _public_url(value: str) -> str:
    parts = split_url(value)
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        raise ValueError('must end with the host or the path, without "?" or "#"')
    return value.rstrip("/")


def _subject(value: str) -> str:
    system, slash, subject = value.partition("/")
    if not system or not slash or not subject or value != value.strip():
        raise ValueError('expected "system/subject", such as "main/queue/*"')
    return value


Prefix = Annotated[Seen, AfterValidator(_prefix)]
PublicUrl = Annotated[Seen, AfterValidator(_public_url)]
"""Without a slash at its end."""
Subjects = Annotated[Seen, AfterValidator(_subject)]
"""A glob of "system/subject"; `*` goes over slashes, too."""


def _links_last(value: timedelta) -> timedelta:
    from daemon.core.recording_links import LONGEST  # noqa: PLC0415 - a cold start is measured

    if not NOTHING < value <= LONGEST:
        raise ValueError('expected at most "7d", and more than nothing')
    return value


LinksLast = Annotated[Duration, AfterValidator(_links_last)]


def public_base(url: str | None, prefix: str) -> str | None:
    """What links outside the page begin with; None: there are none. A `url` may leave out the prefix."""
    if url is None or not prefix or url.endswith(prefix):
        return url
    return url + prefix


def together(cert: Path | None, key: Path | None) -> None:
    """Raises ValueError for half a pair."""
    if (cert is None) != (key is None):
        there, lacking = ("tls_cert", "tls_key") if key is None else ("tls_key", "tls_cert")
        raise ValueError(f'"{there}" goes with "{lacking}": give both, or none')
