"""The sessions of the page that were ended before their time. Functions take a connection.

A session is known by a hash of its id, and its token by a mark that leads nowhere. Each token has a
generation: whoever ends all of its sessions raises it, and what was begun with a lower one counts no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from daemon.store.schema import ended_sessions

ALL = ""
"""In the place of a session: the row says which generation of the token's sessions counts."""


@dataclass(frozen=True)
class Ended:
    """Of one token."""

    generation: int = 0
    sessions: frozenset[str] = frozenset()
    """Of this generation."""


def load(db: sa.Connection) -> Mapping[str, Ended]:
    """All of them, by the token's mark."""
    generations: dict[str, int] = {}
    sessions: dict[str, set[str]] = {}
    for mark, session, generation in db.execute(sa.select(ended_sessions)):
        if session == ALL:
            generations[mark] = generation
        else:
            sessions.setdefault(mark, set()).add(session)
    return {
        mark: Ended(generations.get(mark, 0), frozenset(sessions.get(mark, ())))
        for mark in generations.keys() | sessions.keys()
    }


def save(db: sa.Connection, mark: str, ended: Ended) -> None:
    """Write down how it stands with the sessions of a token."""
    db.execute(sa.delete(ended_sessions).where(ended_sessions.c.mark == mark))
    rows = [{"mark": mark, "session": one, "generation": ended.generation} for one in (ALL, *ended.sessions)]
    db.execute(sa.insert(ended_sessions), rows)
