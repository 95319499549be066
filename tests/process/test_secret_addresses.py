"""A webhook's address and a header that are secrets, in a daemon that runs: whatever the other side says
back, nothing that anybody can read has more of them than the host."""

import base64
import html
import json
import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.process.test_app import wait_for, wait_for_baseline
from tests.support.fakes import Receiver
from tests.support.process import CONFIGURATION, PATIENCE, TOKEN, Process, run_cli
from tests.support.several import wait_until

pytestmark = pytest.mark.slow

FIRST = ("T0opensesame", "B0walnut-north", "k3y-of/the%20hall", "mellonmellon")
SECOND = ("T0alohomora", "B0hazel-south", "k3y-to/the%20yard", "friendfriend")
"""Two steps of a path, a value of the query, and a header's credential: before and after the reload."""

RESTED = 300.0
"""Seconds: an endpoint where all fails is tried once in a minute at last."""
SECRET_ADDRESS = (
    CONFIGURATION.replace(
        'url = "{webhook_url}"', 'url_file = "address"\nheaders = {{ Authorization_file = "login" }}'
    )
    + """\
[[webhooks]]
name = "ops"
url = "{ops_url}"
secret_file = "secret"
"""
)


def told_back(handler: BaseHTTPRequestHandler) -> None:
    """Says everything back that it was sent, in every spelling, and leads there, too."""
    asked, login = handler.path, str(handler.headers["authorization"])
    said = "\n".join([asked, login, *asked.split("/"), *asked.split("="), login.partition(" ")[2]])
    spelled = [said, unquote(said), html.escape(said), json.dumps(said), quote(said, safe="")]
    body = "\n".join(spelled).encode()
    handler.send_response(302 if int(handler.headers["yemotd-attempt"]) % 2 else 500)
    handler.send_header("location", f"https://elsewhere.example{asked}")
    handler.send_header("content-type", "text/html")
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def address(receiver: Receiver, parts: tuple[str, ...]) -> str:
    return f"{receiver.url}/services/{parts[0]}/{parts[1]}?key={quote(parts[2], safe='')}"


def attempts(receiver: Receiver, parts: tuple[str, ...]) -> set[str]:
    """The numbers of those that came with a credential."""
    found = [one.headers for one in list(receiver.received)]
    return {one["yemotd-attempt"] for one in found if one["authorization"] == f"Bearer {parts[3]}"}


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).touch(mode=0o600)
    (folder / name).write_text(text + "\n")


@pytest.fixture
def receivers() -> Iterator[tuple[Receiver, Receiver]]:
    with Receiver(told_back) as crm, Receiver() as ops:
        yield crm, ops


def test_nothing_of_a_secret_address_but_its_host_is_seen_anywhere(
    tmp_path: Path, system: SimulatedSystem, simulator: Simulator, receivers: tuple[Receiver, Receiver]
) -> None:
    crm, ops = receivers
    places = {"base_url": simulator.base_url, "ops_url": ops.url}
    put(tmp_path, "address", address(crm, FIRST))
    put(tmp_path, "login", f"Bearer {FIRST[3]}")
    daemon = Process(tmp_path, SECRET_ADDRESS, **places)
    said: list[str] = [run_cli(tmp_path, "check").stdout, run_cli(tmp_path, "check", "--json").stdout]
    try:
        daemon.launch()
        daemon.wait_for("daemon.ready", timeout=PATIENCE)
        wait_for_baseline(daemon)
        system.receive_sms(sender="0541234567", recipient="0501234567", text="one")
        wait_until(lambda: {"1", "2"} <= attempts(crm, FIRST), within=RESTED)
        wait_for(ops, "sms.received")
        put(tmp_path, "address", address(crm, SECOND))
        put(tmp_path, "login", f"Bearer {SECOND[3]}")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("config.reloaded")
        system.receive_sms(sender="0541234567", recipient="0501234567", text="two")
        wait_until(lambda: attempts(crm, SECOND), within=RESTED)
        put(tmp_path, "address", f"https://{SECOND[0]}@crm.example/{SECOND[1]}")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("config.refused", timeout=PATIENCE)
        put(tmp_path, "address", address(crm, SECOND))
        tested = run_cli(tmp_path, "endpoints", "test", "crm")
        event = next(
            json.loads(one.body)["data"]["id"] for one in list(ops.received) if b"sms.received" in one.body
        )
        for words in (
            *(
                ("check",),
                ("check", "--json"),
                ("check", "--against", "running"),
                ("status",),
                ("status", "--json"),
            ),
            *(("endpoints", "list"), ("endpoints", "list", "--json"), ("deliveries", "list", "--json")),
            *(("deliveries", "show", "1"), ("deliveries", "show", "1", "--json"), ("explain", event)),
            *(("explain", event, "--json"), ("events", "list", "--json"), ("alerts", "list", "--json")),
        ):
            ended = run_cli(tmp_path, *words)
            said.append(ended.stdout + ended.stderr)
        for path in (
            *(
                "/api/v1/status",
                "/api/v1/endpoints",
                "/api/v1/deliveries",
                "/api/v1/events",
                "/api/v1/alerts",
            ),
            *("/metrics", "/openapi.json", "/livez", "/readyz", "/", "/endpoints/crm", "/deliveries/1"),
        ):
            _, found = daemon.get(path)
            said.append(json.dumps(found, ensure_ascii=False))
        command_line = Path(f"/proc/{daemon.pid}/cmdline").read_bytes()
    finally:
        daemon.stop()

    said += [tested.stdout, tested.stderr, json.dumps(daemon.lines, ensure_ascii=False)]
    said += [one.body.decode() for one in ops.received]
    seen = "\n".join(said).encode() + command_line
    seen += b"".join(path.read_bytes() for path in tmp_path.glob("yemotd.db*"))
    assert "crm" in daemon.wait_for("config.reloaded")["changes"]
    assert b"***" in seen  # it was said back, and kept
    for secret in (*FIRST, *SECOND):
        spelled = {
            secret,
            unquote(secret),
            quote(secret, safe=""),
            html.escape(secret),
            json.dumps(secret)[1:-1],
        }
        for one in (*spelled, base64.b64encode(secret.encode()).decode()):
            assert one.encode() not in seen, (one, near(seen, one.encode()))
    assert TOKEN.encode() not in seen


def near(seen: bytes, what: bytes) -> bytes:
    at = seen.index(what) if what in seen else 0
    return seen[max(at - 200, 0) : at + 100]
