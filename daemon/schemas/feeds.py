"""Feeds as JSON: what is asked for, and what is answered."""

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from daemon.core.feeds import Wanted
from daemon.core.routing import filters
from daemon.core.routing.filters import Operator
from daemon.core.timestamps import iso, iso_or_none
from daemon.schemas.documents import AT, Document
from daemon.schemas.fields import SAID, Described, Glob, Line, on_one_line, said
from daemon.schemas.pages import EventBody
from daemon.schemas.requests import Request

if TYPE_CHECKING:
    from daemon.core.feeds import Gap
    from daemon.store.feeds import Feed, Read

MOST_GLOBS, MOST_SYSTEMS, MOST_FILTERS, MOST_VALUES = 50, 1000, 20, 100
NAME = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
"""As those of endpoints."""
CURSOR = "^[0-9]{1,18}$"
FEEDS: dict[str, dict[str, Any]] = {
    "All messages, from now on": {"events": ["sms.received"]},
    "Everything of one system, from the oldest that is kept": {"systems": ["main"], "start": "oldest"},
    "Messages of one sender": {
        "events": ["sms.received"],
        "filters": [{"field": "sms.from", "is": "0501234567"}],
    },
}
MOVES: dict[str, dict[str, Any]] = {
    "What a page gave": {"cursor": "1234"},
    "Up to one event": {"event": "evt_01M84SM5"},
    "Read again": {"cursor": "1000", "back": True},
}
# Of an alert only its severity stays the same while it lasts, as with endpoints.
_FIELD = r"^(alert\.severity|(?!alert(\.|$))[a-z_]{1,50}(\.[a-z_]{1,50}){0,5})$"


def _name(value: str) -> str:
    if not re.fullmatch(NAME, value):
        raise ValueError('expected letters, digits, "_", "." and "-", a letter or digit first, at most 100')
    return value


def _field(value: str) -> str:
    if not re.fullmatch(_FIELD, value):
        raise ValueError('expected a field of the event\'s data, such as "sms.text"')
    return value


def _cursor(value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch(CURSOR, value):
        raise ValueError("expected the cursor that a page gave")
    return int(value)


Value = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(on_one_line),
    AfterValidator(said),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 200, "pattern": SAID}),
]
Values = Annotated[list[Value], Field(min_length=1, max_length=MOST_VALUES)]
FieldPath = Annotated[str, AfterValidator(_field), WithJsonSchema({"type": "string", "pattern": _FIELD})]
Cursor = Annotated[int, PlainValidator(_cursor), WithJsonSchema({"type": "string", "pattern": CURSOR})]


def _with_one_condition(schema: dict[str, Any]) -> None:
    conditions = [one.value for one in Operator]
    schema["oneOf"] = [
        {
            "required": [name],
            "properties": {
                name: {"type": "string" if name == Operator.IS.value else "array"},
                **{other: {"type": "null"} for other in conditions if other != name},
            },
        }
        for name in conditions
    ]


FeedName = Annotated[str, AfterValidator(_name), Described(NAME)]
"""Of one that is made."""


class FeedFilter(Request):
    """A condition on what an event says, as of an endpoint; all must hold."""

    model_config = ConfigDict(json_schema_extra=_with_one_condition)

    field: FieldPath = Field(description="A dotted path below `data`", examples=["sms.from"])
    equal: Value | None = Field(default=None, alias="is")
    within: Values | None = Field(default=None, alias="in")
    not_in: Values | None = None
    contains: Values | None = None
    starts_with: Values | None = None

    @property
    def _given(self) -> list[tuple[Operator, tuple[str, ...]]]:
        given = {
            Operator.IS: None if self.equal is None else [self.equal],
            Operator.IN: self.within,
            Operator.NOT_IN: self.not_in,
            Operator.CONTAINS: self.contains,
            Operator.STARTS_WITH: self.starts_with,
        }
        return [(operator, tuple(values)) for operator, values in given.items() if values is not None]

    @model_validator(mode="after")
    def _has_one_condition(self) -> "FeedFilter":
        if len(self._given) != 1:
            raise ValueError('give one of "is", "in", "not_in", "contains" and "starts_with"')
        return self

    def condition(self) -> filters.Filter:
        """As it is judged."""
        return filters.Filter(self.field, *self._given[0])


class FeedRequest(Request):
    """Which events a feed is for; and, where it is new, from where on."""

    events: Annotated[list[Glob], Field(min_length=1, max_length=MOST_GLOBS)] = Field(
        default_factory=lambda: ["*"],
        description="Globs on the type; a bare `*` does not ask for those that are off by default",
        examples=[["sms.*"]],
    )
    systems: Annotated[list[Line], Field(max_length=MOST_SYSTEMS)] | None = Field(
        default=None, description="None: all"
    )
    filters: Annotated[list[FeedFilter], Field(max_length=MOST_FILTERS)] = Field(default_factory=list)
    start: Line = Field(
        default="now",
        description="Where a new one begins: `now`, `oldest`, or behind an event (evt_…). One that is there "
        "stays where it is",
        examples=["oldest"],
    )

    def wanted(self) -> Wanted:
        """As it is judged."""
        systems = None if self.systems is None else tuple(self.systems)
        return Wanted(tuple(self.events), systems, tuple(one.condition() for one in self.filters))


def _with_one_place(schema: dict[str, Any]) -> None:
    texts = {"cursor": "event", "event": "cursor"}
    schema["oneOf"] = [
        {"required": [name], "properties": {name: {"type": "string"}, other: {"type": "null"}}}
        for name, other in texts.items()
    ]


class MoveRequest(Request):
    """How far a feed was read: by the `cursor` of a page, or to an `event`."""

    model_config = ConfigDict(json_schema_extra=_with_one_place)

    cursor: Cursor | None = Field(default=None, description="That of a page", examples=["1234"])
    event: Line | None = Field(default=None, description="The last one that was taken", examples=["evt_01M8"])
    back: bool = Field(
        default=False, strict=True, description="Also to what was acknowledged before, to read it again"
    )

    @model_validator(mode="after")
    def _has_one_place(self) -> "MoveRequest":
        if (self.cursor is None) is (self.event is None):
            raise ValueError("give one of `cursor` and `event`")
        return self

    @property
    def to(self) -> int | str:
        """The number, or the event."""
        return self.cursor if self.cursor is not None else str(self.event)


class FeedGap(BaseModel):
    """Events that were forgotten before they were read."""

    after: str = Field(alias="from", description="The cursor behind which something is gone")
    up_to: str = Field(alias="to", description="The cursor up to which; what is kept between them comes")
    count: int = Field(description="So many went at most, of all types and systems", examples=[17])

    @classmethod
    def of(cls, gap: "Gap | None") -> "FeedGap | None":
        if gap is None:
            return None
        return cls.model_validate({"from": str(gap.after), "to": str(gap.up_to), "count": gap.most})


class FeedStatus(Document):
    """A feed, and how far it was read."""

    name: str = Field(examples=["crm"])
    events: list[str] = Field(examples=[["sms.*"]])
    systems: list[str] | None
    filters: list[dict[str, Any]] = Field(description="As they were given")
    cursor: str = Field(description="How far it was acknowledged", examples=["1234"])
    behind: int = Field(description="So many events came since at most, of all types and systems")
    gap: FeedGap | None = Field(description="What was forgotten before it was read; None: nothing")
    author: str = Field(examples=["admin"])
    made_at: str = Field(examples=[AT])
    moved_at: str | None = Field(description="When it was acknowledged last", examples=[AT])

    @classmethod
    def of(cls, feed: "Feed") -> "FeedStatus":
        stored, wanted = feed.stored, feed.stored.wanted
        return cls(
            name=stored.name,
            events=list(wanted.events),
            systems=None if wanted.systems is None else list(wanted.systems),
            filters=[_said(one) for one in wanted.filters],
            cursor=str(stored.position),
            behind=feed.behind,
            gap=FeedGap.of(feed.gap),
            author=stored.author,
            made_at=iso(stored.made_at),
            moved_at=iso_or_none(stored.moved_at),
        )


class FeedList(Document):
    """The feeds, by name."""

    feeds: list[FeedStatus]


class FeedPage(BaseModel):
    """What comes next of a feed, oldest first. It stays where it is until `cursor` is acknowledged."""

    gap: FeedGap | None = Field(description="What was forgotten before it was read; None: nothing")
    events: list[EventBody]
    cursor: str = Field(description="Acknowledge it to go on behind these", examples=["1234"])
    has_more: bool = Field(description="There may be more behind them by now, also where none came")

    @classmethod
    def head(cls, read: "Read") -> dict[str, Any]:
        """All but the events, as JSON has it."""
        lost = FeedGap.of(read.gap)
        return {
            "gap": lost.model_dump(by_alias=True) if lost else None,
            "cursor": str(read.cursor),
            "has_more": read.has_more,
        }


def _said(one: filters.Filter) -> dict[str, Any]:
    values = one.values[0] if one.operator is Operator.IS else list(one.values)
    return {"field": one.field, one.operator.value: values}
