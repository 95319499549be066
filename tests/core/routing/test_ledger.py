"""The ledger: every cell of its question, and what no life of an alert may make of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from daemon.core.alerts import incidents
from daemon.core.alerts.incidents import Incident
from daemon.core.alerts.life import OK, Alert, Phase, Ruling, Seen, Turn, step
from daemon.core.durations import NOTHING
from daemon.core.model import AlertKind, Condition, Interval, Reason, Rule, Severity, Verdict
from daemon.core.routing import ledger
from daemon.core.routing.ledger import (
    HOLDS_RESOLVES,
    OVER,
    PASSES_FRESH,
    Decision,
    Hold,
    Standing,
    Told,
    decide,
)
from tests.support.examples import is_full

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
KIND = AlertKind("sip.account.unregistered", "sip.account.registered")
FIRING = Incident(
    "inc_1",
    "main",
    "sip/077",
    "sip",
    KIND,
    "sip/077",
    Severity.ERROR,
    {},
    NOON,
    Interval(None, NOON),
    NOON,
)
ENDED = replace(FIRING, ended_at=NOON + HOUR, end=Reason.RESOLVED, phase=Phase.OK)
UNTOLD = Told()
TOLD_FIRING = Told(Standing.FIRING, NOON)
TOLD_RESOLVED = Told(Standing.RESOLVED, NOON + HOUR)

CELLS = [
    # truth, told, is_fresh, expected
    (FIRING, UNTOLD, True, Decision(tell=Reason.FIRST)),
    (FIRING, UNTOLD, False, Decision(tell=Reason.CATCH_UP)),
    (FIRING, TOLD_FIRING, False, Decision()),
    (ENDED, UNTOLD, True, OVER),
    (ENDED, UNTOLD, False, OVER),
    (ENDED, TOLD_FIRING, True, Decision(tell=Reason.RESOLVED)),
    (ENDED, TOLD_FIRING, False, Decision(tell=Reason.CATCH_UP)),
    (replace(ENDED, end=Reason.REMOVED), TOLD_FIRING, True, Decision(tell=Reason.REMOVED)),
    (ENDED, replace(TOLD_FIRING, is_lost=True), True, Decision(tell=Reason.CATCH_UP)),
    (
        replace(ENDED, end=Reason.REMOVED),
        replace(TOLD_FIRING, is_lost=True),
        True,
        Decision(tell=Reason.CATCH_UP),
    ),
    (ENDED, replace(TOLD_FIRING, is_lost=True, has_heard=True), True, Decision(tell=Reason.RESOLVED)),
    (ENDED, TOLD_RESOLVED, False, Decision()),
    (ENDED, replace(TOLD_RESOLVED, is_delivered=True), False, OVER),
    (ENDED, replace(TOLD_RESOLVED, is_waiting=True), False, Decision()),
]


@pytest.mark.parametrize(("truth", "told", "is_fresh", "expected"), CELLS)
def test_every_cell(truth: Incident, told: Told, *, is_fresh: bool, expected: Decision) -> None:
    assert decide(truth, told, (), NOON, is_fresh=is_fresh) == expected


@pytest.mark.parametrize("hold", Hold)
def test_a_late_fire_waits_for_every_hold(hold: Hold) -> None:
    assert decide(FIRING, UNTOLD, {hold}, NOON) == Decision(held_by=hold)


@pytest.mark.parametrize("hold", Hold)
def test_what_was_seen_just_now_is_not_held_for_being_out_of_sight(hold: Hold) -> None:
    decision = decide(FIRING, UNTOLD, {hold}, NOON, is_fresh=True)

    assert (decision.tell is Reason.FIRST) is (hold in PASSES_FRESH)


@pytest.mark.parametrize("hold", Hold)
def test_a_resolve_waits_only_for_what_promises_it_later(hold: Hold) -> None:
    decision = decide(ENDED, TOLD_FIRING, {hold}, NOON, is_fresh=True)

    assert decision == (Decision(held_by=hold) if hold in HOLDS_RESOLVES else Decision(tell=Reason.RESOLVED))


def test_of_several_holds_the_first_is_named() -> None:
    assert decide(FIRING, UNTOLD, set(Hold), NOON).held_by is Hold.UNWANTED
    assert decide(FIRING, UNTOLD, {Hold.QUIET, Hold.SILENCED}, NOON).held_by is Hold.SILENCED


def test_reminders_come_after_an_interval_that_doubles_up_to_a_day() -> None:
    told, now = TOLD_FIRING, NOON
    waits: list[float] = []
    while now < NOON + timedelta(days=5):
        now += timedelta(minutes=30)
        if decide(FIRING, told, (), now, repeat=4 * HOUR).tell:
            assert told.at
            waits.append((now - told.at) / HOUR)
            told = ledger.after(told, FIRING, Reason.REPEAT, now)

    assert waits == [4, 8, 16, 24, 24, 24]
    assert told.repeats == 6


def test_an_interval_longer_than_a_day_stays_what_it_is() -> None:
    assert ledger.repeat_due(replace(TOLD_FIRING, repeats=3), 48 * HOUR) == NOON + 48 * HOUR


def test_nobody_is_reminded_who_asks_for_none_or_has_not_got_the_first_message() -> None:
    later = NOON + timedelta(days=9)

    assert decide(FIRING, TOLD_FIRING, (), later) == Decision()
    assert decide(FIRING, replace(TOLD_FIRING, is_waiting=True), (), later, repeat=HOUR) == Decision()


@pytest.mark.parametrize(("truth", "told"), [(FIRING, TOLD_FIRING), (ENDED, TOLD_RESOLVED)])
def test_what_was_given_up_is_told_again_ever_more_slowly(truth: Incident, told: Told) -> None:
    lost, now = replace(told, is_lost=True), told.at or NOON
    waits: list[float] = []
    while len(waits) < 7:
        now += timedelta(minutes=30)
        if decide(truth, lost, (), now).tell is Reason.CATCH_UP:
            assert lost.at
            waits.append((now - lost.at) / HOUR)
            lost = replace(ledger.after(lost, truth, Reason.CATCH_UP, now), is_lost=True)

    assert waits == [1, 2, 4, 8, 16, 24, 24]


def test_other_members_are_told_once_they_have_stayed_for_an_answer() -> None:
    listed = replace(FIRING, payload={"accounts": {"unregistered": ["1", "2", "3"]}})
    told = replace(TOLD_FIRING, members=("1", "2"))

    assert decide(replace(listed, is_steady=False), told, (), NOON) == Decision()
    assert decide(listed, told, (), NOON).tell is Reason.REPEAT
    assert decide(listed, ledger.after(told, listed, Reason.REPEAT, NOON), (), NOON) == Decision()


@dataclass
class Life:
    """One alert and one endpoint, with the machine and the ledger between them."""

    alert: Alert = OK
    at: datetime = NOON
    truth: list[Incident] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    stream: list[tuple[str, str]] = field(default_factory=list)
    """What was told: `fire`, `repeat` or `resolve`, and of which incident."""

    def copy(self) -> "Life":
        return replace(self, truth=[*self.truth], told={**self.told}, stream=[*self.stream])

    def see(self, verdict: Verdict, *, after_restart: bool, holds: Iterable[Hold]) -> None:
        """One answer, and the ledger settled."""
        seen = Seen(self.at, self.at - 30 * SECOND, NOTHING if after_restart else 30 * SECOND)
        before = self.alert
        self.alert, turn = step(before, verdict, seen, Rule(30 * SECOND, 30 * SECOND, Severity.ERROR))
        if turn is Turn.FIRED:
            self.alert = replace(self.alert, incident=f"inc_{len(self.truth) + 1}")
            condition = Condition("k", KIND, "k", verdict, Rule(NOTHING, NOTHING, Severity.ERROR), {})
            self.truth.append(incidents.opened("main", "sip", Ruling(condition, self.alert, turn), self.at))
        elif turn:
            self.truth[-1] = incidents.ended(self.truth[-1], {}, self.alert.changed, self.at, turn.value)
        if self.truth and self.truth[-1].is_firing:
            now = {"phase": self.alert.phase, "is_blind": self.alert.is_blind}
            self.truth[-1] = replace(self.truth[-1], **now)  # type: ignore[arg-type]
        self.settle(holds, is_fresh=turn is not None)
        self.at += 30 * SECOND

    def settle(self, holds: Iterable[Hold], *, is_fresh: bool = False) -> None:
        for one in self.truth:
            told = self.told.get(one.id, Told())
            applies = set(holds)
            applies |= {Hold.BLIND} if one.is_blind else set()
            applies |= {Hold.RECOVERING} if one.phase is Phase.RECOVERING else set()
            fresh = is_fresh and one is self.truth[-1]
            decision = decide(one, told, applies, self.at, is_fresh=fresh, repeat=60 * SECOND)
            if decision.tell:
                what = "resolve" if not one.is_firing else "fire"
                is_repeat = decision.tell is Reason.REPEAT
                self.stream.append(("repeat" if is_repeat else what, one.id))
                self.told[one.id] = ledger.after(told, one, decision.tell, self.at)


Answer = tuple[Verdict, bool]


def every_life(
    states: Sequence[Answer], see: Callable[[Life, Answer], None]
) -> list[tuple[tuple[Answer, ...], Life]]:
    """Every sequence of five answers under the full profile, of four every day, and the life of each; what
    begins alike is lived once."""
    lives: list[tuple[tuple[Answer, ...], Life]] = [((), Life())]
    for _ in range(4 + is_full()):
        lives = [((*before, state), life.copy()) for before, life in lives for state in states]
        for answers, life in lives:
            see(life, answers[-1])
    return lives


VERDICTS = (Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN)
SUPPRESSIONS: Sequence[Hold | None] = (None, Hold.SILENCED, Hold.FLAPPING, Hold.QUIET, Hold.INHIBITED)


def assert_grammar(stream: Sequence[tuple[str, str]], life: object) -> None:
    """For each incident: nothing, or `fire repeat*`, or `fire repeat* resolve`."""
    standing: dict[str, str] = {}
    for what, incident in stream:
        before = standing.get(incident, "untold")
        allowed = {"untold": {"fire"}, "fire": {"repeat", "resolve"}, "repeat": {"repeat", "resolve"}}
        assert what in allowed.get(before, set()), (life, stream)
        standing[incident] = what


@pytest.mark.parametrize("hold", SUPPRESSIONS)
def test_every_short_life_with_and_without_suppression(hold: Hold | None) -> None:
    """Each answer with the suppression on or off."""

    def see(life: Life, answer: Answer) -> None:
        verdict, is_held = answer
        life.see(verdict, after_restart=False, holds={hold} if is_held and hold else ())

    for answers, life in every_life(list(product(VERDICTS, (False, True) if hold else (False,))), see):
        assert_grammar(life.stream, answers)
        _told_is_truth(life, answers)


def test_every_short_life_with_a_restart_between_any_two_answers() -> None:
    def see(life: Life, answer: Answer) -> None:
        verdict, after_restart = answer
        life.see(verdict, after_restart=after_restart, holds=())

    for answers, life in every_life(list(product(VERDICTS, (False, True))), see):
        assert_grammar(life.stream, answers)
        _told_is_truth(life, answers)


def test_nothing_is_told_without_a_transition() -> None:
    """Whatever is suppressed and released again: a life without a bad answer tells nothing."""
    for answers in product(product((Verdict.GOOD, Verdict.UNKNOWN), (False, True)), repeat=5):
        life = Life()
        for verdict, is_held in answers:
            life.see(verdict, after_restart=is_held, holds={Hold.SILENCED} if is_held else ())
        assert life.stream == []


def _told_is_truth(life: Life, answers: object) -> None:
    """Once nothing holds it, and it is seen and does not recover, what was told is what is true."""
    if life.truth and life.truth[-1].is_firing:
        life.truth[-1] = replace(life.truth[-1], phase=Phase.FIRING, is_blind=False)
    life.settle(())
    for one in life.truth:
        told = life.told.get(one.id, Told()).standing
        expected = {Standing.FIRING} if one.is_firing else {Standing.UNTOLD, Standing.RESOLVED}
        assert told in expected, answers
    assert_grammar(life.stream, answers)
