"""A life made of a seed, in virtual time: SMS come, phones drop, the API and an endpoint fail, the clock is
set, and the process is killed at exact points. The real poller, store, machine and dispatcher live it.

A process is killed before and after commits, before a send, and after one whose outcome nobody has written
yet; what is there then is what the next one finds.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from daemon.core.delivery.outcome import Message, Outcome
from daemon.core.model import Failure
from daemon.core.routing.plan import Interest
from tests.support.story import Story
from tests.torture.record import Arrived, Record, Written

Span = tuple[float, float]

END = 900
"""Seconds. Until then anything may happen; then all is well."""
CALM = 4 * 3600
"""By so long afterwards what was given up has been told again."""
STEP = 5.0
PHONES = ("0771", "0772")
SENDERS = ("0541234567", "972541234567", "Bank")
FAILURES = (Failure.TIMEOUT, Failure.FILTERED, Failure.SERVER_ERROR)
REFUSALS = (Outcome.UNREACHABLE, Outcome.TIMEOUT, Outcome.FAILED, Outcome.REFUSED)
JUMPS = (-7200.0, -90.0, 45.0, 3600.0, 40 * 86400.0)


_AFTER = sa.text("SELECT number, id, system, sequence, body FROM events WHERE number > :last ORDER BY number")

_NEWEST = sa.text("SELECT max(number) FROM events")


class Killed(BaseException):
    """The process is gone. It is no `Exception`: nobody in it may catch it."""


class Point(Enum):
    """Where it is killed."""

    # Of those that write an event, or follow it at once: most others say no more than what time it is.
    BEFORE_A_COMMIT = "before a commit"
    AFTER_A_COMMIT = "after a commit"
    BEFORE_A_SEND = "before a send"
    AFTER_A_SEND = "after a send"


@dataclass(frozen=True)
class Plan:
    """What happens, in seconds from the beginning."""

    messages: tuple[tuple[float, str, str], ...]
    """When, from whom, and what it says."""
    drops: dict[str, tuple[Span, ...]]
    """When each phone is off."""
    outages: tuple[tuple[Span, Failure], ...]
    refusals: tuple[tuple[Span, Outcome], ...]
    """Of the endpoint crm."""
    kills: tuple[tuple[float, Point], ...]
    jumps: tuple[tuple[float, float], ...]
    """When the clock is set, and by how many seconds."""

    @classmethod
    def of(cls, seed: int) -> "Plan":
        """The same for the same seed."""
        chance = random.Random(seed)  # noqa: S311 - no cryptography

        def moment() -> float:
            return float(chance.randrange(20, END))

        def span(least: int, most: int) -> Span:
            since = float(chance.randrange(1, END // 10)) * 10
            return since, min(since + chance.randrange(least, most) * 10, float(END))

        refusals = tuple((span(*lasts), chance.choice(REFUSALS)) for lasts in ((5, 30), (2, 4)))
        bursts = [one for _ in range(10) for one in _burst(chance, moment())]
        talks = [one for about, _ in refusals for one in _talk(chance, about)]
        amid = refusals[0][0]  # where there is something that waits to be tried again
        return cls(
            messages=tuple(sorted([*bursts, *talks])),
            drops={phone: tuple(sorted(span(1, 30) for _ in range(3))) for phone in PHONES},
            outages=tuple((span(1, 25), chance.choice(FAILURES)) for _ in range(2)),
            refusals=refusals,
            kills=tuple(
                sorted(((moment(), chance.choice(list(Point))) for _ in range(6)), key=itemgetter(0))
            ),
            jumps=tuple(sorted([(moment(), chance.choice(JUMPS)), (chance.uniform(*amid), -7200.0)])),
        )


def _burst(chance: random.Random, at: float) -> Iterator[tuple[float, str, str]]:
    """Some messages at once, two of which may be equal to the letter."""
    sender = chance.choice(SENDERS)
    texts = [chance.choice(("yes", "no", f"text {at:g}")) for _ in range(chance.choice((1, 1, 2, 5)))]
    for text in texts:
        yield at, sender, text


def _talk(chance: random.Random, about: Span) -> Iterator[tuple[float, str, str]]:
    """One person writes again and again while crm takes nothing for a moment, and afterwards."""
    sender, (since, until) = chance.choice(SENDERS), about
    for number in range(6):
        at = since + number * (until + 40 - since) / 6
        yield at, sender, f"talk {number} from {since:g}"


@dataclass
class Life:
    """One life, as it is lived."""

    plan: Plan
    path: Path
    _kills: list[tuple[float, Point]] = field(default_factory=list)
    _written: list[Written] = field(default_factory=list)
    _last: int = 0
    _killed: int = 0

    def lived(self) -> Record:
        """Live it to its end, and say what came of it."""
        self._kills = list(self.plan.kills)
        interests = [Interest("crm", ("*",), None), Interest("ops", ("sip.account.*", "api.*"), None)]
        story = self._story = Story(self.path, interests=interests)
        self._injure()
        for phone, drops in self.plan.drops.items():
            story.phone(phone, *drops)
        for at, sender, text in self.plan.messages:
            story.sms_arrives(at, text, sender)
        for (since, until), failure in self.plan.outages:
            story.api_fails(since, until, failure)
        for (since, until), outcome in self.plan.refusals:
            story.endpoint_says(outcome, since, until)
        jumps = list(self.plan.jumps)
        while story.now() < END + CALM:
            while jumps and jumps[0][0] <= story.now():
                story.clock.jump(jumps.pop(0)[1])
            self._go_on(STEP)
            if story.now() > END + 600:
                story.clock.advance(300)
        with closing(story.database):
            return self._record()

    def _go_on(self, seconds: float) -> None:
        story, until = self._story, self._story.now() + seconds
        while story.now() < until:
            try:
                story.run(until=until, step=STEP)
            except Killed:
                self._killed += 1
                story.kill()
                self._injure()
            self._read_on()

    def _injure(self) -> None:
        """Put the points into the process that has just begun."""
        story = self._story
        for name in ("write", "write_beside"):
            setattr(story.database, name, self._committing(getattr(story.database, name)))
        start = story.sender.start

        def sends(message: Message) -> None:
            self._reach(Point.BEFORE_A_SEND)
            start(message)
            self._reach(Point.AFTER_A_SEND)

        story.sender.start = sends  # type: ignore[method-assign] # of this one process

    def _committing(
        self, write: Callable[[], AbstractContextManager[sa.Connection]]
    ) -> Callable[[], AbstractContextManager[sa.Connection]]:
        @contextmanager
        def writes() -> Iterator[sa.Connection]:
            with write() as db:
                yield db
                has_news = int(db.scalar(_NEWEST) or 0) > self._last
                if has_news:
                    self._reach(Point.BEFORE_A_COMMIT)
            if has_news:
                self._reach(Point.AFTER_A_COMMIT)

        return writes

    def _reach(self, point: Point) -> None:
        if self._kills and self._kills[0][0] <= self._story.now() and self._kills[0][1] is point:
            del self._kills[0]
            raise Killed(point.value)

    def _read_on(self) -> None:
        """Remember when each event was there first."""
        with self._story.database.read() as db:
            rows = db.execute(_AFTER, {"last": self._last}).all()
        for number, name, system, sequence, body in rows:
            self._written.append(Written(self._story.now(), name, system, sequence, bytes(body)))
            self._last = number

    def _record(self) -> Record:
        story, plan = self._story, self.plan
        with story.database.read() as db:

            def count(sql: str) -> int:
                found: Any = db.exec_driver_sql(f"SELECT count(*) FROM {sql}").scalar()  # noqa: S608 - our own
                return int(found)

            left = {
                "deliveries": count("deliveries WHERE status IN ('waiting', 'pending', 'leased')"),
                "lines of the ledger": count("ledger WHERE NOT is_over"),
                "incidents": count("incidents WHERE ended_at IS NULL"),
            }
        return Record(
            sent=[text for _, _, text in plan.messages],
            drops=plan.drops,
            outages=[span for span, _ in plan.outages],
            refusals=[span for span, _ in plan.refusals],
            turned_down=[span for span, outcome in plan.refusals if outcome is Outcome.REFUSED],
            kills=self._killed,
            unsettled=[at for at, _ in (*plan.kills, *plan.jumps)],
            written=self._written,
            arrived=[
                Arrived(at, one.endpoint, one.event, one.body, is_accepted=outcome is Outcome.ACCEPTED)
                for at, one, outcome in story.told
            ],
            left=left,
        )
