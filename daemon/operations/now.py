"""What is there right now: one document, for HTTP, the page and the command line. Nobody is asked anything.

It reads what is watched, never what has happened, but for the last SMS; and of ten thousand systems only so
many as are to be shown, with sums over all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import sqlalchemy as sa

from daemon.core.alerts.life import Phase
from daemon.core.model import Event
from daemon.core.refusals import Refused, Why
from daemon.core.timestamps import iso, iso_or_none
from daemon.core.watches import sip, sms
from daemon.core.watches.subjects import SubjectKind, SubjectState
from daemon.schemas import now as documents
from daemon.schemas.now import About, Between, Newest, Now, NowMessage, NowSums, NowSystem
from daemon.schemas.status import (
    Configured,
    Running,
    StoreStatus,
    WatchId,
    left_alone,
    with_last_seen,
)
from daemon.schemas.subjects import Looked, known_for, subjects_of
from daemon.store import campaigns, latest, subjects, views
from daemon.store.column_types import EPOCH, MILLISECOND, millis
from daemon.store.views import AlertView

AT_ONCE, MOST = 100, 1000
"""Systems of one answer: by default, and at most."""
LOOKED_AT = 1000
"""SMS that are looked at, the newest of all systems, for the last of each."""
UNWELL = "unwell"
OFF = (Phase.PENDING.value, Phase.FIRING.value)


@dataclass(frozen=True)
class Asked:
    """What of it is wanted."""

    system: str | None = None
    """None: all, in the order of the configuration."""
    after: str | None = None
    """Only those behind this one."""
    limit: int = AT_ONCE
    only: str | None = None
    """`UNWELL`: only systems in which something is not up, or has an alert, or was not seen of late."""


EVERYTHING = Asked()


def now(
    db: sa.Connection, configured: Configured, running: Running, at: datetime, asked: Asked = EVERYTHING
) -> Now:
    """How everything stands at a time. Raises `Refused` for a system that is not watched."""
    names = list(dict.fromkeys(system for system, _ in configured.watches))
    for name in (asked.system, asked.after):
        if name is not None and name not in names:
            raise Refused(Why.MISSING, f"nothing is watched of a system {name!r}")
    found = subjects.not_up(db)
    late = _late(db, configured, running, at)
    unwell = {one.system for one in found} | {system for system, _ in late} | views.with_alerts(db)
    wanted = names[names.index(asked.after) + 1 :] if asked.after is not None else names
    wanted = [
        one
        for one in wanted
        if (asked.system is None or one == asked.system) and (asked.only is None or one in unwell)
    ]
    shown = wanted[: asked.limit]
    watched = configured.watches
    phones = [
        one for one in found if one.kind == SubjectKind.SIP.value and (one.system, one.watch) in watched
    ]

    def many(state: SubjectState) -> int:
        return sum(
            one.many for one in phones if one.state == state.value and (one.system, one.watch) not in late
        )

    return Now(
        now=iso(at),
        process=running.process,
        store=StoreStatus.of(running.failing),
        only=asked.only,
        sums=NowSums(
            systems=len(names),
            unwell=sum(one in unwell for one in names),
            phones_off=many(SubjectState.DOWN),
            phones_unknown=many(SubjectState.UNKNOWN),
        ),
        systems=_systems(db, shown, configured, running, at),
        next=shown[-1] if len(wanted) > len(shown) else None,
    )


def _late(db: sa.Connection, configured: Configured, running: Running, at: datetime) -> set[WatchId]:
    """The watches that were not seen of late, of all systems; in plain pairs and numbers, for there may be
    30,000, of which the store has seen nearly all."""
    # By identity: a timedelta works out its hash anew each time, and few of them are others.
    intervals = {id(every): every for every in configured.watches.values()}
    oldest = {which: (at - known_for(every) - EPOCH) / MILLISECOND for which, every in intervals.items()}
    newest = ceil(max(oldest.values(), default=0))
    watches = configured.watches
    unseen = {*watches}
    unseen.difference_update(views.seen_since(db, newest))
    looks = views.seen_before(db, newest) if unseen else {}

    def is_late(watch: WatchId, every: timedelta) -> bool:
        told = running.last_seen.get(watch)
        last = max(looks.get(watch, -1), -1 if told is None else millis(told))
        return last < oldest[id(every)]

    return {watch for watch in unseen if is_late(watch, watches[watch])}


def _systems(
    db: sa.Connection, names: Sequence[str], configured: Configured, running: Running, at: datetime
) -> list[NowSystem]:
    chosen = set(names)
    watches = {watch: every for watch, every in configured.watches.items() if watch[0] in chosen}
    last_seen = {watch: when for watch, when in running.last_seen.items() if watch[0] in chosen}
    seen = with_last_seen(views.watches(db, names), last_seen)
    alerts = views.alerts(db, names)
    paused = left_alone(views.shared(db).pollers, running, at)
    found = subjects_of(subjects.views_of(db, names), alerts, Looked(seen, watches, paused, at))
    messages = _messages(db, names, at)
    followed = campaigns.running(db, names)
    changed = _changed(alerts)
    of_system: dict[str, list[str]] = {name: [] for name in names}
    for system, watch in watches:
        of_system[system].append(watch)
    return [
        documents.system_of(
            name,
            found.get(name, []),
            About(
                now=at,
                paused_until=paused.get(name),
                watched=of_system[name],
                seen_at={
                    watch: seen[name, watch].observed_at for watch in of_system[name] if (name, watch) in seen
                },
                changed=changed.get(name, {}),
                newest=messages[name],
                campaigns=followed.get(name, ()),
            ),
        )
        for name in names
    ]


def _changed(alerts: Sequence[AlertView]) -> Mapping[str, Mapping[str, Between]]:
    """When phones were seen to go, by system and subject."""
    found: dict[str, dict[str, Between]] = {}
    for one in alerts:
        if one.type == sip.KIND.fires and one.phase in OFF and one.changed:
            between = (iso_or_none(one.changed.after), iso(one.changed.before))
            found.setdefault(one.system, {})[one.subject] = between
    return found


def _messages(db: sa.Connection, names: Sequence[str], at: datetime) -> Mapping[str, Newest]:
    newest, looked_back_to = latest.newest_of_each(db, sms.RECEIVED, set(names), LOOKED_AT)
    return {
        name: Newest(_message(newest[name], at), None) if name in newest else Newest(None, looked_back_to)
        for name in names
    }


def _message(event: Event, at: datetime) -> NowMessage:
    found = json.loads(event.body)["data"].get("sms")
    said = found if isinstance(found, dict) else {}
    received_at = said.get("received_at")
    return NowMessage(
        event=event.id,
        sender=str(said.get("from") or event.subject.partition("/")[2]),
        recipient=str(said.get("to") or ""),
        received_at=received_at if isinstance(received_at, str) else None,
        seen_at=iso(event.timestamp),
        age_seconds=documents.age(event.timestamp, at) or 0,
    )
