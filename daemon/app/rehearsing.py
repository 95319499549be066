"""A configuration, tried on what was kept: what it would have told, beside what was told.

It is made as a daemon makes it, but for the clients of the telephony API and the senders, which it has not.
The store is only read, in short transactions, while its daemon goes on.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from daemon.app.in_force import wishes_of
from daemon.app.suggesting import suggestions, toml
from daemon.config.settings import Config
from daemon.core.alerts.acknowledgement import Acknowledgement
from daemon.core.durations import DAY, show
from daemon.core.event_types import ALERT_TYPES
from daemon.core.model import Event
from daemon.core.own_events import ACKNOWLEDGED, ESCALATED
from daemon.core.rehearsal.facts import together
from daemon.core.rehearsal.lives import Life, Outcome, Pair, Why, common, paired
from daemon.core.routing import plan, quiet
from daemon.core.routing.plan import DAEMON
from daemon.core.routing.silences import Silence
from daemon.core.timestamps import iso
from daemon.core.watches import api
from daemon.core.watches.watch import AnyWatch
from daemon.pipeline.events import Recorder
from daemon.schemas.rehearsals import Rehearsal, RehearsedPair, RehearsedWatch, Suggestion, facts, stretches
from daemon.store import acknowledgements, incidents, lives, silences
from daemon.store import database as databases
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import Readable
from daemon.wiring.endpoints import interests
from daemon.wiring.escalations import ladders
from daemon.wiring.watches import watches
from daemon.workers.past import Past, Seen
from daemon.workers.rehearser import Rehearsed, Rehearser, Then, counter, replayed
from daemon.yemot.client import Client

WARM_UP = DAY
"""For so long before the time that is asked for it goes through what was kept: so it knows what lasted."""
ABOUT_INCIDENTS = frozenset({ACKNOWLEDGED, ESCALATED, quiet.ENDED, *ALERT_TYPES})
"""Types of events that are told of alerts."""
NOBODY = cast("Client", None)
"""The client of kinds that ask nobody."""
ALWAYS_LEFT_OUT = (
    "how endpoints did: each message is taken to arrive when it is due",
    "alerts of the daemon itself, of its endpoints and of its store",
)

T = TypeVar("T")


@dataclass(frozen=True)
class Was:
    """What there is of that time beside what the watches saw."""

    lives: list[Life]
    facts: Counter[tuple[str, str]]
    """What endpoints were told that stands alone, by endpoint and type."""
    again: Counter[tuple[str, str]]
    """What they would be told of the facts that are not seen again."""
    then: Then


class Rehearsing:
    """One rehearsal. `name`: of the configuration, for people."""

    def __init__(
        self, name: str, config: Config, database: Readable, since: datetime, until: datetime
    ) -> None:
        self._name = name
        self._config = config
        self._database = database
        self._since, self._until = since, until
        self._wishes = wishes_of(config)
        self._interests = interests(config, self._wishes)
        self._recorder = Recorder(self._interests, counter(), escalations=ladders(config.escalations))
        zone = ZoneInfo(config.daemon.timezone)
        made = [one for system in config.systems for one in watches(system, NOBODY, zone, self._wishes)]
        self._kept = {watch.id: watch.kind.kept_as is not None for watch in made}
        self._seen_again = frozenset(type_ for watch in made for type_ in _types(watch))
        self._watches = [replayed(watch) for watch in made]
        self._broken: list[str] = []

    def document(self, *, suggest: bool = False) -> Rehearsal:
        """What came of it. Raises the store's errors where not even what was kept of whom can be read."""
        was = self._was()
        past = Past(self._database)
        kept = set(past.watched())
        with closing(databases.in_memory()) as memory, memory.rehearsal() as db:
            rehearser = Rehearser(db, past, self._watches, self._recorder, was.then)
            came = rehearser.run(self._since, self._until, WARM_UP)
            would = list(_lives(lambda part: part(db), self._since, self._until))
            pairs = self._explained(db, paired(would, was.lives, self._slack), came)
        none = list[Suggestion]()
        proposed = self._tried("what to propose", lambda: self._suggested(past), none) if suggest else none
        return Rehearsal(
            configuration=self._name,
            since=iso(self._since),
            until=iso(self._until),
            counts={one.value: sum(pair.outcome is one for pair in pairs) for one in Outcome},
            alerts=[RehearsedPair.of(one) for one in pairs],
            facts=facts(together(came.facts, was.again), was.facts),
            watches=[self._watch(seen, came) for seen in came.seen.values()],
            unseen=stretches(common([seen.gaps for seen in came.seen.values()])),
            left_out=[*ALWAYS_LEFT_OUT, *self._left_out(came, was, kept)],
            broken=[*self._broken, *_broken(came)],
            suggestions=proposed,
            toml=toml(proposed) if suggest else None,
        )

    def _suggested(self, past: Past) -> list[Suggestion]:
        return suggestions(self._config, past, self._since, self._until)

    @property
    def _slack(self) -> timedelta:
        """Times that differ by no more are the same: two polls."""
        return 2 * max((watch.every for watch in self._watches), default=timedelta(0))

    def _was(self) -> Was:
        none = list[Life]()
        told = self._tried("what was told", lambda: list(_lives(self._read, self._since, self._until)), none)
        of_watches = [one for one in told if one.system != DAEMON]
        nothing = Counter[tuple[str, str]]()
        was, again = self._tried("what stood alone", self._facts, (nothing, nothing))
        then = Then(
            self._tried("silences", self._silences, []),
            self._tried("acknowledgements", lambda: self._acknowledged(of_watches), []),
        )
        return Was(of_watches, was, again, then)

    def _tried(self, what: str, read: Callable[[], T], instead: T) -> T:
        """What can be read of a store that may be half broken."""
        try:
            return read()
        except FAILURES as error:
            self._broken.append(f"{what}: {reason(error)}")
            return instead

    def _read(self, part: Callable[[sa.Connection], T]) -> T:
        with self._database.read() as db:
            return part(db)

    def _facts(self) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
        """What was told that stands alone; and of what is not seen again, what would be."""
        was, again = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        after: int | None = self._read(lambda db: lives.number_at(db, self._since)) - 1
        while after is not None:
            found, went, after = self._part_of_facts(after)
            types = {number: event.type for number, event in found}
            was.update((endpoint, types[number]) for number, endpoint in went)
            alone = [event for _, event in found if event.type not in self._seen_again]
            again.update((one.endpoint, one.event.type) for one in plan.plan(alone, self._interests))
        return was, again

    def _part_of_facts(self, after: int) -> tuple[list[tuple[int, Event]], list[tuple[int, str]], int | None]:
        with self._database.read() as db:
            found, last = lives.facts(db, after, self._until)
            found = [one for one in found if one[1].type not in ABOUT_INCIDENTS]
            return found, list(lives.receivers(db, [number for number, _ in found])), last

    def _silences(self) -> list[Silence]:
        """Those of that time, as they were then: one that was ended by hand lasted until that."""
        found = self._read(lambda db: silences.load(db, now=self._until, with_ended=True))
        return [_as_it_was(one) for one in found if one.created_at <= self._until]

    def _acknowledged(self, told: Sequence[Life]) -> list[tuple[Acknowledgement, tuple[str, str]]]:
        keys = {one.id: (one.system, one.key) for one in told}
        found = list[tuple[Acknowledgement, tuple[str, str]]]()
        for id_, key in keys.items():
            found += [(one, key) for one in self._read(partial(_acknowledged, id_))]
        return sorted(found, key=lambda one: one[0].at)

    def _explained(self, db: sa.Connection, pairs: Sequence[Pair], came: Rehearsed) -> list[Pair]:
        """With why what rang would not have."""
        return [
            replace(one, why=self._why(db, one.was, came)) if one.outcome is Outcome.GONE and one.was else one
            for one in pairs
        ]

    def _why(self, db: sa.Connection, was: Life, came: Rehearsed) -> Why:
        watch = next((one for one in self._watches if one.id == (was.system, was.watch)), None)
        if watch is None and was.watch != api.OWNER:
            return Why.NOT_WATCHED
        if watch is not None and watch.description.attention.ignores(was.subject):
            return Why.IGNORED
        if watch is not None and watch.description.attention.is_outside(was.key, was.fired_at):
            return Why.OUTSIDE_HOURS
        if _is_unseen(was, came.seen.values()):
            return Why.NOT_SEEN
        turned = incidents.load_transitions(
            db, was.system, was.key, was.started_at - self._slack, was.ended_at
        )
        return Why.TOO_SHORT if turned else Why.NOT_BAD

    def _watch(self, seen: Seen, came: Rehearsed) -> RehearsedWatch:
        return RehearsedWatch(
            system=seen.watch[0],
            watch=seen.watch[1],
            looks=seen.looks,
            failed=seen.failed,
            unreadable=came.unreadable[seen.watch],
            is_content_kept=self._kept[seen.watch],
            gaps=stretches(seen.gaps),
            more_gaps=seen.more_gaps,
        )

    def _left_out(self, came: Rehearsed, was: Was, kept: set[tuple[str, str]]) -> Iterator[str]:
        for watch in self._watches:
            name, seen = "/".join(watch.id), came.seen[watch.id]
            if watch.id not in kept:
                yield f"{name}: nothing was kept of it"
            elif not self._kept[watch.id]:
                yield f"{name}: that it was answered is kept, and no content; its events are those of then"
            if seen.every is not None and seen.every > watch.every:
                polled = f"it was polled every {show(seen.every)}"
                yield f'{name}: {polled}, so every = "{show(watch.every)}" cannot be tried'
        if was.then.acknowledgements:
            yield "what people would have acknowledged: who had an alert then has it again, where it fires"


def _types(watch: AnyWatch) -> frozenset[str]:
    """The types of events that a watch gives in a rehearsal, too."""
    if watch.kind.kept_as is None:
        return frozenset(api.EVENTS.names)
    found: Any = sys.modules[watch.kind.kept_as.__module__]
    return frozenset({*found.EVENTS.names, *api.EVENTS.names})


def _lives(
    read: Callable[[Callable[[sa.Connection], Any]], Any], since: datetime, until: datetime
) -> Iterator[Life]:
    yield from read(lambda db: lives.of_old(db, since))
    last: lives.Place | None = None
    while True:
        found, last = read(partial(_part, since, until, last))
        yield from found
        if last is None:
            return


def _part(
    since: datetime, until: datetime, last: lives.Place | None, db: sa.Connection
) -> tuple[list[Life], lives.Place | None]:
    return lives.part(db, since, until, last)


def _acknowledged(incident: str, db: sa.Connection) -> list[Acknowledgement]:
    return acknowledgements.of_incident(db, incident)


def _as_it_was(silence: Silence) -> Silence:
    ends = [one for one in (silence.ends_at, silence.expired_at) if one is not None]
    starts = max(silence.starts_at, silence.created_at)
    return replace(silence, starts_at=starts, ends_at=min(ends, default=None), expired_at=None)


def _is_unseen(was: Life, seen: Iterable[Seen]) -> bool:
    return any(
        since < (was.ended_at or was.fired_at) and until > was.started_at
        for one in seen
        if one.watch[0] == was.system and was.watch in (one.watch[1], api.OWNER)
        for since, until in one.gaps
    )


def _broken(came: Rehearsed) -> list[str]:
    return [f"{'/'.join(seen.watch)}: {why}" for seen in came.seen.values() for why in seen.broken]
