"""Commands against the simulated phone system: what each type does there, and how each fault of the API ends.

The simulator counts requests: a campaign is never seen twice.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from daemon.config.load import load
from daemon.config.settings import Config
from daemon.core.commands.command import Command, Done, Error, Status
from daemon.core.commands.command_types import TYPES, CommandType, Nature
from daemon.core.commands.judgement import judge_registration
from daemon.core.commands.policy import HALF_AN_HOUR
from daemon.core.commands.results import Registration
from daemon.core.model import Json
from daemon.host.clock import utcnow
from daemon.schemas.command_requests import NoParams
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.spelling import dated
from daemon.simulator.system import SimulatedSystem
from daemon.store import inbox
from daemon.wiring.clients import clients_of
from daemon.wiring.commands import ROWS, Platform, Row, policies, systems_of, table
from daemon.wiring.hebrew_calendar import holiday_end
from tests.support import stores
from tests.support.commanding import BRIDGE, PAUSE, Office
from tests.support.fakes import START
from tests.support.process import TOKEN

CONFIGURATION = """\
[[systems]]
name = "main"
token_file = "token"
base_url = "{base_url}"
connect_timeout = "2s"
read_timeout = "300ms"
deadline = "500ms"
commands = ["*"]
commands_rate = 1000.0
campaign_units_per_day = 1000
[systems.units]
every = "24h"
below = 1
"""


@pytest.fixture
def system() -> SimulatedSystem:
    one = SimulatedSystem("0770000000", now=utcnow)
    one.add_sip_account("0770000000", registered=True)
    one.receive_sms("0541234567", "שלום")
    one.queue("/5").add_agent("SIP-1")
    one.directory("/2").add_recording("0541234567", seconds=65)
    return one


@pytest.fixture
def config(tmp_path: Path, simulator: Simulator) -> Config:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "config.toml").write_text(CONFIGURATION.format(base_url=simulator.base_url))
    return load(tmp_path / "config.toml", {}).config


@pytest.fixture
def office(config: Config) -> Iterator[Office]:
    clients = clients_of(config)
    one = Office(stores.in_memory(), policy=policies(config)["main"])
    real = systems_of(config, clients)["main"]
    one.says = real.carry_out
    yield one
    one.database.close()
    for client in clients:
        client.close()


def carried_out(office: Office, request: dict[str, Any]) -> Command:
    given = office.give(request).command
    office.work()
    return office.find(given.id)


def result(command: Command) -> dict[str, Any]:
    assert command.status is Status.SUCCEEDED, command.error
    assert isinstance(command.result, dict)
    return command.result


def test_somebody_is_taken_off_the_platforms_call_back_list(office: Office, system: SimulatedSystem) -> None:
    request = system.queue("/5").request_callback("0541234567")
    remove = {"type": "queue.callback.remove", "params": {"request_id": request}}

    assert result(carried_out(office, remove)) == {"request_id": request, "answer": "OK"}
    assert system.queue("/5").callbacks == {}
    assert carried_out(office, remove).status is Status.FAILED


def test_a_caller_is_kicked_to_another_extension_and_one_who_left_is_said_to_be_gone(
    office: Office, system: SimulatedSystem
) -> None:
    call = system.queue("/5").join("0541234567")
    done = carried_out(
        office,
        {"type": "queue.kick", "params": {"queue_path": "/5", "call_ids": [call, "gone"], "goto": "/1"}},
    )

    assert [(one["call_id"], one["status"]) for one in result(done)["calls"]] == [
        (call, "kicked"),
        ("gone", "not_found"),
    ]
    assert result(done)["is_partial"]
    assert [kick.more_data for kick in system.queue("/5").kicks] == ["GOTO:/1"]


def test_an_agent_is_paused_and_unpaused(office: Office, system: SimulatedSystem) -> None:
    params = {"queue_path": "/5", "agent": "SIP-1"}
    assert result(carried_out(office, {"type": "queue.pause", "params": params}))["paused"] is True
    assert system.queue("/5").agents[0].paused
    assert result(carried_out(office, {"type": "queue.unpause", "params": params}))["paused"] is False
    assert not system.queue("/5").agents[0].paused


def test_pirsumphone_is_registered_read_and_unregistered(office: Office, system: SimulatedSystem) -> None:
    system.pirsumphone = False
    result(carried_out(office, {"type": "pirsumphone.register"}))
    status = carried_out(office, {"type": "pirsumphone.status"})
    assert result(status) == {"pirsumphone": {"registered": True}}
    result(carried_out(office, {"type": "pirsumphone.unregister"}))
    assert not system.pirsumphone


@pytest.mark.parametrize(
    ("phones", "dialled"),
    [
        ("0501234567:+972-50-1234568", ["0501234567", "0501234568"]),
        (["972501234567", 972501234568], ["0501234567", "0501234568"]),
        ([{"phone": "0501234567", "caller_id": "0770000000"}], ["0501234567"]),
        ([{"phones": ["0501234567", "0501234568"]}], ["0501234567", "0501234568"]),
        ('["0501234567"]', ["0501234567"]),
        ("tpl:12", ["0521111111", "0522222222"]),
        ("tzl:3", ["0523333333"]),
    ],
)
def test_every_form_of_phones_is_dialled(
    office: Office, system: SimulatedSystem, phones: Any, dialled: list[str]
) -> None:
    system.set_list("tpl:12", ["0521111111", "0522222222"])
    system.set_list("tzl:3", ["0523333333"])
    params = {"phones": phones, "ivr_path": "/1/100", "calls_timeout": 20}
    done = carried_out(office, {"type": "campaign.bridge", "params": params})

    (campaign,) = system.campaigns
    assert list(campaign.phones) == dialled
    assert (campaign.ivr_path, campaign.calls_timeout) == ("ivr2:/1/100", 20)
    assert (result(done)["campaign_id"], result(done)["calls_count"]) == (campaign.id, len(dialled))
    assert done.units == pytest.approx(0.6 * len(dialled))


def test_several_tzintuk_lists_are_dialled_at_once(office: Office, system: SimulatedSystem) -> None:
    system.set_list("tzl:3", ["0523333333"])
    system.set_list("tzl:4", ["0524444444"])
    params = {"phones": "tzl:", "tzintuk_lists": ["3", "4"], "ivr_path": "/1"}
    result(carried_out(office, {"type": "campaign.bridge", "params": params}))

    assert system.campaigns[0].phones == ("0523333333", "0524444444")


def test_numbers_that_are_none_are_named_one_by_one(office: Office) -> None:
    params = {"phones": ["0501234567", "100"], "ivr_path": "/1"}
    done = carried_out(office, {"type": "campaign.bridge", "params": params})

    assert result(done)["rejected"] == [{"phone": "100", "reason": "not Vaild"}]
    assert done.units == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"type": "queue.state", "params": {"queue_path": "/5"}}, {"queue": {"calls_waiting": 0}}),
        ({"type": "directory.stats", "params": {"path": "/2"}}, {"directory": {"content_files": 1}}),
        ({"type": "sip.contexts", "params": {"account_number": 1}}, {}),
    ],
)
def test_reads_give_what_the_api_shows(
    office: Office, request_: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = result(carried_out(office, request_))
    for key, value in expected.items():
        shown = found[key]
        assert {name: shown[name] for name in value} == value if isinstance(value, dict) else shown == value
    assert "problems" not in found


def test_accounts_and_files_are_shown_with_all_that_the_api_says(
    office: Office, system: SimulatedSystem
) -> None:
    (account,) = result(carried_out(office, {"type": "sip.accounts"}))["accounts"]
    directory = result(carried_out(office, {"type": "directory.stats", "params": {"path": "/2"}}))[
        "directory"
    ]
    file = directory["max_file"]

    created = dated(system.accounts[0].created_at)
    assert account == {"user_name": "0770000000", "registered": True, "created_date": created}
    assert (directory["this_path"], directory["parent_path"]) == ("ivr2:/2", "ivr2:/")
    assert (file["exists"], file["file_type"], file["duration_number"]) == (True, "AUDIO", 65.0)
    assert (file["customer_did"], file["meta"], file["ip"]) == ("0770000000", {}, None)


def test_messages_are_read_as_events_tell_them(office: Office) -> None:
    (message,) = result(carried_out(office, {"type": "sms.log", "params": {"limit": 5}}))["messages"]
    assert (message["from"], message["text"]) == ("972541234567", "שלום")
    assert message["received_at"].startswith("20")


@pytest.mark.parametrize("method", ["GetSmsIncomingLog", "GetIncomingSms"])
def test_messages_are_asked_for_by_the_method_of_the_configuration(
    tmp_path: Path, config: Config, simulator: Simulator, system: SimulatedSystem, method: str
) -> None:
    with (tmp_path / "config.toml").open("a") as file:
        file.write(f'[systems.sms]\nmethod = "{method}"\n')
    chosen = load(tmp_path / "config.toml", {}).config
    with closing(clients_of(chosen)[0]) as client:
        params: dict[str, Json] = {"limit": 1, "start_date": "2000-01-01 00:00:00"}
        asked = Command("cmd_1", "main", "sms.log", params, "crm", START, START, START, START)
        done = systems_of(chosen, [client])["main"].carry_out(asked)

    assert isinstance(done, Done)
    assert isinstance(done.result, dict)
    assert [one["text"] for one in done.result["messages"]] == ["שלום"]
    assert system.request_counts == {method: 1}


NOTHING_DONE = {
    Fault.TOKEN_INVALID: Status.FAILED,
    Fault.SESSION_EXPIRED: Status.FAILED,
    Fault.MFA: Status.FAILED,
    Fault.SERVER_ERROR_TEXT: Status.FAILED,
    Fault.NOT_SUPPORTED: Status.FAILED,
    Fault.THROTTLED: Status.QUEUED,
    Fault.THROTTLED_STATUS: Status.QUEUED,
}
"""Faults in which the API says that it did nothing."""
UNTOLD = {
    *(Fault.HANG, Fault.DRIP_HEAD, Fault.DRIP_BODY, Fault.RESET, Fault.CUT, Fault.SLOW, Fault.ENDLESS),
    *(Fault.TRUNCATED_JSON, Fault.HTML, Fault.TEAPOT, Fault.SERVER_ERROR),
}
"""Faults after which nobody knows: in some the simulator has dialled, in others it has not."""


@pytest.mark.slow
@pytest.mark.parametrize("fault", Fault)
def test_a_campaign_is_asked_for_once_whatever_comes_back(
    office: Office, system: SimulatedSystem, simulator: Simulator, fault: Fault
) -> None:
    simulator.faults.set("CallExtensionBridging", fault)
    given = carried_out(office, BRIDGE)
    office.run(20, step=5)
    asked = system.request_counts["CallExtensionBridging"]
    simulator.faults.clear()
    office.run(3600, step=300)
    ended = office.find(given.id)

    assert ended.status.is_ended
    assert len(system.campaigns) <= 1
    if fault in NOTHING_DONE:
        assert given.status is NOTHING_DONE[fault]
        is_dialled = given.status is Status.QUEUED
        assert (len(system.campaigns), ended.status is Status.SUCCEEDED) == (is_dialled, is_dialled)
    else:
        assert asked == system.request_counts["CallExtensionBridging"] == 1
        assert ended.status is (Status.UNKNOWN if fault in UNTOLD else Status.SUCCEEDED)
    if ended.status is not Status.SUCCEEDED and system.campaigns:
        assert ended.status is Status.UNKNOWN


@pytest.mark.slow
@pytest.mark.parametrize("fault", [one for one in Fault if one in UNTOLD])
def test_what_may_be_repeated_is_repeated_until_there_is_an_answer(
    office: Office, system: SimulatedSystem, simulator: Simulator, fault: Fault
) -> None:
    simulator.faults.set("QueueManagement", fault, times=1)
    params = {"queue_path": "/5", "agent": "SIP-1"}
    given = carried_out(office, {"type": "queue.pause", "params": params})
    office.run(2)

    assert (given.status, given.is_doubtful) == (Status.QUEUED, True)
    assert office.find(given.id).status is Status.SUCCEEDED
    assert system.queue("/5").agents[0].paused


def test_a_campaign_that_finds_nobody_listening_is_sent_when_somebody_does(
    office: Office, system: SimulatedSystem, simulator: Simulator
) -> None:
    simulator.stop()
    given = carried_out(office, BRIDGE)

    assert (given.status, given.error.kind if given.error else "") == (Status.QUEUED, "unreachable")
    assert not given.is_doubtful
    assert given.nature is Nature.ONCE
    assert system.campaigns == ()


def test_a_campaign_on_shabbat_fails_with_the_code_of_the_api(
    office: Office, system: SimulatedSystem
) -> None:
    system.switches.is_holiday = True
    done = carried_out(office, BRIDGE)

    assert done.error is not None
    assert (done.status, done.error.code, done.units) == (Status.FAILED, 104, 0)


def test_a_campaign_on_shabbat_waits_for_its_end_where_it_is_asked_to(
    office: Office, system: SimulatedSystem
) -> None:
    system.switches.is_holiday = True
    friday_night = START.replace(day=6, hour=20)
    office.clock.advance((friday_night - START).total_seconds())
    given = carried_out(office, {**BRIDGE, "on_holiday": "wait"})
    system.switches.is_holiday = False

    assert given.status is Status.QUEUED
    assert given.not_before == holiday_end(friday_night)
    office.clock.advance((given.not_before - office.clock.now()).total_seconds())
    office.work()
    assert office.find(given.id).status is Status.SUCCEEDED


def test_shabbat_ends_on_saturday_night_and_a_weekday_is_asked_again_soon() -> None:
    end = holiday_end(START.replace(day=6, hour=20))  # Friday, the sixth of March 2026

    assert (end.day, 16 <= end.hour <= 18) == (7, True)  # in UTC
    assert holiday_end(START) - START == holiday_end(START.replace(day=4)) - START.replace(day=4)


READ_QUEUE: dict[str, Any] = {"type": "queue.state", "params": {"queue_path": "/5"}}
PAUSING: dict[str, Json] = {"queue_path": "/5", "agent": "SIP-1"}
OUTDATED: dict[str, tuple[dict[str, Any], dict[str, Json], str]] = {
    "missing": (PAUSE, {"queue_path": "/5"}, "params.agent: is missing"),
    "unknown": (PAUSE, {**PAUSING, "until": "18:00"}, "params.until: is not known here"),
    "inside": (
        BRIDGE,
        {"phones": ["0501234567", "01"], "ivr_path": "ivr2:/1"},
        "params.phones.1: expected a phone number, of 3 to 15 digits",
    ),
    "not text": (READ_QUEUE, {"queue_path": 5}, "params.queue_path: expected text"),
}
"""Requests, the parameters that another version kept of them, and what is said of those."""


def kept_by_another_version(office: Office, request: dict[str, Any], **changed: Any) -> Command:
    """A command as it would be found in the store."""
    found = replace(office.give(request).command, **changed)
    with office.database.write() as db:
        inbox.save(db, found)
    return found


@pytest.mark.parametrize(("request_", "params", "said"), OUTDATED.values(), ids=OUTDATED)
def test_parameters_that_another_version_kept_are_not_guessed_at(
    office: Office, system: SimulatedSystem, request_: dict[str, Any], params: dict[str, Json], said: str
) -> None:
    found = kept_by_another_version(office, request_, params=params)
    office.work()
    ended = office.find(found.id)

    assert (ended.status, ended.attempts, ended.units) == (Status.FAILED, 1, 0)
    assert ended.error == Error(
        "refused", f"nothing was sent: its parameters are not what this version takes: {said}"
    )
    assert office.told() == [("command.failed", f"command/{found.id}")]
    assert system.request_counts == {}
    assert carried_out(office, PAUSE).status is Status.SUCCEEDED


def test_a_type_that_only_another_version_knows_fails_and_the_next_command_goes(
    office: Office, system: SimulatedSystem
) -> None:
    found = kept_by_another_version(office, PAUSE, type="queue.gone")
    office.work()
    ended = office.find(found.id)

    assert (ended.status, ended.attempts) == (Status.FAILED, 1)
    assert ended.error is not None
    assert ended.error.message == "nothing was sent: this version knows no command 'queue.gone'"
    assert system.request_counts == {}
    assert carried_out(office, PAUSE).status is Status.SUCCEEDED


def test_what_another_version_may_have_sent_is_not_said_to_have_failed(office: Office) -> None:
    found = kept_by_another_version(office, PAUSE, params={}, attempts=1, is_doubtful=True)
    office.work()

    assert office.find(found.id).status is Status.UNKNOWN


def test_every_type_has_one_row_and_each_row_is_of_a_type() -> None:
    rows = list(ROWS.values())
    strange = Row(CommandType("queue.gone", Nature.READ), NoParams, nobody, judge_registration)

    assert table(rows) == ROWS
    assert set(ROWS) == set(TYPES)
    for wrong, odd in (
        (rows[1:], "queue.kick"),
        ([*rows, rows[0]], "queue.kick"),
        ([*rows[1:], rows[1]], "queue.kick, queue.pause"),
        ([*rows, strange], "queue.gone"),
        ([*rows[1:], strange], "queue.gone, queue.kick"),
    ):
        with pytest.raises(ValueError, match=f"each type of command has one row: {odd}$"):
            table(wrong)


def test_a_row_has_the_parameters_of_the_request() -> None:
    other = Row(TYPES["queue.state"], NoParams, nobody, judge_registration)
    rows = [other if row.kind is other.kind else row for row in ROWS.values()]

    with pytest.raises(ValueError, match=r"queue\.state does not have the parameters NoParams"):
        table(rows)


def nobody(_platform: Platform, _params: NoParams) -> Registration:
    raise AssertionError("nothing is to be asked for")


def test_a_calendar_that_raises_is_no_reason_to_lose_a_campaign(
    office: Office, system: SimulatedSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(_now: datetime) -> datetime:
        raise ValueError

    monkeypatch.setattr("daemon.wiring.hebrew_calendar.holiday_end", raises)
    system.switches.is_holiday = True
    given = carried_out(office, {**BRIDGE, "on_holiday": "wait"})

    assert (given.status, given.not_before - office.clock.now()) == (Status.QUEUED, HALF_AN_HOUR)
