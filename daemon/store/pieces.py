"""What watches store beside their states, in pieces: a million digests of rows, of which a poll adds a few.

Only the holder of a system writes those of its watches, in the transaction of the poll. Functions take a
connection; they never begin nor commit.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from daemon.store.prepared import Prepared

_LOAD = Prepared(
    "SELECT name, content FROM pieces WHERE system = :system AND watch = :watch", "system", "watch"
)
_SAVE = Prepared(
    "INSERT INTO pieces (system, watch, name, content) VALUES (:system, :watch, :name, :content)"
    " ON CONFLICT (system, watch, name) DO UPDATE SET content = excluded.content",
    "system", "watch", "name", "content",
)  # fmt: skip
_FORGET = Prepared(
    "DELETE FROM pieces WHERE system = :system AND watch = :watch AND name = :name",
    "system", "watch", "name",
)  # fmt: skip


def load(db: sa.Connection, system: str, watch: str) -> dict[str, bytes]:
    """All pieces of a watch, by name."""
    return {row.name: bytes(row.content) for row in _LOAD.all(db, system, watch)}


def save(db: sa.Connection, watch: tuple[str, str], changed: Mapping[str, bytes | None]) -> None:
    """Store those of a watch (system, name) that have changed; None: forget one."""
    if changed:
        _SAVE.run_many(
            db, [(*watch, name, content) for name, content in changed.items() if content is not None]
        )
        _FORGET.run_many(db, [(*watch, name) for name, content in changed.items() if content is None])
