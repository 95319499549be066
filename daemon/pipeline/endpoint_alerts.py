"""What others are told when the health of an endpoint turns: an incident that lasts while it fails, and a
fact for each further step."""

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from daemon.core import own_events
from daemon.core.alerts.life import Seen
from daemon.core.delivery.breaker import HEALTHY, Breaker, DisabledBy, Health, Turn
from daemon.core.durations import NOTHING
from daemon.core.model import Condition, Fact, Json, Rule, Severity, Verdict
from daemon.core.routing.plan import DAEMON, endpoint_subject
from daemon.pipeline.alerts import Judge
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.pipeline.notification import Teller

OWNER = "endpoints"
"""What owns the alerts of endpoints in the store."""
AT_ONCE = Rule(NOTHING, NOTHING, Severity.ERROR)
STEPS = {
    Health.SUSPENDED: own_events.SUSPENDED,
    Health.DISABLED: own_events.DISABLED,
}


class Reporter:
    """Writes the turns of endpoints as events, in the transaction of the dispatcher."""

    def __init__(self, recorder: Callable[[], Recorder]) -> None:
        self._in_force = recorder

    def tell(self, db: sa.Connection, turns: Sequence[Turn], now: datetime) -> None:
        """Write what has turned, and tell every other endpoint."""
        recorder = self._in_force()
        judge = Judge(db, recorder, DAEMON, OWNER)
        judge.take([_condition(turn.endpoint, turn.after) for turn in turns], Seen(now, None, NOTHING))
        # First that it fails, then how badly: a reader of the lane sees the incident begin.
        recorded = _settle(db, recorder, judge, now)
        steps = [fact for turn in turns for fact in _steps(turn)]
        log_recorded(recorded + recorder.record(db, DAEMON, steps, now))


def sweep(db: sa.Connection, recorder: Recorder, now: datetime) -> Recorded:
    """End the alerts of endpoints that left the configuration."""
    judge = Judge(db, recorder, DAEMON, OWNER)
    names = {name for one in recorder.interests for name in (one.endpoint, one.reported_as or one.endpoint)}
    kept = {endpoint_subject(name) for name in names}
    judge.close([key for key in judge.known if key not in kept], Seen(now, None, NOTHING))
    return _settle(db, recorder, judge, now)


def _settle(db: sa.Connection, recorder: Recorder, judge: Judge, now: datetime) -> Recorded:
    written = recorder.record(db, DAEMON, judge.judged().facts, now)
    return written + Teller(recorder).settle(db, now, written.turned)


def _condition(name: str, state: Breaker) -> Condition:
    subject = endpoint_subject(name)
    verdict = Verdict.GOOD if state.health is Health.HEALTHY else Verdict.BAD
    if state.disabled_by is DisabledBy.OPERATOR:
        verdict = Verdict.GONE  # it does not fail any more, and has not recovered: it is off
    return Condition(
        subject, own_events.FAILING, subject, verdict, AT_ONCE, {"endpoint": _payload(name, state)}
    )


def _steps(turn: Turn) -> list[Fact]:
    """The facts that a turn is beside the alert."""
    before, after = turn.before, turn.after
    if before.health is Health.DISABLED and after.health is not Health.DISABLED:
        types = [own_events.ENABLED]
    elif before.health is Health.SUSPENDED and after.health is Health.DEGRADED:
        types = [own_events.RESUMED]
    else:
        types = [STEPS[after.health]] if after.health in STEPS else []
    payload: dict[str, Json] = {"endpoint": _payload(turn.endpoint, after)}
    return [Fact(one, endpoint_subject(turn.endpoint), payload) for one in types]


def _payload(name: str, state: Breaker) -> Json:
    return {
        "name": name,
        "health": state.health.value,
        "error": state.error if state is not HEALTHY else None,
        "by": state.disabled_by.value if state.disabled_by else None,
    }
