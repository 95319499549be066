"""Stories in virtual time: phones drop, endpoints fail, the process dies; then the whole list is compared.

The real poller, store, machine and dispatcher on a clock that is moved by hand. Doubles stand at the two
edges only: what the API answers, and what an endpoint says to an attempt.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from daemon.core.alerts.acknowledgement import Wish
from daemon.core.alerts.hours import EVERYTHING, Attention
from daemon.core.alerts.life import Phase, Seen
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.delivery.route import Route, longest_wait
from daemon.core.durations import NOTHING
from daemon.core.model import Change, Condition, Failure, Rule, Severity, Unknown
from daemon.core.routing.escalation import Escalation
from daemon.core.routing.plan import Interest
from daemon.core.routing.schedule import Schedule
from daemon.core.timeline import Look, Timeline
from daemon.core.watches import sip, sms
from daemon.core.watches.expectations import Expectation
from daemon.core.watches.subjects import Subject
from daemon.core.watches.watch import Answered, AnyWatch, Description, SeenT, Unchanged, Watch, WatchKind
from daemon.operations.acknowledgements import Acknowledged, acknowledge
from daemon.pipeline import hours
from daemon.pipeline.events import Recorder
from daemon.pipeline.notification import Teller
from daemon.pipeline.withdrawal import withdraw
from daemon.store.database import Database
from daemon.workers.counters import Counters
from daemon.workers.dispatcher import Dispatcher
from daemon.workers.endpoint_health import EndpointHealth
from daemon.workers.expecter import Expecter
from daemon.workers.hearers import Hearers
from daemon.workers.historian import Historian
from daemon.workers.observation_keeper import ObservationKeeper
from daemon.workers.poller import Polled, Poller
from daemon.workers.timekeeper import Timekeeper
from tests.support import stores
from tests.support.fakes import START, FakeClock, Ids

ZONE = ZoneInfo("Asia/Jerusalem")
SECOND = timedelta(seconds=1)
BEGAN = FakeClock().monotonic()
RETRIES = (5 * SECOND, 30 * SECOND, *[60 * SECOND] * 10)


def answered(seen: SeenT, known: bytes | None) -> Answered[SeenT] | Unchanged:
    """An answer whose parsed form is known; equal bytes for equal values."""
    digest = repr(seen).encode()
    return Unchanged() if digest == known else Answered(seen, digest)


class ScriptedSender:
    """Sends at once; what an endpoint says is asked of the story."""

    def __init__(self, clock: FakeClock, says: Callable[[Message], Outcome]) -> None:
        self._clock = clock
        self.says = says
        self._ended: list[Attempted] = []
        self.sent: list[tuple[float, Message, Outcome]] = []

    @property
    def is_idle(self) -> bool:
        return not self._ended

    def start(self, message: Message) -> None:
        outcome = self.says(message)
        at = self._clock.monotonic() - BEGAN
        self.sent.append((at, message, outcome))
        self._ended.append(Attempted(message, outcome, self._clock.at))

    def in_flight(self, endpoint: str) -> int:
        return sum(one.message.endpoint == endpoint for one in self._ended)

    def finished(self, timeout: float) -> list[Attempted]:
        ended, self._ended = self._ended, []
        return ended

    def wake(self) -> None:
        pass


@dataclass
class Story:
    """One system with a SIP watch (every 10 s, for 60 s) and an SMS watch (every 10 s)."""

    path: Path
    rule: Rule = field(default_factory=lambda: Rule(60 * SECOND, 60 * SECOND, Severity.ERROR))
    api_rule: Rule = field(default_factory=lambda: Rule(60 * SECOND, NOTHING, Severity.ERROR))
    interests: list[Interest] = field(default_factory=lambda: [Interest("crm", ("*",), None)])
    retries: tuple[timedelta, ...] = RETRIES
    slot: timedelta | None = None
    """Of the rings that find what flaps; None: nothing does."""
    attention: Attention = EVERYTHING
    """Of which phones alerts are wanted, and when."""
    escalations: list[Escalation] = field(default_factory=list)
    expected: tuple[Expectation, ...] = ()
    """What has to come."""

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.ids = Ids()
        self.boot = "this one"
        self.down: dict[str, list[tuple[float, float]]] = {}
        self.blind: list[tuple[float, float, Unknown]] = []
        self.failing: list[tuple[str, float, float, Outcome]] = []
        self.asked: list[float] = []
        """When the API was asked."""
        self.messages: list[tuple[float, sms.Row]] = []
        self.database: Database
        self.told: list[tuple[float, Message, Outcome]] = []
        self._next_poll = self.next_tick = 0.0
        self.start()

    def start(self) -> None:
        """A process starts on the store as it is."""
        self.database = stores.at(self.path)
        self.timeline = Timeline(self.clock.now, self.clock.monotonic)
        self._watches = self._made()
        self.recorder = recorder = Recorder(self.interests, self.ids, escalations=self.escalations)
        self.teller = Teller(recorder)
        self.counters = Counters()
        self.sender = ScriptedSender(self.clock, self._says)
        self.sender.sent = self.told
        routes = {
            one.endpoint: Route(4, 15 * SECOND, (Schedule(("*",), self.retries),), one.quiet)
            for one in self.interests
        }
        self.dispatcher = Dispatcher(
            self.database,
            self.sender,
            routes,
            health=EndpointHealth(jitter=lambda: 0.0),
            now=self.timeline.now,
            jitter=lambda: 0.0,
            new_id=self.ids,
            mail_pace=MailPace(),
            on_attempted=self.counters.attempted,
            follow_clock=self._follow_clock,
        )
        recorder.handover.to = self.dispatcher
        self.poller = Poller(
            self.database,
            lambda: recorder,
            now=self.timeline.now,
            monotonic=self.clock.monotonic,
            on_polled=self.counters.polled,
            hearers=Hearers(
                Historian(self.database),
                Expecter(self.database, lambda: recorder, self._expected),
                ObservationKeeper(self.database, is_on=lambda: True),
            ),
        )
        self.timekeeper = Timekeeper(
            self.database,
            self.timeline,
            lambda: recorder,
            look=self.look,
            wake=self.dispatcher.wake,
            ahead=lambda _now: [],
            longest_wait=lambda endpoint: longest_wait(routes, endpoint),
            on_step=self.poller.follow,
        )
        self.timekeeper.recover()
        self.dispatcher.recover()

    def _made(self) -> list[AnyWatch]:
        described = Description(
            "main", "sip", "GetSipAccountsRegisteredStatus", 10 * SECOND, {}, self.api_rule, self.attention
        )
        log = replace(described, name="sms", method="GetSmsIncomingLog", attention=EVERYTHING)
        return [Watch(described, Phones(self)), Watch(log, Messages(self))]

    def _expected(self) -> dict[str, tuple[Expectation, ...]]:
        return {"main": self.expected} if self.expected else {}

    def attend(self, attention: Attention) -> None:
        """Another configuration is in force: of other phones alerts are wanted, or at other hours."""
        self.attention = attention
        self._watches = self._made()

    def kill(self) -> None:
        """The process is gone between two instructions, and another one starts."""
        self.database.close()
        self.start()

    def _follow_clock(self) -> timedelta:
        return self.timekeeper.follow()

    def look(self) -> Look:
        """One look at the clocks of the machine."""
        return Look(self.clock.now(), timedelta(seconds=self.clock.monotonic()), self.boot)

    def phone(self, name: str, *drops: tuple[float, float]) -> None:
        """A phone that is registered, but for these times (seconds: from, to)."""
        self.down[name] = list(drops)

    def api_fails(
        self,
        since: float,
        until: float,
        failure: Failure = Failure.TIMEOUT,
        *,
        retry_after: timedelta | None = None,
    ) -> None:
        self.blind.append((since, until, Unknown(failure, "scripted", retry_after=retry_after)))

    def endpoint_says(self, outcome: Outcome, since: float, until: float, endpoint: str = "crm") -> None:
        self.failing.append((endpoint, since, until, outcome))

    def sms_arrives(self, at: float, text: str, sender: str = "0541234567") -> None:
        local = (START + timedelta(seconds=at)).astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")
        self.messages.append((at, sms.Row(sender, "0501234567", text, text, local)))

    def run(self, until: float, step: float = 1) -> None:
        """Let time pass, `step` seconds at a time; every 10 s is a poll."""
        while self.now() < until:
            if self.now() >= self._next_poll:
                for watch in self.watches():
                    self.poller.poll(watch)
                self._next_poll = self.now() + 10
            self.timekeeper.look()
            if self.now() >= self.next_tick:
                self.tick()
                self.next_tick = self.now() + 5
            while self.dispatcher.run_once():
                pass
            self.dispatcher.run_once()
            self.clock.advance(step)

    def acknowledge(self, incident: str, by: str = "Dana", **wish: Any) -> Acknowledged:
        """Somebody says that they have it, now."""
        with self.database.write() as db:
            return acknowledge(db, incident, Wish(by, **wish), self.ids, self.timeline.now())

    def reload(self, *, interests: list[Interest], escalations: list[Escalation]) -> dict[str, int]:
        """Another configuration is in force, from a process that starts with it; what that withdrew."""
        self.interests, self.escalations = interests, escalations
        self.kill()
        with self.database.write() as db:
            return withdraw(db, interests, self.timeline.now())

    def tick(self) -> None:
        """What the daemon does every 5 s; and what it does every 30, or the past would be full of holes."""
        self.poller.hearers.observations.flush()
        hours.look(
            self.database,
            lambda: self.recorder,
            lambda: {watch.id: watch for watch in self.watches()},
            self.timeline.now(),
            lambda _db, systems: systems,
        )
        self.poller.hearers.expecter.look(self.timeline.now())
        self.teller.tick(self.database, self.timeline.now())
        self.dispatcher.wake()

    def poll(self, name: str) -> Polled:
        """One poll of one watch, now."""
        return self.poller.poll(next(watch for watch in self.watches() if watch.name == name))

    def now(self) -> float:
        """Seconds that have passed since the story began, whatever the wall clock says."""
        return self.clock.monotonic() - BEGAN

    def accepted(self, endpoint: str = "crm") -> list[tuple[float, str]]:
        """What an endpoint took: times and types, in order."""
        return [
            (at, message.event_type)
            for at, message, outcome in self.told
            if message.endpoint == endpoint and outcome is Outcome.ACCEPTED
        ]

    def expect(self, *wanted: tuple[float, str], endpoint: str = "crm") -> None:
        """The whole list: what was not wanted fails too."""
        assert self.accepted(endpoint) == list(wanted)

    def bodies(self) -> list[dict[str, object]]:
        """Every event, from the store, as receivers read it."""
        with self.database.read() as db:
            rows = db.exec_driver_sql("SELECT body FROM events ORDER BY number").scalars()
            return [json.loads(body) for body in rows]

    def alerts(self) -> list[dict[str, Any]]:
        """`data.alert` of every event that has one, in order."""
        datas: list[dict[str, Any]] = [body["data"] for body in self.bodies()]  # type: ignore[misc]
        return [data["alert"] for data in datas if "alert" in data]

    def watches(self) -> list[AnyWatch]:
        """The two watches, as the process has them since it started."""
        return self._watches

    def answer(self, seen: SeenT, known: bytes | None) -> Answered[SeenT] | Unchanged | Unknown:
        """What the API says now: this, where it answers."""
        self.asked.append(self.now())
        for since, until, unknown in self.blind:
            if since <= self.now() < until:
                return unknown
        return answered(seen, known)

    def registered(self) -> sip.Observation:
        now = self.now()
        return sip.Observation(
            {
                name: not any(since <= now < until for since, until in drops)
                for name, drops in self.down.items()
            }
        )

    def log(self) -> sms.Observation:
        rows = [row for at, row in self.messages if at <= self.now()]
        return sms.Observation(tuple(reversed(rows)), 100)

    def _says(self, message: Message) -> Outcome:
        for endpoint, since, until, outcome in self.failing:
            if endpoint == message.endpoint and since <= self.now() < until:
                return outcome
        return Outcome.ACCEPTED


@dataclass(frozen=True)
class Phones(WatchKind[sip.State, sip.Observation]):
    """The phones of a story."""

    story: Story
    kept_as = sip.Observation
    dump = staticmethod(sip.dump)
    load = staticmethod(sip.load)

    def ask(
        self, known: bytes | None, before: Callable[[], sip.State | None]
    ) -> Answered[sip.Observation] | Unchanged | Unknown:
        return self.story.answer(self.story.registered(), known)

    def diff(self, before: sip.State | None, seen: sip.Observation, when: Seen) -> Change[sip.State]:
        rule, slot = self.story.rule, self.story.slot
        return sip.diff(
            before,
            seen,
            rule,
            is_emitting=False,
            slot=slot,
            observed=when.observed,
            ignored=self.story.attention.ignored,
        )

    def subjects(self, seen: sip.Observation, change: Change[sip.State], when: Seen) -> list[Subject]:
        return sip.subjects(seen, change.state, self.story.attention.ignored)

    def fold(self, state: sip.State, phases: Mapping[str, Phase]) -> list[Condition]:
        ignored = self.story.attention.ignored
        return sip.fold(state, phases, sip.Fold(3, 0.3), self.story.rule.severity, ignored)


@dataclass(frozen=True)
class Messages(WatchKind[sms.State, sms.Observation]):
    """The messages of a story."""

    story: Story
    dump = staticmethod(sms.dump)
    load = staticmethod(sms.load)

    def ask(
        self, known: bytes | None, before: Callable[[], sms.State | None]
    ) -> Answered[sms.Observation] | Unchanged | Unknown:
        return self.story.answer(self.story.log(), known)

    def diff(self, before: sms.State | None, seen: sms.Observation, when: Seen) -> Change[sms.State]:
        return sms.diff(before, seen, when, ZONE, is_emitting=False)

    def subjects(self, seen: sms.Observation, change: Change[sms.State], when: Seen) -> list[Subject]:
        return sms.subjects()
