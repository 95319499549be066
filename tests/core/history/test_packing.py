"""Tallies as bytes: what comes out is what went in, and what is alike costs nearly nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.history.packing import pack, unpack
from daemon.core.history.tally import METRICS, MOST, SCALE, Sample, Tally, values
from tests.support.examples import examples

milliseconds = st.integers(0, 86_400_000)
hundredths = st.integers(-MOST * SCALE, MOST * SCALE)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    seen, one, other = draw(milliseconds), draw(hundredths), draw(hundredths)
    least, most = sorted((one, other))
    return Sample(seen, draw(st.integers(least * seen, most * seen)), least, most)


tallies = st.builds(
    Tally, milliseconds, milliseconds, st.dictionaries(st.sampled_from(sorted(METRICS.values())), samples())
)


@settings(max_examples=examples(400))
@given(st.dictionaries(st.integers(1, 300), tallies), st.integers(1, 300))
def test_what_is_packed_comes_out_as_it_was(kept: dict[int, Tally], one: int) -> None:
    assert unpack(pack(kept)) == kept
    assert unpack(pack(kept), only=one) == {number: tally for number, tally in kept.items() if number == one}


@settings(max_examples=examples(400))
@given(st.binary(max_size=60))
def test_what_is_not_ours_is_refused_or_read_but_never_an_error_of_another_kind(junk: bytes) -> None:
    try:
        unpack(junk, only=7)
    except ValueError:
        return


@settings(max_examples=examples(400))
@given(st.dictionaries(st.integers(1, 300), tallies), st.integers(1, 300), st.data())
def test_one_subject_is_never_found_to_be_another_in_what_is_damaged(
    kept: dict[int, Tally], one: int, data: st.DataObject
) -> None:
    """What is found of one of a few bytes is what all of them say of it, if they say anything at all."""
    packed = bytearray(pack(kept))
    packed[data.draw(st.integers(1, max(len(packed) - 1, 1))) % len(packed)] ^= data.draw(st.integers(0, 255))
    try:
        whole = unpack(bytes(packed))
    except ValueError:
        return
    assert unpack(bytes(packed), only=one) == {
        number: tally for number, tally in whole.items() if number == one
    }


def test_what_is_cut_short_is_refused() -> None:
    whole = pack({5: Tally(60_000, 200, {1: Sample(3, 400, 100, 200)})})

    for length in (0, *range(2, len(whole))):
        with pytest.raises(ValueError, match="cut short"):
            unpack(whole[:length])


def test_a_stretch_of_more_subjects_than_anybody_has_is_damaged() -> None:
    with pytest.raises(ValueError, match="too many"):
        unpack(bytes([1, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0x7F, 1, 0]))


def test_a_thousand_accounts_that_are_up_take_a_few_bytes() -> None:
    assert len(pack(dict.fromkeys(range(1, 1001), Tally(60_000, 0)))) < 10


def test_a_metric_keeps_its_number_for_ever() -> None:
    """The store knows the values by it; who adds one takes the next."""
    assert list(METRICS.values()) == list(range(1, len(METRICS) + 1))
    assert list(METRICS)[:10] == [
        "calls_waiting",
        "longest_wait_seconds",
        "agents_available",
        "agents_paused",
        "calls_per_agent",
        "hold_seconds",
        "abandoned_per_hour",
        "answered_per_hour",
        "longest_wait_today",
        "balance",
    ]


@pytest.mark.parametrize("odd", [None, True, "7", float("nan"), float("inf"), 10**40, -(10**40), [1], {}])
def test_what_is_no_number_has_no_course(odd: object) -> None:
    assert values({"calls_waiting": odd, "balance": 12.34, "abandoned": 7}) == {10: 1234}  # type: ignore[dict-item]
