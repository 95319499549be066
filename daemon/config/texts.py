"""`[[texts]]`, as a frozen model, and what it and the systems say of each other."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from daemon.config.digests import DigestSettings
from daemon.config.endpoints import EndpointSettings, Repeat
from daemon.config.systems import SystemSettings
from daemon.config.values import Number, Seen, Text, Wait, Word, some
from daemon.config.webhooks import RETRIES
from daemon.config.wording import Fault, fault
from daemon.core.commands import texts
from daemon.core.event_types import ALERT_TYPES, EVENT_TYPES
from daemon.core.phones import key, normalise, phone
from daemon.core.routing.text_limits import END_PARTS, MOST_NUMBERS, MOST_PARTS
from daemon.core.wording import nearest, quoted

LEAST = texts.cost(MOST_PARTS) + texts.cost(END_PARTS)
"""Units without which no alert could be told with its end."""
LOOPS = ("sms.", "command.", "campaign.", "digest.", "report.", "alert.")
"""What begins so tells of what an SMS may bring about, or carries what others wrote."""


def _alerts(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        if pattern == "*":
            raise ValueError('a bare "*" is not taken: name the alerts, such as "sip.*"')
        looping = next(
            (one for one in EVENT_TYPES if one.startswith(LOOPS) and fnmatchcase(one, pattern)), None
        )
        if looping is not None:
            raise ValueError(
                f"{quoted(pattern)} names {looping}, which is no alert: an SMS tells alerts alone, "
                "so that none can bring about another"
            )
        if not any(fnmatchcase(one, pattern) for one in ALERT_TYPES):
            raise ValueError(f"{quoted(pattern)} is no alert{nearest(pattern, sorted(ALERT_TYPES))}")
    return patterns


def _number(value: str) -> str:
    if phone(value) is None:
        raise ValueError('expected a phone number, such as "0501234567"')
    return normalise(phone(value) or value)


def _sender(value: str) -> str:
    if not texts.SENDER.fullmatch(value):
        raise ValueError(texts.NO_SENDER)
    return value


def _once(numbers: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((one for at, one in enumerate(numbers) if key(one) in map(key, numbers[:at])), None)
    if twice is not None:
        raise ValueError(f"{twice} is given twice")
    if len(numbers) > MOST_NUMBERS:
        raise ValueError(f"{len(numbers)} numbers; at most {MOST_NUMBERS}")
    return numbers


def _none(fields: Any) -> tuple[()]:
    if fields:
        raise ValueError("an SMS tells no content, so there is nothing to take out of it")
    return ()


class TextSettings(EndpointSettings):
    """`[[texts]]`: phones that are told alerts by SMS."""

    system: Text
    """Which sends them, and pays."""
    to: Annotated[
        tuple[Annotated[Seen, AfterValidator(_number)], ...], AfterValidator(some), AfterValidator(_once)
    ]
    """In the national form."""
    events: Annotated[tuple[Word, ...], AfterValidator(_alerts)]
    """Of alerts alone; it has no default. None at all: it is told by escalation only."""
    redact: Annotated[tuple[()], BeforeValidator(_none)] = ()
    sender: Annotated[Annotated[Text, AfterValidator(_sender)] | None, Field(validation_alias="from")] = None
    """An approved number or name; None: the system's own number."""
    units_per_day: Annotated[Number, Field(ge=LEAST)] | None = None
    """A part of the system's `sms_units_per_day`; None: all of it."""
    language: Literal["he", "en"] = "he"
    repeat: Repeat = None
    retries: tuple[Wait, ...] = RETRIES
    """Of what surely did not leave; what may have left is never sent again."""


def faults(
    systems: Sequence[SystemSettings], tables: Sequence[TextSettings], digests: Sequence[DigestSettings]
) -> Iterator[Fault]:
    """What texts, systems and digests say of each other."""
    names = {one.name for one in tables}
    for index, digest in enumerate(digests):
        for place, name in enumerate(digest.to):
            if name in names:
                reason = "is a [[texts]], and an SMS tells alerts alone"
                yield fault(("digests", index, "to", place), reason, name)
    known = {one.name: one for one in systems}
    own = {key(number): one.name for one in systems for number in _numbers_of(one)}
    for index, table in enumerate(tables):
        at = ("texts", index)
        system = known.get(table.system)
        if system is None:
            reason = f"no system is called {quoted(table.system)}{nearest(table.system, known)}"
            yield fault((*at, "system"), reason)
        else:
            yield from _of_budget(at, table, system)
        for place, number in enumerate(table.to):
            if key(number) in own:
                reason = f"is the number of the system {quoted(own[key(number)])}: it would tell itself"
                yield fault((*at, "to", place), reason, number)


def _of_budget(at: tuple[str, int], table: TextSettings, system: SystemSettings) -> Iterator[Fault]:
    budget = system.sms_units_per_day
    if budget is None:
        reason = f"the system {quoted(system.name)} needs sms_units_per_day, what SMS may cost in a day"
        yield fault((*at, "system"), reason)
    elif budget < LEAST:
        from daemon.core import amounts  # noqa: PLC0415 - a cold start is measured

        least = amounts.at_least(LEAST)
        reason = f"sms_units_per_day of the system {quoted(system.name)} has to be {least} at least"
        yield fault((*at, "system"), f"{reason}: an alert with its end")
    elif table.units_per_day is not None and table.units_per_day > budget:
        reason = f"is more than sms_units_per_day of the system {quoted(system.name)}, of which it is a part"
        yield fault((*at, "units_per_day"), reason, table.units_per_day)


def _numbers_of(system: SystemSettings) -> Iterator[str]:
    """The numbers that a system surely has: that of a direct token, and its name, where that is one."""
    number, colon, _ = system.token.value.partition(":")
    yield from (one for one in (number if colon else "", system.name) if phone(one) is not None)
