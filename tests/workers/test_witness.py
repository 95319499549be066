"""Whether the network carries, as polls bear witness of it."""

import pytest

from daemon.workers.witness import Witness
from tests.support.fakes import FakeClock

SIP, SMS = ("main", "sip"), ("branch", "sms")


@pytest.mark.parametrize(
    ("polled", "expected"),
    [
        ([], None),
        ([(SIP, True)], True),
        ([(SIP, False)], False),
        ([(SIP, False), (SMS, True)], True),
        ([(SIP, True), (SMS, False)], True),
        ([(SIP, True), (SIP, False)], False),
    ],
)
def test_one_watch_that_was_reached_last_is_enough(
    polled: list[tuple[tuple[str, str], bool]], expected: bool | None
) -> None:
    witness = Witness(FakeClock().monotonic)
    for watch, is_reached in polled:
        witness.polled(watch, is_reached=is_reached)

    assert witness.is_answered() is expected


def test_a_poll_bears_witness_for_a_minute() -> None:
    clock = FakeClock()
    witness = Witness(clock.monotonic)
    witness.polled(SIP, is_reached=True)
    clock.advance(60)
    assert witness.is_answered() is True
    clock.advance(0.1)
    assert witness.is_answered() is None
