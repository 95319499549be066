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
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING

from daemon.core.alerts.life import Seen
from daemon.core.model import Change, Fact, Json
from daemon.core.watches.report_rows import Compared, Elsewhere, Rows, compared
from daemon.core.watches.report_state import Digests, Kept, State, pieces
from daemon.core.watches.reports import ADDED, Report
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState

if TYPE_CHECKING:
    from daemon.core.files import File

AT_FIRST = 8
"""Ours. The newest files of a series, which are read at the first look; of older ones it is known that they
are there."""
AT_ONCE = 2000
"""Ours. Rows that one poll tells; the rest follows at the next ones, without reading the files again."""
MOST_KNOWN = 2_000_000
"""Ours. Rows that are remembered of the files of one series together: 16 MB."""
MOST_FILES = 3000
"""Files of a series that are remembered; no folder holds more."""
EMPTY_AFTER = 3
"""Ours. Answers in a row without a file before the first look is believed to have seen none."""
OLD = timedelta(hours=2)
"""Ours. Before the first look, by a clock that may be off, on the night when an hour repeats."""
_DAY = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_WHEN = (("Date", "Time"), ("EnterDate", "EnterTime"))
"""Under which names a row says when it was written."""


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
    found_in = {
        file.name: compared(known.files.get(file.name), seen.read[file.name])
        for file in seen.listed
        if file.name in seen.read
    }
    listed_as = {one.name: one for one in seen.listed}
    elsewhere = Elsewhere(known, listed_as, seen.read, found_in)
    files = {name: replace(kept, is_gone=True) for name, kept in known.files.items() if name not in listed_as}
    facts: list[Fact] = []
    for file in seen.listed:
        kept, found = known.files.get(file.name), found_in.get(file.name)
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
        pieces=pieces(known, state),
    )


def _unread(before: State | None, kept: Kept | None, file: "File") -> dict[str, Kept]:
    """What is remembered of a listed file that was not read. One that has appeared since is as good as not
    there until it is."""
    if kept is not None:
        return {file.name: replace(kept, is_gone=False)}
    if before is not None:
        return {}
    return {file.name: Kept(file.size_bytes, file.modified, file.unique_id, None)}


def _taken(file: "File", form: str, found: Compared, later: Sequence[int]) -> Kept:
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
