"""Signs of life for a dead man's switch: whoever misses them knows what the daemon cannot tell any more."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime

import sqlalchemy as sa
import structlog

from daemon.core.model import Json
from daemon.core.timestamps import iso
from daemon.store import views

log = structlog.get_logger()

Post = Callable[[bytes], str | None]
"""Sends a body; returns why it did not arrive, without the address."""


class Heartbeat:
    """Sends signs, and says in the log when they begin or cease to arrive."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._error: str | None = None

    def beat(self, sign: Json) -> bool:
        """Send one. Returns whether it arrived."""
        error = self._post(json.dumps(sign, ensure_ascii=False).encode())
        if error and not self._error:
            log.warning("heartbeat.failed", error=error)
        if self._error and not error:
            log.info("heartbeat.recovered")
        self._error = error
        return error is None


def sign(
    db: sa.Connection,
    version: str,
    started_at: datetime,
    last_seen: Mapping[tuple[str, str], datetime | None],
    now: datetime,
) -> dict[str, Json]:
    """What a sign says: how long ago each watch was last observed, and what waits to be told.

    `last_seen`: every watch that is configured, and when it was seen since the store was last told.
    """
    stored = {(one.system, one.name): one for one in views.watches(db)}
    backlog = views.backlog(db)
    oldest = min((one.oldest_open_at for one in backlog if one.oldest_open_at), default=None)
    watches: list[Json] = []
    for (system, watch), seen_at in last_seen.items():
        view = stored.get((system, watch))
        at = seen_at or (view.observed_at if view else None)
        failure = view.failure if view else None
        watches.append({"system": system, "watch": watch, "age_seconds": _age(at, now), "failure": failure})
    return {
        "version": version,
        "now": iso(now),
        "uptime_seconds": _age(started_at, now),
        "watches": watches,
        "deliveries": {"open": sum(one.open for one in backlog), "oldest_age_seconds": _age(oldest, now)},
    }


def _age(moment: datetime | None, now: datetime) -> int | None:
    return round((now - moment).total_seconds()) if moment else None
