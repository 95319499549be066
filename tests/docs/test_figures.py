"""Every figure and name in the tables of `docs/delivery.md` is the code's."""

import json
import re
from datetime import timedelta

import pytest

from daemon.config.settings import RetentionSettings
from daemon.config.webhooks import RETRIES, ScheduleSettings, Webhook
from daemon.core.delivery import breaker, outage
from daemon.core.delivery import outcome as delivery
from daemon.core.delivery.breaker import COOLDOWNS, Health
from daemon.core.delivery.outcome import JITTER_SHARE, Attempted, Message, Outcome, Status
from daemon.core.durations import parse
from daemon.core.event_types import EVENT_TYPES
from daemon.core.rendering.formats import THIN, THIN_ALERT, Format, Shape, render
from daemon.core.routing import ledger
from daemon.core.routing.filters import Operator
from daemon.core.routing.plan import Order
from daemon.senders.webhook_attempt import HEAD_CHARACTERS, RESPONSE_BYTES, outcome
from tests.docs.test_docs import DELIVERY
from tests.support.fakes import START


def table(first: str) -> list[list[str]]:
    """The rows of the table whose heading begins so."""
    (found,) = re.findall(rf"^\| {re.escape(first)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", DELIVERY, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in found.splitlines()]


def named(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def durations(text: str) -> list[timedelta]:
    return [parse(one) for one in re.findall(r"\b(?:\d+(?:ms|[dhms]))+\b", text)]


CONSEQUENCES = {
    "delivered": Status.DELIVERED,
    "tried": Status.PENDING,
    "put": Status.PENDING,
    "dead": Status.DEAD,
}
ANSWERS = {named(row[1])[0]: row for row in table("the answer")}


def tried(one: Outcome, status: int | None = None) -> Attempted:
    return Attempted(
        Message(1, "t", "crm", "l", "evt_1", "sms.received", b"{}", 1), one, START, http_status=status
    )


def test_every_outcome_is_in_the_table_of_answers() -> None:
    assert ANSWERS.keys() == {one.value for one in Outcome}


@pytest.mark.parametrize("one", list(Outcome))
def test_what_an_answer_means(one: Outcome) -> None:
    _, _, becomes, of_endpoint = ANSWERS[one.value]
    then = delivery.after(tried(one), START, 0.0, RETRIES)
    after = breaker.after(breaker.HEALTHY, tried(one), START, 0.0)

    assert then.status is CONSEQUENCES[becomes.replace(",", " ").split()[0]]
    assert then.counts is becomes.startswith("tried again")
    assert (after.any_failures > 0) is of_endpoint.startswith("fails")
    assert (after.health is Health.DISABLED) is ("disabled" in of_endpoint)


def test_every_status_is_told() -> None:
    told = {
        status: one for one, row in ANSWERS.items() for status in map(int, re.findall(r"\b\d{3}\b", row[0]))
    }
    classes = {2: "accepted", 3: "redirected", 4: "refused", 5: "failed"}
    for status in range(200, 600):
        expected = classes[status // 100] if status == 503 else told.get(status, classes[status // 100])
        assert outcome(status, has_retry_after=False).value == expected
    assert outcome(503, has_retry_after=True).value == told[503]


def test_the_limits_of_an_answer() -> None:
    (text,) = re.findall(r"Of an answer .*?\n\n", DELIVERY, re.DOTALL)

    assert f"{RESPONSE_BYTES // 1024} KiB" in text
    assert f"first {HEAD_CHARACTERS} characters" in text
    limits = [delivery.MIN_PAUSE, delivery.MAX_RETRY_AFTER, delivery.MIN_PAUSE, breaker.THROTTLED_AT_MOST]
    assert durations(text) == limits


def test_the_schedule() -> None:
    (text,) = re.findall(r"at once, then after (.*?) each up to a fifth", DELIVERY, re.DOTALL)
    (total, again) = re.findall(
        r"That is (.*?) and more.*?told again as it stands then, (.*?)\.", DELIVERY, re.DOTALL
    )[0]

    assert tuple(durations(text)) == RETRIES
    assert JITTER_SHARE == 1 / 5
    assert total.startswith(f"{len(RETRIES) + 1} attempts")
    assert durations(total) == [sum(RETRIES, timedelta(0)) // timedelta(minutes=1) * timedelta(minutes=1)]
    assert durations(again) == [ledger.FIRST_RETELL]
    assert ledger.SLOWEST_REPEAT.days == 1


def test_the_states_of_health() -> None:
    rows = {row[0].strip("`"): row for row in table("state")}
    _, _, degrades, _ = rows["degraded"]

    assert rows.keys() == {one.value for one in Health}
    for health, ladder in COOLDOWNS.items():
        assert durations(rows[health.value][1]) == list(ladder)
    assert degrades.startswith(f"{breaker.FIRST_FAILURES} messages in a row")
    assert f"or {breaker.ANY_FAILURES} attempts in a row" in degrades
    assert durations(degrades) == [breaker.FAILING_FOR]
    assert (durations(rows["suspended"][2]), breaker.REJECTIONS) == ([breaker.SUSPENDED_AFTER], 3)
    assert durations(rows["disabled"][2]) == [breaker.DISABLED_AFTER]
    told = {name for row in table("event") for name in named(row[0])}
    assert told == {one for one in EVENT_TYPES if one.startswith("endpoint.")}
    assert outage.WINDOW.total_seconds() == 60
    assert outage.MANY == 2
    assert f"made again after {delivery.OUR_OUTAGE.seconds}s" in DELIVERY


def test_the_formats() -> None:
    event = {
        "type": "test.ping",
        "timestamp": "",
        "data": {"id": "", "system": "", "sequence": 1, "subject": ""},
    }
    rows = {named(row[0])[0]: named(row[1])[0] for row in table("`format`")}
    thin, _ = (row[1] for row in table("to tell less"))

    for one in Format:
        assert rows.pop(one.value) == render(json.dumps(event).encode(), Shape(one)).content_type
    assert not rows
    assert {*named(thin)} >= {*THIN, *THIN_ALERT}


def test_orders_and_operators_are_all_there() -> None:
    assert [named(row[0]) for row in table("`order`")] == [[one.value] for one in Order]
    assert [named(row[0])[0].split()[0] for row in table("condition")] == [one.value for one in Operator]


def test_defaults() -> None:
    pace = {named(row[0])[0]: row[1] for row in table("key | default")}
    fields = Webhook.model_fields

    assert pace == {
        "max_in_flight": str(fields["max_in_flight"].default),
        "rate": "as many as it takes",
        "recovery_rate": str(fields["recovery_rate"].default),
    }
    assert (
        fields["rate"].default
        is fields["expires"].default
        is ScheduleSettings.model_fields["expires"].default
        is None
    )
    kept = {named(row[0])[0]: parse(row[1]) for row in table("`[retention]`")}
    assert kept == {name: field.default for name, field in RetentionSettings.model_fields.items()}
    for key in ("timeout", "connect_timeout"):
        (told,) = {one for one in re.findall(rf"`{key}` \((\d+s)", DELIVERY)}
        assert parse(told) == fields[key].default
