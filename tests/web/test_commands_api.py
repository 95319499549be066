"""Commands over HTTP, called without a socket: given, refused, read, waited for, cancelled."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from daemon.core.commands.command import Command, Error, Status
from daemon.core.commands.command_types import TYPES
from daemon.core.commands.policy import Policy
from daemon.core.model import Json
from daemon.schemas import command_requests
from daemon.schemas.wording import faults as reported
from daemon.store import inbox
from daemon.web.limits import LARGEST_BODY
from daemon.web.waiting import Endings
from tests.support import stores
from tests.support.commanding import BRIDGE, KICK, PAUSE, READ
from tests.support.offices import PATH, Window

JSON = {"content-type": "application/json"}
PATIENCE = 10
"""Seconds after which a test is given up."""


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    one = Window(stores.on_file(tmp_path / "web.db"))
    yield one
    one.database.close()


def faults(answer: Any) -> dict[str, str]:
    """Of a refusal, by the names of the fields; every fault is in the detail, too."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    found = {one["name"]: one["reason"] for one in document.get("faults", [])}
    assert all(reason in document["detail"] for reason in found.values())
    return found


def test_a_command_is_accepted_and_says_where_it_is_to_be_found(window: Window) -> None:
    answer = window.crm.post(PATH, json={"system": "main", **KICK})
    document = answer.json()

    assert (answer.status_code, answer.headers["location"]) == (202, f"{PATH}/cmd_1")
    assert "idempotency-replayed" not in answer.headers
    assert document == {
        "id": "cmd_1",
        "type": "queue.kick",
        "system": "main",
        "params": {"queue_path": "/5", "call_ids": ["a"]},
        "status": "queued",
        "created_by": "crm",
        "created_at": "2026-03-01T12:00:00.000Z",
        "not_before": "2026-03-01T12:00:00.000Z",
        "expires_at": "2026-03-01T13:00:00.000Z",
        "on_holiday": "fail",
        "idempotency_key": None,
        "estimated_units": None,
        "attempts": 0,
        "is_doubtful": False,
        "started_at": None,
        "ended_at": None,
        "result": None,
        "error": None,
        "check": None,
        "due_at": "2026-03-01T12:00:00.000Z",
    }
    assert window.crm.get(answer.headers["location"]).json() == document
    assert window.woken == 1


def test_who_gave_a_command_is_who_held_the_token(window: Window) -> None:
    by_admin = window.admin.post(PATH, json={"system": "main", **PAUSE}).json()

    assert (window.give(PAUSE)["created_by"], by_admin["created_by"]) == ("crm", "admin")


def test_the_same_key_is_the_same_command(window: Window) -> None:
    headers = {"idempotency-key": "order-1"}
    answers = [window.crm.post(PATH, json={"system": "main", **BRIDGE}, headers=headers) for _ in range(3)]

    assert [one.status_code for one in answers] == [202] * 3
    assert {one.json()["id"] for one in answers} == {"cmd_1"}
    assert {one.json()["idempotency_key"] for one in answers} == {"order-1"}
    assert {one.headers["location"] for one in answers} == {f"{PATH}/cmd_1"}
    assert [one.headers.get("idempotency-replayed") for one in answers] == [None, "true", "true"]
    assert window.count() == 1


def test_a_key_that_was_used_for_something_else_is_a_fault_of_the_key(window: Window) -> None:
    window.give(PAUSE, **{"idempotency-key": "k"})
    answer = window.crm.post(PATH, json={"system": "main", **KICK}, headers={"idempotency-key": "k"})

    assert answer.status_code == 422
    assert answer.json()["title"] == "The Idempotency-Key was used for something else"
    assert list(faults(answer)) == ["Idempotency-Key"]
    assert window.count() == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
def test_a_key_that_is_none_is_refused(window: Window, key: str) -> None:
    answer = window.crm.post(
        PATH, json={"system": "main", **PAUSE}, headers=[(b"idempotency-key", key.encode("latin-1"))]
    )

    assert answer.status_code == 422
    assert faults(answer) == {
        "idempotency-key": "expected 1 to 255 ASCII letters, digits and signs, without blanks"
    }


def test_every_fault_is_named_and_nothing_is_kept(window: Window) -> None:
    wrong = {"phones": ["0501234567", "5"], "ivr_path": "..", "calls_timeout": 36, "why": 1}
    answer = window.crm.post(PATH, json={"system": "main", **BRIDGE, "params": wrong, "not_before": "soon"})

    assert answer.status_code == 422
    assert answer.json()["title"] == "The request is wrong"
    assert set(faults(answer)) == {
        *("params.phones.1", "params.ivr_path", "params.calls_timeout", "params.why"),
        "not_before",
    }
    assert (window.count(), window.woken) == (0, 0)


def test_faults_are_those_of_the_command_line(window: Window) -> None:
    document: dict[str, Json] = {"system": "main", "type": "queue.kick", "params": {"queue_path": 5, "x": 1}}
    with pytest.raises(ValidationError) as refused:
        command_requests.parse(document)

    assert faults(window.crm.post(PATH, json=document)) == dict(
        reported(refused.value.errors(), command_requests.TAGS)
    )


@pytest.mark.parametrize(("who", "status"), [("anybody", 401), ("robot", 403), ("reader", 403)])
def test_only_who_may_command_gives_and_cancels(window: Window, who: str, status: int) -> None:
    given = window.give(PAUSE)["id"]
    client = getattr(window, who)
    answers = [client.post(PATH, json={"system": "main", **PAUSE}), client.post(f"{PATH}/{given}/cancel")]

    assert [one.status_code for one in answers] == [status] * 2
    assert all(one.headers["content-type"] == "application/problem+json" for one in answers)
    assert window.count() == 1
    assert window.crm.get(f"{PATH}/{given}").json()["status"] == "queued"


@pytest.mark.parametrize(
    ("who", "status"), [("anybody", 401), ("robot", 403), ("reader", 200), ("crm", 200), ("admin", 200)]
)
def test_who_may_read_sees_commands(window: Window, who: str, status: int) -> None:
    given = window.give(PAUSE)["id"]
    client = getattr(window, who)

    assert client.get(PATH).status_code == client.get(f"{PATH}/{given}").status_code == status


def test_what_the_configuration_does_not_name_is_refused(window: Window) -> None:
    answer = window.crm.post(PATH, json={**PAUSE, "system": "branch"})

    assert (answer.status_code, answer.json()["title"]) == (403, "The system does not take this command")
    assert list(faults(answer)) == ["type"]


def test_the_configuration_that_counts_is_that_in_force(window: Window) -> None:
    window.give(PAUSE)
    window.policies = {"main": Policy()}

    assert window.crm.post(PATH, json={"system": "main", **PAUSE}).status_code == 403


def test_a_system_that_is_not_there_is_a_fault_with_a_hint(window: Window) -> None:
    answer = window.crm.post(PATH, json={**PAUSE, "system": "mian"})

    assert (answer.status_code, answer.json()["title"]) == (422, "There is no such system")
    assert faults(answer) == {"system": 'no system is called "mian"; did you mean "main"?'}


def test_what_has_expired_already_is_refused(window: Window) -> None:
    answer = window.crm.post(PATH, json={**PAUSE, "system": "main", "expires_at": "2026-03-01T11:00:00Z"})

    assert (answer.status_code, answer.json()["title"]) == (422, "It is too late for it")
    assert faults(answer) == {"expires_at": "has passed already"}


def test_what_the_budget_does_not_hold_is_a_conflict(window: Window) -> None:
    for _ in range(2):
        window.give(BRIDGE)
    answer = window.crm.post(PATH, json={"system": "main", **BRIDGE})

    assert answer.status_code == 409
    assert answer.json()["title"] == "It would cost more than is left today"
    assert "0.6 are left" in faults(answer)["params.phones"]
    assert window.count() == 2


@pytest.mark.parametrize("query", ["dry_run=true", "dry_run=1", "dry_run=yes"])
def test_a_dry_run_says_what_it_would_be_and_leaves_nothing(window: Window, query: str) -> None:
    answer = window.crm.post(
        f"{PATH}?{query}", json={"system": "main", **BRIDGE}, headers={"idempotency-key": "k"}
    )

    assert answer.status_code == 200
    assert answer.json() == {
        "type": "campaign.bridge",
        "system": "main",
        "params": {"phones": "0501234567:0501234568", "ivr_path": "ivr2:/1"},
        "cost": {
            "numbers": 2,
            "is_exact": True,
            "dialling": 0.2,
            "units": 1.2,
            "per_minute": 1.0,
            "parts": None,
            "day": "2026-03-01",
            "budget_left": 1.8,
        },
        "not_before": "2026-03-01T12:00:00.000Z",
        "expires_at": "2026-03-01T13:00:00.000Z",
    }
    assert "location" not in answer.headers
    assert (window.count(), window.woken) == (0, 0)


def test_a_dry_run_is_refused_as_the_command_would_be(window: Window) -> None:
    window.policies = {"main": Policy(("*",), 1.0)}

    assert window.crm.post(f"{PATH}?dry_run=1", json={"system": "main", **BRIDGE}).status_code == 409
    assert window.reader.post(f"{PATH}?dry_run=1", json={"system": "main", **BRIDGE}).status_code == 403


@pytest.mark.parametrize(
    ("query", "faulty"),
    [("dry-run=true", "dry-run"), ("dryRun=true", "dryRun"), ("dry_run=perhaps", "dry_run")],
)
def test_a_dry_run_that_is_misspelled_dials_nobody(window: Window, query: str, faulty: str) -> None:
    answer = window.crm.post(f"{PATH}?{query}", json={"system": "main", **BRIDGE})

    assert (answer.status_code, list(faults(answer))) == (422, [faulty])
    assert window.count() == 0


def test_commands_are_paged_newest_first(window: Window) -> None:
    given = [window.give(PAUSE)["id"] for _ in range(5)]
    shown: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    for _ in range(3):
        page = window.reader.get(PATH, params=query).json()
        shown += [one["id"] for one in page["commands"]]
        query["before"] = page["next"]

    assert shown == given[::-1]
    assert (page["has_more"], page["next"]) == (False, None)
    assert window.reader.get(PATH, params={"before": given[0]}).json() == {
        "commands": [],
        "next": None,
        "has_more": False,
    }


def test_commands_are_narrowed(window: Window) -> None:
    kick, pause = window.give(KICK)["id"], window.give(PAUSE)["id"]
    read = window.give({**READ, "system": "branch"})["id"]
    window.end(kick, Status.FAILED)

    def ids(**query: str) -> list[str]:
        return [one["id"] for one in window.reader.get(PATH, params=query).json()["commands"]]

    assert ids(system="main") == [pause, kick]
    assert ids(status="failed") == [kick]
    assert ids(type="queue.*") == [pause, kick]
    assert ids(type="sip.accounts") == ids(system="branch") == [read]
    assert ids(type="queue.*", status="queued", system="main") == [pause]
    assert ids(system="nobody") == ids(type="%") == []


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("limit=0", 422, "limit"),
        ("limit=1001", 422, "limit"),
        ("limit=many", 422, "limit"),
        ("limit=" + "9" * 5000, 422, "limit"),
        ("status=done", 422, "status"),
        ("system=" + "x" * 501, 422, "system"),
        ("before=cmd_0", 400, "cmd_0"),
        ("before=%00", 422, "before"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_which_part(
    window: Window, query: str, status: int, word: str
) -> None:
    answer = window.reader.get(f"{PATH}?{query}")

    assert answer.status_code == status
    assert word in answer.json()["detail"]
    assert "Input should" not in answer.text


@pytest.mark.parametrize("command", ["cmd_0", "%ff", "א", "'", "x" * 500])
def test_a_command_that_is_not_kept_is_not_found(window: Window, command: str) -> None:
    for answer in (
        window.crm.get(f"{PATH}/{command}"),
        window.crm.get(f"{PATH}/{command}", params={"wait": "50ms"}),
        window.crm.post(f"{PATH}/{command}/cancel"),
    ):
        assert (answer.status_code, answer.json()["title"]) == (404, "There is no such command")


def test_what_came_of_a_command_is_shown_whole(window: Window) -> None:
    given = window.give(BRIDGE)["id"]
    error = Error("timeout", "no answer within 5 s")
    window.end(given, Status.UNKNOWN, attempts=1, result={"x": ["שלום"]}, error=error)
    document = window.reader.get(f"{PATH}/{given}").json()

    assert (document["status"], document["attempts"], document["result"]) == ("unknown", 1, {"x": ["שלום"]})
    assert document["error"] == {"class": "timeout", "message": "no answer within 5 s", "code": None}
    assert document["ended_at"] == "2026-03-01T12:01:00.000Z"
    assert "look at the campaigns" in document["check"]


class Bell(Endings):
    """Endings that say when somebody has begun to wait, after he looked."""

    def __init__(self) -> None:
        super().__init__()
        self.is_waited_for = threading.Semaphore(0)

    def listen(self) -> asyncio.Event:
        event = _Announced(self.is_waited_for)
        with self._lock:
            self._waiting.add((asyncio.get_running_loop(), event))
        return event


class _Announced(asyncio.Event):
    def __init__(self, announced: threading.Semaphore) -> None:
        super().__init__()
        self._announced = announced

    async def wait(self) -> Any:
        self._announced.release()
        return await super().wait()


@pytest.fixture
def bell(window: Window) -> Bell:
    """The window with a bell that can be watched."""
    one = Bell()
    window.endings = one
    window.__post_init__()
    return one


@pytest.fixture
def asking(window: Window) -> Iterator[Callable[..., Future[Any]]]:
    """Ask for a command in a thread of its own."""
    with ThreadPoolExecutor() as threads:
        yield lambda command, wait: threads.submit(
            lambda: window.reader.get(f"{PATH}/{command}", params={"wait": wait}).json()
        )


@pytest.mark.parametrize("status", [one for one in Status if one.is_ended])
def test_whoever_waits_for_what_has_ended_is_answered_at_once(window: Window, status: Status) -> None:
    given = window.give(PAUSE)["id"]
    window.end(given, status)

    assert window.reader.get(f"{PATH}/{given}", params={"wait": "60s"}).json()["status"] == status.value


def test_whoever_waits_is_answered_when_the_command_has_ended(
    window: Window, bell: Bell, asking: Callable[..., Future[Any]]
) -> None:
    given, other = window.give(PAUSE)["id"], window.give(PAUSE)["id"]
    answers = [asking(given, "20s") for _ in range(3)]
    for _ in answers:
        assert bell.is_waited_for.acquire(timeout=PATIENCE)
    window.end(other)
    bell.ring()
    for _ in answers:
        # They have looked, and wait on: it was not theirs.
        assert bell.is_waited_for.acquire(timeout=PATIENCE)
    assert not any(one.done() for one in answers)
    window.end(given, Status.FAILED)
    bell.ring()

    assert [one.result(PATIENCE)["status"] for one in answers] == ["failed"] * 3
    assert bell._waiting == set()


def test_what_ends_between_the_look_and_the_wait_is_not_missed(
    window: Window, asking: Callable[..., Future[Any]]
) -> None:
    given = window.give(PAUSE)["id"]
    is_to_end = [True]

    def end_it(*_: object) -> None:
        """As soon as the first look is over."""
        if is_to_end and is_to_end.pop():
            window.end(given)
            window.endings.ring()

    sa.event.listen(window.database.engine, "checkin", end_it)

    assert asking(given, "20s").result(PATIENCE)["status"] == "succeeded"


def test_a_command_that_is_cancelled_has_ended_for_who_waits(
    window: Window, bell: Bell, asking: Callable[..., Future[Any]]
) -> None:
    given = window.give(PAUSE)["id"]
    answer = asking(given, "20s")
    assert bell.is_waited_for.acquire(timeout=PATIENCE)
    window.crm.post(f"{PATH}/{given}/cancel")

    assert answer.result(PATIENCE)["status"] == "cancelled"


@pytest.mark.parametrize("wait", ["0s", "50ms"])
def test_whoever_has_waited_long_enough_is_shown_how_far_it_is(window: Window, wait: str) -> None:
    given = window.give(PAUSE)["id"]
    window.end(given, Status.RUNNING)

    answer = window.reader.get(f"{PATH}/{given}", params={"wait": wait})
    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    assert window.endings._waiting == set()


@pytest.mark.parametrize("wait", ["", "5", "-5s", "soon", "1e3s", "9" * 5000 + "s", "99999999999999d"])
def test_a_wait_that_is_none_is_refused(window: Window, wait: str) -> None:
    given = window.give(PAUSE)["id"]
    answer = window.reader.get(f"{PATH}/{given}", params={"wait": wait})

    assert (answer.status_code, list(faults(answer))) == (422, ["wait"])


def test_a_command_is_cancelled_once_and_for_all(window: Window) -> None:
    given = window.give(BRIDGE)["id"]
    first, second = (window.crm.post(f"{PATH}/{given}/cancel") for _ in range(2))

    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert first.json()["ended_at"] == "2026-03-01T12:00:00.000Z"
    assert (second.status_code, second.json()) == (200, first.json())


@pytest.mark.parametrize("status", [one for one in Status if one not in (Status.QUEUED, Status.CANCELLED)])
def test_what_was_sent_or_has_ended_is_not_cancelled(window: Window, status: Status) -> None:
    given = window.give(PAUSE)["id"]
    window.end(given, status)
    answer = window.crm.post(f"{PATH}/{given}/cancel")

    assert (answer.status_code, answer.json()["title"]) == (409, "It cannot be cancelled any more")
    assert answer.json()["detail"] == f"The command {given} is {status.value} already."
    assert window.crm.get(f"{PATH}/{given}").json()["status"] == status.value


def test_a_store_that_is_away_takes_no_command(window: Window) -> None:
    with window.database.write() as db:
        db.exec_driver_sql("ALTER TABLE commands RENAME TO elsewhere")
    answers = [
        window.crm.post(PATH, json={"system": "main", **PAUSE}),
        window.crm.get(PATH),
        window.crm.get(f"{PATH}/cmd_1"),
        window.crm.post(f"{PATH}/cmd_1/cancel"),
    ]

    assert [one.status_code for one in answers] == [503] * 4
    assert not any("elsewhere" in one.text or "no such table" in one.text for one in answers)


WELL = json.dumps({"system": "main", **READ})
STRANGE: dict[str, tuple[bytes, int, dict[str, str] | None]] = {
    "nothing": (b"", 422, {"body": "is missing"}),
    "no JSON": (b"type=sip.accounts", 422, {"body": "is not JSON: Expecting value, at character 1"}),
    "cut short": (b'{"type":', 422, {"body": "is not JSON: Expecting value, at character 9"}),
    "null": (b"null", 422, {"body": "expected an object"}),
    "an array": (f"[{WELL}]".encode(), 422, {"body": "expected an object"}),
    "a text": (json.dumps(WELL).encode(), 422, {"body": "expected an object"}),
    "no UTF-8": (b'{"type": "\xff"}', 400, None),
    "deep": (b"[" * 200_000, 413, None),
    "deep objects": (b'{"a":' * 200_000, 413, None),
    "a number without an end": (b'{"type": ' + b"9" * 5000 + b"}", 400, None),
}


@pytest.mark.parametrize(("body", "status", "expected"), STRANGE.values(), ids=STRANGE)
def test_what_is_no_request_is_refused(
    window: Window, body: bytes, status: int, expected: dict[str, str] | None
) -> None:
    answer = window.crm.post(PATH, content=body, headers=JSON)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert faults(answer) == (expected or {})
    assert window.count() == 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r'{"system": "a\u0000b", "type": "sip.accounts"}', {"system": r'no system is called "a\x00b"'}),
        (
            r'{"system": "\ud800", "type": "sip.accounts"}',
            {"system": "expected text; this holds half of a character (a lone surrogate)"},
        ),
        (
            r'{"system": "main", "type": "sip.accounts", "\ud800": 1}',
            {"body": "expected text; this holds half of a character (a lone surrogate)"},
        ),
        (
            r'{"system": "main", "type": "sip.accounts", "params": {"\u0000": 1}}',
            {"params.\0": "is not known here"},
        ),
        (
            '{"system": "main", "type": "sms.log", "params": {"limit": 1e999}}',
            {"params.limit": "expected a finite number"},
        ),
        (
            '{"system": "main", "type": "sms.log", "params": {"limit": NaN}}',
            {"params.limit": "expected a finite number"},
        ),
        (
            '{"system": "main", "type": "sms.log", "params": {"limit": ' + "9" * 4000 + "}}",
            {"params.limit": "expected at most 3000"},
        ),
    ],
)
def test_strange_values_are_faults_of_their_fields(
    window: Window, body: str, expected: dict[str, str]
) -> None:
    answer = window.crm.post(PATH, content=body, headers=JSON)

    assert (answer.status_code, faults(answer)) == (422, expected)


def test_of_keys_that_are_given_twice_the_last_counts(window: Window) -> None:
    body = '{"system": "nowhere", "type": "campaign.bridge", "type": "sip.accounts", "system": "main"}'
    answer = window.crm.post(PATH, content=body, headers=JSON)

    assert (answer.status_code, answer.json()["type"], answer.json()["system"]) == (
        202,
        "sip.accounts",
        "main",
    )


@pytest.mark.parametrize("media_type", [None, "application/x-www-form-urlencoded", "text/plain"])
def test_a_body_that_is_not_said_to_be_json_is_answered_with_the_header_it_lacks(
    window: Window, media_type: str | None
) -> None:
    headers = {"content-type": media_type} if media_type else {}
    answer = window.crm.post(PATH, content=WELL, headers=headers)

    assert answer.status_code == 422
    assert faults(answer) == {"body": "send it with the header Content-Type: application/json"}


def test_a_type_of_json_is_json(window: Window) -> None:
    for media_type in ("application/json; charset=utf-8", "application/problem+json"):
        assert window.crm.post(PATH, content=WELL, headers={"content-type": media_type}).status_code == 202


def test_a_body_of_more_than_a_mebibyte_is_not_read(window: Window) -> None:
    fits = WELL.encode().ljust(LARGEST_BODY)
    answer = window.crm.post(PATH, content=fits + b" ", headers=JSON)

    assert LARGEST_BODY == 1024 * 1024
    assert window.crm.post(PATH, content=fits, headers=JSON).status_code == 202
    assert (answer.status_code, answer.json()["title"]) == (413, "The body is too large")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert window.count() == 1


def test_five_hundred_numbers_in_their_longest_form_are_taken(window: Window) -> None:
    window.policies = {"main": Policy(("*",), 300.0)}
    phones = [{"phone": f"+972 5{number:08}", "caller_id": "+972 77-123-4567"} for number in range(500)]
    given = window.give({"type": "campaign.bridge", "params": {"phones": phones, "ivr_path": "/1"}})

    assert len(given["params"]["phones"]) == 500
    assert given["estimated_units"] == 300


def operation(window: Window, path: str, method: str) -> Any:
    return window.anybody.get("/openapi.json").json()["paths"][path][method]


def test_the_document_lists_every_route_of_commands_with_its_problems(window: Window) -> None:
    paths = window.anybody.get("/openapi.json").json()["paths"]
    routes = {
        (path, method): set(described["responses"])
        for path, methods in paths.items()
        if path.startswith(PATH)
        for method, described in methods.items()
    }

    assert routes == {
        (PATH, "get"): {"200", "400", "401", "403", "421", "422", "429", "503"},
        (PATH, "post"): {"200", "202", "400", "401", "403", "409", "413", "422", "429", "503"},
        (f"{PATH}/{{command_id}}", "get"): {"200", "401", "403", "404", "421", "422", "429", "503"},
        (f"{PATH}/{{command_id}}/cancel", "post"): {"200", "401", "403", "404", "409", "422", "429", "503"},
    }


def test_the_document_has_a_schema_for_each_type_and_examples_that_are_taken(window: Window) -> None:
    described = operation(window, PATH, "post")["requestBody"]["content"]["application/json"]
    examples = described["examples"]
    window.policies = {"main": Policy(("*",), 100.0)}
    answers = [
        window.crm.post(f"{PATH}?dry_run=1", json=example["value"]).status_code
        for example in examples.values()
        if "expires_at" not in example["value"]
    ]

    assert set(described["schema"]["discriminator"]["mapping"]) == set(TYPES)
    assert answers
    assert set(answers) == {200}
    assert {command_requests.parse(example["value"]).type for example in examples.values()} >= {
        *("queue.kick", "queue.pause", "campaign.bridge", "sms.log")
    }


def test_the_document_says_what_a_key_and_a_call_look_like(window: Window) -> None:
    document = window.anybody.get("/openapi.json").json()
    (key,) = [
        one for one in document["paths"][PATH]["post"]["parameters"] if one["name"] == "idempotency-key"
    ]
    calls = document["components"]["schemas"]["QueueKick"]["properties"]["call_ids"]

    assert "^[\\x21-\\x7e]{1,255}$" in json.dumps(key).encode().decode("unicode_escape")
    assert calls["items"]["pattern"] == "^[A-Za-z0-9._-]{1,64}$"
    assert (calls["minItems"], calls["maxItems"]) == (1, 500)


def test_a_command_that_is_given_in_two_threads_under_one_key_is_one(window: Window) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(
                lambda _: window.crm.post(
                    PATH, json={"system": "main", **BRIDGE}, headers={"idempotency-key": "k"}
                ),
                range(8),
            )
        )

    assert {one.json()["id"] for one in answers} == {"cmd_1"}
    with window.database.read() as db:
        kept: list[Command] = inbox.read(db, inbox.Wanted())
    assert [one.id for one in kept] == ["cmd_1"]
