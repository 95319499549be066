"""An incident: one time that an alert fired, from its first event to its last. Pure.

The machine (`life.py`) says when it begins and ends. Whom it is told is the matter of `routing/ledger.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from daemon.core.alerts.life import Phase, Ruling
from daemon.core.model import AlertKind, Fact, Interval, Json, Reason, Severity
from daemon.core.timestamps import iso, iso_or_none

OUTSIDE_HOURS = "outside_hours"
"""The hours in which it counts are over; goes out as `alert.cause`."""


@dataclass(frozen=True)
class Incident:
    """What is true of one incident, whatever anybody was told."""

    id: str
    system: str
    key: str
    """The condition's, within its system."""
    watch: str
    """What observes it, or `api`."""
    kind: AlertKind
    subject: str
    severity: Severity
    payload: Mapping[str, Json]
    """The condition as it was last seen."""
    started_at: datetime
    """The first bad observation."""
    changed: Interval
    """When the condition last changed."""
    fired_at: datetime
    ended_at: datetime | None = None
    end: Reason | None = None
    """RESOLVED or REMOVED, once it has ended."""
    phase: Phase = Phase.FIRING
    is_blind: bool = False
    """The last answer said nothing of it."""
    is_steady: bool = True
    """Its payload is what it was at the observation before."""
    cause: str | None = None
    """Why it ended, where nobody has seen that it is well again: `OUTSIDE_HOURS`."""
    told_at: datetime | None = None
    """When it was first recorded that somebody who asks for such alerts is told that it fires, moved on by
    the time for which nothing counted; None: not yet."""
    paused_at: datetime | None = None
    """Since when nothing counts towards its escalation; None: it does."""

    @property
    def is_firing(self) -> bool:
        return self.ended_at is None

    @property
    def type(self) -> str:
        """The event type that tells how it stands."""
        return self.kind.fires if self.is_firing else self.kind.resolves

    @property
    def members(self) -> tuple[str, ...]:
        """Whom an incident that tells of many lists; () for an incident of one thing."""
        return members(self.kind, self.payload)


def members(kind: AlertKind | None, payload: Mapping[str, Json]) -> tuple[str, ...]:
    """Whom the payload of an alert of this kind lists; () where it is of one thing."""
    if kind is None or kind.stands_in is None or not kind.stands_in.members:
        return ()
    found: Json = payload
    for name in kind.stands_in.members:
        found = found.get(name) if isinstance(found, Mapping) else None
    return tuple(str(name) for name in found) if isinstance(found, list | tuple) else ()


def opened(system: str, watch: str, ruling: Ruling, now: datetime) -> Incident:
    """The incident that begins with a ruling that fired. Raises ValueError for one that did not."""
    condition, alert = ruling.condition, ruling.alert
    if condition.kind is None or alert.incident is None:
        raise ValueError(f"{condition.key} cannot be an incident")
    return Incident(
        alert.incident,
        system,
        condition.key,
        watch,
        condition.kind,
        condition.subject,
        condition.rule.severity,
        condition.payload,
        alert.started_at or now,
        alert.changed or Interval(None, now),
        now,
    )


def ended(
    incident: Incident,
    payload: Mapping[str, Json],
    changed: Interval | None,
    now: datetime,
    end: Reason,
    cause: str | None = None,
) -> Incident:
    """The same incident, over."""
    return replace(
        incident,
        payload=payload,
        changed=changed or incident.changed,
        ended_at=now,
        end=end,
        phase=Phase.OK,
        cause=cause,
    )


def fact(incident: Incident, reason: Reason, more: Mapping[str, Json] | None = None) -> Fact:
    """How an incident stands, as an event tells it; `more` joins `data.alert`."""
    alert: dict[str, Json] = {
        "incident": incident.id,
        "status": "firing" if incident.is_firing else "resolved",
        "severity": incident.severity.value,
        "reason": reason.value,
        "started_at": iso(incident.started_at),
        **({"ended_at": iso(incident.ended_at)} if incident.ended_at else {}),
        # Told late it has another reason; but nobody has seen that it is well again.
        **({"end": Reason.REMOVED.value} if incident.end is Reason.REMOVED is not reason else {}),
        **({"cause": incident.cause} if incident.cause else {}),
        "changed_between": _interval(incident.changed),
        **(more or {}),
    }
    return Fact(incident.type, incident.subject, {**incident.payload, "alert": alert}, incident.id)


def _interval(changed: Interval) -> Json:
    return [iso_or_none(changed.after), iso(changed.before)]
