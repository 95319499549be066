"""Tokens that keep, for one release, what needs a scope of its own since. Functions take a connection.

A migration writes down that there is something to keep; which tokens that concerns, the next daemon to start
knows from its configuration.
"""

from collections.abc import Collection

import sqlalchemy as sa

from daemon.core.scopes import CONTENT
from daemon.store.schema import kept_scopes

NEXT = ""
"""Stands for the tokens of the next daemon to start."""


def settle(db: sa.Connection, tokens: Collection[str], *, is_start: bool) -> frozenset[str]:
    """Keep the texts of SMS for those of these tokens for which they are kept, and for no others any more:
    who was taken out, or was given the scope, is new when he comes back. `tokens`: those that may read, and
    have not the scope. Returns their names."""
    found = _names(db)
    names = frozenset(tokens) if NEXT in found and is_start else found.intersection(tokens)
    going = found - names - (frozenset() if is_start else {NEXT})
    if going:
        db.execute(sa.delete(kept_scopes).where(_is_content(), kept_scopes.c.token.in_(going)))
    if names - found:
        rows = [{"token": one, "scope": CONTENT} for one in sorted(names - found)]
        db.execute(sa.insert(kept_scopes), rows)
    return names


def of_next(db: sa.Connection, tokens: Collection[str]) -> frozenset[str]:
    """Those of these tokens for which they are kept, also by the next daemon to start."""
    found = _names(db)
    return frozenset(tokens) if NEXT in found else found.intersection(tokens)


def load(db: sa.Connection) -> tuple[str, ...]:
    """The tokens for which the texts are kept; not those of a daemon that is still to start."""
    return tuple(sorted(_names(db) - {NEXT}))


def _names(db: sa.Connection) -> frozenset[str]:
    return frozenset(db.scalars(sa.select(kept_scopes.c.token).where(_is_content())))


def _is_content() -> sa.ColumnElement[bool]:
    return kept_scopes.c.scope == CONTENT
