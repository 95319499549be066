"""Directories: whether there is a new recording.

Pure. What could not be read is unknown: it keeps the old state.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from daemon.core.model import Change, EventTypes, Fact, Json
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState, unreadable

ADDED = "directory.file.added"
EVENTS = EventTypes((ADDED,))


@dataclass(frozen=True)
class File:
    """`minFile` or `maxFile` of GetIVR2DirStats: one recording."""

    name: str
    unique_id: str | None
    path: str | None
    """`what`."""
    size_bytes: int | None
    modified: str | None
    """`mtime`, raw."""
    duration: str | None
    """`durationStr`, mm:ss."""
    phone: str | None
    """Who recorded it."""
    source: str | None
    date: str | None
    """dd/mm/yyyy hh:mm, raw."""
    exists: bool | None = None
    file_type: str | None = None
    """`AUDIO`, `INI`, …"""
    duration_number: float | None = None
    """`duration` as it came: minutes by its documents, seconds elsewhere."""
    customer_did: str | None = None
    meta: Json = None
    """An object or a text; its content is not documented."""
    ip: str | None = None
    """Of whoever uploaded it."""


@dataclass(frozen=True)
class Observation:
    """GetIVR2DirStats: counts, and the highest recording (None: there is none)."""

    type: str | None
    dirs: int | None
    files: int | None
    content_files: int | None
    """`contentFilesCount`: audio files."""
    max_file: File | None
    min_file: File | None
    problems: tuple[str, ...] = ()
    this_path: str | None = None
    parent_path: str | None = None


@dataclass(frozen=True)
class State:
    """What tells one recording from the next."""

    content_files: int | None = None
    max_name: str | None = None
    max_id: str | None = None


def diff(before: State | None, seen: Observation, path: str, *, is_emitting: bool) -> Change[State]:
    """Whether there is a new recording: a new highest file, or more files than before.

    The API shows counts and the highest file only, so several recordings between two answers are one
    event that says how many.
    """
    known = before or State()
    state = State(
        known.content_files if seen.content_files is None else seen.content_files,
        seen.max_file.name if seen.max_file else None,
        seen.max_file.unique_id if seen.max_file else None,
    )
    if before is None and not is_emitting:
        return Change(state)
    grown = (seen.content_files or 0) - (known.content_files or 0) if seen.content_files is not None else 0
    is_new_max = _is_new_max(known, seen.max_file, grown)
    if grown <= 0 and not is_new_max:
        return Change(state)
    payload: dict[str, Json] = {
        "directory": {
            "path": path,
            "content_files": seen.content_files,
            "content_files_before": known.content_files,
            "added": max(grown, 1),
            "this_path": seen.this_path,
            "parent_path": seen.parent_path,
        },
        "file": asdict(seen.max_file) if is_new_max and seen.max_file else None,
    }
    return Change(state, (Fact(ADDED, subject(path), payload),))


def subject(path: str) -> str:
    """The subject of a directory's events: `directory/2`, `directory/.` for the main extension."""
    return f"directory/{path.strip('/') or '.'}"


def subjects(seen: Observation, path: str) -> list[Subject]:
    """The directory: up, where it could be read."""
    if seen.content_files is None and seen.max_file is None:
        return [unreadable(subject(path), SubjectKind.DIRECTORY)]
    newest = seen.max_file.name if seen.max_file else None
    metrics: dict[str, Json] = {"content_files": seen.content_files, "newest": newest}
    return [Subject(subject(path), SubjectKind.DIRECTORY, SubjectState.UP, metrics=metrics)]


def dump(state: State) -> dict[str, Json]:
    """The state as JSON."""
    return asdict(state)


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    return State(**stored)


def _is_new_max(known: State, file: File | None, grown: int) -> bool:
    """A file that fell back to the top because a higher one was deleted is not new."""
    if file is None or (file.name, file.unique_id) == (known.max_name, known.max_id):
        return False
    return known.max_name is None or grown >= 0 or file.name > known.max_name
