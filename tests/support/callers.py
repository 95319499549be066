"""Callers of a queue as polls and the log tell of them, and what came of it in a store."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from daemon.core.model import Fact, Json
from daemon.core.routing.plan import Interest
from daemon.core.watches import callers
from daemon.core.watches.api import NO_PROBLEMS
from daemon.core.watches.queues import Caller, State, dump
from daemon.pipeline import missed
from daemon.pipeline.calls import Scene
from daemon.pipeline.events import Recorder
from daemon.store import watches
from daemon.store.database import Database
from tests.support.fakes import START, Ids

DANA, AVI = "0541234567", "0521111111"
EVERY = timedelta(seconds=10)


@dataclass
class Office:
    """A system whose queue is watched every ten seconds."""

    database: Database
    at: datetime = START
    ids: Ids = field(default_factory=Ids)
    told: list[Fact] = field(default_factory=list)

    @property
    def recorder(self) -> Recorder:
        return Recorder([Interest("crm", ("*",), None)], self.ids)

    def sees(self, *facts: Fact, unseen: int = 0, system: str = "main") -> list[str]:
        """What a poll that finds these gives, by type."""
        last, self.at = self.at, self.at + EVERY
        with self.database.write() as db:
            scene = Scene(db, system, self.ids, self.at, last)
            found = missed.follow(scene, facts, "queue/5", unseen)
        self.told += found
        return [one.type.removeprefix("queue.") for one in found]

    def waits(self, *seen: Caller, queue: str = "queue/5") -> None:
        """These wait, as a poll that is written has seen them."""
        state = State({one.call_id: one.phone for one in seen}, waiting=seen)
        with self.database.write() as db:
            text = json.dumps(dump(state))
            watches.save_observed(db, ("main", queue), text, now=self.at, problems=NO_PROBLEMS)

    def ticks(self) -> list[str]:
        with self.database.write() as db:
            events = missed.tick(db, self.recorder, self.at).events
        return [one.type.removeprefix("queue.") for one in events]

    def last(self) -> Fact:
        return self.told[-1]


def left(
    how: str,
    phone: str = DANA,
    call_id: str | None = "c1",
    waited: Sequence[int] | None = (40, 52),
    at: datetime | None = None,
    queue: str = "/5",
) -> Fact:
    """A caller who left; `at`: by the log."""
    payload: dict[str, Json] = {
        "queue": {"path": queue, "name": "sales", **callers.UNREAD},
        "caller": {
            "call_id": call_id,
            "phone": phone,
            "waited_seconds": None if waited is None else list(waited),
        },
    }
    if how == callers.LEFT:
        payload |= {"outcome": "unknown", "reason": "ambiguous"}
    else:
        payload["source"] = callers.COUNTERS if at is None else callers.LOG
    if at is not None:
        payload["logged"] = {"at": at.isoformat(), "status": "x", "total_seconds": 60, "answered_by": None}
    return Fact(how, f"queue/{queue.strip('/')}", payload)
