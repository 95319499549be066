"""The simulator as a server: tokens, sessions, parameters, connections, and what it remembers."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from daemon.host.clock import monotonic, utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.fakes import FakeClock

TOKEN = "0770000000:demo"
OTHER_TOKEN = "opaque-key"
PATIENCE = 10.0
BAD_LOGIN = {
    "yemotAPIVersion": "1",
    "responseStatus": "ERROR",
    "message": "Username or password is incorrect",
    "messageCode": 1,
}
INVALID = {
    "yemotAPIVersion": 6,
    "responseStatus": "EXCEPTION",
    "message": "IllegalStateException(session token is invalid)",
}
EXPIRED = {"responseStatus": "FORBIDDEN", "message": "session is expired"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def simulator(clock: FakeClock) -> Iterator[Simulator]:
    systems = {
        TOKEN: SimulatedSystem("0770000000", now=clock.now),
        OTHER_TOKEN: SimulatedSystem("0771111111", now=clock.now),
    }
    with Simulator(systems, now=clock.now) as one:
        yield one


@pytest.fixture
def http_session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def name_of(answer: requests.Response) -> Any:
    """The number of the system that answered GetSession."""
    assert answer.status_code == 200
    return answer.json().get("username")


def test_a_token_is_taken_from_header_query_form_and_json(
    simulator: Simulator, http_session: requests.Session
) -> None:
    url = simulator.base_url + "GetSession"
    answers = [
        http_session.get(url, headers={"authorization": TOKEN}),
        http_session.get(url, params={"token": TOKEN}),
        http_session.post(url, data={"token": TOKEN}),
        http_session.post(url, json={"token": TOKEN}),
        http_session.post(url, params={"token": TOKEN}, json={}),
    ]

    assert [name_of(answer) for answer in answers] == ["0770000000"] * 5


def test_the_token_chooses_the_system(simulator: Simulator, http_session: requests.Session) -> None:
    simulator.systems[TOKEN].receive_sms("0541234567", "for the first")
    url = simulator.base_url + "GetSmsIncomingLog"

    first = http_session.get(url, headers={"authorization": TOKEN}).json()
    second = http_session.get(url, headers={"authorization": OTHER_TOKEN}).json()

    assert (len(first["rows"]), second["rows"]) == (1, [])


@pytest.mark.parametrize(
    ("token", "envelope"), [("0770000000:wrong", BAD_LOGIN), ("wrong", INVALID), ("", INVALID)]
)
def test_a_wrong_token_is_rejected_with_status_200(
    simulator: Simulator, http_session: requests.Session, token: str, envelope: dict[str, Any]
) -> None:
    answer = http_session.get(simulator.base_url + "GetSession", params={"token": token})

    assert (answer.status_code, answer.json()) == (200, envelope)


def login(simulator: Simulator, http_session: requests.Session) -> str:
    answer = http_session.get(
        simulator.base_url + "Login", params={"username": "0770000000", "password": "demo"}
    )
    assert answer.json()["responseStatus"] == "OK"
    return str(answer.json()["token"])


def test_login_gives_a_session_and_logout_ends_it(
    simulator: Simulator, http_session: requests.Session
) -> None:
    token = login(simulator, http_session)
    url = simulator.base_url

    assert name_of(http_session.get(url + "GetSession", params={"token": token})) == "0770000000"
    assert http_session.get(url + "Logout", params={"token": token}).json()["responseStatus"] == "OK"
    assert http_session.get(url + "GetSession", params={"token": token}).json() == INVALID


def test_a_session_ends_after_thirty_minutes_without_use(
    simulator: Simulator, http_session: requests.Session, clock: FakeClock
) -> None:
    token = login(simulator, http_session)

    def ask() -> requests.Response:
        return http_session.get(simulator.base_url + "GetSession", params={"token": token})

    for _ in range(3):
        clock.advance(29 * 60)
        assert name_of(ask()) == "0770000000"
    clock.advance(30 * 60)

    assert ask().json() == EXPIRED
    assert ask().json() == EXPIRED


def test_sessions_can_be_expired_while_they_are_used(
    simulator: Simulator, http_session: requests.Session
) -> None:
    token = login(simulator, http_session)
    simulator.tokens.expire_sessions()

    assert http_session.get(simulator.base_url + "GetSession", params={"token": token}).json() == EXPIRED


@pytest.mark.parametrize(
    ("params", "code"),
    [({"username": "0770000000", "password": "x"}, 1), ({"username": "0770000000"}, None)],
)
def test_a_bad_login_gives_no_session(
    simulator: Simulator, http_session: requests.Session, params: dict[str, str], code: int | None
) -> None:
    answer = http_session.get(simulator.base_url + "Login", params=params).json()

    assert (answer["responseStatus"], answer["messageCode"]) == ("ERROR", code)
    assert "token" not in answer


def test_parameters_come_from_query_form_and_json(
    simulator: Simulator, http_session: requests.Session
) -> None:
    simulator.systems[TOKEN].queue("/5").join("0541234567")
    url = simulator.base_url + "GetQueueRealTime"
    http_session.headers["authorization"] = TOKEN
    answers = [
        http_session.get(url, params={"queuePath": "/5"}),
        http_session.post(url, data={"queuePath": "/5"}),
        http_session.post(url, json={"queuePath": "/5"}),
    ]

    assert [answer.json()["queueData"]["Calls"] for answer in answers] == [1, 1, 1]


@pytest.mark.parametrize("body", ["{", "[]", "[" * 100_000, '"x"'])
def test_json_that_is_no_use_is_an_error_of_the_api(
    simulator: Simulator, http_session: requests.Session, body: str
) -> None:
    answer = http_session.post(
        simulator.base_url + "GetSession", data=body, headers={"content-type": "application/json"}
    )

    assert (answer.status_code, answer.json()["responseStatus"]) == (200, "ERROR")


def test_hebrew_travels_both_ways(simulator: Simulator, http_session: requests.Session) -> None:
    simulator.systems[TOKEN].queue("/מכירות").join("0541234567")
    simulator.systems[TOKEN].receive_sms("0541234567", "שלום \ud800")
    http_session.headers["authorization"] = TOKEN

    queue = http_session.get(simulator.base_url + "GetQueueRealTime", params={"queuePath": "/מכירות"})
    log = http_session.get(simulator.base_url + "GetSmsIncomingLog")

    assert queue.json()["queueData"]["Calls"] == 1
    assert log.json()["rows"][0]["message"] == "שלום \ud800"
    assert log.headers["content-type"] == "application/json; charset=utf-8"


def test_a_connection_serves_many_requests_and_shows_the_simulated_time(simulator: Simulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(simulator.base_url).port, timeout=PATIENCE)
    connection.connect()
    own_socket = connection.sock
    for _ in range(3):
        connection.request("GET", "/ym/api/GetSession", headers={"authorization": TOKEN})
        answer = connection.getresponse()
        assert json.loads(answer.read())["responseStatus"] == "OK"
        assert answer.getheader("date") == "Sun, 01 Mar 2026 12:00:00 GMT"
        assert connection.sock is own_socket
    connection.close()


def raw(simulator: Simulator, request: bytes) -> bytes:
    """What is answered to these bytes, until the server hangs up."""
    address = ("127.0.0.1", urlsplit(simulator.base_url).port)
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.sendall(request)
        got = b""
        while more := connection.recv(65536):
            got += more
        return got


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Content-Length: 99999999999", b"413"),
        (b"Content-Length: x", b"400"),
        (b"Content-Length: -1", b"400"),
        (b"Transfer-Encoding: chunked", b"411"),
    ],
)
def test_a_body_that_cannot_be_read_ends_the_connection(
    simulator: Simulator, header: bytes, status: bytes
) -> None:
    got = raw(simulator, b"POST /ym/api/GetSession HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")

    assert got.startswith(b"HTTP/1.1 " + status)
    assert b"Connection: close" in got


def test_a_client_that_leaves_in_the_middle_of_its_request_harms_nobody(simulator: Simulator) -> None:
    address = ("127.0.0.1", urlsplit(simulator.base_url).port)
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.sendall(b"POST /ym/api/GetSession HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")

    closing = b"GET /ym/api/GetSession?token=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert raw(simulator, closing).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("verb", "path", "status"), [("DELETE", "GetSession", 405), ("GET", "../x", 404)])
def test_what_is_not_the_api_is_refused_by_http(
    simulator: Simulator, http_session: requests.Session, verb: str, path: str, status: int
) -> None:
    assert http_session.request(verb, simulator.base_url + path).status_code == status


def test_a_system_remembers_its_requests_without_their_tokens(
    simulator: Simulator, http_session: requests.Session, clock: FakeClock
) -> None:
    url = simulator.base_url
    http_session.get(url + "GetSmsIncomingLog", params={"token": TOKEN, "limit": "5"})
    clock.advance(3)
    http_session.post(url + "QueueManagement", json={"token": TOKEN, "queuePath": "/5", "action": "kick"})
    login(simulator, http_session)

    system = simulator.systems[TOKEN]
    log, management, logged_in = system.requests

    assert (log.method, log.params, log.verb, log.is_json) == (
        "GetSmsIncomingLog",
        {"limit": "5"},
        "GET",
        False,
    )
    assert (management.params, management.verb, management.is_json) == (
        {"queuePath": "/5", "action": "kick"},
        "POST",
        True,
    )
    assert (management.at - log.at).total_seconds() == 3
    assert logged_in.params == {"username": "0770000000"}
    assert system.request_counts == {"GetSmsIncomingLog": 1, "QueueManagement": 1, "Login": 1}
    assert simulator.systems[OTHER_TOKEN].requests == ()


def test_requests_of_nobody_are_remembered_as_strangers(
    simulator: Simulator, http_session: requests.Session
) -> None:
    http_session.get(simulator.base_url + "GetSession", params={"token": "wrong"})

    (stranger,) = simulator.strangers

    assert (stranger.method, stranger.params) == ("GetSession", {})


def test_a_request_is_counted_however_it_fails(simulator: Simulator, http_session: requests.Session) -> None:
    simulator.faults.set("*", Fault.TEAPOT)
    http_session.get(simulator.base_url + "GetSession", params={"token": TOKEN})

    assert simulator.systems[TOKEN].request_counts["GetSession"] == 1


def wait_for(condition: Callable[[], bool]) -> None:
    """Look again and again, for as long as a test is patient."""
    deadline = monotonic() + PATIENCE
    while not condition():
        assert monotonic() < deadline
        threading.Event().wait(0.005)


def test_a_stop_ends_idle_and_hanging_connections(clock: FakeClock) -> None:
    others = {*threading.enumerate()}
    simulator = Simulator({TOKEN: SimulatedSystem(now=clock.now)}, now=clock.now)
    simulator.start()
    simulator.faults.set("GetSession", Fault.HANG)
    address = ("127.0.0.1", urlsplit(simulator.base_url).port)
    with (
        socket.create_connection(address, timeout=PATIENCE) as idle,
        socket.create_connection(address, timeout=PATIENCE) as hanging,
    ):
        idle.sendall(f"GET /ym/api/SipGetContexts?token={TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
        hanging.sendall(f"GET /ym/api/GetSession?token={TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_for(lambda: simulator.systems[TOKEN].request_counts["GetSession"] == 1)

        simulator.stop()

        assert idle.recv(1) == b""
        assert hanging.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=PATIENCE)
    assert not [one for one in {*threading.enumerate()} - others if one.name == "simulator"]


def test_a_simulator_starts_again_with_its_state(http_session: requests.Session, clock: FakeClock) -> None:
    simulator = Simulator({TOKEN: SimulatedSystem("0770000000", now=clock.now)}, now=clock.now)
    with pytest.raises(RuntimeError, match="not started"):
        _ = simulator.base_url
    simulator.stop()
    for _ in range(2):
        simulator.start()
        simulator.start()
        http_session.get(simulator.base_url + "GetSession", params={"token": TOKEN})
        simulator.stop()
        simulator.stop()

    assert simulator.systems[TOKEN].request_counts["GetSession"] == 2


def test_a_taken_port_is_an_error_at_the_start(simulator: Simulator) -> None:
    port = urlsplit(simulator.base_url).port
    assert port is not None

    with pytest.raises(OSError, match="in use"):
        Simulator({}, port=port, now=utcnow).start()


def test_many_threads_drive_and_ask_at_once(simulator: Simulator) -> None:
    system = simulator.systems[TOKEN]
    queue = system.queue("/5")
    answers: list[dict[str, Any]] = []

    def drive() -> None:
        for number in range(50):
            system.receive_sms("0541234567", str(number))
            queue.leave(queue.join("0541234567"))

    def ask() -> None:
        with requests.Session() as session:
            session.trust_env = False
            for _ in range(10):
                answer = session.get(
                    simulator.base_url + "GetQueueRealTime", params={"token": TOKEN, "queuePath": "/5"}
                ).json()
                answers.append(answer)

    threads = [threading.Thread(target=target) for target in (drive, drive, ask, ask)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert len(system.messages) == 100
    assert queue.calls == ()
    assert len(answers) == 20
    assert all(answer["queueData"]["Calls"] == len(answer["entries"]) for answer in answers)
