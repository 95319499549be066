"""The catalogue of event types, summed up from what each part declares, and the globs that endpoints name
them by. Pure."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from daemon.core import missed, own_events
from daemon.core.commands import command, following, sent_texts
from daemon.core.digests import digest
from daemon.core.model import AlertKind, EventRow, EventTypes
from daemon.core.routing import quiet
from daemon.core.watches import (
    api,
    caller_ids,
    callers,
    directories,
    expectations,
    machine,
    pirsumphone,
    queues,
    registrations,
    reports,
    sip,
    sms,
    sms_units,
    units,
)

PARTS: tuple[EventTypes, ...] = (
    sms.EVENTS,
    sent_texts.EVENTS,
    sip.EVENTS,
    registrations.EVENTS,
    queues.EVENTS,
    callers.EVENTS,
    missed.EVENTS,
    directories.EVENTS,
    reports.EVENTS,
    pirsumphone.EVENTS,
    units.EVENTS,
    sms_units.EVENTS,
    caller_ids.EVENTS,
    expectations.EVENTS,
    api.EVENTS,
    command.EVENTS,
    following.EVENTS,
    own_events.OF_ALERTS,
    own_events.ENDPOINTS,
    own_events.LIFE,
    own_events.MEMBERS,
    machine.EVENTS,
    digest.EVENTS,
    quiet.EVENTS,
    own_events.TEST,
)
"""What each part declares."""

EVENT_TYPES: tuple[str, ...] = tuple(name for part in PARTS for name in part.names)
ROWS: Mapping[str, EventRow] = {name: row for part in PARTS for name, row in part.rows.items()}
"""What is to be known of each type: when it comes, and what it says."""
OPT_IN: frozenset[str] = frozenset().union(*(part.opt_in for part in PARTS))
"""Types that a bare `*` does not ask for."""
STATES: tuple[frozenset[str], ...] = tuple(group for part in PARTS for group in part.states)
"""Facts of one subject of which only the newest counts: each set tells one thing."""
KINDS: Mapping[str, AlertKind] = {kind.fires: kind for part in PARTS for kind in part.alerts}
"""The alerts' pairs of types, by the one that fires."""

ALERT_TYPES: frozenset[str] = frozenset(
    name for kind in KINDS.values() for name in (kind.fires, kind.resolves)
)
"""The types of both sides of each pair; all others are facts."""


def kind_of(fires: str, resolves: str) -> AlertKind:
    """The kind of a stored pair of types, as it is declared.

    A pair that only another version declares is told all the same, for itself alone.
    """
    declared = KINDS.get(fires)
    return declared if declared and declared.resolves == resolves else AlertKind(fires, resolves)


def states_like(event_type: str) -> frozenset[str]:
    """The types that a newer event of this type makes out of date; none for what is no state."""
    return next((group for group in STATES if event_type in group), frozenset())


def names(patterns: Sequence[str], event_type: str) -> bool:
    """Whether one of the globs names this type."""
    return any(fnmatchcase(event_type, pattern) for pattern in patterns)


def matches(patterns: Sequence[str], event_type: str) -> bool:
    """Whether one of the globs names this type; `*` alone does not name the opt-in types."""
    return any(
        fnmatchcase(event_type, pattern) and not (pattern == "*" and event_type in OPT_IN)
        for pattern in patterns
    )
