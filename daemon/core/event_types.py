"""The catalogue of event types, and the globs that endpoints name them by. Pure."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from daemon.core.model import Kind
from daemon.core.watches import api, machine, queues, sip, units

EVENT_TYPES: tuple[str, ...] = (
    "sms.received",
    "sms.gap",
    "sip.account.unregistered",
    "sip.account.registered",
    "sip.accounts.unregistered",
    "sip.accounts.registered",
    "sip.account.flapping",
    "sip.account.stable",
    "sip.account.added",
    "sip.account.removed",
    "sip.registration.changed",
    "sip.registration.duplicate",
    "queue.threshold.crossed",
    "queue.threshold.cleared",
    "queue.caller.joined",
    "queue.caller.left",
    "queue.agent.paused",
    "queue.agent.unpaused",
    "directory.file.added",
    "pirsumphone.registered",
    "pirsumphone.unregistered",
    "units.low",
    "units.ok",
    "units.expiring",
    "units.renewed",
    "api.unreachable",
    "api.reachable",
    "api.token_rejected",
    "api.token_accepted",
    "api.schema_changed",
    "command.succeeded",
    "command.failed",
    "command.unknown",
    "command.expired",
    "endpoint.failing",
    "endpoint.recovered",
    "endpoint.suspended",
    "endpoint.resumed",
    "endpoint.disabled",
    "endpoint.enabled",
    "daemon.started",
    "daemon.stopped",
    "daemon.config_reloaded",
    "daemon.clock_wrong",
    "daemon.clock_right",
    "daemon.disk_low",
    "daemon.disk_ok",
    "daemon.store_recovered",
    "quiet.ended",
    "test.ping",
)

OPT_IN = frozenset({"queue.caller.joined", "queue.caller.left", "queue.agent.paused", "queue.agent.unpaused"})
"""Types that a bare `*` does not ask for: there are many of them, and few want them."""

STATES: tuple[frozenset[str], ...] = (
    frozenset({"sip.account.added", "sip.account.removed"}),
    frozenset({"sip.registration.changed", "sip.registration.duplicate"}),
    frozenset({"pirsumphone.registered", "pirsumphone.unregistered"}),
)
"""Facts of one subject of which only the newest counts: each set tells one thing."""

KINDS: Mapping[str, Kind] = {
    one.fires: one
    for one in (
        sip.KIND,
        sip.MANY,
        sip.FLAPPING,
        queues.KIND,
        units.LOW,
        units.EXPIRING,
        api.REACHABLE,
        api.TOKEN,
        machine.CLOCK,
        machine.DISK,
    )
}
"""The alerts' pairs of types as their watches declare them, by the type that fires."""


def kind_of(fires: str, resolves: str) -> Kind:
    """The kind of a stored pair of types, as it is declared.

    A pair that only another version declares is told all the same, for itself alone.
    """
    declared = KINDS.get(fires)
    return declared if declared and declared.resolves == resolves else Kind(fires, resolves)


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
