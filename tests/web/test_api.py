"""The HTTP side, called without a socket: what each route answers, to whom, and in which shape."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.core.model import Fact, Failure, Unknown
from daemon.core.ownership import HOUSE, Kind, Share
from daemon.core.routing.plan import Planned
from daemon.core.watches.api import Problems
from daemon.store import events, outbox, ownership, watches
from daemon.web.dependencies import Scheduled
from tests.support import stores
from tests.support.fakes import START, Ids
from tests.support.http_app import ADMIN, READER, Setting
from tests.support.members import Members, endpoints, systems

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_is_open_and_its_status_code_is_the_answer(setting: Setting, path: str) -> None:
    well = setting.anybody.get(path)
    head = setting.anybody.head(path)
    setting.alive = setting.ready = (False, "the dispatcher has ended")
    ill = setting.anybody.get(path)

    assert (well.status_code, well.text, head.status_code) == (200, "ok\n", 200)
    assert (ill.status_code, ill.text) == (503, "[-]the dispatcher has ended\n")


def test_health_says_more_when_asked(setting: Setting) -> None:
    assert setting.anybody.get("/livez?verbose").text == "[+]dispatcher ok\n"
    assert setting.anybody.get("/readyz?verbose").text == "[+]database ok\n"


def test_a_daemon_that_cannot_write_lives_and_is_not_ready(setting: Setting) -> None:
    setting.ready = (False, "database: disk is full")

    assert setting.anybody.get("/livez").status_code == 200
    assert setting.anybody.get("/readyz").status_code == 503


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/events", "/api/v1/events/evt_1"])
@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer ", 401),
        ("Bearer of-nothing", 401),
        (f"Basic {READER}", 401),
        ("Bearer token-of-a-robot", 403),
    ],
)
def test_nothing_is_told_without_a_good_token(
    setting: Setting, path: str, header: str | None, status: int
) -> None:
    answer = setting.anybody.get(path, headers={"authorization": header} if header else {})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.headers.get("www-authenticate") == "Bearer") == (status == 401)
    assert answer.json()["instance"] == path


def test_an_admin_may_read_and_the_scheme_may_be_spelled_as_one_likes(setting: Setting) -> None:
    answer = setting.anybody.get("/api/v1/status", headers={"authorization": f"bearer {ADMIN}"})

    assert answer.status_code == 200


def test_the_status_has_each_member_and_who_polls_what(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = Members(setting.database, monkeypatch)
    members.join("south", "north", "east")
    members.hold("north", [*systems("main", "branch"), *endpoints("crm"), Share(Kind.DUTY, HOUSE)])
    members.differ("south", "another file")
    members.are_connected("north", "south")
    setting.member, setting.silent = "north", {"east": timedelta(seconds=7)}
    setting.schedule.append(Scheduled("free", "sip", timedelta(seconds=30), None))

    status = setting.client.get("/api/v1/status").json()

    since = "2026-03-01T12:00:00.000Z"
    nothing = {"systems": 0, "endpoints": 0, "is_house": False}
    assert status["member"] == "north"
    assert status["members"] == [
        {
            "name": "east",
            "since": since,
            "version": "1.2.3",
            "is_connected": False,
            "silent_since": "2026-03-01T12:00:53.000Z",
            "differs": None,
            "holds": nothing,
        },
        {
            "name": "north",
            "since": since,
            "version": "1.2.3",
            "is_connected": True,
            "silent_since": None,
            "differs": None,
            "holds": {"systems": 2, "endpoints": 1, "is_house": True},
        },
        {
            "name": "south",
            "since": since,
            "version": "1.2.3",
            "is_connected": True,
            "silent_since": None,
            "differs": "another file",
            "holds": nothing,
        },
    ]
    assert [one["member"] for one in status["systems"]] == [{"name": "north", "since": since}, None]


def test_when_another_polls_next_only_that_one_knows(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = Members(setting.database, monkeypatch)
    members.join("north", "south")
    members.hold("north", systems("main"))
    members.hold("south", systems("branch"))
    setting.member = "north"
    at = setting.now()
    setting.schedule = [
        Scheduled(one, "sip", timedelta(seconds=30), at) for one in ("main", "branch", "free")
    ]

    shown = setting.client.get("/api/v1/status").json()["systems"]

    asked = [one["watches"][0]["next_run_at"] for one in shown]
    assert asked == ["2026-03-01T12:01:00.000Z", None, None]


def test_of_one_that_is_alone_there_are_no_members(setting: Setting) -> None:
    status = setting.client.get("/api/v1/status").json()

    assert (status["member"], status["members"]) == (None, [])


def test_a_pause_of_what_another_polls_is_the_stores_and_of_its_own_the_members(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a process has in memory of its own systems is newer than what it wrote down."""
    members = Members(setting.database, monkeypatch)
    members.join("north", "south")
    members.hold("north", systems("main"))
    members.hold("south", systems("branch", "over"))
    setting.member = "north"
    setting.schedule += [Scheduled(one, "sip", timedelta(seconds=30), None) for one in ("branch", "over")]
    left = {"main": 600, "branch": 120, "over": -1}
    with setting.database.write() as db:
        for system, seconds in left.items():
            until = setting.now() + timedelta(seconds=seconds)
            ownership.pause(db, system, ownership.Pause(until, {}))

    def paused() -> list[str | None]:
        shown = setting.client.get("/api/v1/status").json()["systems"]
        return [one["paused_until"] for one in shown]

    assert paused() == [None, "2026-03-01T12:03:00.000Z", None]
    setting.paused = {"main": timedelta(seconds=30)}
    assert paused() == ["2026-03-01T12:01:30.000Z", "2026-03-01T12:03:00.000Z", None]


def test_without_a_configured_token_nobody_gets_in(setting: Setting) -> None:
    setting.tokens = []

    answer = setting.client.get("/api/v1/status")

    assert (answer.status_code, answer.json()["title"]) == (401, "No token is configured")


def test_the_status_of_a_watch_that_was_never_asked_says_so(setting: Setting) -> None:
    (system,) = setting.client.get("/api/v1/status").json()["systems"]

    assert system == {
        "name": "main",
        "member": None,
        "paused_until": None,
        "watches": [
            {
                "watch": "sip",
                "every_seconds": 30.0,
                "next_run_at": "2026-03-01T12:01:30.000Z",
                "observed_at": None,
                "polled_at": None,
                "age_seconds": None,
                "failure": None,
                "set_aside": [],
            }
        ],
        "subjects": [
            {
                "subject": "api",
                "kind": "api",
                "name": None,
                "state": "unknown",
                "since": None,
                "seen_at": None,
                "why": {"reason": "never_seen"},
                "metrics": None,
                "details": None,
                "incident": None,
                "uptime": None,
            }
        ],
    }


def test_the_status_shows_failures_and_the_age_of_what_is_known(setting: Setting) -> None:
    unknown = Unknown(Failure.TIMEOUT, "no answer within 20 s")
    with setting.database.write() as db:
        watches.save_observed(db, ("main", "sip"), "{}", now=START, problems=Problems())
        watches.save_failed(
            db,
            ("main", "sip"),
            unknown,
            polled_at=START + 30 * SECOND,
            since=START + 15 * SECOND,
            problems=Problems(),
        )

    (watch,) = setting.client.get("/api/v1/status").json()["systems"][0]["watches"]

    assert watch["age_seconds"] == 60.0
    assert watch["polled_at"] == "2026-03-01T12:00:30.000Z"
    assert watch["failure"] == {
        "class": "timeout",
        "message": "no answer within 20 s",
        "since": "2026-03-01T12:00:15.000Z",
    }


def test_what_was_seen_since_the_last_write_counts(setting: Setting) -> None:
    with setting.database.write() as db:
        watches.save_observed(db, ("main", "sip"), "{}", now=START, problems=Problems())
    setting.seen[("main", "sip")] = START + 50 * SECOND

    (watch,) = setting.client.get("/api/v1/status").json()["systems"][0]["watches"]

    assert watch["age_seconds"] == 10.0


def test_the_status_shows_until_when_a_system_is_left_alone(setting: Setting) -> None:
    setting.paused = {"main": 90 * SECOND}

    (system,) = setting.client.get("/api/v1/status").json()["systems"]
    assert system["paused_until"] == "2026-03-01T12:02:30.000Z"


def test_the_status_counts_what_waits_for_each_endpoint(setting: Setting) -> None:
    with setting.database.write() as db:
        written = events.record(db, "main", [Fact("sms.received", "sms/054", {})] * 2, START, Ids())
        planned = [Planned(one, "gone", "main/sms/054") for one in written]
        outbox.add(db, planned, START)

    document = setting.client.get("/api/v1/status").json()

    assert (document["version"], document["events"], document["now"]) == (
        "1.2.3",
        2,
        "2026-03-01T12:01:00.000Z",
    )
    assert document["endpoints"] == [
        {"name": "crm", "open": 0, "dead": 0, "oldest_open_at": None, "set_aside": [], "quiet": None},
        {
            "name": "gone",
            "open": 2,
            "dead": 0,
            "oldest_open_at": "2026-03-01T12:00:00.000Z",
            "set_aside": [],
            "quiet": None,
        },
    ]


def test_events_are_paged_with_the_id_of_the_last_one_read(setting: Setting) -> None:
    ids = setting.happen(*["test.ping"] * 5)

    first = setting.client.get("/api/v1/events", params={"limit": 2}).json()
    second = setting.client.get("/api/v1/events", params={"limit": 2, "after": first["next"]}).json()
    last = setting.client.get("/api/v1/events", params={"limit": 2, "after": second["next"]}).json()
    beyond = setting.client.get("/api/v1/events", params={"after": ids[-1]}).json()

    pages = [[one["data"]["id"] for one in page["events"]] for page in (first, second, last)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert [page["has_more"] for page in (first, second, last)] == [True, True, False]
    assert beyond == {"events": [], "next": None, "has_more": False}


def test_events_are_the_stored_bodies_to_the_byte(setting: Setting) -> None:
    (event,) = setting.happen("test.ping")
    with setting.database.read() as db:
        found = events.find(db, event)

    one = setting.client.get(f"/api/v1/events/{event}")
    page = setting.client.get("/api/v1/events")

    assert found is not None
    assert one.content == found[1].body
    assert found[1].body in page.content
    assert json.loads(page.content)["events"][0]["data"]["daemon"]["text"] == "שלום"


def test_events_are_narrowed_by_type_and_system(setting: Setting) -> None:
    setting.happen("sip.account.added", "sms.received")
    (other,) = setting.happen("sip.account.added", system="branch")

    by_type = setting.client.get("/api/v1/events", params={"type": "sip.*"}).json()["events"]
    by_both = setting.client.get("/api/v1/events", params={"type": "sip.*", "system": "branch"}).json()

    assert [one["type"] for one in by_type] == ["sip.account.added"] * 2
    assert [one["data"]["id"] for one in by_both["events"]] == [other]


@pytest.mark.parametrize("spelling", ["0501234567", "+972-50-123 45 67", "972501234567"])
def test_events_of_a_phone_are_found_by_any_spelling_of_it(setting: Setting, spelling: str) -> None:
    ids = [setting.happen("sms.received", subject=f"sms/{one}")[0] for one in ("972501234567", "0501234567")]
    setting.happen("sms.received", subject="sms/0501234568")

    first = setting.client.get("/api/v1/events", params={"subject": f"sms/{spelling}", "limit": 1}).json()
    second = setting.client.get(
        "/api/v1/events", params={"subject": f"sms/{spelling}", "limit": 1, "after": first["next"]}
    ).json()

    assert [one["data"]["id"] for page in (first, second) for one in page["events"]] == ids
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert first["events"][0]["data"]["subject"] == "sms/972501234567"


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"after": "evt_unknown"}, 400, "evt_unknown"),
        ({"limit": "0"}, 422, "limit"),
        ({"limit": "1001"}, 422, "limit"),
        ({"limit": "many"}, 422, "limit"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_which_part(
    setting: Setting, query: dict[str, str], status: int, words: str
) -> None:
    answer = setting.client.get("/api/v1/events", params=query)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/nowhere", 404, "Not Found"),
        ("POST", "/livez", 405, "Method Not Allowed"),
        ("DELETE", "/api/v1/events", 405, "Method Not Allowed"),
        ("GET", "/api/v1/events/evt_unknown", 404, "There is no such event"),
    ],
)
def test_every_error_is_a_problem_document(
    setting: Setting, method: str, path: str, status: int, title: str
) -> None:
    answer = setting.client.request(method, path)

    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (document["status"], document["title"], document["type"]) == (status, title, "about:blank")
    assert answer.status_code == status


def test_a_database_that_is_gone_is_told_as_such_and_shows_no_internals(
    setting: Setting, tmp_path: Path
) -> None:
    with setting.database.write() as db:
        db.exec_driver_sql("ALTER TABLE watches RENAME TO elsewhere")

    answer = setting.client.get("/api/v1/status")

    assert answer.status_code == 503
    assert answer.json()["title"] == "The database cannot be used at present"
    assert "watches" not in answer.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (sa.exc.DataError("INSERT", {}, ValueError("a text must not hold \0: secret")), 422),
        (sa.exc.TimeoutError("QueuePool limit of size 5 overflow 10 reached"), 503),
    ],
)
def test_what_the_database_cannot_take_is_told_apart_from_when_it_cannot(
    setting: Setting, error: Exception, status: int
) -> None:
    @setting.app.get("/odd")
    def odd() -> None:
        raise error

    answer = setting.anybody.get("/odd")

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "secret" not in answer.text
    assert "QueuePool" not in answer.text


def test_a_fault_of_ours_is_logged_and_not_shown(setting: Setting) -> None:
    setting.seen = None  # type: ignore[assignment] # what no configuration can make it

    answer = setting.client.get("/api/v1/status")

    assert (answer.status_code, answer.json()["title"]) == (500, "An error of our own")
    assert "NoneType" not in answer.text


def test_answers_are_not_sniffed_and_not_kept(setting: Setting) -> None:
    answer = setting.client.get("/api/v1/status")

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_the_api_describes_itself(setting: Setting) -> None:
    document = setting.anybody.get("/openapi.json").json()

    assert document["info"]["version"] == "1.2.3"
    assert {"/livez", "/readyz", "/api/v1/status", "/api/v1/events", "/api/v1/events/{event_id}"} <= set(
        document["paths"]
    )
    problems = document["paths"]["/api/v1/status"]["get"]["responses"]["401"]["content"]
    assert "application/problem+json" in problems


def test_bounds_are_described_in_words_of_json_schema(setting: Setting) -> None:
    def words(part: object) -> Iterator[str]:
        inner: Iterable[object] = part if isinstance(part, list) else ()
        if isinstance(part, dict):
            yield from part
            inner = part.values()
        for one in inner:
            yield from words(one)

    schemas = setting.anybody.get("/openapi.json").json()["components"]["schemas"]

    assert not {"ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length"} & set(words(schemas))


NO_DOCUMENT = {"get /api/v1/events/stream", "get /api/v1/recordings/{event}"}
"""Whose answer is none: a stream, and a file as it is."""


def test_the_api_describes_each_route_with_its_answers_and_its_problems(setting: Setting) -> None:
    document = setting.anybody.get("/openapi.json").json()
    routes = [
        (f"{method} {path}", route)
        for path, methods in document["paths"].items()
        for method, route in methods.items()
        if path.startswith("/api/v1/")
    ]

    for name, route in routes:
        good = next(answer for status, answer in route["responses"].items() if status.startswith("2"))
        if name not in NO_DOCUMENT:
            assert "$ref" in good["content"]["application/json"]["schema"], name
        assert {"401", "403", "503"} <= set(route["responses"]), name
        assert route["security"], name
        problems = [answer for status, answer in route["responses"].items() if int(status) >= 400]
        assert all("application/problem+json" in one["content"] for one in problems), name
        if "requestBody" in route:
            assert route["requestBody"]["content"]["application/json"]["examples"], name
    assert len(routes) >= 17
    assert not [name for name in document["components"]["schemas"] if name.startswith("daemon__")]


def test_the_stream_stands_behind_the_same_entrance(tmp_path: Path) -> None:
    database = stores.on_file(tmp_path / "web.db")
    setting = Setting(database, is_followed=True)
    path = "/api/v1/events/stream"
    head = setting.client.head(path)
    answers = {
        "none": setting.anybody.get(path),
        "unknown": setting.client.get(f"{path}?kind=sip"),
        "twice": setting.client.get(f"{path}?type=sip.*&type=sms.*"),
        "after": setting.client.get(f"{path}?after=evt_404"),
        "posted": setting.client.post(path),
    }
    setting.bell.close()
    ended = setting.client.get(path)
    database.close()

    assert (head.status_code, head.content) == (200, b"")
    assert {name: one.status_code for name, one in answers.items()} == {
        "none": 401,
        "unknown": 422,
        "twice": 422,
        "after": 400,
        "posted": 405,
    }
    for one in (head, ended):
        assert one.headers["content-type"].startswith("text/event-stream")
        assert (one.headers["cache-control"], one.headers["x-accel-buffering"]) == ("no-store", "no")
    assert ended.text == "retry: 2000\n: here\nid: evt_0\n\n"
