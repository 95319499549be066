"""`[[webhooks]]` and the tables in it, as frozen models."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from daemon.config.endpoints import EndpointSettings, Repeat
from daemon.config.reading import PLACEHOLDER
from daemon.config.secrets import (
    HeaderValue,
    SigningKey,
    SigningSecret,
    TemplateValue,
    WebhookToken,
    WebhookUrl,
    revealed,
)
from daemon.config.values import (
    BesideConfig,
    Block,
    Duration,
    Name,
    Rate,
    Seen,
    Settings,
    Timeout,
    Url,
    Wait,
    Word,
    seen,
    some,
    split_url,
)
from daemon.config.wording import of_header, of_secret_header, of_url
from daemon.core.durations import HOUR, MINUTE, SECOND
from daemon.core.hidden import hidden
from daemon.core.model import Secret
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
SIGNED_WITHIN = (Format.STANDARD, Format.CLOUDEVENTS)
"""Formats that say all in their body, and whose receivers are anybody's."""
_VALUE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
OUR_PREFIXES = ("webhook-", "yemotd-", "ce-", "proxy-")


def _headers(headers: dict[str, Secret | str]) -> dict[str, Secret | str]:
    for name, value in headers.items():
        shown = "" if isinstance(value, Secret) else value  # which was judged where it was fetched
        found = hidden(name) or hidden(shown)
        if found:
            # Not the value, which may be a credential.
            raise ValueError(f"{quoted(name)} has {found} in it, which nobody sees")
        if not _HEADER.fullmatch(name):
            raise ValueError(f'"{name}" is no name of a header')
        if name.lower() in OURS or name.lower().startswith(OUR_PREFIXES):
            raise ValueError(f'"{name}" is set by yemotd itself')
        if not shown.isascii():
            raise ValueError(f'the value of "{name}" has a sign that is not ASCII')
    return headers


def _accept_redirect(value: str) -> str:
    from daemon.core.webhooks.redirects import prefix  # noqa: PLC0415 - few have one

    if "://" in value:
        split_url(value)
    prefix(value)
    return value


AcceptRedirect = Annotated[Seen, AfterValidator(_accept_redirect)]


def _values(values: dict[str, Secret | str]) -> dict[str, Secret | str]:
    for name in values:
        if not _VALUE_NAME.fullmatch(name):
            raise ValueError(f"{quoted(name)} is no name that a template can say: letters, digits and _")
    return values


OWN = ("token", "chat_id", "topic")
"""The settings of `[[webhooks]]` that are there for some formats only."""
_CHAT = re.compile(r"-?[1-9][0-9]{0,15}|@[A-Za-z][A-Za-z0-9_]{3,31}")


def _chat(value: Any) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str):
        seen(text)
    if not isinstance(text, str) or not _CHAT.fullmatch(text):
        raise ValueError('expected the number of a chat, such as -1001234567890, or "@channel"')
    return text


ChatId = Annotated[str, BeforeValidator(_chat)]


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

    trusts_host: ClassVar[bool] = True
    """Whether an address inside that its URL names itself is the administrator's word."""

    url: WebhookUrl
    secrets: tuple[SigningSecret, ...] = Field(default=(), validation_alias="secret")
    """`whsec_…`; more than one while a receiver changes over: every one signs. None only where its format
    has no signature: `between_tables.py`."""
    signing_key: SigningKey | None = None
    """`whsk_…`: signs beside the secrets, so that a receiver need hold no secret (v1a)."""
    signature: Literal["headers", "body"] = "headers"
    """Where it stands: body is for receivers that see no headers."""
    format: Format = Format.STANDARD
    token: WebhookToken | None = None
    """Of the bot (Telegram), or of an account (ntfy)."""
    chat_id: ChatId | None = None
    """Where a bot writes to (Telegram)."""
    topic: Annotated[int, Field(strict=True, ge=1)] | None = None
    """A topic of that chat, by the number of its first message."""
    template: Name | None = None
    """What says what is sent, in the place of a format; one of `[templates]`."""
    values: Annotated[dict[str, TemplateValue], AfterValidator(_values)] = {}  # noqa: RUF012 - it is copied
    """What its template finds as `values`: settings of one's own, and secrets."""
    payload: Literal["full", "thin"] = "full"
    """Thin: ids and how things stand, no content."""
    language: Literal["he", "en"] = "en"
    """Of sentences for people (Slack)."""
    names: Annotated[bool, Field(strict=True)] = False
    """Whether `data.names` says how those are called that an event tells of, as of when it was recorded."""
    headers: Annotated[dict[str, HeaderValue], AfterValidator(_headers)] = {}  # noqa: RUF012 - it is copied
    accept_redirect: AcceptRedirect | None = None
    """Below what a redirect says that a message was taken; None: no redirect does."""
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

    @property
    def address(self) -> str:
        """Its URL, which may be a secret."""
        return revealed(self.url)

    @property
    def sent_headers(self) -> tuple[tuple[str, str], ...]:
        """The headers of its own, whose values may be secrets."""
        return tuple((name, revealed(value)) for name, value in self.headers.items())

    @property
    def given_values(self) -> tuple[tuple[str, str], ...]:
        """What its template finds as `values`, secrets among it."""
        return tuple((name, revealed(value)) for name, value in self.values.items())

    def credentials(self) -> list[str]:
        """What opens the receiver: in headers, and in its URL."""
        return list(dict.fromkeys([*self.open_credentials(), *self._hidden_credentials()]))

    def open_credentials(self) -> list[str]:
        """Those that stand in the configuration itself."""
        both = (*self.headers.items(), *self.values.items())
        found = [one for name, value in both if isinstance(value, str) for one in of_header(name, value)]
        return [*found, *(of_url(self.url) if isinstance(self.url, str) else ())]

    def _hidden_credentials(self) -> Iterator[str]:
        for one in self.headers.values():
            if isinstance(one, Secret):
                yield from of_secret_header(one.value)
        for one in self.values.values():
            if isinstance(one, Secret):
                yield one.value
        if isinstance(self.url, Secret):
            from daemon.core.webhooks.secret_address import pieces  # noqa: PLC0415 - a cold start is measured

            yield from pieces(self.url.value)

    @model_validator(mode="after")
    def _signature_has_a_body(self) -> Self:
        if self.signature == "body" and self.format not in SIGNED_WITHIN:
            known = " or ".join(f'"{one.value}"' for one in SIGNED_WITHIN)
            raise ValueError(f'signature = "body" goes with format = {known}')
        return self

    @property
    def settings(self) -> dict[str, str]:
        """What it says for its format alone, secrets as they are."""
        found = {name: getattr(self, name) for name in OWN}
        return {
            name: one.value if isinstance(one, Secret) else str(one)
            for name, one in found.items()
            if one is not None
        }

    @property
    def at_once(self) -> int:
        """How many attempts may be under way at the same time: what people read comes one by one, unless
        they say otherwise."""
        if self.format is Format.STANDARD or "max_in_flight" in self.model_fields_set:
            return self.max_in_flight
        return 1 if self.format.wire.is_for_people else self.max_in_flight

    @model_validator(mode="after")
    def _goes_with_its_format(self) -> Self:
        is_http = self.url == PLACEHOLDER or self.address.startswith(("http://", "https://"))
        if self.format is Format.STANDARD and not self.settings and is_http:
            return self
        from daemon.config.messengers import check, check_settings  # noqa: PLC0415 - a cold start is measured

        check_settings(self.format, self.settings, self.model_fields_set)
        if PLACEHOLDER not in (self.url, self.token):  # which has its fault already
            check(self.format, self.address, self.settings)
        return self

    @model_validator(mode="after")
    def _key_goes_with_a_certificate(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise ValueError('"key" goes with "certificate"')
        return self

    @model_validator(mode="after")
    def _template_stands_for_the_format(self) -> Self:
        if self.template is not None and self.format is not Format.STANDARD:
            raise ValueError('has "format" and "template": give one of them')
        if self.template is not None and self.signature == "body":
            raise ValueError('signature = "body" does not go with "template", which says all of the body')
        if self.template is None and self.values:
            raise ValueError('"values" goes with "template"')
        return self
