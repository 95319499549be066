"""Who left a queue, and who is to be called back for it: in the transaction of whoever saw it.

    follow      what a poll saw of callers: kept, and listed or crossed off    facts in, facts out
    after       what a command did: callers it put out, phones it dialled      facts out
    known       what became of a queue's callers, for its thresholds           read alone
    tick        what somebody crossed off elsewhere, and what is a week old    recorded

A call is told of once for what is not known of it, and once for what is: `follow` and `after` find what was
told before in `store/missed.py`. Who polls a system, or carries out its commands, writes for it; `tick` is
for whoever does what one does for all, and closing is a single statement that takes effect once.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from daemon.core import missed
from daemon.core.commands import callers as commands
from daemon.core.commands.command import Command
from daemon.core.durations import DAY, HOUR, MINUTE, NOTHING
from daemon.core.missed import Callback, Done, Source
from daemon.core.model import Fact, Json, Known
from daemon.core.timestamps import from_iso
from daemon.core.watches import callbacks, callers
from daemon.core.watches.outcomes import EARLY_OR_LATE, LATENESS, Outcome, Why
from daemon.pipeline.events import Recorded, Recorder
from daemon.store import inbox
from daemon.store import missed as store
from daemon.store.missed import Call

log = structlog.get_logger()

COMMANDS_BACK = 50
"""Of a system, among which a kick is looked for that may have put out who waits no more."""
SLACK = MINUTE
"""Ours. By so much the platform's clock and ours may differ, and its log may be late."""
ABOUT = 2
"""Ours. Seconds by which the wait in the log may differ from what two answers show."""
HELD = 30 * MINUTE
"""Ours. So long after it left, a call that was answered has ended and has its row, or is a very long one."""
LOGGED = DAY
"""Ours. A log that told of nobody for so long is taken to tell of nobody any more."""
_OUTCOMES = {name: outcome for outcome, name in callers.TYPES.items()}


@dataclass(frozen=True)
class Scene:
    """Where and when something was seen."""

    db: sa.Connection
    system: str
    new_id: Callable[[str], str]
    now: datetime
    last: datetime | None = None
    """When it was looked at before; None: never."""


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
    logged = _settled(scene, [one for one in gone if one.payload.get("source") == callers.LOG])
    kicks = _kicks(scene) if any(one.payload.get("source") != callers.LOG for one in gone) else _NO_KICKS
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
    for call in _of_calls(scene, commands.kicked(command)):
        store.settle(scene.db, call, Outcome.KICKED, call.waited, is_open=call.is_open)
        told.append(
            Fact(
                callers.KICKED,
                call.subject,
                {"queue": _unread(call.subject), "caller": _caller(call), "source": callers.COMMAND},
            )
        )
    if dialled := commands.called(command):
        for one in store.open_of(scene.db, scene.system, dialled):
            told += _closed(scene, one, Done.CALLED, by=command.id)
    return told


def is_idle(db: sa.Connection, now: datetime) -> bool:
    """Whether `tick` would do nothing."""
    return (
        not store.untold(db)
        and not store.expired(db, missed.expired_before(now))
        and not store.held(db, now - HELD)
    )


def tick(db: sa.Connection, recorder: Recorder, now: datetime) -> Recorded:
    """Tell what somebody crossed off, cross off what is a week old, and say whose the rows of the log are
    that fitted more than one call."""
    recorded = Recorded()
    for one in store.untold(db):
        store.told(db, one)
        recorded += recorder.record(db, one.system, [missed.done(one)], now)
    for one in store.expired(db, missed.expired_before(now)):
        scene = Scene(db, one.system, recorder.new_id, now)
        recorded += recorder.record(db, one.system, _closed(scene, one, Done.EXPIRED), now)
    for row in store.held(db, now - HELD):
        told = _released(Scene(db, row.system, recorder.new_id, now), row)
        recorded += recorder.record(db, row.system, told, now)
    return recorded


def _of_platform(scene: Scene, fact: Fact) -> list[Fact]:
    """What follows from somebody who is in a call-back list of the platform, or is no more; any other fact
    as it is."""
    request = fact.payload.get(callbacks.REQUEST)
    if not isinstance(request, Mapping):
        return [fact]
    one_id, phone = str(request["id"]), str(request.get("phone") or "")
    if fact.type == missed.DONE_TYPE:
        known = store.requested(scene.db, scene.system, (one_id,))
        return [done for one in known for done in _closed(scene, one, Done.GONE)]
    key, at = missed.key(phone), from_iso(request.get("at")) or scene.now
    if key is None:
        return []
    listed = _listed(
        scene,
        Callback(
            id="",
            system=scene.system,
            key=key,
            phone=phone,
            subject=fact.subject,
            path=str(_said(fact, "queue", "path") or ""),
            name=str(_said(fact, "queue", "name") or ""),
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
class _Kicks:
    """The calls that commands put out, surely or perhaps."""

    surely: frozenset[str]
    perhaps: frozenset[str]


_NO_KICKS = _Kicks(frozenset(), frozenset())


def _kicks(scene: Scene) -> _Kicks:
    found = inbox.read(scene.db, inbox.Wanted(system=scene.system, limit=COMMANDS_BACK))
    surely = frozenset[str]().union(*map(commands.kicked, found))
    return _Kicks(surely, frozenset[str]().union(*map(commands.maybe_kicked, found)) - surely)


def _left(scene: Scene, kicks: _Kicks, fact: Fact) -> list[Fact]:
    """What is told of a caller whom a poll saw to wait no more."""
    fact = _by_command(fact, kicks)
    call = _call(scene, fact)
    if known := _told_by_log(scene, call):
        store.settle(
            scene.db, replace(known, call_id=call.call_id), known.outcome, known.waited, is_open=False
        )
        return []
    store.put(scene.db, call)
    return [fact, *_follows(scene, call, fact)]


def _by_command(fact: Fact, kicks: _Kicks) -> Fact:
    """The same, where a command of ours put the caller out, or may have."""
    call_id = _said(fact, "caller", "call_id")
    kept = {name: value for name, value in fact.payload.items() if name in ("queue", "caller")}
    if call_id in kicks.surely:
        return replace(fact, type=callers.KICKED, payload={**kept, "source": callers.COMMAND})
    if call_id in kicks.perhaps:
        unknown: Mapping[str, Json] = {"outcome": Outcome.UNKNOWN.value, "reason": Why.COMMAND.value}
        return replace(fact, type=callers.LEFT, payload={**kept, **unknown})
    return fact


def _follows(scene: Scene, call: Call, fact: Fact) -> list[Fact]:
    """Whom a caller puts on the list, or crosses off."""
    if not call.key:
        return []
    if call.outcome is Outcome.ANSWERED:
        listed = store.open_of(scene.db, scene.system, (call.key,))
        return [
            done
            for one in listed
            if one.last_at <= call.left_at
            for done in _closed(scene, one, Done.ANSWERED)
        ]
    if call.outcome is not Outcome.ABANDONED or store.was_answered_since(
        scene.db, scene.system, call.key, call.left_at
    ):
        return []
    path, name = _said(fact, "queue", "path"), _said(fact, "queue", "name")
    return _listed(
        scene,
        Callback(
            id="",
            system=scene.system,
            key=call.key,
            phone=call.phone,
            subject=call.subject,
            path=str(path or ""),
            name=str(name or ""),
            source=Source.QUEUE,
            calls=1,
            since=call.left_at,
            last_at=call.left_at,
            waited=call.waited,
        ),
    )


def _listed(scene: Scene, one: Callback) -> list[Fact]:
    """List somebody, or add to what is listed of him."""
    for known in store.open_of(scene.db, scene.system, (one.key,)):
        is_same = one.request is not None and one.request == known.request
        if is_same:
            return []
        later = one if one.last_at >= known.last_at else known
        merged = replace(
            later,
            id=known.id,
            source=known.source,
            calls=known.calls + (one.source is Source.QUEUE),
            since=min(known.since, one.since),
            request=one.request or known.request,
        )
        store.again(scene.db, merged)
        return []
    if store.how_many(scene.db, scene.system) >= missed.MOST:
        log.warning("missed.list_is_full", system=scene.system, most=missed.MOST)
        return []
    new = replace(one, id=scene.new_id("cb"))
    store.add(scene.db, new)
    return [missed.due(new)]


def _closed(scene: Scene, one: Callback, how: Done, by: str | None = None) -> list[Fact]:
    closed = replace(one, closed_at=scene.now, done=how, closed_by=by)
    return [missed.done(closed)] if store.close(scene.db, closed, is_told=True) else []


def _keep_unseen(scene: Scene, subject: str, many: int) -> None:
    after = scene.last or scene.now
    store.put(
        scene.db,
        Call(
            scene.system, subject, None, "", "", after, scene.now, None, Outcome.UNSEEN, many, is_open=False
        ),
    )


def _call(scene: Scene, fact: Fact) -> Call:
    phone = str(_said(fact, "caller", "phone") or "")
    waited = _said(fact, "caller", "waited_seconds")
    call_id = _said(fact, "caller", "call_id")
    at, total = _at(fact) or scene.now, _said(fact, "logged", "total_seconds")
    is_logged = _at(fact) is not None
    after = at - timedelta(seconds=total) if isinstance(total, int) else at
    return Call(
        scene.system,
        fact.subject,
        None if call_id is None else str(call_id),
        missed.key(phone) or "",
        phone,
        after if is_logged else scene.last or scene.now,
        at,
        (int(waited[0]), int(waited[1])) if isinstance(waited, list | tuple) else None,
        _OUTCOMES[fact.type],
    )


def _at(fact: Fact) -> datetime | None:
    at = _said(fact, "logged", "at")
    return from_iso(at) if isinstance(at, str) else None


def _said(fact: Fact, *keys: str) -> Any:
    value: Any = fact.payload
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _unread(subject: str) -> Json:
    """A queue that nobody looked at just now."""
    return {"path": subject.removeprefix("queue/"), "name": subject.removeprefix("queue/"), **callers.UNREAD}


def _caller(call: Call) -> Json:
    waited = None if call.waited is None else list(call.waited)
    return {"call_id": call.call_id, "phone": call.phone, "waited_seconds": waited}


def _of_calls(scene: Scene, ids: Collection[str]) -> list[Call]:
    """Of these calls, those that are known to have left, and of which it is not known how."""
    return [one for one in store.by_ids(scene.db, scene.system, ids) if one.outcome is Outcome.UNKNOWN]


def _told_by_log(scene: Scene, call: Call) -> Call | None:
    """The same call, where the log told of it before a poll saw it gone."""
    known = [
        one
        for one in store.open_calls(scene.db, scene.system, call.key)
        if one.call_id is None
        and one.many
        and one.subject == call.subject
        and _may_be_same(call, one)
        and not _may_be_unseen(one, call)
    ]
    return known[0] if len(known) == 1 else None


def _settled(scene: Scene, rows: Sequence[Fact]) -> dict[int, list[Fact]]:
    """What is told of rows of the log, by the fact that each is.

    A row that fits a call which polls saw is not always of that call: the same phone may have called twice,
    and one call have come and gone between two polls. What may be either is held for a while, in which the
    row of the other call is written as well; `_released` then says whose it was.
    """
    told, own = dict[int, list[Fact]](), list[Call]()
    for fact in rows:
        row = _call(scene, fact)
        known = _of_queue(scene, row)
        fits = [one for one in known.seen if _may_be_same(one, row)]
        if not fits:
            store.put(scene.db, row)
            own.append(row)
            told[id(fact)] = [fact, *_follows(scene, row, fact)]
        elif _is_sure(row, fits, [*known.held, *known.unseen]):
            told[id(fact)] = _from_log(scene, fact, row, fits[0])
        else:
            store.put(scene.db, replace(row, many=0))
    if newest := [at for one in rows if (at := _at(one)) is not None]:
        store.forget_unseen(scene.db, scene.system, rows[0].subject, max(newest))
    # What was counted between two polls may be of a time that goes on after the last row.
    for row in own:
        if row.outcome is Outcome.ABANDONED:
            queue = row.system, row.subject
            store.take_off_unseen(scene.db, queue, row.left_at - SLACK, row.left_at + SLACK, 1)
    return told


@dataclass(frozen=True)
class _Known:
    """The calls of one phone in one queue that are not settled for good."""

    seen: Sequence[Call]
    held: Sequence[Call]
    """Rows of the log of which it is not known yet whose they are."""
    unseen: Sequence[Call]
    """Of which the log alone tells."""


def _of_queue(scene: Scene, row: Call) -> _Known:
    known = [
        one
        for one in store.open_calls(scene.db, scene.system, row.key)
        if one.subject == row.subject and one.number != row.number
    ]
    return _Known(
        [one for one in known if one.call_id is not None],
        [one for one in known if one.call_id is None and not one.many],
        [one for one in known if one.call_id is None and one.many],
    )


def _is_sure(row: Call, fits: Sequence[Call], others: Sequence[Call]) -> bool:
    """Whether a row is of the one call that it fits, at once.

    A row of somebody who was not answered may be of another call, which nobody saw, while the one that was
    seen goes on and has no row yet: unless that other call would have been seen.
    """
    if len(fits) != 1 or any(_may_be_same(fits[0], one) for one in others):
        return False
    if row.outcome in (fits[0].outcome, Outcome.ANSWERED):
        return True
    return not _may_be_unseen(row, fits[0])


def _may_be_unseen(row: Call, seen: Call) -> bool:
    """Whether a call of the log may have come and gone between two polls, which are as far apart as those
    between which another was seen to leave."""
    apart = (seen.left_at - seen.left_after) * EARLY_OR_LATE + LATENESS
    return row.waited is None or timedelta(seconds=row.waited[0] - ABOUT) <= apart


def _may_be_same(seen: Call, logged: Call) -> bool:
    """Whether a call that polls saw and one of the log can be the same. Whether the log dates a call by its
    beginning, by when it left, or by its end is not known, so it may be any of them."""
    if seen.waited is not None and logged.waited is not None:
        least, most = seen.waited
        if not least - ABOUT <= logged.waited[0] <= most + ABOUT:
            return False
    lasted = missed.longest(logged.waited) or NOTHING
    talked = logged.left_at - logged.left_after
    return seen.left_after - lasted - SLACK <= logged.left_at <= seen.left_at + talked + SLACK


def _from_log(scene: Scene, fact: Fact, row: Call, its: Call) -> list[Fact]:
    """What a row of the log says of a call that was not told yet."""
    was = its.outcome
    outcome = was if was is Outcome.KICKED else row.outcome
    store.settle(scene.db, its, outcome, row.waited or its.waited, is_open=False)
    if was in (row.outcome, Outcome.KICKED):
        return []
    if was is not Outcome.UNKNOWN:
        of = {"system": scene.system, "subject": its.subject, "call_id": its.call_id}
        log.error("missed.contradicted", **of, told=was.value, logged=row.outcome.value)
    settled = replace(its, outcome=row.outcome, waited=row.waited or its.waited)
    named = replace(fact, payload={**fact.payload, "caller": _caller(settled)})
    return [named, *_follows(scene, settled, named)]


def _released(scene: Scene, row: Call) -> list[Fact]:
    """What is told of a row that was held, now that the other calls of its phone have theirs."""
    known = _of_queue(scene, row)
    fits = [one for one in known.seen if _may_be_same(one, row) and one.outcome is Outcome.UNKNOWN]
    others = [*known.held, *known.unseen]
    rivals = [one for one in others if any(_may_be_same(each, one) for each in fits)]
    store.close_held(scene.db, row, many=0 if fits else 1)
    fact = Fact(
        callers.TYPES[row.outcome],
        row.subject,
        {"queue": _unread(row.subject), "caller": _caller(row), "source": callers.LOG},
    )
    if not fits:
        return [fact, *_follows(scene, row, fact)]
    if len(fits) == 1 and not rivals:
        return _from_log(scene, fact, row, fits[0])
    log.info("missed.ambiguous", system=scene.system, subject=row.subject, outcome=row.outcome.value)
    for one in fits if len(rivals) >= len(fits) else ():
        store.settle(scene.db, one, Outcome.UNKNOWN, one.waited, is_open=False)
    return []
