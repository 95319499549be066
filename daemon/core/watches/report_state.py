"""What is remembered of a series of files, and how it is stored. Pure.

Of rows nothing is kept but their digests, in the order of their file.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from daemon.core.model import Json
from daemon.core.timestamps import from_iso, iso, iso_or_none

if TYPE_CHECKING:
    from daemon.core.files import File

PIECE = 4096
"""Ours. Digests that are stored together: 32 KiB. A file that grows writes its last piece anew, and no
other."""
GONE = ""
"""In place of a file's name: the pieces of what stands in no file."""


@dataclass(frozen=True)
class Digests:
    """Of rows, 64 bits each, in their order."""

    rows: "array[int]" = field(default_factory=lambda: array("Q"))

    def __len__(self) -> int:
        return len(self.rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digests) and self.rows == other.rows

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def check(self) -> str:
        """By which it is known whether what is stored of them is whole."""
        return blake2b(self.rows.tobytes(), digest_size=8).hexdigest()

    def many(self, one: int) -> int:
        """How often a row is among them."""
        return bisect_right(self._sorted, one) - bisect_left(self._sorted, one)

    @cached_property
    def _sorted(self) -> "array[int]":
        return array("Q", sorted(self.rows))


NONE = Digests()


@dataclass(frozen=True)
class Kept:
    """One file of the series, as it was when it was taken."""

    size: int | None
    modified: str | None
    unique_id: str | None
    rows: Digests | None
    """Those that are known to stand in it; None: nobody knows, since it was never read."""
    form: str = ""
    held: int | None = None
    """Of its last row, which may be half written, and is not among `rows`."""
    is_due: bool = False
    """It has to be read once more, whatever it is listed as."""
    is_gone: bool = False
    """It is not listed any more."""
    read_at: datetime | None = None
    """To the second; None: never."""
    has_more: bool = False
    """There are more rows to be told than one poll tells; for who has read it already. Not stored."""

    def is_as(self, file: "File") -> bool:
        """Whether it is listed as it was."""
        return (self.size, self.modified, self.unique_id) == (file.size_bytes, file.modified, file.unique_id)


@dataclass(frozen=True)
class State:
    """What is remembered of a series of files."""

    files: Mapping[str, Kept]
    gone: Digests = NONE
    """Rows that stood in a file which was read without them since."""
    since: str = ""
    """The moment of the first look, local, while it is not sure that there was no file then; else ""."""
    empties: int = 0
    """How many answers have said so yet."""
    spent: tuple[tuple[datetime, int], ...] = ()
    """When how many bytes were read, in the last day."""

    @property
    def is_moving(self) -> bool:
        """Whether an equal list, later, would say something new."""
        return bool(self.since) or any(one.is_due and not one.is_gone for one in self.files.values())


def dump(state: State) -> dict[str, Json]:
    """The state as JSON. The digests of its rows are stored beside it, in pieces."""
    files: dict[str, Json] = {name: _dumped(kept) for name, kept in state.files.items()}
    stored: dict[str, Json] = {"files": files}
    if state.gone:
        stored["gone"] = [len(state.gone), state.gone.check]
    if state.since:
        stored |= {"since": state.since, "empties": state.empties}
    if state.spent:
        stored["spent"] = [[iso(at), many] for at, many in state.spent]
    return stored


def load(stored: Mapping[str, Any], pieces: Mapping[str, bytes]) -> State:
    """The state that `dump` wrote. Rows of which the pieces are not whole are not known."""
    spent = [(from_iso(at), many) for at, many in stored.get("spent", ())]
    return State(
        {name: _loaded(name, one, pieces) for name, one in stored["files"].items()},
        _gathered(GONE, stored["gone"], pieces) or NONE if "gone" in stored else NONE,
        stored.get("since", ""),
        stored.get("empties", 0),
        tuple((at, many) for at, many in spent if at is not None),
    )


def _dumped(kept: Kept) -> Json:
    listed_as: list[Json] = [kept.size, kept.modified, kept.unique_id]
    if kept.rows is None:
        return [*listed_as, None, kept.is_gone]
    read_at = iso_or_none(kept.read_at)
    known: list[Json] = [len(kept.rows), kept.rows.check, kept.form, kept.held, kept.is_due, read_at]
    return [*listed_as, known, kept.is_gone]


def _loaded(name: str, stored: Sequence[Any], pieces: Mapping[str, bytes]) -> Kept:
    size, modified, unique_id, rows, is_gone = stored
    if rows is None:
        return Kept(size, modified, unique_id, None, is_gone=is_gone)
    *known, form, held, is_due, read_at = rows
    found = _gathered(name, known, pieces)
    if found is None:
        return Kept(size, modified, unique_id, None, is_gone=is_gone)
    return Kept(size, modified, unique_id, found, form, held, is_due, is_gone, from_iso(read_at))


def _gathered(name: str, known: Sequence[Any], pieces: Mapping[str, bytes]) -> Digests | None:
    many, check = known
    rows = array("Q")
    for at in range(-(-many // PIECE)):
        piece = pieces.get(f"{name}/{at}", b"")
        rows.frombytes(piece[: len(piece) // rows.itemsize * rows.itemsize])
    if sys.byteorder == "big":
        rows.byteswap()
    found = Digests(rows)
    return found if len(found) == many and found.check == check else None


def pieces(before: State, after: State) -> dict[str, bytes | None]:
    """What has to be stored anew of the digests, and what is to be forgotten (None)."""
    changed: dict[str, bytes | None] = {}
    sides = [
        {GONE: one.gone, **{name: kept.rows or NONE for name, kept in one.files.items()}}
        for one in (before, after)
    ]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        was, now = sides[0].get(name, NONE), sides[1].get(name, NONE)
        if was is not now:
            changed |= dict(_changed(name, was.rows, now.rows))
    return changed


def _changed(name: str, was: "array[int]", now: "array[int]") -> Iterator[tuple[str, bytes | None]]:
    for start in range(0, max(len(was), len(now)), PIECE):
        one, other = was[start : start + PIECE], now[start : start + PIECE]
        if one != other:
            if sys.byteorder == "big":
                other.byteswap()
            yield f"{name}/{start // PIECE}", other.tobytes() or None
