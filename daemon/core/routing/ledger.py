"""The ledger: what each endpoint was last told of each incident, and what it has to be told now. Pure.

                 fire                      resolve
    UNTOLD ----------------> FIRING ----------------> RESOLVED
       |                      |  ^                       |
       |  ended meanwhile     `--'  repeat               `--> over, once it is delivered
       `--> over, in silence

After anything changed (a condition, a silence, a quiet window, the configuration) the same question is
asked of every incident and endpoint: is what it was told still true? Nothing is remembered of *why* the
two differ, so there is no way to forget it.

A fire waits for every hold. A resolve waits only for the few that promise it later: whoever was told
that something is wrong is told when it is over, whatever is silenced or filtered by then.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from daemon.core.alerts.incidents import Incident
from daemon.core.model import Reason

SLOWEST_REPEAT = timedelta(hours=24)
"""Once a day nobody forgets what still fires."""
FIRST_RETELL = timedelta(hours=1)
"""After a delivery that was given up, the endpoint is told again; the wait doubles up to `SLOWEST_REPEAT`."""


class Standing(Enum):
    """What an endpoint was last told of an incident."""

    UNTOLD = "untold"
    FIRING = "firing"
    RESOLVED = "resolved"


class Hold(Enum):
    """Why an endpoint is not told something; declared in the order in which they are asked."""

    UNWANTED = "unwanted"
    """Its `events` or `systems` do not cover it."""
    SEVERITY = "below_severity"
    INHIBITED = "inhibited"
    """The API that it is seen through is away, or rejects the token, and that is told instead."""
    FLAPPING = "flapping"
    """It comes and goes so often that one alert tells that instead."""
    FOLDED = "folded"
    """It is a member of an incident that tells many at once."""
    SILENCED = "silenced"
    """Somebody asked not to hear of it for a time."""
    BLIND = "blind"
    """Whether it still lasts is not known."""
    RECOVERING = "recovering"
    """It may be over before it is told."""
    ESCALATION = "escalation"
    """The endpoint's `after` has not passed; or it is told by escalation only, and that has not come to
    it."""
    QUIET = "quiet"


UNWANTED = frozenset({Hold.UNWANTED, Hold.SEVERITY})
"""The endpoint does not want to hear of it at all."""
HOLDS_RESOLVES = (Hold.FLAPPING, Hold.QUIET)
HOLDS_FACTS = UNWANTED | {Hold.SILENCED, Hold.QUIET}
"""While one of them lasts, an endpoint hears nothing of who has an alert, or to whom it was escalated."""
PASSES_FRESH = frozenset({Hold.BLIND, Hold.RECOVERING})
"""What is firing at this very moment was seen: these two hold only what would be told late."""


@dataclass(frozen=True)
class Told:
    """One line of the ledger: one endpoint and one incident."""

    standing: Standing = Standing.UNTOLD
    at: datetime | None = None
    """When; once it has arrived or was given up, that time."""
    repeats: int = 0
    members: tuple[str, ...] = ()
    held_by: Hold | None = None
    """Why it was not told when it was last asked."""
    losses: int = 0
    """How often what was told was given up undelivered."""
    is_lost: bool = False
    """What was told last was given up, and the endpoint knows nothing of it."""
    is_waiting: bool = False
    """What was told last is on its way yet."""
    is_superseded: bool = False
    """What was told last was taken back before it arrived."""
    is_under_way: bool = False
    """Something of the incident is being sent, and may have been heard by now."""
    is_delivered: bool = False
    has_heard: bool = False
    """Something of the incident has arrived, then or before."""
    acknowledged: int | None = None
    """The number of the acknowledgement that it was told last."""


NEVER = Told()


@dataclass(frozen=True)
class Decision:
    """What follows for one endpoint and one incident."""

    tell: Reason | None = None
    """Why it is told now how the incident stands; None: nothing is told."""
    held_by: Hold | None = None
    is_over: bool = False
    """Nothing will ever have to be told of this incident any more."""


NOTHING_TO_TELL = Decision()
OVER = Decision(is_over=True)


def decide(
    incident: Incident,
    told: Told,
    holds: Collection[Hold],
    now: datetime,
    *,
    is_fresh: bool = False,
    repeat: timedelta | None = None,
    is_acknowledged: bool = False,
    is_reminded: bool = False,
) -> Decision:
    """What one endpoint has to be told. `holds`: what applies to it now; `is_fresh`: it turned just now;
    `is_acknowledged`: somebody has it, so nobody is reminded by time alone; `is_reminded`: it was escalated
    just now to this endpoint, which knows of it."""
    if not incident.is_firing and told.standing is Standing.UNTOLD:
        return OVER
    if told.standing is Standing.RESOLVED and told.is_delivered:
        return OVER
    if not incident.is_firing and _is_unheard(told) and not UNWANTED.isdisjoint(holds):
        return OVER  # it knows nothing of it, and no longer wants to
    reason = _reason(incident, told, now, None if is_acknowledged else repeat, is_fresh=is_fresh)
    if reason is None and is_reminded and incident.is_firing and not (told.is_waiting or told.is_lost):
        reason = Reason.REPEAT
    if reason is None:
        return NOTHING_TO_TELL
    held_by = _hold(incident, holds, is_fresh=is_fresh)
    return Decision(held_by=held_by) if held_by else Decision(tell=reason)


def after(told: Told, incident: Incident, reason: Reason, now: datetime) -> Told:
    """The line once the endpoint is told how the incident stands."""
    return Told(
        Standing.FIRING if incident.is_firing else Standing.RESOLVED,
        now,
        told.repeats + (reason is Reason.REPEAT),
        incident.members,
        losses=told.losses + told.is_lost,
    )


def repeat_due(told: Told, repeat: timedelta | None) -> datetime | None:
    """When an endpoint is reminded of what it was told; the wait doubles each time."""
    if repeat is None or told.at is None:
        return None
    return told.at + _doubled(repeat, told.repeats)


def retell_due(told: Told) -> datetime | None:
    """When what was given up is told again."""
    if not told.is_lost or told.at is None:
        return None
    return told.at + _doubled(FIRST_RETELL, told.losses)


def hears(told: Told, acknowledged: int | None, holds: Collection[Hold]) -> bool:
    """Whether an endpoint has to be told now who has an incident, by the number of the acknowledgement: it
    has heard that it fires, and not yet of this. `holds`: what applies to it now."""
    is_news = acknowledged is not None and told.acknowledged != acknowledged
    return is_news and told.standing is Standing.FIRING and told.has_heard and HOLDS_FACTS.isdisjoint(holds)


def _is_unheard(told: Told) -> bool:
    """Whether nothing of it has arrived, nor may have, though it was told that it fires."""
    is_news = told.standing is Standing.FIRING and (told.is_waiting or told.is_superseded)
    return not (told.has_heard or told.is_under_way) and (told.is_lost or is_news)


def _reason(
    incident: Incident, told: Told, now: datetime, repeat: timedelta | None, *, is_fresh: bool
) -> Reason | None:
    """Why the endpoint should be told; None where what it was told is true."""
    is_told_truth = told.standing is (Standing.FIRING if incident.is_firing else Standing.RESOLVED)
    if not is_told_truth:
        # That it is over says little to whom nothing arrived of it.
        is_news = told.is_lost and not told.has_heard
        if not is_fresh or is_news:
            return Reason.CATCH_UP
        return Reason.FIRST if incident.is_firing else incident.end
    if told.is_lost:
        return Reason.CATCH_UP if _is_due(retell_due(told), now) else None
    if not incident.is_firing:
        return None
    if incident.members != told.members and incident.is_steady:
        return Reason.REPEAT
    # Whom the last message has not reached yet needs no reminder of it.
    return Reason.REPEAT if not told.is_waiting and _is_due(repeat_due(told, repeat), now) else None


def _hold(incident: Incident, holds: Collection[Hold], *, is_fresh: bool) -> Hold | None:
    if not incident.is_firing:
        return next((hold for hold in HOLDS_RESOLVES if hold in holds), None)
    asked = (hold for hold in Hold if hold in holds)
    return next((hold for hold in asked if not (is_fresh and hold in PASSES_FRESH)), None)


def _doubled(wait: timedelta, times: int) -> timedelta:
    """A wait that doubles each time, but not beyond a day, or itself where it is longer."""
    # Compared before the multiplication, which a long life would overflow.
    doubled: int = 2 ** min(times, 30)
    if wait.total_seconds() * doubled >= SLOWEST_REPEAT.total_seconds():
        return max(wait, SLOWEST_REPEAT)
    return wait * doubled


def _is_due(due: datetime | None, now: datetime) -> bool:
    return due is not None and due <= now
