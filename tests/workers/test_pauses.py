"""A process that is stopped and goes on: a pause alone repeats nothing."""

import pytest

from tests.support.dispatching import Setting


@pytest.mark.parametrize("seconds", [2.0, 60.0, 600.0, 86400.0])
def test_a_pause_costs_no_attempt_that_was_under_way(setting: Setting, seconds: float) -> None:
    """Its lease ran out while nobody ran; what came of it lies there."""
    setting.receivers.is_slow = True
    setting.add("one", "two")
    setting.dispatcher.run_once()
    setting.clock.advance(seconds)
    setting.dispatcher.run_once()
    setting.receivers.is_slow = False
    setting.run()
    setting.run(after=86400)

    assert [one.attempt for one in setting.receivers.sent if one.endpoint == "crm"] == [1, 1]
    assert setting.statuses() == ["delivered", "delivered"]


def test_an_attempt_that_never_ends_is_made_again_all_the_same(setting: Setting) -> None:
    setting.receivers.is_slow = True
    setting.add("one")
    setting.dispatcher.run_once()
    for _ in range(600):  # it runs all the while
        setting.clock.advance(1)
        setting.dispatcher.wake()
        setting.dispatcher.run_once()

    assert len([one for one in setting.receivers.sent if one.endpoint == "crm"]) > 1
