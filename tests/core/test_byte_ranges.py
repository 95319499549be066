"""What a Range asks for, of files of every size; RFC 9110, section 14."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.byte_ranges import OutsideError, Span, asked


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None),
        ("", None),
        ("bytes=0-", Span(0, 10)),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=2-4", Span(2, 5)),
        ("BYTES=2-99", Span(2, 10)),
        ("bytes=-3", Span(7, 10)),
        ("bytes=-99", Span(0, 10)),
        ("bytes=4-2", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("bytes=a-b", None),
        ("bytes=٣-٤", None),
        ("items=0-1", None),
        ("bytes=0-" + "9" * 5000, None),
    ],
)
def test_a_range_is_read_or_the_whole_is_given(header: str | None, span: Span | None) -> None:
    assert asked(header, 10) == span


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-1", 0)]
)
def test_bytes_that_there_are_not(header: str, size: int) -> None:
    with pytest.raises(OutsideError):
        asked(header, size)


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_what_is_given_lies_within_the_file(size: int, begin: int, end: int) -> None:
    whole = bytes(range(size))
    try:
        span = asked(f"bytes={begin}-{end}", size)
    except OutsideError:
        assert begin >= size
        return
    if span is None:
        assert end < begin
    else:
        assert whole[span.begin : span.end] == whole[begin : end + 1]
        assert span.length > 0
