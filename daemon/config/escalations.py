"""`[[escalations]]`: whom alerts go to that nobody acknowledges. The rows of one name are its steps, in
order."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from daemon.config.values import Duration, Name, Settings, Text, Word, once, some
from daemon.config.wording import Fault, Location, fault, missing
from daemon.core import durations
from daemon.core.wording import nearest

Found = tuple[Location, Mapping[str, Any]]
"""A table, and where it stands."""


class EscalationSettings(Settings):
    """One step."""

    name: Name
    events: Annotated[tuple[Word, ...], AfterValidator(some)] | None = None
    """Globs on the type that fires; None, from the second step on: those of the first."""
    after: Duration
    """Since the alert was told, not since the step before."""
    to: Annotated[tuple[Text, ...], AfterValidator(some), AfterValidator(once)]
    """Names of endpoints."""
    break_through: Annotated[bool, Field(strict=True)] = False
    """Also what is silenced or inhibited, and also to who is in a quiet window."""


def faults(steps: Sequence[Found], endpoints: Sequence[object]) -> Iterator[Fault]:
    """What the rows say of each other, and of the endpoints that they name; of the document, whose shape the
    model judges."""
    names = [name for name in endpoints if isinstance(name, str)]
    known: dict[Hashable, Found] = {}
    for at, step in steps:
        yield from _unknown(at, step.get("to"), names)
        name = step.get("name")
        if not isinstance(name, str):
            continue
        before = known.get(name)
        if before is None:
            known[name] = (at, step)
            if "events" not in step:
                yield missing((*at, "events"), 'the first step says of which, such as events = ["sip.*"]')
            continue
        yield from _beside(at, step, before[1])
        known[name] = (at, {**step, "events": before[1].get("events")})


def _unknown(at: Location, to: object, names: Sequence[str]) -> Iterator[Fault]:
    for index, name in enumerate(to if isinstance(to, list) else []):
        if isinstance(name, str) and name not in names:
            yield fault((*at, "to", index), f"no endpoint has this name{nearest(name, names)}", name)


def _beside(at: Location, step: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Fault]:
    """A step and the one before it."""
    if "events" in step and step["events"] != before.get("events"):
        yield fault((*at, "events"), "the steps of one name have the same events; leave it out here")
    earlier, later = _length(before.get("after")), _length(step.get("after"))
    if earlier is not None and later is not None and later < earlier:
        reason = f"is before the step above ({durations.show(earlier)}): both count since the alert was told"
        yield fault((*at, "after"), reason, step["after"])


def _length(value: object) -> timedelta | None:
    try:
        return durations.parse(value) if isinstance(value, str) else None
    except ValueError:
        return None
