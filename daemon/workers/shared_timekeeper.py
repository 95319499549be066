"""Looks after the one clock of several daemons, the database's. A step of it is followed in the store exactly
once, by whoever knows; all others see that in the store's row, and move what they keep in memory.

    sample     with each renewal     what the clock shows, and by how much the rows were moved so far
    look       every second          has the dispatcher woken where the two do not agree
    follow     the dispatcher        judges that, in one transaction, by a sample of that moment
    recover    at the joining        alone: as after a time in which nobody ran; else as the others

What one daemon sees against its own elapsed time is a step of the database's clock, or its own elapsed time
stood still (its machine was paused); and it may be too new to have seen what is not followed yet. By these
rules it knows. All is judged under the lock of the writers, where the row is read anew: what others moved is
taken over first, and the rest is

    back              a step: elapsed time stands still, but it never leaps. Whoever sees it moves the rows,
                      which also puts right what another moved forward for a pause of its own.
    forward           a step, where the holder of the duty sees it, who moves the rows at once. Whoever else
                      does asks, in the row; as does the holder where the rows were just moved by another.
    asked, answered   its own pause: who sees no rest answers, by writing down how the clock stands. Who asked
                      follows the clock for itself then, and moves nothing.
    asked in vain     for 5 s: nobody knows better, so it is a step.
    no more           than two times drift apart in what passed since the last look: asked of the others as
                      well, and taken for that where nobody answers.

Who is new asks as well, and is sure of nothing before: it moves nothing, and is to write nothing. Where
nobody answers, those who ask and are not new come first. What changes slowly, as a clock is slewed or an
elapsed time drifts, is followed as it comes, by each for itself.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

import sqlalchemy as sa
import structlog

from daemon.core.durations import NOTHING
from daemon.core.shared_clock import DRIFT
from daemon.core.timeline import SLACK, Look, Timeline
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.store import clock_steps
from daemon.store.clock_steps import Clock
from daemon.store.column_types import MILLISECOND
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason
from daemon.workers.shared_clock import SharedClock
from daemon.workers.system_pauses import LONGEST_WAIT, SLOWEST_RETRY
from daemon.workers.timekeeper import DOUBTFUL, REMEMBER_EVERY, Timekeeper

log = structlog.get_logger()

ASKED = "?"
"""In the place of the boot: somebody sees a rest, and does not know whose it is."""
ASKED_BY_NEW = "new"
"""The same: somebody is new, and has no rest of its own."""
QUESTIONS = (ASKED, ASKED_BY_NEW)
ANSWERED_WITHIN = 5.0
"""Seconds. Each daemon looks every second; who does not answer by then does not know, or hangs."""
SETTLED_WITHIN = 3 * ANSWERED_WITHIN
"""The same for who is new, where one that is not asks: that one knows better."""
DISPUTED = 2 * SLACK
"""By less, what another has moved is what is seen here: each of the two may be off by `SLACK`."""
STALE = 3.0
"""Seconds after which it is asked here how the clock stands, where no renewal did."""
LONGEST_PAUSE = max(LONGEST_WAIT, SLOWEST_RETRY)


@dataclass(frozen=True)
class _Question:
    """What was asked of the others."""

    seen: datetime
    """When the clock was last written down then: it is answered once that is another time."""
    anchor: datetime
    """How our elapsed time stood to the clock then: where that moved meanwhile, the answer is of no use."""
    at: float
    """In elapsed seconds."""
    looks: int = 0
    """In vain, since: where nobody could look for a while, nobody could answer."""

    def is_late(self, elapsed: float, patience: float) -> bool:
        """Whether an answer should have come; `patience`: in seconds, of which each has a look."""
        return elapsed - self.at > patience and self.looks >= patience


@dataclass(frozen=True)
class _Belief:
    """What this daemon makes of what it sees."""

    stepped: timedelta
    """By how much the rows were moved in all, as far as it has followed."""
    base: datetime
    """How its elapsed time stands to a clock that was never set."""
    at: float
    """When that was so, in elapsed seconds."""
    joined: timedelta | None = None
    """By how much the rows had been moved when it came, while it is new; None: it is not."""
    question: _Question | None = None

    def rest(self, anchor: datetime, stepped: timedelta) -> timedelta:
        """By how much the clock was set more than the rows were moved, as far as this one can see."""
        return anchor - self.base - stepped


class _Verdict(Enum):
    SETTLED = auto()
    """There is no rest."""
    STEP = auto()
    OWN = auto()
    ASK = auto()
    WAIT = auto()

    @property
    def is_open(self) -> bool:
        return self in (_Verdict.ASK, _Verdict.WAIT)


class SharedTimekeeper(Timekeeper):
    """`follow` is for one thread, `look` for another, the rest for any."""

    def __init__(
        self,
        database: Database,
        timeline: Timeline,
        recorder: Callable[[], Recorder],
        *,
        clock: SharedClock,
        is_ours: Callable[[sa.Connection], bool],
        look: Callable[[], Look],
        wake: Callable[[], None],
        ahead: Callable[[datetime], Sequence[timedelta]],
        longest_wait: Callable[[str], timedelta],
        on_step: Callable[[timedelta], None],
    ) -> None:
        """`clock`: the database's, and `timeline` goes by it. `is_ours`: whether this daemon holds the duty,
        asked within a transaction that writes: one that was paused may think so for too long. `look`: at the
        clocks of this machine. The others as of `Timekeeper`."""
        super().__init__(
            database,
            timeline,
            recorder,
            look=look,
            wake=wake,
            ahead=ahead,
            longest_wait=longest_wait,
            on_step=on_step,
        )
        self._clock = clock
        self._is_ours = is_ours
        self._belief: _Belief | None = None
        """None: it was not recovered yet."""
        self._judging: int | None = None
        """The thread that asks whether the duty is ours."""
        self._judged = 0
        """The sample that was judged last."""

    def sample(self, db: sa.Connection) -> None:
        """Ask how the clock stands, in one statement of its own: with each renewal, once a second."""
        self._clock.sample(db)

    def seen(self, db: sa.Connection) -> Look:
        """What time it is for the rows of this transaction, also where others moved them just now."""
        belief = self._belief
        moved = NOTHING if belief is None else clock_steps.followed(db) - belief.stepped
        return Look(self._timeline.now() + moved, NOTHING, "")

    def check(self, db: sa.Connection) -> None:
        """Raises an error of `FAILURES` where the rows go by another clock than this daemon, or it does not
        know. For the beginning of a transaction that writes; but not of the one in which it finds out."""
        if self._judging != threading.get_ident() and self.stepped(db) is None:
            self._wake()
            why = Exception("the clock was set, and what is in memory does not go by it yet")
            raise sa.exc.OperationalError("clock", None, why)

    @property
    def is_sure(self) -> bool:
        """Whether this daemon knows that it goes by the clock as the rows do. Not so at first, beside others:
        for a second or two, until one of them has answered."""
        belief, row = self._belief, self._clock.row
        return belief is not None and row is not None and not self._is_open(belief, row)

    def stepped(self, db: sa.Connection | None = None) -> timedelta | None:
        """As of `Timekeeper`."""
        belief = self._belief
        if belief is None or not self.is_sure:
            return None
        return None if db is not None and clock_steps.followed(db) != belief.stepped else belief.stepped

    def recover(self, *, is_alone: bool = True) -> None:
        """Join, at the start or anew.

        Alone: where the last who wrote down how the clock stands was on this machine, since its last start, a
        step meanwhile is known; else a clock that was set forward is taken for time that passed, and one that
        stands before where it stood was set back, by so much at least. Beside others the rows are theirs.
        """
        with self._database.write() as db:
            self._clock.sample_well(db)
            self._timeline.follow(self._timeline.apart())
            row, now = self._clock.row, self._seen()
            if row is None or is_alone:
                self._take_up(db, row, now)
                clock_steps.settle_pauses(db, now.wall, LONGEST_PAUSE)
                self._belief = self._settled(self._stepped)
                self._clock.row = Clock(self._stepped, now)
            else:
                self._doubted = now.elapsed  # whether they doubt it nobody here knows
                question = self._asked(db, row, is_new=True)
                self._belief = replace(self._settled(row.stepped), joined=row.stepped, question=question)

    def look(self) -> None:
        """See whether the clock was set; where the duty is ours, remember now and then how it stands."""
        try:
            self._ask_where_nobody_did()
            if not self.is_sure or self._is_asked:
                self._wake()
                return
            elapsed = self._look().elapsed
            if self._remembered is None or elapsed - self._remembered >= REMEMBER_EVERY:
                self._remembered = elapsed
                self._remember()
        except FAILURES as error:
            log.warning("clock.not_remembered", error=reason(error))

    def follow(self) -> timedelta:
        """Go by the clock as it was set. Returns by how much all that is dated moved with it; mostly nothing.
        Raises SQLAlchemy's errors where it cannot be written, and then all stays as it was."""
        belief, sampled = self._belief, self._clock.samples
        if belief is None or sampled == self._judged:
            return NOTHING
        if self.is_sure and not self._is_asked:
            self._absorb(belief)
            self._judged = sampled
            return NOTHING
        followed: list[timedelta] = []
        try:
            with self._database.write() as db:
                moved, recorded = self._judge(db, belief, followed)
        except BaseException:
            self._timeline.follow(-sum(followed, NOTHING))
            self._belief = belief
            raise
        self._judged = self._clock.samples
        if abs(moved) > DOUBTFUL:
            self._doubted = self._look().elapsed
        if moved:
            self._on_step(moved)
        log_recorded(recorded)
        return moved

    def _judge(
        self, db: sa.Connection, belief: _Belief, followed: list[timedelta]
    ) -> tuple[timedelta, Recorded]:
        """By how much the rows were moved since, by others and now. Adds to `followed` what the timeline has
        followed: before the lock of the writers is given up, since the next one goes by it."""
        self._clock.sample(db)
        row = self._clock.row
        if row is None or not self._clock.is_exact:  # so it waits for another sample
            return NOTHING, Recorded()
        verdict = self._verdict(db, belief, row)
        step = belief.rest(self._clock.anchor, row.stepped) if verdict is _Verdict.STEP else NOTHING
        step = step // MILLISECOND * MILLISECOND
        others, stepped = row.stepped - belief.stepped, row.stepped + step
        if step:
            clock_steps.shift(db, step, stepped)
        is_waiting = verdict.is_open and belief.joined is None
        followed.append(others if is_waiting else self._timeline.apart())
        self._timeline.follow(followed[-1])
        if verdict.is_open:
            question = belief.question
            if verdict is _Verdict.ASK or question is None:
                question = self._asked(db, row, is_new=belief.joined is not None)
            else:
                question = replace(question, looks=question.looks + 1)
            self._belief = replace(belief, stepped=stepped, question=question)
            return others, Recorded()
        self._belief = self._settled(stepped)
        if step or row.seen.boot in QUESTIONS:
            self._save(db, stepped)
        return others + step, self._tell(db, step, self._timeline.now()) if step else Recorded()

    def _verdict(self, db: sa.Connection, belief: _Belief, row: Clock) -> _Verdict:
        """What is to be made of the rest."""
        rest, has_moved = belief.rest(self._clock.anchor, row.stepped), row.stepped != belief.stepped
        if belief.joined is None:
            if abs(rest) <= (DISPUTED if has_moved else SLACK):
                return _Verdict.SETTLED
            may_be_drift = self._may_be_drift(belief, rest)
            if rest < NOTHING and not may_be_drift:
                return _Verdict.STEP
            if belief.question is None:
                is_known = not has_moved and not may_be_drift and self._has_duty(db)
                return _Verdict.STEP if is_known else _Verdict.ASK
        return self._answer(belief, row, rest)

    def _answer(self, belief: _Belief, row: Clock, rest: timedelta) -> _Verdict:
        """What is to be made of it by what the others say to our question."""
        question = belief.question
        if question is None or question.seen != row.seen.wall:
            is_of_use = question is not None and abs(self._clock.anchor - question.anchor) <= SLACK
            return _Verdict.OWN if is_of_use else _Verdict.ASK
        is_behind = belief.joined is not None and row.seen.boot == ASKED
        if not question.is_late(self._clock.elapsed(), SETTLED_WITHIN if is_behind else ANSWERED_WITHIN):
            return _Verdict.WAIT
        if belief.joined is None:
            return _Verdict.OWN if self._may_be_drift(belief, rest) else _Verdict.STEP
        return _Verdict.OWN if row.stepped != belief.joined or abs(rest) <= SLACK else _Verdict.STEP

    def _has_duty(self, db: sa.Connection) -> bool:
        self._judging = threading.get_ident()
        try:
            return self._is_ours(db)
        finally:
            self._judging = None

    def _may_be_drift(self, belief: _Belief, rest: timedelta) -> bool:
        return abs(rest) <= timedelta(seconds=DRIFT * (self._clock.elapsed() - belief.at))

    def _is_open(self, belief: _Belief, row: Clock) -> bool:
        """Whether there is something to judge."""
        is_unsure = belief.joined is not None or belief.question is not None
        rest = belief.rest(self._clock.anchor, row.stepped)
        return is_unsure or row.stepped != belief.stepped or abs(rest) > SLACK

    @property
    def _is_asked(self) -> bool:
        """Whether somebody asks how the clock stands."""
        return self._clock.row is not None and self._clock.row.seen.boot in QUESTIONS

    def _absorb(self, belief: _Belief) -> None:
        """What is no step is followed as it comes."""
        self._belief = self._settled(belief.stepped)
        self._timeline.follow(self._timeline.apart())

    def _ask_where_nobody_did(self) -> None:
        at = self._clock.asked_at
        if at is None or self._clock.elapsed() - at > STALE:
            with self._database.read() as db:
                self._clock.sample(db)

    def _remember(self) -> None:
        """As an answer to whoever asks, it is of this moment, under the lock of the writers."""
        with self._database.write() as db:
            if not self._has_duty(db):
                return
            self._clock.sample(db)
            if self.is_sure and self._clock.is_exact and self._belief is not None:
                self._save(db, self._belief.stepped)

    def _settled(self, stepped: timedelta) -> _Belief:
        """That the rows were moved by all that the clock was set, as it stands now."""
        return _Belief(stepped, self._clock.anchor - stepped, self._clock.elapsed())

    def _asked(self, db: sa.Connection, row: Clock, *, is_new: bool) -> _Question:
        if row.seen.boot != ASKED:
            asked = row.seen._replace(boot=ASKED_BY_NEW if is_new else ASKED)
            self._clock.row = Clock(row.stepped, asked)
            clock_steps.save(db, self._clock.row)
        return _Question(row.seen.wall, self._clock.anchor, self._clock.elapsed())

    def _save(self, db: sa.Connection, stepped: timedelta) -> None:
        self._clock.row = Clock(stepped, self._seen())
        clock_steps.save(db, self._clock.row)

    def _seen(self) -> Look:
        """The clock that all go by, beside what elapsed on this machine."""
        return self._look()._replace(wall=self._clock.wall())
