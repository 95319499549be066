"""`[[webhooks]]` and the tables in it, as frozen models."""

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field, model_validator

from daemon.config.endpoints import EndpointSettings, Repeat
from daemon.config.secrets import SigningKey, SigningSecret
from daemon.config.values import (
    BesideConfig,
    Block,
    Duration,
    Rate,
    Settings,
    Timeout,
    Url,
    Wait,
    Word,
    some,
)
from daemon.config.wording import is_like_secret
from daemon.core.durations import HOUR, MINUTE, SECOND
from daemon.core.hidden import hidden
from daemon.core.rendering.formats import Format
from daemon.core.routing.plan import Order
from daemon.core.wording import quoted

RETRIES = (
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""Waits before the second, third, … attempt: three days in all, as Standard Webhooks suggests."""

MOST_IN_FLIGHT = 1000
"""Ours: each is a connection of its own."""

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
OURS = frozenset(
    {
        "host",
        "connection",
        "content-length",
        "content-type",
        "transfer-encoding",
        "expect",
        "user-agent",
        "te",
    }
)
"""Headers that are the request's own; with those that begin as `OUR_PREFIXES`."""
OUR_PREFIXES = ("webhook-", "yemotd-", "ce-", "proxy-")

SCHEMES = frozenset({"basic", "bearer", "digest", "token", "apikey", "negotiate"})
"""What stands before a credential (RFC 9110, section 11.4): IANA's, and those of some services."""
_SAYS_SECRET = re.compile(r"auth|token|key|secret|passw|cookie|credential|signature|session", re.IGNORECASE)
"""In the name of a header, or of a part of a query."""
_UNSPEAKABLE = re.compile(r"(?=.*[0-9])[A-Za-z0-9_~.-]{16,}|[A-Za-z0-9]{24,}")


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        found = hidden(name) or hidden(value)
        if found:
            # Not the value, which may be a credential.
            raise ValueError(f"{quoted(name)} has {found} in it, which nobody sees")
        if not _HEADER.fullmatch(name):
            raise ValueError(f'"{name}" is no name of a header')
        if name.lower() in OURS or name.lower().startswith(OUR_PREFIXES):
            raise ValueError(f'"{name}" is set by yemotd itself')
        if not value.isascii():
            raise ValueError(f'the value of "{name}" has a sign that is not ASCII')
    return headers


def _of_header(name: str, value: str) -> Iterator[str]:
    """The credentials in a header: its value, and that without the scheme in front."""
    scheme, _, parameters = value.strip().partition(" ")
    if not (_SAYS_SECRET.search(name) or scheme.lower() in SCHEMES or is_like_secret(value)):
        return
    yield value.strip()
    if scheme.lower() in SCHEMES:
        yield parameters.strip()
    if scheme.lower() == "basic":
        with suppress(ValueError):
            yield base64.b64decode(parameters, validate=True).decode().partition(":")[2]
    if name.lower() == "cookie":
        yield from (one.partition("=")[2].strip() for one in value.split(";"))


def _of_url(url: str) -> Iterator[str]:
    """The credentials in a URL: values of its query, and parts of its path that nobody would name a page."""
    parts = urlsplit(url)
    for name, value in parse_qsl(parts.query):
        if _SAYS_SECRET.search(name) or _UNSPEAKABLE.fullmatch(value):
            yield value
    yield from (one for one in parts.path.split("/") if _UNSPEAKABLE.fullmatch(one))


class ScheduleSettings(Settings):
    """`[[webhooks.schedules]]`: how long events of some types are tried."""

    events: Annotated[tuple[Word, ...], AfterValidator(some)]
    """Globs; the first schedule that names a type counts."""
    retries: tuple[Wait, ...] | None = None
    """None: the webhook's."""
    expires: Duration | None = None
    """None: the webhook's; "0s": never."""


class Webhook(EndpointSettings):
    """`[[webhooks]]`: an endpoint that gets signed requests."""

    url: Url
    secrets: tuple[SigningSecret, ...] = Field(default=(), validation_alias="secret")
    """`whsec_…`; more than one while a receiver changes over: every one signs. None only where its format
    has no signature: `between_tables.py`."""
    signing_key: SigningKey | None = None
    """`whsk_…`: signs beside the secrets, so that a receiver need hold no secret (v1a)."""
    format: Format = Format.STANDARD
    payload: Literal["full", "thin"] = "full"
    """Thin: ids and how things stand, no content."""
    language: Literal["he", "en"] = "en"
    """Of sentences for people (Slack)."""
    names: Annotated[bool, Field(strict=True)] = False
    """Whether `data.names` says how those are called that an event tells of, as of when it was recorded."""
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = {}  # noqa: RUF012 - pydantic copies it
    timeout: Timeout = 15 * SECOND
    """For a whole attempt."""
    connect_timeout: Timeout = 5 * SECOND
    allow: tuple[Block, ...] = ()
    """Addresses inside that a public name may lead to all the same."""
    ca_file: BesideConfig | None = None
    """Certificate authorities (PEM) in the place of the machine's."""
    certificate: BesideConfig | None = None
    """Our own (PEM), for receivers that ask for one."""
    key: BesideConfig | None = None
    """Of `certificate`; None: in the same file."""
    proxy: Url | None = None
    order: Order = Order.STRICT
    max_in_flight: Annotated[int, Field(strict=True, ge=1, le=MOST_IN_FLIGHT)] = 8
    rate: Rate | None = None
    """Attempts per second; None: as many as it takes."""
    recovery_rate: Rate = 50
    """The same, for what waited while it was away."""
    retries: tuple[Wait, ...] = RETRIES
    schedules: tuple[ScheduleSettings, ...] = ()
    repeat: Repeat = None
    """After so long it is reminded of what still fires, then after twice as long; None: never."""

    def credentials(self) -> list[str]:
        """What opens the receiver: in headers, and in its URL."""
        found = [one for name, value in self.headers.items() for one in _of_header(name, value)]
        return list(dict.fromkeys([*found, *_of_url(self.url)]))

    @model_validator(mode="after")
    def _key_goes_with_a_certificate(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise ValueError('"key" goes with "certificate"')
        return self
