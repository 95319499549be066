"""The daemon in its house: a process with a phone system that is simulated, and receivers of its webhooks."""

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.fakes import Receiver, answer
from tests.support.process import TOKEN, Process, free_port

READER, LISTENER, CALLER = "token-of-a-reader", "token-of-a-listener", "token-of-a-caller"
"""Of the scopes `read`, `content` and `command`; that of `admin` is `process.HTTP_TOKEN`."""
QUEUE, DIRECTORY = "/5", "/2"
PHONES = ("0770000000", "0770000000=2", "0770000000=3")
CONFIGURATION = """\
[daemon]
database = "sqlite:///yemotd.db"
drain = "3s"
[http]
listen = "127.0.0.1:{port}"
token_file = "http-token"
[[http.tokens]]
name = "reader"
token = "token-of-a-reader"
scopes = ["read"]
[[http.tokens]]
name = "listener"
token = "token-of-a-listener"
scopes = ["content"]
[[http.tokens]]
name = "caller"
token = "token-of-a-caller"
scopes = ["command"]
[[systems]]
name = "main"
token_file = "token"
base_url = "{base_url}"
connect_timeout = "1s"
read_timeout = "1s"
deadline = "2s"
commands = ["*"]
campaign_units_per_day = 50
[systems.api]
for = "1s"
[systems.sms]
every = "200ms"
limit = 20
[systems.sip]
every = "200ms"
for = "400ms"
keep_firing = "0s"
[[systems.queues]]
path = "/5"
name = "sales"
every = "500ms"
[[systems.queues.thresholds]]
metric = "calls_waiting"
above = 5
clear = 3
for = "500ms"
[[systems.directories]]
path = "/2"
every = "1s"
[systems.pirsumphone]
every = "5s"
[systems.units]
every = "5s"
below = 100
[[webhooks]]
name = "crm"
url = "{webhook_url}"
secret_file = "secret"
[[webhooks]]
name = "archive"
url = "{archive_url}"
secret_file = "secret"
events = ["sms.*"]
retries = ["100ms"]
"""
OUTSIDE = ('token_file = "http-token"\n', 'token_file = "http-token"\nurl = "https://pbx.example.org"\n')


class House:
    """All of it, in a directory. A context manager; `daemon` may be killed and started within."""

    def __init__(self, directory: Path, more: str = "") -> None:
        """`more`: what the configuration has beside, after `[http]`, which is reached from outside."""
        self._parts = ExitStack()
        self.system = SimulatedSystem(now=utcnow)
        for one in PHONES:
            self.system.add_sip_account(one)
            self.system.set_registered(one, registered=True)
        self.system.queue(QUEUE).add_agent("SIP-0770000000-2")
        self.system.queue(QUEUE).add_agent("SIP-0770000000-3")
        self.system.directory(DIRECTORY)
        self.simulator = self._parts.enter_context(Simulator({TOKEN: self.system}, now=utcnow))
        self.crm = self._parts.enter_context(Receiver())
        self.archive = self._parts.enter_context(Receiver(answer(500)))
        """Takes nothing, so that its deliveries become dead letters."""
        self.port = free_port()
        """The same after a restart, as it is in life."""
        self.daemon = Process(
            directory,
            CONFIGURATION if not more else f"{CONFIGURATION.replace(*OUTSIDE)}{more}",
            port=str(self.port),
            base_url=self.simulator.base_url,
            webhook_url=self.crm.url,
            archive_url=self.archive.url,
        )
        self._parts.callback(self.daemon.stop)

    @property
    def url(self) -> str:
        """Where the page is, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "House":
        try:
            self.daemon.start()
            self.wait(self._has_looked)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything."""
        self._parts.close()

    def ask(self, path: str) -> Any:
        """What the API says."""
        status, document = self.daemon.get(f"/api/v1/{path}")
        assert status == 200, document
        return document

    def wait(self, until: Callable[[], bool], seconds: float = 30) -> None:
        """Until something holds; an assertion fails if it does not come to it."""
        deadline = monotonic() + seconds
        while not until():
            assert monotonic() < deadline, until
            self.daemon._ready.wait(0.05)

    def wait_for_event(self, kind: str, *, many: int = 1) -> None:
        """Until so many events of a type are written."""
        self.wait(lambda: self.count("SELECT count(*) FROM events WHERE type = ?", kind) >= many)

    def wait_for_dead_letters(self, many: int) -> None:
        """Until so many deliveries are given up."""
        self.wait(lambda: self.count("SELECT count(*) FROM deliveries WHERE status = 'dead'") >= many)

    def count(self, statement: str, *values: object) -> int:
        """What the store says; without HTTP, which may be what is tested."""
        with closing(sqlite3.connect(self.daemon.directory / "yemotd.db")) as db:
            ((found,),) = db.execute(statement, values)
            return int(found)

    def _has_looked(self) -> bool:
        (one,) = self.ask("status")["systems"]
        return all(watch["observed_at"] for watch in one["watches"])
