"""Durations: what people write is read, what is read is written the same way."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core import durations
from daemon.core.durations import LONGEST, parse, show

MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("15s", 15),
        ("1m30s", 90),
        ("90s", 90),
        ("4h", 4 * 3600),
        ("7d", 7 * 86400),
        ("0s", 0),
        ("1d2h3m4s5ms", 93784.005),
        ("1m5ms", 60.005),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "15",
        "s",
        "1.5s",
        "-5s",
        "+5s",
        " 5s",
        "5s ",
        "5s\n",
        "5 s",
        "30s1m",
        "5s5s",
        "5S",
        "5w",
        "٥s",
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r'^expected a duration such as "30s" or "5m"$'):
        parse(text)


@pytest.mark.parametrize(
    "text", ["3651d", "3650d1ms", "999999999999999d", "999999999999999d999999999999999h"]
)
def test_more_than_ten_years_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^at most 3650d$"):
        parse(text)


def test_the_longest_duration_is_read() -> None:
    assert parse("3650d") == LONGEST


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(milliseconds=500), "500ms"),
        (timedelta(days=7), "7d"),
        (timedelta(seconds=1, microseconds=999), "1s"),
    ],
)
def test_a_duration_is_shown_shortly(duration: timedelta, text: str) -> None:
    assert show(duration) == text


def test_a_negative_duration_cannot_be_shown() -> None:
    with pytest.raises(ValueError, match="not negative"):
        show(-MILLISECOND)


@given(st.integers(0, LONGEST // MILLISECOND))
def test_what_is_shown_reads_as_the_same_duration(milliseconds: int) -> None:
    duration = milliseconds * MILLISECOND

    assert parse(show(duration)) == duration


@given(st.text(st.sampled_from("0123456789dhms .-"), max_size=24))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        duration = durations.parse(text)
    except ValueError:
        return

    assert timedelta(0) <= duration <= LONGEST
