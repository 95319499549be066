"""How what is watched stands: by one answer of each kind, and since when over many of them."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.alerts.hours import Attention, Hours
from daemon.core.alerts.life import OK, Alert, Phase, Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Failure, Json, Rule, Severity
from daemon.core.watches import api, directories, pirsumphone, queues, sip, sms, units
from daemon.core.watches.queues import Agent, Caller, Queue, Threshold
from daemon.core.watches.subjects import Standing, Subject, SubjectKind, SubjectState, first_word, turn
from tests.core.watches.test_queues import BLIND, NOBODY
from tests.support.examples import examples

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RULE = Rule(30 * SECOND, NOTHING, Severity.WARNING)
UP, DOWN, UNKNOWN = SubjectState.UP, SubjectState.DOWN, SubjectState.UNKNOWN


def standings(*states: SubjectState) -> list[Standing]:
    """A look each minute."""
    found: list[Standing] = []
    for minute, state in enumerate(states):
        now = NOON + minute * 60 * SECOND
        last = now - 60 * SECOND if minute else None
        found.append(turn(found[-1] if found else None, state, now, last))
    return found


def test_a_state_is_since_its_first_look_whatever_was_not_seen_meanwhile() -> None:
    found = standings(UP, UP, UNKNOWN, UNKNOWN, UP, UNKNOWN, DOWN)

    assert [(one.since - NOON) / (60 * SECOND) for one in found] == [0, 0, 2, 2, 0, 5, 6]
    assert [one.seen_at and (one.seen_at - NOON) / (60 * SECOND) for one in found] == [0, 0, 1, 1, 4, 4, 6]


def test_what_was_never_seen_says_so() -> None:
    assert [one.seen_at for one in standings(UNKNOWN, UNKNOWN)] == [None, None]


@settings(max_examples=examples(200))
@given(st.lists(st.sampled_from(SubjectState), min_size=1, max_size=12))
def test_since_is_never_later_than_the_last_look_nor_earlier_than_the_state(
    states: list[SubjectState],
) -> None:
    last = standings(*states)[-1]

    assert last.state is states[-1]
    index = round((last.since - NOON) / (60 * SECOND))
    assert states[index] is states[-1]
    assert set(states[index:]) <= {states[-1], UNKNOWN}


def test_an_account_is_up_down_or_not_known() -> None:
    seen = sip.Observation({"a": True, "b": False, "c": None})
    change = sip.diff(sip.State({"a": True, "d": True}), seen, RULE, is_emitting=False)

    found = {one.subject: (one.state, dict(one.why)) for one in sip.subjects(seen, change.state)}
    assert found == {
        "sip/a": (UP, {}),
        "sip/b": (DOWN, {"registered": False}),
        "sip/c": (UNKNOWN, {"reason": "unreadable"}),
        "sip/d": (UNKNOWN, {"reason": "missing"}),
    }


def test_an_account_that_is_believed_gone_is_no_subject_any_more() -> None:
    seen = sip.Observation({"a": True})
    state = sip.State({"a": True, "d": True}, missing={"d": sip.GONE_AFTER - 1})

    change = sip.diff(state, seen, RULE, is_emitting=False)
    assert [one.subject for one in sip.subjects(seen, change.state)] == ["sip/a"]


def of_queue(seen: queues.Observation, *thresholds: Threshold, before: queues.State | None = None) -> Subject:
    queue = Queue("/5", "sales", thresholds, 10 * SECOND)
    when = Seen(NOON, None, NOTHING)
    change = queues.diff(before, seen, queue, when, ZoneInfo("Asia/Jerusalem"), is_emitting=False)
    (found,) = queues.subjects(seen, change, queue)
    return found


ABOVE = Threshold("calls_waiting", 5, None, 3, RULE)
BELOW = Threshold("agents_available", None, 1, 1, RULE)
CALLER = Caller("c1", "0501234567", 12, 1)
AGENT = Agent("SIP-5", paused=True, status="1", calls_taken=3)
WAITING = queues.Observation(7, 0, 0, 0, 0, "ringall", (CALLER,), (AGENT,))


def test_a_queue_is_down_while_a_threshold_is_crossed_and_says_which() -> None:
    found = of_queue(WAITING, ABOVE)

    assert (found.state, found.name) == (DOWN, "sales")
    assert found.why == {"metric": "calls_waiting", "value": 7, "above": 5}
    assert of_queue(NOBODY, ABOVE).state is UP
    assert of_queue(NOBODY).state is UP


def at_hours(seen: queues.Observation, closed: set[str], *thresholds: Threshold) -> Subject:
    """The queue where some of its thresholds are outside their hours."""
    queue = Queue("/5", "sales", thresholds, 10 * SECOND)
    when = Seen(NOON, None, NOTHING)
    change = queues.diff(None, seen, queue, when, ZoneInfo("Asia/Jerusalem"), is_emitting=False)
    never = Hours(("never",), lambda _at: False)
    hours = {queues.key("/5", one): never for one in thresholds if one.metric in closed}
    (found,) = queues.subjects(
        seen, replace(change, conditions=Attention(hours).seen(change.conditions, NOON)), queue
    )
    return found


def test_a_queue_outside_all_of_its_hours_is_neither_up_nor_down() -> None:
    both = {"calls_waiting", "agents_available"}

    assert at_hours(WAITING, both, ABOVE, BELOW).state is UNKNOWN
    assert at_hours(WAITING, both, ABOVE, BELOW).why == {"reason": "outside_hours"}
    assert at_hours(NOBODY, both, ABOVE, BELOW).state is UNKNOWN
    assert at_hours(WAITING, {"calls_waiting"}, ABOVE, BELOW).why["metric"] == "agents_available"
    assert at_hours(WAITING, {"agents_available"}, BELOW).metrics is not None
    assert at_hours(NOBODY, {"agents_available"}, ABOVE, BELOW).state is UP


def test_of_an_ignored_account_nothing_is_said() -> None:
    seen, before = (
        sip.Observation({"a": False, "b": False, "new": True}),
        sip.State({"a": True, "gone": True}),
    )
    ignored = frozenset(map(sip.ignorable, ("a", "new", "gone")))
    change = sip.diff(before, seen, RULE, is_emitting=True, ignored=ignored)

    assert {one.subject for one in change.conditions} == {"sip/b"}
    assert [one.subject for one in change.facts] == ["sip/b"]
    assert [one.subject for one in sip.subjects(seen, change.state, ignored)] == ["sip/b"]
    assert set(change.state.registered) == {"a", "b", "new", "gone"}
    phases = {sip.subject(name): Phase.FIRING for name in ("a", "b")}
    (many,) = sip.fold(change.state, phases, sip.Fold(2, 0.3), Severity.ERROR, ignored)
    assert many.payload == {"accounts": {"unregistered": ["b"], "total": 1}}


def test_of_several_thresholds_all_that_are_crossed_are_told() -> None:
    found = of_queue(WAITING, ABOVE, BELOW)

    assert found.why["metric"] == "calls_waiting"
    crossed: Json = [
        {"metric": "calls_waiting", "value": 7, "above": 5},
        {"metric": "agents_available", "value": 0, "below": 1},
    ]
    assert found.why["crossed"] == crossed


def test_a_queue_that_cannot_be_read_is_not_known() -> None:
    found = of_queue(BLIND, ABOVE)

    assert (found.state, found.why) == (UNKNOWN, {"reason": "unreadable", "metric": "calls_waiting"})
    assert of_queue(BLIND).state is UNKNOWN


def test_a_queue_shows_who_waits_and_who_works_also_when_the_next_list_cannot_be_read() -> None:
    queue = Queue("/5", "sales", (), 10 * SECOND)
    when, zone = Seen(NOON, None, NOTHING), ZoneInfo("Asia/Jerusalem")
    state = queues.diff(None, WAITING, queue, when, zone, is_emitting=False).state
    again = queues.load(json.loads(json.dumps(queues.dump(state))))

    found = of_queue(BLIND, before=again)
    assert again == state
    assert found.details == {
        "callers": [{"call_id": "c1", "phone": "0501234567", "wait_seconds": 12, "position": 1}],
        "agents": [{"name": "SIP-5", "paused": True, "status": "1", "calls_taken": 3}],
        "unread": ["callers", "agents"],
    }


def of_units(balance: float | None, expires_on: date | None) -> Subject:
    limit = units.Limit(100, timedelta(days=30), RULE)
    seen, today = units.Observation(balance, expires_on), NOON.date()
    (found,) = units.subjects(seen, units.diff(None, seen, limit, today), limit, today)
    return found


@pytest.mark.parametrize(
    ("balance", "expires_on", "state", "why"),
    [
        (500, date(2027, 1, 1), UP, {}),
        (99.5, date(2027, 1, 1), DOWN, {"metric": "balance", "value": 99.5, "below": 100}),
        (500, date(2026, 3, 11), DOWN, {"metric": "days_left", "value": 10, "at_most": 30}),
        (None, date(2027, 1, 1), UNKNOWN, {"reason": "unreadable"}),
        (500, None, UNKNOWN, {"reason": "unreadable"}),
        (None, date(2026, 3, 11), DOWN, {"metric": "days_left", "value": 10, "at_most": 30}),
    ],
)
def test_units_are_down_where_they_are_few_or_about_to_expire(
    balance: float | None, expires_on: date | None, state: SubjectState, why: dict[str, Json]
) -> None:
    found = of_units(balance, expires_on)

    assert (found.state, found.why) == (state, why)


def test_pirsumphone_directories_and_the_log_stand_as_they_were_read() -> None:
    nothing = directories.Observation(None, None, None, None, None, None)
    some = directories.Observation(None, 1, 2, 2, None, None)

    assert [pirsumphone.subjects(pirsumphone.Observation(one))[0].state for one in (True, False, None)] == [
        UP,
        DOWN,
        UNKNOWN,
    ]
    assert [directories.subjects(one, directories.State(), "/2")[0].state for one in (some, nothing)] == [
        UP,
        UNKNOWN,
    ]
    assert [(one.subject, one.state) for one in sms.subjects()] == [("sms", UP)]


BAD, FIRES, BLIND_ALERT, BACK = (
    Alert(Phase.PENDING),
    Alert(Phase.FIRING),
    Alert(Phase.FIRING, is_blind=True),
    Alert(Phase.RECOVERING),
)
ERROR: Json = {"class": "timeout", "message": "no answer", "code": None}


@pytest.mark.parametrize(
    ("alerts", "failure", "state", "watches"),
    [
        ({}, None, UP, None),
        ({"api/sip": OK, "api": FIRES}, None, UP, None),
        ({"api/sip": BAD}, Failure.TIMEOUT, DOWN, ["sip"]),
        ({"api/sip": BAD, "api/sms": FIRES}, None, DOWN, ["sip", "sms"]),
        ({"api/sip": BACK}, None, UP, None),
        ({"api/sip": BLIND_ALERT}, Failure.OURS, UNKNOWN, None),
        ({"api/token": FIRES}, Failure.TOKEN_REJECTED, DOWN, None),
        ({"api/token": BLIND_ALERT, "api/sip": BAD}, Failure.TIMEOUT, DOWN, ["sip"]),
    ],
)
def test_the_api_is_down_while_a_poll_of_any_watch_fails_or_the_token_is_rejected(
    alerts: dict[str, Alert], failure: Failure | None, state: SubjectState, watches: list[str] | None
) -> None:
    found = api.subject(alerts, failure, ERROR if failure else None)

    assert (found.subject, found.state, found.why.get("watches")) == ("api", state, watches)


@pytest.mark.parametrize(
    ("watch", "kind"),
    [
        ("queue/5", SubjectKind.QUEUE),
        ("units", SubjectKind.UNITS),
        ("sms_units", SubjectKind.SMS_UNITS),
        ("caller_ids", None),
        ("sip", None),
        ("sip/7", None),
        ("report/1/ApprovalAll", SubjectKind.REPORT),
        ("other/x", None),
    ],
)
def test_a_watch_of_one_subject_has_its_name(watch: str, kind: SubjectKind | None) -> None:
    assert first_word(watch) is kind
