"""SMS that the daemon sends: how long one is, and what it costs by the documented price. Pure.

A message goes out in parts of 70 characters, each of which costs a tenth of a unit for each number. That a
part of plain Latin letters holds more is not documented, so it is not counted on. A character is a unit of
UTF-16, in which SMS carry what is not of GSM's own alphabet (3GPP TS 23.038, section 6.2.3): an emoji is two.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daemon.core.model import Json

PART = 70
"""Characters, by the price of SendSms."""
PRICE = 0.1
"""Units for each part and number, likewise."""
MOST_PARTS = 10
"""Ours. Of one message; nobody reads more on a phone."""
MOST_NUMBERS = 100
"""Ours, of one command: how many SendSms takes is not documented, and one answer decides about them all."""
HIGHEST_BILL = 10
"""Ours. How many times our own price is believed, where the platform names another."""


@dataclass(frozen=True)
class Estimate:
    """What a message costs, in units."""

    numbers: int
    parts: int

    @property
    def units(self) -> float:
        """By the documented price; counts for the budget."""
        return cost(self.parts, self.numbers)


LONGEST_SENDER = 11
"""Characters of a name as a sender (3GPP TS 23.040, section 9.1.2.5)."""
SENDER = re.compile(rf"\+?[0-9]{{3,15}}|[A-Za-z0-9 ]{{0,{LONGEST_SENDER - 1}}}[A-Za-z0-9]", re.ASCII)
NO_SENDER = f"expected a number, or a name of at most {LONGEST_SENDER} Latin letters and digits"


def length(text: str) -> int:
    """In characters as SMS count them."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parts(text: str) -> int:
    """Of a text; of none at all one."""
    return max(1, -(-length(text) // PART))


def cost(parts: int, numbers: int = 1) -> float:
    """Of so many parts to so many numbers, in units."""
    return round(PRICE * parts * numbers, 2)


def billed(parts: int, numbers: int, bill: float | None) -> float:
    """What counts after all: our own price, or what the platform says where that is more. A bill that cannot
    be true uses up no budget."""
    ours = cost(parts, numbers)
    return ours if bill is None else max(ours, min(bill, HIGHEST_BILL * ours))


def estimate(params: Mapping[str, Json]) -> Estimate:
    """Of the parameters of a `sms.send`, which have been checked."""
    return Estimate(len(recipients(params)), parts(str(params["text"])))


def recipients(params: Mapping[str, Json]) -> list[str]:
    """Of the same."""
    to = params["to"]
    assert isinstance(to, Sequence)  # noqa: S101 - checked with the parameters
    return [str(one) for one in to]
