"""What holds an incident back from an endpoint at this moment, and until when. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from daemon.core.alerts.incidents import Incident
from daemon.core.routing import quiet
from daemon.core.routing.ledger import Hold
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Window
from daemon.core.routing.silences import Silence, silencing


@dataclass(frozen=True)
class HeldBack:
    """One hold, with what stands behind it."""

    by: Hold
    until: datetime | None = None
    """When it is over by the clock, in UTC; None: it is not by the clock, or nobody can say."""
    window: Window | None = None
    """Of a quiet window."""
    silence: Silence | None = None


def held_back(
    hold: Hold, incident: Incident, interest: Interest, silences: Iterable[Silence], now: datetime
) -> HeldBack:
    """What a hold that applies now comes to."""
    if hold is Hold.QUIET:
        found = quiet.lasting(interest.quiet, now, incident.severity)
        return HeldBack(hold, found.until, found.window) if found is not None else HeldBack(hold)
    if hold is Hold.SILENCED:
        silence = silencing(silences, incident, now)
        return HeldBack(hold, silence.mutes_until(now) if silence else None, silence=silence)
    if hold is Hold.ESCALATION:
        return HeldBack(hold, incident.fired_at + interest.after)
    return HeldBack(hold)
