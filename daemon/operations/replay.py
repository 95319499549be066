"""Sending again what an endpoint has had, lost, or never got.

An alert's event of the past says what was true then. Sent again after a later one, it would leave the
receiver believing something false, so only the last word of each incident goes, unless all of history
is asked for.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from daemon.core.delivery.outcome import OPEN, Status
from daemon.core.durations import SECOND
from daemon.core.model import Event, Reason
from daemon.core.own_events import PING
from daemon.core.routing.plan import DIRECTED, Interest, lane, planned, wants
from daemon.store import outbox, replay, retries
from daemon.store.database import Database
from daemon.store.replay import CHUNK, Past, Plan, Span, Which


def plan(
    db: sa.Connection, interest: Interest, span: Span, which: Which, *, with_history: bool = False
) -> Plan:
    """What a replay would send to an endpoint. Nothing is written."""
    items: list[Past] = []
    outdated = under_way = 0
    for one in replay.past(db, interest.endpoint, span, only_dead=which is Which.FAILED):
        if not _is_asked_for(one, interest, which):
            continue
        if one.status in OPEN:
            under_way += 1
        elif not with_history and not _is_true(db, one, interest.endpoint):
            outdated += 1
        else:
            items.append(one)
    return Plan(tuple(sorted(items, key=lambda one: one.number)), outdated, under_way)


def send(
    database: Database, interest: Interest, items: Sequence[Past], now: datetime, *, rate: float | None = None
) -> None:
    """Make these due, `rate` of them a second (None: at once), a part at a time: the daemon goes on."""
    for start in range(0, len(items), CHUNK):
        part = items[start : start + CHUNK]
        dues = [now + (start + index) / rate * SECOND if rate else now for index in range(len(part))]
        due = {one.number: at for one, at in zip(part, dues, strict=True)}
        again = [one for one in part if one.delivery is not None]
        new = [one for one in part if one.delivery is None]
        with database.write() as db:
            retries.reopen(
                db,
                [one.delivery for one in again if one.delivery],
                now,
                dues=[due[one.number] for one in again],
            )
            _add(db, interest, new, due, now)


def _add(
    db: sa.Connection, interest: Interest, new: Iterable[Past], due: dict[int, datetime], now: datetime
) -> None:
    """Deliveries of events that the endpoint never had."""
    for one in new:
        outbox.add(db, [planned(one.event, interest, lane(one.event))], now, due_at=due[one.number])


def _is_asked_for(one: Past, interest: Interest, which: Which) -> bool:
    if which is Which.FAILED:
        return one.status is Status.DEAD and one.event.type != PING
    is_missing = one.delivery is None and _is_for_all(one.event) and wants(interest, one.event)
    return is_missing or (which is Which.ALL and one.delivery is not None)


def _is_for_all(event: Event) -> bool:
    """Whether an event was not written for one endpoint alone."""
    reason = json.loads(event.body)["data"].get("alert", {}).get("reason")
    return event.type not in DIRECTED and reason not in (Reason.REPEAT.value, Reason.CATCH_UP.value)


def _is_true(db: sa.Connection, one: Past, endpoint: str) -> bool:
    """Whether what an event says may still be believed by whoever hears it last."""
    if one.status is Status.SUPERSEDED:
        return False
    if "alert" not in json.loads(one.event.body)["data"]:
        return True
    return one.delivery is not None and replay.is_last_word(db, one.event, endpoint)
