"""Rows of the platform's log and the callers whom polls saw: whose each row is, as far as it is sure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from daemon.core import missed
from daemon.core.durations import NOTHING
from daemon.core.model import Fact
from daemon.core.watches import callers, queues
from daemon.core.watches.outcomes import EARLY_OR_LATE, LATENESS, Outcome, waited
from daemon.pipeline import callback_list, calls
from daemon.pipeline.calls import SLACK, Scene
from daemon.store import missed as store
from daemon.store import watches
from daemon.store.missed import Call

log = structlog.get_logger()

ABOUT = 2
"""Ours. Seconds by which the wait in the log may differ from what two answers show."""


def settled(scene: Scene, rows: Sequence[Fact]) -> dict[int, list[Fact]]:
    """What is told of rows of the log, by the fact that each is.

    A row that fits a call which polls saw is not always of that call: the same phone may have called twice,
    and one call have come and gone between two polls. What may be either is held for a while, in which the
    row of the other call is written as well; `released` then says whose it was. So is a row that fits who
    waits by what was seen last: he may have left since, and the poll that sees it is told by `held_for`.
    """
    told, own = dict[int, list[Fact]](), list[Call]()
    waiting = _waiting(scene, rows[0].subject) if rows else []
    for fact in rows:
        row = calls.of(scene, fact)
        known = _of_queue(scene, row)
        fits = [one for one in known.seen if _may_be_same(one, row)]
        if _is_any_of(waiting, row):
            store.put(scene.db, replace(row, many=0))
        elif not fits:
            store.put(scene.db, row)
            own.append(row)
            told[id(fact)] = [fact, *callback_list.follows(scene, row, fact)]
        elif _is_sure(row, fits, [*known.held, *known.unseen]):
            told[id(fact)] = _from_log(scene, fact, row, fits[0])
        else:
            store.put(scene.db, replace(row, many=0))
    if newest := [at for one in rows if (at := calls.logged_at(one)) is not None]:
        store.forget_unseen(scene.db, scene.system, rows[0].subject, min(max(newest), scene.now))
    # What was counted between two polls may be of a time that goes on after the last row.
    for row in own:
        if row.outcome is Outcome.ABANDONED:
            queue = row.system, row.subject
            store.take_off_unseen(scene.db, queue, row.left_at - SLACK, row.left_at + SLACK, 1)
    return told


def held_for(scene: Scene, call: Call) -> list[Fact]:
    """What is told of a caller whom a poll saw to leave just now, where a row of the log that was held is
    surely his; none: there is no such row, or it says no more than the poll does."""
    known = _of_queue(scene, call)
    rows = [one for one in known.held if _may_be_same(call, one)]
    if len(rows) != 1:
        return []
    (row,) = rows
    fits = [one for one in (*known.seen, call) if _may_be_same(one, row)]
    if _is_any_of(_waiting(scene, row.subject), row) or not _is_sure(row, fits, known.unseen):
        return []
    store.close_held(scene.db, row, many=0)
    return _from_log(scene, _told_late(row), row, call)


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


def _waiting(scene: Scene, subject: str) -> list[Call]:
    """Who waits in a queue by what was seen of it last, each as if he had left since."""
    known = watches.load(scene.db, scene.system, subject)
    if known.state is None or known.observed_at is None:
        return []
    now = max(scene.now, known.observed_at)
    return [
        Call(
            scene.system,
            subject,
            one.call_id,
            missed.key(one.phone) or "",
            one.phone,
            known.observed_at,
            now,
            waited(one, now - known.observed_at),
            Outcome.UNKNOWN,
        )
        for one in queues.last_seen(queues.load(json.loads(known.state))).values()
    ]


def _is_any_of(waiting: Sequence[Call], row: Call) -> bool:
    return any(one.key == row.key and _may_be_same(one, row) for one in waiting)


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
    named = replace(fact, payload={**fact.payload, "caller": calls.told(settled)})
    return [named, *callback_list.follows(scene, settled, named)]


def released(scene: Scene, row: Call) -> list[Fact]:
    """What is told of a row that was held, now that the other calls of its phone have theirs."""
    known = _of_queue(scene, row)
    fits = [one for one in known.seen if _may_be_same(one, row) and one.outcome is Outcome.UNKNOWN]
    others = [*known.held, *known.unseen]
    rivals = [one for one in others if any(_may_be_same(each, one) for each in fits)]
    store.close_held(scene.db, row, many=0 if fits else 1)
    fact = _told_late(row)
    if not fits:
        return [fact, *callback_list.follows(scene, row, fact)]
    if len(fits) == 1 and not rivals:
        return _from_log(scene, fact, row, fits[0])
    log.info("missed.ambiguous", system=scene.system, subject=row.subject, outcome=row.outcome.value)
    for one in fits if len(rivals) >= len(fits) else ():
        store.settle(scene.db, one, Outcome.UNKNOWN, one.waited, is_open=False)
    return []


def _told_late(row: Call) -> Fact:
    """What is told of a row that was held; of the row itself no more is kept."""
    return Fact(
        callers.TYPES[row.outcome],
        row.subject,
        {"queue": calls.unread(row.subject), "caller": calls.told(row), "source": callers.LOG},
    )
