"""Phones that are told alerts by SMS: the real ledger, outbox, dispatcher and texter in virtual time.

A double stands at the edge: what the platform says to each message. `kill_at` ends the process at an exact
point; `start` begins another one on the same store.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from daemon.core.alerts.life import Seen
from daemon.core.commands import texts
from daemon.core.commands.results import Texted
from daemon.core.commands.sent_texts import State
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.outcome import Attempted, Message
from daemon.core.delivery.route import Route
from daemon.core.durations import NOTHING
from daemon.core.model import AlertKind, Condition, Failure, Rule, Severity, Unknown, Verdict
from daemon.core.routing.plan import Interest
from daemon.core.routing.schedule import Schedule
from daemon.pipeline.alerts import Judge
from daemon.pipeline.endpoint_alerts import Reporter
from daemon.pipeline.events import Recorder
from daemon.pipeline.notification import Teller
from daemon.store import events, history
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.workers.dispatcher import Dispatcher
from daemon.workers.endpoint_health import EndpointHealth
from daemon.workers.endpoint_shares import EndpointShares
from daemon.workers.system_pauses import Pauses
from daemon.workers.texter import Recipient, Texter
from tests.support.fakes import FakeClock, Ids

ZONE = ZoneInfo("Asia/Jerusalem")
TO = "0501234567"
BOSS = f"boss/{TO}"
KIND = AlertKind("sip.account.unregistered", "sip.account.registered")
AT_ONCE = Rule(NOTHING, NOTHING, Severity.ERROR)
RETRIES = (timedelta(seconds=5), timedelta(minutes=5), timedelta(hours=1))


class Point(Enum):
    """Where a process is killed."""

    BEFORE_THE_CLAIM = "before the claim"
    CLAIMED = "claimed, and nothing has left"
    LEFT = "it has left, and no answer came"
    ANSWERED = "answered, and that is not written"
    WRITTEN = "written by the texter, and not by the dispatcher"


class Killed(BaseException):
    """The process is no more."""


class Mortal:
    """A store as one process has it; with the process it can be written no more."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_dead = False

    def write(self) -> AbstractContextManager[sa.Connection]:
        if self.is_dead:
            raise Killed
        return self._database.write()

    def read(self) -> AbstractContextManager[sa.Connection]:
        return self._database.read()


Says = Callable[[str], Texted | Unknown]


def taken(to: str) -> Texted:
    """The platform takes it."""
    return Texted((to,), {}, 1, 0.1, None, "Ready")


def lost(_to: str) -> Unknown:
    """No answer came; it left."""
    return Unknown(Failure.TIMEOUT, "no answer in time")


def unsent(_to: str) -> Unknown:
    """Nobody listens."""
    return Unknown(Failure.UNREACHABLE, "nobody listens", is_unsent=True)


def refused(to: str) -> Texted:
    """The number is refused."""
    return Texted((), {to: "blocked"}, 0, 0.0, None, "Ready")


class Sender:
    """The dispatcher's side: tells in the same thread."""

    is_idle = True

    def __init__(self, office: "Texting") -> None:
        self._office = office
        self._ended: list[Attempted] = []

    def start(self, message: Message) -> None:
        office = self._office
        if office.kill_at is Point.BEFORE_THE_CLAIM:
            office.die()
        ended = office.texter.tell(message) if message.endpoint in office.recipients else None
        if ended is not None and office.kill_at is Point.WRITTEN and office.has_left:
            office.die()
        if ended is None:
            from daemon.core.delivery.outcome import Outcome  # noqa: PLC0415 - one word

            ended = Attempted(message, Outcome.ACCEPTED, office.clock.now())
        office.ended.append(ended)
        self._ended.append(ended)

    def in_flight(self, endpoint: str) -> int:
        return sum(one.message.endpoint == endpoint for one in self._ended)

    def finished(self, timeout: float) -> list[Attempted]:
        ended, self._ended = self._ended, []
        return ended

    def wake(self) -> None:
        pass


class Texting:
    """`fire`, `resolve`, `run`, and see what left for whom."""

    def __init__(
        self,
        database: Database,
        *,
        per_day: float = 5.0,
        own_per_day: float | None = None,
        to: Sequence[str] = (TO,),
        ownership: Ownership = EVERYTHING,
    ) -> None:
        self.database = database
        self.clock = FakeClock()
        self.ids = Ids()
        self.per_day, self.own_per_day, self.ownership = per_day, own_per_day, ownership
        self.says: Says = taken
        self.kill_at: Point | None = None
        self.has_left = False
        """Something has, in this process."""
        self.left: list[tuple[str, str, float]] = []
        """What left: to whom, what it said, and what it costs."""
        self.left_on: list[str] = []
        """The day of each."""
        self.ended: list[Attempted] = []
        siblings = frozenset(f"boss/{one}" for one in to)
        self.recipients = {
            f"boss/{one}": Recipient(
                f"boss/{one}",
                "boss",
                siblings,
                "main",
                one,
                None,
                "en",
                ZONE,
                timedelta(seconds=20),
                per_day,
                own_per_day,
                self._send,
            )
            for one in to
        }
        self.interests = [
            Interest("crm", ("*",), None),
            *(
                Interest(one, ("sip.*", "endpoint.*"), None, reported_as="boss", is_of_alerts=True)
                for one in self.recipients
            ),
        ]
        self.firing: dict[str, None] = {}
        self.start()

    def budget(self, per_day: float, own_per_day: float | None = None) -> None:
        """A reload changes it."""
        self.recipients = {
            name: replace(one, per_day=per_day, own_per_day=own_per_day)
            for name, one in self.recipients.items()
        }

    def start(self) -> None:
        """A new process on the same store."""
        self.kill_at, self.has_left = None, False
        self.mortal = Mortal(self.database)
        self.recorder = Recorder(self.interests, self.ids)
        pauses = Pauses(self.clock.monotonic)
        self.texter = Texter(
            self.mortal,  # type: ignore[arg-type] # as far as it is used
            lambda: self.recorder,
            lambda: self.recipients,
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            pauses=pauses,
            wake=self._wake,
            ownership=self.ownership,
        )
        routes = {
            one.endpoint: Route(
                1, timedelta(seconds=30), (Schedule(("*",), RETRIES),), reported_as=one.reported_as
            )
            for one in self.interests
        }
        self.dispatcher = Dispatcher(
            self.database,
            Sender(self),
            routes,
            health=EndpointHealth(
                jitter=lambda: 0.0,
                tell=Reporter(lambda: self.recorder).tell,
                shares=EndpointShares(self.ownership),
            ),
            mail_pace=MailPace(),
            now=self.clock.now,
            jitter=lambda: 0.0,
            new_id=self.ids,
        )
        self.dispatcher.recover()

    def _wake(self) -> None:
        self.dispatcher.wake()

    def die(self) -> None:
        self.mortal.is_dead = True
        raise Killed

    def fire(self, *phones: str) -> None:
        """These phones are off the network."""
        self.firing |= dict.fromkeys(phones)
        self._judge(phones, Verdict.BAD)

    def resolve(self, *phones: str) -> None:
        """They are back."""
        for one in phones:
            self.firing.pop(one, None)
        self._judge(phones, Verdict.GOOD)

    def run(self, seconds: float = 0, step: float = 60) -> None:
        """Time passes; what is due is sent, and looked after."""
        for _ in range(int(seconds / step) + 1):
            self.settle()
            self.clock.advance(step if seconds else 0)
        self.settle()

    def settle(self) -> None:
        """All that is due now."""
        self.texter.look()
        with self.database.write() as db:
            Teller(self.recorder).settle_all(db, self.clock.now())
        self.dispatcher.wake()
        for _ in range(60):
            self.dispatcher.run_once()
            if self.dispatcher.is_at_rest:
                break

    def said(self) -> list[str]:
        """What left."""
        return [text for _, text, _ in self.left]

    def told(self) -> list[str]:
        """The types of all events, in order."""
        with self.database.read() as db:
            return [one.type for _, one in events.read(db, events.Query(limit=10_000))]

    def deliveries(self, endpoint: str = BOSS) -> list[str]:
        """How each delivery stands, the oldest first."""
        with self.database.read() as db:
            found = history.read(db, history.Wanted(endpoint, limit=1000))
        return [one.status.value for one in reversed(found)]

    def states(self) -> list[State]:
        """Of every row."""
        with self.database.read() as db:
            return [
                State(one) for one in db.exec_driver_sql("SELECT state FROM texts ORDER BY number").scalars()
            ]

    def figures(self) -> tuple[float, float]:
        """Units of the day, and those that are held."""
        from daemon.store import texts as store  # noqa: PLC0415 - its name is taken here

        day = self.clock.now().astimezone(ZONE).date()
        with self.database.read() as db:
            return round(store.units(db, "main", day), 2), round(store.reserved(db, "main"), 2)

    def _judge(self, phones: Sequence[str], verdict: Verdict) -> None:
        self.clock.advance(1)
        now = self.clock.now()
        conditions = [
            Condition(f"sip/{one}", KIND, f"sip/{one}", verdict, AT_ONCE, _account(one, verdict))
            for one in phones
        ]
        with self.database.write() as db:
            judge = Judge(db, self.recorder, "main", "sip")
            judge.take(conditions, Seen(now, now - timedelta(seconds=1), timedelta(seconds=1)))
            written = self.recorder.record(db, "main", judge.judged().facts, now)
            Teller(self.recorder).settle(db, now, written.turned)

    def _send(self, to: str, message: str, sender: str | None) -> Texted | Unknown:
        if self.kill_at is Point.CLAIMED:
            self.die()
        answer = self.says(to)
        is_away = not (isinstance(answer, Unknown) and answer.is_unsent)
        if is_away and not (isinstance(answer, Texted) and answer.errors):
            self.left.append((to, message, texts.cost(texts.parts(message))))
            self.left_on.append(self.clock.now().astimezone(ZONE).date().isoformat())
        self.has_left = True
        if self.kill_at in (Point.LEFT, Point.ANSWERED):
            if self.kill_at is Point.ANSWERED:
                self.mortal.is_dead = True
                return answer
            self.die()
        return answer


def _account(phone: str, verdict: Verdict) -> dict[str, Any]:
    account = {"user_name": phone, "registered": verdict is Verdict.GOOD, "created_date": None}
    return json.loads(json.dumps({"account": account}))  # type: ignore[no-any-return]
