"""What really happened in a life, what was written of it, and what arrived: all that an oracle goes by."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Span = tuple[float, float]


@dataclass(frozen=True)
class Written:
    """An event, as the store has it."""

    at: float
    """When it was there first: seconds from the beginning, whatever a clock says."""
    id: str
    system: str
    sequence: int
    body: bytes

    @cached_property
    def told(self) -> dict[str, Any]:
        """Its body, parsed."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def type(self) -> str:
        return str(self.told["type"])

    @property
    def alert(self) -> Mapping[str, Any] | None:
        """None: it is a fact."""
        found: Mapping[str, Any] | None = self.told["data"].get("alert")
        return found


@dataclass(frozen=True)
class Arrived:
    """One attempt at an endpoint."""

    at: float
    endpoint: str
    event: str
    body: bytes
    is_accepted: bool


@dataclass(frozen=True)
class Record:
    """One life."""

    sent: Sequence[str] = ()
    """The texts of the SMS that came, each as often as it came."""
    drops: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    """When each phone was off; at the end none is."""
    outages: Sequence[Span] = ()
    """When the API did not answer."""
    refusals: Sequence[Span] = ()
    """When crm took nothing."""
    turned_down: Sequence[Span] = ()
    """When it said of whatever came that it will never take that: which is the end of a fact."""
    kills: int = 0
    unsettled: Sequence[float] = ()
    """When the process was killed, or the clock was set."""
    written: Sequence[Written] = ()
    arrived: Sequence[Arrived] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    """What is open at the end, hours after all came right."""

    @cached_property
    def events(self) -> Mapping[str, Written]:
        """What was written, by id."""
        return {one.id: one for one in self.written}

    def accepted(self, endpoint: str) -> list[Written]:
        """What an endpoint took, each when it took it first, in that order."""
        ids = dict.fromkeys(one.event for one in self.arrived if one.endpoint == endpoint and one.is_accepted)
        return [self.events[one] for one in ids if one in self.events]
