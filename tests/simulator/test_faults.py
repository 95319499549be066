"""Every way to fail, as bytes on the wire, and as the daemon's own client understands it."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from daemon.core.model import Failure, Secret, Unknown
from daemon.core.watches import sms
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.faults import Fault, Faults
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.yemot import reads
from daemon.yemot.client import Access, Client
from daemon.yemot.transport import Timeouts, Transport

TOKEN = "0770000000:demo"
PATIENCE = 10.0
LOG = "GetSmsIncomingLog"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    system = SimulatedSystem("0770000000", now=utcnow)
    system.receive_sms("0541234567", "שלום")
    system.add_sip_account("0770000000")
    system.add_sip_account("0770000000=2", registered=False)
    with Simulator({TOKEN: system}, now=utcnow) as one:
        yield one


@pytest.fixture
def connection(simulator: Simulator) -> Iterator[socket.socket]:
    address = ("127.0.0.1", urlsplit(simulator.base_url).port)
    with socket.create_connection(address, timeout=PATIENCE) as one:
        yield one


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    soon = timedelta(milliseconds=300)
    transport = Transport(Timeouts(connect=soon, read=soon, total=2 * soon), monotonic=monotonic)
    one = Client(Access(Secret(TOKEN), simulator.base_url), transport, now=utcnow)
    yield one
    one.close()


def request(connection: socket.socket, method: str = LOG) -> None:
    connection.sendall(f"GET /ym/api/{method}?token={TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def read_to_the_end(connection: socket.socket) -> bytes:
    got = b""
    while more := connection.recv(65536):
        got += more
    return got


def read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head, and what came of the body with it."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    return head, body


def fetch(simulator: Simulator, method: str = LOG, **params: str) -> requests.Response:
    return requests.get(
        simulator.base_url + method, params=params, headers={"authorization": TOKEN}, timeout=PATIENCE
    )


def test_hang_says_nothing_until_the_client_leaves(simulator: Simulator, connection: socket.socket) -> None:
    simulator.faults.set(LOG, Fault.HANG)
    request(connection)
    connection.settimeout(0.3)

    with pytest.raises(TimeoutError):
        connection.recv(1)
    # Half of a goodbye is one: the simulator sees it, and closes its side.
    connection.settimeout(PATIENCE)
    connection.shutdown(socket.SHUT_WR)
    assert connection.recv(1) == b""


def test_a_dripping_head_comes_byte_by_byte(simulator: Simulator, connection: socket.socket) -> None:
    simulator.faults.set(LOG, Fault.DRIP_HEAD)
    request(connection)
    started_at = monotonic()
    drops = [connection.recv(65536) for _ in range(6)]

    assert drops == [b"H", b"T", b"T", b"P", b"/", b"1"]
    assert monotonic() - started_at >= 0.2


def test_a_dripping_body_follows_a_whole_head(simulator: Simulator, connection: socket.socket) -> None:
    simulator.faults.set(LOG, Fault.DRIP_BODY)
    request(connection)
    head, body = read_head(connection)
    started_at = monotonic()
    while len(body) < 5:
        body += connection.recv(65536)

    assert b"Content-Length: " in head
    assert body == b'{"res'
    assert monotonic() - started_at >= 0.15


def test_a_reset_comes_before_any_byte(simulator: Simulator, connection: socket.socket) -> None:
    simulator.faults.set(LOG, Fault.RESET)
    request(connection)

    with pytest.raises(ConnectionResetError):
        connection.recv(1)


def test_a_cut_ends_within_the_json_that_was_announced(
    simulator: Simulator, connection: socket.socket
) -> None:
    simulator.faults.set(LOG, Fault.CUT)
    request(connection)
    head, _, body = read_to_the_end(connection).partition(b"\r\n\r\n")
    length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])

    assert 0 < len(body) < length
    assert body.startswith(b'{"responseStatus":"OK"')


def test_an_endless_answer_is_given_up_by_our_client(simulator: Simulator) -> None:
    patient = Transport(Timeouts(), monotonic=monotonic)
    one = Client(Access(Secret(TOKEN), simulator.base_url), patient, now=utcnow)
    simulator.faults.set(LOG, Fault.ENDLESS)
    failed = one.read(reads.sms_log(10))
    one.close()

    assert isinstance(failed, Unknown)
    assert failed.failure is Failure.MALFORMED


def test_truncated_json_is_a_whole_answer_of_http(simulator: Simulator) -> None:
    simulator.faults.set(LOG, Fault.TRUNCATED_JSON)
    answer = fetch(simulator)

    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.content)


def test_slow_is_a_good_answer_and_late(simulator: Simulator) -> None:
    simulator.faults.set(LOG, Fault.SLOW, delay=timedelta(milliseconds=200))
    started_at = monotonic()

    assert len(fetch(simulator).json()["rows"]) == 1
    assert monotonic() - started_at >= 0.2


@pytest.mark.parametrize(
    ("fault", "status"), [(Fault.HTML, 200), (Fault.TEAPOT, 418), (Fault.SERVER_ERROR, 502)]
)
def test_a_page_is_html(simulator: Simulator, fault: Fault, status: int) -> None:
    simulator.faults.set(LOG, fault)
    answer = fetch(simulator)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.content.startswith(b"<!DOCTYPE html>")


def test_an_old_backend_answers_in_plain_text(simulator: Simulator) -> None:
    simulator.faults.set(LOG, Fault.SERVER_ERROR_TEXT)
    answer = fetch(simulator)

    assert answer.status_code == 500
    assert answer.text == "Exception IllegalStateException (session is expired) thrown"


@pytest.mark.parametrize(
    ("fault", "status", "message"),
    [
        (Fault.TOKEN_INVALID, "EXCEPTION", "IllegalStateException(session token is invalid)"),
        (Fault.SESSION_EXPIRED, "FORBIDDEN", "session is expired"),
        (Fault.MFA, "ERROR", "MFA_REQUIRED "),
        (Fault.NOT_SUPPORTED, "ERROR", "שרת זה אינו תומך במערכת SIP"),
        (Fault.THROTTLED, "Exception", "exception send by customer. wait 55s"),
    ],
)
def test_an_envelope_of_failure_comes_with_status_200(
    simulator: Simulator, fault: Fault, status: str, message: str
) -> None:
    simulator.faults.set(LOG, fault)
    answer = fetch(simulator)

    assert answer.status_code == 200
    assert (answer.json()["responseStatus"], answer.json()["message"]) == (status, message)


@pytest.mark.parametrize(("delay", "retry_after"), [(None, "55"), (timedelta(seconds=7), "7")])
def test_throttling_may_be_a_status(simulator: Simulator, delay: timedelta | None, retry_after: str) -> None:
    simulator.faults.set(LOG, Fault.THROTTLED_STATUS, delay=delay)
    answer = fetch(simulator)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, retry_after)
    assert answer.json()["message"] == f"exception send by customer. wait {retry_after}s"


@pytest.mark.parametrize(
    ("fault", "rows"), [(Fault.EMPTY_LIST, []), (Fault.NULL_LIST, None), (Fault.OBJECT_LIST, {})]
)
def test_a_list_may_be_empty_in_several_spellings(simulator: Simulator, fault: Fault, rows: Any) -> None:
    simulator.faults.set(LOG, fault)
    answer = fetch(simulator).json()

    assert (answer["responseStatus"], answer["rows"]) == ("OK", rows)


def test_a_list_may_be_absent(simulator: Simulator) -> None:
    simulator.faults.set(LOG, Fault.ABSENT_LIST)

    assert "rows" not in fetch(simulator).json()


def test_types_may_be_wrong(simulator: Simulator) -> None:
    simulator.systems[TOKEN].queue("/5").join("0541234567")
    simulator.faults.set("*", Fault.WRONG_TYPES)

    accounts = fetch(simulator, "GetSipAccountsRegisteredStatus").json()["accounts"]
    queue = fetch(simulator, "GetQueueRealTime", queuePath="/5").json()
    row = fetch(simulator).json()["rows"][0]

    assert [account["registered"] for account in accounts] == ["true", 0]
    assert (queue["queueData"]["Calls"], queue["entries"][0]["Position"]) == ("1", 1)
    # What starts with a zero would not be the same number any more.
    assert (queue["entries"][0]["phone"], row["phone"]) == ("0541234567", 972541234567)


def test_fields_may_be_missing(simulator: Simulator) -> None:
    simulator.faults.set("*", Fault.MISSING_FIELDS)

    assert "server_date" not in fetch(simulator).json()["rows"][0]
    assert "userName" in fetch(simulator, "GetSipAccountsRegisteredStatus").json()["accounts"][0]
    assert "registered" not in fetch(simulator, "GetSipAccountsRegisteredStatus").json()["accounts"][0]
    assert "units" not in fetch(simulator, "GetSession").json()


def test_a_fault_lasts_for_so_many_requests() -> None:
    faults = Faults()
    faults.set(LOG, Fault.HTML, times=2)

    taken = [faults.take(LOG) for _ in range(3)]

    assert [one and one.fault for one in taken] == [Fault.HTML, Fault.HTML, None]
    assert faults.active == ()


def test_a_fault_without_a_number_lasts_until_it_is_cleared() -> None:
    faults = Faults()
    faults.set(LOG, Fault.HTML)
    assert all(faults.take(LOG) for _ in range(5))

    faults.clear(LOG)

    assert faults.take(LOG) is None


def test_a_methods_own_fault_comes_before_the_one_for_all() -> None:
    faults = Faults()
    faults.set("*", Fault.HTML)
    faults.set(LOG, Fault.TEAPOT, times=1)

    taken = [faults.take(method) for method in ("GetSession", LOG, LOG)]

    assert [one and one.fault for one in taken] == [Fault.HTML, Fault.TEAPOT, Fault.HTML]
    faults.clear()
    assert faults.take(LOG) is None


@pytest.mark.parametrize(("method", "times"), [("GetSmsIncominglog", None), (LOG, 0)])
def test_a_fault_that_would_never_happen_is_refused(method: str, times: int | None) -> None:
    with pytest.raises(ValueError, match=r"method|times"):
        Faults().set(method, Fault.HTML, times=times)


def pause(simulator: Simulator) -> None:
    requests.post(
        simulator.base_url + "QueueManagement",
        json={"token": TOKEN, "queuePath": "/5", "action": "pause", "agent": "SIP-1"},
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(
    ("fault", "is_done"), [(Fault.RESET, True), (Fault.CUT, True), (Fault.HTML, False), (Fault.MFA, False)]
)
def test_a_command_is_carried_out_when_only_its_answer_is_lost(
    simulator: Simulator, fault: Fault, *, is_done: bool
) -> None:
    queue = simulator.systems[TOKEN].queue("/5")
    queue.add_agent("SIP-1")
    simulator.faults.set("QueueManagement", fault)
    with suppress(requests.RequestException):
        pause(simulator)

    assert queue.agents[0].paused is is_done


FAILURES = {
    Fault.HANG: Failure.TIMEOUT,
    Fault.DRIP_HEAD: Failure.TIMEOUT,
    Fault.DRIP_BODY: Failure.TIMEOUT,
    Fault.RESET: Failure.UNREACHABLE,
    Fault.CUT: Failure.MALFORMED,
    Fault.SLOW: Failure.TIMEOUT,
    Fault.TRUNCATED_JSON: Failure.MALFORMED,
    Fault.HTML: Failure.FILTERED,
    Fault.TEAPOT: Failure.FILTERED,
    Fault.SERVER_ERROR: Failure.SERVER_ERROR,
    Fault.SERVER_ERROR_TEXT: Failure.TOKEN_REJECTED,
    Fault.TOKEN_INVALID: Failure.TOKEN_REJECTED,
    Fault.SESSION_EXPIRED: Failure.TOKEN_REJECTED,
    Fault.MFA: Failure.TOKEN_REJECTED,
    Fault.NOT_SUPPORTED: Failure.REFUSED,
    Fault.THROTTLED: Failure.THROTTLED,
    Fault.THROTTLED_STATUS: Failure.THROTTLED,
}
SPOILED = [fault for fault in Fault if fault not in FAILURES and fault is not Fault.ENDLESS]


@pytest.mark.parametrize(("fault", "failure"), FAILURES.items())
def test_our_client_calls_the_fault_by_its_name(
    simulator: Simulator, client: Client, fault: Fault, failure: Failure
) -> None:
    simulator.faults.set("*", fault)
    failed = client.read(reads.sms_log(10))

    assert isinstance(failed, Unknown)
    assert failed.failure is failure
    simulator.faults.clear()
    assert isinstance(client.read(reads.sms_log(10)), sms.Observation)


@pytest.mark.parametrize("fault", SPOILED)
def test_a_spoiled_answer_is_an_answer_that_the_parser_must_judge(
    simulator: Simulator, client: Client, fault: Fault
) -> None:
    simulator.faults.set("*", fault)
    parsed = client.read(reads.sip_accounts())

    if fault is Fault.ABSENT_LIST:
        assert isinstance(parsed, Unknown)
    elif fault is Fault.WRONG_TYPES:
        assert not isinstance(parsed, Unknown)
        assert parsed.registered == {"0770000000": True, "0770000000=2": False}
    elif fault is Fault.MISSING_FIELDS:
        assert not isinstance(parsed, Unknown)
        assert set(parsed.registered.values()) == {None}
        assert parsed.problems
    else:
        assert not isinstance(parsed, Unknown)
        assert parsed.registered == {}
