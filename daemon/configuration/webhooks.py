"""`[[webhooks]]` and the tables in it, as frozen models."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, field_validator, model_validator

from daemon.configuration.endpoints import Endpoint, no_repeat
from daemon.configuration.values import (
    BesideConfig,
    Block,
    Duration,
    Name,
    Number,
    Settings,
    Text,
    Timeout,
    Url,
    some,
)
from daemon.core.filters import Operator
from daemon.core.formats import Format
from daemon.core.model import Secret
from daemon.core.routing import Order

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
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

Repeat = Annotated[Timeout | None, BeforeValidator(no_repeat)]
HeldSecret = InstanceOf[Secret]
Rate = Annotated[Number, Field(gt=0)]

_FIELD = re.compile(r"[a-z_]+(\.[a-z_]+)*")
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


def _field(value: str) -> str:
    if not _FIELD.fullmatch(value):
        raise ValueError('expected a field of the event\'s data, such as "sms.text"')
    return value


def _lasting(value: str) -> str:
    if value.partition(".")[0] == "alert" and value != "alert.severity":
        raise ValueError('of an alert only "alert.severity" stays the same while it lasts')
    return value


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER.fullmatch(name):
            raise ValueError(f'"{name}" is no name of a header')
        if name.lower() in OURS or name.lower().startswith(OUR_PREFIXES):
            raise ValueError(f'"{name}" is set by yemotd itself')
        if not value.isascii() or not value.isprintable():
            raise ValueError(f'the value of "{name}" has a line break, or a sign that is not ASCII')
    return headers


FieldPath = Annotated[str, AfterValidator(_field)]


class Schedule(Settings):
    """`[[webhooks.schedules]]`: how long events of some types are tried."""

    events: Annotated[tuple[Text, ...], AfterValidator(some)]
    """Globs; the first schedule that names a type counts."""
    retries: tuple[Timeout, ...] | None = None
    """None: the webhook's."""
    expires: Duration | None = None
    """None: the webhook's; "0s": never."""


class Filter(Settings):
    """`[[webhooks.filters]]`: a condition on what an event says. All must hold."""

    field: Annotated[FieldPath, AfterValidator(_lasting)]
    equal: Text | None = Field(default=None, validation_alias="is")
    within: Annotated[tuple[Text, ...], AfterValidator(some)] | None = Field(
        default=None, validation_alias="in"
    )
    not_in: Annotated[tuple[Text, ...], AfterValidator(some)] | None = None
    contains: Annotated[tuple[Text, ...], AfterValidator(some)] | None = None
    starts_with: Annotated[tuple[Text, ...], AfterValidator(some)] | None = None

    @field_validator("contains", "starts_with", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @property
    def condition(self) -> tuple[Operator, tuple[str, ...]]:
        """The operator, and the values that it takes."""
        return self._conditions()[0]

    @model_validator(mode="after")
    def _has_one_condition(self) -> Self:
        if len(self._conditions()) != 1:
            raise ValueError('give one of "is", "in", "not_in", "contains" and "starts_with"')
        return self

    def _conditions(self) -> list[tuple[Operator, tuple[str, ...]]]:
        given = {
            Operator.IS: (self.equal,) if self.equal is not None else None,
            Operator.IN: self.within,
            Operator.NOT_IN: self.not_in,
            Operator.CONTAINS: self.contains,
            Operator.STARTS_WITH: self.starts_with,
        }
        return [(operator, values) for operator, values in given.items() if values is not None]


class Webhook(Endpoint):
    """`[[webhooks]]`: an endpoint that gets signed requests."""

    name: Name
    url: Url
    secrets: tuple[HeldSecret, ...] = Field(validation_alias="secret")
    """`whsec_…`; more than one while a receiver changes over: every one signs."""
    signing_key: HeldSecret | None = None
    """`whsk_…`: signs beside the secrets, so that a receiver need hold no secret (v1a)."""
    events: tuple[Text, ...] = ("*",)
    systems: tuple[Text, ...] | None = None
    """None: all."""
    filters: tuple[Filter, ...] = ()
    format: Format = Format.STANDARD
    payload: Literal["full", "thin"] = "full"
    """Thin: ids and how things stand, no content."""
    redact: tuple[FieldPath, ...] = ()
    """Fields of the event's data that are not told."""
    language: Literal["he", "en"] = "en"
    """Of sentences for people (Slack)."""
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
    max_in_flight: Annotated[int, Field(strict=True, ge=1)] = 8
    rate: Rate | None = None
    """Attempts per second; None: as many as it takes."""
    recovery_rate: Rate = 50
    """The same, for what waited while it was away."""
    retries: tuple[Timeout, ...] = RETRIES
    expires: Duration | None = None
    """After so long an event is not worth telling any more; None or "0s": always."""
    schedules: tuple[Schedule, ...] = ()
    repeat: Repeat = None
    """After so long it is reminded of what still fires, then after twice as long; None: never."""

    @model_validator(mode="after")
    def _key_goes_with_a_certificate(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise ValueError('"key" goes with "certificate"')
        return self
