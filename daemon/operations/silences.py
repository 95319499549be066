"""Muting alerts for a time, and ending that: the rules that the command line and HTTP share.

Where one raises `Refused`, nothing was written.
"""

from datetime import datetime

import sqlalchemy as sa

from daemon.core.alerts.incidents import Incident
from daemon.core.refusals import Refused, Why
from daemon.core.routing.silences import Silence, Wish, granted
from daemon.store import incidents, silences


def mute(db: sa.Connection, wish: Wish, silence: str, now: datetime) -> tuple[Silence, list[Incident]]:
    """Add a silence under this id; with what fires now and is muted by it.

    Raises `Refused` for a wish that cannot be granted, or that waits for the end of what does not fire.
    """
    added = granted(wish, silence, now)
    matched = [one for one in incidents.firing(db) if added.covers(one)]
    if wish.until_resolved and not matched:
        reason = "nothing that it matches is firing, so there is no end to wait for"
        raise Refused(Why.CONFLICT, reason, "until_resolved")
    silences.add(db, added)
    return added, matched


def find_silence(db: sa.Connection, silence: str) -> Silence:
    """One silence by its id. Raises `Refused` where there is none."""
    found = silences.find(db, silence)
    if found is None:
        raise Refused(Why.MISSING, f"there is no silence {silence!r}")
    return found


def unmute(db: sa.Connection, silence: str, now: datetime) -> Silence:
    """End a silence now; what still fires is told. Raises `Refused` where there is none, or it has ended."""
    if find_silence(db, silence).is_over(now):
        raise Refused(Why.CONFLICT, f"the silence {silence!r} has ended already")
    silences.expire(db, silence, now)
    return find_silence(db, silence)
