"""The list of who is to be called back: whom a caller puts there, and how one gets off it."""

from dataclasses import replace

import structlog

from daemon.core import missed
from daemon.core.missed import Callback, Done, Source
from daemon.core.model import Fact
from daemon.core.watches.outcomes import Outcome
from daemon.pipeline import calls
from daemon.pipeline.calls import Scene
from daemon.store import missed as store
from daemon.store.missed import Call

log = structlog.get_logger()


def follows(scene: Scene, call: Call, fact: Fact) -> list[Fact]:
    """Whom a caller puts on the list, or crosses off."""
    if not call.key:
        return []
    if call.outcome is Outcome.ANSWERED:
        waiting = store.open_of(scene.db, scene.system, (call.key,))
        return [
            done
            for one in waiting
            if one.last_at <= call.left_at
            for done in closed(scene, one, Done.ANSWERED)
        ]
    if call.outcome is not Outcome.ABANDONED or call.left_at <= missed.expired_before(scene.now):
        return []
    if store.was_answered_since(scene.db, scene.system, call.key, call.left_at):
        return []
    path, name = calls.said(fact, "queue", "path"), calls.said(fact, "queue", "name")
    return listed(
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


def listed(scene: Scene, one: Callback) -> list[Fact]:
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


def closed(scene: Scene, one: Callback, how: Done, by: str | None = None) -> list[Fact]:
    """Cross somebody off; nothing, where he was already."""
    over = replace(one, closed_at=scene.now, done=how, closed_by=by)
    return [missed.done(over)] if store.close(scene.db, over, is_told=True) else []
