"""Campaigns that commands have started, as JSON: how each stands, as last seen."""

from datetime import datetime
from typing import Any

from pydantic import Field

from daemon.core.commands import following
from daemon.core.commands.following import Followed, Outcome, Source
from daemon.core.numbers import rounded
from daemon.core.timestamps import iso, iso_or_none
from daemon.schemas.documents import AT, Document, words


class Campaign(Document):
    """A campaign of ours, and what was seen of it so far."""

    command: str = Field(description="That started it", examples=["cmd_01ARZ3NDEKTSV4RRFFQ69G5FAV"])
    id: str | None = Field(description="By which the platform knows it; None: its answer named none")
    system: str
    status: str | None = Field(
        description="The platform's last word; None: none was seen", examples=["RUNNING"]
    )
    numbers: int | None = Field(description="That it is to call")
    dialled: int | None = Field(description="Calls that were made, those to one number again included")
    answered: int | None = Field(description="Of these")
    failed: int | None = Field(description="Numbers that were given up")
    price: float | None = Field(description="Units so far; None: nobody says")
    price_from: str | None = Field(
        json_schema_extra=words(Source, or_null=True), description="`charges`: the balance's transactions"
    )
    estimate: float = Field(description="Units that count against the day's budget until the price is known")
    counted: float = Field(description="Units that count there now")
    started_at: str = Field(examples=[AT])
    seen_at: str | None = Field(description="When its progress was seen last; None: never", examples=[AT])
    ended_at: str | None = Field(description="None: it is followed", examples=[AT])
    outcome: str | None = Field(
        json_schema_extra=words(Outcome, or_null=True), description="None: it is followed"
    )
    reason: str | None = Field(description="Why its end is not known, or why nothing is seen of it just now")
    unlearned_seconds: float = Field(
        description="Observed time in which nothing was to be learned of it; after a day its end is `unknown`"
    )

    @classmethod
    def of(cls, one: Followed) -> "Campaign":
        return cls(**_said(one))


class NowCampaign(Campaign):
    """One that is followed, and how old its figures are."""

    age_seconds: float | None = Field(description="Since its progress was seen; None: it never was")

    @classmethod
    def at(cls, one: Followed, now: datetime) -> "NowCampaign":
        age = None if one.seen_at is None else max((now - one.seen_at).total_seconds(), 0)
        return cls(**_said(one), age_seconds=None if age is None else rounded(age))


def _said(one: Followed) -> dict[str, Any]:
    is_open = one.ended_at is None
    unseen = one.traces.why if is_open and one.traces is not None and one.unlearned else None
    return {
        "command": one.command,
        "id": one.campaign,
        "system": one.system,
        **following.figures(one),
        "estimate": rounded(one.estimate),
        "counted": rounded(one.counted),
        "started_at": iso(one.started_at),
        "seen_at": iso_or_none(one.seen_at),
        "ended_at": iso_or_none(one.ended_at),
        "outcome": one.outcome.value if one.outcome else None,
        "reason": one.reason or unseen,
        "unlearned_seconds": one.unlearned.total_seconds(),
    }
