"""What one answer does to the store, inside the one transaction of its poll.

    watches.load         state                                      read
    missed.known         what became of a queue's callers           read
    kind.diff            Change(state, facts, conditions)           pure
    attention.seen       what of it counts at this hour             pure
    judge.take           alerts and incidents                       pure, then written
    kind.fold            conditions that follow from the alerts     pure
    watches.save_*       the state                                  written
    kind.subjects        how everything it sees stands              pure, then written
    missed.follow        who left a queue, and is to be called back written
    recorder.record      events; deliveries of those that           written
                         stand alone
    teller.settle        deliveries of the alerts' events           written

An answer that failed takes the same road: its conditions are all UNKNOWN, which moves nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Generic

import sqlalchemy as sa
import structlog

from daemon.core.alerts.hours import EVERYTHING, Attention
from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Change, Fact, Failure, Known, Unknown
from daemon.core.watches import api
from daemon.core.watches.subjects import Subject, SubjectState
from daemon.core.watches.watch import SeenT, StateT, Watch
from daemon.pipeline import missed
from daemon.pipeline.alerts import Judge
from daemon.pipeline.calls import Scene
from daemon.pipeline.events import Recorded, Recorder
from daemon.pipeline.notification import Teller
from daemon.store import pieces, subjects, watches

log = structlog.get_logger()


@dataclass(frozen=True)
class Elapsed:
    """Observed time, as the poller measured it: zero where it did not look."""

    since_answer: timedelta
    """Since the last answer that was understood, if nothing failed in between."""
    since_poll: timedelta
    """Since the last poll, however it ended."""


UNOBSERVED = Elapsed(NOTHING, NOTHING)
Came = Callable[[list[Fact]], list[Fact]]
"""What is expected of a system takes note of what a poll found; the events of what was missing until then."""


class Walk(Generic[StateT, SeenT]):
    """One poll's reading and writing."""

    def __init__(
        self,
        db: sa.Connection,
        watch: Watch[StateT, SeenT],
        recorder: Recorder,
        *,
        now: datetime,
        elapsed: Elapsed,
        last_seen: datetime | None = None,
        came: Came = lambda _facts: [],
    ) -> None:
        """`last_seen`: when the watch was seen, where the store does not know it yet."""
        self._db = db
        self._watch = watch
        self._came = came
        self._recorder = recorder
        self._now = now
        self._elapsed = elapsed
        self.before = watches.load(db, *watch.id)
        self.is_settled = True
        """Whether equal answers, however many, would change nothing more."""
        self.written: tuple[str, StateT] | None = None
        """The state that was written, as text and as it is; for who knows whether it was committed."""
        self.subjects: dict[str, Subject] = {}
        """How what the watch sees stands after this, by name."""
        self.api: Subject | None = None
        """How the API stands after this."""
        self.terms = watch.terms(now)
        """By which this was judged."""
        self._last_seen = last_seen or self.before.observed_at

    def take(self, seen: SeenT | Unknown) -> Recorded:
        """Write what an observation, or `Unknown`, comes to."""
        if isinstance(seen, Unknown):
            return self._told(self._failed(seen, polled_at=self._now))
        return self._told(self._understood(seen))

    def leave_alone(self, unknown: Unknown) -> Recorded:
        """Write that nothing was asked, since the API wants to be left alone, as `unknown` says."""
        return self._told(self._failed(unknown, polled_at=self.before.polled_at))

    def _told(self, facts: list[Fact]) -> Recorded:
        recorded = self._recorder.record(self._db, self._watch.system, facts, self._now)
        if not recorded.turned:
            return recorded
        return recorded + Teller(self._recorder).settle(self._db, self._now, recorded.turned)

    def _understood(self, seen: SeenT) -> list[Fact]:
        watch, before = self._watch, self.before
        when = Seen(self._now, before.observed_at, self._elapsed.since_answer, self._known_callers())
        state = watch.state(before.state, partial(pieces.load, self._db, *watch.id))
        change = watch.kind.diff(state, seen, when)
        attention = watch.description.attention
        change = replace(change, conditions=attention.seen(change.conditions, self._now))
        judge = self._judge(watch.name, attention)
        judge.take(change.conditions, when)
        judge.take(watch.kind.fold(change.state, judge.phases), when)
        judge.close_unmentioned(when)
        text = watch.text(change.state)
        changed, problems = self._problems(seen.problems)
        watches.save_observed(self._db, watch.id, text, now=self._now, problems=problems)
        pieces.save(self._db, watch.id, change.pieces)
        self.written = text, change.state
        self._stand(self._seen(seen, change, when))
        of_api = [*self._api(None), *changed]
        judged = judge.judged()
        self.is_settled = self.is_settled and judged.is_settled and not change.is_moving
        scene = Scene(self._db, watch.system, self._recorder.new_id, self._now, self._last_seen)
        facts = missed.follow(scene, change.facts, watch.name, change.unseen)
        found = [*of_api, *facts, *judged.facts]
        return [*found, *self._came(found)] if found else found

    def _failed(self, unknown: Unknown, *, polled_at: datetime | None) -> list[Fact]:
        watch, before = self._watch, self.before
        judge = self._judge(watch.name, watch.description.attention)
        judge.take_unseen(Seen(self._now, before.observed_at, NOTHING))
        lines = (unknown.message,) if unknown.failure is Failure.MALFORMED else before.problems.lines
        changed, problems = self._problems(lines)
        since = before.failing_since or self._now
        watches.save_failed(self._db, watch.id, unknown, polled_at=polled_at, since=since, problems=problems)
        self._stand(self._not_seen(unknown.failure))
        return [*self._api(unknown), *changed, *judge.judged().facts]

    def _judge(self, owner: str, attention: Attention = EVERYTHING) -> Judge:
        system, may_know_any = self._watch.system, self.before.may_have_alerts
        return Judge(self._db, self._recorder, system, owner, may_know_any=may_know_any, attention=attention)

    def _problems(self, lines: tuple[str, ...]) -> tuple[list[Fact], api.Problems]:
        watch = self._watch
        return api.schema_changed(
            watch.name, watch.description.method, self.before.problems, lines, self._now
        )

    def _api(self, unknown: Unknown | None) -> list[Fact]:
        """What the poll says of the API; told before anything that was seen through it."""
        watch, before = self._watch, self.before
        when = Seen(self._now, before.polled_at, self._elapsed.since_poll)
        judge = self._judge(api.OWNER)
        judge.take(api.conditions(watch.name, unknown, watch.description.api_rule), when)
        stored = judge.known.get(api.API_KEY)
        error = api.error_of(unknown) or (stored.payload.get("error") if stored else None)
        judge.take([api.fold(judge.phases, error, watch.description.api_rule.severity)], when)
        failure = unknown.failure if unknown else None
        self.api = api.subject(judge.alerts, failure, error)
        # Where nothing was wrong before, and is not now, its row says so since this watch was polled first.
        if unknown is not None or judge.known or watch.memory.subjects is None:
            known = subjects.load(self._db, watch.system, api.OWNER)
            self._save(api.OWNER, [self.api], known, before.polled_at)
        judged = judge.judged()
        self.is_settled = self.is_settled and judged.is_settled
        return list(judged.facts)

    def _known_callers(self) -> Known | None:
        """What became of the callers, where the watch is of a queue whose log is read."""
        day = self._watch.kind.day_of_callers(self._now)
        return None if day is None else missed.known(self._db, self._watch.id, self._now, day)

    def _known(self) -> Mapping[str, Subject]:
        """How what the watch sees stood before."""
        known = self._watch.memory.subjects
        return subjects.load(self._db, *self._watch.id) if known is None else known

    def _seen(self, seen: SeenT, change: Change[StateT], when: Seen) -> list[Subject]:
        """How what the watch sees stands by an answer. An error of ours in that is no reason not to take the
        answer: alerts and events come from what was compared."""
        try:
            return self._watch.kind.subjects(seen, change, when)
        except Exception:
            log.exception("subjects.crashed", system=self._watch.system, watch=self._watch.name)
            self.is_settled = False  # or an equal answer would be passed over, and be as little known
            return self._not_seen(Failure.OURS)

    def _not_seen(self, failure: Failure) -> list[Subject]:
        """What the watch saw, as it stands when nobody can see it."""
        why = {"failure": failure.value}
        return [replace(one, state=SubjectState.UNKNOWN, why=why) for one in self._known().values()]

    def _stand(self, seen: list[Subject]) -> None:
        """Write how what the watch sees stands; what it sees no more exists no more."""
        known = self._known()
        self.subjects = {one.subject: one for one in seen}
        self._save(self._watch.name, seen, known, self._last_seen)
        subjects.leave(self._db, self._watch.system, known.keys() - self.subjects.keys(), self._now)

    def _save(
        self, owner: str, seen: list[Subject], known: Mapping[str, Subject], last_seen: datetime | None
    ) -> None:
        changed = [one for one in seen if known.get(one.subject) != one]
        if changed:
            subjects.save(self._db, (self._watch.system, owner), changed, self._now, last_seen)
