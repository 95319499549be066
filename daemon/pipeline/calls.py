"""A caller who left a queue: as a fact tells of him, as the store keeps him, and as events say him again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core import missed
from daemon.core.durations import MINUTE
from daemon.core.model import Fact, Json
from daemon.core.phones import LONGEST_SPELLING
from daemon.core.timestamps import from_iso
from daemon.core.watches import callers
from daemon.store.missed import Call

SLACK = MINUTE
"""Ours. By so much the platform's clock and ours may differ, and its log may be late."""
MOST_UNSEEN = 100_000
"""Ours. More do not come and go between two answers: a counter that grew by more shows nonsense."""
OUTCOMES = {name: outcome for outcome, name in callers.TYPES.items()}
"""By the event type that tells of each."""


@dataclass(frozen=True)
class Scene:
    """Where and when something was seen."""

    db: sa.Connection
    system: str
    new_id: Callable[[str], str]
    now: datetime
    last: datetime | None = None
    """When it was looked at before; None: never."""


def of(scene: Scene, fact: Fact) -> Call:
    """The caller of whom a fact tells. What the log dates later than now has happened by now: the platform's
    clock is ahead of ours, or one of the two shows nonsense."""
    phone = str(said(fact, "caller", "phone") or "")
    waited = said(fact, "caller", "waited_seconds")
    call_id = said(fact, "caller", "call_id")
    logged, total = logged_at(fact), said(fact, "logged", "total_seconds")
    at = min(logged or scene.now, scene.now)
    after = at - timedelta(seconds=total) if isinstance(total, int) else at
    return Call(
        scene.system,
        fact.subject,
        None if call_id is None else str(call_id),
        missed.key(phone) or "",
        phone[:LONGEST_SPELLING],
        scene.last or scene.now if logged is None else after,
        at,
        (int(waited[0]), int(waited[1])) if isinstance(waited, list | tuple) else None,
        OUTCOMES[fact.type],
    )


def logged_at(fact: Fact) -> datetime | None:
    """The time of the log's row; None: it is not the log that tells of him."""
    return from_iso(said(fact, "logged", "at"))


def said(fact: Fact, *keys: str) -> Any:
    """What stands there in a fact; None: nothing."""
    value: Any = fact.payload
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def told(call: Call) -> Json:
    """What an event says of him."""
    waited = None if call.waited is None else list(call.waited)
    return {"call_id": call.call_id, "phone": call.phone, "waited_seconds": waited}


def unread(subject: str) -> Json:
    """A queue that nobody looked at just now."""
    return {"path": subject.removeprefix("queue/"), "name": subject.removeprefix("queue/"), **callers.UNREAD}
