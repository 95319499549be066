"""Which configuration is in force, by the names of its parts. Functions take a connection."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from daemon.core.differences import Difference, Parts
from daemon.store.dialects import insert_into
from daemon.store.schema import in_force

NAME = "configuration"


@dataclass(frozen=True)
class InForce:
    """What is in force, and since when."""

    since: datetime
    parts: Parts
    reloaded_at: datetime | None
    """None: it is that of the start."""
    difference: Difference | None
    """What lies between it and the one before; None: there was none before."""


def load(db: sa.Connection) -> InForce | None:
    """What the daemon took over last; None where none ever ran."""
    row = db.execute(sa.select(in_force).where(in_force.c.name == NAME)).one_or_none()
    if row is None:
        return None
    changes = None if row.reload is None else json.loads(row.reload)
    return InForce(row.since, json.loads(row.described), row.reloaded_at, _difference(changes))


def fingerprint(db: sa.Connection) -> str | None:
    """Of the whole file that is in force, where several daemons have to agree on it."""
    return db.scalar(sa.select(in_force.c.fingerprint).where(in_force.c.name == NAME))


def save(
    db: sa.Connection,
    parts: Parts,
    changes: Difference | None,
    now: datetime,
    *,
    is_reload: bool,
    fingerprint: str | None = None,
) -> None:
    """Store what is taken over; `parts` hold no secret. `fingerprint`: None leaves what is there."""
    values = {
        **({} if fingerprint is None else {"fingerprint": fingerprint}),
        "since": now,
        "described": json.dumps(parts, sort_keys=True),
        "reloaded_at": now if is_reload else None,
        "reload": None if changes is None else json.dumps(changes.json()),
    }
    statement = insert_into(in_force, db.dialect.name).values(name=NAME, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def describe(db: sa.Connection, parts: Parts) -> None:
    """What is in force is otherwise by now, and no other file was taken over."""
    described = json.dumps(parts, sort_keys=True)
    db.execute(sa.update(in_force).where(in_force.c.name == NAME).values(described=described))


def _difference(changes: Mapping[str, Mapping[str, list[str]]] | None) -> Difference | None:
    if changes is None:
        return None
    return Difference(
        *(
            {kind: tuple(names) for kind, names in changes[how].items()}
            for how in ("added", "removed", "changed")
        )
    )
