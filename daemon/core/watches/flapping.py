"""Flapping: a thing that comes and goes too often to be told each time.

Twenty slots, each of the same length of observed time, remember whether the thing changed in them. The
newest weigh most (1.18, down to 0.8), so what is calm again is believed soon. Above 30 % it flaps, until
it is at 25 % or below: with a window of 10 minutes that is six changes within three minutes to begin, and
seven and a half minutes of calm to end. Time that was not observed moves nothing. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from daemon.core.durations import NOTHING

SLOTS = 20
OLDEST_WEIGHT, WEIGHT_STEP = 0.8, 0.02
RAISE, CLEAR = 30.0, 25.0
"""Percent."""
WHOLE = sum(OLDEST_WEIGHT + WEIGHT_STEP * slot for slot in range(SLOTS))


@dataclass(frozen=True)
class Ring:
    """The recent past of one thing."""

    slots: int = 0
    """One bit a slot, the newest lowest: it changed in it."""
    filled: timedelta = NOTHING
    """How much of the newest slot has passed."""
    is_flapping: bool = False

    @property
    def is_calm(self) -> bool:
        """Whether it says nothing more: no change in any slot."""
        return not self.slots and not self.is_flapping

    @property
    def percent(self) -> float:
        """The share of slots with a change, weighted."""
        weights = (
            OLDEST_WEIGHT + WEIGHT_STEP * (SLOTS - 1 - age) for age in range(SLOTS) if self.slots >> age & 1
        )
        return 100 * sum(weights) / WHOLE


CALM = Ring()


def slot_length(window: timedelta, every: timedelta) -> timedelta:
    """The length of a slot; one poll cannot see more than one change, so never less than `every`."""
    return max(window / SLOTS, every)


def observe(ring: Ring, slot: timedelta, observed: timedelta, *, is_changed: bool) -> Ring:
    """The ring after one more observation, `observed` after the last one."""
    passed, filled = divmod(ring.filled + observed, slot)
    slots = (ring.slots << min(passed, SLOTS) | is_changed) & (1 << SLOTS) - 1
    after = replace(ring, slots=slots, filled=filled)
    limit = CLEAR if ring.is_flapping else RAISE
    return replace(after, is_flapping=after.percent > limit)


def dump(ring: Ring) -> dict[str, object]:
    """The ring as JSON."""
    return {
        "slots": ring.slots,
        "filled_ms": ring.filled // timedelta(milliseconds=1),
        "is_flapping": ring.is_flapping,
    }


def load(stored: Mapping[str, Any]) -> Ring:
    """The ring that `dump` wrote."""
    return Ring(stored["slots"], timedelta(milliseconds=stored["filled_ms"]), stored["is_flapping"])
