"""What a configuration comes to, as JSON."""

from collections.abc import Mapping
from datetime import timedelta

from pydantic import Field

from daemon.core.watches import detection
from daemon.schemas.documents import Document
from daemon.schemas.status import DifferenceDocument


class CheckedWatch(Document):
    """One watch, and how soon what it finds is told."""

    name: str
    every_seconds: float
    told_within_seconds: dict[str, list[float]] = Field(description="At best and at worst, for each thing")

    @classmethod
    def of(cls, name: str, every: timedelta, conditions: Mapping[str, timedelta]) -> "CheckedWatch":
        """`conditions`: what it finds, with how long it must last to be told."""
        told = {
            what: [one.total_seconds() for one in detection.bounds(hold, every)]
            for what, hold in conditions.items()
        }
        return cls(name=name, every_seconds=every.total_seconds(), told_within_seconds=told)


class CheckedSystem(Document):
    """One system and its watches."""

    name: str
    base_url: str
    watches: list[CheckedWatch]


class CheckedEndpoint(Document):
    """One webhook, one `[[emails]]`, or one `[[notify]]`."""

    name: str
    events: list[str] = Field(description="Globs")


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
    webhooks: list[CheckedEndpoint]
    emails: list[CheckedEndpoint]
    notify: list[CheckedEndpoint]
    against: DifferenceDocument | None = Field(
        default=None, description="What a reload would change, where that was asked for"
    )
