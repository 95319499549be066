"""Alerts that time alone ends: their hours are over, or what they are about is ignored by now.

    watches.told             what fires                                  read
    attention                which of it does not count any more         pure
    Judge.take               incidents that end                          written
    recorder, teller         events; everyone who was told hears of it   written

The next answer would end them as well. But a watch may be asked once an hour, and the API may not answer.
What belongs to a system is written by the member that polls it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Verdict
from daemon.core.watches.watch import AnyWatch
from daemon.pipeline.alerts import Judge
from daemon.pipeline.events import Recorded, Recorder
from daemon.pipeline.notification import Teller
from daemon.store import watches
from daemon.store.ownership import Readable

Kept = Callable[[sa.Connection, Collection[str]], Collection[str]]
"""Which of these systems are ours until the transaction ends that asks."""
WatchId = tuple[str, str]


def look(
    database: Readable,
    recorder: Callable[[], Recorder],
    watched: Callable[[], Mapping[WatchId, AnyWatch]],
    now: datetime,
    kept: Kept,
) -> Recorded:
    """End what does not count any more. Writes nothing where there is nothing to end. `watched`: what is in
    force, which is asked again in the transaction: a reload may have come in between."""
    attentive = _attentive(watched())
    if not attentive:
        return Recorded()
    with database.read() as db:
        found = _over(db, attentive, now)
    if not found:
        return Recorded()
    with database.write() as db:
        attentive = _attentive(watched())
        found = _over(db, attentive, now)
        ours = kept(db, {system for system, _ in found})
        recorded = Recorded()
        for (system, name), keys in found.items():
            if system in ours:
                recorded += _end(db, recorder(), attentive[system, name], keys, now)
        return recorded


def _attentive(watched: Mapping[WatchId, AnyWatch]) -> dict[WatchId, AnyWatch]:
    """Those that do not want all, or not always."""
    return {
        name: watch
        for name, watch in watched.items()
        if watch.description.attention.hours or watch.description.attention.ignored
    }


def _over(
    db: sa.Connection, attentive: Mapping[WatchId, AnyWatch], now: datetime
) -> dict[WatchId, list[str]]:
    """The keys of what fires and does not count, by watch."""
    found = defaultdict(list)
    for system, name, key, subject in watches.told(db):
        watch = attentive.get((system, name))
        if watch is None:
            continue
        attention = watch.description.attention
        if attention.ignores(subject) or attention.is_outside(key, now):
            found[system, name].append(key)
    return found


def _end(
    db: sa.Connection, recorder: Recorder, watch: AnyWatch, keys: Iterable[str], now: datetime
) -> Recorded:
    attention = watch.description.attention
    # Before the commit: an answer that is judged after it, as before it, was not judged by this.
    watch.memory.endings += 1
    judge = Judge(db, recorder, watch.system, watch.name, attention=attention)
    conditions = [
        one.condition(Verdict.GONE if attention.ignores(one.subject) else Verdict.OUTSIDE)
        for one in map(judge.known.__getitem__, keys)
    ]
    judge.take(conditions, Seen(now, None, NOTHING))
    written = recorder.record(db, watch.system, judge.judged().facts, now)
    return written + Teller(recorder).settle(db, now, written.turned)
