"""Deliveries that are tried again before their time, that are given up, and that are taken up again.

Functions take a connection.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from daemon.core.delivery.outcome import Outcome
from daemon.store import lanes
from daemon.store.column_types import MILLISECOND, millis
from daemon.store.prepared import Prepared
from daemon.store.schema import attempts, deliveries, endpoints

ALONE = sa.text("deliveries.incident IS NULL")
"""No alert's: those are the ledger's."""
MOST_DOUBLINGS = 10
"""Ours. Of the time between attempts beside the schedule."""

# From when on it may be tried: `apart` after the last attempt, twice as long after each beside the schedule.
_FROM = (
    "(coalesce((SELECT started_at FROM attempts WHERE delivery = deliveries.id"  # noqa: S608 - our own words
    " AND number = deliveries.attempts), CASE WHEN attempts = 1 THEN first_started_at END, 0)"
    " + CAST(:apart AS BIGINT) * CASE WHEN attempts - failures < "
    f"{MOST_DOUBLINGS} THEN 1 << (attempts - failures) ELSE {1 << MOST_DOUBLINGS} END)"
)
_HASTEN = Prepared(
    "UPDATE deliveries SET again_at = coalesce(again_at, due_at),"  # noqa: S608 - our own words
    f" due_at = CASE WHEN {_FROM} > :now THEN {_FROM} ELSE :now END"
    " WHERE endpoint = :endpoint AND status = 'pending' AND attempts > 0"
    f" AND due_at > :now AND due_at > {_FROM}",
    "now", "apart", "endpoint",
)  # fmt: skip
_REOPEN = Prepared(
    "UPDATE deliveries SET status = 'waiting', due_at = :due_at, ended_at = NULL, failures = 0,"
    " error = NULL, expires_at = NULL, again_at = NULL WHERE id = :id AND ended_at IS NOT NULL",
    "due_at", "id",
)  # fmt: skip
_GIVE_UP = Prepared(
    "UPDATE deliveries SET status = 'dead', ended_at = :now, error = :error"
    " WHERE id = :id AND status IN ('waiting', 'pending')",
    "now", "error", "id",
)  # fmt: skip


def hasten(db: sa.Connection, endpoint: str, now: datetime, *, apart: timedelta = timedelta(0)) -> None:
    """Make due what waits for a retry: the endpoint takes messages. It is tried beside its schedule, which
    goes on where that fails.

    `apart`: from the attempt before, at least; twice as long after each that was beside the schedule, so that
    what only this message makes fail is not tried with every other that is accepted.
    """
    _HASTEN.run(db, millis(now), apart // MILLISECOND, endpoint)


def revive(db: sa.Connection, endpoint: str, since: datetime, now: datetime) -> int:
    """Take up again the facts that were given up because an endpoint failed since a time. Returns how many.

    Not what it refused, nor what is too late; and alerts are the ledger's, which tells how they stand now.
    """
    is_worth_it = sa.or_(deliveries.c.expires_at.is_(None), deliveries.c.expires_at > now)
    given_up = sa.select(deliveries.c.id).where(*may_be_revived(endpoint, since), is_worth_it)
    dead = list(db.scalars(given_up))
    reopen(db, dead, now)
    return len(dead)


def reopen(
    db: sa.Connection, ids: Sequence[int], now: datetime, *, dues: Sequence[datetime] | None = None
) -> None:
    """Make deliveries that have ended due again, each in its lane; attempts are counted on.

    `dues`: when each of them is due; None: now.
    """
    when = dues or [now] * len(ids)
    _REOPEN.run_many(db, [(millis(due), number) for number, due in zip(ids, when, strict=True)])
    lanes.promote_headless(db, lanes.of(db, ids), now)


def give_up(db: sa.Connection, ids: Sequence[int], error: str, now: datetime) -> None:
    """End deliveries that are not under way as dead letters, for a reason."""
    _GIVE_UP.run_many(db, [(millis(now), error, number) for number in ids])
    lanes.promote_headless(db, lanes.of(db, ids), now)


def failing_since(db: sa.Connection, endpoint: str) -> datetime | None:
    return db.scalar(sa.select(endpoints.c.failing_since).where(endpoints.c.name == endpoint))


def may_be_revived(endpoint: str, since: datetime) -> list[sa.ColumnElement[bool] | sa.TextClause]:
    """What was given up because the endpoint failed since a time; alerts are not."""
    was_refused = sa.select(attempts.c.number).where(
        attempts.c.delivery == deliveries.c.id,
        attempts.c.number == deliveries.c.attempts,
        attempts.c.outcome == Outcome.REFUSED,
    )
    return [
        deliveries.c.endpoint == endpoint,
        sa.text("status = 'dead'"),
        deliveries.c.ended_at >= since,
        deliveries.c.failures > 0,
        ALONE,
        ~was_refused.exists(),
    ]
