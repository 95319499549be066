"""Words that somebody asked by and that mean nothing here: a type that no event has, a system, a subject of
which nothing is known; each with the word that may have been meant. Nothing is written.

Asked where nothing was found: what is found needs no such word.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import sqlalchemy as sa

from daemon.core.event_types import EVENT_TYPES
from daemon.core.phones import subject_key, subject_matches
from daemon.core.wording import Stranger, closest
from daemon.store import events, subjects

MOST_COMPARED = 2_000
"""Subjects among which the nearest is looked for: it takes some 20 µs each."""
LONGEST_COMPARED = 100
"""Characters; of a longer word none is near."""
_GLOB = frozenset("*?[")


def strangers(
    db: sa.Connection,
    *,
    type_: str | None = None,
    system: str | None = None,
    subject: str | None = None,
    systems: Sequence[str] = (),
) -> list[Stranger]:
    """Those of these words that mean nothing; a glob does where it matches something. `systems`: those of the
    configuration, beside those of which there are events."""
    found = []
    if type_ and not _matches(type_, known := _types(db, type_)):
        found.append(Stranger("type", type_, _near(type_, [*known, *_families(known)])))
    if system and not _matches(system, known := [*systems, *events.last_sequences(db)]):
        found.append(Stranger("system", system, _near(system, filter(None, known))))
    if subject and (near := _unknown_subject(db, subject)) is not None:
        found.append(Stranger("subject", subject, near or None))
    return found


def near_subject(db: sa.Connection, subject: str) -> str | None:
    """The subject that may have been meant; None: none is near."""
    if len(subject) > LONGEST_COMPARED:
        return None
    known = [one.seen.subject for one in subjects.views(db)][:MOST_COMPARED]
    return closest(subject, known)


def _types(db: sa.Connection, type_: str) -> list[str]:
    """Also one that only another version declares, where there is such an event."""
    is_kept = not _GLOB & {*type_} and events.latest(db, events.Query(type=type_, limit=1))
    return [*EVENT_TYPES, type_] if is_kept else [*EVENT_TYPES]


def _families(types: Iterable[str]) -> list[str]:
    """`sms.*`, `sip.account.*`."""
    parts = (one.split(".") for one in types)
    return [f"{'.'.join(one[:many])}.*" for one in parts for many in range(1, len(one))]


def _matches(word: str, known: Iterable[str]) -> bool:
    return any(one == word or fnmatchcase(one, word) for one in known)


def _near(word: str, known: Iterable[str]) -> str | None:
    return closest(word, set(known)) if len(word) <= LONGEST_COMPARED else None


def _unknown_subject(db: sa.Connection, subject: str) -> str | None:
    """The one that may have been meant, "" where there is none; None: it is known."""
    if events.latest(db, events.Query(subject=subject, limit=1)):
        return None
    seen = [one.seen.subject for one in subjects.views(db)]
    is_glob = bool(_GLOB & {*subject})
    key = subject_key(subject)
    if any(subject_matches(one, subject) if is_glob else subject_key(one) == key for one in seen):
        return None
    if is_glob:  # of subjects that are not watched, such as senders, nobody has a list
        return None
    return near_subject(db, subject) or ""
