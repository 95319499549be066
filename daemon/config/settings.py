"""The configuration as values: one frozen model for each table of `config.toml`.

What one table can judge of itself is judged here; what needs a file, the environment or two tables is
not. A key that is a word of Python, or says less than the code's own word, has the code's as its field:
`for` is `hold`, `keep_firing` is `keep`, `from` is `sender`. The watches of a system have a file of
their own.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    model_validator,
)

from daemon.config.mail import Email, Notify, Smtp
from daemon.config.systems import System
from daemon.config.values import (
    DatabaseUrl,
    Duration,
    Listen,
    Name,
    Settings,
    Timeout,
    Timezone,
    listen_address,
    some,
)
from daemon.config.webhooks import HeldSecret, Webhook
from daemon.core.durations import DAY, MINUTE, SECOND

Scope = Literal["read", "command", "admin"]


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
