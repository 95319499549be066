"""`[[digests]]`: what happened of a day or a week, told at one time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from daemon.config.quiet import DAYS, Day
from daemon.config.values import ClockTime, Settings, Text, Timezone, once, some
from daemon.config.wording import Fault, Location, fault
from daemon.core.wording import nearest

Found = tuple[Location, Mapping[str, Any]]
"""A table, and where it stands."""


class DigestSettings(Settings):
    """`[[digests]]`."""

    name: Text
    """Which its letters are called by."""
    to: Annotated[tuple[Text, ...], AfterValidator(some), AfterValidator(once)]
    """Names of endpoints."""
    at: ClockTime
    """By the clock of its zone."""
    days: Annotated[tuple[Day, ...], AfterValidator(some), AfterValidator(once)] = DAYS
    timezone: Timezone | None = None
    """None: the daemon's."""
    covers: Literal["day", "week"] | None = None
    """How far it looks back the first time, and how late it may be; None: a week where it is made on one day
    alone."""
    systems: Annotated[tuple[Text, ...], AfterValidator(some), AfterValidator(once)] | None = None
    """None: all."""
    language: Literal["he", "en"] | None = None
    """None: as each mailbox has it."""
    skip_empty: Annotated[bool, Field(strict=True)] = False
    """Whether one with nothing to say is left out."""

    @property
    def span(self) -> Literal["day", "week"]:
        """How much it covers."""
        return self.covers or ("week" if len(self.days) == 1 else "day")


def faults(
    digests: Sequence[Found], endpoints: Sequence[object], systems: Sequence[object]
) -> Iterator[Fault]:
    """What they name that there is not; of the document, whose shape the model judges."""
    for at, digest in digests:
        yield from _unknown((*at, "to"), digest.get("to"), endpoints, "no endpoint has this name")
        yield from _unknown((*at, "systems"), digest.get("systems"), systems, "no system has this name")


def _unknown(at: Location, given: object, known: Sequence[object], reason: str) -> Iterator[Fault]:
    names = [name for name in known if isinstance(name, str)]
    for index, name in enumerate(given if isinstance(given, list) else []):
        if isinstance(name, str) and name not in names:
            yield fault((*at, index), f"{reason}{nearest(name, names)}", name)
