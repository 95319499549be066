"""The health of endpoints. Functions take a connection; they never begin nor commit."""

from collections.abc import Collection, Mapping
from dataclasses import fields

import sqlalchemy as sa

from daemon.core.delivery.breaker import HEALTHY, Breaker, Switch
from daemon.store import happened
from daemon.store.dialects import insert_into
from daemon.store.happened import Topic
from daemon.store.schema import endpoints

_ASKED = sa.select(endpoints.c.name, endpoints.c.asked).where(endpoints.c.asked.is_not(None))
_NAMES = tuple(field.name for field in fields(Breaker))


def load(db: sa.Connection) -> dict[str, Breaker]:
    """Every endpoint that was ever anything but well, by name."""
    rows = db.execute(sa.select(endpoints))
    return {row.name: Breaker(**{name: getattr(row, name) for name in _NAMES}) for row in rows}


def save(db: sa.Connection, breakers: Mapping[str, Breaker]) -> None:
    """Store breakers that have changed."""
    for name, breaker in breakers.items():
        _put(db, name, {field: getattr(breaker, field) for field in _NAMES})


def ask(db: sa.Connection, endpoint: str, switch: Switch) -> None:
    """Leave word that an operator wants an endpoint turned on or off; the dispatcher does it."""
    values = {field: getattr(HEALTHY, field) for field in _NAMES}
    statement = insert_into(endpoints, db.dialect.name).values(name=endpoint, asked=switch, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"asked": switch}))
    happened.mark(db, Topic.ENDPOINTS)


def asked(db: sa.Connection) -> dict[str, Switch]:
    """What operators have asked for and nobody has done yet."""
    return {row.name: row.asked for row in db.execute(_ASKED)}


def done(db: sa.Connection, names: Collection[str]) -> None:
    """What was asked of these is done."""
    if names:
        db.execute(sa.update(endpoints).where(endpoints.c.name.in_(sorted(names))).values(asked=None))


def _put(db: sa.Connection, name: str, values: Mapping[str, object]) -> None:
    statement = insert_into(endpoints, db.dialect.name).values(name=name, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=dict(values)))
