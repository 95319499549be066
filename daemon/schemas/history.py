"""For how long one subject was up and down, as JSON. Times are RFC 3339 in UTC, lengths are seconds.

What there are thousands of in one document are plain dataclasses: to check each of our own numbers would take
longer than all the rest.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from daemon.schemas.documents import AT, Document


@dataclass(slots=True)
class HistoryBucket:
    """One stretch of time. The last one ends now, if it is not over."""

    at: Annotated[str, Field(description="Its start", examples=[AT])]
    up: Annotated[float, Field(description="Seconds that it was seen to be up")]
    down: float
    unknown: Annotated[float, Field(description="Seconds in which it was not seen")]


@dataclass(slots=True)
class SampleBucket:
    """The course of one value in a stretch of time."""

    at: Annotated[str, Field(examples=[AT])]
    min: float
    mean: Annotated[float, Field(description="By the time that each value lasted")]
    max: float


class History(Document):
    """For how long one subject was up and down, and what its values were meanwhile."""

    system: str = Field(examples=["main"])
    subject: str = Field(examples=["queue/5"])
    step_seconds: int = Field(examples=[3600])
    buckets: list[HistoryBucket] = Field(description="All of them, oldest first; days are those of UTC")
    samples: dict[str, list[SampleBucket]] = Field(
        description="By metric: the buckets in which it was seen",
        examples=[{"calls_waiting": [{"at": AT, "min": 0, "mean": 1.5, "max": 7}]}],
    )
