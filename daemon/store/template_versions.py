"""Which template an endpoint has had since when, so that a change applies to what is planned after it.

A version counts from a delivery on, by its number, which only grows: no clock is asked, and what is planned
for each message costs nothing. Written where a configuration is taken over. Functions take a connection.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from daemon.core.templates.planned import Planned
from daemon.store.schema import deliveries, template_versions

MOST_VERSIONS = 50
"""Ours. Of one endpoint, of a template that is changed again and again while nothing of it gets through. What
was planned with an older one goes by the oldest that is kept."""

_versions = template_versions.c


def take_over(db: sa.Connection, in_force: Mapping[str, str | None]) -> None:
    """From the next delivery on these are the templates, by endpoint; None: it has none. Forgets those that
    nothing is left of that was planned with them."""
    newest = db.scalar(sa.select(sa.func.max(deliveries.c.id))) or 0
    known = _known(db)
    for endpoint, text in in_force.items():
        before = known.get(endpoint, [])
        last = before[-1].text if before else None
        if text == last:
            continue
        # Where the newest deliveries are forgotten, those to come have higher numbers all the same.
        following = max(newest + 1, before[-1].since if before else 0)
        if before and before[-1].since == following:  # nothing was planned by that one
            db.execute(sa.delete(template_versions).where(*_is(endpoint, following)))
        db.execute(sa.insert(template_versions).values(endpoint=endpoint, since=following, text=text))
    for endpoint in known.keys() | in_force.keys():
        _forget(db, endpoint)


def planned_with(db: sa.Connection, endpoint: str, delivery: int) -> Planned | None:
    """The template that a delivery was planned with. None: nothing is known of its endpoint's templates."""
    of_it = sa.select(_versions.text).where(_versions.endpoint == endpoint)
    newest_first = of_it.where(_versions.since <= delivery).order_by(_versions.since.desc()).limit(1)
    row = db.execute(newest_first).one_or_none()
    if row is not None:
        return Planned(row.text)
    is_known = db.scalar(sa.select(of_it.exists()))
    return Planned(None) if is_known else None


def templated(db: sa.Connection) -> set[str]:
    """The endpoints of which something may be left that was planned with a template."""
    return set(db.scalars(sa.select(_versions.endpoint).where(_versions.text.is_not(None)).distinct()))


def _known(db: sa.Connection) -> dict[str, list[Any]]:
    """Every version by endpoint, the oldest first."""
    found: dict[str, list[Any]] = {}
    query = sa.select(_versions.endpoint, _versions.since, _versions.text)
    for row in db.execute(query.order_by(_versions.endpoint, _versions.since)):
        found.setdefault(row.endpoint, []).append(row)
    return found


def _forget(db: sa.Connection, endpoint: str) -> None:
    """What nothing was planned with that is kept, but for the last: that one is in force."""
    of_it = sa.select(_versions.since).where(_versions.endpoint == endpoint)
    since = list(db.scalars(of_it.order_by(_versions.since)))
    if not since:
        return
    surplus, since = since[:-MOST_VERSIONS], since[-MOST_VERSIONS:]
    for one in surplus:
        db.execute(sa.delete(template_versions).where(*_is(endpoint, one)))
    if surplus:
        first = sa.update(template_versions).where(*_is(endpoint, since[0]))
        db.execute(first.values(since=surplus[0]))
        since[0] = surplus[0]
    oldest = db.scalar(sa.select(sa.func.min(deliveries.c.id)).where(deliveries.c.endpoint == endpoint))
    for one, following in pairwise(since):
        if oldest is None or oldest >= following:
            db.execute(sa.delete(template_versions).where(*_is(endpoint, one)))
    if oldest is None or oldest >= since[-1]:
        of_none = (_versions.endpoint == endpoint, _versions.text.is_(None))
        db.execute(sa.delete(template_versions).where(*of_none))


def _is(endpoint: str, since: int) -> tuple[sa.ColumnElement[bool], ...]:
    return _versions.endpoint == endpoint, _versions.since == since
