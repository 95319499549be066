"""The control API: the same verbs as from Python, and errors that name the field and the way out."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from daemon.core.model import Json
from daemon.simulator.actions import ACTIONS, Target, prepare
from daemon.simulator.control import Controlled, ControlReply, ControlRequest, control
from daemon.simulator.faults import Fault, Faults
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.fakes import FakeClock

TOKEN = "0770000000:demo"


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem("0770000000", now=FakeClock().now)


@pytest.fixture
def controlled(system: SimulatedSystem) -> Controlled:
    return Controlled({TOKEN: system}, Faults(), system.now)


@pytest.fixture
def simulator(system: SimulatedSystem) -> Iterator[Simulator]:
    with Simulator({TOKEN: system}, now=system.now) as one:
        yield one


def post(controlled: Controlled, subject: str, **body: Json) -> ControlReply:
    return control(ControlRequest("POST", (TOKEN, subject), {}, body), controlled)


def errors(reply: ControlReply) -> dict[str | None, str]:
    """The message by field."""
    return {error["field"]: error["message"] for error in reply.data["errors"]}


def test_every_subject_of_a_system_is_driven_over_http(simulator: Simulator, system: SimulatedSystem) -> None:
    def drive(subject: str, **body: Json) -> Any:
        url = f"{simulator.control_url}{TOKEN}/{subject}"
        answer = requests.post(url, json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    drive("sms", sender="0541234567", text="שלום", times=2)
    drive("sip", action="add", user_name="0770000000")
    drive("sip", user_name="0770000000", registered=False)
    drive("queue", action="add_agent", path="/5", name="SIP-1")
    call_id = drive("queue", action="join", path="/5", phone="0541234567")["call_id"]
    assert [call.call_id for call in system.queue("/5").calls] == [call_id]
    drive("queue", action="leave", path="/5", call_id=call_id, answered_by="SIP-1")
    drive("directory", path="/2", phone="0541234567")
    drive("units", units=7, expires_on="2027-01-31")
    drive("pirsumphone", registered=False)

    assert [message.text for message in system.messages] == ["שלום", "שלום"]
    assert [account.registered for account in system.accounts] == [False]
    assert system.queue("/5").calls == ()
    assert system.queue("/5").agents[0].calls_taken == 1
    assert len(system.directory("/2").recordings) == 1
    assert (system.units, system.units_expire_on.isoformat()) == (7, "2027-01-31")
    assert not system.pirsumphone


def test_faults_are_switched_and_shown_over_http(simulator: Simulator) -> None:
    url = simulator.control_url + "faults"

    def ask() -> requests.Response:
        return requests.get(simulator.base_url + "GetSession", params={"token": TOKEN}, timeout=10)

    requests.post(url, json={"fault": "teapot", "method": "GetSession", "times": 3}, timeout=10)
    assert ask().status_code == 418
    assert requests.get(url, timeout=10).json() == {
        "faults": [{"method": "GetSession", "fault": "teapot", "times": 2, "delay": None}]
    }
    assert requests.delete(url, timeout=10).json() == {"faults": []}
    assert ask().status_code == 200


def test_one_methods_fault_is_cleared_alone(controlled: Controlled) -> None:
    controlled.faults.set("GetSession", Fault.HTML)
    controlled.faults.set("*", Fault.HANG)

    control(ControlRequest("DELETE", ("faults",), {"method": "*"}, None), controlled)

    assert [active.method for active in controlled.faults.active] == ["GetSession"]


def test_requests_are_shown_with_counts_and_without_tokens(simulator: Simulator) -> None:
    requests.get(simulator.base_url + "GetSmsIncomingLog", params={"token": TOKEN, "limit": "5"}, timeout=10)
    requests.get(simulator.base_url + "GetSession", params={"token": "wrong"}, timeout=10)

    shown = requests.get(simulator.control_url + "requests", timeout=10).json()
    one = requests.get(simulator.control_url + "requests", params={"token": TOKEN}, timeout=10).json()

    expected = {
        "counts": {"GetSmsIncomingLog": 1},
        "requests": [
            {
                "method": "GetSmsIncomingLog",
                "verb": "GET",
                "params": {"limit": "5"},
                "at": "2026-03-01T12:00:00.000Z",
            }
        ],
    }
    assert shown["systems"] == {TOKEN: expected}
    assert [stranger["method"] for stranger in shown["strangers"]] == ["GetSession"]
    assert one == {"systems": {TOKEN: expected}}


def test_all_faults_of_a_body_are_named_at_once_with_the_way_out(controlled: Controlled) -> None:
    reply = post(controlled, "sip", user_nam="0770000000", registered="yes")

    assert reply.status == 400
    assert errors(reply) == {
        "user_name": "missing; expected a text",
        "registered": "'yes': expected true or false",
        "user_nam": 'unknown; did you mean "user_name"?',
    }


@pytest.mark.parametrize(
    ("subject", "body", "field", "message"),
    [
        ("queue", {"path": "/5"}, "action", "missing; expected one of add, join"),
        ("queue", {"action": "jion", "path": "/5"}, "action", 'did you mean "join"?'),
        ("sms", {"sender": "", "text": "x"}, "sender", "expected a text"),
        ("sms", {"sender": "x", "text": "x", "times": 0}, "times", "expected a whole number from 1"),
        ("sms", {"sender": "x", "text": "x", "times": True}, "times", "expected a whole number from 1"),
        ("sms", {"sender": "x", "text": "x", "received_at": "2026-01-01"}, "received_at", "with an offset"),
        ("sms", {"action": "burst", "sender": "x", "texts": []}, "texts", "expected a list of texts"),
        ("units", {"units": -1}, "units", "expected a number from 0"),
        ("units", {"units": float("nan")}, "units", "expected a number from 0"),
        ("units", {"units": 1, "expires_on": "soon"}, "expires_on", "expected a date such as"),
        ("sms", {"sender": 5 * "long " * 40, "text": 5 * ["long " * 40]}, "text", "…: expected a text"),
    ],
)
def test_a_wrong_field_is_named(
    controlled: Controlled, subject: str, body: dict[str, Json], field: str, message: str
) -> None:
    reply = post(controlled, subject, **body)

    assert reply.status == 400
    assert message in errors(reply)[field]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"fault": "hagn"}, "fault", 'did you mean "hang"?'),
        ({"fault": "hang", "method": "GetSesion"}, "method", 'did you mean "GetSession"?'),
        ({"fault": "slow", "delay": "soon"}, "delay", "expected a duration"),
        ({}, "fault", "missing"),
    ],
)
def test_a_wrong_fault_is_named(
    controlled: Controlled, body: dict[str, Json], field: str, message: str
) -> None:
    reply = control(ControlRequest("POST", ("faults",), {}, body), controlled)

    assert reply.status == 400
    assert message in errors(reply)[field]
    assert controlled.faults.active == ()


@pytest.mark.parametrize(
    ("verb", "path", "status", "message"),
    [
        ("GET", ("",), 404, "/control/faults"),
        ("GET", ("a", "b", "c"), 404, "/control/faults"),
        ("POST", ("0770000000:dem", "sms"), 404, f'did you mean "{TOKEN}"?'),
        ("POST", (TOKEN, "smss"), 404, 'did you mean "sms"?'),
        ("POST", (TOKEN, "fault"), 404, "known:"),
        ("GET", (TOKEN, "sms"), 405, "expected POST"),
        ("PUT", ("faults",), 405, "expected GET, POST, DELETE"),
        ("POST", ("requests",), 405, "expected GET"),
    ],
)
def test_a_wrong_path_or_verb_says_what_is_there(
    controlled: Controlled, verb: str, path: tuple[str, ...], status: int, message: str
) -> None:
    reply = control(ControlRequest(verb, path, {}, None), controlled)

    assert reply.status == status
    assert message in errors(reply)[None]


def test_a_body_that_is_no_json_object_is_a_400(simulator: Simulator) -> None:
    url = f"{simulator.control_url}{TOKEN}/sms"
    answers = [requests.post(url, data=body, timeout=10) for body in ("{", "[]", "")]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert all(answer.json()["errors"][0]["field"] == "body" for answer in answers)


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("sip", {"user_name": "nobody", "registered": True}),
        ("sip", {"action": "remove", "user_name": "nobody"}),
        ("queue", {"action": "leave", "path": "/5"}),
        ("queue", {"action": "set_agent", "path": "/5", "name": "nobody", "paused": True}),
        ("directory", {"action": "remove", "path": "/2", "name": "000.wav"}),
    ],
)
def test_what_the_system_has_not_is_a_conflict_and_changes_nothing(
    controlled: Controlled, system: SimulatedSystem, subject: str, body: dict[str, Json]
) -> None:
    reply = post(controlled, subject, **body)

    assert reply.status == 409
    assert errors(reply)[None]
    assert (dict(system.queues), list(system.directories)) == ({}, [""])


GIVEN: dict[str, dict[str, object]] = {
    "sms": {"sender": "0541234567", "text": "x"},
    "sms.burst": {"sender": "0541234567", "texts": ["a", "a"]},
    "sip": {"user_name": "0770000000", "registered": False},
    "sip.add": {"user_name": "0770000000=2"},
    "sip.remove": {"user_name": "0770000000"},
    "sip.contacts": {"user_name": "0770000000", "addresses": ["10.0.0.1"], "user_agent": "Zoiper"},
    "queue.add": {"path": "/6"},
    "queue.join": {"path": "/5", "phone": "0541234567"},
    "queue.leave": {"path": "/5"},
    "queue.answer": {"path": "/5", "agent": "SIP-1"},
    "queue.hang_up": {"path": "/5", "agent": "SIP-3"},
    "queue.give_up": {"path": "/5", "how": "TIMEOUT"},
    "queue.callback": {"path": "/5", "phone": "0541234567"},
    "queue.callback.remove": {"path": "/5", "request": 3},
    "queue.add_agent": {"path": "/5", "name": "SIP-2"},
    "queue.set_agent": {"path": "/5", "name": "SIP-1", "paused": True, "status": "5"},
    "report": {"path": "/1/ApprovalAll.ymgr", "row": "Phone#0501234567%P050#1"},
    "report.move": {"path": "/1/Log.ymgr", "to": "/1/Log.2026-18.ymgr"},
    "queue.reset": {"path": "/5"},
    "extension": {"path": "/7", "type": "menu", "title": "x"},
    "directory": {"path": "/2", "phone": "0541234567", "seconds": 5},
    "directory.remove": {"path": "/2", "name": "000.wav"},
    "units": {"units": 5},
    "sms_units": {"units": 5},
    "sms.report": {"report": "DELIVRD", "phone": "0541111111"},
    "sms.refuse": {"phone": "0541111111", "reason": "blocked"},
    "caller_id": {"number": "0771111111", "expires_on": "2027-01-31"},
    "caller_id.remove": {"number": "0772222222"},
    "campaign.call": {"answered": True, "seconds": 20},
    "campaign.end": {"status": "STOPPED"},
    "pirsumphone": {"registered": False},
    "fault": {"fault": "slow", "delay": "2s", "times": 3},
    "fault.clear": {},
}


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_changes_something_and_says_what(system: SimulatedSystem, name: str) -> None:
    faults = Faults()
    faults.set("GetSession", Fault.HTML)
    system.add_sip_account("0770000000")
    system.queue("/5").add_agent("SIP-1")
    for phone in ("0541111111", "0542222222"):
        system.queue("/5").join(phone)
    system.queue("/5").leave()
    assert system.queue("/5").request_callback("0541111111") == 3
    system.queue("/5").add_agent("SIP-3")
    system.queue("/5").join("0543333333")
    system.queue("/5").answer("SIP-3")
    system.directory("/2").add_recording("0541111111")
    system.caller_ids["0772222222"] = None
    system.send_sms(["0541111111"], "hello", sender="0770000000", units=0.1)
    campaign = system.start_campaign(["0541111111"], "/1", caller_id="0770000000", calls_timeout=30)
    system.files.put("/1/Log.ymgr", b"")
    prepared = prepare(name, GIVEN[name])
    assert not isinstance(prepared, list)

    before = everything(system, faults), str(system.dialling(campaign.id))
    done = prepared.do(Target(system, faults))

    assert done.text
    assert (everything(system, faults), str(system.dialling(campaign.id))) != before


def everything(system: SimulatedSystem, faults: Faults) -> list[object]:
    """The whole state, to be compared."""
    return [
        system.messages,
        system.accounts,
        {path: queue.shown() for path, queue in system.queues.items()},
        [list(queue.callbacks) for queue in system.queues.values()],
        {path: directory.shown() for path, directory in system.directories.items()},
        system.folders,
        list(system.files),
        system.units,
        system.sms_units,
        system.sent,
        system.objection("0541111111"),
        dict(system.caller_ids),
        system.pirsumphone,
        faults.active,
    ]
