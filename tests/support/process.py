"""The daemon as a process: started with a configuration file, killed, stopped, asked."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOKEN = "0770000000:secret-password"
HTTP_TOKEN = "http-token-of-the-test"

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
read_timeout = "1s"
deadline = "2s"
[systems.sms]
every = "200ms"
limit = 10
[systems.sip]
every = "200ms"
for = "500ms"
keep_firing = "0s"
[[webhooks]]
name = "crm"
url = "{webhook_url}"
secret_file = "secret"
retries = ["200ms", "200ms", "500ms", "1s", "2s", "2s", "5s"]
"""


PATIENCE = 120.0
"""Seconds until it hangs: a busy machine takes a minute to start what an idle one does in two seconds."""


class Process:
    """`yemotd run` in a directory of its own."""

    def __init__(self, directory: Path, configuration: str = CONFIGURATION, **places: str) -> None:
        self.directory = directory
        self.places = places
        self.configure(configuration)
        for name, text in (("token", TOKEN), ("http-token", HTTP_TOKEN), ("secret", SECRET)):
            self._write(name, text)
        self._running: subprocess.Popen[str] | None = None
        self._ready = threading.Event()
        self.lines: list[dict[str, Any]] = []
        self._readers: list[threading.Thread] = []
        self._said = threading.Condition()

    def configure(self, configuration: str) -> None:
        """Write another configuration; the process does not know yet."""
        self._write("config.toml", configuration.format(**self.places))

    def start(self, **environment: str) -> "Process":
        """Start it, and wait until it says that it is ready."""
        many = self.count("daemon.ready")
        self.launch(**environment)
        self.wait_for("daemon.ready", count=many + 1)
        return self

    def launch(self, **environment: str) -> None:
        """Start it, whatever becomes of that."""
        self._running = subprocess.Popen(
            [sys.executable, "-m", "daemon", "run"],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**inherited(), **environment},
        )
        reader = threading.Thread(target=self._read, args=(self._running,))
        reader.start()
        self._readers.append(reader)

    def count(self, event: str) -> int:
        """How often a log line was written, over all starts."""
        with self._said:
            return sum(line.get("event") == event for line in self.lines)

    def wait_for(self, event: str, *, count: int = 1, timeout: float = PATIENCE) -> dict[str, Any]:
        """Wait until a log line was written so often; the last of them."""
        with self._said:
            is_said = self._said.wait_for(
                lambda: sum(line.get("event") == event for line in self.lines) >= count, timeout
            )
            assert is_said, (event, self.lines[-20:])
            return [line for line in self.lines if line.get("event") == event][-1]

    def wait_until(self, is_it: Callable[[dict[str, Any]], bool], timeout: float = PATIENCE) -> None:
        """Wait for a log line of which something holds."""
        with self._said:
            assert self._said.wait_for(lambda: any(map(is_it, self.lines)), timeout), self.lines[-20:]

    @property
    def port(self) -> int:
        """Of the HTTP side, as the process says."""
        return int(self.wait_for("daemon.ready")["http_port"])

    @property
    def pid(self) -> int:
        assert self._running
        return self._running.pid

    def get(self, path: str, token: str | None = HTTP_TOKEN) -> tuple[int, Any]:
        """Status and parsed body of a GET."""
        return self._ask(path, {"authorization": f"Bearer {token}"} if token else {}, None)

    def _ask(
        self, path: str, headers: dict[str, str], body: bytes | None, method: str | None = None
    ) -> tuple[int, Any]:
        port = [line for line in self.lines if line.get("event") == "daemon.ready"][-1]["http_port"]
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
                got = answer.read()
                is_json = "json" in answer.headers.get("content-type", "")
                return answer.status, json.loads(got) if is_json else got.decode()
        except urllib.error.HTTPError as error:
            with error:
                got = error.read()
                is_json = "json" in error.headers.get("content-type", "")
                return error.code, json.loads(got or b"null") if is_json else got.decode()

    def post(self, path: str, document: object = None, **headers: str) -> tuple[int, Any]:
        """Status and parsed body of a POST of JSON; `idempotency_key="k"` becomes a header."""
        sent = {
            "authorization": f"Bearer {HTTP_TOKEN}",
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self._ask(path, sent, json.dumps(document).encode())

    def patch(self, path: str, document: object) -> tuple[int, Any]:
        """Status and parsed body of a PATCH of JSON."""
        sent = {"authorization": f"Bearer {HTTP_TOKEN}", "content-type": "application/json"}
        return self._ask(path, sent, json.dumps(document).encode(), "PATCH")

    def delete(self, path: str) -> tuple[int, Any]:
        """Status and parsed body of a DELETE."""
        return self._ask(path, {"authorization": f"Bearer {HTTP_TOKEN}"}, None, "DELETE")

    def signal(self, number: signal.Signals) -> None:
        assert self._running
        self._running.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self, timeout: float = PATIENCE) -> int:
        """SIGTERM, and the exit code."""
        if self._running is None:
            return 0
        if self._running.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout: float = PATIENCE) -> int:
        assert self._running
        code = self._running.wait(timeout)
        for reader in self._readers:
            reader.join(timeout)
        return code

    def _read(self, running: "subprocess.Popen[str]") -> None:
        assert running.stderr
        with running.stderr:  # closed by whoever reads it: another start forgets this process
            for line in running.stderr:
                self._take(line)

    def _take(self, line: str) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            said = {"event": "raw", "text": line}
        with self._said:
            self.lines.append(said)
            self._said.notify_all()

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)


def inherited() -> dict[str, str]:
    """Ours, with compiled modules kept: half of a start is compiling them."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**ours, "PYTHONPATH": os.getcwd()}


def run_cli(directory: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """A verb of the command line, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "daemon", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=inherited(),
    )


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


ANSI = re.compile(r"\x1b\[[0-9;]*m")
