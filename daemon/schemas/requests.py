"""What may be asked for in a body. A field that is not known is refused rather than passed over."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Annotated, Any

from fastapi.openapi.models import Example
from pydantic import BaseModel, ConfigDict, Field

from daemon.core.alerts import acknowledgement
from daemon.core.routing.silences import Wish
from daemon.schemas.documents import DAYS
from daemon.schemas.fields import ClockTime, Comment, Day, Duration, Glob, Line, Moment, WhichEvents
from daemon.store.replay import Which

SILENCES = {
    "One phone, for two hours": {
        "subject": "sip/0773137770",
        "for": "2h",
        "comment": "a new phone is on its way",
    },
    "A maintenance": {
        "system": "main",
        "starts_at": "2026-11-23T22:00:00+02:00",
        "ends_at": "2026-11-24T01:00:00+02:00",
        "comment": "the provider's maintenance",
    },
    "Every Sunday night": {
        "subject": "sip/*",
        "days": ["sun"],
        "from": "02:00",
        "to": "04:00",
        "comment": "the provider's maintenance",
    },
    "Until it is over": {"type": "queue.*", "until_resolved": True, "comment": "we know"},
}
ACKNOWLEDGEMENTS = {
    "Until it is over": {"by": "Dana", "note": "I am on my way"},
    "For two hours": {"by": "Dana", "for": "2h"},
    "By whoever asks": {},
}
REPLAYS = {
    "What it would send": {"dry_run": True},
    "The dead letters": {},
    "A morning of messages, slowly": {
        "which": "all",
        "type": "sms.*",
        "since": "2026-11-23T06:00:00+02:00",
        "until": "2026-11-23T12:00:00+02:00",
        "rate": 5,
    },
}


class Request(BaseModel):
    """One JSON object."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


_ENDS = {
    "for": {"type": "string"},
    "ends_at": {"type": "string"},
    "until_resolved": {"const": True},
}
_ONCE = {name: {"type": "null"} for name in ("from", "to", "days")}
_WEEKLY = {
    "from": {"type": "string"},
    "to": {"type": "string"},
    "for": {"type": "null"},
    "until_resolved": {"const": False},
}
_GLOBS = ("type", "system", "subject")


def _with_one_end(schema: dict[str, Any]) -> None:
    """What `core/routing/silences.py` asks of a silence: one end, or hours at which it comes back, and not
    everything."""
    schema["oneOf"] = [
        *({"required": [name], "properties": {name: one, **_ONCE}} for name, one in _ENDS.items()),
        {"required": ["from", "to"], "properties": _WEEKLY},
    ]
    said = {"type": "string", "pattern": r"[^*]"}
    schema["anyOf"] = [{"required": [name], "properties": {name: said}} for name in _GLOBS]


class SilenceRequest(Request):
    """Mute what matches all of `type`, `system` and `subject`, until what one of `for`, `ends_at` and
    `until_resolved` says; or every week from `from` to `to`, until `ends_at` or until it is ended."""

    model_config = ConfigDict(json_schema_extra=_with_one_end)

    type: Glob = Field(default="*", description="Of the event that fires; a glob")
    system: Glob = Field(default="*", description="A system's name; a glob")
    subject: Glob = Field(default="*", description="Such as sip/0773137770 or queue/5; a glob")
    lasts: Duration | None = Field(default=None, alias="for", description="How long: 2h, 1d", examples=["2h"])
    ends_at: Moment | None = Field(default=None, description="With its offset")
    until_resolved: bool = Field(default=False, strict=True, description="Until what it matches now is over")
    starts_at: Moment | None = Field(default=None, description="With its offset; default: now")
    start: ClockTime | None = Field(
        default=None,
        alias="from",
        description="It comes back: from this time, by the clock of the daemon's zone",
        examples=["02:00"],
    )
    end: ClockTime | None = Field(
        default=None,
        alias="to",
        description="Where it is not after `from`, on the next day",
        examples=["04:00"],
    )
    days: Annotated[list[Day], Field(min_length=1, max_length=7)] | None = Field(
        default=None, description="On which it begins; default: every day", examples=[["sun"]]
    )
    comment: Comment = Field(description="Why, for those who find it")

    def wish(self, author: str, zone: tzinfo) -> Wish:
        """What is asked for, by whoever asks; `zone`: of its hours."""
        return Wish(
            author,
            self.comment,
            self.type,
            self.system,
            self.subject,
            starts_at=self.starts_at,
            lasts=self.lasts,
            ends_at=self.ends_at,
            until_resolved=self.until_resolved,
            start=self.start,
            end=self.end,
            days=None if self.days is None else frozenset(DAYS.index(one) for one in self.days),
            zone=zone,
        )


class AcknowledgementRequest(Request):
    """That somebody has an incident, until it is over, or until what `for` or `until` says."""

    by: Comment | None = Field(
        default=None, description="Who, for people; default: the token's name", examples=["Dana"]
    )
    note: Comment | None = Field(default=None, examples=["I am on my way"])
    lasts: Duration | None = Field(default=None, alias="for", description="How long: 2h", examples=["2h"])
    until: Moment | None = Field(default=None, description="With its offset")
    take_over: bool = Field(default=False, strict=True, description="Also from somebody else who has it")

    def wish(self, author: str) -> acknowledgement.Wish:
        """What is asked for; by `author`, where nobody else is named."""
        return acknowledgement.Wish(
            self.by or author,
            self.note or "",
            lasts=self.lasts,
            until=self.until,
            takes_over=self.take_over,
        )


class ReplayRequest(Request):
    """Which events are sent again; without any field: those that were given up."""

    which: WhichEvents = Field(
        default=Which.FAILED.value, description="All events, those that were given up, or those it never got"
    )
    since: Moment | None = Field(default=None, description="From then on")
    until: Moment | None = Field(default=None, description="Before then")
    type: Line | None = Field(default=None, description="A glob such as sms.*")
    system: Line | None = Field(default=None, description="Of this system only")
    rate: Annotated[float, Field(ge=0.001, strict=True)] | None = Field(
        default=None, description="So many a second"
    )
    history: bool = Field(
        default=False, strict=True, description="Also what is not true any more, such as alerts that are over"
    )
    dry_run: bool = Field(default=False, strict=True, description="Say what would be sent, no more")


def examples(bodies: Mapping[str, Mapping[str, Any]]) -> dict[str, Example]:
    """Bodies by what they are, as the OpenAPI document has them."""
    return {name: {"value": body} for name, body in bodies.items()}
