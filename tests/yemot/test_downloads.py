"""DownloadFile against the simulator: whole files or none, whatever the platform says in their place."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from daemon.core.model import Failure, Secret, Unknown
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.yemot.client import Access, Client
from daemon.yemot.downloads import Limits, download
from daemon.yemot.transport import Timeouts, Transport

TOKEN = "0770000000:demo"
PATH = "ivr2:/2/000.wav"
CONTENT = b"RIFF" + bytes(range(256)) * 900
SOON = timedelta(milliseconds=600)


@pytest.fixture
def system() -> SimulatedSystem:
    system = SimulatedSystem(now=utcnow)
    system.files.put("2/000.wav", CONTENT)
    return system


@pytest.fixture
def simulator(system: SimulatedSystem) -> Iterator[Simulator]:
    with Simulator({TOKEN: system}, now=utcnow) as one:
        yield one


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    transport = Transport(Timeouts(read=timedelta(seconds=5)), monotonic=monotonic)
    one = Client(Access(Secret(TOKEN), simulator.base_url), transport, now=utcnow)
    yield one
    one.close()


def fetched(client: Client, path: str = PATH, **more: Any) -> bytes | Unknown:
    into = BytesIO(b"what was there before")
    found = download(client, path, into, **more)
    if isinstance(found, Unknown):
        return found
    assert found == len(into.getvalue())
    return into.getvalue()


def failed(client: Client, path: str = PATH, **more: Any) -> Unknown:
    found = fetched(client, path, **more)
    assert isinstance(found, Unknown)
    return found


def test_a_file_comes_whole(client: Client) -> None:
    assert fetched(client, size=len(CONTENT)) == CONTENT


def test_an_empty_file_is_a_file(client: Client, system: SimulatedSystem) -> None:
    system.files.put("2/000.wav", b"")

    assert fetched(client, size=0) == b""


@pytest.mark.parametrize(
    "content", [b'{"a":1}', b"{" * 5000, b"<html>", b'{"responseStatus"' + b" " * 300_000]
)
def test_a_file_that_looks_like_an_answer_is_a_file(
    client: Client, system: SimulatedSystem, content: bytes
) -> None:
    system.files.put("2/000.wav", content)

    assert fetched(client) == content


def test_a_missing_file_is_said_by_a_404_or_in_words(client: Client, system: SimulatedSystem) -> None:
    system.files.remove("2/000.wav")
    first = failed(client)
    system.switches.is_missing_an_envelope = True
    second = failed(client)

    assert (first.failure, first.code) == (Failure.REFUSED, 404)
    assert (second.failure, "does not exist" in second.message) == (Failure.REFUSED, True)


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault.HTML, Failure.FILTERED),
        (Fault.TEAPOT, Failure.FILTERED),
        (Fault.SERVER_ERROR_TEXT, Failure.TOKEN_REJECTED),
        (Fault.TOKEN_INVALID, Failure.TOKEN_REJECTED),
        (Fault.THROTTLED, Failure.THROTTLED),
        (Fault.THROTTLED_STATUS, Failure.THROTTLED),
        (Fault.RESET, Failure.UNREACHABLE),
        (Fault.CUT, Failure.MALFORMED),
    ],
)
def test_what_comes_in_place_of_a_file_is_none(
    client: Client, simulator: Simulator, fault: Fault, failure: Failure
) -> None:
    simulator.faults.set("DownloadFile", fault)

    assert failed(client).failure is failure


def test_half_a_file_is_none(client: Client, simulator: Simulator) -> None:
    """HTTP is content; only the listing knows better."""
    simulator.faults.set("DownloadFile", Fault.TRUNCATED_JSON)

    assert "cut short" in failed(client, size=len(CONTENT)).message


def test_a_file_that_grew_since_it_was_listed_is_whole(client: Client) -> None:
    assert fetched(client, size=len(CONTENT) - 7) == CONTENT


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.DRIP_HEAD, Fault.DRIP_BODY, Fault.SLOW])
def test_a_file_that_does_not_come_is_given_up(client: Client, simulator: Simulator, fault: Fault) -> None:
    simulator.faults.set("DownloadFile", fault)

    assert failed(client, limits=Limits(total=SOON)).failure is Failure.TIMEOUT


def test_a_file_without_an_end_is_given_up(client: Client, simulator: Simulator) -> None:
    simulator.faults.set("DownloadFile", Fault.ENDLESS)

    assert "larger than 2 MiB" in failed(client, limits=Limits(most=2 * 1024 * 1024)).message


def test_one_that_is_announced_as_too_large_is_not_begun(client: Client) -> None:
    asked: list[int] = []

    def is_wanted() -> bool:
        asked.append(1)
        return True

    assert "larger than" in failed(client, limits=Limits(most=1000), is_wanted=is_wanted).message
    assert asked == []


def test_what_nobody_waits_for_any_more_ends_at_once(client: Client, simulator: Simulator) -> None:
    simulator.faults.set("DownloadFile", Fault.ENDLESS)
    wanted = iter([True, True])

    assert "nobody waits" in failed(client, is_wanted=lambda: next(wanted, False)).message


def test_a_disk_that_is_full_is_our_fault(client: Client) -> None:
    class Full(BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        download(client, PATH, Full())


def test_another_host_is_asked_where_there_is_one(simulator: Simulator) -> None:
    transport = Transport(Timeouts(), monotonic=monotonic)
    access = Access(Secret(TOKEN), "http://127.0.0.1:9/", simulator.base_url)
    one = Client(access, transport, now=utcnow)

    assert fetched(one) == CONTENT
    one.close()
