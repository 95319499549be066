"""What commands do to the simulated system, and which of them it refuses."""

from datetime import UTC, datetime
from typing import Any

import pytest

from daemon.core.model import Json
from daemon.simulator.answers import answer
from daemon.simulator.system import ApiRequest, SimulatedSystem

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = "0541234567"
OTHER = "0771112222"


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem("0770000000", now=lambda: NOW)


def post(system: SimulatedSystem, method: str, **params: Json) -> Any:
    """A POST with a JSON body."""
    return answer(system, ApiRequest(method, params, NOW, "POST", is_json=True))


def submit(system: SimulatedSystem, method: str, **params: Json) -> Any:
    """A POST with a form."""
    return answer(system, ApiRequest(method, params, NOW, "POST", is_json=False))


def test_a_kick_answers_for_each_call_and_takes_out_those_who_wait(system: SimulatedSystem) -> None:
    queue = system.queue("/5")
    call_id, other = queue.join(GOOD), queue.join(OTHER)

    answered = post(
        system,
        "QueueManagement",
        queuePath="/5",
        action="kick",
        callIds=[call_id, "nobody"],
        moreData="GOTO:/1",
    )

    assert answered == {
        "responseStatus": "OK",
        "yAfastVersion": "6.7.30",
        "status": {call_id: "OK", "nobody": "Call not found"},
    }
    assert [call.call_id for call in queue.calls] == [other]
    assert [(kick.phone, kick.more_data) for kick in queue.kicks] == [(GOOD, "GOTO:/1")]


def test_a_second_kick_finds_nobody(system: SimulatedSystem) -> None:
    call_id = system.queue("/5").join(GOOD)

    def kick() -> Any:
        return post(system, "QueueManagement", queuePath="/5", action="kick", callIds=[call_id])["status"]

    assert kick() == {call_id: "OK"}
    assert kick() == {call_id: "Call not found"}


def test_pause_and_unpause_need_no_call_ids(system: SimulatedSystem) -> None:
    queue = system.queue("/5")
    queue.add_agent("SIP-1")
    post(system, "QueueManagement", queuePath="/5", action="pause", agent="SIP-1")
    assert queue.agents[0].paused

    answered = post(system, "QueueManagement", queuePath="/5", action="unpause", agent="SIP-1")

    assert answered["responseStatus"] == "OK"
    assert not queue.agents[0].paused


@pytest.mark.parametrize(
    "params",
    [
        {"queuePath": "/5", "action": "kick"},
        {"queuePath": "/5", "action": "dance", "agent": "SIP-1"},
        {"queuePath": "/5", "action": "pause", "agent": "nobody"},
        {"queuePath": "/5", "action": "kick", "callIds": ["a"], "moreData": "/1"},
        {"queuePath": "/5", "action": "kick", "callIds": ["a"], "moreData": "GOTO:1"},
        {"queuePath": "/5", "action": "pause"},
        {"queuePath": "/6", "action": "pause", "agent": "SIP-1"},
        {"action": "pause", "agent": "SIP-1"},
    ],
)
def test_queue_management_refuses_what_it_cannot_do(system: SimulatedSystem, params: dict[str, Json]) -> None:
    system.queue("/5").add_agent("SIP-1")

    assert post(system, "QueueManagement", **params)["responseStatus"] == "ERROR"
    assert not system.queue("/5").agents[0].paused


def test_queue_management_takes_json_only(system: SimulatedSystem) -> None:
    queue = system.queue("/5")
    queue.add_agent("SIP-1")

    refused = submit(system, "QueueManagement", queuePath="/5", action="pause", agent="SIP-1")

    assert refused["responseStatus"] == "ERROR"
    assert not queue.agents[0].paused


def test_pirsumphone_is_registered_and_unregistered(system: SimulatedSystem) -> None:
    def manage(action: str) -> Any:
        return submit(system, "PirsumPhoneManagement", action=action)

    assert manage("UnRegistration")["results"] == "OK"
    assert manage("GetRegistrationStatus")["registrationStatus"] is False
    assert manage("Registration")["results"] == "OK"
    assert manage("GetRegistrationStatus")["registrationStatus"] is True
    assert manage("Dance")["responseStatus"] == "ERROR"


def test_a_campaign_is_answered_counted_and_paid_for(system: SimulatedSystem) -> None:
    system.set_units(10)

    answered = submit(
        system, "CallExtensionBridging", phones=f"{GOOD}:{OTHER}:0510001", ivrPath="ivr2:/1/100"
    )
    campaign_id = answered.pop("campaignId")

    assert answered == {
        "responseStatus": "OK",
        "yAfastVersion": "6.7.30",
        "module": "menu",
        "callerId": "0770000000",
        "callsCount": 2,
        "bilingPerCall": 1,
        "errors": {"0510001": "not Vaild"},
        "callsTimeout": 30,
    }
    assert campaign_id.startswith("YA-1-0770000000-Yemot-")
    (campaign,) = system.campaigns
    assert (campaign.id, campaign.phones, campaign.ivr_path) == (campaign_id, (GOOD, OTHER), "ivr2:/1/100")
    assert system.units == 9.8


def test_an_answered_call_costs_a_unit_a_minute_and_at_least_half(system: SimulatedSystem) -> None:
    system.set_units(10)
    system.answer_call(seconds=90)
    system.answer_call(seconds=5)

    assert system.units == 8


@pytest.mark.parametrize(
    "phones",
    [
        f"{GOOD}:{OTHER}",
        "tpl:12",
        "tzl:3",
        [GOOD, OTHER],
        [{"phone": GOOD, "callerId": "077313"}, {"phone": OTHER}],
        [{"phones": [GOOD], "callerId": "077313"}, {"phones": [OTHER]}],
        [{"phones": [GOOD, OTHER]}],
    ],
)
def test_every_form_of_phones_is_understood(system: SimulatedSystem, phones: Json) -> None:
    system.set_list("tpl:12", [GOOD, OTHER])
    system.set_list("tzl:3", [GOOD, OTHER])

    answered = post(system, "CallExtensionBridging", phones=phones, ivrPath="ivr2:/1")

    assert answered["callsCount"] == 2
    assert system.campaigns[0].phones == (GOOD, OTHER)


def test_several_tzintuk_lists_are_one_campaign(system: SimulatedSystem) -> None:
    system.set_list("tzl:3", [GOOD])
    system.set_list("tzl:4", [OTHER])

    post(system, "CallExtensionBridging", phones="tzl:", tzintukLists=["3", "4"], ivrPath="ivr2:/1")

    assert system.campaigns[0].phones == (GOOD, OTHER)


@pytest.mark.parametrize(("given", "taken"), [("20", 20), (35, 35), ("90", 35), ("", 30), (None, 30)])
def test_the_time_of_ringing_is_bounded(system: SimulatedSystem, given: Json, taken: int) -> None:
    answered = post(
        system, "CallExtensionBridging", phones=GOOD, ivrPath="ivr2:/1", callsTimeOut=given, callerId=OTHER
    )

    assert (answered["callsTimeout"], answered["callerId"]) == (taken, OTHER)


@pytest.mark.parametrize(
    "params",
    [
        {"ivrPath": "ivr2:/1"},
        {"phones": GOOD},
        {"phones": "tzl:", "ivrPath": "ivr2:/1"},
        {"phones": [{"number": GOOD}], "ivrPath": "ivr2:/1"},
        {"phones": [True], "ivrPath": "ivr2:/1"},
        {"phones": GOOD, "ivrPath": "ivr2:/1", "callsTimeOut": "soon"},
        *(
            {"phones": GOOD, "ivrPath": path}
            for path in (
                "nonsense",
                "ivr2:1/100",
                "/1/100",
                "ivr2:",
                "ivr2:/1 2",
                "ivr2:/a//b",
                "ivr2:/nonsense",
            )
        ),
    ],
)
def test_a_campaign_that_cannot_be_read_is_refused_without_a_code(
    system: SimulatedSystem, params: dict[str, Json]
) -> None:
    refused = post(system, "CallExtensionBridging", **params)

    assert (refused["responseStatus"], refused["messageCode"]) == ("ERROR", None)
    assert system.campaigns == ()


def test_a_campaign_leads_to_the_main_extension_a_number_or_what_there_is(system: SimulatedSystem) -> None:
    system.directory("/club")
    paths = ["ivr2:/", "ivr2:/1/100", "ivr2:/1/100/", "ivr2:/club"]
    for path in paths:
        post(system, "CallExtensionBridging", phones=GOOD, ivrPath=path)

    assert [one.ivr_path for one in system.campaigns] == paths


def test_an_array_of_phones_needs_a_json_body(system: SimulatedSystem) -> None:
    refused = submit(system, "CallExtensionBridging", phones=[GOOD], ivrPath="ivr2:/1")

    assert refused["responseStatus"] == "ERROR"


def test_500_numbers_are_a_campaign_and_501_are_not(system: SimulatedSystem) -> None:
    phones: list[Json] = [f"054{number:07}" for number in range(501)]
    system.set_units(1000)

    assert (
        post(system, "CallExtensionBridging", phones=phones, ivrPath="ivr2:/1")["responseStatus"] == "ERROR"
    )
    accepted = post(system, "CallExtensionBridging", phones=phones[:500], ivrPath="ivr2:/1")

    assert accepted["callsCount"] == 500
    assert system.units == 950


def nothing(system: SimulatedSystem) -> None:
    """As it is."""


def holiday(system: SimulatedSystem) -> None:
    system.switches.is_holiday = True


def poor(system: SimulatedSystem) -> None:
    system.set_units(0.05)


def strict(system: SimulatedSystem) -> None:
    system.switches.caller_ids = frozenset({"0771000000"})


@pytest.mark.parametrize(
    ("situation", "params", "code"),
    [
        (nothing, {"phones": "0510001"}, 102),
        (nothing, {"phones": "tpl:99"}, 102),
        (nothing, {"phones": [{"phones": []}]}, 102),
        (poor, {"phones": GOOD}, 103),
        (holiday, {"phones": GOOD}, 104),
        (nothing, {"phones": GOOD, "callerId": "nonsense"}, 120),
        (strict, {"phones": GOOD, "callerId": "0772000000"}, 120),
        (strict, {"phones": [{"phone": GOOD, "callerId": "0772000000"}]}, 120),
    ],
)
def test_a_refused_campaign_has_a_code_and_costs_nothing(
    system: SimulatedSystem, situation: Any, params: dict[str, Json], code: int
) -> None:
    situation(system)
    before = system.units

    refused = post(system, "CallExtensionBridging", ivrPath="ivr2:/1", **params)

    assert (refused["responseStatus"], refused["messageCode"]) == ("ERROR", code)
    assert (system.campaigns, system.units) == ((), before)


def test_an_approved_caller_id_is_accepted(system: SimulatedSystem) -> None:
    strict(system)

    for caller_id in ("0771000000", "0770000000", None):
        answered = post(system, "CallExtensionBridging", phones=GOOD, ivrPath="ivr2:/1", callerId=caller_id)
        assert answered["responseStatus"] == "OK"
