"""The small watches: units, PirsumPhone, directories.

Pure. What could not be read is unknown: it keeps the old state and moves no alert.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from daemon.core.model import Change, Condition, Fact, Json, Kind, Rule, Verdict

LOW = Kind("units.low", "units.ok")
EXPIRING = Kind("units.expiring", "units.renewed")


@dataclass(frozen=True)
class Units:
    """GetSession, two of its fields. None: missing or unreadable."""

    balance: float | None
    expires_on: date | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class PirsumPhone:
    """PirsumPhoneManagement, action GetRegistrationStatus."""

    registered: bool | None
    problems: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class Directory:
    """GetIVR2DirStats: counts, and the highest recording (None: there is none)."""

    type: str | None
    dirs: int | None
    files: int | None
    content_files: int | None
    """`contentFilesCount`: audio files."""
    max_file: File | None
    min_file: File | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnitsRule:
    """When the balance, or the days it has left, are too few. None: not watched."""

    below: float | None
    expires_within: timedelta | None
    rule: Rule


@dataclass(frozen=True)
class UnitsState:
    """The balance as last read."""

    balance: float | None = None
    expires_on: str | None = None


@dataclass(frozen=True)
class PirsumPhoneState:
    """Whether the system is registered to the service."""

    registered: bool | None = None


@dataclass(frozen=True)
class DirectoryState:
    """What tells one recording from the next."""

    content_files: int | None = None
    max_name: str | None = None
    max_id: str | None = None


def diff_units(before: UnitsState | None, seen: Units, limit: UnitsRule, today: date) -> Change[UnitsState]:
    """Whether units run low or out; `today` is the date in the daemon's zone."""
    known = before or UnitsState()
    expires_on = seen.expires_on.isoformat() if seen.expires_on else None
    days_left = (seen.expires_on - today).days if seen.expires_on else None
    payload: dict[str, Json] = {
        "units": {"balance": seen.balance, "expires_on": expires_on, "days_left": days_left}
    }
    conditions = []
    if limit.below is not None:
        is_low = None if seen.balance is None else seen.balance < limit.below
        conditions.append(_condition("units/low", LOW, is_low, limit.rule, payload))
    if limit.expires_within is not None:
        is_expiring = None if days_left is None else days_left <= limit.expires_within.days
        conditions.append(_condition("units/expiring", EXPIRING, is_expiring, limit.rule, payload))
    state = UnitsState(
        known.balance if seen.balance is None else seen.balance, expires_on or known.expires_on
    )
    return Change(state, (), tuple(conditions))


def diff_pirsumphone(
    before: PirsumPhoneState | None, seen: PirsumPhone, *, is_emitting: bool
) -> Change[PirsumPhoneState]:
    """Whether the system was registered to the service, or taken out of it."""
    known = before or PirsumPhoneState()
    if seen.registered is None:
        return Change(known)
    is_told = is_emitting if known.registered is None else seen.registered != known.registered
    event_type = "pirsumphone.registered" if seen.registered else "pirsumphone.unregistered"
    fact = Fact(event_type, "pirsumphone", {"pirsumphone": {"registered": seen.registered}})
    return Change(PirsumPhoneState(seen.registered), (fact,) if is_told else ())


def diff_directory(
    before: DirectoryState | None, seen: Directory, path: str, *, is_emitting: bool
) -> Change[DirectoryState]:
    """Whether there is a new recording: a new highest file, or more files than before.

    The API shows counts and the highest file only, so several recordings between two answers are one
    event that says how many.
    """
    known = before or DirectoryState()
    state = DirectoryState(
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
        },
        "file": asdict(seen.max_file) if is_new_max and seen.max_file else None,
    }
    return Change(state, (Fact("directory.file.added", directory_subject(path), payload),))


def directory_subject(path: str) -> str:
    """The subject of a directory's events: `directory/2`, `directory/.` for the main extension."""
    return f"directory/{path.strip('/') or '.'}"


def dump(state: UnitsState | PirsumPhoneState | DirectoryState) -> dict[str, object]:
    """The state as JSON."""
    return asdict(state)


def load_units(stored: Mapping[str, Any]) -> UnitsState:
    """The state that `dump` wrote."""
    return UnitsState(**stored)


def load_pirsumphone(stored: Mapping[str, Any]) -> PirsumPhoneState:
    """The state that `dump` wrote."""
    return PirsumPhoneState(**stored)


def load_directory(stored: Mapping[str, Any]) -> DirectoryState:
    """The state that `dump` wrote."""
    return DirectoryState(**stored)


def _is_new_max(known: DirectoryState, file: File | None, grown: int) -> bool:
    """A file that fell back to the top because a higher one was deleted is not new."""
    if file is None or (file.name, file.unique_id) == (known.max_name, known.max_id):
        return False
    return known.max_name is None or grown >= 0 or file.name > known.max_name


def _condition(
    key: str, kind: Kind, is_bad: bool | None, rule: Rule, payload: Mapping[str, Json]
) -> Condition:
    verdict = Verdict.UNKNOWN if is_bad is None else Verdict.BAD if is_bad else Verdict.GOOD
    return Condition(key, kind, "units", verdict, rule, payload)
