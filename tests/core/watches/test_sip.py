"""SIP accounts: what an answer says of each, and how often the list must say so before one is gone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.alerts.life import Phase
from daemon.core.model import Change, Condition, Fact, Rule, Severity, Verdict
from daemon.core.watches import sip
from daemon.core.watches.sip import (
    EMPTY_AFTER,
    GONE_AFTER,
    GONE_AFTER_MANY,
    MANY_AT_ONCE,
    Observation,
    State,
)
from tests.support.examples import examples

RULE = Rule(timedelta(seconds=60), timedelta(seconds=60), Severity.ERROR)
G, B, U, X = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN, Verdict.GONE
VERDICTS = {True: G, False: B, None: U}


def diff(
    before: State | None, accounts: Mapping[str, bool | None], *, is_emitting: bool = False
) -> tuple[State, Change[State]]:
    """The change, and the state as a restart would find it."""
    change = sip.diff(before, Observation(accounts), RULE, is_emitting=is_emitting)
    restarted = sip.load(json.loads(json.dumps(sip.dump(change.state))))
    assert restarted == change.state
    return restarted, change


def verdicts(change: Change[State]) -> dict[str, Verdict]:
    return {one.subject.removeprefix("sip/"): one.verdict for one in change.conditions}


def told(change: Change[State]) -> list[tuple[str, str]]:
    return [(fact.type, fact.subject) for fact in change.facts]


def accounts(many: int) -> dict[str, bool | None]:
    return {f"{number:03}": True for number in range(many)}


def answers_until_gone(known: int, missing: int) -> int:
    """How many answers in a row it takes until the missing ones are told as removed."""
    state, _ = diff(None, accounts(known))
    left = dict(list(accounts(known).items())[missing:])
    for answers in range(1, 2 * GONE_AFTER_MANY):
        state, change = diff(state, left)
        if change.facts:
            assert told(change) == [("sip.account.removed", f"sip/{number:03}") for number in range(missing)]
            assert state == State(left)
            return answers
    raise AssertionError("never")


def test_the_baseline_is_silent_but_says_who_is_unregistered() -> None:
    _, change = diff(None, {"077": True, "078": False, "079": None})

    assert change.facts == ()
    assert verdicts(change) == {"077": G, "078": B, "079": U}


def test_the_baseline_tells_the_accounts_where_that_is_asked_for() -> None:
    _, change = diff(None, {"078": False, "077": True}, is_emitting=True)

    assert change.facts == (
        Fact(
            "sip.account.added",
            "sip/077",
            {"account": {"user_name": "077", "registered": True, "created_date": None}},
        ),
        Fact(
            "sip.account.added",
            "sip/078",
            {"account": {"user_name": "078", "registered": False, "created_date": None}},
        ),
    )


def test_an_empty_baseline_makes_the_first_account_a_new_one() -> None:
    state, _ = diff(None, {})

    assert told(diff(state, {"077": True})[1]) == [("sip.account.added", "sip/077")]


def test_a_list_that_fills_up_after_an_empty_baseline_was_there_before() -> None:
    state, _ = diff(None, {})
    state, filled = diff(state, accounts(14))

    assert filled.facts == ()
    assert told(diff(state, {**accounts(14), "new": True})[1]) == [("sip.account.added", "sip/new")]


def test_a_baseline_that_stays_empty_is_believed() -> None:
    state = None
    for _ in range(EMPTY_AFTER):
        state, _ = diff(state, {})

    assert len(diff(state, accounts(14))[1].facts) == 14


def test_an_account_has_one_condition_that_names_it() -> None:
    _, change = diff(None, {"0772222770=2": False})

    assert change.conditions == (
        Condition(
            key="sip/0772222770=2",
            kind=sip.KIND,
            subject="sip/0772222770=2",
            verdict=B,
            rule=RULE,
            payload={"account": {"user_name": "0772222770=2", "registered": False, "created_date": None}},
        ),
    )


def test_conditions_stand_in_one_order_whatever_the_order_of_the_answer() -> None:
    forwards, backwards = diff(None, {"a": True, "b": False})[1], diff(None, {"b": False, "a": True})[1]

    assert forwards.conditions == backwards.conditions


@pytest.mark.parametrize("after", [True, False, None])
@pytest.mark.parametrize("before", [True, False, None])
def test_a_registration_that_comes_or_goes_is_no_fact(before: bool | None, after: bool | None) -> None:
    state, _ = diff(None, {"077": before})
    _, change = diff(state, {"077": after})

    assert (change.facts, verdicts(change)) == ((), {"077": VERDICTS[after]})


def test_a_new_account_is_told_and_judged_at_once() -> None:
    state, _ = diff(None, {"077": True})
    _, change = diff(state, {"077": True, "078": False})

    assert told(change) == [("sip.account.added", "sip/078")]
    assert verdicts(change) == {"077": G, "078": B}


def test_an_account_that_is_missing_once_is_unknown_and_not_told() -> None:
    state, _ = diff(None, {"077": False, "078": True})
    state, missing = diff(state, {"078": True})
    _, back = diff(state, {"077": False, "078": True})

    assert (missing.facts, verdicts(missing)) == ((), {"077": U, "078": G})
    assert (back.facts, verdicts(back)) == ((), {"077": B, "078": G})


def test_what_is_shown_of_a_missing_account_is_not_what_it_was() -> None:
    state, _ = diff(None, {"077": True, "078": True})
    _, change = diff(state, {"078": True})

    assert change.conditions[0].payload == {
        "account": {"user_name": "077", "registered": None, "created_date": None}
    }


def test_an_account_that_stays_missing_is_gone_and_told_once() -> None:
    state, _ = diff(None, {"077": False, "078": True})
    state, _ = diff(state, {"078": True})
    state, gone = diff(state, {"078": True})
    _, afterwards = diff(state, {"078": True})

    assert told(gone) == [("sip.account.removed", "sip/077")]
    assert verdicts(gone) == {"077": X, "078": G}
    assert (afterwards.facts, verdicts(afterwards)) == ((), {"078": G})


def test_answers_without_an_account_count_only_in_a_row() -> None:
    state, _ = diff(None, {"077": True, "078": True})
    for _ in range(5):
        state, missing = diff(state, {"078": True})
        state, back = diff(state, {"077": True, "078": True})

        assert missing.facts == back.facts == ()


def test_an_account_that_was_removed_and_comes_back_is_a_new_one() -> None:
    state, _ = diff(None, {"077": True, "078": True})
    for _ in range(GONE_AFTER):
        state, _ = diff(state, {"078": True})
    _, change = diff(state, {"077": True, "078": True})

    assert told(change) == [("sip.account.added", "sip/077")]


@pytest.mark.parametrize(
    ("known", "missing", "answers"),
    [
        (1, 1, GONE_AFTER_MANY),
        (2, 2, GONE_AFTER_MANY),
        (40, 40, GONE_AFTER_MANY),
        (2, 1, GONE_AFTER),
        (9, 3, GONE_AFTER),
        (9, 8, GONE_AFTER),
        (10, 3, GONE_AFTER),
        (10, 4, GONE_AFTER_MANY),
        (11, 3, GONE_AFTER),
        (11, 4, GONE_AFTER_MANY),
        (20, 6, GONE_AFTER),
        (20, 7, GONE_AFTER_MANY),
        (100, 30, GONE_AFTER),
        (100, 31, GONE_AFTER_MANY),
    ],
)
def test_when_many_vanish_at_once_the_list_has_to_insist(known: int, missing: int, answers: int) -> None:
    assert (GONE_AFTER, GONE_AFTER_MANY) == (2, 10)
    assert answers_until_gone(known, missing) == answers


def test_a_list_that_comes_back_after_it_lost_many_tells_nothing() -> None:
    state, _ = diff(None, accounts(20))
    for _ in range(GONE_AFTER_MANY - 1):
        state, change = diff(state, {})
        assert (change.facts, set(verdicts(change).values())) == ((), {U})
    _, back = diff(state, accounts(20))

    assert (back.facts, set(verdicts(back).values())) == ((), {G})


def test_doubt_about_the_list_covers_who_was_missing_before() -> None:
    state, _ = diff(None, accounts(10))
    one_less = dict(list(accounts(10).items())[1:])
    state, _ = diff(state, one_less)
    _, change = diff(state, dict(list(one_less.items())[4:]))

    assert change.facts == ()


def test_when_most_come_back_the_doubt_ends_for_the_rest() -> None:
    state, _ = diff(None, accounts(10))
    for _ in range(3):
        state, doubtful = diff(state, {"009": True})
        assert doubtful.facts == ()
    _, change = diff(state, dict(list(accounts(10).items())[1:]))

    assert told(change) == [("sip.account.removed", "sip/000")]


@dataclass
class Model:
    """What the module promises, one account at a time and in plain words."""

    answers_missing: dict[str, int] = field(default_factory=dict)
    """By known account: 0 while it is listed."""
    empties: int | None = None
    """Answers since the first one, while all of them listed nobody; None: the baseline is sure."""

    def expect(
        self, seen: Mapping[str, bool | None], *, is_first: bool, is_emitting: bool
    ) -> tuple[list[tuple[str, str]], dict[str, Verdict]]:
        """The facts and verdicts that an answer must come to."""
        tells_new = is_emitting or not (is_first or (self.empties is not None and len(seen) >= MANY_AT_ONCE))
        said = 1 if is_first else 0 if self.empties is None else self.empties + 1
        self.empties = said if 0 < said < EMPTY_AFTER and not seen else None
        known = len(self.answers_missing)
        missing = [name for name in self.answers_missing if name not in seen]
        is_doubtful = len(missing) == known or (known >= 10 and 10 * len(missing) > 3 * known)
        new = [name for name in seen if name not in self.answers_missing]
        for name in missing:
            self.answers_missing[name] += 1
        gone = [name for name in missing if self.answers_missing[name] >= (10 if is_doubtful else 2)]
        self.answers_missing.update(dict.fromkeys(seen, 0))
        for name in gone:
            del self.answers_missing[name]
        facts = [("sip.account.added", f"sip/{name}") for name in sorted(new) if tells_new]
        facts += [("sip.account.removed", f"sip/{name}") for name in sorted(gone)]
        found = {name: VERDICTS[value] for name, value in seen.items()}
        return facts, {**found, **{name: X if name in gone else U for name in missing}}


NAMES = [f"07{number:02}" for number in range(14)]
listings = st.one_of(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from([True, False, None]), max_size=14),
    st.sets(st.sampled_from(NAMES), max_size=5).map(
        lambda away: {name: True for name in NAMES if name not in away}
    ),
)
lives = st.lists(st.tuples(listings, st.sampled_from([1, 1, 1, 2, 9, 10])), min_size=1, max_size=8)


@settings(max_examples=examples(120))
@given(life=lives, is_emitting=st.booleans())
def test_any_life_of_the_list_is_told_as_the_model_says(
    life: list[tuple[dict[str, bool | None], int]], is_emitting: bool
) -> None:
    """Accounts come, go and turn unreadable, answers repeat, and the daemon restarts between any two."""
    model, state = Model(), None
    for seen, times in life:
        for _ in range(times):
            expected = model.expect(seen, is_first=state is None, is_emitting=is_emitting)
            state, change = diff(state, seen, is_emitting=is_emitting)

            assert (told(change), verdicts(change)) == expected


@settings(max_examples=examples(60))
@given(life=lives)
def test_added_and_removed_alternate_for_every_account(
    life: list[tuple[dict[str, bool | None], int]],
) -> None:
    state, _ = diff(None, {})
    for _ in range(EMPTY_AFTER):
        state, _ = diff(state, {})
    present: set[str] = set()
    for seen, times in life:
        for _ in range(times):
            state, change = diff(state, seen)
            for event_type, name in told(change):
                assert (event_type == "sip.account.added") == (name not in present)
                present ^= {name}

    assert present == {f"sip/{name}" for name in state.registered}


FEW = sip.Fold(at_least=3, share=0.3)


def folded(down: int, of: int, *, is_raised: bool = False) -> tuple[Verdict, object]:
    phases = {f"sip/{number:03}": Phase.FIRING if number % 2 else Phase.RECOVERING for number in range(down)}
    phases |= {f"sip/{down:03}": Phase.PENDING} | ({"sip": Phase.FIRING} if is_raised else {})
    (condition,) = sip.fold(State(accounts(of)), phases, FEW, Severity.ERROR)
    assert (condition.key, condition.subject) == ("sip", "sip")
    assert condition.kind == sip.MANY
    return condition.verdict, condition.payload["accounts"]


@pytest.mark.parametrize(
    ("down", "of", "expected"),
    [(0, 4, G), (2, 4, G), (3, 4, B), (3, 10, B), (3, 11, G), (4, 13, B), (29, 100, G), (30, 100, B)],
)
def test_many_are_as_many_as_both_limits_say(down: int, of: int, expected: Verdict) -> None:
    verdict, listed = folded(down, of)

    assert verdict is expected
    assert listed == {"unregistered": [f"{number:03}" for number in range(down)], "total": of}


@pytest.mark.parametrize(("down", "expected"), [(3, B), (1, B), (0, G)])
def test_many_are_over_when_the_last_is_back(down: int, expected: Verdict) -> None:
    assert folded(down, 10, is_raised=True)[0] is expected


def test_an_account_that_comes_and_goes_flaps_and_is_calm_again() -> None:
    slot = timedelta(seconds=30)
    state: State | None = None
    flaps = []
    for number in range(60):
        is_registered = number % 2 == 0 if number < 20 else True
        change = sip.diff(
            state, Observation({"077": is_registered}), RULE, is_emitting=False, slot=slot, observed=slot
        )
        state = sip.load(json.loads(json.dumps(sip.dump(change.state))))
        (condition,) = [one for one in change.conditions if one.key == "sip/077/flapping"]
        flaps.append(condition.verdict)
        assert change.is_moving == bool(state.rings)

    assert (flaps.index(B), flaps[19], flaps[-1]) == (6, B, G)
    assert state is not None
    assert state.rings == {}


def test_an_account_that_cannot_be_seen_keeps_its_past() -> None:
    slot = timedelta(seconds=30)
    state: State | None = None
    for value in (True, False, True):
        state = sip.diff(
            state, Observation({"077": value}), RULE, is_emitting=False, slot=slot, observed=slot
        ).state
    unseen = sip.diff(state, Observation({"077": None}), RULE, is_emitting=False, slot=slot, observed=slot)

    assert state is not None
    assert unseen.state.rings == state.rings
    assert {one.verdict for one in unseen.conditions} == {U}
