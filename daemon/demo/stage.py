"""The demo's stage: a simulated phone system, a receiver, a postbox, and the real daemon as a process.

The daemon is `yemotd run` with a configuration file, so that it can be killed as a daemon is killed:
with SIGKILL, in the middle of things.
"""

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from daemon.core.durations import MINUTE
from daemon.core.model import Secret
from daemon.demo.postbox import Postbox
from daemon.demo.receiver import Received, Receiver
from daemon.host import clock
from daemon.simulator.server import Simulator

EXIT_SECONDS = 20
"""The longest wait for the end of the daemon, beyond its `drain`."""

CONFIGURATION = """\
[daemon]
database = "sqlite:///yemotd.db"
[http]
listen = "127.0.0.1:{port}"
token_file = "http-token"

[[systems]]
name = "demo"
token_file = "token"
base_url = "{base_url}"
connect_timeout = "1s"
read_timeout = "1s"
deadline = "2s"
commands = ["*"]
campaign_units_per_day = 5
sms_units_per_day = 5
[systems.api]
for = "1s"
[systems.sms]
every = "500ms"
limit = 20
[systems.sip]
every = "500ms"
for = "3s"
keep_firing = "1s"
[[systems.queues]]
path = "/5"
name = "sales"
every = "500ms"
[[systems.queues.thresholds]]
metric = "calls_waiting"
above = 5
clear = 3
for = "1s"
[[systems.directories]]
path = "/2"
every = "1s"
attach = true
[[systems.reports]]
path = "/1"
file = "ApprovalAll"
every = "1s"
fields = ["Phone", "P050"]
[systems.pirsumphone]
every = "5s"
[systems.units]
every = "5s"
below = 100

[[webhooks]]
name = "receiver"
url = "{webhook_url}"
secret_file = "webhook-secret"
events = ["*", "queue.*", "report.*", "sms.*"]
retries = ["500ms", "1s", "2s", "5s", "10s"]

[smtp]
host = "127.0.0.1"
port = {mail_port}
security = "none"
from = "yemotd <yemotd@demo.example>"
[[emails]]
name = "office"
to = ["office@demo.example"]
events = ["sms.*", "sip.*", "queue.*", "api.*", "directory.*"]
group_wait = "1s"
group_interval = "2s"
most_per_hour = 1000

[[texts]]
name = "manager"
system = "demo"
to = ["{manager}"]
events = ["queue.threshold.*", "sip.*"]

[[digests]]
name = "demo"
to = ["receiver", "office"]
at = "{digest_at}"
timezone = "UTC"
"""
MANAGERS_PHONE = "0529876543"
"""Whose phone is told by SMS what is wrong."""
DIGEST_AFTER = timedelta(seconds=30)
"""The end of the day: the first whole minute that is so far off."""


class Stage:
    """All parts of the demo, in a directory of their own."""

    def __init__(
        self,
        directory: Path,
        simulator: Simulator,
        *,
        token: str,
        on_received: Callable[[Received], None],
        on_mail: Callable[[EmailMessage], None],
    ) -> None:
        self.directory = directory
        self._token = token
        self.simulator = simulator
        self._secret = Secret("whsec_" + b64encode(secrets.token_bytes(32)).decode())
        self.http_token = secrets.token_urlsafe(12)
        """Of the API and the page; it opens a daemon on loopback, for as long as the demo lasts."""
        self.receiver = Receiver(self._secret, on_received)
        self.postbox = Postbox(on_mail)
        self._cleanups = ExitStack()
        self._daemon: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.port = 0

    def open(self, port: int) -> None:
        """Start the simulator and the receiver, write the configuration, start the daemon."""
        self.port = port
        self.simulator.start()
        self._cleanups.callback(self.simulator.stop)
        self.receiver.start()
        self._cleanups.callback(self.receiver.stop)
        self.postbox.start()
        self._cleanups.callback(self.postbox.stop)
        self._write_configuration()
        self._cleanups.callback(self.stop_daemon)
        self.start_daemon()

    def close(self) -> None:
        """Stop everything, in the reverse order."""
        self._cleanups.close()

    @property
    def page(self) -> str:
        """Where the daemon's page is."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def log_path(self) -> Path:
        """What the daemon said."""
        return self.directory / "daemon.log"

    @property
    def database(self) -> str:
        """The daemon's database, as a URL."""
        return f"sqlite:///{self.directory / 'yemotd.db'}"

    @property
    def pid(self) -> int | None:
        """The daemon's process."""
        return self._daemon.pid if self._daemon and self._daemon.poll() is None else None

    def start_daemon(self) -> None:
        """Start `yemotd run`."""
        self.starts += 1
        with self.log_path.open("ab") as log:
            self._daemon = subprocess.Popen(
                [sys.executable, "-m", "daemon", "run", "--config", "config.toml"],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                start_new_session=True,  # an interrupt of the demo is for the demo, which stops the daemon
            )

    def kill_daemon(self) -> None:
        """SIGKILL: no cleanup, no goodbye."""
        if self._daemon:
            self._daemon.kill()
            self._daemon.wait()

    def stop_daemon(self) -> int | None:
        """SIGTERM, and its exit code; killed if it does not end."""
        if self._daemon is None:
            return None
        self._daemon.terminate()
        try:
            return self._daemon.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill_daemon()
            return None

    def ask(self, path: str) -> Any:
        """A GET of the daemon's API; None while it does not answer."""
        return self._answer(path)

    def give(self, command: dict[str, Any], key: str) -> Any:
        """Give the daemon a command under a key; None where it does not answer."""
        return self._answer("commands", json.dumps(command).encode(), {"idempotency-key": key})

    def _answer(self, path: str, body: bytes | None = None, more: Mapping[str, str] | None = None) -> Any:
        headers = {"authorization": f"Bearer {self.http_token}", "content-type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/{path}", body, {**headers, **(more or {})}
        )
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310
                return json.load(answer)
        except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError):
            return None

    def _write_configuration(self) -> None:
        text = CONFIGURATION.format(
            port=self.port,
            base_url=self.simulator.base_url,
            webhook_url=self.receiver.url,
            mail_port=self.postbox.port,
            manager=MANAGERS_PHONE,
            digest_at=f"{clock.utcnow() + DIGEST_AFTER + MINUTE:%H:%M}",
        )
        self._write("config.toml", text)
        self._write("token", self._token)
        self._write("http-token", self.http_token)
        self._write("webhook-secret", self._secret.value)

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)
