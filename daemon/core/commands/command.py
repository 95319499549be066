"""The life of a command: how far it has come, and what follows from how an attempt ended. Pure.

                 +--d--> expired | cancelled
                 |
    --> queued --+--a--> running --b--> succeeded | failed | unknown
          ^                 |
          +--------c--------+

a   claimed: the intent is committed before the request leaves
b   the answer said how it ended, or nobody will ever know: `after`
c   tried again, later: what was surely not carried out, and what does no harm twice
d   nothing was sent

A campaign dials people and costs money, so it is sent at most once: an attempt of which it is not sure that
nothing came of it ends as `unknown`, and no way leads from there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Any

from daemon.core.commands.command_types import TYPES, Nature
from daemon.core.commands.policy import Policy
from daemon.core.durations import MINUTE, SECOND
from daemon.core.model import EventRow, EventTypes, Fact, Failure, Json, Unknown
from daemon.core.shapes import (
    always,
    anything,
    by_name,
    flag,
    maybe,
    moment,
    number,
    one_of,
    record,
    text,
    whole,
)
from daemon.core.timestamps import iso, iso_or_none

WAITS = (SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, *[MINUTE] * 5)
"""Before the second, third, … attempt: some six minutes, in which other commands of the system wait."""
LARGEST_RESULT = 65_536
"""Ours. Characters of a result that goes out with its event; a larger one is to be had from the API."""
HOLIDAY = 104
"""The `messageCode` of CallExtensionBridging for Shabbat and holidays, by the platform's list of them."""
NOT_CARRIED_OUT = frozenset({Failure.REFUSED, Failure.TOKEN_REJECTED, Failure.THROTTLED})
"""Failures in which the API itself says that it did nothing."""
FINAL = frozenset({Failure.REFUSED, Failure.TOKEN_REJECTED})
"""Failures that another attempt would meet again."""


class Status(Enum):
    """How far a command has come."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It may have been carried out or not, and is not sent again."""
    EXPIRED = "expired"
    """It was too late for it before it could be carried out."""
    CANCELLED = "cancelled"

    @property
    def is_ended(self) -> bool:
        return self not in (Status.QUEUED, Status.RUNNING)

    @property
    def event_type(self) -> str | None:
        """Of the event that tells of it; nobody is told of what has not ended, or was cancelled."""
        return f"command.{self.value}" if self.is_ended and self is not Status.CANCELLED else None


class OnHoliday(Enum):
    """What becomes of a campaign that is refused on Shabbat or a holiday."""

    FAIL = "fail"
    WAIT = "wait"
    """It is put back until that has ended."""


class Trouble(Enum):
    """Why a command ended without an answer that says so; stands beside the words of `Failure`."""

    NOT_ALLOWED = "not_allowed"
    NOT_CONFIGURED = "not_configured"
    OVER_BUDGET = "over_budget"
    INTERRUPTED = "interrupted"
    NOTHING_DONE = "nothing_done"
    NOT_CONFIRMED = "not_confirmed"


ERROR = record(
    {
        "class": one_of([one.value for kind in (Failure, Trouble) for one in kind]),
        "message": text("In English, for people; may be empty."),
        "code": maybe(whole("The platform's `messageCode`, or the status of HTTP.")),
    }
)
DOCUMENT = record(
    {
        "id": text("`cmd_…`"),
        "type": text("Such as `queue.kick`."),
        "system": text(),
        "params": by_name(anything(), "As they were asked for."),
        "status": one_of([one.value for one in Status if one.event_type]),
        "created_by": text("Who asked: the name of a token, or a user of the machine."),
        "created_at": moment(),
        "not_before": moment(),
        "expires_at": moment(),
        "on_holiday": one_of([one.value for one in OnHoliday]),
        "idempotency_key": maybe(text()),
        "estimated_units": maybe(number("Null: it costs nothing.")),
        "attempts": whole(),
        "is_doubtful": flag("An attempt whose outcome is not known may have carried it out."),
        "started_at": maybe(moment("The last attempt; null: there was none.")),
        "ended_at": maybe(moment()),
        "result": anything("What the platform answered, by the type of the command; null: nothing."),
        "error": maybe(ERROR),
        "check": maybe(text("What to look at, where nobody knows what came of it; in English.")),
    },
    optional={"result_is_omitted": always(True, "The result is too large for an event; the API has it.")},
)
WHENS: Mapping[Status, str] = {
    Status.SUCCEEDED: "A command was carried out; the answer says so.",
    Status.FAILED: "It was not carried out: the platform refuses it, or no attempt got through.",
    Status.UNKNOWN: "It may have been carried out or not, and is not sent again by itself.",
    Status.EXPIRED: "It could not be carried out before `expires_at`, and nothing of it was sent.",
}
EVENTS = EventTypes(
    tuple(filter(None, (status.event_type for status in Status))),
    rows={
        status.event_type: EventRow(when, {"command": DOCUMENT})
        for status, when in WHENS.items()
        if status.event_type
    },
)


@dataclass(frozen=True)
class Error:
    """Why a command failed, or an attempt of it."""

    kind: str
    """A word of `Failure` or `Trouble`."""
    message: str
    code: int | None = None
    """The API's `messageCode`, or the HTTP status."""


@dataclass(frozen=True)
class Command:
    """A request to do something on the phone system, and what came of it so far."""

    id: str
    system: str
    type: str
    params: Mapping[str, Json]
    created_by: str
    """Who asked: a token's name, or a user of the machine."""
    created_at: datetime
    not_before: datetime
    expires_at: datetime
    due_at: datetime
    """Of the next attempt."""
    on_holiday: OnHoliday = OnHoliday.FAIL
    idempotency_key: str | None = None
    estimate: float | None = None
    """In units; None: it costs nothing."""
    units: float = 0.0
    """What it counts against the budget of its `day`."""
    day: date | None = None
    """Local, of the budget; None where it costs nothing."""
    status: Status = Status.QUEUED
    attempts: int = 0
    is_doubtful: bool = False
    """An attempt whose outcome is not known may have carried it out."""
    started_at: datetime | None = None
    """Of the last attempt."""
    ended_at: datetime | None = None
    result: Json = None
    error: Error | None = None
    """Of the last attempt that failed."""
    clock: timedelta | None = None
    """By how much the wall clock had been set in all when it was accepted; None: nobody knows."""
    is_start_given: bool | None = None
    """Whether the caller wrote `not_before`; None: nobody knows."""
    is_end_given: bool | None = None
    """The same of `expires_at`."""

    @property
    def nature(self) -> Nature:
        """Of a type that only another version knows it is the one that does the least harm."""
        known = TYPES.get(self.type)
        return Nature.ONCE if known is None else known.nature

    @property
    def check(self) -> str | None:
        """What to look at, where nobody can know what came of it."""
        is_open = self.status is Status.UNKNOWN or (self.is_doubtful and self.status is Status.CANCELLED)
        known = TYPES.get(self.type)
        return known.check if known is not None and is_open else None

    def document(self) -> dict[str, Any]:
        """The command as events, the API and the command line show it."""
        error = self.error
        return {
            "id": self.id,
            "type": self.type,
            "system": self.system,
            "params": dict(self.params),
            "status": self.status.value,
            "created_by": self.created_by,
            "created_at": iso(self.created_at),
            "not_before": iso(self.not_before),
            "expires_at": iso(self.expires_at),
            "on_holiday": self.on_holiday.value,
            "idempotency_key": self.idempotency_key,
            "estimated_units": self.estimate,
            "attempts": self.attempts,
            "is_doubtful": self.is_doubtful,
            "started_at": iso_or_none(self.started_at),
            "ended_at": iso_or_none(self.ended_at),
            "result": self.result,
            "error": {"class": error.kind, "message": error.message, "code": error.code} if error else None,
            "check": self.check,
        }


@dataclass(frozen=True)
class Done:
    """An answer of the API to a command: what it did."""

    result: Json
    status: Status = Status.SUCCEEDED
    """FAILED: it says that nothing was done; UNKNOWN: it says nothing."""
    message: str | None = None
    """Why, where it is not SUCCEEDED."""
    units: float | None = None
    """What it costs after all, as far as that is known now."""


def readings(command: Command, now: datetime, stepped: timedelta) -> tuple[datetime, ...]:
    """What time it is for a command; `stepped`: by how much the wall clock was set in all.

    For one that may not be repeated it is also what it would be if nobody had set the clock since it was
    accepted: which of the two is right, nobody can say, and it has to be in time by both.
    """
    if command.nature is not Nature.ONCE or command.clock is None:
        return (now,)
    return now, now - (stepped - command.clock)


def is_too_late(command: Command, now: datetime, stepped: timedelta) -> bool:
    """Whether it may not be carried out any more."""
    return any(command.expires_at <= reading for reading in readings(command, now, stepped))


def is_too_early(command: Command, now: datetime, stepped: timedelta) -> bool:
    """Whether it may not be carried out yet."""
    if command.is_start_given is False and not command.attempts:
        return False  # from when it was accepted on, whatever time that was
    return any(reading < command.not_before for reading in readings(command, now, stepped))


def claimed(command: Command, now: datetime, policy: Policy) -> Command:
    """The command with the intent to send it now, which is committed before anything leaves."""
    return replace(
        command,
        status=Status.RUNNING,
        started_at=now,
        attempts=command.attempts + 1,
        day=policy.day(now) if command.estimate is not None else None,
    )


def after(
    command: Command, outcome: Done | Unknown, now: datetime, policy: Policy, *, jitter: float
) -> Command:
    """The command after an attempt. `jitter`: a share in [0, 1), by which waits are longer, up to a fifth."""
    if isinstance(outcome, Done):
        return _answered(command, outcome, now)
    error = Error(outcome.failure.value, outcome.message, outcome.code)
    failed = replace(command, error=error)
    if outcome.code == HOLIDAY and outcome.failure is Failure.REFUSED:
        return _refused_on_holiday(failed, now, policy)
    if not _is_harmless(outcome):
        if command.nature is Nature.ONCE:
            return _ended(failed, Status.UNKNOWN, now)
        failed = replace(failed, is_doubtful=command.nature is Nature.REPEATABLE)
    due_at = _next_due(failed, outcome, now, jitter)
    if due_at is None:
        return _given_up(failed, now)
    return replace(failed, status=Status.QUEUED, due_at=due_at)


def interrupted(command: Command, now: datetime) -> Command:
    """A running command whose process ended: whether the request left, nobody can say."""
    error = Error(Trouble.INTERRUPTED.value, "the daemon ended while the request was under way")
    found = replace(command, error=error)
    if command.nature is Nature.ONCE:
        return _ended(found, Status.UNKNOWN, now)
    is_doubtful = command.is_doubtful or command.nature is Nature.REPEATABLE
    return replace(found, status=Status.QUEUED, due_at=now, is_doubtful=is_doubtful)


def turned_down(command: Command, trouble: Trouble, message: str, now: datetime) -> Command:
    """A queued command that the configuration in force does not let pass."""
    return _given_up(replace(command, error=Error(trouble.value, message)), now)


def expired(command: Command, now: datetime) -> Command:
    """A queued command for which it is too late. What may have been carried out is not called expired."""
    return _ended(command, Status.UNKNOWN if command.is_doubtful else Status.EXPIRED, now)


def cancelled(command: Command, now: datetime) -> Command:
    """A queued command that nobody wants any more."""
    return _ended(command, Status.CANCELLED, now)


def told(command: Command) -> Fact | None:
    """What others are told of a command that has ended; nobody is told of what was cancelled."""
    event_type = command.status.event_type
    if event_type is None:
        return None
    document = command.document()
    if len(json.dumps(command.result)) > LARGEST_RESULT:
        document |= {"result": None, "result_is_omitted": True}
    return Fact(event_type, f"command/{command.id}", {"command": document})


def fingerprint(content: Mapping[str, Json]) -> str:
    """What is equal for requests that ask for the same."""
    return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _answered(command: Command, done: Done, now: datetime) -> Command:
    error = Error(Trouble.NOTHING_DONE.value, done.message or "") if done.status is Status.FAILED else None
    if done.status is Status.UNKNOWN:
        error = Error(Trouble.NOT_CONFIRMED.value, done.message or "")
    found = replace(command, result=done.result, error=error)
    if done.units is not None:
        found = replace(found, units=done.units)
    return _ended(found, done.status, now)


def _is_harmless(failed: Unknown) -> bool:
    """Whether it is sure that nothing came of an attempt."""
    return failed.is_unsent or failed.failure in NOT_CARRIED_OUT


def _refused_on_holiday(command: Command, now: datetime, policy: Policy) -> Command:
    end = policy.holiday_end(now)
    if command.on_holiday is OnHoliday.FAIL or end >= command.expires_at:
        return _given_up(command, now)
    day = policy.day(end) if command.day else None
    return replace(command, status=Status.QUEUED, not_before=end, due_at=end, day=day)


def _next_due(command: Command, failed: Unknown, now: datetime, jitter: float) -> datetime | None:
    """When to try again; None: never."""
    if failed.failure in FINAL or command.attempts > len(WAITS):
        return None
    wait = WAITS[command.attempts - 1] * (1 + jitter / 5)
    # A wait that the API asks for is a floor.
    due_at = now + max(wait, failed.retry_after or wait)
    return due_at if due_at < command.expires_at else None


def _given_up(command: Command, now: datetime) -> Command:
    return _ended(command, Status.UNKNOWN if command.is_doubtful else Status.FAILED, now)


def _ended(command: Command, status: Status, now: datetime) -> Command:
    is_spent = status in (Status.SUCCEEDED, Status.UNKNOWN)
    return replace(command, status=status, ended_at=now, units=command.units if is_spent else 0.0)
