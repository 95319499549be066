"""PirsumPhone: whether the system is registered to the service.

Pure. What could not be read is unknown: it keeps the old state.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from daemon.core.model import Change, EventRow, EventTypes, Fact, Json
from daemon.core.shapes import flag, record
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState, unreadable

SUBJECT = "pirsumphone"
REGISTERED, UNREGISTERED = "pirsumphone.registered", "pirsumphone.unregistered"
SERVICE = record({"registered": flag()})
EVENTS = EventTypes(
    (REGISTERED, UNREGISTERED),
    states=(frozenset({REGISTERED, UNREGISTERED}),),
    rows={
        REGISTERED: EventRow(
            "The system is registered to PirsumPhone, and was not.", {"pirsumphone": SERVICE}
        ),
        UNREGISTERED: EventRow("It is registered no more.", {"pirsumphone": SERVICE}),
    },
)


@dataclass(frozen=True)
class Observation:
    """PirsumPhoneManagement, action GetRegistrationStatus."""

    registered: bool | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """Whether the system is registered to the service."""

    registered: bool | None = None


def diff(before: State | None, seen: Observation, *, is_emitting: bool) -> Change[State]:
    """Whether the system was registered to the service, or taken out of it."""
    known = before or State()
    if seen.registered is None:
        return Change(known)
    is_told = is_emitting if known.registered is None else seen.registered != known.registered
    event_type = REGISTERED if seen.registered else UNREGISTERED
    fact = Fact(event_type, SUBJECT, {"pirsumphone": {"registered": seen.registered}})
    return Change(State(seen.registered), (fact,) if is_told else ())


def subjects(seen: Observation) -> list[Subject]:
    """The service: registered or not."""
    if seen.registered is None:
        return [unreadable(SUBJECT, SubjectKind.PIRSUMPHONE)]
    if seen.registered:
        return [Subject(SUBJECT, SubjectKind.PIRSUMPHONE, SubjectState.UP)]
    why: dict[str, Json] = {"registered": False}
    return [Subject(SUBJECT, SubjectKind.PIRSUMPHONE, SubjectState.DOWN, why=why)]


def saw(seen: Observation) -> dict[str, Json]:
    """Whether the system is registered to the service."""
    return {"registered": seen.registered}


def dump(state: State) -> dict[str, Json]:
    """The state as JSON."""
    return asdict(state)


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    return State(**stored)
