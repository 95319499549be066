"""How long a delivery is tried, by the type of its event. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from daemon.core.event_types import names


@dataclass(frozen=True)
class Schedule:
    """For the event types that its globs name: when it is tried again, and when it is too late."""

    events: tuple[str, ...]
    retries: tuple[timedelta, ...]
    """The waits after each failed attempt."""
    expires: timedelta | None = None
    """After so long it is not worth telling any more; None: always."""


ALWAYS = Schedule(("*",), ())
"""What is never too late."""


@lru_cache(maxsize=1024)
def schedule_of(schedules: Sequence[Schedule], event_type: str) -> Schedule:
    """The first schedule that names a type; the last one is for all that none does."""
    return next((one for one in schedules if names(one.events, event_type)), schedules[-1])
