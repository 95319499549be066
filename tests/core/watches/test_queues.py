"""Queues: what each metric means, thresholds that raise and clear, and who joined, left and paused."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import AlertKind, Change, Condition, Json, Known, Rule, Severity, Verdict
from daemon.core.watches import queues
from daemon.core.watches.queues import NOBODY_AFTER, Agent, Caller, Observation, Queue, State, Threshold
from daemon.core.watches.rates import Rate, Slot
from tests.support.examples import examples

NOON = datetime(2026, 3, 1, 10, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Jerusalem")
EVERY = timedelta(seconds=10)
AT_FIRST = Seen(NOON, None, NOTHING)
RULE = Rule(timedelta(seconds=30), timedelta(0), Severity.WARNING)
G, B, U = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN

NOBODY = Observation(
    calls=0,
    abandoned=0,
    completed=0,
    talk_seconds=0,
    hold_seconds=0,
    strategy="ringall",
    callers=(),
    agents=(),
)
BLIND = Observation(
    calls=None,
    abandoned=None,
    completed=None,
    talk_seconds=None,
    hold_seconds=None,
    strategy=None,
    callers=None,
    agents=None,
)
AN_HOUR_OF_NOTHING = Rate(0, (Slot(5 * timedelta(minutes=1)),) * 12)
INSISTENT = State(without_agents=NOBODY_AFTER - 1)
"""Once more without agents, and that is believed."""
METRICS = (
    "calls_waiting",
    "longest_wait_seconds",
    "agents_available",
    "agents_paused",
    "calls_per_agent",
    "hold_seconds",
    "abandoned",
)


def above(value: float, *, clear: float | None = None, metric: str = "calls_waiting") -> Threshold:
    return Threshold(metric, value, None, value if clear is None else clear, RULE)


def below(value: float, *, clear: float | None = None, metric: str = "agents_available") -> Threshold:
    return Threshold(metric, None, value, value if clear is None else clear, RULE)


def queue(*thresholds: Threshold) -> Queue:
    return Queue("/5", "sales", thresholds)


def waiting(*, calls: int | None) -> Observation:
    return replace(NOBODY, calls=calls, callers=None)


def staff(*agents: Agent) -> Observation:
    return replace(NOBODY, agents=agents)


def agent(name: str, *, paused: bool | None = False, status: str | None = "1") -> Agent:
    return Agent(name, paused, status)


def caller(call_id: str, *, wait: int | None = 0) -> Caller:
    return Caller(call_id, f"05{call_id}", wait, 1)


def diff(
    before: State | None,
    seen: Observation,
    watched: Queue | None = None,
    *,
    is_emitting: bool = False,
    when: Seen = AT_FIRST,
) -> tuple[State, Change[State]]:
    """The change, and the state as a restart would find it."""
    change = queues.diff(before, seen, watched or queue(), when, ZONE, is_emitting=is_emitting)
    restarted = queues.load(json.loads(json.dumps(queues.dump(change.state))))
    assert restarted == change.state
    return restarted, change


def verdict(change: Change[State]) -> Verdict:
    (condition,) = change.conditions
    return condition.verdict


def told(change: Change[State]) -> list[tuple[str, Json]]:
    return [
        (fact.type, fact.payload["caller"] if "caller" in fact.payload else fact.payload["agent"])
        for fact in change.facts
    ]


def call(call_id: str) -> dict[str, Json]:
    return {"call_id": call_id, "phone": f"05{call_id}"}


def gone(call_id: str, waited: list[int] | None = None) -> Json:
    return {**call(call_id), "waited_seconds": waited}


def test_the_metrics_of_a_busy_queue() -> None:
    seen = replace(
        NOBODY,
        calls=3,
        abandoned=7,
        hold_seconds=35,
        callers=(caller("a", wait=443), caller("b", wait=12)),
        agents=(agent("1"), agent("2", status="2"), agent("3", paused=True), agent("4", status="5")),
    )

    assert queues.metrics(seen) == {
        "calls_waiting": 3,
        "longest_wait_seconds": 443,
        "agents_available": 2,
        "agents_paused": 1,
        "calls_per_agent": 1.5,
        "hold_seconds": 35,
        "abandoned": 7,
    }


def test_the_metrics_of_an_empty_queue_are_known() -> None:
    assert queues.metrics(NOBODY) == dict.fromkeys(METRICS, 0)


def test_what_could_not_be_read_is_no_metric() -> None:
    assert queues.metrics(BLIND) == dict.fromkeys(METRICS)


def test_callers_are_counted_where_the_counter_is_missing() -> None:
    seen = replace(BLIND, callers=(caller("a"), caller("b")))

    assert queues.metrics(seen)["calls_waiting"] == 2


def test_the_counter_goes_before_the_list() -> None:
    assert queues.metrics(replace(NOBODY, calls=4, callers=(caller("a"),)))["calls_waiting"] == 4


@pytest.mark.parametrize(
    ("status", "available"),
    [("0", 1), ("1", 1), ("2", 1), ("3", 1), ("4", 0), ("5", 0), ("6", 1), ("7", 1), ("8", 1)],
)
def test_an_agent_on_a_call_is_available_and_one_out_of_reach_is_not(status: str, available: int) -> None:
    assert queues.metrics(staff(agent("1", status=status)))["agents_available"] == available


@pytest.mark.parametrize("status", ["1", "5"])
def test_a_paused_agent_is_not_available_and_counted_as_paused(status: str) -> None:
    found = queues.metrics(staff(agent("1", paused=True, status=status)))

    assert (found["agents_available"], found["agents_paused"]) == (0, 1)


def test_an_agent_of_whom_nobody_knows_makes_the_count_unknown() -> None:
    unknown_status = queues.metrics(staff(agent("1"), agent("2", status=None)))
    unknown_pause = queues.metrics(staff(agent("1"), agent("2", paused=None)))

    assert (unknown_status["agents_available"], unknown_status["agents_paused"]) == (None, 0)
    assert (unknown_pause["agents_available"], unknown_pause["agents_paused"]) == (None, None)
    assert unknown_status["calls_per_agent"] is unknown_pause["calls_per_agent"] is None


def test_without_agents_the_calls_per_agent_are_the_calls() -> None:
    assert queues.metrics(replace(NOBODY, calls=6))["calls_per_agent"] == 6


def test_without_any_readable_wait_the_longest_is_unknown() -> None:
    seen = replace(NOBODY, callers=(caller("a", wait=None), caller("b", wait=None)))

    assert queues.metrics(seen)["longest_wait_seconds"] is None


@pytest.mark.parametrize(("value", "expected"), [(0, G), (3, G), (5, G), (6, B), (99, B)])
def test_above_means_more_than_the_value(value: int, expected: Verdict) -> None:
    _, change = diff(None, waiting(calls=value), queue(above(5)))

    assert verdict(change) is expected


@pytest.mark.parametrize(("value", "expected"), [(0, B), (1, B), (2, G), (9, G)])
def test_below_means_less_than_the_value(value: int, expected: Verdict) -> None:
    _, change = diff(INSISTENT, staff(*(agent(str(one)) for one in range(value))), queue(below(2)))

    assert verdict(change) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((4,), [G]),
        ((6, 5, 4, 3, 4, 5, 6), [B, B, B, G, G, G, B]),
        ((0, 5, 6, 4), [G, G, B, B]),
    ],
)
def test_above_between_clear_and_raise_the_last_verdict_stands(
    values: tuple[int, ...], expected: list[Verdict]
) -> None:
    state, found = None, []
    for value in values:
        state, change = diff(state, waiting(calls=value), queue(above(5, clear=3)))
        found.append(verdict(change))

    assert found == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [((2,), [G]), ((1, 2, 3, 4, 3, 2, 1), [B, B, B, G, G, G, B]), ((9, 2, 1, 3), [G, G, B, B])],
)
def test_below_between_clear_and_raise_the_last_verdict_stands(
    values: tuple[int, ...], expected: list[Verdict]
) -> None:
    state, found = None, []
    for value in values:
        seen = staff(*(agent(str(one)) for one in range(value)))
        state, change = diff(state, seen, queue(below(2, clear=4)))
        found.append(verdict(change))

    assert found == expected


def test_a_threshold_below_nothing_never_fires() -> None:
    assert verdict(diff(INSISTENT, NOBODY, queue(below(0)))[1]) is G


@pytest.mark.parametrize("metric", METRICS)
def test_an_unknown_metric_neither_fires_nor_clears(metric: str) -> None:
    for threshold in (above(0, metric=metric), below(1, metric=metric)):
        assert verdict(diff(None, BLIND, queue(threshold))[1]) is U


def test_an_unknown_answer_does_not_forget_the_verdict_that_the_band_repeats() -> None:
    watched = queue(above(5, clear=3))
    state, _ = diff(None, waiting(calls=6), watched)
    state, blind = diff(state, BLIND, watched)
    _, after = diff(state, waiting(calls=4), watched)

    assert (verdict(blind), verdict(after)) == (U, B)


def test_a_counter_that_was_reset_is_judged_by_its_present_value() -> None:
    watched = queue(above(10, metric="abandoned"))
    state, full = diff(None, replace(NOBODY, abandoned=12), watched)
    _, reset = diff(state, replace(NOBODY, abandoned=0), watched)

    assert (verdict(full), verdict(reset), reset.facts) == (B, G, ())


def test_a_condition_shows_the_queue_and_the_threshold() -> None:
    _, change = diff(INSISTENT, replace(waiting(calls=6), hold_seconds=9), queue(above(5, clear=3)))

    assert change.conditions == (
        Condition(
            key="queue/5/calls_waiting/above/warning",
            kind=AlertKind("queue.threshold.crossed", "queue.threshold.cleared"),
            subject="queue/5",
            verdict=B,
            rule=RULE,
            payload={
                "queue": {
                    "path": "/5",
                    "name": "sales",
                    "calls_waiting": 6,
                    "longest_wait_seconds": None,
                    "agents_available": 0,
                    "agents_paused": 0,
                    "calls_per_agent": 6,
                    "hold_seconds": 9,
                    "abandoned": 0,
                    "abandoned_per_hour": None,
                    "answered_per_hour": None,
                    "longest_wait_today": None,
                },
                "threshold": {"metric": "calls_waiting", "above": 5, "clear": 3, "value": 6},
            },
        ),
    )


def test_a_threshold_below_is_shown_as_below() -> None:
    _, change = diff(INSISTENT, NOBODY, queue(below(1)))

    assert change.conditions[0].key == "queue/5/agents_available/below/warning"
    assert change.conditions[0].payload["threshold"] == {
        "metric": "agents_available",
        "below": 1,
        "clear": 1,
        "value": 0,
    }


def test_an_edited_value_keeps_the_alert_and_another_severity_is_another_alert() -> None:
    (before,) = diff(None, NOBODY, queue(above(5)))[1].conditions
    (edited,) = diff(None, NOBODY, queue(above(9, clear=2)))[1].conditions
    (severe,) = diff(None, NOBODY, queue(replace(above(9), rule=replace(RULE, severity=Severity.CRITICAL))))[
        1
    ].conditions

    assert before.key == edited.key != severe.key


def test_thresholds_of_one_queue_are_judged_apart() -> None:
    severe = replace(above(8, clear=7), rule=replace(RULE, severity=Severity.CRITICAL))
    watched = queue(above(5, clear=3), severe)
    state, high = diff(None, waiting(calls=9), watched)
    _, middle = diff(state, waiting(calls=4), watched)

    assert [one.verdict for one in high.conditions] == [B, B]
    assert [one.verdict for one in middle.conditions] == [B, G]


@pytest.mark.parametrize(
    ("path", "subject"),
    [("/5", "queue/5"), ("5", "queue/5"), ("/1/2", "queue/1/2"), (".", "queue/."), ("/", "queue/.")],
)
def test_the_subject_is_the_path_without_its_outer_slashes(path: str, subject: str) -> None:
    assert Queue(path, "", ()).subject == subject


def test_that_there_are_no_agents_has_to_be_said_again_since_nothing_counts_them() -> None:
    watched = queue(below(1))
    state, _ = diff(None, staff(agent("1"), agent("2", paused=True)), watched)
    found = []
    for _ in range(NOBODY_AFTER + 1):
        state, change = diff(state, NOBODY, watched)
        found.append((verdict(change), change.is_moving, state.paused))
        state = replace(state, abandoned=AN_HOUR_OF_NOTHING, answered=AN_HOUR_OF_NOTHING)

    kept = {"1": False, "2": True}
    assert [one[::2] for one in found] == [(U, kept), (U, kept), (B, {}), (B, {})]
    assert [one[1] for one in found[1:]] == [True, False, False]


def test_agents_that_are_back_are_believed_at_once_and_the_doubt_begins_anew() -> None:
    watched = queue(below(1))
    state, _ = diff(INSISTENT, NOBODY, watched)
    state, back = diff(state, staff(agent("1")), watched)
    _, gone = diff(state, NOBODY, watched)

    assert (verdict(back), verdict(gone)) == (G, U)


def test_the_baseline_tells_nobody_who_waits_and_who_is_paused() -> None:
    _, change = diff(None, replace(NOBODY, callers=(caller("a"),), agents=(agent("1", paused=True),)))

    assert change.facts == ()


def test_the_baseline_tells_them_where_that_is_asked_for() -> None:
    seen = replace(NOBODY, callers=(caller("a"),), agents=(agent("1", paused=True), agent("2")))
    _, change = diff(None, seen, is_emitting=True)

    assert told(change) == [
        ("queue.caller.joined", call("a")),
        ("queue.agent.paused", {"name": "1", "status": "1"}),
    ]


def test_callers_who_come_and_go_are_told_by_their_call_who_left_first() -> None:
    state, _ = diff(None, replace(NOBODY, callers=(caller("a"), caller("b"))))
    _, change = diff(state, replace(NOBODY, callers=(caller("b"), caller("c"))))

    assert told(change) == [("queue.caller.left", gone("a")), ("queue.caller.joined", call("c"))]
    assert {fact.subject for fact in change.facts} == {"queue/5"}
    assert all(fact.payload["queue"] == change.facts[0].payload["queue"] for fact in change.facts)


def test_a_call_that_moves_up_and_waits_longer_is_no_news() -> None:
    state, _ = diff(None, replace(NOBODY, callers=(caller("a", wait=1),)))
    _, change = diff(state, replace(NOBODY, callers=(replace(caller("a", wait=61), position=2),)))

    assert change.facts == ()


def test_the_same_phone_in_another_call_left_and_joined() -> None:
    state, _ = diff(None, replace(NOBODY, callers=(caller("a"),)))
    again = replace(caller("a"), call_id="b")
    _, change = diff(state, replace(NOBODY, callers=(again,)))

    assert [fact.type for fact in change.facts] == ["queue.caller.left", "queue.caller.joined"]


def test_agents_who_pause_and_come_back_are_told() -> None:
    state, _ = diff(None, staff(agent("1"), agent("2", paused=True)))
    _, change = diff(state, staff(agent("1", paused=True, status="2"), agent("2")))

    assert told(change) == [
        ("queue.agent.paused", {"name": "1", "status": "2"}),
        ("queue.agent.unpaused", {"name": "2", "status": "1"}),
    ]


def test_an_agent_who_is_new_is_told_only_when_paused() -> None:
    state, _ = diff(None, staff())
    _, change = diff(state, staff(agent("1"), agent("2", paused=True)))

    assert told(change) == [("queue.agent.paused", {"name": "2", "status": "1"})]


def test_an_agent_who_leaves_the_queue_is_no_news() -> None:
    state, _ = diff(None, staff(agent("1"), agent("2")))

    assert diff(state, staff(agent("1")))[1].facts == ()


@pytest.mark.parametrize("paused", [True, False])
def test_an_unreadable_pause_is_no_change(paused: bool) -> None:
    state, _ = diff(None, staff(agent("1", paused=paused)))
    state, blind = diff(state, staff(agent("1", paused=None)))
    _, after = diff(state, staff(agent("1", paused=paused)))

    assert blind.facts == after.facts == ()


def test_unreadable_lists_keep_who_waits_and_who_is_paused() -> None:
    seen = replace(NOBODY, callers=(caller("a"),), agents=(agent("1", paused=True),))
    state, _ = diff(None, seen)
    state, blind = diff(state, BLIND)
    _, after = diff(state, seen)

    assert blind.facts == after.facts == ()


def test_one_unreadable_list_does_not_hide_the_other() -> None:
    state, _ = diff(None, replace(NOBODY, callers=(caller("a"),), agents=(agent("1"),)))
    _, change = diff(state, replace(NOBODY, callers=None, agents=(agent("1", paused=True),)))

    assert [fact.type for fact in change.facts] == ["queue.agent.paused"]


def test_a_list_that_is_empty_is_not_an_unreadable_one() -> None:
    state, _ = diff(None, replace(NOBODY, callers=(caller("a"),)))

    assert told(diff(state, NOBODY)[1]) == [("queue.caller.left", gone("a"))]


def test_the_state_keeps_the_metrics_for_the_status() -> None:
    assert diff(None, waiting(calls=6))[0].metrics["calls_waiting"] == 6


readings = st.lists(st.none() | st.integers(0, 12), min_size=1, max_size=12)


@settings(max_examples=examples(150))
@given(values=readings, limit=st.integers(0, 10), room=st.integers(0, 5), is_above=st.booleans())
def test_any_course_of_a_value_is_judged_as_the_model_says(
    values: list[int | None], limit: int, room: int, is_above: bool
) -> None:
    """A latch: set beyond the limit, cleared at the clear value, untouched between them and while blind."""
    threshold = (
        above(limit, clear=limit - room)
        if is_above
        else below(limit, clear=limit + room, metric="calls_waiting")
    )
    state, is_bad = None, False
    for value in values:
        distance = None if value is None else (value - limit if is_above else limit - value)
        if distance is not None and (distance > 0 or distance <= -room):
            is_bad = distance > 0
        state, change = diff(state, waiting(calls=value), queue(threshold))

        assert verdict(change) is (U if value is None else B if is_bad else G)


@settings(max_examples=examples(100))
@given(st.lists(st.none() | st.sets(st.sampled_from("abcdef")), min_size=1, max_size=8))
def test_any_coming_and_going_tells_the_callers_who_wait(lists: list[set[str] | None]) -> None:
    state, _ = diff(None, NOBODY)
    present: set[str] = set()
    for names in lists:
        callers = None if names is None else tuple(caller(name) for name in sorted(names))
        state, change = diff(state, replace(NOBODY, callers=callers))
        for fact in change.facts:
            one = fact.payload["caller"]
            assert isinstance(one, dict)
            assert (fact.type == "queue.caller.joined") == (one["call_id"] not in present)
            present ^= {one["call_id"]}

        assert names is None or present == names


def polled(
    state: State | None, seen: Observation, watched: Queue, minute: float
) -> tuple[State, Change[State]]:
    """One answer among others, a minute apart."""
    at = NOON + timedelta(minutes=minute)
    last = None if state is None else at - timedelta(minutes=1)
    return diff(state, seen, watched, when=Seen(at, last, NOTHING if state is None else timedelta(minutes=1)))


def test_calls_abandoned_in_an_hour_fire_and_clear_and_a_reset_of_the_counter_is_none() -> None:
    watched = replace(queue(above(5, metric="abandoned_per_hour")), every=timedelta(minutes=1))
    state, counter, told = None, 40, []
    for minute in range(200):
        counter = 0 if minute == 25 else counter + (10 <= minute < 20)
        state, change = polled(state, replace(NOBODY, abandoned=counter), watched, minute)
        told.append(verdict(change))

    first = told.index(B)
    assert told[:first] == [U] * first, "what is not known yet is not well"
    assert first == 15, "six were surely abandoned in the last hour, however little was seen of it"
    assert told[first:80] == [B] * (80 - first) or told.index(G) > 70
    assert set(told[81:]) == {G}


def test_the_value_that_crossed_is_shown_though_the_rate_is_not_known_yet() -> None:
    watched = replace(queue(above(2, metric="abandoned_per_hour")), every=EVERY)
    state, _ = polled(None, replace(NOBODY, abandoned=1), replace(watched, every=timedelta(minutes=1)), 0)
    _, change = polled(state, replace(NOBODY, abandoned=9), replace(watched, every=timedelta(minutes=1)), 1)

    assert change.conditions[0].payload["threshold"] == {
        "metric": "abandoned_per_hour", "above": 2, "clear": 2, "value": 8,
    }  # fmt: skip


def test_few_answered_calls_are_told_only_where_enough_was_seen() -> None:
    watched = replace(queue(below(5, metric="answered_per_hour")), every=timedelta(minutes=1))
    state, told = None, []
    for minute in range(40):
        state, change = polled(state, replace(NOBODY, completed=100), watched, minute)
        told.append(verdict(change))
    _, answered = polled(state, replace(NOBODY, completed=109), watched, 40)

    assert told == [U] * 30 + [B] * 10
    assert verdict(answered) is G


def test_what_is_known_of_callers_fires_at_once_and_is_never_added_to_what_counters_say() -> None:
    limit = above(5, metric="abandoned_per_hour")
    watched, state = replace(queue(limit), every=timedelta(minutes=1)), None
    told, by = list[tuple[Verdict, Json]](), list[Json]()
    for minute in range(120):
        known = Known(abandoned=6 if 10 <= minute < 70 else 0, is_logged=minute >= 10)
        at = NOON + timedelta(minutes=minute)
        passed = timedelta(minutes=1) if state else NOTHING
        when = Seen(at, at - passed if state else None, passed, known)
        state, change = diff(state, replace(NOBODY, abandoned=min(minute, 4)), watched, when=when)
        threshold = change.conditions[0].payload["threshold"]
        assert isinstance(threshold, dict)
        by.append(threshold["source"])
        told.append((verdict(change), state.metrics["abandoned_per_hour"]))
        assert change.is_moving

    assert [one for one, _ in told] == [U] * 10 + [B] * 60 + [G] * 50
    assert told[29][1] is None
    assert (by[9], by[29], by[30], by[64]) == ("counters", "log", "counters", "log")
    assert (told[30][1], told[64][1]) == (8, 6), "stretched to an hour, until an hour was seen"


@given(
    grown=st.lists(st.integers(0, 3), min_size=70, max_size=90),
    known=st.integers(0, 200),
    is_logged=st.booleans(),
)
def test_the_larger_of_what_is_known_and_what_is_counted_is_shown(
    grown: list[int], known: int, is_logged: bool
) -> None:
    watched, state, counter, alone = replace(queue(), every=timedelta(minutes=1)), None, 0, None
    for minute, more in enumerate(grown):
        counter += more
        alone, _ = polled(alone, replace(NOBODY, completed=counter), watched, minute)
        at = NOON + timedelta(minutes=minute)
        passed = timedelta(minutes=1) if state else NOTHING
        when = Seen(at, at - passed if state else None, passed, Known(known, is_logged=is_logged))
        state, _ = diff(state, replace(NOBODY, completed=counter), watched, when=when)

    assert state is not None
    assert alone is not None
    assert state.answered == alone.answered, "what counters say is kept as it is"
    stretched = alone.metrics["answered_per_hour"]
    assert isinstance(stretched, int | float)
    counted = state.answered.at_least if is_logged else stretched
    assert state.metrics["answered_per_hour"] == max(counted, known)


def test_a_wait_that_only_the_log_tells_of_is_the_longest_of_the_day() -> None:
    watched = queue(above(300, metric="longest_wait_today"))
    at = Seen(NOON, None, NOTHING, Known(longest_wait_seconds=301))
    state, change = diff(None, NOBODY, watched, when=at)

    assert (verdict(change), state.metrics["longest_wait_today"]) == (B, 301)


@pytest.mark.parametrize(
    ("gap", "clock", "expected"),
    [
        (timedelta(minutes=5), timedelta(0), 8),  # the hour goes on
        (timedelta(hours=3), timedelta(0), 0),  # what lies back is forgotten
        (timedelta(minutes=5), timedelta(days=5), 0),  # a clock that was set, while nobody looked: not known
        (timedelta(minutes=5), -timedelta(days=5), 0),
    ],
)
def test_a_restart_keeps_the_hour_and_a_gap_and_a_clock_invent_nothing(
    gap: timedelta, clock: timedelta, expected: int
) -> None:
    watched = replace(queue(), every=timedelta(minutes=1))
    state, _ = polled(None, replace(NOBODY, abandoned=1), watched, 0)
    state, _ = polled(state, replace(NOBODY, abandoned=9), watched, 1)
    last = NOON + timedelta(minutes=1)
    state, _ = diff(
        state, replace(NOBODY, abandoned=99), watched, when=Seen(last + gap + clock, last, NOTHING)
    )

    assert state.abandoned.at_least == expected


def test_a_clock_that_is_set_between_two_polls_changes_no_rate() -> None:
    watched = replace(queue(), every=timedelta(minutes=1))
    state, _ = polled(None, replace(NOBODY, abandoned=1), watched, 0)
    for days in (5, -5):
        at = NOON + timedelta(days=days)
        state, _ = diff(
            state, replace(NOBODY, abandoned=9), watched, when=Seen(at, NOON, timedelta(minutes=1))
        )

    assert (state.abandoned.at_least, state.abandoned.observed) == (8, timedelta(minutes=2))


def test_the_longest_wait_of_the_day_stays_until_midnight() -> None:
    watched = queue(above(300, metric="longest_wait_today"))
    found = []
    state = None
    for minute, wait in enumerate((100, 400, 0, None)):
        seen = replace(NOBODY, callers=None if wait is None else (caller("a", wait=wait),) if wait else ())
        state, change = polled(state, seen, watched, minute)
        found.append((verdict(change), state.longest and state.longest.seconds, change.is_moving))
    next_day = 60 * 13
    blind, unseen = polled(state, replace(NOBODY, callers=None), watched, next_day)
    state, idle = polled(state, NOBODY, watched, next_day)

    assert found == [(G, 100, True), (B, 400, True), (B, 400, True), (B, 400, True)]
    assert (verdict(unseen), blind.longest) == (U, None)
    assert (verdict(idle), state.longest and state.longest.seconds) == (G, 0)
