"""The answers to `yemotd init` as a file, for scripts; and how a single answer at a terminal is read.

What is not said is answered as Enter would. A table that is left out leaves its part out, but `[system]`,
`[http]` and `[service]`, which then are as proposed.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, field_validator, model_validator

from daemon.config import chosen
from daemon.config.advice import SHORT_TOKEN
from daemon.config.load import ConfigError, parsed
from daemon.config.quiet import PLACES
from daemon.config.reading import Reading
from daemon.config.secrets import AnySecret, SecretKind, SigningSecret, Sources, Token, check_token
from daemon.config.values import (
    BaseUrl,
    BesideConfig,
    ClockTime,
    Duration,
    HeaderText,
    Host,
    Listen,
    Mailbox,
    Name,
    Number,
    Port,
    Settings,
    Text,
    Url,
    Word,
    is_loopback,
    listen_address,
    some,
)
from daemon.config.wording import lines, reason, translated
from daemon.core.event_types import EVENT_TYPES, names
from daemon.core.mail_addresses import parse
from daemon.core.wording import nearest, quoted

LONGEST_NAME = 60
"""Ours. Characters of a name that becomes the name of a file."""
RESERVED = frozenset({"smtp"})
"""Names of endpoints that stand for something else."""


def _short(value: str) -> str:
    if len(value) > LONGEST_NAME:
        raise ValueError(f"at most {LONGEST_NAME} characters")
    return value


def _endpoint(value: str) -> str:
    if value in RESERVED:
        raise ValueError("stands for the mail server in the events about endpoints")
    return value


def _pattern(value: str) -> str:
    if not any(names([value], one) for one in EVENT_TYPES):
        known = [*EVENT_TYPES, *sorted({f"{one.partition('.')[0]}.*" for one in EVENT_TYPES})]
        raise ValueError(f"{quoted(value)} is no event type{nearest(value, known)}")
    return value


def _apart(values: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses, each once, or a ValueError."""
    if len({parse(one).wire.address.casefold() for one in values}) < len(values):
        raise ValueError("an address is given twice")
    return values


def _own_machine(value: str) -> str:
    address = listen_address(value)
    if address is not None and not is_loopback(address[0]):
        raise ValueError("only this machine itself, such as 127.0.0.1:8470; docs/reaching.md opens it safely")
    return value


def _kept_secret(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("the token would go there unencrypted; use https")
    return value


def check_http_token(text: str) -> None:
    """Raises ValueError for what is no token, or can be guessed."""
    check_token(text)
    if len(text) < SHORT_TOKEN:
        raise ValueError(f"has fewer than {SHORT_TOKEN} characters, so it can be guessed")


ShortName = Annotated[Name, AfterValidator(_short)]
EndpointName = Annotated[ShortName, AfterValidator(_endpoint)]
Pattern = Annotated[Word, AfterValidator(_pattern)]
Patterns = Annotated[tuple[Pattern, ...], AfterValidator(some)]
OwnListen = Annotated[Listen, AfterValidator(_own_machine)]
SafeBaseUrl = Annotated[BaseUrl, AfterValidator(_kept_secret)]
HttpTokenText = Annotated[AnySecret, SecretKind(check_http_token)]
Place = Literal[tuple(PLACES)]  # type: ignore[valid-type]
FromZero = Annotated[Number, Field(ge=0)]


class QueueAnswers(Settings):
    """`[[system.queues]]`: a queue, whether or not it is found."""

    path: Word
    name: Text | None = None
    alert_waiting: bool = True
    waiting_above: FromZero = chosen.WAITING_ABOVE
    waiting_for: Duration = chosen.WAITING_FOR
    alert_no_agent: bool = True
    no_agent_for: Duration = chosen.NO_AGENT_FOR

    @property
    def queue(self) -> chosen.ChosenQueue:
        """The same as it is written."""
        return chosen.ChosenQueue(
            self.path,
            self.name,
            self.waiting_above if self.alert_waiting else None,
            self.waiting_for,
            self.no_agent_for if self.alert_no_agent else None,
        )


class SystemAnswers(Settings):
    """`[system]`."""

    name: ShortName = "main"
    token: Token | None = None
    """None: it is put in its place later, and nobody looks what there is."""
    base_url: SafeBaseUrl | None = None
    switch_id: HeaderText | None = None
    """Of the newer gateway."""
    ca_file: BesideConfig | None = None
    look: bool = True
    """Whether to ask the system what it has; without it, what is not said is as every system has it."""
    sms: bool | None = None
    """None: as found; likewise below."""
    sip: bool | None = None
    sip_for: Duration = chosen.SIP_FOR
    found_queues: bool = True
    """Whether every queue that is found is watched."""
    queues: tuple[QueueAnswers, ...] = ()
    found_recordings: bool = True
    recordings: tuple[Word, ...] = ()
    units: bool | None = None
    units_below: FromZero = chosen.UNITS_BELOW
    units_expire_within: Duration = chosen.UNITS_EXPIRE_WITHIN
    pirsumphone: bool | None = None


class WebhookAnswers(Settings):
    """`[webhook]`."""

    name: EndpointName = "webhook"
    url: Url
    secret: SigningSecret | None = None
    """None: one is made, and shown."""
    events: Patterns = ("*",)
    test: bool = True
    """Whether a signed test.ping has to be taken before anything is written."""


class MailAnswers(Settings):
    """`[mail]`."""

    name: EndpointName = "mail"
    host: Host
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Text | None = None
    password: AnySecret | None = None
    sender: Mailbox = Field(validation_alias="from")
    to: Annotated[tuple[Mailbox, ...], AfterValidator(some), AfterValidator(_apart)]
    language: Literal["he", "en"] = "he"
    events: Patterns | None = None
    """None: what lasts, of what is watched."""
    test: bool = True

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError('"username" and "password" go together')
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError(UNENCRYPTED)
        return self


UNENCRYPTED = "mails, and the password, would go there unencrypted; none is for a server on this machine"


class QuietAnswers(Settings):
    """`[quiet]`: for mails, and for the webhook if it says so."""

    shabbat: Place | None = None  # type: ignore[valid-type]
    start: ClockTime | None = Field(default=None, validation_alias="from")
    end: ClockTime | None = Field(default=None, validation_alias="to")
    webhook: bool = False

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise ValueError('"from" and "to" go together')
        return self


class HttpAnswers(Settings):
    """`[http]`."""

    listen: OwnListen = chosen.LISTEN
    token: HttpTokenText | None = None
    """None: one is made."""


class ServiceAnswers(Settings):
    """`[service]`."""

    enable: bool = False
    """Whether to start it, and at every boot: as root, where the package's service is."""


class Answers(Settings):
    """The whole file."""

    config: BesideConfig | None = None
    """Where the configuration is written."""
    system: SystemAnswers = SystemAnswers()
    webhook: WebhookAnswers | None = None
    mail: MailAnswers | None = None
    quiet: QuietAnswers = QuietAnswers()
    http: HttpAnswers = HttpAnswers()
    service: ServiceAnswers = ServiceAnswers()

    @field_validator("mail")
    @classmethod
    def _has_a_name_of_its_own(cls, mail: MailAnswers | None, info: Any) -> MailAnswers | None:
        webhook = info.data.get("webhook")
        if mail is not None and webhook is not None and mail.name == webhook.name:
            raise ValueError("the webhook has this name")
        return mail


def load(path: Path, environ: Mapping[str, str]) -> tuple[Answers, tuple[str, ...]]:
    """Read and judge a file of answers, and what is odd about it: a secret that others can read. Raises
    `ConfigError` with every fault at once."""
    document, is_shared = parsed(path)
    reading = Reading(Sources(path.parent, environ, is_shared))
    cleaned = reading.table(Answers, document)
    faults = [*reading.faults]
    try:
        found = Answers.model_validate(cleaned, context={"directory": path.parent})
    except ValidationError as error:
        faults += translated(error, cleaned)
    if faults:
        raise ConfigError(path, lines(document, faults))
    return found, lines(document, reading.warnings)


def reader(kind: Any) -> Callable[[object], Any]:
    """How a text, or what was made of it, becomes a kind of setting. What it gives raises ValueError."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def read(given: object) -> Any:
        try:
            return adapter.validate_python(given)
        except ValidationError as error:
            raise ValueError(reason(error)) from None

    return read


def number(text: str) -> float:
    """A number from 0. Raises ValueError."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError("expected a number, such as 5") from None
    return cast(float, reader(FromZero)(value))


def duration(text: str) -> timedelta:
    """A length of time such as 30s. Raises ValueError."""
    return cast(timedelta, reader(Duration)(text))


def patterns(text: str) -> tuple[str, ...]:
    """Globs of event types, with commas or blanks between. Raises ValueError."""
    return cast("tuple[str, ...]", reader(Patterns)(tuple(text.replace(",", " ").split())))


def mailboxes(text: str) -> tuple[str, ...]:
    """Addresses with commas between. Raises ValueError."""
    given = [one.strip() for one in text.split(",") if one.strip()]
    return _apart(some(tuple(reader(Mailbox)(one) for one in given)))
