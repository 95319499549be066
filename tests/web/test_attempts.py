"""Guessing is slow for whoever guesses, and for nobody else."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from daemon.core.model import Secret
from daemon.web.attempts import EACH, MOST_KEPT, TOGETHER, Attempts, TooMany, network_of
from daemon.web.auth import Token
from tests.support.fakes import FakeClock

HERE, THERE = "192.0.2.1", "198.51.100.7"
RIGHT = "the-right-one"
TOKENS = [Token("own", Secret(RIGHT), frozenset({"read"})), Token("other", Secret("ü"), frozenset())]


class Desk:
    """Somebody asks, at a time that the test says."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.attempts = Attempts(self.clock.monotonic)
        self._numbers = iter(range(10**9))

    def give(self, given: str, address: str = HERE) -> list[str] | float:
        """The names of the tokens that it is; or after how many seconds to come again."""
        try:
            return [one.name for one in self.attempts.judge(address, given, TOKENS, at="api")]
        except TooMany as error:
            return error.seconds

    def guess(self, many: int, address: str = HERE) -> list[list[str] | float]:
        return [self.give(f"guess {next(self._numbers)}", address) for _ in range(many)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_so_many_guesses_and_then_one_now_and_then(desk: Desk) -> None:
    assert desk.guess(EACH.at_once) == [[]] * EACH.at_once
    assert desk.guess(100) == [20] * 100

    desk.clock.advance(EACH.seconds + 0.01)
    assert desk.guess(2) == [[], 20]


def test_a_right_one_is_not_looked_at_either_while_its_address_guesses(desk: Desk) -> None:
    desk.guess(EACH.at_once)

    assert desk.give(RIGHT) == 20
    assert desk.give(RIGHT, THERE) == ["own"]


def test_who_was_there_before_goes_on_whoever_guesses_beside(desk: Desk) -> None:
    assert desk.give(RIGHT) == ["own"]
    desk.guess(1000)

    assert desk.give(RIGHT) == ["own"]
    assert desk.give("ü") == 20  # another token, that never came from there


def test_a_program_with_an_old_token_holds_up_nobody(desk: Desk) -> None:
    assert [desk.give("the old one") for _ in range(1000)] == [[]] * 1000

    assert desk.give(RIGHT) == ["own"]


def test_from_a_million_addresses_no_more_than_so_many_a_second_and_none_is_kept(desk: Desk) -> None:
    tried = 0
    for number in range(20_000):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        tried += desk.guess(1, address) == [[]]

    assert tried == TOGETHER.at_once
    assert len(desk.attempts._guessers) <= MOST_KEPT
    # It is over as soon as they stop, and who is known goes on meanwhile.
    assert desk.give(RIGHT, THERE) == 1
    desk.clock.advance(1)
    assert desk.give(RIGHT, THERE) == ["own"]
    desk.guess(20_000, "203.0.113.5")
    assert desk.give(RIGHT, THERE) == ["own"]


def test_good_ones_are_not_kept_without_end_either(desk: Desk) -> None:
    for number in range(MOST_KEPT + 500):
        desk.give(RIGHT, f"10.0.{number >> 8}.{number & 255}")

    assert len(desk.attempts._known) == MOST_KEPT


def test_a_network_of_ipv6_is_one_address(desk: Desk) -> None:
    looked_at = [desk.guess(1, f"2001:db8::{number:x}") == [[]] for number in range(100)]

    assert looked_at.count(True) == EACH.at_once
    assert desk.guess(1, "2001:db8:0:1::1") == [[]]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unix", "unix"),
    ],
)
def test_what_counts_as_one(address: str, place: str) -> None:
    assert network_of(address) == place


@given(st.lists(st.tuples(st.sampled_from([HERE, THERE]), st.floats(0, 40), st.booleans()), max_size=60))
def test_no_more_are_ever_looked_at_than_are_allowed(acts: Sequence[tuple[str, float, bool]]) -> None:
    desk = Desk()
    looked_at = {HERE: 0, THERE: 0}
    for address, later, _ in acts:
        desk.clock.advance(later)
        looked_at[address] += desk.guess(1, address) == [[]]

    took = sum(later for _, later, _ in acts)
    assert all(many <= EACH.at_once + took / EACH.seconds + 1 for many in looked_at.values())


@given(st.text(st.characters(codec=None)))
def test_whatever_is_given_is_judged(given: str) -> None:
    desk = Desk()

    assert desk.give(given) == [one.name for one in TOKENS if one.secret.value == given]


def test_the_log_hears_of_it_now_and_then_with_the_address_and_never_the_token(desk: Desk) -> None:
    with capture_logs() as lines:
        for _ in range(1000):
            desk.give("a-secret-mistyped")
        desk.guess(9500)

    assert [(one["event"], one["address"], one["times"]) for one in lines] == [
        ("http.token_refused", HERE, many) for many in (1, 10, 100, 1000, 10_000)
    ]
    assert "a-secret-mistyped" not in str(lines)


def test_many_threads_get_no_more_than_one(desk: Desk) -> None:
    async def all_at_once() -> list[list[str] | float]:
        guesses = (asyncio.to_thread(desk.give, f"guess {number}") for number in range(200))
        return list(await asyncio.gather(*guesses))

    assert asyncio.run(all_at_once()).count([]) == EACH.at_once
