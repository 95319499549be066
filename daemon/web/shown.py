"""What strangers may see of what is watched: the subjects that were chosen, and of each how it stands.

What was not chosen is answered as what does not exist. Nothing of callers, failures or endpoints: a subject's
name by the configuration, its state, since when, and for how long it was up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from daemon.core.durations import MINUTE
from daemon.operations.history import Sums
from daemon.schemas.subjects import SubjectStatus
from daemon.store.database import Database
from daemon.web.dependencies import Live
from daemon.web.kept import Kept
from daemon.web.page.words import Words
from daemon.web.routes.status import Asked, status_of

SHOWN_DIGITS = 3
"""Of a phone's number."""
LEFT_TO_RIGHT = "\u200e"
"""What is left out of a number stands before the rest, in Hebrew too."""
NUMBERED = "sip"
"""The kind of subject whose own word is a phone's number."""
Uptime = Mapping[str, tuple[float, float, float]]
"""Over `24h` and so on: seconds up, down and unknown."""


@dataclass(frozen=True)
class Shown:
    """One subject, as far as strangers see it."""

    system: str
    subject: str
    kind: str
    name: str
    """By the configuration, or the last of its path or number; "" where its kind says it all."""
    state: str
    """`up`, `down` or `unknown`."""
    since: str | None
    uptime: Uptime

    def label(self, words: Words) -> str:
        """What it is called, as plain text."""
        return words.plain(f"public.{self.kind}", name=self.name)


Look = Callable[[], Mapping[tuple[str, str], Shown]]
"""All subjects that there are, by system and subject, in the order of the status."""


def look(database: Database, live: Live, version: str) -> Look:
    """What gives them, made once a second at most; for how long each was up, once a minute."""
    sums = Sums()

    def read(asked: Asked) -> Iterator[tuple[str, SubjectStatus]]:
        status = status_of(database, live, version, asked)
        return ((system.name, one) for system in status.systems for one in system.subjects)

    def make_uptimes() -> Mapping[tuple[str, str], Uptime]:
        return {(system, one.subject): _uptime(one) for system, one in read(Asked(sums=sums))}

    uptimes = Kept(make_uptimes, live.now, MINUTE)

    def make() -> Mapping[tuple[str, str], Shown]:
        known = uptimes()
        return {
            (system, one.subject): _shown(system, one, known.get((system, one.subject), {}))
            for system, one in read(Asked())
        }

    return Kept(make, live.now)


def is_chosen(patterns: Sequence[str], system: str, subject: str) -> bool:
    """Whether globs of "system/subject" name it."""
    return any(fnmatchcase(f"{system}/{subject}", pattern) for pattern in patterns)


def _shown(system: str, one: SubjectStatus, uptime: Uptime) -> Shown:
    return Shown(system, one.subject, one.kind, _name(one), one.state, one.since, uptime)


def _uptime(one: SubjectStatus) -> Uptime:
    return {span: (of.up, of.down, of.unknown) for span, of in (one.uptime or {}).items()}


def _name(one: SubjectStatus) -> str:
    own = one.subject.partition("/")[2]
    if one.name or one.kind != NUMBERED:
        return one.name or own
    return f"{LEFT_TO_RIGHT}…{own[-SHOWN_DIGITS:]}"
