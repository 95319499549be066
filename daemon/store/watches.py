"""What is known of each watch: its state, its alerts, and when it was last seen.

Functions take a connection; they never begin nor commit.
"""

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from daemon.core.alerts.life import TOLD, Alert, Ruling
from daemon.core.durations import NOTHING
from daemon.core.event_types import kind_of
from daemon.core.model import AlertKind, Condition, Interval, Json, Rule, Severity, Unknown, Verdict
from daemon.core.timestamps import from_iso, iso
from daemon.core.watches.api import NO_PROBLEMS, Problems
from daemon.store.column_types import millis, moment
from daemon.store.dialects import insert_into
from daemon.store.prepared import Prepared
from daemon.store.schema import alerts, watches

_OF = (
    watches.c.system == sa.bindparam("of_system", type_=sa.Text),
    watches.c.name == sa.bindparam("of_name", type_=sa.Text),
)
_LOAD = Prepared(
    "SELECT state, observed_at, problems, told_problems, failure, failing_since, polled_at,"
    " EXISTS (SELECT 1 FROM alerts WHERE alerts.system = watches.system) AS may_have_alerts"
    " FROM watches WHERE system = :system AND name = :name",
    "system", "name",
)  # fmt: skip
_SAVE_OBSERVED = Prepared(
    "INSERT INTO watches (system, name, state, problems, told_problems, observed_at, polled_at)"
    " VALUES (:system, :name, :state, :problems, :told_problems, :now, :now)"
    " ON CONFLICT (system, name) DO UPDATE SET state = excluded.state, problems = excluded.problems,"
    " told_problems = excluded.told_problems, observed_at = excluded.observed_at,"
    " polled_at = excluded.polled_at, failure = NULL, failure_message = NULL, failing_since = NULL",
    "system", "name", "state", "problems", "told_problems", "now",
)  # fmt: skip
# Built once: that takes longer than to run it.
_TOLD = (
    sa.select(alerts.c.system, alerts.c.watch, alerts.c.key, alerts.c.subject)
    .where(alerts.c.phase.in_(TOLD))
    .order_by(alerts.c.system, alerts.c.watch, alerts.c.key)
)
_ALERTS = sa.select(alerts).where(
    alerts.c.system == sa.bindparam("of_system", type_=sa.Text),
    alerts.c.watch == sa.bindparam("of_watch", type_=sa.Text),
)


@dataclass(frozen=True)
class Stored:
    """One watch as the store has it."""

    state: str | None
    """`Watch.text` of it; None before the baseline."""
    observed_at: datetime | None = None
    """The last answer that was understood."""
    problems: Problems = NO_PROBLEMS
    """What was unreadable in it."""
    failure: str | None = None
    """How the last poll failed; None when it was answered."""
    failing_since: datetime | None = None
    polled_at: datetime | None = None
    may_have_alerts: bool = True
    """Whether any alert of the system is not plainly OK; where none is, none has to be loaded."""


NEW = Stored(None)


@dataclass(frozen=True)
class StoredAlert:
    """One alert as the store has it, with the condition as it was last seen."""

    alert: Alert
    key: str
    kind: AlertKind | None
    subject: str
    severity: Severity
    payload: Mapping[str, Json]

    def condition(self, verdict: Verdict) -> Condition:
        """Its condition under an answer that does not speak of it: UNKNOWN, or GONE."""
        rule = Rule(NOTHING, NOTHING, self.severity)
        return Condition(self.key, self.kind, self.subject, verdict, rule, self.payload)


def load(db: sa.Connection, system: str, name: str) -> Stored:
    """One watch; `NEW` when it was never polled."""
    found = _LOAD.all(db, system, name)
    if not found:
        return NEW
    row = found[0]
    is_clear = row.problems == "[]" and row.told_problems is None
    return Stored(
        row.state,
        moment(row.observed_at),
        NO_PROBLEMS if is_clear else Problems(tuple(json.loads(row.problems)), _told(row.told_problems)),
        row.failure,
        moment(row.failing_since),
        moment(row.polled_at),
        bool(row.may_have_alerts),
    )


def save_observed(
    db: sa.Connection,
    watch: tuple[str, str],
    state: str,
    *,
    now: datetime,
    problems: Problems,
) -> None:
    """Store an answer of a watch (system, name) that was understood; `state` is `Watch.text` of it."""
    found = _problems(problems)
    _SAVE_OBSERVED.run(db, *watch, state, found["problems"], found["told_problems"], millis(now))


def save_failed(
    db: sa.Connection,
    watch: tuple[str, str],
    unknown: Unknown,
    *,
    polled_at: datetime | None,
    since: datetime,
    problems: Problems,
) -> None:
    """Store that a poll of a watch (system, name) failed. The state stays as it was. `polled_at`: when the
    API was asked last; None: never."""
    system, name = watch
    _upsert(
        db,
        watches,
        {
            "system": system,
            "name": name,
            **_problems(problems),
            "polled_at": polled_at,
            "failure": unknown.failure.value,
            "failure_message": unknown.message,
            "failing_since": since,
        },
    )


def touch(db: sa.Connection, seen: Mapping[tuple[str, str], datetime]) -> None:
    """Store when watches were last seen unchanged: times by (system, name)."""
    if seen:
        at: sa.BindParameter[datetime] = sa.bindparam("at", type_=watches.c.observed_at.type)
        db.execute(
            sa.update(watches).where(*_OF).values(observed_at=at, polled_at=at),
            [{"of_system": of, "of_name": one, "at": when} for (of, one), when in seen.items()],
        )


def load_alerts(db: sa.Connection, system: str, watch: str) -> dict[str, StoredAlert]:
    """A watch's alerts that are not plainly OK, by condition key."""
    found = db.execute(_ALERTS, {"of_system": system, "of_watch": watch})
    return {row.key: _stored(row) for row in found}


def save_alerts(
    db: sa.Connection,
    system: str,
    watch: str,
    rulings: Iterable[Ruling],
    known: Iterable[str],
    steady: Container[str],
) -> None:
    """Store what an answer made of a watch's conditions; `known` are the keys that have a row, `steady`
    those whose members are the same as the time before."""
    rows = set(known)
    kept = [ruling for ruling in rulings if not ruling.alert.is_forgettable]
    ended = [
        ruling.condition.key
        for ruling in rulings
        if ruling.alert.is_forgettable and ruling.condition.key in rows
    ]
    for ruling in kept:
        row = _alert_row(system, watch, ruling.condition, ruling.alert)
        _upsert(db, alerts, {**row, "is_steady": ruling.condition.key in steady})
    if ended:
        db.execute(sa.delete(alerts).where(alerts.c.system == system, alerts.c.key.in_(ended)))


def told(db: sa.Connection) -> list[tuple[str, str, str, str]]:
    """The alerts that fire or recover: system, watch, key and subject of each."""
    return [(row.system, row.watch, row.key, row.subject) for row in db.execute(_TOLD)]


def alert_owners(db: sa.Connection) -> list[tuple[str, str]]:
    """The systems and watches that have alerts which are not plainly OK."""
    found = sa.select(alerts.c.system, alerts.c.watch).distinct().order_by(alerts.c.system, alerts.c.watch)
    return [(row.system, row.watch) for row in db.execute(found)]


def _upsert(db: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> None:
    db.execute(_upserting(table, tuple(values), dialect=db.dialect.name), values)


@cache
def _upserting(table: sa.Table, names: tuple[str, ...], *, dialect: str) -> sa.Executable:
    """Insert these columns of a table, or set them where the row is there."""
    keys = [column.name for column in table.primary_key]
    statement = insert_into(table, dialect).values({name: sa.bindparam(name) for name in names})
    changed = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def _problems(problems: Problems) -> dict[str, str | None]:
    told = {key: iso(at) for key, at in problems.told.items()}
    return {
        "problems": json.dumps(list(problems.lines)),
        "told_problems": json.dumps(told) if told else None,
    }


def _told(stored: str | None) -> dict[str, datetime]:
    found = {key: from_iso(at) for key, at in json.loads(stored or "{}").items()}
    return {key: at for key, at in found.items() if at is not None}


def _alert_row(system: str, watch: str, condition: Condition, alert: Alert) -> dict[str, Any]:
    return {
        "system": system,
        "key": condition.key,
        "watch": watch,
        "fires": condition.kind.fires if condition.kind else "",
        "resolves": condition.kind.resolves if condition.kind else "",
        "subject": condition.subject,
        "severity": condition.rule.severity,
        "payload": json.dumps(condition.payload, ensure_ascii=False, separators=(",", ":")),
        "phase": alert.phase,
        "held": alert.held,
        "is_blind": alert.is_blind,
        "last_known": alert.last_known,
        "changed_after": alert.changed.after if alert.changed else None,
        "changed_before": alert.changed.before if alert.changed else None,
        "started_at": alert.started_at,
        "incident": alert.incident,
    }


def _stored(row: sa.Row[Any]) -> StoredAlert:
    changed = Interval(row.changed_after, row.changed_before) if row.changed_before else None
    alert = Alert(row.phase, row.held, row.is_blind, row.last_known, changed, row.started_at, row.incident)
    kind = kind_of(row.fires, row.resolves) if row.fires else None
    return StoredAlert(alert, row.key, kind, row.subject, row.severity, json.loads(row.payload))
