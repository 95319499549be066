"""The whole daemon as a process, against the simulator and a real receiver, over HTTP."""

import json
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from daemon.host.clock import monotonic
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.fakes import Received, Receiver, answer
from tests.support.process import CONFIGURATION, HTTP_TOKEN, PATIENCE, SECRET, TOKEN, Process, run_cli

pytestmark = pytest.mark.slow


@pytest.fixture
def daemon(tmp_path: Path, simulator: Simulator, receiver: Receiver) -> Iterator[Process]:
    one = Process(tmp_path, base_url=simulator.base_url, webhook_url=receiver.url)
    yield one
    one.stop()


def bodies(receiver: Receiver, event_type: str) -> list[dict[str, Any]]:
    """What arrived of a type, each event once, in order of arrival."""
    by_id = {one.headers["webhook-id"]: one for one in receiver.received}
    parsed = [json.loads(one.body) for one in by_id.values()]
    return [body for body in parsed if body["type"] == event_type]


def wait_for(receiver: Receiver, event_type: str, many: int = 1) -> list[dict[str, Any]]:
    """What arrived of a type, once there is so much of it."""
    deadline = monotonic() + PATIENCE
    count = len(receiver.received)
    while len(found := bodies(receiver, event_type)) < many:
        assert monotonic() < deadline, [one.body for one in receiver.received]
        count = len(receiver.wait_for(count + 1, timeout=PATIENCE))
    return found


def wait_for_baseline(daemon: Process) -> None:
    """Wait until every watch was seen once."""
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        _, status = daemon.get("/api/v1/status")
        watches = [watch for system in status["systems"] for watch in system["watches"]]
        if watches and all(watch["observed_at"] for watch in watches):
            return
    raise AssertionError(status)


def wait_until_all_is_told(daemon: Process) -> None:
    """Wait until nothing is open: what came with a refusal has arrived, but is sent once more."""
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        _, status = daemon.get("/api/v1/status")
        if not any(endpoint["open"] for endpoint in status["endpoints"]):
            return
    raise AssertionError(status)


def texts(found: list[dict[str, Any]]) -> list[str]:
    return [body["data"]["sms"]["text"] for body in found]


def test_sms_and_phones_arrive_as_verified_webhooks(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    system.receive_sms(sender="0541234567", recipient="0501234567", text="שלום 1234")
    system.set_registered("0773137770", registered=False)
    (sms,) = wait_for(receiver, "sms.received")
    (down,) = wait_for(receiver, "sip.account.unregistered")
    system.set_registered("0773137770", registered=True)
    (up,) = wait_for(receiver, "sip.account.registered")
    assert daemon.stop() == 0

    for one in receiver.received:
        Webhook(SECRET).verify(one.body, one.headers)
    assert sms["data"]["sms"]["text"] == "שלום 1234"
    account = down["data"]["account"]
    assert (account["user_name"], account["registered"]) == ("0773137770", False)
    assert account["created_date"] is not None
    assert down["data"]["alert"]["incident"] == up["data"]["alert"]["incident"]
    assert (down["data"]["alert"]["status"], up["data"]["alert"]["status"]) == ("firing", "resolved")
    assert [len(bodies(receiver, f"daemon.{what}")) for what in ("started", "stopped")] == [1, 1]


def test_who_waits_for_a_command_is_answered_when_the_daemon_ends(daemon: Process) -> None:
    daemon.start()
    later = {"type": "sip.accounts", "system": "main", "not_before": "2199-01-01T00:00:00Z"}
    later["expires_at"] = "2199-01-02T00:00:00Z"
    _, given = daemon.post("/api/v1/commands", later)
    with closing(HTTPConnection("127.0.0.1", daemon.port, timeout=30)) as waiting:
        waiting.request(
            "GET",
            f"/api/v1/commands/{given['id']}?wait=60s",
            headers={"authorization": f"Bearer {HTTP_TOKEN}"},
        )
        # Connections are taken in their order: once this one is answered, the other is waiting.
        daemon.get("/livez", token=None)
        assert daemon.stop() == 0
        answered = waiting.getresponse()

        assert (answered.status, json.load(answered)["status"]) == (200, "queued")


def test_killed_in_the_middle_of_bursts_it_loses_nothing_and_invents_nothing(
    daemon: Process, system: SimulatedSystem, receiver: Receiver, tmp_path: Path
) -> None:
    """SIGKILL while messages pour in and the receiver fails half of the time; then again, and again."""
    for number in range(5):
        system.receive_sms(sender="0541111111", recipient="0501234567", text=f"old {number}")
    daemon.start()
    wait_for_baseline(daemon)
    receiver.script.answers = [answer(500), answer(), answer(503), answer()] * 10 + [answer()]
    sent = []
    for round_number in range(4):
        for number in range(25):
            sent.append(f"{round_number} {number // 2}")  # every other one equal to the one before
            system.receive_sms(sender="0541234567", recipient="0501234567", text=sent[-1])
        receiver.wait_for(len(receiver.received) + 7, timeout=PATIENCE)
        daemon.kill()
        daemon.start()
    wait_for(receiver, "sms.received", len(sent))
    wait_until_all_is_told(daemon)
    assert daemon.stop() == 0

    assert Counter(texts(bodies(receiver, "sms.received"))) == Counter(sent)
    with sqlite3.connect(tmp_path / "yemotd.db") as db:
        written = dict(db.execute("SELECT id, body FROM events").fetchall())
        sequences = [
            row[0] for row in db.execute("SELECT sequence FROM events WHERE system='main' ORDER BY 1")
        ]
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM deliveries WHERE status != 'delivered'").fetchone() == (0,)
    db.close()
    received = {one.headers["webhook-id"]: one.body for one in receiver.received}
    assert received == written
    assert sequences == list(range(1, len(sequences) + 1))


def test_a_burst_larger_than_the_window_is_told_whole(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    """The window is 10 rows; 64 arrive at once, in one second."""
    daemon.start()
    wait_for_baseline(daemon)
    sent = [f"burst {number // 2}" for number in range(64)]
    for text in sent:
        system.receive_sms(sender="0541234567", recipient="0501234567", text=text)
    found = wait_for(receiver, "sms.received", len(sent))
    daemon.stop()

    assert Counter(texts(found)) == Counter(sent)
    assert bodies(receiver, "sms.gap") == []


@pytest.mark.parametrize(
    "fault", ["HTML", "TRUNCATED_JSON", "CUT", "RESET", "TEAPOT", "EMPTY_LIST", "SERVER_ERROR"]
)
def test_a_failed_answer_changes_no_state(
    daemon: Process, system: SimulatedSystem, simulator: Simulator, receiver: Receiver, fault: str
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    simulator.faults.set("GetSipAccountsRegisteredStatus", Fault[fault], times=6)
    asked = system.request_counts["GetSipAccountsRegisteredStatus"]
    deadline = monotonic() + PATIENCE
    while system.request_counts["GetSipAccountsRegisteredStatus"] < asked + 8:
        assert monotonic() < deadline
        daemon.get("/livez")
    system.receive_sms(sender="0541234567", recipient="0501234567", text="the end")
    wait_for(receiver, "sms.received")
    daemon.stop()

    told = {json.loads(one.body)["type"] for one in receiver.received}
    assert not any(what.startswith("sip.") for what in told), told


def test_an_api_that_hangs_fails_no_start_and_no_stop(
    daemon: Process, simulator: Simulator, receiver: Receiver
) -> None:
    simulator.faults.set("*", Fault.HANG)
    daemon.start()
    assert daemon.get("/livez") == (200, "ok\n")
    began = monotonic()

    assert daemon.stop() == 0
    assert monotonic() - began < 10


def test_a_rejected_token_is_told_and_not_hammered(
    daemon: Process, system: SimulatedSystem, simulator: Simulator, receiver: Receiver
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    simulator.faults.set("*", Fault.TOKEN_INVALID)
    (told,) = wait_for(receiver, "api.token_rejected")
    asked = sum(system.request_counts.values())
    simulator.faults.clear()
    system.receive_sms(sender="0541234567", recipient="0501234567", text="later")
    daemon.stop()

    assert told["data"]["error"]["class"] == "token_rejected"
    assert TOKEN not in json.dumps(told)
    assert sum(system.request_counts.values()) - asked <= 2


def test_the_http_side_shows_what_happened(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    system.receive_sms(sender="0541234567", recipient="0501234567", text="one")
    wait_for(receiver, "sms.received")
    _, status = daemon.get("/api/v1/status")
    _, page = daemon.get("/api/v1/events?type=sms.*")
    refused, problem = daemon.get("/api/v1/status", token=None)
    ready = daemon.get("/readyz")
    daemon.stop()

    assert [watch["watch"] for watch in status["systems"][0]["watches"]] == ["sms", "sip"]
    assert [body["data"]["sms"]["text"] for body in page["events"]] == ["one"]
    assert (refused, problem["status"]) == (401, 401)
    assert ready == (200, "ok\n")


def test_prometheus_is_told_what_was_done_and_forgets_what_left_the_configuration(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    system.receive_sms(sender="0541234567", recipient="0501234567", text="one")
    wait_for(receiver, "sms.received")
    deadline = monotonic() + PATIENCE
    told = ""
    while not re.search(r'^yemotd_attempts_total{endpoint="crm",outcome="accepted"} [2-9]', told, re.M):
        assert monotonic() < deadline, told
        status, told = daemon.get("/metrics", token=None)
        assert status == 200
    before, rest = CONFIGURATION.split("[systems.sip]")
    daemon.configure(before + "[[webhooks]]" + rest.split("[[webhooks]]")[1])
    daemon.signal(signal.SIGHUP)
    daemon.wait_for("config.reloaded")
    _, later = daemon.get("/metrics", token=None)
    daemon.stop()

    polls = 'yemotd_polls_total{{outcome="answered",system="main",watch="{}"}}'
    assert re.search(re.escape(polls.format("sip")) + " [1-9]", told)
    assert polls.format("sms") in later
    assert 'watch="sip"' not in later
    for secret in (TOKEN, SECRET, HTTP_TOKEN, "0541234567"):
        assert secret not in told


def test_a_wait_of_a_day_is_shown_and_a_reload_ends_it(
    daemon: Process, simulator: Simulator, system: SimulatedSystem, receiver: Receiver
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    simulator.faults.set("GetSmsIncomingLog", Fault.THROTTLED_STATUS, delay=timedelta(days=1))
    daemon.wait_for("poll.failed", count=2)  # the one that was told, and the one that is left alone with it
    simulator.faults.clear()
    _, status = daemon.get("/api/v1/status")
    shown = run_cli(daemon.directory, "status")
    system.receive_sms(sender="0541234567", recipient="0501234567", text="meanwhile")
    daemon.signal(signal.SIGHUP)
    daemon.wait_for("config.reloaded")
    (told,) = wait_for(receiver, "sms.received")
    daemon.stop()

    until, now = (
        datetime.fromisoformat(one) for one in (status["systems"][0]["paused_until"], status["now"])
    )
    assert timedelta(minutes=14) < until - now <= timedelta(minutes=15)
    assert {watch["failure"]["class"] for watch in status["systems"][0]["watches"]} == {"throttled"}
    watches = [line for line in shown.stdout.splitlines() if line.startswith("watch ")]
    assert sum("left alone until" in line for line in watches) == 2
    assert told["data"]["sms"]["text"] == "meanwhile"


def test_sighup_takes_over_a_good_configuration_and_refuses_a_bad_one(
    daemon: Process, system: SimulatedSystem, receiver: Receiver, tmp_path: Path
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    daemon.configure(CONFIGURATION.replace("every", "evry"))
    daemon.signal(signal.SIGHUP)
    refused = daemon.wait_for("config.refused")
    with Receiver() as other:
        daemon.places["webhook_url"] = other.url
        daemon.configure(CONFIGURATION)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("config.reloaded")
        system.receive_sms(sender="0541234567", recipient="0501234567", text="elsewhere")
        wait_for(other, "sms.received")
        daemon.stop()

    assert 'did you mean "every"?' in refused["error"]
    assert bodies(receiver, "sms.received") == []


def test_a_receiver_that_is_down_delays_only_itself_and_gets_everything(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    receiver.script.answers = [answer(500)] * 9 + [answer()]
    daemon.start()
    wait_for_baseline(daemon)
    system.receive_sms(sender="0541234567", recipient="0501234567", text="one")
    system.receive_sms(sender="0541234567", recipient="0501234567", text="two")
    found = wait_for(receiver, "sms.received", 2)
    daemon.stop()

    assert texts(found) == ["one", "two"]
    by_id: dict[str, list[Received]] = {}
    for one in receiver.received:
        by_id.setdefault(one.headers["webhook-id"], []).append(one)
    assert all(len({one.body for one in tries}) == 1 for tries in by_id.values())
    assert max(len(tries) for tries in by_id.values()) > 1


def test_no_secret_is_written_anywhere(
    daemon: Process, system: SimulatedSystem, simulator: Simulator, receiver: Receiver, tmp_path: Path
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    simulator.faults.set("*", Fault.MFA, times=2)
    system.receive_sms(sender="0541234567", recipient="0501234567", text="one")
    wait_for(receiver, "api.token_rejected")
    _, status = daemon.get("/api/v1/status")
    command_line = Path(f"/proc/{daemon.pid}/cmdline").read_bytes()
    daemon.stop()

    said = json.dumps([daemon.lines, status], ensure_ascii=False).encode() + command_line
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("yemotd.db*"))
    for secret in (TOKEN, TOKEN.partition(":")[2], SECRET, SECRET.removeprefix("whsec_"), HTTP_TOKEN):
        assert secret.encode() not in said + stored, secret


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        (("every", "evry"), 78, 'did you mean "every"?'),
        (("yemotd.db", "absent/yemotd.db"), 74, "absent"),
        (("127.0.0.1:0", "127.0.0.1:{taken}"), 69, "listen = "),
        (('drain = "3s"', 'key_file = "."'), 78, "[daemon] key_file = '.': is a folder"),
    ],
)
def test_what_cannot_start_says_why_and_how_to_mend_it(
    tmp_path: Path, simulator: Simulator, receiver: Receiver, change: tuple[str, str], code: int, reason: str
) -> None:
    taken = receiver.url.rpartition(":")[2].partition("/")[0]
    places = {"base_url": simulator.base_url, "webhook_url": receiver.url, "taken": taken}
    Process(tmp_path, CONFIGURATION.replace(*change), **places)

    ended = run_cli(tmp_path, "run")

    assert ended.returncode == code
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_daemon_on_the_same_database_is_refused(daemon: Process, tmp_path: Path) -> None:
    daemon.start()
    ended = run_cli(tmp_path, "run")
    daemon.stop()

    assert ended.returncode == 74
    assert f"another yemotd (process {daemon.pid})" in ended.stderr


def test_the_command_line_reads_what_the_daemon_wrote(
    daemon: Process, system: SimulatedSystem, receiver: Receiver, tmp_path: Path
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    system.receive_sms(sender="0541234567", recipient="0501234567", text="שלום")
    (body,) = wait_for(receiver, "sms.received")
    status = run_cli(tmp_path, "status")
    dry = run_cli(tmp_path, "poll", "--dry-run", "--watch", "sms")
    wet = run_cli(tmp_path, "poll")
    daemon.stop()
    listed = run_cli(tmp_path, "events", "list", "--type", "sms.*", "--json")
    shown = run_cli(tmp_path, "events", "show", body["data"]["id"], "--json")
    missing = run_cli(tmp_path, "events", "show", "evt_0")

    assert f"running, process {daemon.pid}" in status.stdout
    assert "main/sms: answered, 0 events" in dry.stdout
    assert (wet.returncode, "--dry-run" in wet.stderr or "another yemotd" in wet.stderr) == (74, True)
    assert json.loads(listed.stdout) == body
    assert shown.stdout.encode().strip() == next(
        one.body for one in receiver.received if one.headers["webhook-id"] == body["data"]["id"]
    )
    assert missing.returncode == 65


def test_poll_alone_stores_and_sends(
    system: SimulatedSystem, simulator: Simulator, receiver: Receiver, tmp_path: Path
) -> None:
    Process(tmp_path, base_url=simulator.base_url, webhook_url=receiver.url)
    first = run_cli(tmp_path, "poll")
    system.receive_sms(sender="0541234567", recipient="0501234567", text="by cron")
    second = run_cli(tmp_path, "poll", "--json")

    assert (first.returncode, second.returncode) == (0, 0)
    assert texts(bodies(receiver, "sms.received")) == ["by cron"]


def test_an_alert_whose_watch_left_the_configuration_is_taken_back(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    system.set_registered("0773137770", registered=False)
    (down,) = wait_for(receiver, "sip.account.unregistered")
    before, rest = CONFIGURATION.split("[systems.sip]")
    daemon.configure(before + "[[webhooks]]" + rest.split("[[webhooks]]")[1])
    daemon.signal(signal.SIGHUP)
    (over,) = wait_for(receiver, "sip.account.registered")
    daemon.stop()

    assert over["data"]["alert"]["reason"] == "removed"
    assert over["data"]["alert"]["incident"] == down["data"]["alert"]["incident"]


def test_a_silence_from_the_command_line_reaches_the_running_daemon(
    daemon: Process, system: SimulatedSystem, receiver: Receiver, tmp_path: Path
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    mute = ("silence", "add", "--subject", "sip/*", "--for", "1h", "--comment", "a test", "--json")
    added = run_cli(tmp_path, *mute)
    system.set_registered("0773137770", registered=False)
    daemon.wait_for("event.recorded", count=2)  # that it started, and that the phone dropped off
    assert bodies(receiver, "sip.account.unregistered") == []
    ended = run_cli(tmp_path, "silence", "expire", json.loads(added.stdout)["id"])
    (down,) = wait_for(receiver, "sip.account.unregistered")
    explained = run_cli(tmp_path, "explain", "sip/0773137770")
    daemon.stop()

    assert (added.returncode, ended.returncode, explained.returncode) == (0, 0, 0)
    assert (down["data"]["alert"]["reason"], down["data"]["alert"]["held_by"]) == ("catch_up", "silenced")
    assert "held: silenced" in explained.stdout
    assert "told: catch_up, was held: silenced" in explained.stdout


def test_a_program_does_what_an_operator_does_and_the_running_daemon_follows(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    tried, test = daemon.post("/api/v1/endpoints/crm/test")
    off, _ = daemon.post("/api/v1/endpoints/crm/disable")
    daemon.wait_for("endpoint.turned")
    system.receive_sms(sender="0541234567", recipient="0501234567", text="meanwhile")
    on, _ = daemon.post("/api/v1/endpoints/crm/enable")
    wait_for(receiver, "sms.received")
    added, silence = daemon.post("/api/v1/silences", {"subject": "sip/*", "for": "1h", "comment": "a test"})
    _, listed = daemon.get("/api/v1/silences")
    refused, problem = daemon.post("/api/v1/deliveries/1/retry?history=maybe")
    daemon.stop()

    assert (tried, off, on, added, refused) == (200, 200, 200, 201, 422)
    assert (test["status"], test["attempts"][0]["outcome"]) == ("delivered", "accepted")
    assert [one["id"] for one in listed["silences"]] == [silence["id"]]
    assert [one["name"] for one in problem["faults"]] == ["history"]
    audit = [(one["token"], one["action"]) for one in daemon.lines if one.get("event") == "http.audit"]
    actions = ("endpoint.test", "endpoint.disable", "endpoint.enable", "silence.add")
    assert audit == [("token", action) for action in actions]


def test_what_a_verb_logs_is_no_part_of_its_output_and_shows_no_secret(tmp_path: Path) -> None:
    """The platform's answer says the token back."""
    with Receiver() as platform:
        said = json.dumps({"responseStatus": "ERROR", "message": f"no such thing as {TOKEN}"})
        platform.script.answers = [answer(200, said.encode(), content_type="application/json")]
        Process(tmp_path, base_url=platform.url.replace("/hook", "/"), webhook_url=platform.url)
        run_cli(tmp_path, "db", "upgrade")
        polled = run_cli(tmp_path, "poll", "--json", "--watch", "sms")

    (line,) = polled.stdout.splitlines()
    assert json.loads(line)["failure"]
    assert "poll.failed" in polled.stderr
    assert TOKEN not in polled.stdout + polled.stderr
