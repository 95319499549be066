"""Acknowledgements: somebody says that an incident is in hand. Pure.

It lasts until the incident is over, or for as long as was said. While it does, nobody is reminded of the
incident and nothing of it escalates; whoever was told that it fires is told, once, who has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.core import durations
from daemon.core.alerts.incidents import Incident
from daemon.core.durations import LONGEST, MINUTE
from daemon.core.model import Fact, Json
from daemon.core.own_events import ACKNOWLEDGED
from daemon.core.refusals import Refused, Why
from daemon.core.timestamps import iso, iso_or_none

SAME = MINUTE
"""Ours: two acknowledgements by one person that differ by no more than this in their end are the same, sent
twice."""


@dataclass(frozen=True)
class Acknowledgement:
    """That somebody has an incident."""

    incident: str
    by: str
    """Who, for people."""
    note: str
    """"": none."""
    at: datetime
    until: datetime | None
    """None: until it is over."""
    is_until_given: bool
    """Whether `until` was written as a date or an hour; else it follows from a length of time."""
    event: str = ""
    """The id of the event that tells it."""
    number: int = 0
    """In the order in which they were given; 0: it is not stored."""

    def lasts(self, now: datetime) -> bool:
        """Whether it counts yet, as far as its own end goes."""
        return self.until is None or now < self.until


@dataclass(frozen=True)
class Wish:
    """An acknowledgement as it is asked for; at most one of `lasts` and `until`."""

    by: str
    note: str = ""
    lasts: timedelta | None = None
    until: datetime | None = None
    takes_over: bool = False
    """Also from somebody else who has it."""
    is_first: bool = False
    """Only where nobody has it, not even the same person: what a link of a mail may do."""


def granted(
    wish: Wish, incident: Incident, known: Acknowledgement | None, now: datetime
) -> Acknowledgement | None:
    """What becomes of a wish; None: `known`, which stands, says the same.

    `known`: the last one of the incident. Raises `Refused` where it is over, where somebody else has it, or
    for a time that cannot be.
    """
    if not incident.is_firing:
        raise Refused(
            Why.CONFLICT, f"the incident {incident.id!r} is over, so there is nothing to acknowledge"
        )
    if wish.lasts is not None and wish.until is not None:
        raise Refused(Why.WRONG, "give one of `for` and `until`", "for", "until")
    until = now + wish.lasts if wish.lasts is not None else wish.until
    _check_end(until, now, "for" if wish.lasts is not None else "until")
    if known is not None and known.lasts(now):
        if wish.by == known.by and wish.note in (known.note, "") and _is_same(until, known.until):
            return None
        if wish.is_first or (wish.by != known.by and not wish.takes_over):
            way_out = "" if wish.is_first else "; `take_over` takes it over"
            raise Refused(Why.CONFLICT, f"{known.by} has it already, since {iso(known.at)}{way_out}")
    return Acknowledgement(incident.id, wish.by, wish.note, now, until, wish.lasts is None)


def _check_end(until: datetime | None, now: datetime, field: str) -> None:
    if until is None:
        return
    if until <= now:
        raise Refused(Why.WRONG, "it would be over before it begins", field)
    if until - now > LONGEST:
        raise Refused(Why.WRONG, f"it would last more than {durations.show(LONGEST)}", field)


def _is_same(one: datetime | None, other: datetime | None) -> bool:
    return one == other if one is None or other is None else abs(one - other) <= SAME


def fact(incident: Incident, acknowledgement: Acknowledgement) -> Fact:
    """Who has it, as an event tells it."""
    said: dict[str, Json] = {
        "by": acknowledgement.by,
        "note": acknowledgement.note or None,
        "until": iso_or_none(acknowledgement.until),
    }
    return about(ACKNOWLEDGED, incident, said)


def about(type_: str, incident: Incident, said: Mapping[str, Json]) -> Fact:
    """A fact about an incident that goes on: with all that its own events say, but for why it is told."""
    alert: dict[str, Json] = {
        "incident": incident.id,
        "type": incident.kind.fires,
        "status": "firing",
        "severity": incident.severity.value,
        "started_at": iso(incident.started_at),
    }
    return Fact(type_, incident.subject, {**incident.payload, "alert": alert, **said}, incident.id)
