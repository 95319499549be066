"""Who left a queue, and who is to be called back for it: in the transaction of whoever saw it.

    follow      what a poll saw of callers: kept, and listed or crossed off    facts in, facts out
    after       what a command did: callers it put out, phones it dialled      facts out
    known       what became of a queue's callers, for its thresholds           read alone
    tick        what somebody crossed off elsewhere, and what is a week old    recorded

A call is told of once for what is not known of it, and once for what is: `follow` and `after` find what was
told before in `store/missed.py`. Who polls a system, or carries out its commands, writes for it; `tick` is
for whoever does what one does for all, and closing is a single statement that takes effect once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from daemon.core import missed
from daemon.core.commands import callers as commands
from daemon.core.commands.command import Command
from daemon.core.durations import DAY, HOUR, MINUTE
from daemon.core.missed import Callback, Done, Source
from daemon.core.model import Fact, Json, Known
from daemon.core.timestamps import from_iso
from daemon.core.watches import callbacks, callers
from daemon.core.watches.outcomes import Outcome, Why
from daemon.pipeline import callback_list, calls, logged_calls
from daemon.pipeline.calls import MOST_UNSEEN, SLACK, Scene
from daemon.pipeline.events import Recorded, Recorder
from daemon.store import inbox
from daemon.store import missed as store
from daemon.store.missed import Call

COMMANDS_BACK = 50
"""Of a system, among which a kick is looked for that may have put out who waits no more."""
HELD = 30 * MINUTE
"""Ours. So long after it left, a call that was answered has ended and has its row, or is a very long one."""
UNSEEN = missed.LOG_WITHIN / 2
"""Ours. So long a row of the log is held for a queue of which polls do not see who has left: after
`LOG_WITHIN` it would be forgotten."""
LOGGED = DAY
"""Ours. A log that told of nobody for so long is taken to tell of nobody any more."""


def follow(scene: Scene, facts: Sequence[Fact], subject: str | None = None, unseen: int = 0) -> list[Fact]:
    """What is to be told of what a poll saw, in its order; behind each caller what follows from him.

    `unseen`: so many more left the queue `subject` than were seen to.
    """
    if subject is not None and unseen:
        _keep_unseen(scene, subject, unseen)
    facts = [told for fact in facts for told in _of_platform(scene, fact)]
    gone = [one for one in facts if one.type in callers.GONE]
    if not gone:
        return facts
    logged = logged_calls.settled(scene, [one for one in gone if one.payload.get("source") == callers.LOG])
    kicks = _kicks(scene) if any(one.payload.get("source") != callers.LOG for one in gone) else []
    told = list[Fact]()
    for fact in facts:
        if fact.type not in callers.GONE:
            told.append(fact)
        elif fact.payload.get("source") == callers.LOG:
            told += logged.get(id(fact), [])
        else:
            told += _left(scene, kicks, fact)
    return told


def known(db: sa.Connection, watch: tuple[str, str], now: datetime, day: datetime) -> Known:
    """What became of the callers of a queue in the last hour, and in the `day` that began then."""
    return store.known(db, watch, hour=now - HOUR, day=day, logged=now - LOGGED, until=now + SLACK)


def after(scene: Scene, command: Command) -> list[Fact]:
    """What is to be told of callers when a command has ended."""
    told = list[Fact]()
    for call in _put_out(scene, command):
        store.settle(scene.db, call, Outcome.KICKED, call.waited, is_open=call.is_open)
        told.append(
            Fact(
                callers.KICKED,
                call.subject,
                {"queue": calls.unread(call.subject), "caller": calls.told(call), "source": callers.COMMAND},
            )
        )
    if dialled := commands.called(command):
        for one in store.open_of(scene.db, scene.system, dialled):
            told += callback_list.closed(scene, one, Done.CALLED, by=command.id)
    return told


def is_idle(db: sa.Connection, now: datetime) -> bool:
    """Whether `tick` would do nothing."""
    return not store.untold(db) and not store.expired(db, missed.expired_before(now)) and not _held(db, now)


def tick(db: sa.Connection, recorder: Recorder, now: datetime) -> Recorded:
    """Tell what somebody crossed off, cross off what is a week old, and say whose the rows of the log are
    that fitted more than one call."""
    recorded = Recorded()
    for one in store.untold(db):
        store.told(db, one)
        recorded += recorder.record(db, one.system, [missed.done(one)], now)
    for one in store.expired(db, missed.expired_before(now)):
        scene = Scene(db, one.system, recorder.new_id, now)
        recorded += recorder.record(db, one.system, callback_list.closed(scene, one, Done.EXPIRED), now)
    for row in _held(db, now):
        told = logged_calls.released(Scene(db, row.system, recorder.new_id, now), row)
        recorded += recorder.record(db, row.system, told, now)
    return recorded


def _held(db: sa.Connection, now: datetime) -> list[Call]:
    """Rows of the log that were held for long enough. Who waits by what was seen last may have left since, as
    the row says: as long as nobody looks, it stays held."""
    return store.held(db, now - HELD, seen_since=now - HELD + SLACK, late=now - UNSEEN)


def _of_platform(scene: Scene, fact: Fact) -> list[Fact]:
    """What follows from somebody who is in a call-back list of the platform, or is no more; any other fact
    as it is."""
    request = fact.payload.get(callbacks.REQUEST)
    if not isinstance(request, Mapping):
        return [fact]
    one_id, phone = str(request["id"]), str(request.get("phone") or "")
    if fact.type == missed.DONE_TYPE:
        known = store.requested(scene.db, scene.system, (one_id,))
        return [done for one in known for done in callback_list.closed(scene, one, Done.GONE)]
    key, at = missed.key(phone), from_iso(request.get("at")) or scene.now
    if key is None:
        return []
    listed = callback_list.listed(
        scene,
        Callback(
            id="",
            system=scene.system,
            key=key,
            phone=phone,
            subject=fact.subject,
            path=str(calls.said(fact, "queue", "path") or ""),
            name=str(calls.said(fact, "queue", "name") or ""),
            source=Source.PLATFORM,
            calls=1,
            since=at,
            last_at=at,
            waited=None,
            request=one_id,
        ),
    )
    return [] if fact.payload.get(callbacks.BASELINE) else listed


@dataclass(frozen=True)
class _Kick:
    """The calls that a command put out, surely or perhaps."""

    surely: frozenset[str]
    perhaps: frozenset[str]
    ended_at: datetime | None

    def may_be_since(self, moment: datetime | None) -> bool:
        """Whether it had not ended by then, as far as both times are known."""
        return moment is None or self.ended_at is None or self.ended_at >= moment


def _kicks(scene: Scene) -> list[_Kick]:
    found = inbox.read(scene.db, inbox.Wanted(system=scene.system, limit=COMMANDS_BACK))
    every = [_Kick(commands.kicked(one), commands.maybe_kicked(one), one.ended_at) for one in found]
    return [one for one in every if one.surely or one.perhaps]


def _left(scene: Scene, kicks: Sequence[_Kick], fact: Fact) -> list[Fact]:
    """What is told of a caller whom a poll saw to wait no more."""
    fact = _by_command(scene, kicks, fact)
    call = calls.of(scene, fact)
    call = replace(call, number=store.put(scene.db, call))
    return logged_calls.held_for(scene, call) or [fact, *callback_list.follows(scene, call, fact)]


def _by_command(scene: Scene, kicks: Sequence[_Kick], fact: Fact) -> Fact:
    """The same, where a command of ours put the caller out, or may have. Whether one that seems to have ended
    before he began to wait was about him is not known: his id may have been another call's, or the clock was
    set."""
    call_id, waited = calls.said(fact, "caller", "call_id"), calls.said(fact, "caller", "waited_seconds")
    began = scene.now - timedelta(seconds=waited[1]) - SLACK if waited else None
    kept = {name: value for name, value in fact.payload.items() if name in ("queue", "caller")}
    if any(call_id in one.surely and one.may_be_since(began) for one in kicks):
        return replace(fact, type=callers.KICKED, payload={**kept, "source": callers.COMMAND})
    if any(call_id in one.perhaps for one in kicks):
        unknown: Mapping[str, Json] = {"outcome": Outcome.UNKNOWN.value, "reason": Why.COMMAND.value}
        return replace(fact, type=callers.LEFT, payload={**kept, **unknown})
    return fact


def _keep_unseen(scene: Scene, subject: str, many: int) -> None:
    after = scene.last or scene.now
    store.put(
        scene.db,
        Call(
            scene.system,
            subject,
            None,
            "",
            "",
            after,
            scene.now,
            None,
            Outcome.UNSEEN,
            min(many, MOST_UNSEEN),
            is_open=False,
        ),
    )


def _put_out(scene: Scene, command: Command) -> list[Call]:
    """Of the calls that a command put out, those that are known to have left, and not how. Of who seems to
    have left before anybody asked for it, it stays unknown: an id may be that of another call by and by."""
    ids, since = commands.kicked(command), command.created_at - SLACK
    left = [one for one in store.by_ids(scene.db, scene.system, ids) if one.left_at >= since]
    return [one for one in left if one.outcome is Outcome.UNKNOWN]
