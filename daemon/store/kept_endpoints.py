"""Endpoints that are kept in the store, each sealed. Functions take a connection.

Of one that was taken away its name stays for a while: a daemon that has not heard of it yet may plan
something for it, which goes when it hears.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from daemon.store import happened
from daemon.store.dialects import insert_into
from daemon.store.happened import Topic
from daemon.store.schema import deliveries, endpoints, kept_endpoints, ledger, quiet

MOST_GONE = 100
"""Names of those that were taken away that stay, the newest."""
_NOT_OVER = sa.text("NOT ledger.is_over")


@dataclass(frozen=True)
class Kept:
    """One endpoint as it is stored."""

    name: str
    sealed: bytes
    author: str
    made_at: datetime
    changed_at: datetime
    overlap_until: datetime | None = None
    """So long the secrets before the newest sign, too; None: there are none."""
    request: str | None = None
    """The `Idempotency-Key` that it was made by, and whose; None: by none."""


def load(db: sa.Connection) -> list[Kept]:
    """Those that there are, by name."""
    found = sa.select(kept_endpoints).where(kept_endpoints.c.sealed.is_not(None))
    names = Kept.__dataclass_fields__
    rows = db.execute(found.order_by(kept_endpoints.c.name))
    return [Kept(**{name: getattr(row, name) for name in names}) for row in rows]


def find(db: sa.Connection, name: str) -> Kept | None:
    """One by its name."""
    return next((one for one in load(db) if one.name == name), None)


def put(db: sa.Connection, one: Kept) -> None:
    """Keep it, in the place of what was kept under its name."""
    values = {name: getattr(one, name) for name in Kept.__dataclass_fields__} | {"version": _next(db)}
    statement = insert_into(kept_endpoints, db.dialect.name).values(**values)
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
    happened.mark(db, Topic.SUBSCRIPTIONS)


def remove(db: sa.Connection, name: str) -> None:
    """Keep no more of it than that it was there."""
    of_name = kept_endpoints.c.name == name
    gone = {"sealed": None, "request": None, "overlap_until": None, "version": _next(db)}
    db.execute(sa.update(kept_endpoints).where(of_name).values(**gone))
    newest = sa.select(kept_endpoints.c.name).where(kept_endpoints.c.sealed.is_(None))
    newest = newest.order_by(kept_endpoints.c.version.desc()).limit(MOST_GONE)
    old = sa.and_(kept_endpoints.c.sealed.is_(None), kept_endpoints.c.name.not_in(newest))
    db.execute(sa.delete(kept_endpoints).where(old))
    happened.mark(db, Topic.SUBSCRIPTIONS)


def gone(db: sa.Connection) -> list[str]:
    """Names of those that were taken away of late."""
    return sorted(db.scalars(sa.select(kept_endpoints.c.name).where(kept_endpoints.c.sealed.is_(None))))


def is_remembered(db: sa.Connection, name: str) -> bool:
    """Whether anything is stored that is about an endpoint, beside what it was sent in the past."""
    is_open = sa.text("deliveries.ended_at IS NULL AND deliveries.lane >= ''")
    asked = (
        sa.select(deliveries.c.id).where(deliveries.c.endpoint == name, is_open),
        sa.select(ledger.c.incident).where(ledger.c.endpoint == name, _NOT_OVER),
        sa.select(endpoints.c.name).where(endpoints.c.name == name),
        sa.select(quiet.c.endpoint).where(quiet.c.endpoint == name),
    )
    return any(db.scalar(one.limit(1)) is not None for one in asked)


def forget(db: sa.Connection, name: str) -> None:
    """What is remembered of an endpoint, beside its deliveries: one of this name begins anew."""
    db.execute(sa.delete(ledger).where(ledger.c.endpoint == name, _NOT_OVER))
    db.execute(sa.delete(endpoints).where(endpoints.c.name == name))
    db.execute(sa.delete(quiet).where(quiet.c.endpoint == name))


def without_sealed(these: Iterable[Kept]) -> list[Kept]:
    """The same without what only the key opens, for who shows them."""
    return [replace(one, sealed=b"") for one in these]


def _next(db: sa.Connection) -> int:
    return int(db.scalar(sa.select(sa.func.max(kept_endpoints.c.version))) or 0) + 1
