"""QueueCallBack as its page describes it, and in whichever types it comes."""

from datetime import UTC, datetime

import pytest

from daemon.core.model import Unknown
from daemon.core.watches.callbacks import Observation, Request
from daemon.yemot import callbacks

ONE = {
    "id": 7,
    "calling_number": "0541234567",
    "status": "waiting",
    "date_time": "2026-05-03T07:14:11.000Z",
    "attempts": 1,
    "last_attempt": None,
}


def test_the_queues_with_call_back_are_found_by_their_extension() -> None:
    data = {"callbackList": [{"id": "3", "path": "/5", "queue_path": "ivr2:/5"}, {"id": 4, "path": "6/1"}]}

    assert callbacks.queues_with().parse(data) == {"5": 3, "6/1": 4}


def test_who_asked_is_read_with_when_in_utc() -> None:
    at = datetime(2026, 5, 3, 7, 14, 11, tzinfo=UTC)

    assert callbacks.requests_of(3).parse({"callbackList": [ONE]}) == Observation(
        (Request("7", "0541234567", at, 1),)
    )
    assert callbacks.requests_of(3).parse({"callbackList": []}) == Observation(())


@pytest.mark.parametrize(
    "data", [{}, {"callbackList": "OK"}, {"callbackList": [{**ONE, "id": None}]}, {"callbackList": [1]}]
)
def test_a_list_that_may_lack_somebody_is_none(data: dict[str, object]) -> None:
    assert isinstance(callbacks.requests_of(3).parse(data), Unknown)


def test_a_removal_is_told_by_a_word_and_not_by_a_list() -> None:
    assert callbacks.remove(7) == {"action": "removeNumber", "id": 7}
    assert callbacks.removal_answer({"callbackList": "OK"}) == "OK"
    assert callbacks.removal_answer({"callbackList": []}) is None
