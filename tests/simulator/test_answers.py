"""The simulated system's answers: exact names and types of the fields, as they are documented."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from daemon.core.model import Json
from daemon.simulator.answers import answer
from daemon.simulator.spelling import SimulationError, Style
from daemon.simulator.system import ApiRequest, Contact, SimulatedSystem
from tests.support.fakes import FakeClock

IN_WINTER = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""14:00 in Israel."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(IN_WINTER)


@pytest.fixture
def system(clock: FakeClock) -> SimulatedSystem:
    return SimulatedSystem("0770000000", now=clock.now)


def ask(system: SimulatedSystem, method: str, **params: Json) -> Any:
    """A GET, whose parameters are texts."""
    return answer(system, ApiRequest(method, params, IN_WINTER))


def test_the_sms_log_shows_local_time_and_international_numbers_as_strings(system: SimulatedSystem) -> None:
    system.receive_sms("0541234567", "שלום", recipient="0771112222")

    assert ask(system, "GetSmsIncomingLog", limit="1") == {
        "responseStatus": "OK",
        "yAfastVersion": "6.7.30",
        "rows": [
            {
                "dest": "972771112222",
                "phone": "972541234567",
                "message": "שלום",
                "server_date": "2026-03-01 14:00:00",
            }
        ],
    }


def test_the_sms_log_can_look_as_in_the_source_document(clock: FakeClock) -> None:
    style = Style(numbers_as_ints=True, time_first=True, escaped_texts=True)
    system = SimulatedSystem("0770000000", now=clock.now, style=style)
    system.receive_sms("0541234567", 'ש "a"')
    system.receive_sms("Bank", "b")

    named, numbered = ask(system, "GetSmsIncomingLog")["rows"]

    assert (numbered["dest"], numbered["phone"]) == (972770000000, 972541234567)
    assert numbered["server_date"] == "14:00:00 2026-03-01"
    assert numbered["message"] == '\\u05e9 \\"a\\"'
    assert named["phone"] == "Bank"


def test_messages_come_newest_first_and_equal_ones_stay_several(
    system: SimulatedSystem, clock: FakeClock
) -> None:
    for text in ("a", "b", "b"):
        system.receive_sms("0541234567", text)
    system.receive_sms("0541234567", "earlier", at=clock.now() - timedelta(hours=1))

    rows = ask(system, "GetSmsIncomingLog", limit=10)["rows"]

    assert [row["message"] for row in rows] == ["b", "b", "a", "earlier"]


def test_a_limit_gives_the_latest_messages(system: SimulatedSystem) -> None:
    for number in range(150):
        system.receive_sms("0541234567", str(number))

    assert [row["message"] for row in ask(system, "GetSmsIncomingLog", limit="2")["rows"]] == ["149", "148"]
    assert len(ask(system, "GetIncomingSms")["rows"]) == 100


def test_the_successor_never_gives_more_than_3000_rows(system: SimulatedSystem) -> None:
    for number in range(3001):
        system.receive_sms("0541234567", str(number))

    assert len(ask(system, "GetIncomingSms", limit="9999")["rows"]) == 3000


def test_the_successor_has_names_of_its_own(system: SimulatedSystem) -> None:
    system.receive_sms("0541234567", "x")

    assert ask(system, "GetIncomingSms")["rows"] == [
        {
            "source": "972541234567",
            "destination": "972770000000",
            "message": "x",
            "receive_date": "2026-03-01 14:00:00",
        }
    ]


@pytest.mark.parametrize(
    ("dates", "texts"),
    [
        ({"startDate": "2026-03-01 14:00:00"}, ["late", "noon"]),
        ({"endDate": "2026-03-01 14:00:00"}, ["noon", "early"]),
        ({"startDate": "2026-03-01 13:30:00", "endDate": "2026-03-01 14:30:00"}, ["noon"]),
        ({"startDate": "2026-03-01", "endDate": "2026-03-01"}, ["late", "noon", "early"]),
        ({"startDate": "2026-03-02"}, []),
        ({"startDate": ""}, ["late", "noon", "early"]),
    ],
)
@pytest.mark.parametrize("method", ["GetSmsIncomingLog", "GetIncomingSms"])
def test_dates_bound_the_window(
    system: SimulatedSystem, method: str, dates: dict[str, Json], texts: list[str]
) -> None:
    for text, hours in (("early", -1), ("noon", 0), ("late", 1)):
        system.receive_sms("0541234567", text, at=IN_WINTER + timedelta(hours=hours))

    assert [row["message"] for row in ask(system, method, **dates)["rows"]] == texts


@pytest.mark.parametrize(
    ("params", "name"),
    [({"limit": "many"}, "limit"), ({"limit": "0"}, "limit"), ({"endDate": "x"}, "endDate")],
)
def test_a_parameter_that_is_no_use_is_an_error_that_names_it(
    system: SimulatedSystem, params: dict[str, Json], name: str
) -> None:
    refused = ask(system, "GetSmsIncomingLog", **params)

    assert refused["responseStatus"] == "ERROR"
    assert name in refused["message"]


def test_a_message_with_a_naive_time_is_refused(system: SimulatedSystem) -> None:
    with pytest.raises(SimulationError, match="offset"):
        system.receive_sms("0541234567", "x", at=datetime(2026, 3, 1))  # noqa: DTZ001 - that is the point


def test_sip_accounts_are_shown_with_whether_they_are_registered(system: SimulatedSystem) -> None:
    system.add_sip_account("0770000000")
    system.add_sip_account("0770000000=2")
    system.set_registered("0770000000=2", registered=False)

    assert ask(system, "GetSipAccountsRegisteredStatus")["accounts"] == [
        {"userName": "0770000000", "createdDate": "2026-03-01 14:00:00", "registered": True},
        {"userName": "0770000000=2", "createdDate": "2026-03-01 14:00:00", "registered": False},
    ]


def test_an_account_that_was_removed_is_not_shown(system: SimulatedSystem) -> None:
    system.add_sip_account("0770000000")
    system.remove_sip_account("0770000000")

    assert ask(system, "GetSipAccountsRegisteredStatus")["accounts"] == []
    with pytest.raises(SimulationError):
        system.set_registered("0770000000", registered=True)


def test_contexts_are_those_of_an_account_by_its_number(system: SimulatedSystem) -> None:
    system.add_sip_account("0770000000", contacts=[Contact("10.0.0.1")])
    system.add_sip_account("0770000000=2", contacts=[Contact("10.0.0.2", 5062, "Zoiper")])

    first = ask(system, "SipGetContexts", accountNumber="")["contexts"]

    assert ask(system, "SipGetContexts")["contexts"] == first
    assert [one["uri"] for one in first] == ["sip:0770000000@10.0.0.1:5060"]
    assert ask(system, "SipGetContexts", accountNumber="2")["contexts"] == [
        {
            "expiration_time": "2026-03-01 14:01:00",
            "uri": "sip:0770000000=2@10.0.0.2:5062",
            "user_agent": "Zoiper",
            "via_addr": "10.0.0.2",
            "via_port": "5062",
            "endpoint": "0770000000=2",
        }
    ]
    assert ask(system, "SipGetContexts", accountNumber="3")["responseStatus"] == "ERROR"


def test_the_expiry_of_a_registration_moves_on_with_each_keep_alive(
    system: SimulatedSystem, clock: FakeClock
) -> None:
    system.add_sip_account("0770000000")

    def expiry() -> str:
        return str(ask(system, "SipGetContexts")["contexts"][0]["expiration_time"])

    clock.advance(29)
    assert expiry() == "2026-03-01 14:01:00"
    clock.advance(1)
    assert expiry() == "2026-03-01 14:01:30"


def test_a_phone_that_dropped_off_has_no_context_and_two_phones_have_two(system: SimulatedSystem) -> None:
    system.add_sip_account("0770000000")
    system.set_contacts("0770000000", [Contact("10.0.0.1"), Contact("10.0.0.2")])
    assert len(ask(system, "SipGetContexts")["contexts"]) == 2

    system.set_registered("0770000000", registered=False)

    assert ask(system, "SipGetContexts")["contexts"] == []


@pytest.mark.parametrize("method", ["GetSipAccountsRegisteredStatus", "SipGetContexts"])
def test_a_server_without_sip_says_so(system: SimulatedSystem, method: str) -> None:
    system.add_sip_account("0770000000")
    system.switches.is_refusing_sip = True

    assert ask(system, method) == {
        "responseStatus": "ERROR",
        "message": "שרת זה אינו תומך במערכת SIP",
        "yAfastVersion": "any",
    }


def test_a_queue_shows_its_counters_callers_and_agents(system: SimulatedSystem, clock: FakeClock) -> None:
    queue = system.queue("/5")
    queue.add_agent("SIP-0770000000-2")
    queue.join("0500000001")
    queue.join("0500000002")
    clock.advance(40)
    queue.leave(answered_by="SIP-0770000000-2", talk_seconds=96)
    waiting = queue.join("0501234567")
    queue.leave(queue.calls[0].call_id)
    queue.set_agent("SIP-0770000000-2", paused=True, status="2")
    clock.advance(443)

    shown = ask(system, "GetQueueRealTime", queuePath="/5")

    assert shown["queueData"] == {
        "Abandoned": 1,
        "Calls": 1,
        "Completed": 1,
        "TalkTime": 96,
        "Holdtime": 40,
        "Max": 0,
        "Strategy": "ringall",
    }
    assert shown["entries"] == [
        {
            "phone": "0501234567",
            "Wait": "443",
            "WaitAgo": "7 דקות, 23 שניות",
            "Position": "1",
            "CallId": waiting,
        }
    ]
    assert shown["members"] == [
        {
            "agent": "SIP-0770000000-2",
            "Status": "2",
            "CallsTaken": 1,
            "LastCallUnitTime": str(int(IN_WINTER.timestamp()) + 40),
            "LastCall": "3/1/2026, 2:00:40 PM",
            "LastCallAgo": "7 דקות, 23 שניות",
            "Paused": True,
            "Penalty": "0",
        }
    ]


def test_an_agent_without_a_call_has_no_last_call(system: SimulatedSystem) -> None:
    system.queue("/5").add_agent("0501234567")

    (member,) = ask(system, "GetQueueRealTime", queuePath="/5")["members"]

    assert (member["LastCall"], member["LastCallAgo"], member["CallsTaken"]) == (None, None, 0)


def test_positions_close_up_when_somebody_leaves(system: SimulatedSystem) -> None:
    queue = system.queue("/5")
    first, second, third = (queue.join(f"050000000{number}") for number in range(3))
    queue.leave(second)

    entries = ask(system, "GetQueueRealTime", queuePath="/5")["entries"]

    assert [(entry["CallId"], entry["Position"]) for entry in entries] == [(first, "1"), (third, "2")]


def test_a_reset_starts_the_counters_again_and_keeps_the_callers(system: SimulatedSystem) -> None:
    queue = system.queue("/5")
    queue.join("0500000001")
    queue.join("0500000002")
    queue.leave()
    queue.reset()

    totals = ask(system, "GetQueueRealTime", queuePath="/5")["queueData"]

    assert (totals["Abandoned"], totals["Calls"]) == (0, 1)


def test_nobody_leaves_an_empty_queue_and_an_unknown_agent_answers_nobody(system: SimulatedSystem) -> None:
    queue = system.queue("/5")
    with pytest.raises(SimulationError):
        queue.leave()
    queue.join("0500000001")
    with pytest.raises(SimulationError):
        queue.leave(answered_by="nobody")

    assert len(queue.calls) == 1


@pytest.mark.parametrize("path", [".", "/"])
def test_the_main_extension_may_be_a_queue(system: SimulatedSystem, path: str) -> None:
    system.queue(".").join("0500000001")

    assert ask(system, "GetQueueRealTime", queuePath=path)["queueData"]["Calls"] == 1


def test_an_unknown_queue_is_an_error(system: SimulatedSystem) -> None:
    assert ask(system, "GetQueueRealTime", queuePath="/6")["responseStatus"] == "ERROR"


def test_a_folder_shows_its_counts_and_its_lowest_and_highest_file(
    system: SimulatedSystem, clock: FakeClock
) -> None:
    system.directory("/2").add_recording("0501112222")
    clock.advance(60)
    system.directory("2").add_recording("0503334444", seconds=125)
    system.directory("/2/1")
    system.queue("/2/7")

    shown = ask(system, "GetIVR2DirStats", path="ivr2:/2")
    lowest, highest = shown.pop("minFile"), shown.pop("maxFile")

    assert shown == {
        "responseStatus": "OK",
        "yemotAPIVersion": 6,
        "type": "menu",
        "thisPath": "ivr2:/2",
        "parentPath": "ivr2:/",
        "dirsCount": 2,
        "filesCount": 3,
        "contentFilesCount": 2,
    }
    assert lowest["name"] == "000.wav"
    assert len(highest.pop("uniqueId")) == 32
    assert highest == {
        "exists": True,
        "name": "001.wav",
        "what": "ivr2:/2/001.wav",
        "fileType": "AUDIO",
        "size": 2_000_000,
        "mtime": "01/03/2026 14:01",
        "duration": 125.0,
        "durationStr": "02:05",
        "customerDid": "0770000000",
        "meta": {},
        "date": "01/03/2026 14:01",
        "source": "Phone",
        "phone": "0503334444",
        "ip": "",
    }


def test_an_empty_folder_has_no_files_and_an_unknown_one_is_an_error(system: SimulatedSystem) -> None:
    directory = system.directory("/2")
    directory.remove_recording(directory.add_recording("0501112222"))

    empty = ask(system, "GetIVR2DirStats", path="2")

    assert (empty["contentFilesCount"], empty["minFile"], empty["maxFile"]) == (0, None, None)
    assert ask(system, "GetIVR2DirStats", path="/")["dirsCount"] == 1
    assert ask(system, "GetIVR2DirStats", path="/9")["responseStatus"] == "ERROR"


def test_a_name_is_not_used_twice_in_a_folder(system: SimulatedSystem) -> None:
    directory = system.directory("/2")
    directory.remove_recording(directory.add_recording("0501112222"))

    assert directory.add_recording("0501112222") == "001.wav"


def test_the_session_shows_the_units_and_passwords_in_clear(system: SimulatedSystem) -> None:
    system.set_units(99.5, expires_on=date(2027, 1, 31))

    shown = ask(system, "GetSession")

    assert (shown["units"], shown["unitsExpireDate"]) == (99.5, "2027-01-31")
    assert shown["accessPassword"]
    assert shown["recordPassword"]
    assert shown["email"] == "office@example.org"


def test_setting_the_units_alone_keeps_the_day_they_expire(system: SimulatedSystem) -> None:
    before = system.units_expire_on
    system.set_units(5)

    assert (system.units, system.units_expire_on) == (5, before)


@pytest.mark.parametrize(
    ("method", "parameter"),
    [("GetQueueRealTime", "queuePath"), ("GetIVR2DirStats", "path"), ("PirsumPhoneManagement", "action")],
)
def test_a_missing_parameter_is_an_error_that_names_it(
    system: SimulatedSystem, method: str, parameter: str
) -> None:
    refused = ask(system, method)

    assert refused["responseStatus"] == "ERROR"
    assert parameter in refused["message"]
    assert refused["messageCode"] is None


def test_an_unknown_method_is_an_error(system: SimulatedSystem) -> None:
    assert ask(system, "GetSmsIncominglog")["responseStatus"] == "ERROR"


def test_every_answer_is_json(system: SimulatedSystem) -> None:
    system.add_sip_account("0770000000")
    system.queue("/5").add_agent("0501234567")
    answers = [
        ask(system, method, queuePath="/5", path="/", action="GetRegistrationStatus")
        for method in ("GetSession", "SipGetContexts", "GetQueueRealTime", "GetIVR2DirStats")
    ]

    assert [one["responseStatus"] for one in answers] == ["OK"] * 4
    assert json.loads(json.dumps(answers)) == answers


def test_a_folder_of_the_tree_as_the_api_shows_it(system: SimulatedSystem) -> None:
    system.set_extension("/1/4", "record", "הודעות")
    system.set_extension("/1/data", None)
    system.directory("/1/4").add_recording("0541234567")

    root, inner = ask(system, "GetIVR2Dir", path="/"), ask(system, "GetIVR2Dir", path="1")

    assert [(one["name"], one["extType"]) for one in root["dirs"]] == [("1", "menu")]
    assert {one["name"]: one.get("extTitle") for one in inner["dirs"]} == {"4": "הודעות", "data": None}
    assert ["extType" in one for one in inner["dirs"]] == [True, False]
    assert (inner["thisPath"], inner["parentPath"]) == ("ivr2:/1", "ivr2:/")
    assert inner["extIni"] == {"type": "menu"}
    (file,) = ask(system, "GetIVR2Dir", path="ivr2:/1/4/")["files"]
    assert file["name"] == "000.wav"
    assert ask(system, "GetIVR2Dir", path="1/data")["extIni"] == []
    assert ask(system, "GetIVR2Dir", path="/77")["message"] == "extension does not exist"


def test_the_files_of_a_folder_are_paged_by_where_they_end(system: SimulatedSystem) -> None:
    for phone in ("0541111111", "0542222222", "0543333333"):
        system.directory("/4").add_recording(phone)

    def listed(**params: Json) -> list[str]:
        return [one["name"] for one in ask(system, "GetIVR2Dir", path="4", **params)["files"]]

    assert listed() == ["000.wav", "001.wav", "002.wav"]
    assert listed(filesFrom=1, filesLimit=2) == ["001.wav"]
    assert listed(orderBy="name", orderDir="desc", filesLimit="2") == ["002.wav", "001.wav"]
    assert "filesLimit" in ask(system, "GetIVR2Dir", path="4", filesLimit="x")["message"]


def test_a_path_that_is_none_is_an_exception_without_a_message(system: SimulatedSystem) -> None:
    said = ask(system, "GetIVR2Dir", path="1/../2")

    assert (said["responseStatus"], "message" in said) == ("EXCEPTION", False)
    assert "malformed" in said["exceptionMessage"]
