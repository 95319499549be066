"""Feeds: named cursors over what happens, for programs that come for it themselves. Pure.

A feed says which events it is for, as an endpoint does, and remembers the last that was taken. It holds
nothing back from being forgotten: one that is read too late is told between which numbers something is gone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from daemon.core.model import Event, Json
from daemon.core.routing.filters import Filter, Operator, passes
from daemon.core.routing.plan import DIRECTED, Interest

MOST = 100
"""Ours: with each event that is written somebody may have to ask all of them whether they want it."""


@dataclass(frozen=True)
class Wanted:
    """Which events a feed is for."""

    events: tuple[str, ...] = ("*",)
    """Globs on the type; a bare `*` does not ask for those that are off by default."""
    systems: tuple[str, ...] | None = None
    """None: all."""
    filters: tuple[Filter, ...] = ()

    @cached_property
    def interest(self) -> Interest:
        """The same, as of an endpoint without a name."""
        return Interest("", self.events, self.systems)

    def takes(self, event: Event) -> bool:
        """Whether an event is for it; what is written for one endpoint alone is for no feed."""
        if event.type in DIRECTED or not self.interest.covers(event.system, event.type):
            return False
        return not self.filters or passes(_data(event), self.filters)


@dataclass(frozen=True)
class Gap:
    """Events that were forgotten before they were read: after the one number, up to the other."""

    after: int
    up_to: int

    @property
    def most(self) -> int:
        """How many they are at most, of all types and systems."""
        return self.up_to - self.after


def gap(position: int, forgotten_up_to: int) -> Gap | None:
    """What a feed at this position has missed; None: nothing. `forgotten_up_to`: the highest number of an
    event that was deleted."""
    return Gap(position, forgotten_up_to) if forgotten_up_to > position else None


def next_position(last: int, forgotten_up_to: int, *, has_more: bool) -> int:
    """How far a page goes: to the last event that was looked at; and where that was the newest there is, past
    what was forgotten behind it, or the gap would be told for ever."""
    return last if has_more else max(last, forgotten_up_to)


def to_json(wanted: Wanted) -> dict[str, Any]:
    """As the store keeps it."""
    return {
        "events": list(wanted.events),
        "systems": None if wanted.systems is None else list(wanted.systems),
        "filters": [[one.field, one.operator.value, list(one.values)] for one in wanted.filters],
    }


def from_json(kept: Mapping[str, Any]) -> Wanted:
    """The same, read."""
    systems = kept["systems"]
    return Wanted(
        tuple(kept["events"]),
        None if systems is None else tuple(systems),
        tuple(Filter(field, Operator(how), tuple(values)) for field, how, values in kept["filters"]),
    )


def _data(event: Event) -> Mapping[str, Json]:
    data: Mapping[str, Json] = json.loads(event.body)["data"]
    return data
