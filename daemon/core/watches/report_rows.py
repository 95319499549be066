"""Which rows of a file are new, and which stood elsewhere before: compared as multisets, by digests. Pure."""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from daemon.core.watches.report_state import Digests, Kept, State

if TYPE_CHECKING:
    from daemon.core.files import File

MOST_GONE = 500_000
"""Ours. Rows that are remembered and stand in no file any more, the latest of them."""


class Rows(Protocol):
    """The rows of one file as they were read."""

    digests: "array[int]"
    form: str
    """In which of the platform's forms it was read."""
    is_open: bool
    """Whether the last row may be half written."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not split into fields."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Mapping[str, str]: ...


class Compared(NamedTuple):
    """What comes of one file that was read."""

    digests: "array[int]"
    """Without that of a last row which may be half written."""
    held: int | None
    fresh: Sequence[int]
    """Indexes of the rows that were not known to stand in it."""
    lost: "array[int]"
    """Known rows that do not stand in it any more."""


class Elsewhere:
    """Rows that are known and do not stand where they stood: where they turn up again, they are not new."""

    def __init__(
        self,
        known: State,
        listed: "Mapping[str, File]",
        read: Mapping[str, Rows],
        compared: Mapping[str, Compared],
    ) -> None:
        """`listed`: the files, by name; `read`: those of them that were."""
        lost = array("Q")
        for one in compared.values():
            lost += one.lost
        self._gone = Digests((known.gone.rows + lost)[-MOST_GONE:]) if lost else known.gone
        away = [kept for name, kept in known.files.items() if _is_away(kept, listed.get(name), read)]
        self._others = [kept.rows for kept in away if kept.rows]
        self._back: Counter[int] = Counter()
        """Of what is gone, what has turned up."""

    def without_known(self, found: Compared) -> Sequence[int]:
        """Which of the fresh rows of a file were never seen."""
        if not self._gone and not self._others:
            return found.fresh
        met: Counter[int] = Counter()
        return [index for index in found.fresh if not self._is_known(found.digests[index], met)]

    def left(self) -> Digests:
        """What is gone still."""
        if not self._back:
            return self._gone
        kept = array("Q")
        back = self._back.copy()
        for one in self._gone.rows:
            if back[one]:
                back[one] -= 1
            else:
                kept.append(one)
        return Digests(kept)

    def _is_known(self, one: int, met: Counter[int]) -> bool:
        if met[one] < sum(other.many(one) for other in self._others):
            met[one] += 1
            return True
        if self._back[one] < self._gone.many(one):
            self._back[one] += 1
            return True
        return False


def _is_away(kept: Kept, file: "File | None", read: Mapping[str, Rows]) -> bool:
    """Whether rows of a file may be elsewhere: it is not listed, or it has changed and was not read yet. Then
    it may be another file of its name, of whatever size: that of a new day, beside the old under its date."""
    if file is None:
        return True
    return file.name not in read and not kept.is_as(file)


def compared(kept: Kept | None, rows: Rows) -> Compared:
    digests, held = rows.digests, None
    if rows.is_open and len(digests) and (kept is None or kept.held != digests[-1]):
        digests, held = digests[:-1], digests[-1]
    known = kept.rows.rows if kept and kept.rows else array("Q")
    many = len(known)
    if digests[:many] == known:
        return Compared(digests, held, range(many, len(digests)), array("Q"))
    common = min(many, len(digests))
    same = next((at for at in range(common) if known[at] != digests[at]), common)
    rest = Counter(known[same:])
    fresh = []
    for index in range(same, len(digests)):
        if rest[digests[index]] > 0:
            rest[digests[index]] -= 1
        else:
            fresh.append(index)
    lost = array("Q", rest.elements())
    if kept and kept.form != rows.form and 2 * len(lost) > many:
        # The forms spell its rows otherwise: it is the same rows, and how many.
        return Compared(digests, held, range(min(many, len(digests)), len(digests)), array("Q"))
    return Compared(digests, held, fresh, lost)
