"""Numbers that calls may show: their approvals last a year, then the platform drops them. Pure.

An approval that is not listed any more is gone only where GetApprovedCallerIDs, which has no dates, does not
list it either; else nothing is known of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from daemon.core.model import AlertKind, Change, Condition, EventTypes, Json, Rule, Verdict
from daemon.core.phones import key
from daemon.core.shapes import day, maybe, pair, record, text, whole
from daemon.core.watches.subjects import (
    MISSING,
    OUTSIDE,
    UNREADABLE,
    Subject,
    SubjectKind,
    SubjectState,
    called,
)

KIND = "caller_id"
EXPIRING = AlertKind("caller_id.expiring", "caller_id.renewed")
CALLER_ID = record(
    {
        "number": text("As the platform has it."),
        "expires_on": maybe(day("The last day of its approval; null: it does not end, or cannot be read.")),
        "days_left": maybe(whole("Until that day, from today in the daemon's zone; negative: it is over.")),
    }
)
EVENTS = EventTypes(
    alerts=(EXPIRING,),
    rows=pair(
        EXPIRING,
        "The approval of a caller id ends within `expires_within`, or has ended.",
        "It lasts longer again; or the number is approved no more (`alert.reason` or `alert.end` is then "
        '"removed").',
        {"caller_id": CALLER_ID},
    ),
)


@dataclass(frozen=True)
class Approval:
    """One number."""

    number: str
    expires_on: date | None
    is_readable: bool = True
    """Whether it could be read until when; None is "for good" then."""


@dataclass(frozen=True)
class Observation:
    """GetCustomerData, one of its fields."""

    approvals: tuple[Approval, ...] | None
    """None: missing or unreadable."""
    still: tuple[str, ...] | None = None
    """Numbers of GetApprovedCallerIDs, which is asked where one is not listed any more; None: it was not
    asked, or did not answer."""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit:
    """How soon an approval may not end."""

    expires_within: timedelta
    rule: Rule


@dataclass(frozen=True)
class State:
    """The last days of approvals, by number, as they were last read; None: for good."""

    expires_on: Mapping[str, str | None]


def missing(state: State | None, seen: Observation) -> list[str]:
    """Known numbers that an answer does not list."""
    if state is None or seen.approvals is None:
        return []
    listed = {one.number for one in seen.approvals}
    return [number for number in state.expires_on if number not in listed]


def diff(before: State | None, seen: Observation, limit: Limit, today: date) -> Change[State]:
    """Which approvals end soon; `today` is the date in the daemon's zone."""
    known = dict(before.expires_on) if before else {}
    gone = set(missing(before, seen)) if seen.still is not None else set()
    gone -= {number for number in gone if key(number) in map(key, seen.still or ())}
    listed = {one.number: one for one in seen.approvals or ()}
    conditions = [_condition(one, limit, today) for one in listed.values()]
    for number in known.keys() - listed.keys():
        verdict = Verdict.GONE if number in gone else Verdict.UNKNOWN
        conditions.append(_of(number, _day(known[number]), verdict, limit, today))
    read = {one.number: _text(one.expires_on) for one in listed.values() if one.is_readable}
    unread = {one.number: known.get(one.number) for one in listed.values() if not one.is_readable}
    kept = {number: last for number, last in known.items() if number not in gone}
    ordered = sorted(conditions, key=lambda one: one.key)
    return Change(State({**kept, **unread, **read}), (), tuple(ordered))


def subjects(seen: Observation, change: Change[State], limit: Limit, today: date) -> list[Subject]:
    """Each number: down where its approval ends soon, unknown where that is not said."""
    listed = {one.number for one in seen.approvals or ()}
    verdicts = {one.subject: one.verdict for one in change.conditions}
    found = []
    for number, last in sorted(change.state.expires_on.items()):
        subject, verdict = called(KIND, number), verdicts.get(called(KIND, number), Verdict.UNKNOWN)
        values = _values(number, _day(last), today)
        state, why = SubjectState.UP, dict[str, Json]()
        if verdict is Verdict.BAD:
            at_most = limit.expires_within.days
            why = {"metric": "days_left", "value": values["days_left"], "at_most": at_most}
            state = SubjectState.DOWN
        elif verdict is Verdict.OUTSIDE:
            state, why = SubjectState.UNKNOWN, {"reason": OUTSIDE}
        elif verdict is not Verdict.GOOD:
            state, why = SubjectState.UNKNOWN, {"reason": UNREADABLE if number in listed else MISSING}
        metrics = {name: values[name] for name in ("expires_on", "days_left")}
        found.append(Subject(subject, SubjectKind.CALLER_ID, state, why=why, metrics=metrics))
    return found


def saw(seen: Observation) -> dict[str, Json]:
    """The numbers, each with its last day."""
    return {one.number: _text(one.expires_on) for one in seen.approvals or ()}


def dump(state: State) -> dict[str, Json]:
    """The state as JSON."""
    return {"expires_on": dict(state.expires_on)}


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    return State(dict(stored["expires_on"]))


def approvals(rows: Iterable[Approval]) -> tuple[Approval, ...]:
    """One for each number: of two that contradict each other neither is believed."""
    found: dict[str, Approval] = {}
    for one in rows:
        other = found.setdefault(one.number, one)
        if other != one:
            found[one.number] = Approval(one.number, None, is_readable=False)
    return tuple(found.values())


def _condition(one: Approval, limit: Limit, today: date) -> Condition:
    if not one.is_readable:
        return _of(one.number, None, Verdict.UNKNOWN, limit, today)
    days_left = None if one.expires_on is None else (one.expires_on - today).days
    is_soon = days_left is not None and days_left <= limit.expires_within.days
    return _of(one.number, one.expires_on, Verdict.BAD if is_soon else Verdict.GOOD, limit, today)


def _of(number: str, last: date | None, verdict: Verdict, limit: Limit, today: date) -> Condition:
    payload: dict[str, Json] = {"caller_id": _values(number, last, today)}
    subject = called(KIND, number)
    return Condition(subject, EXPIRING, subject, verdict, limit.rule, payload)


def _values(number: str, last: date | None, today: date) -> dict[str, Json]:
    days_left = None if last is None else (last - today).days
    return {"number": number, "expires_on": _text(last), "days_left": days_left}


def _text(last: date | None) -> str | None:
    return None if last is None else last.isoformat()


def _day(last: str | None) -> date | None:
    return None if last is None else date.fromisoformat(last)
