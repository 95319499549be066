"""The follower: every campaign has one end, whatever dies when, and nothing is told that was not seen."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.core.commands import following
from daemon.core.commands.command import Status
from daemon.core.commands.following import Outcome
from daemon.core.durations import DAY, MINUTE
from daemon.core.model import Failure, Unknown
from daemon.core.ownership import ALONE, Kind
from daemon.store import campaigns, events, inbox, pruning
from daemon.store.campaigns import Called
from tests.support import stores
from tests.support.campaigns import AT_WORK, NOT_FOUND, OVER, Desk
from tests.support.commanding import PAUSE, with_policy
from tests.support.engines import ON_SQLITE

TIMEOUT = Unknown(Failure.TIMEOUT, "no complete answer in time")
REFUSED = Unknown(Failure.REFUSED, "not allowed")


@pytest.fixture
def desk(engine: str, tmp_path: Path) -> Iterator[Desk]:
    one = Desk(stores.at(tmp_path / "campaigns.db"))
    yield one
    one.database.close()


def document(desk: Desk) -> dict[str, object]:
    """The one `campaign.finished`, as receivers get it."""
    with desk.database.read() as db:
        (body,) = (one.body for _, one in events.read(db, events.Query(type="campaign.finished", limit=9)))
    return dict(json.loads(body)["data"]["campaign"])


def test_a_campaign_is_followed_to_its_end_which_is_told_once(desk: Desk) -> None:
    command = desk.campaign()
    desk.run(600)
    assert desk.told() == []
    desk.shows = lambda _campaign: OVER
    desk.run(600)

    told = document(desk)
    assert desk.told() == [f"campaign/{command}"]
    assert (told["outcome"], told["answered"], told["price"], told["estimate"]) == ("finished", 2, 1.4, 1.2)
    assert desk.found(command).ended_at is not None
    asked = len(desk.asked)
    desk.run(DAY.total_seconds(), step=600)
    assert len(desk.asked) == asked


def test_what_was_only_read_or_refused_is_not_followed(desk: Desk) -> None:
    desk.office.says = lambda _command: REFUSED
    desk.office.give(PAUSE)
    desk.office.work()
    desk.run(60)

    assert desk.asked == []


def test_the_real_price_counts_on_the_budget_of_the_day(desk: Desk) -> None:
    command = desk.campaign()
    day = desk.office.find(command).day
    assert desk.spent(day) == 1.2
    desk.shows = lambda _campaign: replace(AT_WORK, price=5.0)
    desk.run(20)
    assert desk.spent(day) == 5.0  # what it costs already is spent, whatever was estimated
    desk.shows = lambda _campaign: replace(OVER, price=0.9)
    desk.run(600)

    budget = document(desk)["budget"]
    assert desk.spent(day) == 0.9
    assert budget == {"day": str(day), "counted": 0.9, "spent": 0.9, "per_day": 50.0}


def test_a_day_without_news_is_told_as_unknown_and_never_as_finished(desk: Desk) -> None:
    desk.shows = lambda _campaign: NOT_FOUND
    command = desk.campaign()
    desk.run(0.9 * DAY.total_seconds(), step=60)
    assert desk.told() == []
    desk.run(0.2 * DAY.total_seconds(), step=60)

    assert desk.told() == [f"campaign/{command}"]
    assert (document(desk)["outcome"], document(desk)["reason"]) == ("unknown", "campaign not found")
    assert desk.spent(desk.office.find(command).day) == 1.2


def test_the_day_is_of_observed_time_whatever_the_clock_says_and_however_long_nobody_looked(
    desk: Desk,
) -> None:
    desk.shows = lambda _campaign: NOT_FOUND
    command = desk.campaign()
    desk.run(3600, step=30)
    desk.office.clock.jump(30 * DAY.total_seconds())
    desk.run(60)
    desk.office.clock.advance(7 * DAY.total_seconds())  # it stood still
    desk.run(60)
    desk.shows = lambda _campaign: TIMEOUT
    desk.run(3 * DAY.total_seconds(), step=600)

    assert desk.told() == []
    assert desk.found(command).unlearned < following.UNLEARNED / 4


def test_a_campaign_that_the_platform_gave_no_id_is_not_asked_for(desk: Desk) -> None:
    desk.campaign(None)
    desk.run(1.2 * DAY.total_seconds(), step=600)

    assert desk.asked == []
    assert document(desk)["reason"] == following.NO_ID


def test_looks_become_rare_where_nothing_moves(desk: Desk) -> None:
    desk.campaign()
    desk.run(24 * 3600, step=60)
    moved = len(desk.asked)
    desk.shows = lambda _campaign: NOT_FOUND
    desk.run(20 * 3600, step=60)

    assert moved <= DAY / following.LATE + 10
    assert len(desk.asked) - moved <= DAY / following.LATE_UNSEEN + 10


def test_a_new_process_goes_on_where_the_old_one_ended(desk: Desk) -> None:
    idle = replace(AT_WORK, pending=0)
    command = desk.campaign()
    desk.run(20)
    desk.shows = lambda _campaign: idle
    desk.run(40)
    desk.start()
    desk.look()

    assert desk.found(command).outcome is Outcome.FINISHED
    assert desk.told() == [f"campaign/{command}"]


def test_of_two_who_look_at_the_same_time_one_tells_it(desk: Desk) -> None:
    """Nothing but the row says who ended it first, so of two processes that both have the system, too."""
    desk.shows = lambda _campaign: OVER
    command = desk.campaign()
    first, due = desk.follower, desk.follower.due()
    desk.start()
    desk.look()
    for system, commands in due.items():
        first.work(system, commands)
    with desk.database.write() as db:
        again = campaigns.save(db, replace(desk.found(command), ended_at=None, outcome=None))

    assert not again
    assert desk.told() == [f"campaign/{command}"]


class Shares:
    """What one of several members has."""

    is_sole = False
    among = ALONE

    def __init__(self) -> None:
        self.held: set[str] = {"main"}

    def holds(self, kind: Kind, name: str) -> bool:
        return kind is Kind.SYSTEM and name in self.held

    def token(self, _kind: Kind, _name: str) -> int | None:
        return 1

    def kept(self, _db: object, kind: Kind, names: Iterable[str]) -> set[str]:
        return {one for one in names if self.holds(kind, one)}


def test_a_campaign_is_followed_by_who_holds_its_system(desk: Desk) -> None:
    shares = Shares()
    desk.ownership = shares
    desk.shows = lambda _campaign: OVER
    command = desk.campaign()
    desk.start()
    shares.held = set()
    assert desk.follower.due() == {}
    shares.held = {"main"}
    due = desk.follower.due()
    shares.held = set()  # it went to another while the API was asked
    for system, commands in due.items():
        desk.follower.work(system, commands)

    assert desk.asked == ["YA-1"]
    assert (desk.told(), desk.found(command).outcome) == ([], None)
    desk.systems = ()
    desk.look()  # and the one duty is another's: nobody here ends what has no system any more
    assert desk.told() == []


def test_an_api_that_wants_to_be_left_alone_is(desk: Desk) -> None:
    desk.campaign()
    wait = replace(TIMEOUT, failure=Failure.THROTTLED, retry_after=5 * MINUTE)
    desk.office.pauses.take("main", wait)
    desk.run(240)
    assert desk.asked == []
    desk.run(120)

    assert desk.asked


def test_one_system_that_does_not_answer_holds_up_no_other(desk: Desk) -> None:
    desk.systems = desk.office.systems = ("main", "other")
    desk.office.start()
    desk.start()
    desk.campaign("YA-1")
    desk.campaign("YA-2", system="other")
    due = desk.follower.due()
    desk.follower.work("other", due["other"])  # while `main` hangs

    assert desk.follower.due() == {}
    assert desk.asked == ["YA-2"]
    desk.follower.work("main", due["main"])
    assert desk.asked == ["YA-2", "YA-1"]


def test_an_error_of_ours_ends_no_other_look(desk: Desk) -> None:
    desk.campaign()

    def broken(_campaign: str) -> following.Glance:
        raise ZeroDivisionError

    desk.shows = broken
    desk.look()
    desk.shows = lambda _campaign: OVER
    desk.run(60)

    assert len(desk.told()) == 1


def test_the_campaigns_of_a_system_that_is_gone_are_ended_as_unknown(desk: Desk) -> None:
    command = desk.campaign()
    desk.systems = ()
    desk.look()
    desk.look()

    assert desk.told() == [f"campaign/{command}"]
    assert document(desk)["reason"] == following.GONE


def test_a_thread_looks_and_the_end_waits_for_none(desk: Desk) -> None:
    desk.shows = lambda _campaign: OVER
    command = desk.campaign()
    desk.follower.look()
    assert desk.follower.settle(timedelta(seconds=10))
    desk.follower.stop()
    desk.follower.look()

    assert desk.told() == [f"campaign/{command}"]


def test_the_numbers_that_campaigns_called_are_at_hand(desk: Desk) -> None:
    rejected = [{"phone": "0501234568", "reason": "not Vaild"}]
    before = desk.office.clock.now()
    command = desk.campaign(rejected=rejected)

    def called(since: timedelta = timedelta(0)) -> list[Called]:
        with desk.database.read() as db:
            return campaigns.called(db, "main", before + since)

    assert called() == [Called("0501234567", before, command, is_certain=False)]
    desk.shows = lambda _campaign: OVER
    desk.run(60)
    assert [one.is_certain for one in called()] == [True]
    assert called(MINUTE) == []


def test_of_a_list_at_the_platform_nobody_knows_the_numbers(desk: Desk) -> None:
    began = desk.office.clock.now()
    with_policy(desk.office, units_per_day=1000.0)
    desk.campaign(phones="tpl:12")
    with desk.database.read() as db:
        assert campaigns.called(db, "main", began) == []


def test_a_command_is_kept_while_its_campaign_is_followed(desk: Desk) -> None:
    command = desk.campaign()
    later = desk.office.clock.now() + 100 * DAY

    def forget() -> bool:
        with desk.database.write() as db:
            old = pruning.old_commands(db, None, later)
            pruning.forget_commands(db, old.keys)
            return inbox.find(db, command) is None and campaigns.find(db, command) is None

    assert not forget()
    desk.shows = lambda _campaign: OVER
    desk.run(60)
    assert forget()


@ON_SQLITE
def test_a_store_that_is_away_loses_nothing(desk: Desk) -> None:
    command = desk.campaign()
    desk.shows = lambda _campaign: OVER
    due = desk.follower.due()
    with desk.database.write() as db:
        db.exec_driver_sql("ALTER TABLE campaigns RENAME TO away")
    for system, commands in due.items():
        desk.follower.work(system, commands)
    desk.follower.look()
    with desk.database.write() as db:
        db.exec_driver_sql("ALTER TABLE away RENAME TO campaigns")
    desk.run(60)

    assert desk.office.find(command).status is Status.SUCCEEDED
    assert desk.told() == [f"campaign/{command}"]
