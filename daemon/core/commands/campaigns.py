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
    numbers = numbers_of(params["phones"])
    return Estimate(len(numbers or ()) or MOST_NUMBERS, is_exact=numbers is not None)


def cost(calls_count: int) -> float:
    """What so many calls count for the budget."""
    return Estimate(calls_count, is_exact=True).units


def numbers_of(phones: Json) -> list[str] | None:
    """The numbers of a campaign's `phones`, as they were given; None: a list that is stored at the
    platform."""
    if isinstance(phones, str):
        return None if phones.startswith(LISTS) else phones.split(":")
    assert isinstance(phones, Sequence)  # noqa: S101 - checked with the parameters
    return [number for one in phones for number in _each(one)]


def _each(one: Json) -> list[str]:
    if not isinstance(one, Mapping):
        return [str(one)]
    group = one.get("phones")
    return [str(number) for number in group] if isinstance(group, Sequence) else [str(one.get("phone"))]
