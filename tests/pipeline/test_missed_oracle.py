"""Callers of a queue from the simulator to the store, with the platform's log and without: what is told of
each is judged by what really became of him."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from daemon.core.alerts.life import Seen
from daemon.core.durations import HOUR, MINUTE, NOTHING, SECOND
from daemon.core.missed import DONE_TYPE, DUE_TYPE
from daemon.core.model import Event, Fact, Json, Known
from daemon.core.routing.plan import Interest
from daemon.core.watches import callers, queue_log, queues
from daemon.core.watches.api import NO_PROBLEMS
from daemon.core.watches.queue_shapes import ABANDONED, ANSWERED, LONGEST
from daemon.core.watches.queues import Queue, State
from daemon.core.watches.reports import ADDED
from daemon.operations import missed as operations
from daemon.pipeline import missed
from daemon.pipeline.calls import Scene
from daemon.pipeline.events import Recorder
from daemon.pipeline.missed import HELD
from daemon.simulator.call_log import Counting, Dated, Exit
from daemon.simulator.spelling import day_of
from daemon.simulator.system import SimulatedSystem
from daemon.simulator.traffic import BY_OTHERS, KICKED, Office, Traffic, Truth
from daemon.store import watches
from daemon.store.database import Database
from daemon.yemot import answers
from tests.support import stores
from tests.support.engines import ON_SQLITE, USED
from tests.support.event_examples import Ids

ZONE = ZoneInfo("Asia/Jerusalem")
MORNING = datetime(2026, 11, 30, 6, tzinfo=UTC)
LOGGED = {Exit.ANSWERED.value: callers.ANSWERED, Exit.HUNG_UP.value: callers.ABANDONED}
LOGGED[Exit.TIMED_OUT.value] = callers.ABANDONED
NEVER_LOGGED = {KICKED, BY_OTHERS}
"""What the platform's log has no row for, as far as is known."""

NEVER = 1e9


class Figures(NamedTuple):
    """Of an hour, and of the day, as a threshold compares them."""

    abandoned: Json
    answered: Json
    longest: Json


@dataclass
class Game:
    """One queue that is watched for a while."""

    seed: int
    office: Office
    counting: Counting
    every: float
    dated: Dated | None
    """What the log dates its rows by; None: it cannot be read."""
    now: datetime = MORNING
    told: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Types by call."""
    unseen: list[Fact] = field(default_factory=list)
    moves: list[Fact] = field(default_factory=list)
    """Of the list of those to be called back."""
    figures: list[tuple[datetime, Figures]] = field(default_factory=list)
    """What each look showed."""

    def play(self, database: Database, *, seconds: float, closes_after: float | None = None) -> None:
        """`closes_after` so many seconds nobody calls any more."""
        random, ids = Random(self.seed), Ids()  # noqa: S311 - of a game
        system = SimulatedSystem(now=lambda: self.now)
        queue = system.queue("/5")
        queue.counting, queue.dated = self.counting, self.dated or Dated.LEFT
        self.traffic = Traffic(queue, random, self.office, lambda: self.now)
        watched, state = Queue("/5", "sales", (), timedelta(seconds=self.every)), None
        last: datetime | None = None
        end, looks, reads, known = self.now + timedelta(seconds=seconds), self.now, self.now, 0
        closes = end if closes_after is None else self.now + timedelta(seconds=closes_after)
        happens = self.now + self.traffic.until_next()
        while self.now < end:
            if self.now >= closes:
                self.traffic.office = replace(self.office, between=NEVER)
            self.now = min(happens, looks, reads)
            if self.now == happens:
                self.traffic.step()
                happens = self.now + self.traffic.until_next()
            elif self.now == looks:
                looks += timedelta(seconds=self.every * random.uniform(0.98, 1.02))
                state = self._look(database, ids, queue.shown(), watched, state, last)
                last = self.now
            else:
                reads += 5 * MINUTE
                if self.dated is not None:
                    known = self._read(database, ids, system, watched, known)

    def _look(
        self,
        database: Database,
        ids: Ids,
        shown: dict[str, object],
        watched: Queue,
        state: State | None,
        last: datetime | None,
    ) -> State:
        seen = answers.queue_state(shown)
        assert isinstance(seen, queues.Observation)
        passed = NOTHING if last is None else self.now - last
        with database.write() as db:
            when = Seen(self.now, last, passed, self._known(db, watched))
            change = queues.diff(state, seen, watched, when, ZONE, is_emitting=False)
            shown_now = (change.state.metrics[name] for name in (ABANDONED, ANSWERED, LONGEST))
            self.figures.append((self.now, Figures(*shown_now)))
            scene = Scene(db, "main", ids, self.now, last)
            state_now = json.dumps(queues.dump(change.state))
            watches.save_observed(
                db, ("main", watched.subject), state_now, now=self.now, problems=NO_PROBLEMS
            )
            self._take(missed.follow(scene, change.facts, watched.subject, change.unseen))
        return change.state

    def _known(self, db: sa.Connection, watched: Queue) -> Known | None:
        if self.dated is None:
            return None
        day = self.now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        return missed.known(db, ("main", watched.subject), self.now, day.astimezone(UTC))

    def _read(self, database: Database, ids: Ids, system: SimulatedSystem, watched: Queue, known: int) -> int:
        path = f"5/{queue_log.FILE}.{day_of(self.now)}.ymgr"
        lines = system.files.get(path).body.decode().splitlines() if path in _paths(system) else []
        rows = [dict(part.split("#", 1) for part in line.split("%")) for line in lines[known:]]
        facts = [Fact(ADDED, "report/5", {"row": row}) for row in rows]
        recorder = Recorder([Interest("all", ("queue.*",), None)], ids)
        with database.write() as db:
            scene = Scene(db, "main", ids, self.now, self.now)
            self._take(missed.follow(scene, queue_log.told(facts, watched, self.now, ZONE)))
            self._take(list(map(_fact, missed.tick(db, recorder, self.now).events)))
        return len(lines)

    def _take(self, facts: list[Fact]) -> None:
        for fact in facts:
            if fact.type in (DUE_TYPE, DONE_TYPE):
                self.moves.append(fact)
            elif fact.type in callers.GONE:
                caller = fact.payload["caller"]
                assert isinstance(caller, dict)
                if caller["call_id"] is None:
                    self.unseen.append(fact)
                else:
                    self.told[caller["call_id"]].append(fact.type)

    def truth(self, call_id: str) -> Truth:
        return self.traffic.truths[call_id]


def _fact(event: Event) -> Fact:
    return Fact(event.type, event.subject, json.loads(event.body)["data"])


def _paths(system: SimulatedSystem) -> set[str]:
    return {one.path for one in system.files.of("5")}


GAMES = [
    Game(1, Office(), Counting(), 10, None),
    Game(2, Office(agents=2, between=10, talk=15, hasty=0.5), Counting(at_end=True, is_smooth=True), 5, None),
    *(
        Game(seed, Office(agents=3, between=12, talk=30), Counting(at_end=True, is_smooth=True), every, dated)
        for seed, (every, dated) in enumerate(
            [(10, Dated.LEFT), (10, Dated.ENDED), (10, Dated.JOINED), (30, Dated.LEFT), (5, Dated.ENDED)]
        )
    ),
]


@USED
@ON_SQLITE
@pytest.mark.parametrize("game", GAMES, ids=lambda game: f"{game.every:g}s-{game.dated and game.dated.value}")
def test_nothing_false_is_told_of_any_caller(game: Game) -> None:
    database = stores.new()
    game.play(database, seconds=4000)

    settled_by = game.now - HELD - 10 * MINUTE
    counted: Counter[str] = Counter()
    for call_id, types in game.told.items():
        truth = game.truth(call_id)
        assert types.count(callers.LEFT) <= 1, "what is not known is said once"
        certain = [one for one in types if one != callers.LEFT]
        assert len(certain) <= 1, (types, truth)
        if truth.how in LOGGED and certain:
            assert certain == [LOGGED[truth.how]], (types, truth)
        assert not (certain == [callers.ANSWERED] and truth.how in NEVER_LOGGED), (types, truth)
        assert truth.left_at is not None
        if truth.left_at < settled_by - 5 * MINUTE:
            counted[certain[0] if certain else callers.LEFT] += 1
    total = counted.total()
    print(f"every {game.every:g} s, log {game.dated}: unknown {counted[callers.LEFT] / total:.1%} of {total}")
    if game.dated is not None:
        assert counted[callers.LEFT] < total * 0.15


@USED
@ON_SQLITE
@pytest.mark.parametrize("dated", list(Dated))
def test_the_log_tells_of_those_whom_nobody_saw_and_doubles_none(dated: Dated) -> None:
    database = stores.new()
    game = Game(7, Office(agents=3, between=9, talk=20, hasty=0.6, withheld=0), Counting(), 20, dated)
    game.play(database, seconds=4000)

    logged = [one for one in game.traffic.truths.values() if one.how in LOGGED]
    sure = [types for types in game.told.values() if any(one != callers.LEFT for one in types)]
    seen = {one for one in game.told}
    hidden = [one for one in logged if one.call_id not in seen]
    assert game.unseen
    assert len(game.unseen) <= len(hidden)
    assert len(game.unseen) + len(sure) >= 0.85 * len(logged)
    happened = Counter(one.phone for one in game.traffic.truths.values() if one.left_at)
    with database.read() as db:
        rows = db.execute(sa.text("SELECT phone FROM queue_calls WHERE many > 0 AND outcome != 'unseen'"))
        counted = Counter(rows.scalars())
    assert {phone: many for phone, many in counted.items() if many > happened[phone]} == {}


@USED
def test_who_is_listed_was_missed_and_who_was_answered_later_is_not() -> None:
    database = stores.new()
    game = Game(9, Office(agents=2, between=10, talk=20, withheld=0), Counting(), 10, Dated.LEFT)
    game.play(database, seconds=6000)

    with database.read() as db:
        listed, _ = operations.listed(db, limit=1000)
    assert listed
    lost = {one.phone for one in game.traffic.truths.values() if one.how not in (None, Exit.ANSWERED.value)}
    assert {one.phone for one in listed} <= lost
    settled = game.now - HELD - 10 * MINUTE
    for one in listed:
        answered = [
            truth.left_at
            for truth in game.traffic.truths.values()
            if truth.phone == one.phone and truth.how == Exit.ANSWERED.value and truth.left_at is not None
        ]
        certain = [at for at in answered if at < settled]
        assert not certain or max(certain) <= one.last_at + timedelta(seconds=30), (one, answered)
    due = [one for one in game.moves if one.type == DUE_TYPE]
    done = [one for one in game.moves if one.type == DONE_TYPE]
    assert len(due) - len(done) == len(listed)
    assert done


@USED
@ON_SQLITE
@pytest.mark.parametrize("seed", range(6))
def test_once_the_log_has_told_everybody_the_figures_of_an_hour_are_what_happened(seed: int) -> None:
    database = stores.new()
    office = Office(agents=3, between=15, talk=30, hasty=0.5, kicks=0, resets=0.01, withheld=0, phones=10**8)
    game = Game(seed, office, Counting(), 20, Dated.LEFT)
    game.play(database, seconds=9000, closes_after=9000 - (HELD + 10 * MINUTE) / SECOND)

    gone = [one for one in game.traffic.truths.values() if one.left_at]
    at, shown = game.figures[-1]
    for figure, outcome in ((shown.answered, callers.ANSWERED), (shown.abandoned, callers.ABANDONED)):
        left = [one.left_at for one in gone if LOGGED.get(one.how or "") == outcome and one.left_at]
        surely = sum(one > at - HOUR for one in left)
        perhaps = sum(one > at - HOUR - timedelta(seconds=2 * game.every) for one in left)
        assert isinstance(figure, int | float)
        assert surely <= figure <= perhaps, outcome
        assert surely
    assert shown.longest == max(one.waited for one in gone)
