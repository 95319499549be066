"""The client at the newer gateway, as the simulator plays it: a bearer, the switch, and its own refusals."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from daemon.core.commands.results import Bridged
from daemon.core.model import Failure, Secret, Unknown
from daemon.core.watches import sms
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.gateway import KEY, api_key, switch_id
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.yemot import reads
from daemon.yemot.client import Access, Client
from daemon.yemot.transport import Request, Timeouts, Transport
from tests.support.fakes import FakeClock

TOKEN = "0770000000:demo"
OTHER = "yk_live_other"


@pytest.fixture
def system() -> SimulatedSystem:
    one = SimulatedSystem("0770000000", now=FakeClock().now)
    one.receive_sms("0541234567", "שלום")
    return one


@pytest.fixture
def simulator(system: SimulatedSystem) -> Iterator[Simulator]:
    other = SimulatedSystem("0771111111", now=system.now)
    with Simulator({TOKEN: system, OTHER: other}, now=system.now) as one:
        yield one


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(Timeouts(), monotonic=monotonic)
    yield made
    made.close()


@pytest.fixture
def access(simulator: Simulator, system: SimulatedSystem) -> Access:
    return Access(
        Secret(api_key(TOKEN, system)),
        simulator.gateway_url,
        authorization="bearer",
        switch_id=switch_id(system),
    )


def refusal(access: Access, transport: Transport) -> Unknown:
    answer = Client(access, transport, now=utcnow).read(reads.sms_log(1))
    assert isinstance(answer, Unknown), answer
    return answer


def test_it_reads_and_commands(access: Access, transport: Transport, system: SimulatedSystem) -> None:
    client = Client(access, transport, now=utcnow)
    seen = client.read(reads.sms_log(10))
    bridged = client.campaign_bridge("0501234567", "ivr2:/1")

    assert isinstance(seen, sms.Observation)
    assert [row.text for row in seen.rows] == ["שלום"]
    assert isinstance(bridged, Bridged)
    assert [one.id for one in system.campaigns] == [bridged.campaign_id]
    assert [one.method for one in system.requests] == ["GetSmsIncomingLog", "CallExtensionBridging"]


@pytest.mark.parametrize("token", [TOKEN, KEY + "0779999999", "0770000000"])
def test_a_key_that_opens_nothing_is_a_rejected_token(
    access: Access, transport: Transport, token: str
) -> None:
    unknown = refusal(replace(access, token=Secret(token)), transport)

    assert (unknown.failure, unknown.code) == (Failure.TOKEN_REJECTED, 401)
    assert unknown.message == "HTTP 401: the API key is not valid"


def test_a_switch_that_the_key_does_not_open_is_refused(
    access: Access, transport: Transport, simulator: Simulator
) -> None:
    other = switch_id(simulator.systems[OTHER])
    unknown = refusal(replace(access, switch_id=other), transport)

    assert (unknown.failure, unknown.code) == (Failure.REFUSED, 403)
    assert unknown.message == "HTTP 403: the API key does not allow this switch"


def test_it_is_told_to_wait(access: Access, transport: Transport, simulator: Simulator) -> None:
    simulator.faults.set("GetSmsIncomingLog", Fault.THROTTLED_STATUS, delay=timedelta(seconds=7))
    unknown = refusal(access, transport)

    assert (unknown.failure, unknown.retry_after) == (Failure.THROTTLED, timedelta(seconds=7))
    assert unknown.message == "HTTP 429: too many requests"


def test_the_bare_token_of_the_older_api_is_none_here_and_the_bearer_none_there(
    access: Access, transport: Transport, simulator: Simulator
) -> None:
    here = refusal(replace(access, authorization="token"), transport)
    there = refusal(replace(access, base_url=simulator.base_url), transport)

    assert (here.failure, there.failure) == (Failure.TOKEN_REJECTED, Failure.TOKEN_REJECTED)


@pytest.mark.parametrize(
    ("verb", "path", "headers", "status"),
    [
        ("GET", "Login?username=0770000000&password=demo", {}, 404),
        ("DELETE", "GetSession", {}, 405),
        ("GET", "GetSession", {"switch-id": ""}, 400),
    ],
)
def test_what_the_gateway_does_not_do(
    access: Access,
    transport: Transport,
    verb: str,
    path: str,
    headers: dict[str, str],
    status: int,
) -> None:
    given = {"authorization": f"Bearer {access.token.value}", "switch-id": access.switch_id or "", **headers}
    reply = transport.send(Request(verb, access.base_url + path, given), repeatable=True)

    assert not isinstance(reply, Unknown)
    assert reply.status == status
