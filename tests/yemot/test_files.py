"""The files of a folder: newest first, as many as it takes, and never a guess which are all."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.files import File, Listed, made, minute
from daemon.core.model import Failure, Secret, Unknown
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.files import Tone
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.yemot.client import Access, Client
from daemon.yemot.files import FIRST, files_of, listing, newest, widened
from daemon.yemot.reads import Read
from daemon.yemot.transport import Timeouts, Transport

TOKEN = "0770000000:demo"
FILE: dict[str, Any] = {
    "exists": True,
    "name": "017.wav",
    "uniqueId": "u-17",
    "what": "ivr2:/4/017.wav",
    "fileType": "AUDIO",
    "size": 160044,
    "mtime": "03/05/2026 10:14",
    "durationStr": "00:10",
    "date": "03/05/2026 10:13",
    "source": "Phone",
    "phone": "0500000001",
}


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem(now=utcnow)


@pytest.fixture
def client(system: SimulatedSystem) -> Iterator[Client]:
    with Simulator({TOKEN: system}, now=utcnow) as simulator:
        transport = Transport(Timeouts(), monotonic=monotonic)
        one = Client(Access(Secret(TOKEN), simulator.base_url), transport, now=utcnow)
        yield one
        one.close()


def answer(*files: Any, **more: Any) -> dict[str, Any]:
    return {"responseStatus": "OK", "extIni": {"type": "record"}, "files": list(files), **more}


def found_in(data: dict[str, Any]) -> Listed:
    found = files_of(data)
    assert isinstance(found, Listed)
    return found


def fill(system: SimulatedSystem, *ages: int) -> None:
    now = utcnow().replace(second=0)
    for index, age in enumerate(ages):
        system.files.put(f"2/{index:04}.wav", Tone(1), now - timedelta(minutes=age))


def names(found: Listed | Unknown) -> list[str]:
    assert isinstance(found, Listed)
    return [one.name for one in found.files]


def test_a_file_is_read_as_it_is_shown() -> None:
    (file,) = found_in(answer(FILE)).files

    assert file.identity == ("017.wav", "u-17", 160044, "03/05/2026 10:13")
    assert (file.path, file.phone, file.suffix) == ("ivr2:/4/017.wav", "0500000001", "wav")
    assert str(made(file)) == "2026-05-03 10:13:00"


@pytest.mark.parametrize("files", [None, "x", 7, {"a": 1}, [{}], [7]])
def test_what_lists_no_files_is_no_empty_folder(files: Any) -> None:
    found = files_of({"files": files})

    assert isinstance(found, Unknown)
    assert found.failure is Failure.MALFORMED
    assert isinstance(files_of({}), Unknown)


def test_an_empty_folder_is_whole() -> None:
    assert found_in(answer()) == Listed((), is_whole=True, is_sorted=False, type="record")


@pytest.mark.parametrize("name", ["../7.wav", "a/b.wav", "..", "x" * 300])
def test_a_name_that_leads_elsewhere_is_none_of_this_folder(name: str) -> None:
    found = found_in(answer(FILE, {**FILE, "name": name}))

    assert names(found) == ["017.wav"]


def test_what_is_said_not_to_exist_is_left_out() -> None:
    assert names(found_in(answer(FILE, {**FILE, "name": "018.wav", "exists": "0"}))) == ["017.wav"]


@pytest.mark.parametrize(
    "said", ["", "2026-05-03 10:14", "32/01/2026 10:14", "03/05/2026", "03/05/2026 10:14 x", None]
)
def test_a_date_that_says_nothing_is_none(said: str | None) -> None:
    assert minute(said) is None


@given(st.lists(st.integers(0, 30), max_size=8))
def test_files_are_sorted_again_and_the_order_is_judged(minutes: list[int]) -> None:
    rows = [{**FILE, "name": f"{n}.wav", "date": f"03/05/2026 10:{m:02}"} for n, m in enumerate(minutes)]
    found = found_in(answer(*rows))

    shown = [int((one.date or "")[-2:]) for one in found.files]
    assert shown == sorted(minutes, reverse=True)
    assert found.is_sorted == (bool(minutes) and minutes == shown)


def test_a_log_without_a_date_may_stand_anywhere_and_alone_says_nothing() -> None:
    log = {"name": "ApprovalAll.ymgr", "size": 9, "mtime": "01/01/2020 00:00"}

    assert found_in(answer(log, FILE)).is_sorted
    assert not found_in(answer(log)).is_sorted


@pytest.mark.parametrize(
    ("files", "folders", "is_whole"),
    [(1, 0, True), (2, 0, False), (3, 0, True), (0, 2, False), (1, 1, False), (1, 5, True)],
)
def test_whether_a_page_is_all_is_not_believed_where_folders_may_count(
    files: int, folders: int, is_whole: bool
) -> None:
    rows = [{**FILE, "name": f"{one}.wav"} for one in range(files)]
    found = listing("2", 2).parse(answer(*rows, dirs=[{"name": str(one)} for one in range(folders)]))

    assert isinstance(found, Listed)
    assert found.is_whole is is_whole


def test_it_asks_twice_as_far_until_it_is_enough(client: Client, system: SimulatedSystem) -> None:
    fill(system, *range(100))
    asked: list[int] = []

    def ask(read: Read[Listed]) -> Listed | Unknown:
        asked.append(int(read.params.get("filesLimit", 0)))
        return client.read(read)

    found = newest(ask, "/2", lambda one: len(one.files) >= 40)

    assert asked == [FIRST, 2 * FIRST, 4 * FIRST]
    assert names(found)[:2] == ["0000.wav", "0001.wav"]
    assert isinstance(found, Listed)
    assert not found.is_whole
    whole = newest(client.read, "/2", lambda one: False)
    assert isinstance(whole, Listed)
    assert (len(whole.files), whole.is_whole) == (100, True)


def test_a_server_that_does_not_sort_is_asked_for_everything(client: Client, system: SimulatedSystem) -> None:
    fill(system, *range(60))
    system.switches.is_unsorted = True
    found = newest(client.read, "2", lambda one: True)

    assert len(names(found)) == 60
    assert system.request_counts["GetIVR2Dir"] == 2


def test_what_was_answered_first_is_not_asked_again(client: Client, system: SimulatedSystem) -> None:
    fill(system, *range(40))
    first = client.read(listing("2", FIRST))
    assert isinstance(first, Listed)
    before = system.request_counts["GetIVR2Dir"]

    assert widened(client.read, "2", first, lambda one: True) == first
    assert system.request_counts["GetIVR2Dir"] == before
    assert len(names(widened(client.read, "2", first, lambda one: False))) == 40


def test_a_missing_folder_is_refused(client: Client) -> None:
    found = newest(client.read, "/77", lambda one: True)

    assert isinstance(found, Unknown)
    assert found.failure is Failure.REFUSED


def test_the_same_file_has_the_same_identity() -> None:
    blank = File("1.wav", None, None, None, None, None, None, None, None)

    assert blank.identity == ("1.wav", None, None, None)
    assert blank.suffix == "wav"
