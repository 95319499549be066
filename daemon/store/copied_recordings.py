"""How far the recordings of each folder are copied. Functions take a connection.

Only whoever polls a system writes those of its folders.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from daemon.core.copied import Folder
from daemon.store.prepared import Prepared
from daemon.store.schema import copied_recordings, events

_SAVE = Prepared(
    "INSERT INTO copied_recordings (system, folder, number) VALUES (:system, :folder, :number)"
    " ON CONFLICT (system, folder) DO UPDATE SET number = excluded.number",
    "system", "folder", "number",
)  # fmt: skip


def load(db: sa.Connection) -> dict[Folder, int]:
    """The number of the event up to which each folder is copied."""
    return {(row.system, row.folder): row.number for row in db.execute(sa.select(copied_recordings))}


def save(db: sa.Connection, marks: Mapping[Folder, int]) -> None:
    """Remember these."""
    _SAVE.run_many(db, [(*folder, number) for folder, number in marks.items()])


def prune(db: sa.Connection) -> None:
    """Forget those below the oldest event that is kept: without one, a folder is begun there anyway."""
    oldest = db.scalar(sa.select(sa.func.min(events.c.number)))
    if oldest is not None:
        db.execute(sa.delete(copied_recordings).where(copied_recordings.c.number < oldest))
