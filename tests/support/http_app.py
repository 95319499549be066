"""The app on a store, called without a socket, with what the daemon says of itself as plain fields."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from fastapi.testclient import TestClient
from httpx2 import Response

from daemon.app.subscribed import Subscribed, Vault, look
from daemon.app.subscriptions import Subscriptions
from daemon.config.kept_endpoints import effective
from daemon.config.settings import Config
from daemon.config.systems import SystemSettings
from daemon.core.commands.policy import Policy
from daemon.core.contacts import NOBODY, Configured, Contacts
from daemon.core.delivery.route import Route
from daemon.core.digests.schedule import Digest
from daemon.core.history.book import NOTHING_OPEN, Unflushed
from daemon.core.model import Fact, Secret
from daemon.core.routing.escalation import Escalation
from daemon.core.routing.plan import Interest
from daemon.core.watches.queues import Threshold
from daemon.host.key_file import Key
from daemon.store import events
from daemon.store.database import Database
from daemon.store.history import DeliveryView
from daemon.web.asgi import create_app
from daemon.web.auth import Token
from daemon.web.dependencies import Live, Scheduled
from daemon.web.page.frame import Page
from daemon.web.reach import Reach
from daemon.web.routes.commands import Desk
from daemon.web.serving import NoPlaces, Places
from daemon.web.sessions import COOKIE
from daemon.web.waiting import Bell, Endings
from daemon.wiring.digests import written
from daemon.wiring.endpoints import interests
from daemon.workers.names import Names
from tests.support.fakes import START, Ids

KEY = b"the key of the sessions in tests"
READER, ADMIN, COMMANDER = "token-of-a-reader", "token-of-an-admin", "token-of-a-commander"
SECOND = timedelta(seconds=1)
MAIN = SystemSettings(name="main", token=Secret("0773137770:a-secret"))


def nobody(endpoint: str) -> DeliveryView:
    raise AssertionError(f"nothing is to be sent to {endpoint}")


@dataclass
class Setting:
    """The app, and who may call it."""

    database: Database
    now: Callable[[], datetime] = lambda: START + 60 * SECOND
    new_id: Callable[[str], str] = field(default_factory=Ids)
    interests: list[Interest] = field(default_factory=lambda: [Interest("crm", ("*",), None)])
    keys: dict[str, str] = field(default_factory=dict)
    ping: Callable[[str], DeliveryView] = nobody
    zone: Callable[[], tzinfo] = lambda: UTC
    routes: dict[str, Route] = field(default_factory=dict)
    rests: dict[str, datetime] = field(default_factory=dict)
    tokens: list[Token] = field(
        default_factory=lambda: [
            Token("reader", Secret(READER), frozenset({"read"})),
            Token("commander", Secret(COMMANDER), frozenset({"command"})),
            Token("admin", Secret(ADMIN), frozenset({"admin"})),
            Token("robot", Secret("token-of-a-robot"), frozenset()),
        ]
    )
    policies: dict[str, Policy] = field(default_factory=dict)
    alive: tuple[bool, str] = (True, "dispatcher ok")
    ready: tuple[bool, str] = (True, "database ok")
    seen: dict[tuple[str, str], datetime] = field(default_factory=dict)
    paused: dict[str, timedelta] = field(default_factory=dict)
    reach: Callable[[], Reach] = Reach
    prefix: str = ""
    monotonic: Callable[[], float] = lambda: 0.0
    hosts: frozenset[str] = frozenset({"testserver"})
    unflushed: dict[str, Unflushed] = field(default_factory=dict)
    schedule: list[Scheduled] = field(
        default_factory=lambda: [Scheduled("main", "sip", 30 * SECOND, START + 90 * SECOND)]
    )
    limits: dict[tuple[str, str], tuple[Threshold, ...]] = field(default_factory=dict)
    failing: tuple[str, str] | None = None
    member: str | None = None
    silent: dict[str, timedelta] = field(default_factory=dict)
    configured: Configured = field(default_factory=Configured)
    names: Names = field(default_factory=Names)
    escalations: list[Escalation] = field(default_factory=list)
    link_key: bytes | None = None
    digests: list[Digest] = field(default_factory=list)
    recording_key: bytes | None = None
    recordings: Places = field(default_factory=NoPlaces)
    contacts: Contacts = NOBODY
    config: Config = field(default_factory=lambda: Config(systems=(MAIN,)))
    """What the file says, as far as endpoints are added beside it."""
    key: Key | None = field(default_factory=lambda: Key(bytes(range(40)), is_kept=True))
    woken: int = 0
    bell: Bell = field(default_factory=Bell)
    is_followed: bool = False
    """Streams go on. A client of tests waits for the end of every answer, so else they end at once."""
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    def __post_init__(self) -> None:
        self._kept: frozenset[str] = frozenset()
        self._in_force: tuple[Config, Subscribed] | None = None
        self.database.on_events = self.bell.ring
        if not self.is_followed:
            self.bell.close()
        live = Live(
            started_at=lambda: START,
            is_alive=lambda: self.alive,
            is_ready=lambda: self.ready,
            schedule=lambda: self.schedule,
            limits=lambda: self.limits,
            failing=lambda: self.failing,
            member=lambda: self.member,
            silent=lambda: self.silent,
            escalations=lambda: self.escalations,
            link_key=lambda: self.link_key,
            recording_key=lambda: self.recording_key,
            recordings=self.recordings,
            last_seen=lambda: self.seen,
            now=self.now,
            interests=lambda: self.interests,
            public_keys=lambda: self.keys,
            ping=self.ping,
            zone=self.zone,
            routes=lambda: self.routes,
            rests=lambda: self.rests,
            paused=lambda: self.paused,
            unflushed=lambda system: self.unflushed.get(system, NOTHING_OPEN),
            wake=self._wake,
            new_id=self.new_id,
            monotonic=self.monotonic,
            hosts=lambda: self.hosts,
            desk=Desk(
                policies=lambda: self.policies,
                wake=self._wake,
                new_id=self.new_id,
                endings=Endings(),
                contacts=self._named,
            ),
            bell=self.bell,
            reach=self._reached,
            contacts=self._named,
            configured=lambda: self.configured,
            look_at_names=lambda: self.names.look(self.database),
            digests=lambda: self.digests,
            write_digest=lambda said, language: written(Config(), said, language),
            subscriptions=Subscriptions(
                self.database,
                Vault(self.key),
                lambda: self.config,
                self._held,
                now=self.now,
                changed=self._resubscribe,
            ),
        )
        self.app = create_app(
            database=self.database,
            tokens=lambda: self.tokens,
            live=live,
            version="1.2.3",
            key=KEY,
            prefix=self.prefix,
        )
        self._held()
        self.anybody = TestClient(self.app, raise_server_exceptions=False)
        page: Page = self.app.state.page
        self.sessions = page.sessions
        self.client, self.admin = self.holder(READER), self.holder(ADMIN)

    def holder(self, token: str) -> TestClient:
        """Somebody who has this token."""
        headers = {"authorization": f"Bearer {token}"}
        return TestClient(self.app, headers=headers, raise_server_exceptions=False)

    def _reached(self) -> Reach:
        return self.reach()

    def visitor(self, token: str = "admin", *, language: str = "en") -> TestClient:
        """A browser of somebody who has signed in with the token of this name."""
        browser = self.browser()
        browser.cookies.set(
            COOKIE, self.sessions.begin(next(one for one in self.tokens if one.name == token))
        )
        browser.cookies.set("language", language)
        return browser

    def browser(self) -> TestClient:
        """That of somebody who has not."""
        headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
        return TestClient(self.app, headers=headers, raise_server_exceptions=False, follow_redirects=False)

    def post(self, browser: TestClient, path: str, **fields: str | list[str]) -> Response:
        """A form of the page, sent with what guards it."""
        return browser.post(path, data={"csrf": self.csrf(browser), **fields})

    def csrf(self, browser: TestClient) -> str:
        """What the forms of a browser's session carry."""
        session = self.sessions.read(browser.cookies[COOKIE])
        return self.sessions.form_of(session) if session else ""

    def subscribed(self) -> Subscribed:
        """What the store keeps by now."""
        with self.database.read() as db:
            return look(db, Vault(self.key), self.config, self.now)

    def _held(self) -> Subscribed:
        """The same as of when it was looked at last, as a daemon holds it: a page asks within its reading."""
        if self._in_force is None or self._in_force[0] is not self.config:
            self._in_force = self.config, self.subscribed()
        return self._in_force[1]

    def _resubscribe(self) -> None:
        self._in_force = None
        kept = interests(effective(self.config, self._held().endpoints))
        names = {one.endpoint for one in kept}
        others = [one for one in self.interests if one.endpoint not in self._kept | names]
        self.interests, self._kept = [*others, *kept], frozenset(names)

    def _named(self) -> Contacts:
        """Those of a test, of the configuration and of the store."""
        configured = Contacts(self.configured.table, self.configured.file)
        return self.contacts.over(self.names.under(configured))

    def _wake(self) -> None:
        self.woken += 1

    def happen(self, *types: str, system: str = "main", subject: str = "daemon") -> list[str]:
        with self.database.write() as db:
            first = events.newest(db)[0]
            facts = [Fact(one, subject, {"daemon": {"text": "שלום"}}) for one in types]
            written = events.record(db, system, facts, START, lambda kind: f"{kind}_{next(self.numbers)}")
            assert events.newest(db)[0] == first + len(types)
        return [one.id for one in written]
