"""Directories: which files are new.

Pure. What could not be read is unknown: it keeps the old state.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from daemon.core.files import File, Listed, made, minute
from daemon.core.model import Change, EventRow, EventTypes, Fact, Json
from daemon.core.shapes import anything, flag, maybe, number, record, text, whole
from daemon.core.watches import folder_files
from daemon.core.watches.folder_files import NONE, Key, Known, compare, forgetting, key_of
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState, unreadable

AUDIO = frozenset({"wav", "ogg", "mp3"})
ADDED = "directory.file.added"
FILE = record(
    {
        "name": text(),
        "unique_id": maybe(text()),
        "path": maybe(text()),
        "size_bytes": maybe(whole()),
        "modified": maybe(text("As the platform spells it, in its local time.")),
        "duration": maybe(text("Minutes and seconds.")),
        "phone": maybe(text("Who recorded it.")),
        "source": maybe(text()),
        "date": maybe(text("dd/mm/yyyy hh:mm, in the platform's local time.")),
        "exists": maybe(flag()),
        "file_type": maybe(text("`AUDIO`, `INI`, …")),
        "duration_number": maybe(number("As it came: seconds or minutes, the platform's pages differ.")),
        "customer_did": maybe(text()),
        "meta": anything("What the platform keeps with it; null: nothing."),
        "ip": maybe(text("Of whoever uploaded it.")),
    }
)
DIRECTORY = record(
    {
        "path": text("As it is configured: `/2`."),
        "content_files": maybe(whole("Audio files in it.")),
        "content_files_before": maybe(whole("At the look before; null: not known.")),
        "added": whole("How many more there are; at least 1."),
        "this_path": maybe(text()),
        "parent_path": maybe(text()),
    }
)
EVENTS = EventTypes(
    (ADDED,),
    rows={
        ADDED: EventRow(
            "A file is new in a folder, and stands still: its size was the same at two looks. Each file is "
            "one event. Where the key may not list the folder, several between two looks are one event that "
            "says how many, with the highest of them.",
            {"directory": DIRECTORY, "file": maybe(FILE)},
        )
    },
)


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


Seen = Listed | Observation
"""What the folder answered: which files it holds, or, where that may not be asked, how many."""


class Waiting(NamedTuple):
    """A new file that may still grow."""

    size_bytes: int | None
    looks: int
    """How often in a row it was seen with this size."""


FILES = "files"
"""The piece beside the state."""


@dataclass(frozen=True)
class State:
    """What tells one file from the next."""

    content_files: int | None = None
    """Audio files, as far as is known."""
    max_name: str | None = None
    """Of the highest."""
    max_id: str | None = None
    files: "Files | None" = None
    """None: it was never listed, or an earlier version has looked since."""


@dataclass(frozen=True)
class Files:
    """What is known of a folder that was listed. An earlier version knows nothing of it."""

    known: Known = NONE
    waiting: Mapping[Key, Waiting] = field(default_factory=dict)
    """New files that may still grow."""
    uncounted: int = 0
    """Files that were told as a number while the folder could not be listed."""
    is_behind: bool = False
    """It could not be listed since."""


@dataclass(frozen=True)
class Folder:
    """One folder as it is configured."""

    path: str
    is_emitting: bool = False
    """Whether what already was is told."""
    looks: int = 2
    """How often in a row a new file is seen with one size until it stands still."""


def diff(before: State | None, seen: Seen, folder: Folder) -> Change[State]:
    """Which files are new."""
    if isinstance(seen, Listed):
        return _listed(before, seen, folder)
    return _counted(before, seen, folder)


def is_enough(state: State | None, found: Listed) -> bool:
    """Whether older files than those that were listed cannot be news."""
    files = state.files if state else None
    if files is None or files.is_behind:
        return False
    return folder_files.is_enough(files.known, files.waiting, found)


def _listed(before: State | None, seen: Listed, folder: Folder) -> Change[State]:
    known = before or State()
    files = known.files
    if files is None or files.is_behind:
        files = _caught_up(before, seen, folder)
    compared = compare(files.known, seen.files)
    settled, waiting = _settled(compared.new, files.waiting, folder.looks)
    after = forgetting(compared) if seen.is_whole else compared.known
    counted = sum(map(_is_audio, seen.files)) if seen.is_whole else None
    grown = sum(map(_is_audio, settled))
    highest = _highest(seen, known)
    state = State(
        counted if counted is not None else (known.content_files or 0) + grown,
        *highest,
        Files(after.having(settled), waiting),
    )
    of_folder: dict[str, Json] = {
        "path": folder.path,
        "content_files": counted,
        "content_files_before": known.content_files if counted is not None else None,
        "added": 1,
        "this_path": seen.this_path,
        "parent_path": seen.parent_path,
    }
    facts = [
        Fact(ADDED, subject(folder.path), {"directory": of_folder, "file": asdict(one)})
        for one in reversed(settled)
    ]
    return Change(state, tuple(facts), is_moving=bool(waiting))


def _caught_up(before: State | None, seen: Listed, folder: Folder) -> Files:
    """What is known where the folder is listed for the first time, or again after a time of counts.

    What was told as a number then is not told again. Of an earlier version it is known which file was the
    highest: those above it came since, where it is still there; else nobody can tell, and nothing is news.
    """
    if before is None:
        return Files() if folder.is_emitting else Files(NONE.having(seen.files))
    if before.files is not None:
        new = compare(before.files.known, seen.files).new
        told = sorted(new, key=_by_age)[: before.files.uncounted]
        return Files(before.files.known.having(told), before.files.waiting)
    top = next(
        (one for one in seen.files if (one.name, one.unique_id) == (before.max_name, before.max_id)), None
    )
    was_empty = before.content_files == 0 and before.max_name is None

    def is_since(file: File) -> bool:
        return _is_audio(file) if was_empty else top is not None and _is_since(file, top)

    return Files(NONE.having(one for one in seen.files if not is_since(one)))


def _settled(
    new: Iterable[File], waiting: Mapping[Key, Waiting], looks: int
) -> tuple[list[File], dict[Key, Waiting]]:
    """Those of new files that have stood still for long enough, and the others. One that is gone before that
    is not waited for."""
    settled, still = [], {}
    for file in new:
        before = waiting.get(key_of(file), Waiting(None, 0))
        seen = before.looks + 1 if before.looks and before.size_bytes == file.size_bytes else 1
        if seen >= looks:
            settled.append(file)
        else:
            still[key_of(file)] = Waiting(file.size_bytes, seen)
    return settled, still


def _counted(before: State | None, seen: Observation, folder: Folder) -> Change[State]:
    """Whether there is a new recording: a new highest file, or more files than before.

    The API shows counts and the highest file only, so several recordings between two answers are one
    event that says how many.
    """
    known = before or State()
    files = known.files
    is_counting = files is None or files.is_behind
    highest = seen.max_file
    state = State(
        known.content_files if seen.content_files is None else seen.content_files,
        highest.name if highest else None,
        highest.unique_id if highest else None,
        files and replace(files, is_behind=True),
    )
    if before is None and not folder.is_emitting:
        return Change(state)
    grown = 0
    if seen.content_files is not None and is_counting:  # counts of a listing are not those of this answer
        grown = seen.content_files - (known.content_files or 0)
    is_told = files is not None and highest is not None and highest in files.known
    is_new_max = _is_new_max(known, highest, grown) and not is_told
    if grown <= 0 and not is_new_max:
        return Change(state)
    if state.files is not None:
        state = replace(state, files=_told_as_a_number(state.files, highest if is_new_max else None, grown))
    payload: dict[str, Json] = {
        "directory": {
            "path": folder.path,
            "content_files": seen.content_files,
            "content_files_before": known.content_files,
            "added": max(grown, 1),
            "this_path": seen.this_path,
            "parent_path": seen.parent_path,
        },
        "file": asdict(highest) if is_new_max and highest else None,
    }
    return Change(state, (Fact(ADDED, subject(folder.path), payload),))


def _told_as_a_number(files: Files, named: File | None, grown: int) -> Files:
    known = files.known.having([named]) if named else files.known
    return replace(files, known=known, uncounted=files.uncounted + max(grown - bool(named), 0))


def subject(path: str) -> str:
    """The subject of a directory's events: `directory/2`, `directory/.` for the main extension."""
    return f"directory/{path.strip('/') or '.'}"


def subjects(seen: Seen, state: State, path: str) -> list[Subject]:
    """The directory: up, where it could be read."""
    if isinstance(seen, Observation) and seen.content_files is None and seen.max_file is None:
        return [unreadable(subject(path), SubjectKind.DIRECTORY)]
    newest = _newest(seen)
    metrics: dict[str, Json] = {
        "content_files": seen.content_files if isinstance(seen, Observation) else state.content_files,
        "newest": newest,
    }
    return [Subject(subject(path), SubjectKind.DIRECTORY, SubjectState.UP, metrics=metrics)]


def saw(seen: Seen) -> dict[str, Json]:
    """How many there are, and the newest."""
    if isinstance(seen, Listed):
        return {
            "content_files": sum(map(_is_audio, seen.files)),
            "is_whole": seen.is_whole,
            "newest": _newest(seen),
        }
    return {"content_files": seen.content_files, "dirs": seen.dirs, "newest": _newest(seen)}


def dump(state: State) -> dict[str, Json]:
    """The state as JSON, as an earlier version wrote it, and reads it: strictly. What is known of files is
    kept beside it, in a piece."""
    return {"content_files": state.content_files, "max_name": state.max_name, "max_id": state.max_id}


def load(stored: Mapping[str, Any], pieces: Mapping[str, bytes]) -> State:
    """The state that `dump` and `pieces` wrote; without its files, where an earlier version has looked
    since."""
    state = State(stored["content_files"], stored["max_name"], stored["max_id"])
    found = json.loads(pieces.get(FILES, b"null"))
    return (
        replace(state, files=_loaded(found)) if found and found["of"] == list(dump(state).values()) else state
    )


def pieces(before: State | None, after: State) -> dict[str, bytes | None]:
    """What is known of files, where that has changed, with what an earlier version has to have written last
    for it to be true."""
    if before == after:
        return {}
    if after.files is None:
        return {FILES: None} if before is not None and before.files is not None else {}
    kept = {"of": list(dump(after).values()), **_kept(after.files)}
    return {FILES: json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()}


def _kept(files: Files) -> dict[str, Json]:
    return {
        "known": _text(files.known.packed),
        "waiting": [
            [_text(key.place), key.minute, one.size_bytes, one.looks] for key, one in files.waiting.items()
        ],
        "uncounted": files.uncounted,
        "is_behind": files.is_behind,
    }


def _loaded(kept: Mapping[str, Any]) -> Files:
    waiting = {
        Key(b64decode(place), made): Waiting(size, looks) for place, made, size, looks in kept["waiting"]
    }
    return Files(Known(b64decode(kept["known"])), waiting, kept["uncounted"], kept["is_behind"])


def _text(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")


def _newest(seen: Seen) -> str | None:
    if isinstance(seen, Listed):
        return seen.files[0].name if seen.files else None
    return seen.max_file.name if seen.max_file else None


def _highest(seen: Listed, known: State) -> tuple[str | None, str | None]:
    """Name and unique id of the highest recording, as GetIVR2DirStats would show it: of those that were
    listed, or the one of before."""
    audio = [(_height(one.name), one.name, one.unique_id) for one in seen.files if _is_audio(one)]
    if not seen.is_whole and known.max_name is not None:
        audio.append((_height(known.max_name), known.max_name, known.max_id))
    found = max(audio, key=lambda one: one[0], default=None)
    return (found[1], found[2]) if found else (None, None)


def _height(name: str) -> tuple[int, str]:
    """Numbers by their value, `1000.wav` above `999.wav`."""
    stem = name.partition(".")[0]
    return (int(stem[:9]) if stem.isascii() and stem.isdigit() else -1, name)


def _is_since(file: File, top: File) -> bool:
    """Whether a file is certainly of after the time at which another was the highest."""
    made_at, top_at = minute(file.date), minute(top.date)
    is_older = made_at is not None and top_at is not None and made_at < top_at
    return _is_audio(file) and not is_older and _height(file.name) > _height(top.name)


def _is_audio(file: File) -> bool:
    return (file.file_type or "").upper() == "AUDIO" or file.suffix in AUDIO


def _by_age(file: File) -> tuple[str, str]:
    return str(made(file) or ""), file.name


def _is_new_max(known: State, file: File | None, grown: int) -> bool:
    """A file that fell back to the top because a higher one was deleted is not new."""
    if file is None or (file.name, file.unique_id) == (known.max_name, known.max_id):
        return False
    return known.max_name is None or grown >= 0 or file.name > known.max_name
