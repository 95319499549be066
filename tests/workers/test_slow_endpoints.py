"""An endpoint that is slow, though it answers in time: what is claimed ahead of its turn waits for long."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.store.database import Database
from tests.support.dispatching import SECOND, Receivers, Setting


class SlowReceivers(Receivers):
    """Accept everything, `takes` after it was sent; to wait for them moves the clock."""

    def __init__(self, setting: Setting, takes: timedelta) -> None:
        super().__init__(setting.clock)
        self.takes = takes
        self.under_way: list[tuple[Message, datetime]] = []

    def start(self, message: Message) -> None:
        self.sent.append(message)
        self.under_way.append((message, self.clock.at))

    def in_flight(self, endpoint: str) -> int:
        return sum(one.endpoint == endpoint for one, _ in self.under_way)

    def finished(self, timeout: float) -> list[Attempted]:
        if self.under_way:
            first = min(at for _, at in self.under_way) + self.takes
            wait = min((first - self.clock.at).total_seconds(), timeout)
            self.clock.advance(max(wait, 0))
        ended = [(one, at) for one, at in self.under_way if at + self.takes <= self.clock.at]
        self.under_way = [one for one in self.under_way if one not in ended]
        return [Attempted(one, Outcome.ACCEPTED, at) for one, at in ended]


@pytest.mark.parametrize("timeout", [15, 30, 60])
def test_a_slow_endpoint_that_answers_in_time_gets_each_message_once(
    database: Database, timeout: int
) -> None:
    """Else results come under leases that ran out, are dropped, and all of it is sent again for ever."""
    setting = Setting(database, timeout=timeout * SECOND, max_in_flight=4)
    del setting.routes["ops"]
    setting.receivers = receivers = SlowReceivers(setting, (timeout - 1) * SECOND)
    setting.another()
    setting.add(*(f"s{number}" for number in range(60)))
    for _ in range(200):
        setting.dispatcher.run_once(30)

    assert set(Counter(one.event for one in receivers.sent).values()) == {1}
    assert set(setting.statuses()) == {"delivered"}
