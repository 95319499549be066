"""The quiet windows of the endpoints: which there are, whether each lasts, and what waits for its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from daemon.core.model import Severity
from daemon.core.routing import quiet
from daemon.core.routing.ledger import Hold
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet, QuietNow, Window, least_urgency
from daemon.store import ledger, outbox

MOST = 10_000
"""What waits is counted so far; nobody needs to know it better, and a page must not count a million."""


@dataclass(frozen=True)
class Standing:
    """One window at a moment."""

    window: Window
    break_through: Severity | None
    is_lasting: bool
    begins_at: datetime | None
    """The next time, in UTC; None while it lasts, and where nobody can say."""
    ends_at: datetime | None
    """Of this time, or of the next."""


@dataclass(frozen=True)
class Windows:
    """The windows of one endpoint."""

    endpoint: str
    windows: list[Standing]
    waits: int | None
    """How many deliveries, and alerts that are not told, wait for the end, at most `MOST`; None: none of the
    windows lasts."""


@dataclass(frozen=True)
class Lasting:
    """That an endpoint is in a quiet window, and how much waits for its end."""

    now: QuietNow
    waits: int
    """At most `MOST`."""


def lasting(db: sa.Connection, interests: Sequence[Interest], now: datetime) -> dict[str, Lasting]:
    """The endpoints that are in one."""
    found = ((one, quiet.lasting(one.quiet, now)) for one in interests if one.quiet)
    return {
        one.endpoint: Lasting(lasts, _waits(db, one, now) or 0) for one, lasts in found if lasts is not None
    }


def windows(db: sa.Connection, interests: Sequence[Interest], now: datetime) -> list[Windows]:
    """Those of every endpoint that has any."""
    return [
        Windows(one.endpoint, [standing(each, now) for each in one.quiet], _waits(db, one, now))
        for one in interests
        if one.quiet
    ]


def standing(one: Quiet, now: datetime) -> Standing:
    """One window at a moment."""
    if one.covers(now):
        return Standing(one.window, one.break_through, True, None, one.ends(now))
    begins_at = one.begins(now)
    ends_at = one.ends(begins_at) if begins_at is not None else None
    return Standing(one.window, one.break_through, False, begins_at, ends_at)


def _waits(db: sa.Connection, one: Interest, now: datetime) -> int | None:
    least = least_urgency(one.quiet, now)
    if least is None:
        return None
    waiting = outbox.held_back(db, one.endpoint, now, least=least, most=MOST)
    return min(MOST, waiting + ledger.held(db, one.endpoint, Hold.QUIET, most=MOST))
