"""The life of an alert: a table, and a function that looks it up.

          a            c              e                g
    OK ------> PENDING ------> FIRING ------> RECOVERING ------> OK
       <------                        <------
          b                              f

    a  bad                               e  good
    b  good, in silence                  f  bad again: the same incident goes on
    c  bad for `for` of observed time    g  good for `keep_firing` of observed time

Two rules. Nothing else in the program assigns a phase. And time counts only while it was observed:
an answer that says nothing (UNKNOWN) moves nothing, and the time around it is added to no timer.
A thing that is GONE closes its alert from every phase. OUTSIDE its hours (`hours.py`) a condition is unseen
as well, but what was told is over: FIRING and RECOVERING are closed, and PENDING stands still.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from daemon.core.durations import NOTHING
from daemon.core.model import Condition, Interval, Known, Reason, Rule, Verdict


class Phase(Enum):
    """Where an alert stands; Prometheus' words."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


class Turn(Enum):
    """What a step makes of an alert that somebody must hear of."""

    FIRED = Reason.FIRST
    RESOLVED = Reason.RESOLVED
    REMOVED = Reason.REMOVED


ON_VERDICT = {
    (Phase.OK, Verdict.BAD): Phase.PENDING,
    (Phase.PENDING, Verdict.GOOD): Phase.OK,
    (Phase.FIRING, Verdict.GOOD): Phase.RECOVERING,
    (Phase.RECOVERING, Verdict.BAD): Phase.FIRING,
    (Phase.PENDING, Verdict.GONE): Phase.OK,
    (Phase.FIRING, Verdict.GONE): Phase.OK,
    (Phase.RECOVERING, Verdict.GONE): Phase.OK,
}
ON_HELD = {
    Phase.PENDING: (Phase.FIRING, Turn.FIRED),
    Phase.RECOVERING: (Phase.OK, Turn.RESOLVED),
}
TOLD = frozenset({Phase.FIRING, Phase.RECOVERING})


@dataclass(frozen=True)
class Alert:
    """One condition over time, as stored between two answers."""

    phase: Phase = Phase.OK
    held: timedelta = NOTHING
    """Observed time in this phase."""
    is_blind: bool = False
    """The last answer said nothing of this condition."""
    last_known: datetime | None = None
    """While blind: when its verdict was last known."""
    changed: Interval | None = None
    """When the verdict last changed."""
    started_at: datetime | None = None
    """The first bad observation of this incident."""
    incident: str | None = None
    """Named when it fires."""

    @property
    def is_settled(self) -> bool:
        """Whether equal answers, however many, would leave it as it is."""
        return self.phase in (Phase.OK, Phase.FIRING) and not self.is_blind

    @property
    def is_forgettable(self) -> bool:
        """Whether it says no more than that all is well."""
        return self.phase is Phase.OK and not self.is_blind


OK = Alert()


@dataclass(frozen=True)
class Seen:
    """When an answer was had, and what came before it."""

    at: datetime
    last: datetime | None
    """The observation before; None at the baseline."""
    observed: timedelta
    """How much of the time since then was observed: zero after a failed answer or a restart."""
    known: Known | None = None
    """What became of a queue's callers; None: it is no queue, or its log is not read."""


@dataclass(frozen=True)
class Ruling:
    """What one answer made of one condition."""

    condition: Condition
    alert: Alert
    turn: Turn | None
    before: Alert = OK

    @property
    def is_held(self) -> bool:
        """Whether the phase before ended because it had lasted for long enough."""
        if self.condition.verdict is Verdict.OUTSIDE:
            return False
        is_next = self.before.phase in ON_HELD and self.alert.phase is ON_HELD[self.before.phase][0]
        return is_next and self.turn in (Turn.FIRED, Turn.RESOLVED)


def step(alert: Alert, verdict: Verdict, seen: Seen, rule: Rule) -> tuple[Alert, Turn | None]:
    """The alert after one more verdict, and the turn it took."""
    if verdict is Verdict.OUTSIDE and alert.phase is not Phase.PENDING:
        closed = replace(alert, phase=Phase.OK, held=NOTHING, is_blind=False, last_known=None)
        return closed, Turn.RESOLVED if alert.phase in TOLD else None
    if verdict in (Verdict.UNKNOWN, Verdict.OUTSIDE):
        last_known = alert.last_known if alert.is_blind else seen.last
        return replace(alert, is_blind=True, last_known=last_known), None
    entered = ON_VERDICT.get((alert.phase, verdict), alert.phase)
    after = _entered(alert, entered, seen) if entered is not alert.phase else _held(alert, seen)
    after = replace(after, is_blind=False, last_known=None)
    if verdict is Verdict.GONE:
        return after, Turn.REMOVED if alert.phase in TOLD else None
    if entered in ON_HELD and after.held >= (rule.hold if entered is Phase.PENDING else rule.keep):
        phase, turn = ON_HELD[entered]
        return replace(after, phase=phase, held=NOTHING), turn
    return after, None


def _entered(alert: Alert, phase: Phase, seen: Seen) -> Alert:
    known = alert.last_known if alert.is_blind else seen.last
    started_at = seen.at if phase is Phase.PENDING else alert.started_at
    return replace(alert, phase=phase, held=NOTHING, changed=Interval(known, seen.at), started_at=started_at)


def _held(alert: Alert, seen: Seen) -> Alert:
    return alert if alert.is_blind else replace(alert, held=alert.held + seen.observed)


def judge(
    alerts: Mapping[str, Alert],
    conditions: Iterable[Condition],
    seen: Seen,
    name_incident: Callable[[], str],
) -> list[Ruling]:
    """What an answer makes of every condition that it speaks of; `alerts` by condition key."""
    rulings = []
    for condition in conditions:
        before = alerts.get(condition.key, OK)
        alert, turn = step(before, condition.verdict, seen, condition.rule)
        if turn is Turn.FIRED:
            alert = replace(alert, incident=name_incident())
        rulings.append(Ruling(condition, alert, turn, before))
    return rulings
