"""The configuration as values: one frozen model for each table of `config.toml`.

Here are the tables that there is one of; `[[systems]]` stands in `systems` and `[systems.*]` in `watches`,
`[[webhooks]]` in `webhooks`, `[smtp]` and `[[emails]]` in `mail`, `[[notify]]` in `notify`, `[[texts]]` in
`texts`, what these share in `endpoints`, `quiet` and `windows`, `[[escalations]]` in `escalations` and
`[[digests]]` in `digests`.

What one table can judge of itself is judged here; what needs a file, the environment or two tables is
not. A key that is a word of Python, or says less than the code's own word, has the code's as its field:
`for` is `hold`, `keep_firing` is `keep`, `from` is `sender`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    Field,
    model_validator,
)

from daemon.config.contacts import ContactSettings
from daemon.config.digests import DigestSettings
from daemon.config.endpoints import EndpointSettings
from daemon.config.escalations import EscalationSettings
from daemon.config.mail import Email, Smtp
from daemon.config.notify import Notify
from daemon.config.reaching import LinksLast, Prefix, PublicUrl, Subjects, Visitors, public_base, together
from daemon.config.secrets import SecretUrl, Token
from daemon.config.systems import SystemSettings
from daemon.config.templates import TemplateSettings
from daemon.config.texts import TextSettings
from daemon.config.values import (
    BesideConfig,
    Block,
    DatabaseUrl,
    Drain,
    Duration,
    Every,
    Listen,
    LocalFile,
    Name,
    Settings,
    Timezone,
    Whole,
    listen_address,
    some,
)
from daemon.config.webhooks import Webhook
from daemon.config.windows import WindowSettings
from daemon.core import scopes
from daemon.core.durations import DAY, MINUTE, SECOND

Scope = Literal["read", "content", "command", "admin"]


class Daemon(Settings):
    """`[daemon]`."""

    database: DatabaseUrl = "sqlite:///yemotd.db"
    """SQLAlchemy's URL; a SQLite path is relative to the working directory."""
    key_file: LocalFile = Path("yemotd.key")
    """The key of this installation, made where it is missing; relative to the working directory."""
    member: Name | None = None
    """What this daemon is called among several that share a database; None: as its machine is."""
    timezone: Timezone = "Asia/Jerusalem"
    """Of naive dates in API answers."""
    free_mib: Annotated[Whole, Field(ge=0)] = 500
    """Less room than this on the disk of the database is told; 0: never."""
    keep_observations: Duration = 30 * DAY
    """For how long what the watches saw is kept, for `yemotd rehearse`; "0s": not at all."""
    keep_observations_mib: Annotated[Whole, Field(ge=1)] = 256
    """All of it takes no more than this; the oldest goes first."""
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
    history: Duration = 730 * DAY
    """For how long everything was up and down, by days; by hours for 31 days, and by minutes for one."""


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
    url: PublicUrl | None = None
    """How it is reached from outside; without it no links are made."""
    prefix: Prefix = ""
    """The path below which a proxy hands it on."""
    trusted_proxies: tuple[Block, ...] = ()
    """Who is believed when it says for whom it asks."""
    tls_cert: BesideConfig | None = None
    """The chain, in PEM form; without it the daemon itself has no TLS."""
    tls_key: BesideConfig | None = None
    visitors: Visitors = "nothing"
    """What somebody without a token sees of the page."""
    public: tuple[Subjects, ...] = ()
    """The subjects that a visitor sees, with `visitors = "status"`."""
    badges: tuple[Subjects, ...] = ()
    """The subjects of which everybody gets a badge."""
    feed: Annotated[bool, Field(strict=True)] = False
    """Whether everybody gets the feed of incidents."""
    recording_links: LinksLast | None = None
    """For how long a link in a mail leads to a recording; None: there are no such links."""
    endpoints_allow: tuple[Block, ...] = ()
    """Addresses inside that endpoints may lead to that were added over HTTP."""
    named: tuple[HttpToken, ...] = Field(default=(), validation_alias="tokens")

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen on; None: the HTTP side is off."""
        return listen_address(self.listen)

    @property
    def base(self) -> str | None:
        """What links outside the page begin with, without a slash at its end; None: there are none."""
        return public_base(self.url, self.prefix)

    @property
    def certificate(self) -> tuple[Path, Path] | None:
        """The files of the chain and of the key; None: no TLS of our own."""
        return None if self.tls_cert is None or self.tls_key is None else (self.tls_cert, self.tls_key)

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        together(self.tls_cert, self.tls_key)
        if self.visitors == "status" and not self.public:
            raise ValueError(
                'visitors = "status" needs public, the subjects to show, such as public = ["main/queue/*"]'
            )
        return self

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
    contacts: ContactSettings = ContactSettings()
    """Names, with those of the file, as `contacts.read` takes them."""
    contacts_file: BesideConfig | None = None
    templates: TemplateSettings = TemplateSettings()
    """What webhooks may send, by names of one's own, as `templates.read` takes them."""
    windows: tuple[WindowSettings, ...] = ()
    systems: tuple[SystemSettings, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    smtp: Smtp | None = None
    emails: tuple[Email, ...] = ()
    notify: tuple[Notify, ...] = ()
    texts: tuple[TextSettings, ...] = ()
    escalations: tuple[EscalationSettings, ...] = ()
    digests: tuple[DigestSettings, ...] = ()

    @property
    def hooks(self) -> tuple[Webhook, ...]:
        """All that are told as webhooks are: these, and what `[[notify]]` means."""
        return (*self.webhooks, *(one.webhook for one in self.notify))

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
