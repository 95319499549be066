"""What a configuration would have made of the past, beside what was told, as JSON."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import Field

from daemon.core.rehearsal.lives import Life, Outcome, Pair, Span, Why
from daemon.core.timestamps import iso, iso_or_none
from daemon.schemas.documents import AT, Document, words


class Stretch(Document):
    """A time."""

    since: str = Field(examples=[AT])
    until: str = Field(examples=[AT])

    @classmethod
    def of(cls, span: Span) -> "Stretch":
        return cls(since=iso(span[0]), until=iso(span[1]))


class RehearsedWatch(Document):
    """What there is of a watch of the new configuration."""

    system: str = Field(examples=["main"])
    watch: str = Field(examples=["queue/5"])
    looks: int = Field(description="How often it was polled, as far as that was kept", examples=[259200])
    failed: int = Field(description="Of these: without an answer", examples=[12])
    unreadable: int = Field(description="Of these: kept in a form that this release cannot read")
    is_content_kept: bool = Field(description="Else only that it was answered is kept: of messages, …")
    gaps: list[Stretch] = Field(description="In which nothing was seen of it, or nothing was kept")
    more_gaps: int = Field(description="Gaps that are not listed")


class RehearsedTelling(Document):
    """An endpoint that is told of an alert."""

    endpoint: str = Field(examples=["crm"])
    at: str = Field(examples=[AT])
    reason: str = Field(examples=["first"])


class RehearsedAlert(Document):
    """An alert, as it would have been, or as it was."""

    incident: str | None = Field(description="Of one that was", examples=["inc_01M84SM5…"])
    started_at: str = Field(examples=[AT])
    fired_at: str = Field(examples=[AT])
    ended_at: str | None = Field(description="None: it fires yet", examples=[AT])
    severity: str = Field(examples=["warning"])
    told: list[RehearsedTelling]
    held: dict[str, str] = Field(
        description="Who was told nothing, and what held it back", examples=[{"ops": "quiet"}]
    )

    @classmethod
    def of(cls, life: Life, *, is_real: bool) -> "RehearsedAlert":
        return cls(
            incident=life.id if is_real else None,
            started_at=iso(life.started_at),
            fired_at=iso(life.fired_at),
            ended_at=iso_or_none(life.ended_at),
            severity=life.severity,
            told=[
                RehearsedTelling(endpoint=one.endpoint, at=iso(one.at), reason=one.reason)
                for one in life.told
            ],
            held=dict(life.held),
        )


class RehearsedPair(Document):
    """An alert by the new configuration beside the one that was told."""

    outcome: str = Field(json_schema_extra=words(Outcome), examples=["gone"])
    system: str = Field(examples=["main"])
    type: str = Field(examples=["queue.threshold.crossed"])
    subject: str = Field(examples=["queue/5"])
    metric: str | None = Field(description="Of a threshold", examples=["calls_waiting"])
    would: RehearsedAlert | None
    was: RehearsedAlert | None
    why: str | None = Field(
        json_schema_extra=words(Why, or_null=True), description="Of one that is gone", examples=["too_short"]
    )

    @classmethod
    def of(cls, pair: Pair) -> "RehearsedPair":
        one = pair.would or pair.was
        assert one is not None  # noqa: S101 - a pair has one of them
        return cls(
            outcome=pair.outcome.value,
            system=one.system,
            type=one.type,
            subject=one.subject,
            metric=one.metric,
            would=RehearsedAlert.of(pair.would, is_real=False) if pair.would else None,
            was=RehearsedAlert.of(pair.was, is_real=True) if pair.was else None,
            why=pair.why.value if pair.why else None,
        )


class RehearsedFacts(Document):
    """How many events that stand alone an endpoint is told."""

    endpoint: str = Field(examples=["crm"])
    type: str = Field(examples=["sms.received"])
    would: int
    was: int


class Suggestion(Document):
    """One setting, and how often it would have rung."""

    system: str = Field(examples=["main"])
    watch: str = Field(examples=["queue/5"])
    metric: str | None = Field(description="None: the phones of the system")
    above: float | None
    below: float | None
    clear: float | None
    for_seconds: float
    rings: int = Field(description="In the time that was kept")
    rings_a_week: float
    longest_seconds: float = Field(description="How long the longest lasted")
    is_proposed: bool


class Rehearsal(Document):
    """A configuration, tried on a part of the past."""

    configuration: str = Field(examples=["new.toml"])
    since: str = Field(examples=[AT])
    until: str = Field(examples=[AT])
    counts: dict[str, int] = Field(
        json_schema_extra={"propertyNames": words(Outcome)}, description="Alerts by their outcome"
    )
    alerts: list[RehearsedPair]
    facts: list[RehearsedFacts]
    watches: list[RehearsedWatch]
    unseen: list[Stretch] = Field(description="In which nothing was seen of anything")
    left_out: list[str] = Field(description="What cannot be known, and is not in this")
    broken: list[str] = Field(description="What could not be read of the store")
    suggestions: list[Suggestion]
    toml: str | None = Field(description="What is proposed, to be pasted; None: nothing was asked for")

    @property
    def is_whole(self) -> bool:
        """Whether all that was kept could be read."""
        return not self.broken and not any(one.unreadable for one in self.watches)


def facts(would: Mapping[tuple[str, str], int], was: Mapping[tuple[str, str], int]) -> list[RehearsedFacts]:
    """By endpoint and type."""
    return [
        RehearsedFacts(endpoint=endpoint, type=type_, would=would.get((endpoint, type_), 0), was=many)
        for endpoint, type_ in sorted({*would, *was})
        for many in (was.get((endpoint, type_), 0),)
    ]


def stretches(spans: Iterable[tuple[datetime, datetime]]) -> list[Stretch]:
    """Times, in their order."""
    return [Stretch.of(one) for one in spans]
