"""Digests as JSON: which there are, and what one would say now."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from daemon.core.digests.schedule import Digest, Told
from daemon.core.timestamps import iso, iso_or_none
from daemon.schemas.documents import AT, Document

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class DigestStatus(Document):
    """A digest, how far it has told, and when it comes next."""

    name: str = Field(examples=["office"])
    to: list[str] = Field(description="Names of endpoints", examples=[["ops"]])
    at: str = Field(description="By the clock of its zone", examples=["18:00"])
    days: list[str] = Field(examples=[["sun", "thu"]])
    timezone: str = Field(examples=["Asia/Jerusalem"])
    covers: str = Field(description="`day` or `week`", examples=["day"])
    systems: list[str] | None = Field(description="None: all")
    language: str | None = Field(description="None: as each mailbox has it", examples=["he"])
    skip_empty: bool = Field(description="Whether one with nothing to say is left out")
    told_until: str | None = Field(description="None: it is new", examples=[AT])
    event: str | None = Field(description="Of the one that was made last", examples=["evt_01M84SM5…"])
    next_due_at: str = Field(examples=[AT])

    @classmethod
    def of(cls, digest: Digest, told: Told | None, next_due_at: Any) -> "DigestStatus":
        return cls(
            name=digest.name,
            to=list(digest.to),
            at=f"{digest.at:%H:%M}",
            days=[DAYS[day] for day in sorted(digest.days)],
            timezone=digest.zone.key,
            covers=digest.covers,
            systems=None if digest.systems is None else list(digest.systems),
            language=digest.language,
            skip_empty=digest.skip_empty,
            told_until=iso_or_none(told.until if told else None),
            event=told.event if told else None,
            next_due_at=iso(next_due_at),
        )


class DigestList(Document):
    """The digests in the order of the configuration."""

    digests: list[DigestStatus]


class DigestPreview(Document):
    """What a digest would say if it were made now. Nothing is sent, and nothing is remembered of it."""

    digest: dict[str, Any] = Field(description="As in `digest.made`")
    is_empty: bool = Field(description="Whether there is nothing to say")
    language: str = Field(description="Of what follows", examples=["he"])
    subject: str = Field(description="Of its mail", examples=["Daily digest: office"])
    text: str = Field(description="Its mail as plain text")
    html: str = Field(description="The same as HTML")


def named(digests: Sequence[Digest], name: str) -> Digest | None:
    """One by its name."""
    return next((one for one in digests if one.name == name), None)
