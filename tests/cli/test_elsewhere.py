"""Verbs that ask a daemon elsewhere: the same as here, and from whatever else answers, a sentence and a
code."""

import json
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daemon.cli import over_http
from daemon.cli.routes import ROUTES
from daemon.cli.verbs import VERBS, Verbs
from daemon.config.load import load
from daemon.core.model import Fact, Json
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.host import clock
from daemon.store import database as databases
from daemon.store import events, subjects
from daemon.web.connections import Bounds
from daemon.web.dependencies import Scheduled
from daemon.web.server import Server
from daemon.wiring.commands import policies
from daemon.wiring.digests import digests_of
from daemon.wiring.endpoints import interests
from daemon.wiring.watches import plan
from daemon.workers.indexer import Indexer
from tests.cli.conftest import STORED, Call, Room
from tests.support.bad_server import (
    ScriptedServer,
    Step,
    answers,
    cuts,
    drips,
    hangs,
    http,
    sends,
    sends_and_cuts,
)
from tests.support.certificates import Authority, server_side
from tests.support.config_files import ENVIRON
from tests.support.fakes import Ids
from tests.support.http_app import ADMIN, READER, Setting
from tests.support.paths import ROOT

JSON = "Content-Type: application/json"
PROBLEM = "Content-Type: application/problem+json"
ABOUT = json.dumps(
    {"version": "1", "timezone": "Asia/Jerusalem", "now": "2026-03-01T12:00:00.000Z", "systems": []}
)


@pytest.fixture
def token(call: Call) -> list[str]:
    for name, text in (("admin", ADMIN), ("reader", READER), ("wrong", "of-nobody")):
        Path(name).write_text(f"{text}\n", encoding="ascii")
    return ["--token-file", str(Path("admin").resolve())]


@pytest.fixture
def there(room: Room, token: list[str]) -> Iterator[list[str]]:
    """A daemon's HTTP side on the store of the directory; what makes a verb ask it."""
    with Path("config.toml").open("a", encoding="utf-8") as file:
        file.write('[[digests]]\nname = "office"\nto = ["crm"]\nat = "18:00"\n')
    config = load(Path("config.toml"), {**ENVIRON}).config
    setting = Setting(
        databases.open_for_daemon("sqlite:///yemotd.db"),
        now=clock.utcnow,
        new_id=clock.new_id,
        interests=interests(config),
        policies=dict(policies(config)),
        digests=list(digests_of(config)),
        zone=lambda: ZoneInfo("Asia/Jerusalem"),
        schedule=[Scheduled(*one.id, one.every, None) for each in config.systems for one in plan(each)],
    )
    server = Server(setting.app, "127.0.0.1", 0, bounds=Bounds())
    server.start()
    yield ["--url", f"http://127.0.0.1:{server.port}", *token]
    server.stop(timeout=10)
    setting.database.close()


def still(text: str) -> str:
    """Without how long ago something was."""
    return re.sub(r"now \d{4}-\S+ \S+|\d+ (s|min|h|d) ago", "<then>", text)


def words_of(room: Room) -> list[list[str]]:
    reading = [room.words(one) for one in STORED]
    return [*reading, ["silence", "list"], ["explain", "sip/077"], ["events", "list", "--type", "sms.*"]]


def test_what_is_read_is_the_same_here_and_there(room: Room, there: list[str], call: Call) -> None:
    differing = {}
    for words in words_of(room):
        for more in ([], ["--json"]):
            if words[0] in ("status", "now") and more:
                continue  # of its document, the parts that only the daemon knows are others
            here, elsewhere = call(*words, *more), call(*words, *there, *more)
            assert here[0] == 0, (words, here)
            if still(str(here)) != still(str(elsewhere)):
                differing[" ".join(words + more)] = (here, elsewhere)

    assert differing == {}


def test_digests_are_the_same_here_and_there(room: Room, there: list[str], call: Call) -> None:
    """What is said up to now says when that is."""

    def said(*words: str) -> str:
        code, out, err = call("digests", *words)
        assert (code, err) == (0, ""), words
        return re.sub(r"\d\d:\d\d(:[\d.]+)?", "<then>", out)

    for words in (["list"], ["preview", "office"], ["preview", "office", "--language", "he"]):
        for more in ([], ["--json"]):
            here, elsewhere = said(*words, *more), said(*words, *more, *there)
            if words[0] == "preview" and more:
                here, elsewhere = (json.loads(one)["subject"] for one in (here, elsewhere))
            assert here == elsewhere, (words, more)
    assert "office" in said("list", *there)
    assert call("digests", "preview", "offce", *there)[0] == os.EX_DATAERR


def test_what_is_asked_for_is_done_there(room: Room, there: list[str], call: Call) -> None:
    def asked(*words: str) -> dict[str, Any]:
        code, out, err = call(*words, *there, "--json")
        assert (code, err) == (0, ""), (words, out, err)
        found: dict[str, Any] = json.loads(out)
        return found

    silence = asked("silence", "add", "--subject", "queue/5", "--for", "2h", "--comment", "x")
    assert silence["author"] == "admin"
    assert asked("silence", "expire", silence["id"])["expired_at"] is not None
    assert asked("endpoints", "disable", "crm")["asked"] == "disable"
    assert asked("endpoints", "enable", "crm")["asked"] == "enable"
    assert asked("endpoints", "replay", "crm", "--which", "all", "--dry-run")["is_dry_run"]
    command = asked("command", "add", "queue.pause", "queue_path=/5", "agent=1")
    assert command["created_by"] == "admin"
    assert command["idempotency_key"].startswith("key_")
    assert asked("command", "show", command["id"])["status"] == "queued"
    assert call("command", "show", command["id"], "--wait", "1s", *there)[0] == os.EX_TEMPFAIL
    assert asked("command", "cancel", command["id"])["status"] == "cancelled"
    assert asked("command", "add", "queue.pause", "queue_path=/5", "agent=1", "--dry-run")["cost"] is None


def test_what_is_there_now_is_the_same_here_and_there(room: Room, there: list[str], call: Call) -> None:
    ways: tuple[list[str], ...] = ([], there)
    here, elsewhere = (json.loads(call("now", "--system", "main", *way, "--json")[1]) for way in ways)

    assert here.keys() == elsewhere.keys()
    assert [one["name"] for one in elsewhere["systems"]] == ["main"]
    assert here["sums"] == elsewhere["sums"]
    assert call("now", "--system", "other", *there)[0] == os.EX_DATAERR


def test_names_are_given_there_and_stand_beside_numbers(room: Room, there: list[str], call: Call) -> None:
    add = ("contacts", "add", "077-3137770", "Dana", *there)
    assert call(*add) == (0, "077-3137770 is Dana.\n", "")
    assert json.loads(call("contacts", "list", "--name", "dana", *there, "--json")[1])["author"] == "admin"

    muting = call("silence", "add", "--subject", "sip/0773137770", "--for", "1h", "--comment", "x", *there)

    assert "subject Dana (sip/0773137770)" in muting[1]
    assert "subject Dana (sip/0773137770)" in call("silence", "list", *there)[1]
    assert call("silence", "list", *there)[1] == call("silence", "list")[1]
    assert call("contacts", "remove", "0773137770", *there)[1] == "077-3137770 is Dana no more.\n"
    assert "Dana" not in call("silence", "list", *there)[1]
    assert call("contacts", "list", *there)[1] == "Nobody has a name.\n"


def test_an_extension_has_its_name_taken_there(room: Room, there: list[str], call: Call) -> None:
    assert call("contacts", "add", "/5", "Sales", *there)[0] == 0
    assert call("contacts", "remove", "/5", *there)[:2] == (0, "/5 is Sales no more.\n")


def test_what_is_looked_for_is_found_there(room: Room, there: list[str], call: Call) -> None:
    """In the words of people, which the daemon takes by its clock."""
    for words in (
        ("events", "list", "--since", "2h"),
        ("events", "list", "--until", "yesterday"),
        ("events", "list", "--type", "sip.acount.*"),
        ("events", "list", "--incident", "inc_1", "--json"),
        ("sms", "list"),
        ("sms", "search", "nothing", "of", "it"),
    ):
        here, elsewhere = call(*words), call(*words, *there)
        assert (here[0], here) == (0, elsewhere), words
    assert call("events", "list", "--since", "soonish", *there)[0] == os.EX_USAGE
    assert call("sms", "show", "evt_0", *there)[0] == os.EX_DATAERR


def test_messages_are_found_there_by_their_text_by_who_may_see_it(
    room: Room, there: list[str], call: Call
) -> None:
    database, ids = databases.connect("sqlite:///yemotd.db"), Ids()
    for text in ("שלום לכם", "להתראות", "שלום ולהתראות"):
        with database.write() as db:
            fact = Fact("sms.received", "sms/0501234567", {"sms": {"from": "0501234567", "text": text}})
            events.record(db, "main", [fact], clock.utcnow(), lambda kind: ids(f"{kind}_sms"))
    Indexer(database, monotonic=lambda: 0.0).run_once()
    database.close()
    assert call("contacts", "add", "0501234567", "Dana", *there)[0] == 0
    for words in (
        ("sms", "search", "שלום"),
        ("sms", "search", "שלום", "--limit", "1", "--json"),
        ("sms", "list", "--contact", "dana"),
        ("events", "list", "--text", "להתראות", "--since", "1h"),
    ):
        here, elsewhere = call(*words), call(*words, *there)
        assert (here[0], here) == (0, elsewhere), words
        assert "שלום" in here[1], words
    reader = [*there[:2], "--token-file", str(Path("reader").resolve())]
    assert call("sms", "search", "שלום", *reader)[0] == os.EX_NOPERM
    assert "[redacted]" in call("sms", "list", *reader)[1]


def test_somebody_has_an_incident_there(room: Room, there: list[str], call: Call) -> None:
    ack = ("alerts", "ack", "inc_1", "--by", "Dana", "--note", "on my way", "--for", "2h", *there)
    code, out, err = call(*ack)

    assert (code, err) == (0, ""), (out, err)
    assert "Dana has it since" in out
    assert "(on my way)" in out
    assert json.loads(call(*ack, "--json")[1])["is_new"] is False
    assert "Dana has it since" in call("explain", "inc_1", *there)[1] + call("alerts", "list", *there)[1]
    assert call("alerts", "ack", "inc_0", *there)[0] == os.EX_DATAERR


def test_a_silence_that_comes_back_does_so_by_the_clock_there(
    room: Room, there: list[str], call: Call
) -> None:
    hours = ("--every", "sun,wed", "--from", "02:00", "--to", "04:00")
    words = ("silence", "add", "--subject", "queue/5", "--comment", "x", *hours)
    weekly = json.loads(call(*words, *there, "--json")[1])["weekly"]

    assert weekly["days"] == json.loads(call(*words, "--json")[1])["weekly"]["days"]
    assert weekly["timezone"] == "Asia/Jerusalem"


def test_times_are_written_in_the_zone_of_the_daemon_there(
    room: Room, there: list[str], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    add = ("silence", "add", "--type", "x.*", "--comment", "x", "--until", "2030-01-01T08:00", "--json")

    assert json.loads(call(*add, *there)[1])["ends_at"] == "2030-01-01T06:00:00.000Z"
    assert json.loads(call(*add)[1])["ends_at"] == "2030-01-01T06:00:00.000Z"


def test_the_options_stand_before_the_verb_and_in_the_environment(
    room: Room, there: list[str], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = call("alerts", "list", *there)
    assert call(*there, "alerts", "list") == told
    monkeypatch.setenv("YEMOTD_URL", there[1])
    monkeypatch.setenv("YEMOTD_TOKEN_FILE", there[3])
    os.rename("yemotd.db", "elsewhere.db")

    assert call("alerts", "list") == told
    code, _, err = call(
        "-c", "config.toml", "alerts", "list"
    )  # this machine's, whatever the environment says
    assert (code, "there is no database" in err) == (os.EX_IOERR, True)


def test_who_may_only_read_is_told_so(room: Room, there: list[str], call: Call) -> None:
    reading = [*there[:3], str(Path("reader").resolve())]
    assert call("alerts", "list", *reading)[0] == 0
    code, out, err = call("endpoints", "disable", "crm", *reading)
    assert (code, out) == (os.EX_NOPERM, "")
    assert "scope" in err or "may not" in err, err
    text = json.loads(call("events", "show", room.event, *reading, "--json")[1])["data"]["sms"]["text"]
    assert text == "[redacted]"
    explained = call("explain", room.event, *reading, "--json")[1]
    assert json.loads(explained)["event"]["data"]["sms"]["text"] == "[redacted]"


def test_what_is_not_there_is_said(room: Room, there: list[str], call: Call) -> None:
    for words in (
        ["events", "show", "evt_x"],
        ["deliveries", "show", "99"],
        ["explain", "sip/1"],
        ["command", "show", "cmd_x"],
    ):
        code, out, err = call(*words, *there)
        assert (code, out) == (os.EX_DATAERR, ""), (words, err)
        assert "no" in err


class TestKick:
    @pytest.fixture
    def queue(self, room: Room) -> None:
        path = Path("config.toml")
        table = '[systems.sip]\n[[systems.queues]]\npath = "/5"\n'
        before = path.read_text(encoding="utf-8")
        path.write_text(before.replace("[systems.sip]\n", table), encoding="utf-8")

    def wait(self, *phones: str, queue: str = "queue/5") -> None:
        """These were seen to wait; the id of each call is its place."""
        callers = [
            {"call_id": str(place), "phone": one, "wait_seconds": 5, "position": place}
            for place, one in enumerate(phones, start=1)
        ]
        details: dict[str, Json] = {"callers": callers, "agents": [], "unread": []}  # type: ignore[dict-item]
        seen = Subject(queue, SubjectKind.QUEUE, SubjectState.UP, None, {}, {}, details)
        store = databases.connect("sqlite:///yemotd.db")
        with store.write() as db:
            subjects.save(db, ("main", queue), [seen], clock.utcnow(), None)
        store.close()

    def test_by_the_number_in_any_spelling_here_and_there(
        self, queue: None, there: list[str], call: Call
    ) -> None:
        self.wait("0501234567", "972521111111", "0501234567")
        for where in ([], there):
            code, out, err = call("command", "kick", "+972-50-123-4567", "--goto", "/1", "--json", *where)
            assert (code, err) == (0, "")
            command = json.loads(out)
            assert (command["type"], command["system"]) == ("queue.kick", "main")
            assert command["params"] == {"queue_path": "/5", "call_ids": ["1", "3"], "goto": "/1"}

    def test_who_is_not_known_to_wait_is_not_kicked(self, queue: None, there: list[str], call: Call) -> None:
        many = len(call("command", "list", "--json")[1].splitlines())
        for where, seen in (([], "never"), (there, "s ago")):
            code, out, err = call("command", "kick", "0501234567", *where)
            assert (code, out) == (os.EX_DATAERR, "")
            assert "0501234567 is not known to wait anywhere: " in err
            assert "/5 of main (seen " in err or where, err
            assert seen in err or where
            self.wait("0521111111")
        assert len(call("command", "list", "--json")[1].splitlines()) == many


HTML = answers("<html>Sign in</html>", "Content-Type: text/html")
HOSTILE: list[tuple[Step, int, str]] = [
    (HTML, os.EX_PROTOCOL, "no daemon"),
    (answers("<html>", "Content-Type: text/html", status="502 Bad Gateway"), os.EX_PROTOCOL, "HTTP 502"),
    (answers("[", JSON), os.EX_PROTOCOL, "no JSON"),
    (answers("[" * 100_000, JSON), os.EX_PROTOCOL, "no JSON"),
    (answers("NaN", JSON), os.EX_PROTOCOL, "no JSON"),
    (answers("[]", JSON), os.EX_PROTOCOL, "does not understand"),
    (answers('{"alerts": 7}', JSON), os.EX_PROTOCOL, "does not understand"),
    (answers('{"alerts": [7]}', JSON), os.EX_PROTOCOL, "does not understand"),
    (answers('{"alerts": [{"system": []}]}', JSON), os.EX_PROTOCOL, "does not understand"),
    (
        answers('{"title": "Not Found", "status": 404}', PROBLEM, status="404 Not Found"),
        os.EX_PROTOCOL,
        "older",
    ),
    (
        answers(
            '{"title": "x", "faults": [{"name": "latest", "reason": "is not known here"}]}',
            PROBLEM,
            status="422 Unprocessable",
        ),
        os.EX_PROTOCOL,
        "older",
    ),
    (answers('{"title": "No"}', PROBLEM, status="401 Unauthorized"), os.EX_NOPERM, "does not know the token"),
    (answers('{"title": "No"}', PROBLEM, status="403 Forbidden"), os.EX_NOPERM, "says: No"),
    (answers('{"title": "Full"}', PROBLEM, status="503 Unavailable"), os.EX_TEMPFAIL, "says: Full"),
    (answers('{"title": "A\\u001b[2J"}', PROBLEM, status="418 Teapot"), os.EX_PROTOCOL, "says: A"),
    (answers("7", PROBLEM, status="500 Oh"), os.EX_UNAVAILABLE, "HTTP 500"),
    (cuts, os.EX_UNAVAILABLE, "cannot be asked"),
    (sends_and_cuts(http("{", JSON, length=100)), os.EX_UNAVAILABLE, "cut short"),
    (sends_and_cuts(b"SSH-2.0-x\r\n"), os.EX_UNAVAILABLE, "no HTTP"),
    (sends(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000), os.EX_UNAVAILABLE, "no HTTP"),
    (hangs, os.EX_UNAVAILABLE, "took too long"),
    (drips(b"HTTP/1.1 200 OK\r\n", b"x"), os.EX_UNAVAILABLE, "took too long"),
    (
        drips(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[", b" "),
        os.EX_UNAVAILABLE,
        "took too long",
    ),
    (
        drips(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[", b" " * 300_000, 0.0),
        os.EX_PROTOCOL,
        "more than 1 MiB",
    ),
]


@pytest.mark.parametrize(
    ("step", "code", "said"), HOSTILE, ids=[f"{n}-{one[2]}" for n, one in enumerate(HOSTILE)]
)
def test_whatever_answers_a_sentence_and_a_code_come_of_it(
    step: Step, code: int, said: str, call: Call, token: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(over_http, "PATIENCE", timedelta(seconds=1))
    monkeypatch.setattr(over_http, "MOST_BYTES", 1 << 20)
    began = clock.monotonic()
    with ScriptedServer(step) as server:
        found, out, err = call("alerts", "list", "--url", server.url, *token)

    assert (found, out) == (code, ""), err
    assert said in err
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert ADMIN not in err
    assert clock.monotonic() - began < 6


def test_a_redirect_is_told_and_the_token_goes_nowhere_else(call: Call, token: list[str]) -> None:
    with ScriptedServer(HTML) as other:
        to = f"Location: {other.url}"
        with ScriptedServer(answers("", to, status="302 Found")) as server:
            code, _, err = call("alerts", "list", "--url", server.url, *token)

    assert (code, "leads elsewhere (HTTP 302" in err) == (os.EX_PROTOCOL, True), err
    assert (len(server.requests), other.requests) == (1, [])


def test_of_a_command_that_was_sent_and_not_answered_it_is_said_how_to_give_it_once(
    call: Call, token: list[str]
) -> None:
    with ScriptedServer(cuts) as server:
        words = ("command", "add", "queue.pause", "queue_path=/5", "agent=1", "--system", "main")
        code, _, err = call(*words, "--url", server.url, *token)

    (request,) = server.requests
    key = request.headers["idempotency-key"]
    assert code == os.EX_PROTOCOL
    assert "what came of it is not known" in err
    assert f"--idempotency-key {key}" in err


def test_nothing_is_sent_twice_but_what_only_reads(call: Call, token: list[str]) -> None:
    """A kept-alive connection that the other side closes: the list is asked for again, the switch is not."""
    page = json.dumps({"deliveries": [], "next": 7, "has_more": True})
    with ScriptedServer(answers('{"endpoints": []}', JSON), cuts) as server:
        assert call("endpoints", "list", "--url", server.url, *token)[0] == 0
        assert call("endpoints", "disable", "crm", "--url", server.url, *token)[0] == os.EX_PROTOCOL

    assert [one.verb for one in server.requests] == ["GET", "POST"]
    assert page


class TestTls:
    def ask(self, call: Call, authority: Authority, host: str, *more: str) -> tuple[int, str, str]:
        steps = [answers('{"alerts": []}', JSON)]
        with ScriptedServer(*steps, tls=server_side(authority.issue(host))) as server:
            return call("alerts", "list", "--url", server.url, *more)

    def test_the_authority_of_the_house_is_taken_where_it_is_named(
        self, call: Call, token: list[str], tmp_path: Path
    ) -> None:
        authority = Authority(tmp_path)
        ca = ["--ca-file", str(authority.pem)]
        assert self.ask(call, authority, "127.0.0.1", *token, *ca) == (0, "Nothing is wrong.\n", "")

        code, _, err = self.ask(call, authority, "127.0.0.1", *token)
        assert (code, "certificate is not trusted" in err) == (os.EX_UNAVAILABLE, True), err
        code, _, err = self.ask(call, authority, "other.example.org", *token, *ca)
        assert (code, "certificate is not trusted" in err) == (os.EX_UNAVAILABLE, True), err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--url", "ftp://x", "--token-file", "admin"], os.EX_USAGE),
        (["--url", "https://a:b@x", "--token-file", "admin"], os.EX_USAGE),
        (["--url", "http://[", "--token-file", "admin"], os.EX_USAGE),
        (["--url", "http://x:99999", "--token-file", "admin"], os.EX_USAGE),
        (["--url", "http://127.0.0.1:9"], os.EX_USAGE),
        (["--url", "http://127.0.0.1:9", "--token-file", "none"], os.EX_NOINPUT),
        (["--url", "https://127.0.0.1:9", "--token-file", "admin", "--ca-file", "none"], os.EX_NOINPUT),
        (["--url", "https://127.0.0.1:9", "--token-file", "admin", "--ca-file", "admin"], os.EX_NOINPUT),
        (["--url", "http://127.0.0.1:9", "--token-file", "admin"], os.EX_UNAVAILABLE),
        (["--url", "http://no-such-host.invalid", "--token-file", "admin"], os.EX_UNAVAILABLE),
    ],
)
def test_what_is_wrong_with_the_call_is_said(
    call: Call, token: list[str], words: list[str], code: int
) -> None:
    found, out, err = call("alerts", "list", *words)

    assert (found, out) == (code, ""), err
    assert "Traceback" not in err


def test_a_verb_of_this_machine_alone_refuses(call: Call, token: list[str]) -> None:
    code, _, err = call("--url", "http://127.0.0.1:9", *token, "check")
    assert (code, "this machine alone" in err) == (os.EX_USAGE, True)


def test_each_verb_with_json_stands_in_the_table_of_the_page() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    table = page[page.index("| verb | prints |") :].split("\n\n")[0]
    said = {one for row in table.splitlines()[2:] for one in re.findall(r"`([a-z ]+)`", row.split("|")[1])}
    verbs = Verbs()
    prints = {
        f"{noun} {word}".strip()
        for noun in VERBS
        for word, command in getattr(verbs[noun], "commands", {"": verbs[noun]}).items()
        if any("--json" in one.opts for one in command.params)
    }

    assert said == prints


def test_each_row_is_a_verb_and_stands_in_the_table_of_the_page() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z ]+)` \| `(\w+ /api/v1/[^`]+)` \|$", page, re.MULTILINE))
    assert rows == {verb: f"{route.method} /api/v1/{route.path}" for verb, route in ROUTES.items()}

    verbs = Verbs()
    for verb in ROUTES:
        noun, _, word = verb.partition(" ")
        assert noun in VERBS
        command = verbs[noun].commands[word] if word else verbs[noun]
        assert {"url", "token_file", "ca_file"} <= {one.name for one in command.params}, verb
