"""The alert machine: every cell of its table, and what no sequence of answers may break."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from daemon.core.alerts import incidents, life
from daemon.core.alerts.life import Alert, Phase, Seen, Turn, step
from daemon.core.durations import NOTHING
from daemon.core.model import AlertKind, Condition, Interval, Reason, Rule, Severity, Verdict

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KIND = AlertKind("sip.account.unregistered", "sip.account.registered")
G, B, U, A, X = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN, Verdict.OUTSIDE, Verdict.GONE


def rule(hold: int = 60, keep: int = 60) -> Rule:
    return Rule(hold * SECOND, keep * SECOND, Severity.ERROR)


def seen(at: int = 30, observed: int = 30) -> Seen:
    return Seen(NOON + at * SECOND, NOON + (at - 30) * SECOND, observed * SECOND)


CELLS = [
    (Phase.OK, G, Phase.OK, None),
    (Phase.OK, B, Phase.PENDING, None),
    (Phase.OK, U, Phase.OK, None),
    (Phase.OK, A, Phase.OK, None),
    (Phase.OK, X, Phase.OK, None),
    (Phase.PENDING, G, Phase.OK, None),
    (Phase.PENDING, B, Phase.PENDING, None),
    (Phase.PENDING, U, Phase.PENDING, None),
    (Phase.PENDING, A, Phase.PENDING, None),
    (Phase.PENDING, X, Phase.OK, None),
    (Phase.FIRING, G, Phase.RECOVERING, None),
    (Phase.FIRING, B, Phase.FIRING, None),
    (Phase.FIRING, U, Phase.FIRING, None),
    (Phase.FIRING, A, Phase.OK, Turn.RESOLVED),
    (Phase.FIRING, X, Phase.OK, Turn.REMOVED),
    (Phase.RECOVERING, G, Phase.RECOVERING, None),
    (Phase.RECOVERING, B, Phase.FIRING, None),
    (Phase.RECOVERING, U, Phase.RECOVERING, None),
    (Phase.RECOVERING, A, Phase.OK, Turn.RESOLVED),
    (Phase.RECOVERING, X, Phase.OK, Turn.REMOVED),
]


@pytest.mark.parametrize(("phase", "verdict", "expected", "turn"), CELLS)
def test_every_cell_of_the_table(phase: Phase, verdict: Verdict, expected: Phase, turn: Turn | None) -> None:
    after, took = step(Alert(phase, NOTHING), verdict, seen(), rule())

    assert (after.phase, took) == (expected, turn)


@pytest.mark.parametrize(
    ("phase", "verdict", "expected", "turn"),
    [(Phase.PENDING, B, Phase.FIRING, Turn.FIRED), (Phase.RECOVERING, G, Phase.OK, Turn.RESOLVED)],
)
def test_a_phase_ends_when_it_was_held_long_enough(
    phase: Phase, verdict: Verdict, expected: Phase, turn: Turn
) -> None:
    short, nothing = step(Alert(phase, 29 * SECOND), verdict, seen(), rule())
    enough, took = step(Alert(phase, 30 * SECOND), verdict, seen(), rule())

    assert (short.phase, nothing) == (phase, None)
    assert (enough.phase, took) == (expected, turn)


def test_without_hold_and_keep_each_change_is_told_at_once() -> None:
    fired, turn = step(Alert(), B, seen(), rule(0, 0))
    over, back = step(fired, G, seen(60), rule(0, 0))

    assert (fired.phase, turn, over.phase, back) == (Phase.FIRING, Turn.FIRED, Phase.OK, Turn.RESOLVED)


def test_time_spent_blind_counts_for_nothing() -> None:
    pending = Alert(Phase.PENDING, 40 * SECOND)

    blind, _ = step(pending, U, seen(), rule())
    after, turn = step(blind, B, seen(60), rule())
    later, fired = step(after, B, seen(90), rule())

    assert (after.held, turn) == (40 * SECOND, None)
    assert (later.phase, fired) == (Phase.FIRING, Turn.FIRED)


def test_a_change_is_dated_from_when_it_was_last_known_to_be_otherwise() -> None:
    blind, _ = step(Alert(), U, seen(30), rule())
    still_blind, _ = step(blind, U, seen(60), rule())
    pending, _ = step(still_blind, B, seen(90), rule())

    assert pending.changed == Interval(NOON, NOON + 90 * SECOND)
    assert pending.started_at == NOON + 90 * SECOND


def test_a_relapse_keeps_its_incident_and_its_beginning() -> None:
    firing = Alert(Phase.FIRING, incident="inc_1", started_at=NOON)

    recovering, _ = step(firing, G, seen(30), rule())
    relapsed, turn = step(recovering, B, seen(60), rule())

    assert turn is None
    assert (relapsed.phase, relapsed.incident, relapsed.started_at) == (Phase.FIRING, "inc_1", NOON)


def test_fires_and_resolves_alternate_in_every_short_life() -> None:
    lives: list[tuple[str, Alert, list[Turn]]] = [("", Alert(), [])]
    for index in range(6):
        before, lives = lives, []
        for verdicts, alert, turns in before:
            for verdict in (G, B, U, A, X):
                after, turn = step(alert, verdict, seen(30 * index), rule(30, 30))
                lives.append((f"{verdicts} {verdict.value}", after, [*turns, turn] if turn else turns))
    for verdicts, alert, turns in lives:
        assert all(turn is Turn.FIRED for turn in turns[::2]), verdicts
        assert all(turn is not Turn.FIRED for turn in turns[1::2]), verdicts
        assert (alert.phase in life.TOLD) == (len(turns) % 2 == 1), verdicts


def test_an_unknown_answer_in_between_never_fires_what_would_not_have_fired() -> None:
    """Dropping the unknown answers from a life leaves the same turns, later or not at all."""
    for verdicts in product((G, B, U), repeat=6):
        alert, fired = Alert(), 0
        for verdict in verdicts:
            alert, turn = step(alert, verdict, seen(), rule(60, 0))
            fired += turn is Turn.FIRED
        longest_run = max(len(run) for run in "".join(v.value[0] for v in verdicts if v is not U).split("g"))
        assert fired == 0 or longest_run >= 3, verdicts


def test_the_event_says_what_product_md_says_it_says() -> None:
    condition = Condition(
        "sip/077", KIND, "sip/077", B, rule(0), {"account": {"user_name": "077", "registered": False}}
    )

    rulings = life.judge({}, [condition], seen(30), lambda: "inc_1")
    fact = incidents.fact(incidents.opened("main", "sip", rulings[0], NOON + 30 * SECOND), Reason.FIRST)

    assert (fact.type, fact.subject) == ("sip.account.unregistered", "sip/077")
    assert fact.payload == {
        "account": {"user_name": "077", "registered": False},
        "alert": {
            "incident": "inc_1",
            "status": "firing",
            "severity": "error",
            "reason": "first",
            "started_at": "2026-03-01T12:00:30.000Z",
            "changed_between": ["2026-03-01T12:00:00.000Z", "2026-03-01T12:00:30.000Z"],
        },
    }


def test_the_baseline_has_no_observation_before_it() -> None:
    condition = Condition("k", KIND, "s", B, rule(0), {})
    (ruling,) = life.judge({}, [condition], Seen(NOON, None, NOTHING), lambda: "inc_1")
    fact = incidents.fact(incidents.opened("main", "sip", ruling, NOON), Reason.FIRST)

    told = fact.payload["alert"]

    assert isinstance(told, dict)
    assert told["changed_between"] == [None, "2026-03-01T12:00:00.000Z"]


def test_a_removed_subject_resolves_with_its_own_reason() -> None:
    firing = Alert(Phase.FIRING, incident="inc_1", started_at=NOON)
    condition = Condition("k", KIND, "s", X, rule(), {})

    (ruling,) = life.judge({"k": firing}, [condition], seen(), lambda: "inc_2")

    assert (ruling.turn, ruling.before, ruling.alert.incident) == (Turn.REMOVED, firing, "inc_1")
    assert ruling.alert.is_forgettable


def test_what_time_or_sight_could_still_move_is_not_settled() -> None:
    assert Alert(Phase.OK).is_settled
    assert Alert(Phase.FIRING).is_settled
    assert not Alert(Phase.PENDING).is_settled
    assert not Alert(Phase.RECOVERING).is_settled
    assert not replace(Alert(Phase.FIRING), is_blind=True).is_settled
