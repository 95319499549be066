"""The files of every folder: put, grown, moved and removed, as three methods of the API show them."""

import wave
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import requests

from daemon.core.model import Json
from daemon.host.clock import utcnow
from daemon.simulator.answers import answer
from daemon.simulator.faults import Fault
from daemon.simulator.file_answers import Content
from daemon.simulator.files import Tone
from daemon.simulator.server import Simulator
from daemon.simulator.spelling import SimulationError
from daemon.simulator.system import ApiRequest, SimulatedSystem
from daemon.simulator.tones import BYTES_A_SECOND

TOKEN = "0770000000:demo"
LOG = "Log/LogQueueAll.2026-11-30.ymgr"


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem(now=utcnow)


@pytest.fixture
def simulator(system: SimulatedSystem) -> Iterator[Simulator]:
    with Simulator({TOKEN: system}, now=utcnow) as one:
        yield one


def ask(system: SimulatedSystem, method: str, **params: Json) -> Any:
    return answer(system, ApiRequest(method, params, utcnow()))


def fetch(simulator: Simulator, path: str) -> requests.Response:
    return requests.get(
        simulator.base_url + "DownloadFile", {"path": path, "token": TOKEN}, timeout=10, allow_redirects=False
    )


def test_a_log_grows_in_a_folder_that_nobody_made(system: SimulatedSystem) -> None:
    system.files.append(LOG, b"Phone#0500000001\n")
    before = ask(system, "GetIVR2Dir", path="/Log")["files"]
    system.files.append(LOG, b"Phone#0500000002\n")
    (after,) = ask(system, "GetIVR2Dir", path="Log/")["files"]

    assert [(one["name"], one["size"]) for one in before] == [("LogQueueAll.2026-11-30.ymgr", 17)]
    assert (after["size"], after["uniqueId"]) == (34, before[0]["uniqueId"])
    assert "phone" not in after
    assert ask(system, "GetTextFile", what=f"ivr2:/{LOG}")["contents"].count("\n") == 2


def test_what_was_put_is_shown_as_it_was_said(system: SimulatedSystem) -> None:
    at = utcnow() - timedelta(days=1)
    system.files.put("/2/005.wav", Tone(3), at, phone="0541234567", uniqueId="u-5", date=None)
    (file,) = ask(system, "GetIVR2Dir", path="2")["files"]

    assert (file["phone"], file["uniqueId"], file["date"]) == ("0541234567", "u-5", None)
    assert (file["size"], file["durationStr"]) == (3 * BYTES_A_SECOND, "00:03")


def test_settings_and_pages_are_no_files(system: SimulatedSystem) -> None:
    for name in ("ext.ini", "index.html", "000.wav"):
        system.files.put(f"2/{name}", b"x")
    found = ask(system, "GetIVR2Dir", path="2")

    assert {key: [one["name"] for one in found[key]] for key in ("ini", "html", "files")} == {
        "ini": ["ext.ini"],
        "html": ["index.html"],
        "files": ["000.wav"],
    }


def test_a_recording_is_a_file_and_can_be_played(system: SimulatedSystem) -> None:
    name = system.directory("/2").add_recording("0541234567", seconds=2)
    content = ask(system, "DownloadFile", path=f"ivr2:/2/{name}")

    assert len(content.body) == 2 * BYTES_A_SECOND
    with wave.open(BytesIO(content.body)) as sound:
        assert (sound.getframerate(), round(sound.getnframes() / sound.getframerate())) == (8000, 2)


def test_a_file_that_moves_keeps_all_but_its_name(system: SimulatedSystem) -> None:
    made = system.files.put("2/000.wav", Tone(1))
    moved = system.files.move("2/000.wav", "3/007.wav")

    assert (moved.path, moved.unique_id, moved.at) == ("3/007.wav", made.unique_id, made.at)
    assert system.files.move("3/007.wav", "3/008.wav", unique_id="other").unique_id == "other"
    with pytest.raises(SimulationError):
        system.files.get("2/000.wav")


def test_the_newest_come_first_and_equal_minutes_in_no_order(system: SimulatedSystem) -> None:
    now = utcnow().replace(day=28, second=0)
    for index, age in enumerate((40, 0, 0, 20)):  # days: of another month, so not in the order of the text
        system.files.put(f"2/{index:03}.wav", Tone(1), now - timedelta(days=age))
    newest = [
        one["name"]
        for one in ask(system, "GetIVR2Dir", path="2", orderBy="date", orderDir="desc", filesLimit=3)["files"]
    ]

    assert set(newest[:2]) == {"001.wav", "002.wav"}
    assert newest[2] == "003.wav"


@pytest.mark.parametrize(("is_envelope", "status"), [(False, 404), (True, 200)])
def test_a_missing_file_is_a_404_or_an_error_in_a_200(
    simulator: Simulator, system: SimulatedSystem, is_envelope: bool, status: int
) -> None:
    system.switches.is_missing_an_envelope = is_envelope
    answered = fetch(simulator, "ivr2:/2/000.wav")

    assert answered.status_code == status
    assert ("json" in answered.headers["content-type"]) is is_envelope


def test_a_download_is_the_bytes_or_what_a_fault_makes_of_it(
    simulator: Simulator, system: SimulatedSystem
) -> None:
    system.files.put("2/000.wav", b"RIFF" + bytes(range(256)))
    whole = fetch(simulator, "ivr2:2/000.wav")
    simulator.faults.set("DownloadFile", Fault.HTML)
    filtered = fetch(simulator, "ivr2:/2/000.wav")
    simulator.faults.set("DownloadFile", Fault.TRUNCATED_JSON)
    half = fetch(simulator, "ivr2:/2/000.wav")

    assert (whole.content, whole.headers["content-type"]) == (
        b"RIFF" + bytes(range(256)),
        "application/octet-stream",
    )
    assert filtered.headers["content-type"].startswith("text/html")
    assert half.content == whole.content[:130]


def test_no_file_is_worth_no_bytes(system: SimulatedSystem) -> None:
    missing = ask(system, "DownloadFile", path="2")

    assert isinstance(missing, Content)
    assert missing.status == 404
    assert ask(system, "GetTextFile", what="2/x.txt")["responseStatus"] == "ERROR"
    with pytest.raises(SimulationError):
        system.files.put("/", b"")
