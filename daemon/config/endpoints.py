"""What `[[webhooks]]`, `[[emails]]` and `[[notify]]` have in common: what they are told, and when."""

import re
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from daemon.config.values import Duration, Name, Seen, Settings, Text, Wait, Word, seen, some
from daemon.config.windows import QuietWindows
from daemon.core.hidden import MARKS
from daemon.core.model import Severity
from daemon.core.routing.filters import Operator

PHONES = frozenset({"sms.from", "sms.to", "caller.phone", "account.user_name"})
"""Fields that hold a phone: what comes along with one that is copied is no part of it."""
_FIELD = re.compile(r"[a-z_]+(\.[a-z_]+)*")


def _field(value: str) -> str:
    if not _FIELD.fullmatch(value):
        raise ValueError('expected a field of the event\'s data, such as "sms.text"')
    return value


def _lasting(value: str) -> str:
    if value.partition(".")[0] == "alert" and value != "alert.severity":
        raise ValueError('of an alert only "alert.severity" stays the same while it lasts')
    return value


def _compared(value: str, info: ValidationInfo) -> str:
    """What a field is compared with; `field` stands before it, and is not there where that has a fault."""
    is_phone = info.data.get("field") in PHONES
    seen(value, tolerated=MARKS if is_phone else frozenset())
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def _no_repeat(value: Any) -> Any:
    """ "" is no repeat, where there is one by default."""
    return None if value == "" else value


Repeat = Annotated[Wait | None, BeforeValidator(_no_repeat)]
FieldPath = Annotated[Seen, AfterValidator(_field)]
Compared = Annotated[str, AfterValidator(_compared)]


class FilterSettings(Settings):
    """`[[webhooks.filters]]` and its like: a condition on what an event says. All must hold."""

    field: Annotated[FieldPath, AfterValidator(_lasting)]
    equal: Compared | None = Field(default=None, validation_alias="is")
    within: Annotated[tuple[Compared, ...], AfterValidator(some)] | None = Field(
        default=None, validation_alias="in"
    )
    not_in: Annotated[tuple[Compared, ...], AfterValidator(some)] | None = None
    contains: Annotated[tuple[Compared, ...], AfterValidator(some)] | None = None
    starts_with: Annotated[tuple[Compared, ...], AfterValidator(some)] | None = None

    @field_validator("contains", "starts_with", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @property
    def condition(self) -> tuple[Operator, tuple[str, ...]]:
        """The operator, and the values that it takes."""
        return self._conditions()[0]

    @model_validator(mode="after")
    def _has_one_condition(self) -> Self:
        if len(self._conditions()) != 1:
            raise ValueError('give one of "is", "in", "not_in", "contains" and "starts_with"')
        return self

    def _conditions(self) -> list[tuple[Operator, tuple[str, ...]]]:
        given = {
            Operator.IS: (self.equal,) if self.equal is not None else None,
            Operator.IN: self.within,
            Operator.NOT_IN: self.not_in,
            Operator.CONTAINS: self.contains,
            Operator.STARTS_WITH: self.starts_with,
        }
        return [(operator, values) for operator, values in given.items() if values is not None]


class EndpointSettings(Settings):
    """What every kind of endpoint has."""

    name: Name
    events: tuple[Word, ...] = ("*",)
    systems: tuple[Text, ...] | None = None
    """None: all."""
    filters: tuple[FilterSettings, ...] = ()
    redact: tuple[FieldPath, ...] = ()
    """Fields of the event's data that are not told."""
    expires: Duration | None = None
    """After so long an event is not worth telling any more; None or "0s": always."""
    min_severity: Severity = Severity.INFO
    """Of the alerts that it is told; facts have none."""
    after: Duration = timedelta(0)
    """It is told of an alert only when it has been firing for so long."""
    quiet: QuietWindows = ()
