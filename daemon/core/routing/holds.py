"""What holds an incident back from an endpoint at a moment: every reason, for the ledger to choose. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from daemon.core.alerts.incidents import Incident
from daemon.core.alerts.life import TOLD, Phase
from daemon.core.model import AlertKind, Json
from daemon.core.routing import quiet
from daemon.core.routing.escalation import NOT_REACHED, Reach
from daemon.core.routing.ledger import Hold
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import is_at_least
from daemon.core.routing.silences import Silence, silencing
from daemon.core.watches import api

BROKEN_THROUGH = frozenset({Hold.SILENCED, Hold.INHIBITED, Hold.QUIET})
"""What an escalation that breaks through passes over."""


def holds(
    incident: Incident,
    interest: Interest,
    now: datetime,
    *,
    phases: Mapping[str, Phase],
    silences: Iterable[Silence] = (),
    reach: Reach = NOT_REACHED,
) -> frozenset[Hold]:
    """Every reason not to tell an endpoint; `phases` are the system's alerts by key, `reach` what escalations
    make of it.

    What is told instead (many at once, flapping) holds an alert only where the endpoint is told that.
    """

    def is_told_instead(kind: AlertKind | None) -> bool:
        if kind is None or kind.stands_in is None:
            return False
        key = kind.stands_in.key_for(incident.key)
        is_told = interest.covers(incident.system, kind.fires) or reach.covers(kind.fires)
        return phases.get(key) in TOLD and is_told

    applies = {
        Hold.UNWANTED: not _is_wanted(incident, interest, reach),
        Hold.SEVERITY: not is_at_least(incident.severity, interest.min_severity),
        Hold.INHIBITED: incident.watch != api.OWNER and api.inhibits(phases, incident.watch),
        Hold.FLAPPING: is_told_instead(incident.kind.flaps_as),
        Hold.FOLDED: is_told_instead(incident.kind.folded_into),
        Hold.SILENCED: silencing(silences, incident, now) is not None,
        Hold.BLIND: incident.is_blind,
        Hold.RECOVERING: incident.phase is Phase.RECOVERING,
        Hold.ESCALATION: _waits(incident, interest, reach, now),
        Hold.QUIET: quiet.is_held(interest.quiet, now, incident.severity),
    }
    found = frozenset(hold for hold, does_apply in applies.items() if does_apply)
    return found - BROKEN_THROUGH if reach.breaks_through else found


def unwanted(incident: Incident, interest: Interest, reach: Reach = NOT_REACHED) -> Hold | None:
    """Why an endpoint does not want to be told of an incident at all, whatever else there is to say of it."""
    if not _is_wanted(incident, interest, reach):
        return Hold.UNWANTED
    return None if is_at_least(incident.severity, interest.min_severity) else Hold.SEVERITY


def _is_wanted(incident: Incident, interest: Interest, reach: Reach) -> bool:
    """What is escalated to an endpoint needs not to be among its `events`; all else that it wants holds."""
    is_asked_for = interest.covers(incident.system, incident.kind.fires)
    is_escalated = reach.by is not None or reach.covers(incident.kind.fires)
    return (
        (is_asked_for or (is_escalated and interest.covers_system(incident.system)))
        and not interest.is_about_itself(incident.system, incident.subject)
        and interest.lets_pass(lambda: _filtered(incident), instead=True)
    )


def _waits(incident: Incident, interest: Interest, reach: Reach, now: datetime) -> bool:
    """Whether its time has not come: its own `after`, or the step by which it would be told."""
    if reach.by is not None:
        return False
    if interest.covers(incident.system, incident.kind.fires):
        return now < incident.fired_at + interest.after
    return reach.waits(incident.kind.fires)


def _filtered(incident: Incident) -> dict[str, Json]:
    """What filters see of an incident: what its events say, but for what changes while it lasts."""
    return {
        "system": incident.system or None,
        "subject": incident.subject,
        **incident.payload,
        "alert": {"severity": incident.severity.value},
    }


def rank(incident: Incident) -> tuple[int, bool, datetime, str]:
    """In which order incidents are told: the API first, then what others are told as, then what is over."""
    order = 0 if incident.watch == api.OWNER else 1 if incident.kind.stands_in else 2
    return order, incident.is_firing, incident.fired_at, incident.id
