"""Clients that others wrote for the real service, as witnesses that the simulator speaks its API.

They are test dependencies only. Where a model of theirs disagrees with the documented format, the test says
so; what they do not know (GetSmsIncomingLog) is asked through their general methods.
"""

from collections.abc import Iterator
from datetime import date, datetime

import pytest
import yemot
from yemot.system import System
from yemot_api.exceptions import YemotAPIError
from yemot_api.input_types import (
    CampaignAction,
    CampaignStatusEntries,
    PirsumPhoneManagementAction,
    QueueManagementAction,
    RunTzintukMethod,
)
from yemot_api.yemot_api import Yemot
from yemot_api.yemot_rest_api import YemotRest

from daemon.simulator.faults import Fault
from daemon.simulator.gateway import api_key, switch_id
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.fakes import FakeClock

TOKEN = "0770000000:demo"


@pytest.fixture
def system() -> SimulatedSystem:
    one = SimulatedSystem("0770000000", now=FakeClock().now)
    one.receive_sms("0541234567", "שלום")
    one.add_sip_account("0770000000")
    one.add_sip_account("0770000000=2", registered=False)
    one.queue("/5").add_agent("SIP-0770000000-2")
    one.directory("/2").add_recording("0541234567", seconds=65)
    return one


@pytest.fixture
def simulator(system: SimulatedSystem) -> Iterator[Simulator]:
    with Simulator({TOKEN: system}, now=system.now) as one:
        yield one


@pytest.fixture
def first(simulator: Simulator) -> Iterator[yemot.Client]:
    """The client of the package `yemot`: logs in, and puts its session's token into the query."""
    with yemot.Client("0770000000", "demo", base_url=simulator.base_url) as client:
        yield client


@pytest.fixture
def second(simulator: Simulator) -> Iterator[Yemot]:
    """The client of the package `yemot-api`: a token in the query or the JSON, and pydantic models."""

    class Redirected(Yemot):  # type: ignore[misc] # the package has no types
        BASE_URL = simulator.base_url

    with Redirected(TOKEN) as client:
        yield client


def test_yemot_logs_in_and_reads(first: yemot.Client, system: SimulatedSystem) -> None:
    assert first.token not in (None, TOKEN)
    assert System(first).system_info()["units"] == system.units
    assert first.get("GetSmsIncomingLog", {"limit": 1})["rows"][0]["message"] == "שלום"
    assert first.get("GetIncomingSms")["rows"][0]["source"] == "972541234567"
    assert len(first.get("GetSipAccountsRegisteredStatus")["accounts"]) == 2
    assert first.get("SipGetContexts", {"accountNumber": 1})["contexts"]
    assert first.get("GetQueueRealTime", {"queuePath": "/5"})["members"]
    assert first.get("GetIVR2DirStats", {"path": "/2"})["maxFile"]["durationStr"] == "01:05"


def test_yemot_commands_with_forms_and_json(first: yemot.Client, system: SimulatedSystem) -> None:
    call_id = system.queue("/5").join("0541234567")
    kicked = first.post("QueueManagement", json={"queuePath": "/5", "action": "kick", "callIds": [call_id]})
    first.post("PirsumPhoneManagement", {"action": "UnRegistration"})
    bridged = first.post("CallExtensionBridging", {"phones": "0541234567:1", "ivrPath": "ivr2:/1"})

    assert kicked["status"] == {call_id: "OK"}
    assert not system.pirsumphone
    assert (bridged["callsCount"], bridged["errors"]) == (1, {"1": "not Vaild"})


def test_yemot_logs_out(first: yemot.Client, simulator: Simulator) -> None:
    token = first.token
    assert first.logout()["responseStatus"] == "OK"

    assert token is not None
    assert not isinstance(simulator.tokens.find(token), SimulatedSystem)


def test_yemot_is_told_of_a_bad_password(simulator: Simulator) -> None:
    # The client keeps the session that it opened before it was refused; it has nobody to close it.
    with pytest.raises(yemot.AuthenticationError, match="Username or password is incorrect") as caught:
        yemot.Client("0770000000", "wrong", base_url=simulator.base_url)

    assert caught.value.payload["messageCode"] == 1


def test_yemot_raises_what_the_api_refuses(first: yemot.Client, simulator: Simulator) -> None:
    with pytest.raises(yemot.YemotError, match="missing parameter: queuePath"):
        first.get("GetQueueRealTime")
    simulator.faults.set("GetSession", Fault.SESSION_EXPIRED)
    with pytest.raises(yemot.YemotError, match="session is expired"):
        first.get("GetSession")


def test_yemot_does_not_know_mfa_with_the_blank_that_the_service_sends(
    first: yemot.Client, simulator: Simulator
) -> None:
    simulator.faults.set("GetSession", Fault.MFA)

    with pytest.raises(yemot.YemotError) as caught:
        first.get("GetSession")

    assert not isinstance(caught.value, yemot.MFARequiredError)


def test_yemot_api_reads_into_its_models(second: Yemot, system: SimulatedSystem) -> None:
    session = second.get_session()
    (row,) = second.get_incoming_sms(limit=5).rows
    accounts = second.get_sip_accounts_registered_status().accounts
    (context,) = second.sip_get_contexts(1).contexts

    assert (session.units, session.units_expire_date.date()) == (system.units, system.units_expire_on)
    assert session.access_password == "simulated-access-password"
    assert (row.source, row.message, row.receive_date) == ("972541234567", "שלום", datetime(2026, 3, 1, 14))  # noqa: DTZ001 - as the API has it
    assert [account.registered for account in accounts] == [True, False]
    assert (context.via_port, context.end_point) == (5060, "0770000000")
    assert second.sip_get_contexts(2).contexts == []


def test_yemot_api_reads_a_queue_before_and_after_a_call(second: Yemot, system: SimulatedSystem) -> None:
    assert second.get_queue_real_time("/5").members[0].last_call is None
    queue = system.queue("/5")
    queue.join("0500000001")
    queue.leave(answered_by="SIP-0770000000-2", talk_seconds=96)
    call_id = queue.join("0541234567")

    seen = second.get_queue_real_time("/5")

    assert (seen.queue_data.calls, seen.queue_data.completed, seen.queue_data.talk_time) == (1, 1, 96)
    assert (seen.entries[0].call_id, seen.entries[0].position) == (call_id, 1)
    assert seen.members[0].last_call == datetime(2026, 3, 1, 14)  # noqa: DTZ001 - as the API has it


def test_yemot_api_reads_a_folder_with_and_without_files(second: Yemot) -> None:
    full, empty = second.get_ivr2_dir_stats("/2"), second.get_ivr2_dir_stats("/")

    assert (full.content_files_count, full.max_file.duration_str, full.max_file.phone) == (
        1,
        "01:05",
        "0541234567",
    )
    assert full.max_file.mtime.date() == date(2026, 3, 1)
    assert (empty.dirs_count, empty.max_file) == (2, None)


def test_yemot_api_manages_a_queue(second: Yemot, system: SimulatedSystem) -> None:
    queue = system.queue("/5")
    call_id = queue.join("0541234567")

    kicked = second.queue_management("/5", QueueManagementAction.KICK, call_ids=[call_id, "x"], go_to="/1")
    paused = second.queue_management("/5", QueueManagementAction.PAUSE, agent="SIP-0770000000-2")

    assert kicked == {call_id: "OK", "x": "Call not found"}
    assert queue.kicks[0].more_data == "GOTO:/1"
    assert paused
    assert queue.agents[0].paused
    assert second.queue_management("/5", QueueManagementAction.UNPAUSE, agent="SIP-0770000000-2")
    assert not queue.agents[0].paused


def test_yemot_api_manages_pirsumphone(second: Yemot, system: SimulatedSystem) -> None:
    assert second.pirsum_phone_management(PirsumPhoneManagementAction.UN_REGISTRATION)
    assert not second.pirsum_phone_management(PirsumPhoneManagementAction.GET_REGISTRATION_STATUS)
    assert second.pirsum_phone_management(PirsumPhoneManagementAction.REGISTRATION)
    assert system.pirsumphone


@pytest.mark.parametrize(
    ("method", "phones"),
    [
        (RunTzintukMethod.OTHER, ["0541234567", "1"]),
        (RunTzintukMethod.OTHER, [{"phones": ["0541234567", "1"], "callerId": "0770000000"}]),
        (RunTzintukMethod.TPL, 12),
        (RunTzintukMethod.TZL, ["3"]),
    ],
)
def test_yemot_api_starts_campaigns(
    second: Yemot, system: SimulatedSystem, method: RunTzintukMethod, phones: object
) -> None:
    system.set_list("tpl:12", ["0541234567", "1"])
    system.set_list("tzl:3", ["0541234567", "1"])

    bridged = second.call_extension_bridging(method, phones, "1/100", calls_time_out=20)

    assert (bridged.calls_count, bridged.errors, bridged.calls_timeout) == (1, {"1": "not Vaild"}, 20)
    assert bridged.campaign_id == system.campaigns[0].id
    assert system.campaigns[0].ivr_path == "ivr2:/1/100"


def test_yemot_api_follows_a_campaign_and_stops_it(second: Yemot, system: SimulatedSystem) -> None:
    phones = ["0541234567", "0541234568", "0541234569"]
    campaign = second.call_extension_bridging(RunTzintukMethod.OTHER, phones, "1").campaign_id
    system.call_of_campaign(answered=True, seconds=90)
    seen = second.get_campaign_status(campaign, CampaignStatusEntries.ALL).campaign
    stopped = second.campaign_action(campaign, CampaignAction.STOP)
    (paid,) = second.get_transactions(filter_="campaigns").transactions

    assert (seen.campaign_status, seen.pending_entries, seen.total_successful) == ("RUNNING", 2, 1)
    assert (seen.current_price, seen.entries[0].entry_status) == (1.6, "done")
    assert stopped.campaign.campaign_status == "STOPPED"
    assert (paid.campaign_id, paid.description) == (campaign, f"Start-{campaign}")
    with pytest.raises(YemotAPIError) as caught:
        second.get_campaign_status("YA-9")
    assert caught.value.message_code == 106


def test_yemot_api_reads_what_the_customer_has(second: Yemot, system: SimulatedSystem) -> None:
    system.caller_ids["0541234567"] = system.now()
    customer, approved = second.get_customer_data(), second.get_approved_caller_ids()

    assert (customer.units, customer.sms_units) == (system.units, system.sms_units)
    assert customer.access_password == "simulated-access-password"
    assert [one.caller_id for one in customer.caller_ids] == ["0541234567"]
    assert approved.call.caller_ids == ["+972541234567"]


def test_yemot_api_logs_in_and_out(second: Yemot) -> None:
    assert second.login("0770000000", "demo") == second.token
    assert second.get_session().username == "0770000000"
    assert second.logout()
    with pytest.raises(YemotAPIError, match="session token is invalid"):
        second.get_session()


def test_yemot_api_shows_the_code_of_a_refusal(second: Yemot, system: SimulatedSystem) -> None:
    system.switches.is_holiday = True

    with pytest.raises(YemotAPIError) as caught:
        second.call_extension_bridging(RunTzintukMethod.OTHER, ["0541234567"], "1")

    assert (caught.value.response_status, caught.value.message_code) == ("ERROR", 104)


@pytest.fixture
def third(simulator: Simulator, system: SimulatedSystem) -> Iterator[YemotRest]:
    """The same package's client of the newer gateway: a key as bearer, and the id of the switch."""

    class Redirected(YemotRest):  # type: ignore[misc] # the package has no types
        BASE_URL = simulator.gateway_url

    with Redirected(api_key(TOKEN, system), switch_id(system)) as client:
        yield client


def test_the_gateway_s_client_reads_and_commands_there(third: YemotRest, system: SimulatedSystem) -> None:
    session = third.get_session()
    (row,) = third.get_incoming_sms(limit=5).rows
    third.queue_management("/5", QueueManagementAction.PAUSE, agent="SIP-0770000000-2")
    third.call_extension_bridging(RunTzintukMethod.OTHER, ["0541234567"], "1/100")

    assert (session.units, session.access_password) == (system.units + 0.1, None)
    assert row.message == "שלום"
    assert system.queue("/5").agents[0].paused
    assert system.campaigns[0].ivr_path == "ivr2:/1/100"


def test_the_gateway_s_client_is_told_what_is_wrong(
    third: YemotRest, simulator: Simulator, system: SimulatedSystem
) -> None:
    def refusal() -> tuple[int, str]:
        with pytest.raises(YemotAPIError) as caught:
            third.get_incoming_sms()
        return caught.value.status_code, caught.value.message_code

    third.switch_id = "another"
    assert refusal() == (403, "SWITCH_NOT_ALLOWED")
    third.switch_id = None
    assert refusal() == (400, "SWITCH_ID_MISSING")
    third.token = TOKEN
    assert refusal() == (401, "INVALID_API_KEY")
    third.token, third.switch_id = api_key(TOKEN, system), switch_id(system)
    simulator.faults.set("GetIncomingSms", Fault.THROTTLED_STATUS)
    assert refusal() == (429, "RATE_LIMITED")


def test_the_gateway_s_client_is_told_what_a_method_refuses_as_ever(
    third: YemotRest, system: SimulatedSystem
) -> None:
    system.switches.is_holiday = True

    with pytest.raises(YemotAPIError) as caught:
        third.call_extension_bridging(RunTzintukMethod.OTHER, ["0541234567"], "1")

    assert (caught.value.response_status, caught.value.message_code) == ("ERROR", 104)
