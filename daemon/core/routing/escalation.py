"""Escalations: who is told of an alert that nobody has acknowledged, and when. Pure.

    told           somebody was to be told of the incident: from then on it counts
    after          nobody has acknowledged it for so long: the step is taken
    a step taken   its endpoints are told as others are, by the ledger; so they hear the end as well

It counts from when it was recorded that somebody is told, not from when that arrived: who cannot be reached
has not acknowledged, and must not hold it up. Where nobody was to be told at all, it counts from when it
fired. What is held back from everybody (silenced, inhibited, in a quiet window) was told to nobody, so
nothing counts yet; and while an alert is silenced, inhibited or not seen, the time stands still. A step that
breaks through asks for none of that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.core.alerts.acknowledgement import Acknowledgement, about
from daemon.core.alerts.incidents import Incident
from daemon.core.alerts.life import Phase
from daemon.core.event_types import matches
from daemon.core.model import Fact, Json
from daemon.core.own_events import ESCALATED
from daemon.core.routing.silences import Silence, silencing
from daemon.core.watches import api


@dataclass(frozen=True)
class Step:
    """One row of an escalation."""

    escalation: str
    number: int
    """From 1, in the order of the rows."""
    after: timedelta
    """Since it was told; not since the step before."""
    to: tuple[str, ...]
    """Endpoints, or tables of mailboxes, by name."""
    break_through: bool = False
    """Also what is silenced or inhibited, and also to who is in a quiet window."""

    @property
    def id(self) -> tuple[str, int]:
        """What it is called among those of all escalations."""
        return self.escalation, self.number

    def names(self, endpoint: str) -> bool:
        """Whether it is to this endpoint."""
        return endpoint in self.to or endpoint.partition("/")[0] in self.to


@dataclass(frozen=True)
class Escalation:
    """The steps that follow, one after the other, while nobody acknowledges."""

    name: str
    events: tuple[str, ...]
    """Globs on the type that fires."""
    steps: tuple[Step, ...]

    def covers(self, incident: Incident) -> bool:
        """Whether it is for this incident."""
        return matches(self.events, incident.kind.fires)


@dataclass(frozen=True)
class Taken:
    """A step that was taken."""

    incident: str
    name: str
    step: int
    at: datetime
    endpoints: tuple[str, ...]
    break_through: bool
    event: str
    """The id of the event that told the others."""


@dataclass(frozen=True)
class Reach:
    """What escalations make of one endpoint and one incident."""

    events: tuple[str, ...] = ()
    """Globs of the alerts that may be escalated to it."""
    by: Taken | None = None
    """The last step that was taken to it."""
    breaks_through: bool = False

    def waits(self, type_: str) -> bool:
        """Whether an alert of this type may be escalated to it yet."""
        return self.by is None and matches(self.events, type_)

    def covers(self, type_: str) -> bool:
        """Whether it may be told of alerts of this type by escalation."""
        return matches(self.events, type_)


NOT_REACHED = Reach()


def reach(endpoint: str, escalations: Iterable[Escalation], taken: Iterable[Taken]) -> Reach:
    """What escalations make of an endpoint; `taken`: the steps of one incident, oldest first."""
    events = [glob for one in escalations for glob in one.events if _names(one, endpoint)]
    to_it = [one for one in taken if endpoint in one.endpoints]
    return Reach(
        tuple(dict.fromkeys(events)),
        to_it[-1] if to_it else None,
        any(one.break_through for one in to_it),
    )


def _names(escalation: Escalation, endpoint: str) -> bool:
    return any(step.names(endpoint) for step in escalation.steps)


def since(
    incident: Incident, step: Step, last: Acknowledgement | None, *, is_for_anybody: bool
) -> datetime | None:
    """From when the time of a step counts; None: it does not count yet.

    `last`: the last acknowledgement, which is over: from then on nobody has it. `is_for_anybody`: whether
    some endpoint asks for such alerts by itself.
    """
    told = incident.told_at
    if told is None:
        told = incident.fired_at if step.break_through or not is_for_anybody else None
    return max(told, last.until) if told is not None and last is not None and last.until else told


def due(
    incident: Incident, step: Step, last: Acknowledgement | None, *, is_for_anybody: bool
) -> datetime | None:
    """When a step is taken if nobody acknowledges; None: that cannot be said yet."""
    begun = since(incident, step, last, is_for_anybody=is_for_anybody)
    return None if begun is None else begun + step.after


def is_paused(
    incident: Incident, phases: Mapping[str, Phase], silences: Iterable[Silence], now: datetime
) -> bool:
    """Whether the time of steps that break nothing through stands still; `phases` are the system's."""
    is_inhibited = incident.watch != api.OWNER and api.inhibits(phases, incident.watch)
    return incident.is_blind or is_inhibited or silencing(silences, incident, now) is not None


def open_steps(incident: Incident, escalations: Iterable[Escalation], taken: Sequence[Taken]) -> list[Step]:
    """The steps that are left to take, by their time."""
    done = {(one.name, one.step) for one in taken}
    steps = (step for one in escalations if one.covers(incident) for step in one.steps)
    return sorted((step for step in steps if step.id not in done), key=lambda one: (one.after, one.id))


@dataclass(frozen=True)
class Coming:
    """One step of the escalation of an incident."""

    name: str
    step: int
    to: tuple[str, ...]
    taken_at: datetime | None
    """None: it was not taken."""
    due_at: datetime | None
    """When it is taken, if nobody acknowledges by then; None: it is taken, or that cannot be said now."""


@dataclass(frozen=True)
class InHand:
    """Who has an incident, and what becomes of it where nobody has."""

    now: Acknowledgement | None
    """None: nobody has it now."""
    all: tuple[Acknowledgement, ...]
    """Oldest first."""
    steps: tuple[Coming, ...]
    """Those that were taken, then those to come."""


def fact(incident: Incident, step: Step, endpoints: Sequence[str]) -> Fact:
    """That a step is taken, as an event tells it to the others."""
    said: dict[str, Json] = {
        "name": step.escalation,
        "step": step.number,
        "to": list(endpoints),
        "after_seconds": step.after.total_seconds(),
    }
    return about(ESCALATED, incident, {"escalation": said})
