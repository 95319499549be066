"""`GET /api/v1/recordings/{event}` and `/r/{token}`, against the simulated platform and whatever it does."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon.core import recording_links
from daemon.core.model import Secret
from daemon.core.routing.plan import Interest
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.host.clock import monotonic
from daemon.operations import recordings
from daemon.simulator.faults import Fault
from daemon.store import subjects
from daemon.web.auth import Token
from daemon.web.dependencies import Scheduled
from daemon.web.reach import Reach
from daemon.yemot.downloads import Limits
from tests.support import stores
from tests.support.fakes import START
from tests.support.http_app import ADMIN, COMMANDER, READER, Setting
from tests.support.recorded import Recorded, told

KEY = b"the key of the links in tests..."
CONTENT = b"RIFF" + bytes(range(256)) * 100
DAY = timedelta(days=1)
PATIENCE = 10.0
LISTENER = "token-of-a-listener"
WHERE = "/api/v1/recordings/evt_1"
ENDPOINT = "ops/dana@example.org"


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    one = Recorded(tmp_path, limits=Limits(most=1024 * 1024, total=timedelta(seconds=1)))
    yield one
    one.close()


@pytest.fixture
def setting(tmp_path: Path, recorded: Recorded) -> Iterator[Setting]:
    one = Setting(
        stores.on_file(tmp_path / "web.db"),
        recordings=recorded,
        recording_key=KEY,
        interests=[Interest(ENDPOINT, ("*",), None)],
        reach=lambda: Reach(base="https://phones.example.org", recording_links=DAY),
    )
    one.tokens.append(Token("listener", Secret(LISTENER), frozenset({"content"})))
    told(one.database, recorded.record(CONTENT))
    yield one
    one.database.close()


def get(setting: Setting, path: str = WHERE, token: str = LISTENER, **headers: str) -> Any:
    return setting.holder(token).get(
        path, headers={name.replace("_", "-"): one for name, one in headers.items()}
    )


def test_a_recording_comes_whole_with_its_kind(setting: Setting) -> None:
    answer = get(setting)
    head = setting.holder(LISTENER).head(WHERE)

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'inline; filename="evt_1.wav"'
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(CONTENT)))


@pytest.mark.parametrize(
    ("asked", "begin", "end"), [("bytes=0-3", 0, 4), ("bytes=100-", 100, None), ("bytes=-5", -5, None)]
)
def test_a_part_of_it_is_a_part(setting: Setting, asked: str, begin: int, end: int | None) -> None:
    answer = get(setting, range=asked)

    assert (answer.status_code, answer.content) == (206, CONTENT[begin:end])
    first = begin % len(CONTENT)
    last = first + len(answer.content) - 1
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(CONTENT)}"


def test_bytes_behind_its_end_are_a_416(setting: Setting) -> None:
    answer = get(setting, range=f"bytes={len(CONTENT)}-")

    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_range_of_another_file_is_the_whole(setting: Setting) -> None:
    tag = get(setting).headers["etag"]

    assert get(setting, range="bytes=0-3", if_range=tag).status_code == 206
    assert get(setting, range="bytes=0-3", if_range='"other"').status_code == 200


def test_pieces_are_asked_of_the_platform_once(setting: Setting, recorded: Recorded) -> None:
    for begin in range(0, 400, 100):
        get(setting, range=f"bytes={begin}-{begin + 99}")

    assert recorded.system.request_counts["DownloadFile"] == 1


def test_who_may_read_only_may_not_listen(setting: Setting) -> None:
    assert [get(setting, token=one).status_code for one in (READER, COMMANDER, ADMIN)] == [403, 403, 200]
    assert setting.anybody.get(WHERE).status_code == 401


def test_each_fetch_is_audited(setting: Setting) -> None:
    with capture_logs() as logs:
        get(setting)
        get(setting, "/api/v1/recordings/evt_99")

    found = [
        (one["token"], one["action"], one["target"], one["status"])
        for one in logs
        if one["event"] == "http.audit"
    ]
    assert found == [
        ("listener", "recording.fetch", "evt_1", 200),
        ("listener", "recording.fetch", "evt_99", 404),
    ]


def test_an_event_that_tells_of_no_file_has_none(setting: Setting) -> None:
    told(setting.database, None, number=7)

    for event in ("evt_1x", "evt_7", "evt_1000"):
        answer = get(setting, f"/api/v1/recordings/{event}")
        assert (answer.status_code, answer.json()["title"]) == (404, "There is no such thing")


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.HTML, 502),
        (Fault.TEAPOT, 502),
        (Fault.SERVER_ERROR, 502),
        (Fault.TOKEN_INVALID, 502),
        (Fault.CUT, 502),
        (Fault.TRUNCATED_JSON, 502),
        (Fault.RESET, 502),
        (Fault.ENDLESS, 502),
        (Fault.DRIP_BODY, 504),
        (Fault.HANG, 504),
        (Fault.THROTTLED, 503),
        (Fault.NOT_SUPPORTED, 404),
    ],
)
def test_each_fault_of_the_platform_is_a_problem(
    setting: Setting, recorded: Recorded, fault: Fault, status: int
) -> None:
    recorded.simulator.faults.set("DownloadFile", fault)
    answer = get(setting)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "0770000000:demo" not in answer.text
    assert ("retry-after" in answer.headers) is (status == 503)
    recorded.simulator.faults.clear()
    assert get(setting).status_code == 200


@pytest.mark.parametrize("is_envelope", [False, True])
def test_a_file_that_is_gone_is_a_404(setting: Setting, recorded: Recorded, is_envelope: bool) -> None:
    recorded.system.switches.is_missing_an_envelope = is_envelope
    recorded.system.files.remove("2/000.wav")
    answer = get(setting)

    assert (answer.status_code, "not in its folder" in answer.json()["detail"]) == (404, True)


def test_a_file_that_was_renumbered_is_found_and_another_in_its_place_is_not_given(
    setting: Setting, recorded: Recorded
) -> None:
    recorded.system.files.move("2/000.wav", "2/001.wav")
    recorded.record(b"another", "000.wav")
    first = get(setting)
    recorded.downloads.close()
    recorded.system.files.remove("2/001.wav")

    assert first.content == CONTENT


def test_another_in_its_place_is_none(setting: Setting, recorded: Recorded) -> None:
    recorded.system.files.remove("2/000.wav")
    recorded.record(b"another", "000.wav")

    assert get(setting).status_code == 404


def test_where_the_folder_may_not_be_listed_the_size_is_compared(
    setting: Setting, recorded: Recorded
) -> None:
    recorded.simulator.faults.set("GetIVR2Dir", Fault.NOT_SUPPORTED)
    same = get(setting)
    told(setting.database, recorded_other(recorded), number=2)
    recorded.system.files.remove("2/001.wav")
    recorded.system.files.put("2/001.wav", CONTENT + b"more")
    other = get(setting, "/api/v1/recordings/evt_2")

    assert (same.status_code, other.status_code) == (200, 404)


def recorded_other(recorded: Recorded) -> Any:
    recorded.simulator.faults.clear()
    file = recorded.record(CONTENT, "001.wav")
    recorded.simulator.faults.set("GetIVR2Dir", Fault.NOT_SUPPORTED)
    return file


def test_a_fifth_at_a_time_is_told_to_come_again(setting: Setting, recorded: Recorded) -> None:
    for number in range(2, 7):
        told(setting.database, recorded.record(CONTENT, f"{number:03}.wav"), number=number)
    recorded.simulator.faults.set("DownloadFile", Fault.HANG)
    with setting.database.read() as db:
        waiting = [recorded.downloads.hold(recordings.find(db, f"evt_{number}")) for number in range(2, 6)]
    answer = get(setting, "/api/v1/recordings/evt_6")
    for one in waiting:
        one.release()

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_who_leaves_ends_the_download(setting: Setting, recorded: Recorded) -> None:
    """As the server says it: the app is asked without a client of tests, which never leaves."""
    recorded.simulator.faults.set("DownloadFile", Fault.ENDLESS)
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": WHERE,
        "raw_path": WHERE.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"host", b"testserver"), (b"authorization", f"Bearer {LISTENER}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    recorded.limits = Limits(most=1 << 40, total=timedelta(seconds=60))
    asyncio.run(asyncio.wait_for(setting.app(scope, receive, send), 20))
    until = monotonic() + PATIENCE
    while recorded.downloads.under_way and monotonic() < until:
        threading.Event().wait(0.01)

    assert sent[0]["status"] == 503
    assert recorded.downloads.under_way == 0


def test_a_disk_that_is_full_is_a_503(setting: Setting, recorded: Recorded) -> None:
    recorded.folder = recorded.folder / "gone"
    answer = get(setting)

    assert (answer.status_code, "cannot be kept here" in answer.json()["detail"]) == (503, True)


def link(event: str = "evt_1", endpoint: str = ENDPOINT, key: bytes = KEY) -> str:
    return recording_links.path(key, event, endpoint, START)


def test_a_link_gives_the_recording_to_who_has_it(setting: Setting) -> None:
    with capture_logs() as logs:
        answer = setting.anybody.get(link())
        part = setting.anybody.get(link(), headers={"range": "bytes=0-3"})

    assert (answer.status_code, answer.content, part.content) == (200, CONTENT, CONTENT[:4])
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    audits = [one for one in logs if one["event"] == "http.audit"]
    assert [(one["token"], one["target"]) for one in audits] == [(f"link of {ENDPOINT}", "evt_1")] * 2
    assert link().removeprefix("/r/") not in str(logs)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (link(key=b"another key of another daemon..."), 404),
        (link(endpoint="gone/x@example.org"), 404),
        (link("evt_99"), 404),
        ("/r/nonsense", 404),
    ],
)
def test_a_link_that_is_none_leads_nowhere(setting: Setting, path: str, status: int) -> None:
    answer = setting.anybody.get(path)

    assert answer.status_code == status
    assert path.removeprefix("/r/") not in answer.text or path == "/r/nonsense"


def test_a_link_ends_by_itself_or_where_links_are_switched_off(setting: Setting) -> None:
    setting.now = lambda: START + DAY
    setting.__post_init__()
    expired = setting.anybody.get(link()).status_code
    setting.reach = lambda: Reach(base="https://phones.example.org")
    off = setting.anybody.get(link()).status_code

    assert (expired, off) == (410, 404)


def test_a_link_is_revoked_for_good(setting: Setting) -> None:
    refused = setting.holder(LISTENER).delete(f"{WHERE}/links").status_code
    revoked = setting.admin.delete(f"{WHERE}/links")
    again = setting.admin.delete(f"{WHERE}/links")

    assert (refused, revoked.status_code, setting.anybody.get(link()).status_code) == (403, 200, 410)
    assert revoked.json() == again.json() == {"event": "evt_1", "revoked_at": "2026-03-01T12:01:00.000Z"}
    assert get(setting).status_code == 200
    assert setting.admin.delete("/api/v1/recordings/evt_99/links").status_code == 404


def test_guessing_is_slow(setting: Setting) -> None:
    codes = [setting.anybody.get(f"/r/guess{number}").status_code for number in range(12)]

    assert codes == [404] * 10 + [429] * 2


@pytest.mark.parametrize("language", ["en", "he"])
def test_the_page_of_a_folder_has_players_for_who_may_listen(setting: Setting, language: str) -> None:
    with setting.database.write() as db:
        seen = Subject("directory/2", SubjectKind.DIRECTORY, SubjectState.UP, metrics={"content_files": 1})
        subjects.save(db, ("main", "directory/2"), [seen], START, None)
    setting.schedule = [Scheduled("main", "directory/2", timedelta(minutes=1), None)]
    where = "/systems/main/directory/2"
    listener = setting.visitor("listener", language=language).get(where)
    reader = setting.visitor("reader", language=language).get(where)

    assert [one.status_code for one in (listener, reader)] == [200, 200]
    assert f'src="{WHERE}"' in listener.text
    assert "media-src 'self'" in listener.headers["content-security-policy"]
    assert WHERE not in reader.text
    assert "000.wav" in reader.text


def test_a_session_of_the_page_plays_it(setting: Setting) -> None:
    assert setting.visitor("listener").get(WHERE, headers={"range": "bytes=0-3"}).content == CONTENT[:4]
    assert setting.visitor("reader").get(WHERE).status_code == 403
