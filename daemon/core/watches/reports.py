"""Files that the platform appends to: which rows are new, whatever becomes of the files.

Pure. A row has no id, so rows are compared as a multiset, by digests: two equal rows are two. They are kept
in the order of their file, since a file nearly always begins with what it was: then only what is behind that
is looked at.

    the first look            all rows are the baseline, and of older files only that they are there
    a file grows              what is behind the known rows is new
    a file appears            all of its rows are new, but for those that were elsewhere before
    a file vanishes, shrinks, its rows are remembered: where they turn up again, they are not new, as after a
    or is written anew        rename, or when an old file is put back
    an old file changes       none of its rows was ever read, so that nobody can tell which are new: that is
    said

Of rows nothing is kept but their digests; what events tell of them are the fields that the configuration
lists.
"""

import re
import sys
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from daemon.core import shapes
from daemon.core.alerts.life import Seen
from daemon.core.model import Change, EventRow, EventTypes, Fact, Json
from daemon.core.shapes import by_name, listed, record
from daemon.core.timestamps import from_iso, iso, iso_or_none
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState, called

if TYPE_CHECKING:
    from daemon.core.files import File

ADDED = "report.row.added"
REPORT = record(
    {
        "path": shapes.text("The folder, as it is configured: `/1`, `/Log`."),
        "file": shapes.text("As it is configured: `ApprovalAll`."),
        "name": shapes.text("Of the file in which the row stands: `ApprovalAll.2026-18.ymgr`."),
    },
    optional={
        "withheld": listed(
            shapes.text(), "Fields that `row` lacks, since they may hold the number of a payment card."
        )
    },
)
EVENTS = EventTypes(
    (ADDED,),
    opt_in=frozenset({ADDED}),
    rows={
        ADDED: EventRow(
            "A row stands in a file of the platform's that did not at the look before, in the order of the "
            "file; of what was there at the first look, none.",
            {
                "report": REPORT,
                "row": by_name(
                    shapes.text(),
                    "Those fields that `fields` lists and the row has, by the platform's untranslated names.",
                ),
            },
        )
    },
)

FORBIDDEN = "logcreditcard"
"""What the platform's records of payments begin with, whatever else is in the name: they are never read."""
AT_FIRST = 8
"""Ours. The newest files of a series, which are read at the first look; of older ones it is known that they
are there."""
AT_ONCE = 2000
"""Ours. Rows that one poll tells; the rest follows at the next ones, without reading the files again."""
MOST_KNOWN = 2_000_000
"""Ours. Rows that are remembered of the files of one series together: 16 MB."""
MOST_GONE = 500_000
"""Ours. Rows that are remembered and stand in no file any more, the latest of them."""
MOST_FILES = 3000
"""Files of a series that are remembered; no folder holds more."""
EMPTY_AFTER = 3
"""Ours. Answers in a row without a file before the first look is believed to have seen none."""
OLD = timedelta(hours=2)
"""Ours. Before the first look, by a clock that may be off, on the night when an hour repeats."""
PIECE = 4096
"""Ours. Digests that are stored together: 32 KiB. A file that grows writes its last piece anew, and no
other."""
GONE = ""
"""In place of a file's name: the pieces of what stands in no file."""

_LETTERS = re.compile(r"[^a-z0-9]")
_DAY = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_WHEN = (("Date", "Time"), ("EnterDate", "EnterTime"))
"""Under which names a row says when it was written."""


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


@dataclass(frozen=True)
class Report:
    """What is watched, as configured."""

    path: str
    file: str
    fields: tuple[str, ...]
    dialled: frozenset[str] = frozenset()
    """Fields that hold what the network says of a call, so that none is a card which somebody keyed in: a
    number of another country has 13 digits and more, too."""

    @property
    def subject(self) -> str:
        return subject(self.path, self.file)


@dataclass(frozen=True)
class Observation:
    """The files of a series as they are listed, and those that were read since they have changed."""

    listed: "tuple[File, ...]"
    """Oldest first."""
    read: Mapping[str, Rows] = field(default_factory=dict)
    """By name."""
    left: Mapping[str, str] = field(default_factory=dict)
    """Files that have changed and were not read, and why: `LATER`, `SPENT`, `LARGE`."""
    spent: tuple[tuple[timedelta, int], ...] = ()
    """Bytes that were read of this report in the last day, and how long ago."""
    said: tuple[str, ...] = ()
    """What was wrong with the list."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What was missing or unreadable, for `api.schema_changed`."""
        lines = [f"{name}: {line}" for name, rows in self.read.items() for line in rows.problems]
        lines += [f"{name}: {_TOO_LARGE}" for name, why in self.left.items() if why == LARGE]
        return (*self.said, *lines)


LATER, SPENT, LARGE = "later", "spent", "large"
"""Why a file that has changed is not read: it was a short time ago; so much was read today; nobody can."""
REASONS = {SPENT: "spent", LARGE: "too_large"}
"""Why nobody can know what is in a report, as `why` says it under `reason`."""
_TOO_LARGE = "larger than what is taken of an answer, so its rows cannot be read"


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


class _Compared(NamedTuple):
    """What comes of one file that was read."""

    digests: "array[int]"
    """Without that of a last row which may be half written."""
    held: int | None
    fresh: Sequence[int]
    """Indexes of the rows that were not known to stand in it."""
    lost: "array[int]"
    """Known rows that do not stand in it any more."""


def forbidden(name: str) -> bool:
    """Whether a file's name, or a path's last part, is that of records of payments."""
    last = unicodedata.normalize("NFKC", name).strip("/ ").rpartition("/")[2]
    return _LETTERS.sub("", last.casefold()).startswith(FORBIDDEN)


def subject(path: str, file: str) -> str:
    """The subject of a report's events, and the name of its watch: `report/1/ApprovalAll`."""
    return called("report", f"{path.strip('/') or '.'}/{file}")


def due(state: State | None, files: "Sequence[File]") -> "list[File]":
    """Which of these have to be read; in their order, oldest first."""
    if state is None:
        return list(files[-AT_FIRST:])
    known = state.files
    return [one for one in files if not (kept := known.get(one.name)) or kept.is_due or not kept.is_as(one)]


def is_untold(state: State | None, file: "File") -> bool:
    """Whether a file has changed of which no row is known, so that none of its rows can be told."""
    kept = state.files.get(file.name) if state else None
    return kept is not None and kept.rows is None and not kept.is_as(file)


def diff(
    before: State | None, seen: Observation, report: Report, when: Seen, zone: tzinfo, *, is_emitting: bool
) -> Change[State]:
    """The rows that are new, in the order of their files; of a first look none, unless `is_emitting`."""
    known = before or State({})
    compared = {
        file.name: _compared(known.files.get(file.name), seen.read[file.name])
        for file in seen.listed
        if file.name in seen.read
    }
    elsewhere = _Elsewhere(known, seen, compared)
    names = {one.name for one in seen.listed}
    files = {name: replace(kept, is_gone=True) for name, kept in known.files.items() if name not in names}
    facts: list[Fact] = []
    for file in seen.listed:
        kept, found = known.files.get(file.name), compared.get(file.name)
        if found is None:
            files.update(_unread(before, kept, file))
            continue
        told: list[int] = []
        if (before is not None or is_emitting) and not (kept is not None and kept.rows is None):
            rows = seen.read[file.name]
            new = elsewhere.without_known(found)
            told = [index for index in new if _is_young(rows, index, known.since)]
        room = max(AT_ONCE - len(facts), 0)
        facts += [_fact(report, file, seen.read[file.name][index]) for index in told[:room]]
        taken = _taken(file, seen.read[file.name].form, found, told[room:])
        files[file.name] = replace(taken, read_at=when.at.replace(microsecond=0))
    if before is not None:
        files = _once_more(files, seen.listed, before)
    since, empties = _doubt(before, seen, when, zone)
    spent = tuple(((when.at - ago).replace(microsecond=0), many) for ago, many in seen.spent)
    state = State(_bounded(files, seen.listed), elsewhere.left(), since, empties, spent)
    return Change(
        state,
        tuple(facts),
        is_moving=state.is_moving or any(why != LARGE for why in seen.left.values()),
        pieces=_pieces(known, state),
    )


class _Elsewhere:
    """Rows that are known and do not stand where they stood: where they turn up again, they are not new."""

    def __init__(self, known: State, seen: Observation, compared: Mapping[str, _Compared]) -> None:
        lost = array("Q")
        for one in compared.values():
            lost += one.lost
        self._gone = Digests((known.gone.rows + lost)[-MOST_GONE:]) if lost else known.gone
        listed = {one.name: one for one in seen.listed}
        away = [kept for name, kept in known.files.items() if _is_away(kept, listed.get(name), seen)]
        self._others = [kept.rows for kept in away if kept.rows]
        self._back: Counter[int] = Counter()
        """Of what is gone, what has turned up."""

    def without_known(self, found: _Compared) -> Sequence[int]:
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


def _is_away(kept: Kept, file: "File | None", seen: Observation) -> bool:
    """Whether rows of a file may be elsewhere: it is not listed, or smaller than it was and not read yet."""
    if file is None:
        return True
    return file.name not in seen.read and (file.size_bytes or 0) < (kept.size or 0)


def _compared(kept: Kept | None, rows: Rows) -> _Compared:
    digests, held = rows.digests, None
    if rows.is_open and len(digests) and (kept is None or kept.held != digests[-1]):
        digests, held = digests[:-1], digests[-1]
    known = kept.rows.rows if kept and kept.rows else array("Q")
    many = len(known)
    if digests[:many] == known:
        return _Compared(digests, held, range(many, len(digests)), array("Q"))
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
        return _Compared(digests, held, range(min(many, len(digests)), len(digests)), array("Q"))
    return _Compared(digests, held, fresh, lost)


def _unread(before: State | None, kept: Kept | None, file: "File") -> dict[str, Kept]:
    """What is remembered of a listed file that was not read. One that has appeared since is as good as not
    there until it is."""
    if kept is not None:
        return {file.name: replace(kept, is_gone=False)}
    if before is not None:
        return {}
    return {file.name: Kept(file.size_bytes, file.modified, file.unique_id, None)}


def _taken(file: "File", form: str, found: _Compared, later: Sequence[int]) -> Kept:
    """A file that was read; the rows that are told `later` are not known yet."""
    rows = found.digests
    if later:
        left = frozenset(later)
        rows = array("Q", [one for index, one in enumerate(rows) if index not in left])
    is_due = bool(later) or found.held is not None
    return Kept(
        file.size_bytes,
        file.modified,
        file.unique_id,
        Digests(rows),
        form,
        found.held,
        is_due,
        has_more=bool(later),
    )


def _once_more(files: dict[str, Kept], order: "Sequence[File]", before: State) -> dict[str, Kept]:
    """Where a newer file has appeared, the one before it is read once more: rows may have come late."""
    names = [one.name for one in order]
    for older, newer in pairwise(names):
        kept = files.get(older)
        if newer in files and newer not in before.files and kept is not None and older in before.files:
            files[older] = replace(kept, is_due=kept.rows is not None)
    return files


def _bounded(files: Mapping[str, Kept], order: "Sequence[File]") -> dict[str, Kept]:
    """No more rows and files than are remembered: those of what is not listed go first, then the oldest."""
    place = {one.name: at for at, one in enumerate(order)}
    by_age = sorted(files, key=lambda name: place.get(name, -1), reverse=True)
    kept: dict[str, Kept] = {}
    many = 0
    for name in by_age[:MOST_FILES]:
        one = files[name]
        many += len(one.rows or ())
        kept[name] = (
            one if many <= MOST_KNOWN or not kept else replace(one, rows=None, held=None, is_due=False)
        )
    return kept


def _doubt(before: State | None, seen: Observation, when: Seen, zone: tzinfo) -> tuple[str, int]:
    """While it is not sure that there was no file at the first look: when that was, and how often it was
    said."""
    if before is None:
        if seen.listed:
            return "", 0
        old = when.at.astimezone(zone).replace(tzinfo=None, microsecond=0) - OLD
        return old.isoformat(" "), 1
    if not before.since or seen.listed or before.empties + 1 >= EMPTY_AFTER:
        return ("", 0) if not (before.since and seen.left) else (before.since, before.empties)
    return before.since, before.empties + 1


def _is_young(rows: Rows, index: int, since: str) -> bool:
    """Whether a row was written after the first look, where that has to be asked."""
    return not since or written(rows[index]) > since


def written(row: Mapping[str, str]) -> str:
    """The local second at which a row says that it was written, as text that sorts; "" where it says none."""
    for day, clock in _WHEN:
        found, at = _DAY.fullmatch(row.get(day, "").strip()), _CLOCK.fullmatch(row.get(clock, "").strip())
        if found and at:
            return f"{found[3]}-{found[2]:0>2}-{found[1]:0>2} {at[1]:0>2}:{at[2]}:{at[3] or '00'}"
    return ""


def _fact(report: Report, file: "File", row: Mapping[str, str]) -> Fact:
    from daemon.core.cards import has_card  # noqa: PLC0415 - a cold start is measured

    told, withheld = {}, []
    for name in report.fields:
        if name not in report.dialled and has_card(row.get(name, "")):
            withheld.append(name)
        elif name in row:
            told[name] = row[name]
    where: dict[str, Json] = {"path": report.path, "file": report.file, "name": file.name}
    if withheld:
        where["withheld"] = withheld
    return Fact(ADDED, report.subject, {"report": where, "row": told})


def subjects(seen: Observation, change: Change[State], report: Report) -> list[Subject]:
    """The report: up, where all that is in its files is known; unknown, where it changed and cannot be
    read."""
    newest = seen.listed[-1].name if seen.listed else None
    rows = sum(len(one.rows or ()) for one in change.state.files.values() if not one.is_gone)
    metrics: dict[str, Json] = {"files": len(seen.listed), "newest": newest, "rows": rows}
    why = next((why for why in seen.left.values() if why in REASONS), None)
    state = SubjectState.UP if why is None else SubjectState.UNKNOWN
    said: dict[str, Json] = {} if why is None else {"reason": REASONS[why]}
    return [Subject(report.subject, SubjectKind.REPORT, state, why=said, metrics=metrics)]


def saw(seen: Observation) -> dict[str, Json]:
    """The files and how many rows they have; nothing of what is in them."""
    rows = {name: len(one) for name, one in seen.read.items()}
    return {"files": [one.name for one in seen.listed], "rows": rows, "not_read": dict(seen.left)}


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


def _pieces(before: State, after: State) -> dict[str, bytes | None]:
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
