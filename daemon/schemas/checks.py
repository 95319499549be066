"""What a configuration comes to, as JSON."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

from pydantic import Field

from daemon.core.routing.quiet import Window
from daemon.core.timestamps import iso_or_none
from daemon.core.watches import detection
from daemon.core.watches.watch import Description
from daemon.schemas.documents import Document, WindowDocument
from daemon.schemas.status import DifferenceDocument


class CheckedWindow(Document):
    """A window, and whether it lasts at present."""

    window: WindowDocument
    lasts: bool
    begins_at: str | None = Field(description="The next time; None while it lasts, and where nobody can say")
    ends_at: str | None = Field(description="Of this time, or of the next")

    @classmethod
    def of(cls, window: Window, begins_at: datetime | None, ends_at: datetime | None, *, lasts: bool) -> Self:
        return cls(
            window=WindowDocument.of(window),
            lasts=lasts,
            begins_at=iso_or_none(begins_at),
            ends_at=iso_or_none(ends_at),
        )


class CheckedWatch(Document):
    """One watch, and how soon what it finds is told."""

    name: str
    every_seconds: float
    told_within_seconds: dict[str, list[float]] = Field(description="At best and at worst, for each thing")
    calls_per_day: int = Field(description="Of the platform's API, where nothing fails")
    bytes_per_day: int = Field(description="Of their answers, before they are packed; about")
    most_file_bytes_per_day: int | None = Field(
        description="Of files that are read whole where they have changed, by all such watches of the system "
        "together; null: none is"
    )
    active: dict[str, list[CheckedWindow]] = Field(
        description='When its alerts count, by their key, and under "" those of all others; what is not '
        "there counts always"
    )
    ignore: list[str] = Field(description="Accounts of which nothing is told")

    @classmethod
    def of(
        cls,
        watch: Description,
        *,
        active: Mapping[str, list[CheckedWindow]],
        ignore: Sequence[str],
    ) -> "CheckedWatch":
        told = {
            what: [one.total_seconds() for one in detection.bounds(hold, watch.told_every)]
            for what, hold in watch.conditions.items()
        }
        return cls(
            name=watch.name,
            every_seconds=watch.every.total_seconds(),
            calls_per_day=watch.cost.calls if watch.cost else 0,
            bytes_per_day=watch.cost.bytes if watch.cost else 0,
            most_file_bytes_per_day=watch.cost.most_bytes if watch.cost else None,
            told_within_seconds=told,
            active=dict(active),
            ignore=list(ignore),
        )


class CheckedExpectation(Document):
    """What has to come, and which watches may show it."""

    name: str
    type: str
    within_seconds: float = Field(description="Of time that was seen, within its hours")
    subject: str | None = Field(description="A glob; None: all count")
    watches: list[str] = Field(description="While one of them is not seen, nothing counts")
    active: list[CheckedWindow] = Field(description="Empty: it counts always")


class CheckedDigest(Document):
    """A digest, and when it comes next."""

    name: str
    to: list[str]
    covers: str
    next_due_at: str


class CheckedSystem(Document):
    """One system and its watches."""

    name: str
    base_url: str
    watches: list[CheckedWatch]
    expectations: list[CheckedExpectation] = Field(default_factory=list)
    commands: list[str] = Field(description="Globs of those that it takes")
    campaign_units_per_day: float | None = Field(description="None: campaigns are refused")
    sms_units_per_day: float | None = Field(description="None: SMS are refused")


class CheckedEndpoint(Document):
    """What is told of every kind of endpoint."""

    name: str
    events: list[str] = Field(description="Globs")
    quiet: list[CheckedWindow] = Field(description="When it is told nothing")


class CheckedTexts(CheckedEndpoint):
    """One `[[texts]]`, and what it costs."""

    system: str = Field(description="That sends them, and pays")
    to: list[str]
    units_per_alert: float = Field(
        description="What one alert costs at most, with its end, told to all of them"
    )
    units_per_day: float = Field(description="What it may cost in a day")


class CheckedWebhook(CheckedEndpoint):
    """One webhook, and whom it leads to."""

    host: str = Field(description="Whom its url names, and no more of that")
    secret_url: bool = Field(description="Whether its url is a secret")


class CheckedReach(Document):
    """How the HTTP side is reached, and what strangers see of it."""

    url: str | None = Field(description="What links outside the page begin with, the prefix included")
    prefix: str
    tls: bool = Field(description="Whether the daemon itself has TLS")
    trusted_proxies: list[str]
    visitors: str
    public: list[str] = Field(description="Globs")
    badges: list[str] = Field(description="Globs")
    feed: bool


class Check(Document):
    """A configuration that can be used."""

    warnings: list[str]
    database: str = Field(description="Without its password")
    key_file: str | None = Field(
        description="Where the key is kept, and what a start makes of it; null while HTTP is off"
    )
    listen: str = Field(description="Empty: HTTP is off")
    reach: CheckedReach
    systems: list[CheckedSystem]
    webhooks: list[CheckedWebhook]
    emails: list[CheckedEndpoint]
    notify: list[CheckedEndpoint]
    texts: list[CheckedTexts] = Field(default_factory=list)
    digests: list[CheckedDigest] = Field(default_factory=list)
    failures: str | None = Field(
        default=None,
        description="Who is mailed when the service fails, and by what; null where it is not the service's",
    )
    against: DifferenceDocument | None = Field(
        default=None, description="What a reload would change, where that was asked for"
    )
