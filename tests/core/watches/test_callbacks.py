"""The platform's call-back lists: who is in one, who is not any more, and what an empty one is worth."""

import json
from datetime import UTC, datetime, timedelta

from daemon.core.missed import DONE_TYPE, DUE_TYPE
from daemon.core.model import Change
from daemon.core.watches import callbacks
from daemon.core.watches.callbacks import Observation, Request, State
from daemon.core.watches.queues import Queue

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUEUE = Queue("/5", "sales", ())
DANA, AVI = Request("1", "0541234567", NOON - timedelta(hours=1)), Request("2", "0521111111", None)


def diff(before: State | None, *requests: Request, is_emitting: bool = False) -> tuple[State, Change[State]]:
    change = callbacks.diff(before, Observation(requests), QUEUE, NOON, is_emitting=is_emitting)
    restarted = callbacks.load(json.loads(json.dumps(callbacks.dump(change.state))))
    assert restarted == change.state
    return restarted, change


def told(change: Change[State]) -> list[tuple[str, object]]:
    return [(one.type, one.payload["request"]["id"]) for one in change.facts]  # type: ignore[call-overload, index]


def test_who_is_there_at_first_is_to_be_called_back_and_no_news() -> None:
    _, change = diff(None, DANA)

    assert told(change) == [(DUE_TYPE, "/5#1")]
    assert change.facts[0].payload["is_baseline"] is True
    assert diff(None, DANA, is_emitting=True)[1].facts[0].payload["is_baseline"] is False


def test_who_comes_and_who_is_gone() -> None:
    state, _ = diff(None, DANA)
    state, change = diff(state, DANA, AVI)
    assert told(change) == [(DUE_TYPE, "/5#2")]
    state, change = diff(state, AVI)
    assert told(change) == [(DONE_TYPE, "/5#1")]


def test_an_empty_list_is_believed_the_second_time() -> None:
    state, _ = diff(None, DANA)
    state, change = diff(state)
    assert (change.facts, change.is_moving) == ((), True)
    assert told(diff(state)[1]) == [(DONE_TYPE, "/5#1")]
    assert diff(state, DANA)[1].facts == ()


def test_the_id_of_a_request_is_what_the_platform_calls_it() -> None:
    assert callbacks.request_id("/5#17") == 17
    assert callbacks.request_id("/5#x") is callbacks.request_id(None) is None
