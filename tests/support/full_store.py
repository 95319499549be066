"""A store in which much has happened, written in bulk: events, whom they were told and how,
incidents, commands, silences, and the history of what is watched.

It is what the daemon would have written, but for what nobody reads here; and it is made from nothing but its
size, so that two of one size are alike.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core.alerts.life import Phase
from daemon.core.commands.command import OnHoliday
from daemon.core.commands.command import Status as CommandStatus
from daemon.core.delivery.outcome import Outcome, Status
from daemon.core.durations import DAY, MINUTE, SECOND
from daemon.core.history.buckets import STEPS, start_of
from daemon.core.history.packing import pack
from daemon.core.history.tally import Sample, Tally
from daemon.core.model import Reason, Severity
from daemon.core.routing.ledger import Standing
from daemon.core.timestamps import iso
from daemon.store import schema
from daemon.store.column_types import millis
from daemon.store.database import Database
from daemon.store.uptime import moment

ENDPOINT = "crm"
OF_ALERTS = 10
"""Of so many events one is of an alert; two of these are an incident."""
PER_COMMAND = 20
PER_SILENCE = 5_000
DEAD, WAITING = 50, 50
"""Deliveries of the newest events that were given up, and that wait: however many there are in all."""
AT_ONCE = 20_000
HOURS = 24
UNSEEN = 1
"""The hour of each day in which nobody looked."""
MS_OF_AN_HOUR = 3_600_000
KINDS = ("sip.account.unregistered", "sip.account.registered")


@dataclass(frozen=True)
class Size:
    """How much."""

    events: int
    systems: Sequence[str]
    subjects: int
    """Of each system."""


def fill(database: Database, size: Size, now: datetime) -> None:
    """Everything but the history; the newest happened at `now`."""
    with database.write() as db:
        for table, rows in (
            (schema.events, _events(size, now)),
            (schema.deliveries, _deliveries(size, now)),
            (schema.attempts, _attempts(size, now)),
            (schema.incidents, _incidents(size, now)),
            (schema.ledger, _ledger(size, now)),
            (schema.decisions, _decisions(size, now)),
            (schema.transitions, _transitions(size, now)),
            (schema.commands, _commands(size, now)),
            (schema.silences, _silences(size, now)),
        ):
            _insert(db, table, rows)
        last = [
            {"system": one, "last": len(range(number, size.events, len(size.systems)))}
            for number, one in enumerate(size.systems)
        ]
        _insert(db, schema.sequences, last)


def history(database: Database, size: Size, now: datetime) -> None:
    """A day by minutes, a month by hours, a quarter by days. Every day each subject was down for an hour, and
    nobody looked for one; by day its values rise and fall."""
    for step, span in zip(STEPS, (DAY, 30 * DAY, 90 * DAY), strict=True):
        end = start_of(step, millis(now))
        starts = range(end - span // timedelta(milliseconds=1), end, step * 1000)
        packed = {
            hour: pack({number: _tally(number, step, hour) for number in range(1, size.subjects + 1)})
            for hour in range(HOURS)
        }
        rows = (
            {
                "step": step,
                "start": moment(start),
                "system": one,
                "flush": 0,
                "tallies": packed[start // MS_OF_AN_HOUR % HOURS],
            }
            for start in starts
            for one in size.systems
        )
        with database.write() as db:
            _insert(db, schema.history, rows)


def _tally(number: int, step: int, hour: int) -> Tally:
    length = step * 1000
    if step > MS_OF_AN_HOUR // 1000:
        return Tally(length * 22 // HOURS, length // HOURS, _samples(number, length * 23 // HOURS, 12))
    if hour == UNSEEN:
        return Tally()
    is_down = hour == (number * 5) % HOURS
    return Tally(0 if is_down else length, length if is_down else 0, _samples(number, length, hour))


def _samples(number: int, seen: int, hour: int) -> Mapping[int, Sample]:
    """Of one subject in three: the waiting callers, their longest wait, the agents."""
    if number % 3:
        return {}
    busy = max(0, 6 - abs(hour - 9)) * 100
    return {
        one: Sample(seen, seen * busy * factor, busy * factor // 2, busy * factor * 2)
        for one, factor in ((1, 1), (2, 20), (3, 1))
    }


def _insert(db: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    for part in _parts(rows):
        db.execute(sa.insert(table), part)


def _parts(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    part: list[Mapping[str, Any]] = []
    for one in rows:
        part.append(one)
        if len(part) == AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _at(size: Size, number: int, now: datetime) -> datetime:
    """When an event was: all of them are of the last month."""
    return now - (size.events - number) * (30 * DAY / size.events)


def _system(size: Size, number: int) -> str:
    return size.systems[number % len(size.systems)]


def _is_of_alert(number: int) -> bool:
    return number % OF_ALERTS in (0, 1)


def _incident(number: int) -> str:
    return f"inc_{number // OF_ALERTS:012}"


def _event_id(number: int) -> str:
    return f"evt_{number:012}"


def _subject(size: Size, number: int) -> str:
    if _is_of_alert(number):
        return f"sip/0770000000={number // OF_ALERTS % 10 + 1}"
    return f"sms/9725{number % 10_000:08}"


def _events(size: Size, now: datetime) -> Iterator[dict[str, Any]]:
    for number in range(size.events):
        at, kind, subject = _at(size, number, now), "sms.received", _subject(size, number)
        told: dict[str, Any] = {
            "sms": {
                "from": subject.partition("/")[2],
                "to": "0770000000",
                "text": f"{number} שלום, מתי אתם פתוחים היום? " + ("x" * 60),
                "received_at": iso(at),
                "server_date": "2026-01-01 12:00:00",
            }
        }
        if _is_of_alert(number):
            kind = KINDS[number % OF_ALERTS]
            told = {
                "account": {"user_name": subject.partition("/")[2], "registered": bool(number % OF_ALERTS)},
                "alert": {
                    "incident": _incident(number),
                    "status": "resolved" if number % OF_ALERTS else "firing",
                    "severity": "error",
                    "reason": "resolved" if number % OF_ALERTS else "first",
                    "started_at": iso(at),
                },
            }
        system, sequence = _system(size, number), number // len(size.systems) + 1
        data = {
            "id": _event_id(number), "system": system, "sequence": sequence, "subject": subject, **told
        }  # fmt: skip
        body = {"type": kind, "timestamp": iso(at), "data": data}
        yield {
            "number": number + 1,
            "id": _event_id(number),
            "system": system,
            "sequence": sequence,
            "type": kind,
            "subject": subject,
            "timestamp": at,
            "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        }


def _status(size: Size, number: int) -> Status:
    if number >= size.events - DEAD:
        return Status.DEAD
    return Status.PENDING if number >= size.events - DEAD - WAITING else Status.DELIVERED


def _deliveries(size: Size, now: datetime) -> Iterator[dict[str, Any]]:
    for number in range(size.events):
        at, status = _at(size, number, now), _status(size, number)
        is_open, tried = status is Status.PENDING, _tried(at, 204)
        yield {
            "id": number + 1,
            "event": number + 1,
            "endpoint": ENDPOINT,
            "lane": f"{_system(size, number)}/{_subject(size, number)}/{number}",
            "status": status,
            "created_at": at,
            "due_at": now + DAY if is_open else at,
            "attempts": 1,
            "ended_at": None if is_open else at + SECOND,
            "incident": _incident(number) if _is_of_alert(number) else None,
            "failures": 0 if status is Status.DELIVERED else 1,
            "error": None if status is Status.DELIVERED else "HTTP 500",
            **{
                f"first_{name}": value if status is Status.DELIVERED else None
                for name, value in tried.items()
            },
        }


def _attempts(size: Size, now: datetime) -> Iterator[dict[str, Any]]:
    """Those that failed; a first one that did not stands with its delivery."""
    for number in range(size.events):
        if _status(size, number) is not Status.DELIVERED:
            tried = _tried(_at(size, number, now), 500)
            yield {"delivery": number + 1, "number": 1, "outcome": Outcome.FAILED, **tried}


def _tried(at: datetime, http_status: int) -> dict[str, Any]:
    return {
        "started_at": at,
        "resolved": 100,
        "connected": 900,
        "secured": 900,
        "answered": 20_000,
        "total": 21_000,
        "http_status": http_status,
        "response_head": "",
        "address": "192.0.2.1",
    }


def _fired(size: Size) -> range:
    """The events that incidents began with."""
    return range(0, size.events, OF_ALERTS)


def _incidents(size: Size, now: datetime) -> Iterator[dict[str, Any]]:
    for number in _fired(size):
        at, subject = _at(size, number, now), _subject(size, number)
        yield {
            "id": _incident(number),
            "system": _system(size, number),
            "key": subject,
            "watch": "sip",
            "fires": KINDS[0],
            "resolves": KINDS[1],
            "subject": subject,
            "severity": Severity.ERROR,
            "payload": json.dumps({"account": {"user_name": subject, "registered": True}}),
            "started_at": at,
            "changed_after": at - MINUTE,
            "changed_before": at,
            "fired_at": at,
            "ended_at": at + MINUTE,
            "end": Reason.RESOLVED,
        }


def _ledger(size: Size, now: datetime) -> Iterator[dict[str, Any]]:
    for number in _fired(size):
        yield {
            "incident": _incident(number),
            "endpoint": ENDPOINT,
            "standing": Standing.RESOLVED,
            "told_at": _at(size, number, now),
            "event": _event_id(number + 1),
            "repeats": 0,
            "members": "[]",
            "held_by": None,
            "losses": 0,
            "is_over": True,
        }


def _decisions(size: Size, now: datetime) -> Iterator[dict[str, Any]]:
    for number in _fired(size):
        for offset, reason in ((0, Reason.FIRST), (1, Reason.RESOLVED)):
            yield {
                "incident": _incident(number),
                "endpoint": ENDPOINT,
                "at": _at(size, number + offset, now),
                "told": reason,
                "held_by": None,
                "event": _event_id(number + offset),
            }


def _transitions(size: Size, now: datetime) -> Iterator[dict[str, Any]]:
    for number in _fired(size):
        for offset, phase in ((0, Phase.FIRING), (1, Phase.OK)):
            yield {
                "system": _system(size, number),
                "key": _subject(size, number),
                "at": _at(size, number + offset, now),
                "phase": phase,
                "is_blind": False,
                "held": MINUTE,
            }


def _commands(size: Size, now: datetime) -> Iterator[dict[str, Any]]:
    for number in range(0, size.events, PER_COMMAND):
        at = _at(size, number, now)
        yield {
            "id": f"cmd_{number:012}",
            "system": _system(size, number),
            "type": "queue.pause",
            "params": json.dumps({"queue_path": "/5", "agent": "SIP-0770000000-2"}),
            "created_by": "token",
            "created_at": at,
            "not_before": at,
            "expires_at": at + DAY,
            "due_at": at,
            "on_holiday": OnHoliday.FAIL,
            "idempotency_key": str(number),
            "fingerprint": str(number),
            "units": 0.0,
            "status": CommandStatus.SUCCEEDED,
            "attempts": 1,
            "is_doubtful": False,
            "started_at": at,
            "ended_at": at + SECOND,
            "result": "{}",
        }


def _silences(size: Size, now: datetime) -> Iterator[dict[str, Any]]:
    for number in range(0, size.events, PER_SILENCE):
        at = _at(size, number, now)
        yield {
            "id": f"sil_{number:012}",
            "created_at": at,
            "starts_at": at,
            "ends_at": at + MINUTE,
            "type": "*",
            "system": "*",
            "subject": _subject(size, 0),
            "author": "token",
            "comment": "a new phone",
        }
