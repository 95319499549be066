"""The configuration as values: one frozen model for each table of `config.toml`.

Here are the tables that there is one of; `[[systems]]` stands in `systems` and `[systems.*]` in `watches`,
`[[webhooks]]` in `webhooks`, `[smtp]` and `[[emails]]` in `mail`, `[[notify]]` in `notify`, and what these
share in `endpoints` and `quiet`.

What one table can judge of itself is judged here; what needs a file, the environment or two tables is
not. A key that is a word of Python, or says less than the code's own word, has the code's as its field:
`for` is `hold`, `keep_firing` is `keep`, `from` is `sender`.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    Field,
)

from daemon.config.endpoints import EndpointSettings
from daemon.config.mail import Email, Smtp
from daemon.config.notify import Notify
from daemon.config.secrets import SecretUrl, Token
from daemon.config.systems import SystemSettings
from daemon.config.values import (
    DatabaseUrl,
    Drain,
    Duration,
    Every,
    Listen,
    Name,
    Settings,
    Timezone,
    Whole,
    listen_address,
    some,
)
from daemon.config.webhooks import Webhook
from daemon.core import scopes
from daemon.core.durations import DAY, MINUTE, SECOND

Scope = Literal["read", "content", "command", "admin"]


class Daemon(Settings):
    """`[daemon]`."""

    database: DatabaseUrl = "sqlite:///yemotd.db"
    """SQLAlchemy's URL; a SQLite path is relative to the working directory."""
    timezone: Timezone = "Asia/Jerusalem"
    """Of naive dates in API answers."""
    free_mib: Annotated[Whole, Field(ge=0)] = 500
    """Less room than this on the disk of the database is told; 0: never."""
    drain: Drain = 10 * SECOND
    """How long the end of the daemon may wait for what is under way."""


class RetentionSettings(Settings):
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
    token: Token
    scopes: Annotated[tuple[Scope, ...], AfterValidator(some)] = ("read",)

    def allows(self, scope: Scope) -> bool:
        """Whether it opens what needs this scope."""
        return scopes.allow(self.scopes, scope)


class Http(Settings):
    """`[http]`."""

    listen: Listen = "127.0.0.1:8470"
    """`host:port`; "" is off."""
    token: Token | None = None
    """Of a token that is called "token" and may do everything."""
    named: tuple[HttpToken, ...] = Field(default=(), validation_alias="tokens")

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen on; None: the HTTP side is off."""
        return listen_address(self.listen)

    @property
    def tokens(self) -> tuple[HttpToken, ...]:
        """All that open it."""
        single = () if self.token is None else (HttpToken(name="token", token=self.token, scopes=("admin",)),)
        return (*self.named, *single)

    @property
    def without_content(self) -> list[str]:
        """Names of the tokens that may read, but not the texts of SMS."""
        return [one.name for one in self.tokens if one.allows("read") and not one.allows("content")]


class HeartbeatSettings(Settings):
    """`[heartbeat]`: a sign of life for whoever watches the watcher."""

    url: SecretUrl
    """Gets a POST; who knows it can say that all is well, so it is a secret."""
    every: Every = MINUTE


class Config(Settings):
    """The whole file."""

    daemon: Daemon = Daemon()
    retention: RetentionSettings = RetentionSettings()
    http: Http = Http()
    heartbeat: HeartbeatSettings | None = None
    systems: tuple[SystemSettings, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    smtp: Smtp | None = None
    emails: tuple[Email, ...] = ()
    notify: tuple[Notify, ...] = ()

    def endpoints(self) -> Iterator[tuple[tuple[str, int], EndpointSettings]]:
        """Every endpoint of whatever kind, each with its place."""
        for table in ENDPOINT_TABLES:
            for index, one in enumerate(getattr(self, table)):
                yield (table, index), one


ENDPOINT_TABLES = tuple(
    key
    for key, field in Config.model_fields.items()
    if any(isinstance(one, type) and issubclass(one, EndpointSettings) for one in get_args(field.annotation))
)
"""The tables whose rows are endpoints: `webhooks`, `emails`, …"""
