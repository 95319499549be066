"""What one answer does to the store, inside the one transaction of its poll.

    watches.load         state, alerts                            read
    watch.diff           Change(state, facts, conditions)         pure
    alerts.judge         the life of each condition               pure
    watches.save_*       state and alerts                         written
    recorder.record      events, one delivery for each endpoint   written

An answer that failed takes the same road: its conditions are all UNKNOWN, which moves nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core import alerts, health
from daemon.core.alerts import NOTHING, Ruling, Seen
from daemon.core.model import Condition, Fact, Failure, Unknown
from daemon.core.watch import Watch
from daemon.store import watches
from daemon.workers.recorder import Recorded, Recorder

API = "api"
"""What owns the alerts of the API itself in the store, where others belong to their watch."""


@dataclass(frozen=True)
class Elapsed:
    """Observed time, as the poller measured it: zero where it did not look."""

    since_answer: timedelta
    """Since the last answer that was understood, if nothing failed in between."""
    since_poll: timedelta
    """Since the last poll, however it ended."""


UNOBSERVED = Elapsed(NOTHING, NOTHING)


class Walk:
    """One poll's reading and writing."""

    def __init__(
        self, db: sa.Connection, watch: Watch, recorder: Recorder, *, now: datetime, elapsed: Elapsed
    ) -> None:
        self._db = db
        self._watch = watch
        self._recorder = recorder
        self._now = now
        self._elapsed = elapsed
        self.before = watches.load(db, *watch.id)
        self.is_settled = True
        """Whether equal answers, however many, would change nothing more."""

    def take(self, seen: Any) -> Recorded:
        """Write what an observation, or `Unknown`, comes to."""
        facts = self._failed(seen) if isinstance(seen, Unknown) else self._understood(seen)
        return self._recorder.record(self._db, self._watch.system, facts, self._now)

    def _understood(self, seen: Any) -> list[Fact]:
        watch, before = self._watch, self.before
        when = Seen(self._now, before.observed_at, self._elapsed.since_answer)
        state = None if before.state is None else watch.load(before.state)
        change = watch.diff(state, seen, when)
        rulings = self._judge(watch.name, change.conditions, when)
        new_state = watch.dump(change.state)
        watches.save_observed(self._db, watch.id, new_state, now=self._now, problems=seen.problems)
        return [*self._api(None, seen.problems), *change.facts, *alerts.facts(rulings)]

    def _failed(self, unknown: Unknown) -> list[Fact]:
        watch, before = self._watch, self.before
        known = watches.load_alerts(self._db, watch.system, watch.name)
        when = Seen(self._now, before.observed_at, NOTHING)
        self._judge(watch.name, [one.unseen() for one in known.values()], when)
        problems = (unknown.message,) if unknown.failure is Failure.MALFORMED else before.problems
        since = before.failing_since or self._now
        watches.save_failed(self._db, watch.id, unknown, now=self._now, since=since, problems=problems)
        return self._api(unknown, problems)

    def _api(self, unknown: Unknown | None, problems: tuple[str, ...]) -> list[Fact]:
        """What the poll says of the API; told before anything that was seen through it."""
        watch, before = self._watch, self.before
        when = Seen(self._now, before.polled_at, self._elapsed.since_poll)
        conditions = health.conditions(watch.name, unknown, watch.api_rule)
        turned = alerts.facts(self._judge(API, conditions, when))
        return turned + health.schema_changed(watch.name, watch.method, before.problems, problems)

    def _judge(self, owner: str, conditions: Iterable[Condition], when: Seen) -> list[Ruling]:
        known = watches.load_alerts(self._db, self._watch.system, owner)
        lives = {key: one.alert for key, one in known.items()}
        rulings = alerts.judge(lives, conditions, when, lambda: self._recorder.new_id("inc"))
        watches.save_alerts(self._db, self._watch.system, owner, rulings, known)
        self.is_settled = self.is_settled and all(ruling.alert.is_settled for ruling in rulings)
        return rulings
