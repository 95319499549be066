"""The balance that SMS are paid from, where a system has one of its own. Pure.

Only a client's model of GetCustomerData has it, no page of the platform: where an answer does not give it,
that is no fault, nothing is told, and its subject says so.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from daemon.core.model import AlertKind, Change, Condition, EventTypes, Json, Rule, Verdict
from daemon.core.numbers import rounded
from daemon.core.shapes import day, maybe, number, pair, record
from daemon.core.watches.subjects import (
    MISSING,
    OUTSIDE,
    UNREADABLE,
    Subject,
    SubjectKind,
    SubjectState,
    is_outside,
)

SUBJECT = "sms_units"
LOW = AlertKind("sms_units.low", "sms_units.ok")
LOW_KEY = "sms_units/low"
SMS_UNITS = record(
    {
        "balance": maybe(number("What is left; null: it was not given, or could not be read.")),
        "expires_on": maybe(day("The last day on which it counts; null: unreadable, or there is none.")),
    }
)
EVENTS = EventTypes(
    alerts=(LOW,),
    rows=pair(
        LOW,
        "Fewer units for SMS are left than `below`.",
        "There are as many again, or more.",
        {"sms_units": SMS_UNITS},
    ),
)


@dataclass(frozen=True)
class Observation:
    """GetCustomerData, two of its fields. None: not given or unreadable."""

    balance: float | None
    expires_on: date | None = None
    is_given: bool = True
    """Whether the answer speaks of it at all."""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit:
    """When the balance is too low."""

    below: float
    rule: Rule


@dataclass(frozen=True)
class State:
    """The balance as last read."""

    balance: float | None = None
    expires_on: str | None = None


def diff(before: State | None, seen: Observation, limit: Limit) -> Change[State]:
    """Whether the balance is low."""
    known, values = before or State(), _values(seen)
    balance = None if seen.balance is None else rounded(seen.balance)
    verdict = Verdict.UNKNOWN
    if balance is not None:
        verdict = Verdict.BAD if balance < limit.below else Verdict.GOOD
    condition = Condition(LOW_KEY, LOW, SUBJECT, verdict, limit.rule, {"sms_units": values})
    expires_on = seen.expires_on.isoformat() if seen.expires_on else known.expires_on
    return Change(State(known.balance if balance is None else balance, expires_on), (), (condition,))


def subjects(seen: Observation, change: Change[State], limit: Limit) -> list[Subject]:
    """The balance: down where it is low; unknown where it is not given, or cannot be read."""
    values = _values(seen)
    state, why = SubjectState.UP, dict[str, Json]()
    if values["balance"] is None:
        state, why = SubjectState.UNKNOWN, {"reason": UNREADABLE if seen.is_given else MISSING}
    elif is_outside(change.conditions):
        state, why = SubjectState.UNKNOWN, {"reason": OUTSIDE}
    elif any(one.verdict is Verdict.BAD for one in change.conditions):
        why = {"metric": "balance", "value": values["balance"], "below": limit.below}
        state = SubjectState.DOWN
    return [Subject(SUBJECT, SubjectKind.SMS_UNITS, state, why=why, metrics=values)]


def saw(seen: Observation) -> dict[str, Json]:
    """The balance, and whether the answer gives one."""
    return {"balance": seen.balance, "is_given": seen.is_given}


def dump(state: State) -> dict[str, Json]:
    """The state as JSON."""
    return asdict(state)


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    return State(**stored)


def _values(seen: Observation) -> dict[str, Json]:
    return {
        "balance": None if seen.balance is None else rounded(seen.balance),
        "expires_on": seen.expires_on.isoformat() if seen.expires_on else None,
    }
