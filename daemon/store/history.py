"""What became of events at the endpoints, for people who ask why. Functions take a connection."""

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core.delivery.outcome import OPEN, Outcome, Phases, Status
from daemon.store.events import glob
from daemon.store.outbox import KEPT_AS
from daemon.store.schema import attempts, deliveries, events, template_versions

LAST_ID = 2**63 - 1
"""The largest number that a column can be asked for."""


@dataclass(frozen=True)
class AttemptView:
    """One try of a delivery."""

    number: int
    started_at: datetime
    phases: Phases
    outcome: Outcome
    http_status: int | None
    error: str | None
    response_head: str | None
    address: str | None

    @property
    def took(self) -> timedelta:
        return timedelta(microseconds=self.phases.total)


@dataclass(frozen=True)
class DeliveryView:
    """One event for one endpoint."""

    id: int
    event: str
    type: str
    system: str
    subject: str
    endpoint: str
    status: Status
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None
    error: str | None
    """What it failed of last, or why it was given up."""
    superseded: int
    tries: int
    template: str | None = None
    """The name of the template that it was planned with; None: it has none."""
    attempts: tuple[AttemptView, ...] = ()
    """Empty in a list."""


@dataclass(frozen=True)
class Wanted:
    """Which deliveries to read; None does not narrow."""

    endpoint: str | None = None
    status: Status | None = None
    type: str | None = None
    """A glob on the event's type."""
    before: int | None = None
    """Only those with a smaller id."""
    limit: int = 100


_SELECT: sa.Select[Any] = sa.select(
    deliveries.c.id,
    events.c.id.label("event"),
    events.c.type,
    events.c.system,
    events.c.subject,
    deliveries.c.endpoint,
    deliveries.c.status,
    deliveries.c.created_at,
    deliveries.c.due_at,
    deliveries.c.ended_at,
    deliveries.c.error,
    deliveries.c.superseded,
    deliveries.c.attempts.label("tries"),
).join_from(deliveries, events, events.c.number == deliveries.c.event)
_VERSIONS = template_versions.c
_NAMES = tuple(_SELECT.selected_columns.keys())
_IDS: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
_AS_FIRST: dict[str, sa.ColumnElement[Any]] = {
    "delivery": deliveries.c.id,
    "number": sa.literal_column("1"),
    "outcome": sa.literal_column(f"'{Outcome.ACCEPTED.value}'"),
    "error": sa.null(),
}
_FIRST = (
    _AS_FIRST[one.name] if one.name in _AS_FIRST else deliveries.c[f"first_{one.name}"] for one in attempts.c
)
_ATTEMPTS = sa.union_all(
    sa.select(attempts).where(attempts.c.delivery.in_(_IDS)),
    sa.select(*_FIRST).where(deliveries.c.id.in_(_IDS), deliveries.c.first_started_at.is_not(None)),
)
"""Every attempt of some deliveries, wherever it is kept."""


_FIRST_LEASED = sa.select(sa.func.min(deliveries.c.id + 0)).where(
    sa.text("deliveries.status = 'leased'"),
    deliveries.c.attempts <= 1,
    deliveries.c.endpoint.concat("") == sa.bindparam("of_endpoint", type_=sa.Text),
)
"""Of what was never tried; by the index of what is leased: for the least id itself, which is what it would be
without the sum, SQLite walks all deliveries from the first on."""


def of_events(db: sa.Connection, ids: list[str]) -> list[DeliveryView]:
    """Every delivery of some events, by event and endpoint, each with its attempts."""
    found = _SELECT.where(events.c.id.in_(ids)).order_by(deliveries.c.id)
    return _with_templates(db, [_view(row, tuple(_attempts(db, row.id))) for row in db.execute(found)])


def find(db: sa.Connection, delivery: int) -> DeliveryView | None:
    """One delivery by its id, with its attempts."""
    row = db.execute(_SELECT.where(deliveries.c.id == delivery)).one_or_none()
    return _with_templates(db, [_view(row, tuple(_attempts(db, row.id)))])[0] if row else None


def read(db: sa.Connection, wanted: Wanted) -> list[DeliveryView]:
    """Deliveries without their attempts, the newest first."""
    # What is open, or dead letters, by their negative id, which SQLite has to sort for; and what is open not
    # by the index of an endpoint: else it walks all deliveries that there ever were.
    is_open = wanted.status in OPEN
    is_few = is_open or (wanted.status is Status.DEAD and wanted.endpoint is None)
    found = _SELECT.order_by(-deliveries.c.id if is_few else deliveries.c.id.desc()).limit(wanted.limit)
    if wanted.endpoint is not None:
        of_few = deliveries.c.endpoint.concat("")
        found = found.where((of_few if is_open else deliveries.c.endpoint) == wanted.endpoint)
    if wanted.status is not None:
        # Literal, so that SQLite sees that the partial index serves.
        kept_as = KEPT_AS.get(wanted.status, wanted.status)
        found = found.where(sa.text(f"deliveries.status = '{kept_as.value}'"))
        if kept_as is Status.DELIVERED:
            is_unknown = wanted.status is Status.UNKNOWN
            found = found.where(
                deliveries.c.error.is_not(None) if is_unknown else deliveries.c.error.is_(None)
            )
    if wanted.type is not None:
        found = found.where(glob(events.c.type, wanted.type))
    if wanted.before is not None:
        found = found.where(deliveries.c.id < wanted.before)
    return _with_templates(db, [_view(row) for row in db.execute(found).all()])


def recent_attempts(db: sa.Connection, endpoint: str, limit: int) -> list[tuple[int, AttemptView]]:
    """The newest attempts for an endpoint, each with its delivery's id, the oldest of them first.

    By index, however much waits or has ended: of the newest deliveries, of those that are due next, and of
    the newest before these, and before what is about to be tried: behind a backlog nothing was tried yet.
    """
    of_endpoint = sa.select(deliveries.c.id).where(deliveries.c.endpoint == endpoint).limit(limit)
    newest = of_endpoint.order_by(deliveries.c.id.desc())
    due = of_endpoint.where(sa.text("deliveries.status = 'pending'")).order_by(deliveries.c.due_at)
    ids = {*db.scalars(newest), *(next_ones := list(db.scalars(due)))}
    first_leased = db.scalar(_FIRST_LEASED, {"of_endpoint": endpoint})
    for first in (min(next_ones, default=None), first_leased):
        if first is not None:
            ids |= set(db.scalars(newest.where(deliveries.c.id < first)))
    tried = [(row.delivery, _attempt(row)) for row in db.execute(_ATTEMPTS, {"ids": sorted(ids)})]
    return sorted(tried, key=lambda one: (one[1].started_at, one[0], one[1].number))[-limit:]


def _with_templates(db: sa.Connection, found: list[DeliveryView]) -> list[DeliveryView]:
    """The same, each with its template's name. There are few versions of templates: all are read at once."""
    oldest_first = sa.select(_VERSIONS.endpoint, _VERSIONS.since, _VERSIONS.name).order_by(
        _VERSIONS.endpoint, _VERSIONS.since
    )
    versions = db.execute(oldest_first).all() if found else []
    if not versions:
        return found
    of_endpoint: dict[str, list[tuple[int, str | None]]] = {}
    for endpoint, since, name in versions:
        of_endpoint.setdefault(endpoint, []).append((since, name))

    def template(one: DeliveryView) -> str | None:
        known = of_endpoint.get(one.endpoint, [])
        at = bisect_right(known, one.id, key=lambda version: version[0])
        return known[at - 1][1] if at else None

    return [replace(one, template=template(one)) for one in found]


def _view(row: sa.Row[Any], attempts: tuple[AttemptView, ...] = ()) -> DeliveryView:
    # By position: to look for 13 names in each of a hundred rows costs as much as all the rest of a list.
    view = DeliveryView(**dict(zip(_NAMES, row, strict=True)), attempts=attempts)
    is_unknown = view.status is Status.DELIVERED and view.error is not None
    return replace(view, status=Status.UNKNOWN) if is_unknown else view


def _attempts(db: sa.Connection, delivery: int) -> list[AttemptView]:
    found = [_attempt(row) for row in db.execute(_ATTEMPTS, {"ids": [delivery]})]
    return sorted(found, key=lambda one: one.number)


def _attempt(row: sa.Row[Any]) -> AttemptView:
    names = AttemptView.__dataclass_fields__.keys() - {"phases"}
    return AttemptView(
        **{name: getattr(row, name) for name in names},
        phases=Phases(*(getattr(row, phase) for phase in Phases._fields)),
    )
