"""Who is to be called back, as JSON in and out."""

from typing import Annotated, Any

from pydantic import Field

from daemon.core import missed
from daemon.core.missed import Callback, Closed, Done, Source, Today
from daemon.core.timestamps import iso, iso_or_none
from daemon.core.watches.callbacks import request_id
from daemon.schemas.documents import AT, Document, words
from daemon.schemas.fields import Comment
from daemon.schemas.requests import Request

DONE: dict[str, dict[str, Any]] = {
    "said by whom": {"by": "Dana", "note": "called back, all is well"},
    "by the holder of the token": {},
}
"""What may be said of it."""


class MissedQueue(Document):
    """The queue that was called last."""

    path: str = Field(examples=["/5"])
    name: str = Field(examples=["sales"])


class Missed(Document):
    """Somebody who is, or was, to be called back."""

    id: str = Field(examples=["cb_01M8N35HZDKWXD6TH3ZC89PB0B"])
    system: str = Field(examples=["main"])
    phone: str = Field(description="As the platform spelled it last", examples=["0541234567"])
    queue: MissedQueue
    source: str = Field(
        description="queue: nobody answered there; platform: in a call-back list of the platform",
        json_schema_extra=words(Source),
    )
    request_id: int | None = Field(
        description="Its id in the platform's list, for queue.callback.remove; None: it is in none",
        examples=[None],
    )
    calls: int = Field(description="How often nobody answered, since he is listed", examples=[1])
    since: str = Field(description="When that was first", examples=[AT])
    last_at: str = Field(description="When that was last", examples=[AT])
    waited_seconds: list[int] | None = Field(
        description="Least and most, of the last call; None: not known", examples=[[52, 63]]
    )
    expires_at: str = Field(description="When it is given up, if nothing happens", examples=[AT])
    closed_at: str | None = Field(description="None: still to be called back", examples=[None])
    outcome: Annotated[str, Field(json_schema_extra=words(Done))] | None = Field(
        description="How it was closed"
    )
    by: str | None = Field(description="Who closed it; None: nobody had to", examples=[None])
    note: str | None

    @classmethod
    def of(cls, one: Callback) -> "Missed":
        return cls(
            id=one.id,
            system=one.system,
            phone=one.phone,
            queue=MissedQueue(path=one.path, name=one.name),
            source=one.source.value,
            request_id=request_id(one.request),
            calls=one.calls,
            since=iso(one.since),
            last_at=iso(one.last_at),
            waited_seconds=None if one.waited is None else list(one.waited),
            expires_at=iso(one.last_at + missed.EXPIRES),
            closed_at=iso_or_none(one.closed_at),
            outcome=None if one.done is None else one.done.value,
            by=one.closed_by,
            note=one.note,
        )


class ClosedMissed(Missed):
    """Somebody who is done with."""

    is_new: bool = Field(description="False: it was over before, and stands as it was")

    @classmethod
    def made(cls, closed: Closed) -> "ClosedMissed":
        return cls(**Missed.of(closed.callback).model_dump(), is_new=closed.is_new)


class QueueToday(Document):
    """What became today of the callers of a queue, as far as it is known."""

    system: str
    subject: str = Field(examples=["queue/5"])
    name: str | None = Field(description="As it is configured; None: nobody has seen it yet")
    answered: int
    abandoned: int = Field(description="Left without having been answered")
    kicked: int = Field(description="Put out by a command of ours")
    unknown: int = Field(description="Of whom nobody knows how they left")
    not_seen: int = Field(
        description="So many more, at least, gave up between two looks, and were seen by nobody"
    )
    withheld: int = Field(description="Of the abandoned: without a number, so nobody can call them back")
    longest_wait_seconds: int | None = Field(description="None: of nobody it is known")

    @classmethod
    def of(cls, one: Today) -> "QueueToday":
        figures = one.figures
        return cls(
            system=one.system,
            subject=one.subject,
            name=one.name,
            answered=figures.answered,
            abandoned=figures.abandoned,
            kicked=figures.kicked,
            unknown=figures.unknown,
            not_seen=figures.unseen,
            withheld=figures.withheld,
            longest_wait_seconds=figures.longest_wait_seconds,
        )


class MissedPage(Document):
    """Who is still to be called back, in the order in which they were missed."""

    missed: list[Missed]
    next: str | None = Field(description="Pass it as `after` to go on; None: there are no more")
    has_more: bool
    today: list[QueueToday]


class DoneRequest(Request):
    """That somebody was called back, or need not be."""

    by: Comment | None = Field(
        default=None, description="Who, for people; default: the token's name", examples=["Dana"]
    )
    note: Comment | None = Field(default=None, examples=["called back, all is well"])
