"""A store in which much is watched: subjects as they stand, with their alerts and their history."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core.alerts.life import Phase
from daemon.core.history.buckets import HOUR, MINUTE, Bucket, start_of
from daemon.core.history.tally import Tally, lasting, plus, values
from daemon.core.model import Failure, Severity, Unknown
from daemon.core.watches import api
from daemon.core.watches.api import Problems
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.store import schema, subjects, uptime, watches
from daemon.store.column_types import millis
from daemon.store.database import Database
from daemon.web.dependencies import Scheduled
from tests.support.fakes import START
from tests.support.http_app import Setting

SECOND = timedelta(seconds=1)
NOW = START + 60 * SECOND
UP, DOWN, UNKNOWN = SubjectState.UP, SubjectState.DOWN, SubjectState.UNKNOWN
AN_HOUR_AGO = NOW - 3600 * SECOND


def sip(name: str, state: SubjectState = UP, **why: Any) -> Subject:
    """An account."""
    why = why or ({"registered": False} if state is DOWN else {})
    return Subject(f"sip/{name}", SubjectKind.SIP, state, why=why)


def queue(
    path: str,
    state: SubjectState = UP,
    name: str | None = None,
    metrics: Mapping[str, Any] | None = None,
    **more: Any,
) -> Subject:
    """A queue; `more` may have `why` and `details`."""
    return Subject(f"queue/{path}", SubjectKind.QUEUE, state, name, metrics=metrics, **more)


def the_api(state: SubjectState = UP, **why: Any) -> Subject:
    """The API."""
    return Subject(api.API_KEY, SubjectKind.API, state, why=why)


@dataclass
class Watched:
    """What is written into the store of a setting."""

    setting: Setting
    scheduled: dict[tuple[str, str], timedelta] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.setting.database

    def see(
        self, *seen: Subject, system: str = "main", since: datetime = AN_HOUR_AGO, at: datetime | None = None
    ) -> None:
        """Subjects as they stand since a time; `at`: when they were seen last, as their watch knows it."""
        with self.database.write() as db:
            for one in seen:
                watch = {"sip": "sip", "api": api.OWNER}.get(one.kind.value, one.subject)
                subjects.save(
                    db,
                    (system, watch),
                    [one],
                    since,
                    None if one.why.get("reason") == "never_seen" else since,
                )
                polled = "sip" if watch == api.OWNER else watch
                last = at or NOW - 5 * SECOND
                if one.state is not UNKNOWN or one.kind is SubjectKind.SIP:
                    watches.save_observed(db, (system, polled), "{}", now=last, problems=Problems())
                self.scheduled.setdefault((system, polled), 30 * SECOND)
        self._schedule()

    def fail(
        self,
        failure: Failure,
        message: str = "no answer within 20 s",
        system: str = "main",
        watch: str = "sip",
    ) -> None:
        """The last poll of a watch failed."""
        with self.database.write() as db:
            unknown = Unknown(failure, message)
            watches.save_failed(
                db, (system, watch), unknown, polled_at=NOW, since=AN_HOUR_AGO, problems=Problems()
            )
        self.scheduled.setdefault((system, watch), 30 * SECOND)
        self._schedule()

    def alert(
        self,
        subject: str,
        fires: str,
        phase: str = "firing",
        *,
        system: str = "main",
        severity: Severity = Severity.ERROR,
        started_at: datetime = AN_HOUR_AGO,
        is_blind: bool = False,
    ) -> None:
        """An alert, without an incident of its own."""
        row = {
            "system": system,
            "key": f"{subject}/{fires}",
            "watch": subject,
            "fires": fires,
            "resolves": "x",
            "subject": subject,
            "severity": severity,
            "payload": json.dumps({}),
            "phase": Phase(phase),
            "held": timedelta(0),
            "is_blind": is_blind,
            "started_at": started_at,
            "incident": f"inc_{subject}" if phase != "pending" else None,
        }
        with self.database.write() as db:
            db.execute(sa.insert(schema.alerts), row)

    def past(
        self,
        subject: str,
        pieces: Sequence[tuple[float, SubjectState, Mapping[str, Any]]],
        system: str = "main",
    ) -> None:
        """How a subject has fared until now: so many seconds of each state, with its values."""
        end, minutes = millis(NOW), dict[int, Tally]()
        at = end - round(sum(seconds for seconds, _, _ in pieces) * 1000)
        for seconds, state, metrics in pieces:
            until = at + round(seconds * 1000)
            while at < until:
                start = start_of(MINUTE, at)
                upto = min(until, start + MINUTE * 1000)
                if state is not UNKNOWN:
                    more = lasting(is_up=state is UP, milliseconds=upto - at, of=values(metrics))
                    minutes[start] = plus(minutes[start], more) if start in minutes else more
                at = upto
        self._write(subject, system, minutes)

    def _write(self, subject: str, system: str, minutes: Mapping[int, Tally]) -> None:
        with self.database.write() as db:
            number = subjects.number(db, system, subject)
            assert number is not None
            buckets: dict[Bucket, Tally] = {}
            for start, tally in minutes.items():
                for step in (MINUTE, HOUR, 86_400):
                    bucket = Bucket(step, start_of(step, start))
                    buckets[bucket] = plus(buckets[bucket], tally) if bucket in buckets else tally
            rows = uptime.read(db, buckets, [system])
            merged = {
                (system, bucket): {
                    **(rows[system, bucket].tallies() if (system, bucket) in rows else {}),
                    number: tally,
                }
                for bucket, tally in buckets.items()
            }
            uptime.write(db, merged, flush=1)

    def _schedule(self) -> None:
        self.setting.schedule = [Scheduled(*watch, every, NOW) for watch, every in self.scheduled.items()]
