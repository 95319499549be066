"""The prepaid balance: whether units run low, or out.

Pure. What could not be read is unknown: it keeps the old state and moves no alert.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from daemon.core.model import AlertKind, Change, Condition, EventTypes, Json, Rule, Verdict
from daemon.core.numbers import rounded
from daemon.core.shapes import day, maybe, number, pair, record, whole
from daemon.core.watches.subjects import OUTSIDE, UNREADABLE, Subject, SubjectKind, SubjectState, is_outside

SUBJECT = "units"
LOW = AlertKind("units.low", "units.ok")
EXPIRING = AlertKind("units.expiring", "units.renewed")
LOW_KEY, EXPIRING_KEY = "units/low", "units/expiring"
UNITS = record(
    {
        "balance": maybe(number("What is left; null: it could not be read.")),
        "expires_on": maybe(day("The last day on which they count; null: unreadable, or there is none.")),
        "days_left": maybe(whole("Until that day, from today in the daemon's zone.")),
    }
)
EVENTS = EventTypes(
    alerts=(LOW, EXPIRING),
    rows={
        **pair(
            LOW, "Fewer units are left than `below`.", "There are as many again, or more.", {"units": UNITS}
        ),
        **pair(
            EXPIRING,
            "The units expire within `expires_within`.",
            "They last longer again.",
            {"units": UNITS},
        ),
    },
)


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
    known, values = before or State(), _values(seen, today)
    balance = None if seen.balance is None else rounded(seen.balance)
    days_left = (seen.expires_on - today).days if seen.expires_on else None
    expires_on = seen.expires_on.isoformat() if seen.expires_on else None
    payload: dict[str, Json] = {"units": values}
    conditions = []
    if limit.below is not None:
        is_low = None if balance is None else balance < limit.below
        conditions.append(_condition(LOW_KEY, LOW, is_low, limit.rule, payload))
    if limit.expires_within is not None:
        is_expiring = None if days_left is None else days_left <= limit.expires_within.days
        conditions.append(_condition(EXPIRING_KEY, EXPIRING, is_expiring, limit.rule, payload))
    state = State(known.balance if balance is None else balance, expires_on or known.expires_on)
    return Change(state, (), tuple(conditions))


def subjects(seen: Observation, change: Change[State], limit: Limit, today: date) -> list[Subject]:
    """The balance: down where it is low or about to expire; unknown where that cannot be read."""
    values, verdicts = _values(seen, today), {one.key: one.verdict for one in change.conditions}
    said: dict[str, dict[str, Json]] = {
        LOW_KEY: {"metric": "balance", "value": values["balance"], "below": limit.below},
        EXPIRING_KEY: {
            "metric": "days_left",
            "value": values["days_left"],
            "at_most": limit.expires_within.days if limit.expires_within else None,
        },
    }
    bad = [why for key, why in said.items() if verdicts.get(key) is Verdict.BAD]
    state, why = SubjectState.UP, dict[str, Json]()
    if bad:
        state, why = SubjectState.DOWN, bad[0]
    elif Verdict.UNKNOWN in verdicts.values() or values["balance"] is None:
        state, why = SubjectState.UNKNOWN, {"reason": UNREADABLE}
    elif is_outside(change.conditions):
        state, why = SubjectState.UNKNOWN, {"reason": OUTSIDE}
    return [Subject(SUBJECT, SubjectKind.UNITS, state, why=why, metrics=values)]


def saw(seen: Observation) -> dict[str, Json]:
    """The balance, and until when it counts."""
    return {"balance": seen.balance, "expires_on": seen.expires_on.isoformat() if seen.expires_on else None}


def dump(state: State) -> dict[str, Json]:
    """The state as JSON."""
    return asdict(state)


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    return State(**stored)


def _values(seen: Observation, today: date) -> dict[str, Json]:
    return {
        "balance": None if seen.balance is None else rounded(seen.balance),
        "expires_on": seen.expires_on.isoformat() if seen.expires_on else None,
        "days_left": (seen.expires_on - today).days if seen.expires_on else None,
    }


def _condition(
    key: str, kind: AlertKind, is_bad: bool | None, rule: Rule, payload: Mapping[str, Json]
) -> Condition:
    verdict = Verdict.UNKNOWN if is_bad is None else Verdict.BAD if is_bad else Verdict.GOOD
    return Condition(key, kind, SUBJECT, verdict, rule, payload)
