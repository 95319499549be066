"""The app with a store, systems that take commands, and tokens of every scope."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from daemon.app.subscribed import NOTHING, Vault
from daemon.app.subscriptions import Subscriptions
from daemon.config.settings import Config
from daemon.core.commands.command import Command, Status
from daemon.core.commands.policy import Policy
from daemon.core.delivery.outcome import Status as DeliveryStatus
from daemon.core.digests.schedule import Digest
from daemon.core.model import Secret
from daemon.core.routing.plan import Interest
from daemon.host.key_file import Key
from daemon.store import inbox
from daemon.store.database import Database
from daemon.store.history import DeliveryView
from daemon.web.asgi import create_app
from daemon.web.auth import Token
from daemon.web.dependencies import Live, Scheduled
from daemon.web.reach import Reach
from daemon.web.routes.commands import Desk
from daemon.web.waiting import Bell, Endings
from tests.support.fakes import START, Ids
from tests.support.http_app import KEY, MAIN
from tests.support.recorded import Ready

PATH = "/api/v1/commands"
TOKENS = [
    Token("reader", Secret("of-a-reader"), frozenset({"read"})),
    Token("crm", Secret("of-the-crm"), frozenset({"command"})),
    Token("admin", Secret("of-an-admin"), frozenset({"admin"})),
    Token("robot", Secret("of-a-robot"), frozenset()),
]
LATER = timedelta(minutes=1)


@dataclass
class Window:
    """Where commands are given over HTTP; `crm`, `reader`, `admin`, `robot` and `anybody` stand at it."""

    database: Database
    endings: Endings = field(default_factory=Endings)
    bell: Bell = field(default_factory=Bell)
    """Closed, so that streams end at once: a client of tests waits for the end of every answer."""
    policies: dict[str, Policy] = field(
        default_factory=lambda: {"main": Policy(("*",), 3.0, sms_units_per_day=3.0), "branch": Policy()}
    )
    now: datetime = START
    schedule: list[Scheduled] = field(default_factory=list)
    reach: Reach = field(default_factory=Reach)
    ids: Ids = field(default_factory=Ids)
    digests: list[Digest] = field(default_factory=list)
    woken: int = 0

    def __post_init__(self) -> None:
        self.bell.close()
        self.app = create_app(
            database=self.database,
            tokens=lambda: TOKENS,
            live=Live(
                started_at=lambda: START,
                is_alive=lambda: (True, "dispatcher ok"),
                is_ready=lambda: (True, "database ok"),
                schedule=lambda: self.schedule,
                last_seen=dict,
                now=lambda: self.now,
                interests=lambda: [Interest("crm", ("*",), None)],
                public_keys=dict,
                ping=self._ping,
                wake=self._wake,
                new_id=self.ids,
                reach=lambda: self.reach,
                digests=lambda: self.digests,
                recordings=Ready(),
                desk=Desk(
                    policies=lambda: self.policies, wake=self._wake, new_id=Ids(), endings=self.endings
                ),
                bell=self.bell,
                subscriptions=Subscriptions(
                    self.database,
                    Vault(Key(bytes(range(40)), is_kept=True)),
                    lambda: Config(systems=(MAIN,)),
                    lambda: NOTHING,
                    now=lambda: self.now,
                    changed=lambda: None,
                ),
            ),
            version="1.2.3",
            key=KEY,
        )
        self.anybody = TestClient(self.app, raise_server_exceptions=False)
        self.reader, self.crm, self.admin, self.robot = (self._client(token) for token in TOKENS)

    def give(self, request: dict[str, Any], **headers: str) -> Any:
        """The document of a command that was accepted."""
        answer = self.crm.post(PATH, json={"system": "main", **request}, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def end(self, command: str, status: Status = Status.SUCCEEDED, **changed: Any) -> Command:
        """The commander's side: what became of a command, without a word to those who wait."""
        with self.database.write() as db:
            found = inbox.find(db, command)
            assert found is not None
            ended = replace(found, status=status, ended_at=self.now + LATER, **changed)
            inbox.save(db, ended)
        return ended

    def count(self) -> int:
        with self.database.read() as db:
            return len(inbox.read(db, inbox.Wanted()))

    def _client(self, token: Token) -> TestClient:
        headers = {"authorization": f"Bearer {token.secret.value}"}
        return TestClient(self.app, headers=headers, raise_server_exceptions=False)

    def _ping(self, endpoint: str) -> DeliveryView:
        """A delivery that was made, of whatever is in the store."""
        at = self.now
        done = DeliveryStatus.DELIVERED
        return DeliveryView(1, "evt_1", "test.ping", "", "test", endpoint, done, at, at, at, None, 0, 1)

    def _wake(self) -> None:
        self.woken += 1
