"""The prepaid balance: whether units run low, or out.

Pure. What could not be read is unknown: it keeps the old state and moves no alert.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from daemon.core.model import AlertKind, Change, Condition, EventTypes, Json, Rule, Verdict
from daemon.core.numbers import rounded

SUBJECT = "units"
LOW = AlertKind("units.low", "units.ok")
EXPIRING = AlertKind("units.expiring", "units.renewed")
EVENTS = EventTypes(alerts=(LOW, EXPIRING))


@dataclass(frozen=True)
class Observation:
    """GetSession, two of its fields. None: missing or unreadable."""

    balance: float | None
    expires_on: date | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit:
    """When the balance, or the days it has left, are too few. None: not watched."""

    below: float | None
    expires_within: timedelta | None
    rule: Rule


@dataclass(frozen=True)
class State:
    """The balance as last read."""

    balance: float | None = None
    expires_on: str | None = None


def diff(before: State | None, seen: Observation, limit: Limit, today: date) -> Change[State]:
    """Whether units run low or out; `today` is the date in the daemon's zone."""
    known, balance = before or State(), None if seen.balance is None else rounded(seen.balance)
    expires_on = seen.expires_on.isoformat() if seen.expires_on else None
    days_left = (seen.expires_on - today).days if seen.expires_on else None
    payload: dict[str, Json] = {
        "units": {"balance": balance, "expires_on": expires_on, "days_left": days_left}
    }
    conditions = []
    if limit.below is not None:
        is_low = None if balance is None else balance < limit.below
        conditions.append(_condition("units/low", LOW, is_low, limit.rule, payload))
    if limit.expires_within is not None:
        is_expiring = None if days_left is None else days_left <= limit.expires_within.days
        conditions.append(_condition("units/expiring", EXPIRING, is_expiring, limit.rule, payload))
    state = State(known.balance if balance is None else balance, expires_on or known.expires_on)
    return Change(state, (), tuple(conditions))


def dump(state: State) -> dict[str, Json]:
    """The state as JSON."""
    return asdict(state)


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    return State(**stored)


def _condition(
    key: str, kind: AlertKind, is_bad: bool | None, rule: Rule, payload: Mapping[str, Json]
) -> Condition:
    verdict = Verdict.UNKNOWN if is_bad is None else Verdict.BAD if is_bad else Verdict.GOOD
    return Condition(key, kind, SUBJECT, verdict, rule, payload)
