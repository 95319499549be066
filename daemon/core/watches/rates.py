"""How much a counter grew within an hour, of the time in which it was seen. Pure.

Twelve slots of five minutes, the newest first: how much of each was observed, and by how much the counter
grew meanwhile. Time passes whether it was seen or not, so that what lies an hour back is forgotten; but what
a counter grew by while nobody looked is no rate, and is not counted.

A counter that falls was reset. What it had counted in that interval is not known, so the interval counts as
unseen; where it is as high as before the next moment, the fall was a wrong reading and nothing happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple

from daemon.core.durations import HOUR, MINUTE, NOTHING

SLOTS = 12
SLOT = HOUR / SLOTS
ENOUGH = 30 * MINUTE
"""Ours. Of the last hour this much has to be seen before the rest is taken to be like it."""
A_MOMENT = 2 * MINUTE
"""Ours. For so long a counter that is back where it was before it fell had been read wrongly."""
MILLISECOND = timedelta(milliseconds=1)


class Slot(NamedTuple):
    """Five minutes, or what has passed of them."""

    observed: timedelta = NOTHING
    grown: int = 0


@dataclass(frozen=True)
class Rate:
    """A counter, and its last hour."""

    counter: int | None = None
    """As last read; None: unreadable, or never."""
    slots: tuple[Slot, ...] = ()
    filled: timedelta = NOTHING
    """How much of the newest slot has passed."""
    fell_from: int | None = None
    """What it was before it fell, while that may have been a wrong reading."""
    fell_for: timedelta = NOTHING

    @property
    def observed(self) -> timedelta:
        """How much of the last hour was seen."""
        return sum((one.observed for one in self.slots), NOTHING)

    @property
    def at_least(self) -> int:
        """By how much it surely grew in the last hour."""
        return sum(one.grown for one in self.slots)

    @property
    def per_hour(self) -> float | None:
        """By how much it grows in an hour; None where too little was seen to say so."""
        if self.observed < ENOUGH:
            return None
        return round(self.at_least * (HOUR / self.observed), 2)

    @property
    def is_whole(self) -> bool:
        """Whether the last hour was seen, but for as much as a slot."""
        passed = self.filled + SLOT * (SLOTS - 1)
        return len(self.slots) == SLOTS and passed - self.observed <= SLOT

    @property
    def is_steady(self) -> bool:
        """Whether time alone would change nothing: in an hour that was seen nothing grew, or nothing ever."""
        if self.at_least:
            return False
        return self.observed >= HOUR - SLOT or (self.counter is None and not self.observed)


def observe(rate: Rate, value: int | None, *, passed: timedelta, observed: timedelta) -> Rate:
    """The rate after one more reading (None: unreadable), `passed` after the one before, of which `observed`
    was seen."""
    aged = _aged(rate, passed)
    if value is None or rate.counter is None or observed <= NOTHING:
        return replace(aged, counter=value, fell_from=None, fell_for=NOTHING)
    if value < rate.counter:
        return replace(aged, counter=value, fell_from=rate.counter, fell_for=NOTHING)
    was = rate.counter
    if rate.fell_from is not None and value >= rate.fell_from:
        was = rate.fell_from
    newest = Slot(aged.slots[0].observed + observed, aged.slots[0].grown + value - was)
    is_in_doubt = rate.fell_from is not None and value == rate.counter and rate.fell_for + passed < A_MOMENT
    return replace(
        aged,
        counter=value,
        slots=(newest, *aged.slots[1:]),
        fell_from=rate.fell_from if is_in_doubt else None,
        fell_for=rate.fell_for + passed if is_in_doubt else NOTHING,
    )


def dump(rate: Rate) -> dict[str, object]:
    """The rate as JSON."""
    return {
        "counter": rate.counter,
        "slots": [[one.observed // MILLISECOND, one.grown] for one in rate.slots],
        "filled_ms": rate.filled // MILLISECOND,
        "fell_from": rate.fell_from,
        "fell_for_ms": rate.fell_for // MILLISECOND,
    }


def load(stored: Mapping[str, Any]) -> Rate:
    """The rate that `dump` wrote."""
    return Rate(
        stored["counter"],
        tuple(Slot(observed * MILLISECOND, grown) for observed, grown in stored["slots"]),
        stored["filled_ms"] * MILLISECOND,
        stored["fell_from"],
        stored["fell_for_ms"] * MILLISECOND,
    )


def _aged(rate: Rate, passed: timedelta) -> Rate:
    steps, filled = divmod(rate.filled + passed, SLOT)
    slots = ((Slot(),) * min(steps, SLOTS) + (rate.slots or (Slot(),)))[:SLOTS]
    return replace(rate, slots=slots, filled=filled)
