"""What the watches saw, in batches of one watch each. Functions take a connection.

Only whoever polls a system writes its batches. What they take together is counted as they are written and
forgotten, since adding it up would read all there is.
"""

import lzma
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from daemon.store.dialects import insert_into
from daemon.store.schema import observations, observations_kept

LEVEL = 6
"""Of zlib. A day of a queue takes 5 % less by 9, and more time."""
PRESET = 3
"""Of lzma."""
LONG = 4 << 10
"""Bytes from which on lzma is worth its time."""
XZ = b"\xfd7zXZ\x00"
MOST_MEMORY = 64 << 20
"""Bytes for which lzma may ask."""
MOST_TEXT = 4 << 20
"""Bytes of a batch when it is unpacked; one that would be longer is damaged."""
ROW = 64
"""Bytes that a row takes beside its text, about."""
Key = tuple[str, str, datetime]
"""Of a batch: system, watch, start."""


@dataclass(frozen=True)
class Packed:
    """A batch as it is stored."""

    system: str
    name: str
    start: datetime
    until: datetime
    looks: bytes

    @property
    def size(self) -> int:
        """Bytes that it counts for."""
        return len(self.looks) + ROW


def pack(text: str, *, is_full: bool = False) -> bytes:
    """The text of a batch, as it is stored; one that is full and long takes a third less."""
    raw = text.encode()
    if is_full and len(raw) >= LONG:
        return lzma.compress(raw, preset=PRESET)
    return zlib.compress(raw, LEVEL)


def unpack(looks: bytes) -> str:
    """The text of a batch. Raises ValueError for a damaged one."""
    is_xz = looks.startswith(XZ)
    unpacking: Any = lzma.LZMADecompressor(memlimit=MOST_MEMORY) if is_xz else zlib.decompressobj()
    try:
        text: bytes = unpacking.decompress(looks, MOST_TEXT)
    except (zlib.error, lzma.LZMAError) as error:
        raise ValueError(str(error)) from None
    if not unpacking.eof:
        raise ValueError("it is cut off, or longer than a batch can be")
    return text.decode()


def put(db: sa.Connection, batches: Sequence[Packed], grown: Mapping[str, int]) -> None:
    """Store batches as they are now; `grown`: by how many bytes those of a system take more than before."""
    if not batches:
        return
    db.execute(_writing(db.dialect.name), [{**vars(one)} for one in batches])
    _count(db, grown)


def watched(db: sa.Connection) -> list[tuple[str, str]]:
    """The watches (system, name) of which there are any."""
    found: list[tuple[str, str]] = []
    columns = observations.c.system, observations.c.name
    following = sa.select(*columns).order_by(*columns).limit(1)
    row = db.execute(following).first()
    while row is not None:  # a seek for each: a month of batches stands behind every one of them
        found.append((row.system, row.name))
        last = sa.tuple_(*map(sa.literal, found[-1]))
        row = db.execute(following.where(sa.tuple_(*columns) > last)).first()
    return found


def first_start(db: sa.Connection, watch: tuple[str, str], since: datetime) -> datetime | None:
    """When the batch starts in which a time falls, or the first after it; None: there is none."""
    of_watch = (observations.c.system == watch[0], observations.c.name == watch[1])
    start = sa.select(observations.c.start).where(*of_watch)
    before = start.where(observations.c.start <= since).order_by(observations.c.start.desc()).limit(1)
    after = start.where(observations.c.start > since).order_by(observations.c.start).limit(1)
    return db.scalar(before) or db.scalar(after)


def following(db: sa.Connection, watch: tuple[str, str], start: datetime, many: int) -> list[Packed]:
    """The next batches of a watch, from one that starts at `start` on."""
    of_watch = (observations.c.system == watch[0], observations.c.name == watch[1])
    found = sa.select(observations).where(*of_watch, observations.c.start >= start)
    rows = db.execute(found.order_by(observations.c.start).limit(many)).all()
    return [Packed(row.system, row.name, row.start, row.until, row.looks) for row in rows]


def total(db: sa.Connection) -> int:
    """Bytes that all of them take."""
    return int(db.scalar(sa.select(sa.func.sum(observations_kept.c.bytes))) or 0)


def oldest(db: sa.Connection, many: int, before: datetime | None = None) -> list[tuple[Key, int]]:
    """The oldest batches by their start, those that start before a time alone; with what each takes."""
    columns = (observations.c.system, observations.c.name, observations.c.start)
    found = sa.select(*columns, sa.func.length(observations.c.looks).label("length"))
    if before is not None:
        found = found.where(observations.c.start < before)
    rows = db.execute(found.order_by(observations.c.start).limit(many)).all()
    return [((row.system, row.name, row.start), row.length + ROW) for row in rows]


def forget(db: sa.Connection, keys: Sequence[Key]) -> int:
    """Delete these. Returns how many there were."""
    many, freed = 0, dict[str, int]()
    for system, name, start in keys:
        one = (observations.c.system == system, observations.c.name == name, observations.c.start == start)
        length = db.scalar(sa.select(sa.func.length(observations.c.looks)).where(*one))
        if length is not None:
            db.execute(sa.delete(observations).where(*one))
            freed[system] = freed.get(system, 0) - length - ROW
            many += 1
    _count(db, freed)
    return many


def _count(db: sa.Connection, grown: Mapping[str, int]) -> None:
    rows = [{"system": system, "bytes": more} for system, more in sorted(grown.items()) if more]
    if rows:
        db.execute(_counting(db.dialect.name), rows)


@cache
def _writing(dialect: str) -> sa.Executable:
    statement = insert_into(observations, dialect)
    changed = {name: statement.excluded[name] for name in ("until", "looks")}
    return statement.on_conflict_do_update(index_elements=["system", "name", "start"], set_=changed)


@cache
def _counting(dialect: str) -> sa.Executable:
    statement = insert_into(observations_kept, dialect)
    more: Any = observations_kept.c.bytes + statement.excluded["bytes"]
    return statement.on_conflict_do_update(index_elements=["system"], set_={"bytes": more})
