"""Campaigns: how many numbers one dials, and what that costs by the documented prices. Pure.

A number that is dialled costs a tenth of a unit; a call that is answered costs a unit a minute, and half a
unit at least. How long people will listen nobody knows beforehand, so what counts against the budget is
that everybody answers, at the least price.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daemon.core.model import Json

MOST_NUMBERS = 500
"""Of one campaign, by CallExtensionBridging."""
DIALLING = 0.1
LEAST_CALL = 0.5
MINUTE_OF_CALL = 1.0
"""Units, by the prices of CallExtensionBridging."""
LISTS = ("tpl:", "tzl:")
"""How `phones` of CallExtensionBridging names a list that is stored at the platform, which alone knows how
long it is."""


@dataclass(frozen=True)
class Estimate:
    """What a campaign costs, in units."""

    numbers: int
    is_exact: bool
    """Whether the numbers are counted; a stored list is taken to be as long as a campaign may be."""

    @property
    def dialling(self) -> float:
        """If nobody answers."""
        return round(DIALLING * self.numbers, 2)

    @property
    def units(self) -> float:
        """If everybody answers, and nobody listens for longer than half a minute. Counts for the budget."""
        return round((DIALLING + LEAST_CALL) * self.numbers, 2)


def estimate(params: Mapping[str, Json]) -> Estimate:
    """Of the parameters of a `campaign.bridge`, which have been checked."""
    numbers = _numbers(params["phones"])
    return Estimate(numbers or MOST_NUMBERS, is_exact=numbers is not None)


def cost(calls_count: int) -> float:
    """What so many calls count for the budget."""
    return Estimate(calls_count, is_exact=True).units


def _numbers(phones: Json) -> int | None:
    if isinstance(phones, str):
        return None if phones.startswith(LISTS) else len(phones.split(":"))
    assert isinstance(phones, Sequence)  # noqa: S101 - checked with the parameters
    groups = [one.get("phones") if isinstance(one, Mapping) else None for one in phones]
    return sum(len(group) if isinstance(group, Sequence) else 1 for group in groups)
