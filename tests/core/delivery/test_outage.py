"""When a failed attempt is our own network's fault, and when it is not."""

from datetime import timedelta

import pytest

from daemon.core.delivery.outage import WINDOW, Outage
from daemon.core.delivery.outcome import Attempted, Message, Outcome
from tests.support.fakes import START

SECOND = timedelta(seconds=1)


def attempted(outcome: Outcome, endpoint: str = "crm") -> Attempted:
    return Attempted(Message(1, "t", endpoint, "main/a", "evt_1", "sms.received", b"{}", 1), outcome, START)


def outage(*seen: Attempted) -> Outage:
    one = Outage()
    for each in seen:
        one.take(each, START)
    return one


NO_NAME, NO_ANSWER, OTHER = (
    attempted(Outcome.UNRESOLVED),
    attempted(Outcome.TIMEOUT),
    attempted(Outcome.UNREACHABLE, "ops"),
)


@pytest.mark.parametrize("api", [None, False])
def test_when_every_endpoint_fails_at_once_it_is_ours(api: bool | None) -> None:
    assert outage(NO_ANSWER, OTHER).is_ours(OTHER, START, is_api_answering=api)


def test_when_the_api_answers_our_network_is_well() -> None:
    assert not outage(NO_ANSWER, OTHER).is_ours(OTHER, START, is_api_answering=True)


def test_when_any_endpoint_answered_within_a_minute_our_network_is_well() -> None:
    one = outage(attempted(Outcome.FAILED, "third"), NO_ANSWER, OTHER)

    assert not one.is_ours(OTHER, START, is_api_answering=None)
    assert one.is_ours(OTHER, START + WINDOW - SECOND, is_api_answering=None) is False


def test_one_endpoint_that_does_not_answer_is_down_by_itself() -> None:
    assert not outage(NO_ANSWER).is_ours(NO_ANSWER, START, is_api_answering=None)
    assert not outage(NO_ANSWER).is_ours(NO_ANSWER, START, is_api_answering=False)


def test_no_name_and_no_api_either_means_that_the_resolver_is_down() -> None:
    assert outage(NO_NAME).is_ours(NO_NAME, START, is_api_answering=False)
    assert not outage(NO_NAME).is_ours(NO_NAME, START, is_api_answering=None)


def test_failures_more_than_a_minute_apart_are_not_together() -> None:
    one = outage(NO_ANSWER)
    one.take(OTHER, START + WINDOW)

    assert not one.is_ours(OTHER, START + WINDOW, is_api_answering=False)


@pytest.mark.parametrize(
    "outcome",
    [Outcome.FAILED, Outcome.REFUSED, Outcome.UNTRUSTED, Outcome.GUARDED, Outcome.THROTTLED, Outcome.GONE],
)
def test_what_somebody_said_or_we_refused_ourselves_is_no_outage(outcome: Outcome) -> None:
    one = outage(NO_ANSWER, OTHER)

    assert not one.is_ours(attempted(outcome), START, is_api_answering=False)
