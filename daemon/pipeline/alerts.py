"""What conditions make of stored alerts and incidents, inside the transaction of whoever saw them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
import structlog

from daemon.core.alerts import incidents, life
from daemon.core.alerts.hours import EVERYTHING, Attention
from daemon.core.alerts.incidents import OUTSIDE_HOURS, members
from daemon.core.alerts.life import Alert, Phase, Ruling, Seen, Turn
from daemon.core.durations import NOTHING
from daemon.core.model import Condition, Fact, Verdict
from daemon.core.watches import api
from daemon.pipeline.events import Recorder
from daemon.store import incidents as incident_store
from daemon.store import watches

log = structlog.get_logger()


WELL = frozenset({Verdict.GOOD, Verdict.OUTSIDE, Verdict.GONE})
"""What leaves an alert that is not in the store as it is: OK."""


@dataclass(frozen=True)
class Judged:
    """What became of some alerts."""

    facts: tuple[Fact, ...] = ()
    """Events of incidents that began or ended."""
    is_settled: bool = True
    """Equal answers, however many, would change nothing more."""


class Judge:
    """Judges the alerts of one owner (a watch, or the API) of one system."""

    def __init__(
        self,
        db: sa.Connection,
        recorder: Recorder,
        system: str,
        owner: str,
        *,
        may_know_any: bool = True,
        attention: Attention = EVERYTHING,
    ) -> None:
        """`may_know_any`: whether the owner may have alerts in the store; `attention`: when they count."""
        self._db = db
        self._recorder = recorder
        self._system = system
        self._owner = owner
        self._attention = attention
        self.known = watches.load_alerts(db, system, owner) if may_know_any else {}
        self._rulings: dict[str, Ruling] = {}
        self._facts: list[Fact] = []
        self._is_settled = True

    @property
    def phases(self) -> dict[str, Phase]:
        """The owner's alerts by key, as judged so far."""
        stored = {key: one.alert.phase for key, one in self.known.items()}
        return stored | {key: ruling.alert.phase for key, ruling in self._rulings.items()}

    @property
    def alerts(self) -> dict[str, Alert]:
        """The owner's alerts by key, as judged so far."""
        stored = {key: one.alert for key, one in self.known.items()}
        return stored | {key: ruling.alert for key, ruling in self._rulings.items()}

    def take(self, conditions: Iterable[Condition], when: Seen) -> None:
        """Judge conditions, and store what becomes of their alerts and incidents."""
        counted = self._attention.seen(conditions, when.at)
        told = [one for one in counted if not self._is_well(one)]
        anew = [one for one in told if when.last and self._attention.is_outside(one.key, when.last)]
        # Of these the answer before said nothing: nobody looked then.
        self._take(anew, replace(when, last=None, observed=NOTHING))
        self._take([one for one in told if one not in anew] if anew else told, when)

    def _take(self, told: list[Condition], when: Seen) -> None:
        if not told:
            return
        lives = {key: one.alert for key, one in self.known.items()}
        rulings = life.judge(lives, told, when, lambda: self._recorder.new_id("inc"))
        steady = {one.condition.key for one in rulings if self._is_steady(one)}
        watches.save_alerts(self._db, self._system, self._owner, rulings, self.known, steady)
        incident_store.save_transitions(self._db, self._system, rulings, when)
        for ruling in rulings:
            self._rulings[ruling.condition.key] = ruling
            self._turn(ruling, when.at)
            is_settled = ruling.alert.is_settled and ruling.condition.key in steady
            self._is_settled = self._is_settled and (is_settled or ruling.alert.is_forgettable)

    def take_unseen(self, when: Seen) -> None:
        """An answer that says nothing of any alert."""
        self.take([one.condition(Verdict.UNKNOWN) for one in self.known.values()], when)

    def close_unmentioned(self, when: Seen) -> None:
        """What an understood answer speaks of no more is not configured any more."""
        self.close((key for key in self.known if key not in self._rulings), when)

    def close(self, keys: Iterable[str], when: Seen) -> None:
        """End alerts whose conditions exist no more."""
        self.take([self.known[key].condition(Verdict.GONE) for key in keys], when)

    def judged(self) -> Judged:
        """What became of all of them."""
        return Judged(tuple(self._facts), self._is_settled)

    def _is_well(self, condition: Condition) -> bool:
        """Whether all is well and was, so that there is nothing to judge: so it is with nearly all, nearly
        always."""
        if condition.verdict not in WELL or condition.key in self.known:
            return False
        self._rulings[condition.key] = Ruling(condition, life.OK, None)
        return True

    def _is_steady(self, ruling: Ruling) -> bool:
        stored = self.known.get(ruling.condition.key)
        kind, payload = ruling.condition.kind, ruling.condition.payload
        return stored is None or members(kind, stored.payload) == members(kind, payload)

    def _turn(self, ruling: Ruling, now: datetime) -> None:
        """Begin or end an incident, and say so in an event."""
        turn, condition = ruling.turn, ruling.condition
        if turn is None or condition.kind is None:
            return
        if turn is Turn.FIRED:
            incident = incidents.opened(self._system, self._owner, ruling, now)
        else:
            known = incident_store.find(self._db, ruling.before.incident or "")
            if known is None:  # somebody deleted it: nobody can have been told of it by this ledger
                log.error("incident.missing", system=self._system, key=condition.key)
                return
            cause = OUTSIDE_HOURS if condition.verdict is Verdict.OUTSIDE else None
            changed = ruling.alert.changed
            incident = incidents.ended(known, condition.payload, changed, now, turn.value, cause)
        incident_store.save(self._db, incident)
        self._facts.append(incidents.fact(incident, turn.value))


def gone(
    db: sa.Connection, recorder: Recorder, configured: Mapping[str, set[str]], now: datetime
) -> list[tuple[str, Judged]]:
    """End the alerts of watches that left the configuration; `configured` are watches' names by system.

    Returns what became of them, by system.
    """
    when = Seen(now, None, NOTHING)
    swept = []
    for system, owner in watches.alert_owners(db):
        names = configured.get(system, set())
        if owner != api.OWNER:
            if owner not in names:
                judge = Judge(db, recorder, system, owner)
                judge.close(list(judge.known), when)
                swept.append((system, judge.judged()))
            continue
        judge = Judge(db, recorder, system, owner)
        kept = {api.key_of(name) for name in names} | {api.API_KEY, api.TOKEN_KEY}
        left = [key for key in judge.known if key not in kept or not names]
        if left:
            judge.close([key for key in left if key != api.API_KEY], when)
            judge.take(_api(judge, is_configured=bool(names)), when)
            swept.append((system, judge.judged()))
    return swept


def _api(judge: Judge, *, is_configured: bool) -> list[Condition]:
    """The API's folded condition after some of its watches have gone."""
    stored = judge.known.get(api.API_KEY)
    if stored is None:
        return []
    if not is_configured:
        return [stored.condition(Verdict.GONE)]
    phases = {key: phase for key, phase in judge.phases.items() if phase is not Phase.OK}
    folded = api.fold(phases, stored.payload.get("error"), stored.severity)
    # Nobody has seen that the API is back: what was blind is gone.
    return [replace(folded, verdict=Verdict.GONE)] if folded.verdict is Verdict.GOOD else [folded]
