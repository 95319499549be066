"""Whether a request meets the configuration, the budget and the commands that are there already."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from daemon.core.commands.command import Command, OnHoliday, Status
from daemon.core.commands.command_types import READS, TYPES
from daemon.core.commands.policy import LONGEST_HOLIDAY, Policy
from daemon.core.model import Json
from daemon.core.refusals import Refused, Why
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.operations import commands
from daemon.operations.commands import Accepted
from daemon.schemas import command_requests
from daemon.store import inbox, schema, subjects
from daemon.store.database import Database
from tests.support import stores
from tests.support.commanding import BRIDGE, KICK, PAUSE, READ
from tests.support.fakes import START, Ids

NOTHING, SECOND, HOUR, DAY = timedelta(0), timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
JERUSALEM = ZoneInfo("Asia/Jerusalem")
MIDNIGHT = datetime(2026, 3, 2, tzinfo=JERUSALEM)
"""The next after START."""
NEEDED: dict[str, dict[str, Json]] = {
    "queue.kick": {"queue_path": "/5", "call_ids": ["a"]},
    "queue.pause": {"queue_path": "/5", "agent": "SIP-1"},
    "queue.unpause": {"queue_path": "/5", "agent": "SIP-1"},
    "queue.callback.remove": {"request_id": 4711},
    "campaign.bridge": {"phones": "0501234567", "ivr_path": "/1"},
    "campaign.status": {"campaign_id": "YA-1"},
    "campaign.stop": {"campaign_id": "YA-1"},
    "sms.send": {"to": "0501234567", "text": "on our way"},
    "queue.state": {"queue_path": "/5"},
    "directory.stats": {"path": "/2"},
}


@dataclass
class Counter:
    """Where commands are given."""

    database: Database
    policies: dict[str, Policy] = field(
        default_factory=lambda: {
            "main": Policy(("*",), 3.0, expires=HOUR, zone=JERUSALEM, sms_units_per_day=3.0),
            "branch": Policy(("*",), 3.0, expires=HOUR, zone=JERUSALEM, sms_units_per_day=3.0),
        }
    )
    now: datetime = START
    new_id: Ids = field(default_factory=Ids)

    def allow(self, **changed: Any) -> None:
        self.policies["main"] = replace(self.policies["main"], **changed)

    def give(self, request: dict[str, Any], *, key: str | None = None, **more: Json) -> Accepted:
        with self.database.write() as db:
            return commands.accept(
                db, parsed(request, more), self.policies, by="crm", key=key, now=self.now, new_id=self.new_id
            )

    def rehearse(self, request: dict[str, Any], **more: Json) -> Accepted:
        with self.database.read() as db:
            return commands.rehearse(db, parsed(request, more), self.policies, by="crm", now=self.now)

    def refused(self, request: dict[str, Any], *, key: str | None = None, **more: Json) -> Refused:
        """Why a request is refused; it leaves nothing behind."""
        before = self.rows()
        with pytest.raises(Refused) as refused:
            self.give(request, key=key, **more)
        assert self.rows() == before
        return refused.value

    def becomes(self, command: Command, status: Status, **changed: Any) -> None:
        with self.database.write() as db:
            inbox.save(db, replace(command, status=status, **changed))

    def cancel(self, command: str) -> Command | None:
        with self.database.write() as db:
            return commands.cancel(db, command, self.now + SECOND)

    def find(self, command: str) -> Command | None:
        with self.database.read() as db:
            return inbox.find(db, command)

    def rows(self) -> list[Any]:
        with self.database.read() as db:
            return list(db.execute(sa.select(schema.commands)))


def parsed(request: dict[str, Any], more: dict[str, Json]) -> command_requests.Request:
    return command_requests.parse({"system": "main", **request, **more})


@pytest.fixture
def counter(engine: str) -> Iterator[Counter]:
    one = Counter(stores.new())
    yield one
    one.database.close()


def test_a_command_is_kept_as_it_was_given_and_goes_at_once(counter: Counter) -> None:
    found = counter.give(KICK, key="k")

    assert found.command == Command(
        id="cmd_1",
        system="main",
        type="queue.kick",
        params={"queue_path": "/5", "call_ids": ["a"]},
        created_by="crm",
        created_at=START,
        not_before=START,
        expires_at=START + HOUR,
        due_at=START,
        idempotency_key="k",
        clock=NOTHING,
        is_start_given=False,
        is_end_given=False,
    )
    assert (found.is_repeat, found.budget) == (False, None)
    assert counter.find("cmd_1") == found.command


@pytest.mark.parametrize(("system", "hint"), [("mian", '; did you mean "main"?'), ("xyz", "")])
def test_a_system_that_is_not_there_is_answered_with_one_of_a_near_name(
    counter: Counter, system: str, hint: str
) -> None:
    refused = counter.refused(PAUSE, system=system)

    assert (refused.why, refused.fields) == (Why.NO_SUCH_SYSTEM, ("system",))
    assert str(refused) == f'no system is called "{system}"{hint}'


@pytest.mark.parametrize("command_type", TYPES)
def test_a_system_that_says_nothing_of_commands_takes_reads_only(counter: Counter, command_type: str) -> None:
    counter.policies["main"] = Policy()
    request = {"type": command_type, "params": NEEDED.get(command_type, {})}

    if command_type in READS:
        assert counter.give(request).command.status is Status.QUEUED
    else:
        refused = counter.refused(request)
        assert (refused.why, refused.fields) == (Why.NOT_ALLOWED, ("type",))
        assert f"the system 'main' does not take {command_type}" in str(refused)


def test_what_is_allowed_on_one_system_is_not_allowed_on_another(counter: Counter) -> None:
    counter.allow(allowed=("queue.*",))

    assert counter.give(PAUSE).command.id == "cmd_1"
    assert counter.refused(READ).why is Why.NOT_ALLOWED
    assert counter.give(READ, system="branch").command.system == "branch"


def test_a_system_without_a_budget_takes_no_campaigns(counter: Counter) -> None:
    counter.allow(units_per_day=None)
    refused = counter.refused(BRIDGE)

    assert refused.why is Why.NOT_ALLOWED
    assert "campaign_units_per_day" in str(refused)
    assert counter.give(KICK).command.id


def test_campaigns_are_taken_until_the_budget_of_the_day_is_spent(counter: Counter) -> None:
    left = [counter.give(BRIDGE).budget for _ in range(2)]
    refused = counter.refused(BRIDGE)

    assert left == [1.8, 0.6]
    assert (refused.why, refused.fields) == (Why.OVER_BUDGET, ("params.phones",))
    assert "may cost 1.2 units, and of the 3 " in str(refused)
    assert "2026-03-01 0.6 are left" in str(refused)
    assert counter.give(BRIDGE, system="branch").budget == 1.8


def test_nothing_is_left_of_a_budget_where_no_tenth_is(counter: Counter) -> None:
    """Three times 1.2 is 3.5999999999999996, so that 4.4e-16 of 3.6 are left."""
    counter.allow(units_per_day=3.6)
    left = [counter.give(BRIDGE).budget for _ in range(3)]

    assert left == [2.4, 1.2, 0.0]
    assert "2026-03-01 0 are left" in str(counter.refused(BRIDGE))


def test_the_last_unit_of_a_budget_may_be_spent(counter: Counter) -> None:
    counter.allow(units_per_day=4.8)
    one = {"type": "campaign.bridge", "params": {"phones": "0501234567", "ivr_path": "/1"}}
    for _ in range(7):
        counter.give(one)
    # What is left now is a little less than 0.6, in floating point.

    assert counter.give(one).budget == 0
    assert counter.refused(one).why is Why.OVER_BUDGET


@pytest.mark.parametrize("status", Status)
def test_what_may_still_be_spent_counts_and_what_was_not_spent_does_not(
    counter: Counter, status: Status
) -> None:
    first = counter.give(BRIDGE).command
    is_spent = status not in (Status.FAILED, Status.EXPIRED, Status.CANCELLED)
    counter.becomes(first, status, units=first.units if is_spent else 0.0)

    assert counter.rehearse(BRIDGE).budget == (0.6 if is_spent else 1.8)


def test_what_was_cancelled_gives_its_units_back(counter: Counter) -> None:
    counter.give(BRIDGE)
    second = counter.give(BRIDGE).command
    counter.cancel(second.id)

    assert counter.give(BRIDGE).budget == 0.6


def test_a_campaign_of_tomorrow_counts_on_the_budget_of_tomorrow(counter: Counter) -> None:
    for _ in range(2):
        counter.give(BRIDGE)
    tonight = (MIDNIGHT - SECOND).isoformat()
    tomorrow = MIDNIGHT.isoformat()

    assert "2026-03-01" in str(counter.refused(BRIDGE, not_before=tonight))
    given = counter.give(BRIDGE, not_before=tomorrow)
    assert given.budget == 1.8
    assert given.command.day == MIDNIGHT.date()
    counter.give(BRIDGE, not_before=tomorrow)
    assert "2026-03-02" in str(counter.refused(BRIDGE, not_before=tomorrow))


def test_a_stored_list_counts_as_long_as_a_campaign_may_be(counter: Counter) -> None:
    request = {"type": "campaign.bridge", "params": {"phones": "tpl:12", "ivr_path": "/1"}}
    counter.allow(units_per_day=299.9)
    assert counter.refused(request).why is Why.OVER_BUDGET
    counter.allow(units_per_day=300.0)

    assert counter.give(request).command.units == 300


def test_a_key_gives_the_same_command_again_whatever_became_of_it(counter: Counter) -> None:
    first = counter.give(BRIDGE, key="k").command
    counter.becomes(first, Status.SUCCEEDED, ended_at=START)
    counter.allow(units_per_day=0.1)
    counter.now = START + 2 * HOUR
    again = counter.give(BRIDGE, key="k")

    assert (again.is_repeat, again.command.id, again.command.status) == (True, "cmd_1", Status.SUCCEEDED)
    assert len(counter.rows()) == 1


def test_the_same_content_may_be_written_in_another_way(counter: Counter) -> None:
    at = START + HOUR
    counter.give(BRIDGE, key="k", not_before=at.isoformat())
    other: Json = {"ivr_path": "ivr2:/1", "phones": "+972-50-1234567 : 0501234568", "caller_id": None}
    again = counter.give(BRIDGE, key="k", params=other, not_before=at.astimezone(JERUSALEM).isoformat())

    assert again.is_repeat


OTHER_CONTENT: dict[str, dict[str, Json]] = {
    "params": {"params": {"phones": "0501234567:0501234569", "ivr_path": "/1"}},
    "not_before": {"not_before": "2026-03-01T13:00:00Z"},
    "expires_at": {"expires_at": "2026-03-01T13:00:00Z"},
    "on_holiday": {"on_holiday": "wait"},
    "type": {**KICK},
}


@pytest.mark.parametrize("other", OTHER_CONTENT.values(), ids=OTHER_CONTENT)
def test_a_key_is_not_taken_for_anything_else(counter: Counter, other: dict[str, Json]) -> None:
    counter.give(BRIDGE, key="k")
    refused = counter.refused({**BRIDGE, **other}, key="k")

    assert (refused.why, refused.fields) == (Why.KEY_IN_USE, ("Idempotency-Key",))
    assert str(refused) == "the key 'k' was used for another command, cmd_1"


def test_each_system_has_keys_of_its_own_and_no_key_is_never_the_same(counter: Counter) -> None:
    given = [
        counter.give(PAUSE, key="k"),
        counter.give(PAUSE, key="k", system="branch"),
        counter.give(PAUSE),
        counter.give(PAUSE),
    ]

    assert [one.is_repeat for one in given] == [False] * 4
    assert len({one.command.id for one in given}) == 4


def test_a_system_that_takes_a_command_no_more_does_not_tell_of_it_by_its_key(counter: Counter) -> None:
    counter.give(PAUSE, key="k")
    counter.allow(allowed=READS)

    assert counter.refused(PAUSE, key="k").why is Why.NOT_ALLOWED


def test_a_rehearsal_writes_nothing_and_has_no_id(counter: Counter) -> None:
    found = counter.rehearse(BRIDGE)

    assert counter.rows() == []
    assert (found.command.id, found.command.params["ivr_path"]) == ("", "ivr2:/1")
    assert commands.rehearsed(found) == {
        "type": "campaign.bridge",
        "system": "main",
        "params": {"phones": "0501234567:0501234568", "ivr_path": "ivr2:/1"},
        "cost": {
            "numbers": 2,
            "is_exact": True,
            "dialling": 0.2,
            "units": 1.2,
            "per_minute": 1.0,
            "parts": None,
            "day": "2026-03-01",
            "budget_left": 1.8,
        },
        "not_before": "2026-03-01T12:00:00.000Z",
        "expires_at": "2026-03-01T13:00:00.000Z",
    }
    assert commands.rehearsed(counter.rehearse(PAUSE))["cost"] is None


def test_a_rehearsal_is_refused_as_the_command_would_be(counter: Counter) -> None:
    counter.allow(units_per_day=1.0)
    with pytest.raises(Refused) as refused:
        counter.rehearse(BRIDGE)

    assert refused.value.why is Why.OVER_BUDGET


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (None, START + HOUR),
        (START - DAY, START + HOUR),
        (START + DAY, START + DAY + HOUR),
    ],
)
def test_a_command_expires_so_long_after_it_may_go(
    counter: Counter, begins: datetime | None, ends: datetime
) -> None:
    command = counter.give(PAUSE, not_before=begins.isoformat() if begins else None).command

    assert command.not_before == command.due_at == max(begins or START, START)
    assert command.expires_at == ends


def test_a_command_may_say_itself_when_it_expires(counter: Counter) -> None:
    at = START + 7 * DAY

    assert counter.give(PAUSE, expires_at=at.isoformat()).command.expires_at == at


@pytest.mark.parametrize("at", [START, START - SECOND])
def test_what_has_expired_already_is_refused(counter: Counter, at: datetime) -> None:
    refused = counter.refused(PAUSE, expires_at=at.isoformat())

    assert (refused.why, refused.fields, str(refused)) == (
        Why.TOO_LATE,
        ("expires_at",),
        "has passed already",
    )


@pytest.mark.parametrize(
    ("times", "expires_at"),
    [
        ({}, START + LONGEST_HOLIDAY),
        ({"not_before": (START + DAY).isoformat()}, START + DAY + LONGEST_HOLIDAY),
        ({"expires_at": (START + HOUR).isoformat()}, START + HOUR),
    ],
)
def test_a_campaign_that_waits_for_the_end_of_a_holiday_has_time_to_wait(
    counter: Counter, times: dict[str, str], expires_at: datetime
) -> None:
    command = counter.give({**BRIDGE, **times}, on_holiday="wait").command

    assert (command.on_holiday, command.expires_at) == (OnHoliday.WAIT, expires_at)


def test_patience_is_never_made_shorter(counter: Counter) -> None:
    counter.allow(expires=30 * DAY)

    assert counter.give(BRIDGE, on_holiday="wait").command.expires_at == START + 30 * DAY
    assert counter.give(BRIDGE).command.on_holiday is OnHoliday.FAIL


def test_what_is_queued_is_cancelled_and_costs_nothing(counter: Counter) -> None:
    given = counter.give(BRIDGE).command
    cancelled = counter.cancel(given.id)

    assert cancelled is not None
    assert cancelled == replace(given, status=Status.CANCELLED, ended_at=START + SECOND, units=0.0)
    assert counter.find(given.id) == cancelled
    assert counter.cancel(given.id) == cancelled


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.QUEUED])
def test_what_is_not_queued_stays_as_it_is(counter: Counter, status: Status) -> None:
    given = counter.give(PAUSE).command
    counter.becomes(given, status)

    assert counter.cancel(given.id) == replace(given, status=status) == counter.find(given.id)


def test_what_is_not_there_cannot_be_cancelled(counter: Counter) -> None:
    assert counter.cancel("cmd_0") is None


def test_a_queue_given_by_its_name_is_kept_by_its_path(counter: Counter) -> None:
    with counter.database.write() as db:
        sales = Subject("queue/7", SubjectKind.QUEUE, SubjectState.UP, "מכירות")
        subjects.save(db, ("main", "queue/7"), [sales], START, None)
    named = {**PAUSE, "params": {**PAUSE["params"], "queue_path": "queue/מכירות"}}

    assert counter.give(named).command.params["queue_path"] == "/7"
    assert counter.rehearse(named).command.params["queue_path"] == "/7"
    assert counter.give(PAUSE).command.params["queue_path"] == "/5"
