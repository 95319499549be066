"""The configuration as values: one frozen model for each table of `config.toml`.

What one table can judge of itself is judged here; what needs a file, the environment or two tables is
not. A key that is a word of Python, or says less than the code's own word, has the code's as its field:
`for` is `hold`, `keep_firing` is `keep`, `from` is `sender`. The watches of a system have a file of
their own.
"""

from datetime import timedelta
from email.utils import parseaddr
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from daemon.configuration.endpoints import Endpoint
from daemon.configuration.values import (
    BaseUrl,
    BesideConfig,
    DatabaseUrl,
    Duration,
    Host,
    Listen,
    Mailbox,
    Name,
    Number,
    Port,
    Settings,
    Text,
    Timeout,
    Timezone,
    listen_address,
    some,
)
from daemon.configuration.watches import (
    ApiWatch,
    DirectoryWatch,
    PirsumPhoneWatch,
    QueueWatch,
    SipWatch,
    SmsWatch,
    UnitsWatch,
)
from daemon.configuration.webhooks import RETRIES, HeldSecret, Repeat, Webhook
from daemon.core.commands import READS
from daemon.core.model import Secret

BASE_URL = "https://www.call2all.co.il/ym/api/"
FALLBACK_URL = "https://private.call2all.co.il/ym/api/"
"""The twin of `BASE_URL`: equivalent, so reads may fail over to it."""

Scope = Literal["read", "command", "admin"]
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Daemon(Settings):
    """`[daemon]`."""

    database: DatabaseUrl = "sqlite:///yemotd.db"
    """SQLAlchemy's URL; a SQLite path is relative to the working directory."""
    timezone: Timezone = "Asia/Jerusalem"
    """Of naive dates in API answers."""
    free_mib: Annotated[int, Field(strict=True, ge=0)] = 500
    """Less room than this on the disk of the database is told; 0: never."""
    drain: Duration = 10 * SECOND
    """How long the end of the daemon may wait for what is under way."""


class Retention(Settings):
    """`[retention]`: how long what has served is kept; "0s" is for ever."""

    events: Duration = 90 * DAY
    """Also incidents with their history, silences, and commands."""
    delivered: Duration = 30 * DAY
    dead: Duration = 90 * DAY
    """Dead letters."""
    undelivered: Duration = 90 * DAY
    """After so long a delivery that was never made is given up."""
    attempts: Duration = 14 * DAY
    """Of deliveries that are kept."""


class HttpToken(Settings):
    """`[[http.tokens]]`: one bearer token, and what it opens."""

    name: Name
    token: HeldSecret
    scopes: Annotated[tuple[Scope, ...], AfterValidator(some)] = ("read",)


class Http(Settings):
    """`[http]`. A single `token` is a token named "token" that may do everything."""

    listen: Listen = "127.0.0.1:8470"
    """`host:port`; "" is off."""
    tokens: tuple[HttpToken, ...] = ()

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen on; None: the HTTP side is off."""
        return listen_address(self.listen)

    @model_validator(mode="before")
    @classmethod
    def _take_the_single_token(cls, table: Any) -> Any:
        if not isinstance(table, dict) or "token" not in table:
            return table
        rest = {key: value for key, value in table.items() if key != "token"}
        tokens = rest.get("tokens", ())
        if isinstance(tokens, list | tuple):
            # Last, so that the places of the others stay what the file says.
            rest["tokens"] = (*tokens, {"name": "token", "token": table["token"], "scopes": ("admin",)})
        return rest


class System(Settings):
    """`[[systems]]`: one customer's account, and what is watched of it."""

    name: Name
    token: HeldSecret
    base_url: BaseUrl = BASE_URL
    """Ends with "/"."""
    fallback_url: Annotated[BaseUrl | None, Field(validate_default=True)] = None
    """Where reads go when `base_url` fails. By default the twin of the default base; "" is none."""
    authorization: Literal["token", "bearer"] = "token"
    """The header: the bare token, or `Bearer` before it (the newer gateway)."""
    switch_id: Text | None = None
    """The newer gateway's `switch-id` header."""
    ca_file: BesideConfig | None = None
    """Certificate authorities (PEM) to trust beside the machine's own."""
    connect_timeout: Timeout = 5 * SECOND
    read_timeout: Timeout = 10 * SECOND
    deadline: Timeout = 20 * SECOND
    """For a whole call."""
    commands: tuple[Text, ...] = READS
    """Globs of the commands that this system takes, and no others."""
    commands_expire: Timeout = HOUR
    """After so long a command that says nothing of it itself is not carried out any more."""
    commands_rate: Annotated[Number, Field(gt=0)] = 5.0
    """A second."""
    campaign_units_per_day: Annotated[Number, Field(ge=0)] | None = None
    """What campaigns may cost by their estimate; None: they are refused."""
    api: ApiWatch = ApiWatch()
    sms: SmsWatch | None = None
    sip: SipWatch | None = None
    queues: tuple[QueueWatch, ...] = ()
    directories: tuple[DirectoryWatch, ...] = ()
    pirsumphone: PirsumPhoneWatch | None = None
    units: UnitsWatch | None = None

    @field_validator("fallback_url", mode="before")
    @classmethod
    def _falls_back_to_the_twin(cls, url: Any, info: ValidationInfo) -> Any:
        if url is None and info.data.get("base_url") == BASE_URL:
            return FALLBACK_URL
        return None if url == "" else url


MAIL_RETRIES = (MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, *[HOUR] * 47)
"""Waits before the second, third, … attempt: two days in all, as mail servers do it."""


class Smtp(Settings):
    """`[smtp]`: the server that takes the mails."""

    host: Host
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Text | None = None
    password: Annotated[HeldSecret | None, Field(validate_default=True)] = None
    sender: Mailbox = Field(validation_alias="from")
    ca_file: BesideConfig | None = None
    """Certificate authorities (PEM) in the place of the machine's."""
    timeout: Timeout = timedelta(seconds=60)
    """For one mail, from the first command to the last answer."""
    connect_timeout: Timeout = timedelta(seconds=15)
    templates: BesideConfig | None = None
    """A folder of templates in the place of ours of the same names."""

    @field_validator("password")
    @classmethod
    def _goes_with_a_username(cls, password: Secret | None, info: ValidationInfo) -> Secret | None:
        if "username" in info.data and (info.data["username"] is None) != (password is None):
            raise ValueError('"username" and "password" go together')
        return password


def _once(mailboxes: tuple[str, ...]) -> tuple[str, ...]:
    addresses = [parseaddr(one)[1].casefold() for one in mailboxes]
    twice = next((one for one in addresses if addresses.count(one) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is given twice")
    return mailboxes


class Email(Endpoint):
    """`[[emails]]`: an endpoint that gets mails."""

    name: Name
    to: Annotated[tuple[Mailbox, ...], AfterValidator(some), AfterValidator(_once)]
    """Each is told for itself: what one address refuses, the others get all the same."""
    language: Literal["he", "en"] = "en"
    repeat: Repeat = 4 * HOUR
    group_wait: Duration = timedelta(seconds=15)
    """How long a mail waits for more to tell. An alert that is over by then is not told."""
    group_interval: Duration = timedelta(minutes=1)
    """The least time from one mailing to the next."""
    most_per_hour: Annotated[int, Field(strict=True, ge=1)] = 30
    """Mailings; what comes beyond waits, and comes together."""
    retries: tuple[Timeout, ...] = MAIL_RETRIES


class Notify(Endpoint):
    """`[[notify]]`: an endpoint behind Apprise: Telegram, ntfy, Pushover, …"""

    name: Name
    url: HeldSecret
    """Apprise's; it holds the service's tokens."""
    language: Literal["he", "en"] = "en"
    repeat: Repeat = 4 * HOUR
    timeout: Timeout = timedelta(seconds=30)
    retries: tuple[Timeout, ...] = RETRIES


class Heartbeat(Settings):
    """`[heartbeat]`: a sign of life for whoever watches the watcher."""

    url: HeldSecret
    """Gets a POST; who knows it can say that all is well, so it is a secret."""
    every: Timeout = MINUTE


class Config(Settings):
    """The whole file."""

    daemon: Daemon = Daemon()
    retention: Retention = Retention()
    http: Http = Http()
    heartbeat: Heartbeat | None = None
    systems: tuple[System, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    smtp: Smtp | None = None
    emails: tuple[Email, ...] = ()
    notify: tuple[Notify, ...] = ()
