"""What is watched comes to subjects: an account, a queue, the API, each up, down or unknown. Pure.

A watch says after each answer how its subjects stand. An answer that failed says nothing of them: they are
unknown then, which is a third value, and no time passes for them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from daemon.core.model import Condition, Json, Verdict
from daemon.core.visible import without_nul

MOST_NAMED = 300
"""Ours. Characters of a name that is part of a subject: an index of PostgreSQL's holds 2,700 bytes."""


class SubjectState(Enum):
    """How a subject stands, by the last answer."""

    UP = "up"
    DOWN = "down"
    """What its alert is about is so, whether it has lasted long enough to be told or not."""
    UNKNOWN = "unknown"
    """Not seen: the answer failed, or did not speak of it, or could not be read."""


class SubjectKind(Enum):
    """What a subject is."""

    API = "api"
    SIP = "sip"
    QUEUE = "queue"
    UNITS = "units"
    SMS_UNITS = "sms_units"
    CALLER_ID = "caller_id"
    PIRSUMPHONE = "pirsumphone"
    DIRECTORY = "directory"
    SMS = "sms"
    REPORT = "report"


def called(kind: str, name: str) -> str:
    """The subject of what strangers call so: `sip/0773137770`. A name that no store can hold by an index is
    shown otherwise, and yet is another than every other: a NUL as its picture, what is too long by its end's
    digest."""
    if len(name) > MOST_NAMED:
        digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:16]
        name = f"{name[: MOST_NAMED - len(digest) - 1]}…{digest}"
    return f"{kind}/{without_nul(name)}"


_OF_MANY = (SubjectKind.SIP, SubjectKind.CALLER_ID)
_OF_ONE = {one.value: one for one in SubjectKind if one not in _OF_MANY}

MISSING, UNREADABLE, OUTSIDE = "missing", "unreadable", "outside_hours"
"""Why an answer that was understood leaves a subject unknown, as `why` says it under `reason`."""
NOT_ASKED, NEVER_SEEN = "not_asked", "never_seen"
"""Why nobody can know now: it is too long ago that it was seen, or it never was."""


@dataclass(frozen=True)
class Subject:
    """One thing, as an answer shows it."""

    subject: str
    """As in events: `sip/0773137770`, `queue/5`, `units`."""
    kind: SubjectKind
    state: SubjectState
    name: str | None = None
    """What people call it, where the configuration says so."""
    why: Mapping[str, Json] = field(default_factory=dict)
    """The numbers and words that a sentence on its state is made of; nothing, where it is up."""
    metrics: Mapping[str, Json] | None = None
    """Its values, as last seen."""
    details: Mapping[str, Json] | None = None
    """What is listed in it, as last seen: callers and agents of a queue."""


def unreadable(subject: str, kind: SubjectKind, name: str | None = None) -> Subject:
    """Of which an answer says something that cannot be read."""
    return Subject(subject, kind, SubjectState.UNKNOWN, name, {"reason": UNREADABLE})


def is_outside(conditions: Sequence[Condition]) -> bool:
    """Whether nobody wants to know now: all that there is to say is outside its hours."""
    return bool(conditions) and all(one.verdict is Verdict.OUTSIDE for one in conditions)


def first_word(watch: str) -> SubjectKind | None:
    """The kind of a watch's one subject, where the watch and it have one name: `queue/5`; else None."""
    return _OF_ONE.get(watch.partition("/")[0])


@dataclass(frozen=True)
class Standing:
    """How one subject stands, and since when."""

    state: SubjectState
    since: datetime
    seen_at: datetime | None
    """When it was seen last; of one that is known, when it was seen so first: its watch says the rest."""
    known_state: SubjectState | None = None
    """What it was before it was unknown."""
    known_since: datetime | None = None


def turn(before: Standing | None, state: SubjectState, now: datetime, last_seen: datetime | None) -> Standing:
    """How it stands after one more look, at `now`. `last_seen`: when its watch was seen before this look.

    Time in which it was not seen ends nothing: what is after it as it was before is so since then.
    """
    if before is None:
        return Standing(state, now, None if state is SubjectState.UNKNOWN else now)
    if state is before.state:
        return before
    if state is SubjectState.UNKNOWN:
        return Standing(state, now, last_seen or before.seen_at, before.state, before.since)
    since = before.known_since if state is before.known_state else None
    return Standing(state, since or now, now)
