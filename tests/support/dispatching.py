"""Deliveries end to end without a network: a dispatcher, its store, and scripted receivers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from daemon.core.delivery.breaker import Health
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.delivery.route import Route
from daemon.core.model import Event, Fact
from daemon.core.routing.plan import Interest, Order
from daemon.core.routing.schedule import Schedule
from daemon.pipeline.endpoint_alerts import Reporter
from daemon.pipeline.events import Recorder
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.workers.dispatcher import Dispatcher
from daemon.workers.endpoint_health import EndpointHealth
from daemon.workers.endpoint_shares import EndpointShares
from tests.support.fakes import FakeClock, Ids

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
RETRIES = (5 * SECOND, 5 * MINUTE, HOUR)


class Receivers:
    """A sender whose attempts end at once, as each endpoint answers at that time."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.answers: dict[str, Outcome | Callable[[Message], Outcome]] = {}
        self.own: set[str] = set()
        """Endpoints that fail alone, not for the sake of a server that they share."""
        self.retry_after: timedelta | None = None
        self.sent: list[Message] = []
        self._ended: list[Attempted] = []

    is_idle = True
    is_slow = False
    """What was started is under way until this is over."""

    def start(self, message: Message) -> None:
        self.sent.append(message)
        answer = self.answers.get(message.endpoint, Outcome.ACCEPTED)
        outcome = answer if isinstance(answer, Outcome) else answer(message)
        is_own = message.endpoint in self.own and outcome is not Outcome.ACCEPTED
        ended = Attempted(message, outcome, self.clock.at, retry_after=self.retry_after, is_own=is_own)
        self._ended.append(ended)

    def in_flight(self, endpoint: str) -> int:
        return sum(one.message.endpoint == endpoint for one in self._ended)

    def finished(self, timeout: float) -> list[Attempted]:
        if self.is_slow:
            return []
        ended, self._ended = self._ended, []
        return ended

    def wake(self) -> None:
        pass


class Setting:
    """Endpoints "crm" and "ops", which are told everything."""

    def __init__(self, database: Database, *, ownership: Ownership = EVERYTHING, **route: object) -> None:
        self.ownership = ownership
        self.database = database
        self.clock = FakeClock()
        self.ids = Ids()
        self.receivers = Receivers(self.clock)
        order = route.get("order", Order.STRICT)
        assert isinstance(order, Order)
        self.recorder = Recorder(
            [Interest(name, ("*",), None, order=order) for name in ("crm", "ops")], self.ids
        )
        settings = {"max_in_flight": 4, "timeout": 15 * SECOND, "schedules": (Schedule(("*",), RETRIES),)}
        one = Route(**(settings | route))  # type: ignore[arg-type] # the test's own words
        self.routes = {"crm": one, "ops": one}
        self.is_api_answering: bool | None = None
        self.dispatcher = self.another()

    def another(self) -> Dispatcher:
        """A dispatcher that remembers nothing, as after a restart."""
        self.mail_pace = MailPace()
        self.dispatcher = Dispatcher(
            self.database,
            self.receivers,
            self.routes,
            health=EndpointHealth(
                jitter=lambda: 0.0,
                tell=Reporter(lambda: self.recorder).tell,
                is_api_answering=lambda: self.is_api_answering,
                shares=EndpointShares(self.ownership),
            ),
            mail_pace=self.mail_pace,
            now=self.clock.now,
            jitter=lambda: 0.0,
            new_id=self.ids,
        )
        self.dispatcher.recover()
        self.recorder.handover.to = self.dispatcher
        return self.dispatcher

    def interest(self, *interests: Interest) -> None:
        """Let other endpoints be there, as after a reload."""
        self.recorder = replace(self.recorder, interests=interests)

    def add(self, *subjects: str, type_: str = "sms.received") -> list[Event]:
        with self.database.write() as db:
            facts = [Fact(type_, subject, {}) for subject in subjects]
            recorded = self.recorder.record(db, "main", facts, self.clock.at)
        self.dispatcher.wake()
        return list(recorded.events)

    def run(self, *, after: float = 0) -> list[str]:
        """Let time pass, and send until nothing is due; what was sent to "crm", by event's subject."""
        self.clock.advance(after)
        before = len(self.receivers.sent)
        for _ in range(2000):
            self.dispatcher.run_once()
            if self.dispatcher.is_at_rest:
                break
        else:
            raise AssertionError("it never comes to rest")
        return [
            one.lane.removeprefix("main/")
            for one in self.receivers.sent[before:]
            if one.endpoint == "crm" and one.lane.startswith("main/")
        ]

    def told(self, endpoint: str) -> list[str]:
        return [one.event_type for one in self.receivers.sent if one.endpoint == endpoint]

    def health(self, endpoint: str = "crm") -> Health:
        return self.dispatcher.health()[endpoint].health

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with self.database.read() as db:
            return [tuple(row) for row in db.exec_driver_sql(sql)]

    def statuses(self, endpoint: str = "crm") -> list[object]:
        of_main = f"endpoint = '{endpoint}' AND substr(lane, 1, 5) = 'main/'"
        return [row[0] for row in self.rows(f"SELECT status FROM deliveries WHERE {of_main} ORDER BY id")]  # noqa: S608
