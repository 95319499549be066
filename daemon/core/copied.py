"""How far the recordings of a folder are copied: every one up to a number is on the disk, or was given up.

Numbers are those of the events that told of them, and are looked at in their order. What is not settled
yet holds the mark below itself: whoever goes on from there, after a kill or for a member that fell away,
looks at it again. Pure, but for the object itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

Folder = tuple[str, str]
"""System and path."""


@dataclass
class _Way:
    seen: int
    """The last that was looked at."""
    marked: int
    """As it was written down, or need not be."""
    unsettled: set[int] = field(default_factory=set)

    @property
    def mark(self) -> int:
        return min(self.unsettled, default=self.seen + 1) - 1


class Copied:
    """The folders whose recordings are copied here. For one thread at a time."""

    def __init__(self) -> None:
        self._ways: dict[Folder, _Way] = {}

    def __contains__(self, folder: object) -> bool:
        return folder in self._ways

    def begin(self, folder: Folder, start: int) -> None:
        """Copy what a folder gets from now on; `start`: all up to this number is settled, or too old."""
        self._ways[folder] = _Way(start, start)

    def keep(self, folders: Collection[Folder]) -> None:
        """Forget the others: they are another member's, or not asked for any more."""
        self._ways = {folder: way for folder, way in self._ways.items() if folder in folders}

    def is_new(self, folder: Folder, number: int) -> bool:
        """Whether that of an event is to be looked at."""
        way = self._ways.get(folder)
        return way is not None and number > way.seen

    def looked(self, folder: Folder, number: int, *, is_due: bool) -> None:
        """It was looked at; `is_due`: it has yet to be copied."""
        way = self._ways[folder]
        way.seen = number
        if is_due:
            way.unsettled.add(number)

    def settled(self, folder: Folder, number: int) -> None:
        """It is on the disk by now, or given up."""
        if (way := self._ways.get(folder)) is not None:
            way.unsettled.discard(number)

    def news(self) -> dict[Folder, int]:
        """The marks that have moved since they were written down."""
        return {folder: way.mark for folder, way in self._ways.items() if way.mark != way.marked}

    def written(self, marks: Mapping[Folder, int]) -> None:
        """These were written down."""
        for folder, mark in marks.items():
            if (way := self._ways.get(folder)) is not None:
                way.marked = mark
