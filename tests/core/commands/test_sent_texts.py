"""What became of an SMS: which row of the log is which message, and what that says."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.commands.sent_texts import (
    FOLLOWED,
    Logged,
    Report,
    SentLog,
    State,
    Text,
    after,
    found,
    judged,
    reaches_back,
    told,
)
from tests.support.examples import examples

ZONE = ZoneInfo("Asia/Jerusalem")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def text(number: int = 1, to: str = "0501234567", said: str = "שלום", at: datetime = NOW) -> Text:
    return Text(
        "main",
        to,
        said,
        1,
        0.1,
        date(2026, 3, 1),
        at,
        State.SENT,
        endpoint=f"boss/{to}",
        event="e",
        number=number,
    )


def row(
    to: str = "972501234567", said: str = "שלום", at: datetime = NOW, report: str | None = None
) -> Logged:
    return Logged(to, said, at.astimezone(ZONE).replace(tzinfo=None), None, report)


@pytest.mark.parametrize("to", ["972501234567", "0501234567", "+972-50-1234567"])
def test_a_row_is_found_by_number_text_and_time(to: str) -> None:
    assert found([text()], [row(to)], ZONE) == {1: row(to)}
    assert found([text()], [row(to, said="other")], ZONE) == {}
    assert found([text()], [row("0521111111")], ZONE) == {}
    assert found([text()], [row(to, at=NOW - timedelta(hours=1))], ZONE) == {}


def test_two_equal_messages_are_two_rows() -> None:
    later = NOW + timedelta(minutes=10)
    log = [row(at=later, report="EXPIRED"), row(report="DELIVRD")]  # newest first
    mine = found([text(1), text(2, at=later)], log, ZONE)

    assert {number: one.report for number, one in mine.items()} == {1: "DELIVRD", 2: "EXPIRED"}
    assert found([text(1), text(2, at=later)], log[1:], ZONE).keys() == {1}


def test_what_surely_left_has_its_row_before_what_may_have() -> None:
    doubtful = replace(text(1), state=State.UNKNOWN)

    assert found([doubtful, text(2)], [row()], ZONE).keys() == {2}


@pytest.mark.parametrize(
    ("report", "is_known"),
    [
        (None, None),
        ("ESME_ROK", None),
        ("DELIVRD", Report.DELIVERED),
        ("delivrd", Report.DELIVERED),
        ("EXPIRED", Report.UNKNOWN),
        ("ESME_RINVDSTADR", Report.FAILED),
        ("ESME_RMSGQFUL", Report.FAILED),
        ("UNDELIV", None),
        ("whatever", None),
    ],
)
def test_each_word_of_a_carrier(report: str | None, is_known: Report | None) -> None:
    assert judged(report) is is_known


def test_what_arrived_is_told_once_and_what_expired_is_not() -> None:
    arrived = after(text(), row(report="DELIVRD"), NOW)
    assert [one.type for one in told(text(), arrived)] == ["sms.delivered"]
    assert told(arrived, after(arrived, row(report="EXPIRED"), NOW)) == []
    assert told(text(), after(text(), row(report="EXPIRED"), NOW)) == []


def test_what_nobody_knew_of_is_sent_after_all_where_the_log_has_it() -> None:
    doubtful = replace(text(), state=State.UNKNOWN, reason="no answer")
    seen = after(doubtful, row(report="DELIVRD"), NOW)

    assert [one.type for one in told(doubtful, seen)] == ["sms.sent", "sms.delivered"]
    assert (seen.state, seen.reason) == (State.SENT, None)


def test_after_a_day_it_is_followed_no_more_and_nothing_is_made_up() -> None:
    over = after(text(), None, NOW + FOLLOWED)

    assert (over.outcome, told(text(), over)) == (Report.UNKNOWN, [])
    assert after(text(), None, NOW + FOLLOWED - timedelta(seconds=1)).is_followed


def test_a_log_reaches_back_where_it_is_not_full_or_older_than_the_oldest() -> None:
    assert reaches_back([text()], SentLog((), is_full=False), ZONE)
    assert not reaches_back([text()], SentLog((row(),), is_full=True), ZONE)
    assert reaches_back([text()], SentLog((row(at=NOW - timedelta(hours=1)),), is_full=True), ZONE)


def test_the_hour_that_repeats_loses_no_message() -> None:
    second = datetime(2026, 10, 24, 23, 10, tzinfo=UTC)  # 01:10, for the second time

    assert found([text(at=second)], [row(at=second)], ZONE).keys() == {1}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 90)), max_size=12), st.data())
@settings(max_examples=examples(100))
def test_whatever_was_sent_each_message_has_one_row_and_no_row_has_two(
    sent: list[tuple[int, int]], data: st.DataObject
) -> None:
    ours = [text(n, said=f"m{what}", at=NOW + timedelta(minutes=at)) for n, (what, at) in enumerate(sent)]
    log = sorted((row(said=one.message, at=one.sent_at) for one in ours), key=lambda one: str(one.at))[::-1]
    shown = log[: data.draw(st.integers(0, len(log)))]
    mine = found(ours, shown, ZONE)

    assert len(mine) == len(shown)
    assert sorted(map(repr, mine.values())) == sorted(map(repr, shown))
