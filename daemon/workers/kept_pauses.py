"""Pauses of systems, written where the next member finds them that polls one: a system that wants to be left
alone is left alone by all."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from daemon.core.durations import NOTHING
from daemon.core.model import Failure, Unknown
from daemon.store import happened, ownership
from daemon.store.ownership import Ownership, Pause
from daemon.workers.system_pauses import SLOWEST_RETRY, Kept, Pauses


def remember(db: sa.Connection, of: Ownership, pauses: Pauses, system: str, now: datetime) -> None:
    """Write down whether a system is left alone, where that has changed; in the transaction of whoever learnt
    of it. Where there can be no other member, nobody has to know."""
    news = None if of.is_sole else pauses.news(system)
    if news is not None:
        ownership.pause(db, system, None if news.kept is None else _pause(news.kept, now))
        happened.then(db, lambda: pauses.remembered(system, news))


def go_on(db: sa.Connection, pauses: Pauses, systems: Collection[str], now: datetime) -> None:
    """Leave these systems alone as the members did who had them before."""
    for system, pause in ownership.pauses(db, systems).items():
        pauses.go_on(system, _kept(pause, now))


def standing(db: sa.Connection, system: str, now: datetime) -> Unknown | None:
    """Why a system is left alone by the member that polls it, and for how long yet; None: it is not."""
    pause = ownership.pauses(db, (system,)).get(system)
    kept = None if pause is None else _kept(pause, now)
    if kept is None or kept.left <= NOTHING:
        return None
    return replace(kept.why, retry_after=min(kept.left, SLOWEST_RETRY), is_unsent=True)


def _pause(kept: Kept, now: datetime) -> Pause:
    why = kept.why
    said = {"failure": why.failure.value, "message": why.message, "code": why.code}
    return Pause(now + kept.left, {**said, "rejections": kept.rejections})


def _kept(pause: Pause, now: datetime) -> Kept:
    said = pause.why
    unknown = Unknown(Failure(said["failure"]), said["message"], said["code"])
    left: timedelta = max(pause.until - now, NOTHING)
    return Kept(left, unknown, int(said["rejections"]))
