"""What waits for a retry while its endpoint takes other messages: it is not left to its schedule, nor is the
schedule burnt by what only this message makes fail."""

from datetime import timedelta

import pytest

from daemon.core.delivery.outcome import Message, Outcome
from daemon.store.database import Database
from daemon.workers.endpoint_health import APART
from tests.support.dispatching import HOUR, MINUTE, RETRIES, SECOND, Setting

SCHEDULE = sum(RETRIES, timedelta(0))


@pytest.fixture
def setting(database: Database) -> Setting:
    return Setting(database)


@pytest.mark.parametrize("failures", [1, 2])
@pytest.mark.parametrize("away", [20, 120, 250])
def test_an_acceptance_hastens_what_waits_for_a_retry(setting: Setting, failures: int, away: int) -> None:
    setting.receivers.answers["crm"] = Outcome.UNREACHABLE
    setting.add("code")
    setting.run()
    for _ in range(failures - 1):
        setting.run(after=5)
    setting.receivers.answers.clear()
    setting.clock.advance(away if failures > 1 else 2)
    setting.add("other")
    first = setting.run()

    assert first[0] == "other" if failures > 1 else "code" not in first
    late = [] if "code" in first else setting.run(after=APART.total_seconds())
    assert "code" in first + late
    assert setting.statuses() == ["delivered", "delivered"]


def test_a_restart_forgets_no_delivery_that_could_be_hastened(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.UNREACHABLE
    setting.add("code")
    setting.run()
    setting.run(after=5)
    setting.receivers.answers.clear()
    setting.another()
    setting.clock.advance(60)
    setting.add("other")

    assert setting.run() == ["other", "code"]


def test_what_waits_for_another_reason_is_not_hastened(setting: Setting) -> None:
    """A delivery that was never tried is due when it is due."""
    setting.add("held")
    with setting.database.write() as db:
        db.exec_driver_sql("UPDATE deliveries SET due_at = due_at + 60000")
    setting.add("other")

    assert setting.run() == ["other"]


def test_a_message_that_fails_by_itself_keeps_its_schedule_and_is_tried_a_few_times_more(
    setting: Setting,
) -> None:
    def only_poison_fails(message: Message) -> Outcome:
        return Outcome.FAILED if message.lane == "main/poison" else Outcome.ACCEPTED

    setting.receivers.answers["crm"] = only_poison_fails
    setting.add("poison")
    setting.run()
    began, tries = setting.clock.at, 1
    while setting.statuses()[0] != "dead":
        setting.add("other")
        tries += setting.run(after=20).count("poison")
        assert setting.clock.at - began < SCHEDULE + 2 * HOUR

    assert SCHEDULE <= setting.clock.at - began <= SCHEDULE + 2 * MINUTE
    assert tries <= 1 + len(RETRIES) + 9
    assert setting.rows("SELECT failures FROM deliveries WHERE lane = 'main/poison' ORDER BY id")[0] == (3,)
    assert setting.told("ops").count("endpoint.failing") == 0


def test_many_that_fail_by_themselves_hold_up_nobody(setting: Setting) -> None:
    def odd_ones_fail(message: Message) -> Outcome:
        return Outcome.FAILED if message.lane.endswith("-odd") else Outcome.ACCEPTED

    setting.receivers.answers["crm"] = odd_ones_fail
    setting.add(*(f"{number}-odd" for number in range(3)), "even")
    setting.run()
    sent = [setting.run(after=1) for _ in range(60)]

    assert sum(len(one) for one in sent) <= 3 * 5
    assert setting.statuses().count("dead") == 0
    assert SECOND < APART
