"""What an administrator chose for a first configuration: plain values, of which `writing` makes the file.

Pure. What each may be is judged by the models of `settings`, when the file that was made is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from math import ceil

from daemon.config.wording import of_url
from daemon.core.durations import DAY, MINUTE, SECOND
from daemon.core.hidden import hidden
from daemon.core.inventory import Extension, Inventory
from daemon.core.model import Secret

DATABASE = "sqlite:///yemotd.db"
LISTEN = "127.0.0.1:8470"
WAITING_ABOVE = 5.0
WAITING_FOR = 30 * SECOND
NO_AGENT_FOR = MINUTE
SIP_FOR = MINUTE
UNITS_BELOW = 100.0
"""By the platform, which warns its customers below so many, and so long before they expire."""
UNITS_EXPIRE_WITHIN = 30 * DAY
PACE = timedelta(milliseconds=500)
"""Ours. Between two questions of one kind, on average: the platform publishes no limit."""
LONGEST_TITLE = 60
"""Ours. Characters of an extension's title that make the name of its queue."""
MAIL_EVENTS = ("sip.*", "queue.*", "units.*", "api.*", "endpoint.*")
"""What people want to know at night: what lasts, and no SMS."""


@dataclass(frozen=True)
class ChosenQueue:
    """A queue to watch."""

    path: str
    name: str | None = None
    """None: as its path."""
    waiting_above: float | None = WAITING_ABOVE
    """More callers than this are an alert; None: never."""
    waiting_for: timedelta = WAITING_FOR
    no_agent_for: timedelta | None = NO_AGENT_FOR
    """Nobody who can take a call for so long is an alert; None: never."""


@dataclass(frozen=True)
class ChosenFolder:
    """A folder of recordings to watch."""

    path: str
    title: str = ""
    """For a comment."""


@dataclass(frozen=True)
class Watches:
    """What is watched of a system, and when it is told."""

    sms: bool = True
    sip_for: timedelta | None = SIP_FOR
    """A phone that is off for so long is told; None: phones are not watched."""
    queues: tuple[ChosenQueue, ...] = ()
    folders: tuple[ChosenFolder, ...] = ()
    units_below: float | None = UNITS_BELOW
    units_expire_within: timedelta | None = UNITS_EXPIRE_WITHIN
    """None, and `units_below` None: the balance is not watched."""
    pirsumphone: bool = False

    @property
    def queue_every(self) -> timedelta:
        """How often to ask for each queue: the more there are, the more seldom."""
        return paced(10 * SECOND, len(self.queues))

    @property
    def folder_every(self) -> timedelta:
        """The same for each folder."""
        return paced(MINUTE, len(self.folders))

    @property
    def has_units(self) -> bool:
        return self.units_below is not None or self.units_expire_within is not None

    @property
    def is_empty(self) -> bool:
        """Whether nothing would ever be asked for."""
        others = (self.sms, self.sip_for is not None, self.has_units, self.pirsumphone)
        return not (any(others) or self.queues or self.folders)


@dataclass(frozen=True)
class ChosenSystem:
    """The phone system, and how it is reached."""

    token: Secret | None
    """None: it is put in its place later."""
    name: str = "main"
    base_url: str | None = None
    """None: the platform's."""
    switch_id: str | None = None
    """Of the newer gateway, whose keys go as bearer; None: not there."""
    ca_file: str | None = None
    """Absolute: certificates to trust as well, behind a content filter."""
    watches: Watches = Watches()


@dataclass(frozen=True)
class ChosenWebhook:
    """A receiver of signed requests."""

    url: str
    secret: Secret
    name: str = "webhook"
    events: tuple[str, ...] = ("*",)

    @property
    def has_secret_url(self) -> bool:
        """Whether its address says by itself who may write there, as that of a chat does."""
        return any(of_url(self.url))


@dataclass(frozen=True)
class ChosenMail:
    """Readers of mails, and the server that takes them."""

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    security: str = "starttls"
    username: str | None = None
    password: Secret | None = field(default=None)
    name: str = "mail"
    language: str = "he"
    events: tuple[str, ...] = MAIL_EVENTS


@dataclass(frozen=True)
class ChosenQuiet:
    """When people, and programs if they are to, are told nothing."""

    place: str | None = None
    """Shabbat and Yom Tov there; None: they are as other days."""
    hours: tuple[time, time] | None = None
    """Every night from then to then."""
    for_webhook: bool = False

    @property
    def is_empty(self) -> bool:
        return self.place is None and self.hours is None


@dataclass(frozen=True)
class Chosen:
    """Everything that a first configuration says."""

    system: ChosenSystem
    webhook: ChosenWebhook | None = None
    mail: ChosenMail | None = None
    quiet: ChosenQuiet = ChosenQuiet()
    listen: str = LISTEN
    """Of the page and the API; "": they are off."""
    http_token: Secret | None = None
    """With `listen`."""
    database: str = DATABASE
    key_file: str | None = None

    def secrets(self) -> dict[str, Secret]:
        """Every secret by the name of its file."""
        found = {
            token_name(self.system): self.system.token,
            "http-token": self.http_token if self.listen else None,
            **({secret_name(self.webhook): self.webhook.secret} if self.webhook else {}),
            **(_secret_url(self.webhook) if self.webhook else {}),
            **({"smtp-password": self.mail.password} if self.mail else {}),
        }
        return {name: secret for name, secret in found.items() if secret is not None}


def paced(usual: timedelta, many: int) -> timedelta:
    """An interval at which so many are asked for no faster than one a `PACE`."""
    return max(usual, timedelta(seconds=ceil(many * PACE.total_seconds())))


def token_name(system: ChosenSystem) -> str:
    """The file of a system's token; "http-token" is taken."""
    return "http-system-token" if system.name == "http" else f"{system.name}-token"


def secret_name(webhook: ChosenWebhook) -> str:
    """The file of a webhook's signing secret."""
    return f"{webhook.name}-secret"


def url_name(webhook: ChosenWebhook) -> str:
    """The file of a webhook's address, where that is a secret."""
    return f"{webhook.name}-url"


def _secret_url(webhook: ChosenWebhook) -> dict[str, Secret]:
    return {url_name(webhook): Secret(webhook.url)} if webhook.has_secret_url else {}


def proposed(found: Inventory) -> Watches:
    """What of a system is worth watching, by what was found. What could not be learned is not proposed, but
    SMS: a log that shows none yet may show one tomorrow."""
    return Watches(
        sms=found.has_sms is not None,
        sip_for=SIP_FOR if found.accounts else None,
        queues=named_queues(found.queues),
        folders=tuple(ChosenFolder(one.path, one.title) for one in found.recordings),
        units_below=UNITS_BELOW if found.units is not None else None,
        units_expire_within=UNITS_EXPIRE_WITHIN if found.units_expire_on is not None else None,
        pirsumphone=bool(found.pirsumphone),
    )


def mail_events(watches: Watches) -> tuple[str, ...]:
    """Of `MAIL_EVENTS` those that may come of what is watched."""
    unwatched = {
        "sip.*": watches.sip_for is None,
        "queue.*": not watches.queues,
        "units.*": not watches.has_units,
    }
    return tuple(one for one in MAIL_EVENTS if not unwatched.get(one))


def unseen() -> Watches:
    """The same where nobody could look: what every system has."""
    return Watches()


def named_queues(extensions: Sequence[Extension]) -> tuple[ChosenQueue, ...]:
    """Queues to watch, each called by its title; of several of one title, the later ones with their path."""
    return tuple(
        ChosenQueue(one.queue_path, name) for one, name in zip(extensions, _names(extensions), strict=True)
    )


def _names(extensions: Sequence[Extension]) -> Iterator[str | None]:
    taken: set[str] = set()
    for one in extensions:
        name = title_of(one.title)
        if name and name in taken:
            name = f"{name} {one.queue_path}"
        taken.add(name)
        yield name or None


def title_of(text: str) -> str:
    """A title that may be a name in the file: on one line, without what nobody sees; "" for none."""
    kept = "".join(" " if one.isspace() else one for one in text)
    shown = "".join(one for one in kept if hidden(one) is None)
    return " ".join(shown.split())[:LONGEST_TITLE].strip()
