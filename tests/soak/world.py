"""What stands around the daemon in a soak: a phone system, receivers and a mail server, and what they saw."""

import base64
import hmac
import json
import random
import threading
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.process import SECRET, TOKEN
from tests.support.smtp import MailServer

PHONES = [f"07731377{number:02d}" for number in range(4)]
SENDERS = ["0541234567", "972501234568", "+972-52-123 4569", "0771234567", "Bank"]
POISONS = [
    "\x1b[2J\x1b[31mcleared",
    "\u202etxet desrever\u202c",
    "\u009b31m eight bit",
    "=?utf-8?q?=53ubject?= =?utf-8?b?8J+YgA==?=",
    "=?no-such-charset?x?%%%?=",
    "a\r\nBcc: other@example.org\r\n\r\nbody",
    "שלום " * 800,
    "{{ 7 * 7 }} <script>alert(1)</script> [red]bold[/red] *md* `x`",
    "\u2028line\u2029paragraph\u200b\ufeff\u00ad",
    "😀" * 300,
    "'; DROP TABLE events; --",
    "קוד האימות לכרטיס המסתיים ב-1234 הוא 567890",
    "\x00\x01\x7f\x85 controls",
    ".",
    "",
]

CONFIGURATION = """\
[daemon]
database = "sqlite:///yemotd.db"
drain = "3s"
[http]
listen = "127.0.0.1:0"
token_file = "http-token"
[[systems]]
name = "main"
token_file = "token"
base_url = "{base_url}"
connect_timeout = "1s"
read_timeout = "2s"
deadline = "3s"
commands = ["*"]
commands_rate = 100.0
campaign_units_per_day = 100000
[systems.sms]
every = "300ms"
limit = 100
[systems.sip]
every = "500ms"
for = "1s"
keep_firing = "0s"
many = 100
flapping = "0s"
[[webhooks]]
name = "crm"
url = "{webhook_url}"
secret_file = "secret"
retries = ["200ms", "300ms", "500ms", "1s", "1s", "1s", "2s", "2s", "5s", "5s", "5s", "5s", "5s"]
[webhooks.headers]
x-endpoint = "crm"
[[webhooks]]
name = "steady"
url = "{webhook_url}"
secret_file = "secret"
events = ["sip.*", "command.*", "daemon.*"]
[webhooks.headers]
x-endpoint = "steady"
[smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
from = "Yemot alerts <alerts@example.org>"
[[emails]]
name = "ops"
to = ["ops@example.org"]
events = ["sms.received"]
language = "he"
group_wait = "500ms"
group_interval = "1s"
most_per_hour = 3600
"""


@dataclass(frozen=True)
class Arrived:
    """A request to a receiver, with what it was answered."""

    at: datetime
    endpoint: str
    event: str
    body: bytes
    is_genuine: bool
    is_accepted: bool
    """As far as we know: the daemon may have been killed before it read that."""

    @property
    def told(self) -> dict[str, Any]:
        """The body, parsed."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receivers:
    """Both endpoints behind one port. "crm" takes mostly all, sometimes not, or leaves; "steady" is well."""

    def __init__(self, chance: random.Random) -> None:
        self.is_calm = False
        self.always: str | None = None
        """How "crm" answers each time; None: by chance, or well where all is calm."""
        self.retry_after = "1"
        self.takes = 0.0
        """Seconds from a request to its answer."""
        self._is_over = threading.Event()
        self._chance = chance
        self._arrived: list[Arrived] = []
        self._lock = threading.Lock()
        receivers = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receivers._answer(self, body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # the daemon is killed now and then

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def arrived(self) -> list[Arrived]:
        """Every request so far, in order."""
        with self._lock:
            return list(self._arrived)

    def close(self) -> None:
        self._is_over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        endpoint = handler.headers["x-endpoint"]
        with self._lock:
            way = self.always or ("204" if self.is_calm or endpoint == "steady" else self._way())
            is_genuine = _is_genuine(handler.headers, body)
            event = handler.headers["webhook-id"]
            self._arrived.append(
                Arrived(utcnow(), endpoint, event, body, is_genuine, is_accepted=way == "204")
            )
        self._is_over.wait(self.takes)
        if way == "leaves":
            handler.close_connection = True
            return
        handler.send_response(int(way))
        said = b"" if way == "204" else b"\x1b[31mno\xc2\x9b"
        if way == "429":
            handler.send_header("retry-after", self.retry_after)
        if way != "204":
            handler.send_header("content-length", str(len(said)))
        handler.end_headers()
        handler.wfile.write(said)

    def _way(self) -> str:
        return self._chance.choices(["204", "503", "429", "leaves"], [86, 8, 3, 3])[0]


class World:
    """Everything but the daemon. `close` ends it."""

    def __init__(self, directory: Path, chance: random.Random) -> None:
        self.directory = directory
        self.chance = chance
        self.system = SimulatedSystem(now=utcnow)
        self.system.set_units(1_000_000)
        self.system.queue("/5").add_agent("SIP-1")
        for phone in PHONES:
            self.system.add_sip_account(phone)
            self.system.set_registered(phone, registered=True)
        self.simulator = Simulator({TOKEN: self.system}, now=utcnow)
        self.simulator.start()
        self.receivers = Receivers(random.Random(chance.random()))  # noqa: S311 - in a thread of its own
        self.mail = MailServer()
        self.sent: dict[int, str] = {}
        """Texts of the SMS by their number, as they were sent."""
        self.down: set[str] = set()

    @property
    def places(self) -> dict[str, str]:
        """For the configuration."""
        return {
            "base_url": self.simulator.base_url,
            "webhook_url": self.receivers.url,
            "smtp_port": str(self.mail.port),
        }

    def message(self) -> None:
        """One more SMS, made to hurt."""
        number = len(self.sent)
        text = f"#{number}# {self.chance.choice(POISONS)}"
        self.sent[number] = text
        self.system.receive_sms(sender=self.chance.choice(SENDERS), recipient="0501234567", text=text)

    def turn_a_phone(self) -> None:
        """One drops off, or comes back."""
        phone = self.chance.choice(PHONES)
        is_down = phone in self.down
        self.system.set_registered(phone, registered=is_down)
        (self.down.discard if is_down else self.down.add)(phone)

    def close(self) -> None:
        self.simulator.stop()
        self.receivers.close()
        self.mail.close()


def _is_genuine(headers: Any, body: bytes) -> bool:
    """Signed with our secret, at whatever time: the clock is a part of the game."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return wanted in headers["webhook-signature"].split(" ")
