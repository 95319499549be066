"""Whether a request for a command is accepted: the same question for HTTP and the command line.

What the request itself may say is the matter of `schemas/command_requests.py`; here it meets the
configuration, the budget and the commands that are there already.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core import amounts
from daemon.core.commands import campaigns, texts
from daemon.core.commands import command as commands
from daemon.core.commands.command import Command, OnHoliday, Status
from daemon.core.commands.command_types import BUDGETS, SMS_SEND_NAME, TYPES
from daemon.core.commands.policy import LONGEST_HOLIDAY, ROUNDING, Policy
from daemon.core.commands.waiting import Waiting, waiting
from daemon.core.contacts import NOBODY, Contacts
from daemon.core.model import Json
from daemon.core.refusals import Refused, Why
from daemon.core.timeline import Look
from daemon.core.timestamps import iso, iso_or_none
from daemon.core.wording import nearest, quoted
from daemon.operations.contacts import queue_named
from daemon.schemas.command_requests import Request, params_of, units_of
from daemon.store import budgets, clock_steps, inbox


@dataclass(frozen=True)
class Accepted:
    """A command that is queued, or would be."""

    command: Command
    is_repeat: bool = False
    """It was accepted before, under the same `Idempotency-Key`."""
    budget: float | None = None
    """Units of its day's budget that are left besides it; None: it costs nothing."""
    like: Command | None = None
    """One that costs money, asked for the very same, and counts on the same day."""


def accept(
    db: sa.Connection,
    request: Request,
    policies: Mapping[str, Policy],
    *,
    by: str,
    key: str | None,
    now: datetime,
    new_id: Callable[[str], str],
    clock: Look | None = None,
    contacts: Contacts = NOBODY,
) -> Accepted:
    """Queue a command, or find the one that the same key has queued before. A queue may be given by its name
    (`queue/sales`), which is looked up now, and once.

    `clock`: how it stands, where the daemon that looks after it may not run.

    Raises `Refused` where the system is not known or does not take it, where it is too late for it or over
    the budget, and where the key was used for another.
    """
    request = _meant(db, request, contacts)
    found, fingerprint = _examine(db, request, policies, by=by, key=key, now=now, new_id=new_id)
    if found.is_repeat:
        return found
    command = replace(found.command, clock=clock_steps.stepped(db, clock))
    inbox.add(db, command, fingerprint)
    return replace(found, command=command)


def rehearse(
    db: sa.Connection,
    request: Request,
    policies: Mapping[str, Policy],
    *,
    by: str,
    now: datetime,
    key: str | None = None,
    contacts: Contacts = NOBODY,
) -> Accepted:
    """The command that would be queued, without an id, or the one that the same key has queued before.
    Raises as `accept`; nothing is written."""
    request = _meant(db, request, contacts)
    found, fingerprint = _examine(db, request, policies, by=by, key=key, now=now, new_id=lambda _kind: "")
    if found.is_repeat or found.command.estimate is None:
        return found
    return replace(found, like=inbox.like(db, found.command, fingerprint))


def offered(policies: Mapping[str, Policy]) -> dict[str, list[str]]:
    """The types of commands that each system takes, in the order of `TYPES`."""
    return {
        system: [name for name in TYPES if _objection(system, name, policy) is None]
        for system, policy in policies.items()
    }


def listed(db: sa.Connection, wanted: inbox.Wanted) -> tuple[list[Command], bool]:
    """Commands, the newest first, at most `wanted.limit` of them; and whether there are more.

    Raises `Refused` where the one to go on from is not kept.
    """
    if wanted.before is not None and inbox.find(db, wanted.before) is None:
        raise Refused(Why.MISSING, f"no command {wanted.before!r} is kept", "before")
    found = inbox.read(db, replace(wanted, limit=wanted.limit + 1))
    return found[: wanted.limit], len(found) > wanted.limit


def find_command(db: sa.Connection, command_id: str) -> Command:
    """One command by its id. Raises `Refused` where there is none."""
    found = inbox.find(db, command_id)
    if found is None:
        raise Refused(Why.MISSING, f"no command {command_id!r} is kept")
    return found


def held(
    db: sa.Connection, command: Command, now: datetime, *, paused: timedelta | None, clock: Look | None = None
) -> Waiting | None:
    """Why a command waits, and until when; None: it is not queued (any more)."""
    if command.status is not Status.QUEUED:
        return None
    stepped = clock_steps.stepped(db, clock)
    return waiting(command, inbox.ahead(db, command, now, stepped), paused, now, stepped)


def rehearsed(found: Accepted) -> dict[str, Any]:
    """What a rehearsal found, as the API and the command line show it."""
    command = found.command
    cost = None
    if command.estimate is not None:
        day = command.day.isoformat() if command.day else None
        cost = {**_cost(command), "day": day, "budget_left": found.budget}
    return {
        "type": command.type,
        "system": command.system,
        "params": dict(command.params),
        "cost": cost,
        "not_before": iso(command.not_before),
        "expires_at": iso(command.expires_at),
    }


def _cost(command: Command) -> dict[str, Any]:
    if command.type == SMS_SEND_NAME:
        text = texts.estimate(command.params)
        return {
            "numbers": text.numbers,
            "is_exact": True,
            "dialling": None,
            "units": text.units,
            "per_minute": None,
            "parts": text.parts,
        }
    campaign = campaigns.estimate(command.params)
    return {
        "numbers": campaign.numbers,
        "is_exact": campaign.is_exact,
        "dialling": campaign.dialling,
        "units": campaign.units,
        "per_minute": campaigns.MINUTE_OF_CALL,
        "parts": None,
    }


def cancel(db: sa.Connection, command_id: str, now: datetime) -> Command | None:
    """The command after somebody wants it no more: cancelled, if it was still queued. None: there is none."""
    command = inbox.find(db, command_id)
    if command is None or command.status is not Status.QUEUED:
        return command
    ended = commands.cancelled(command, now)
    inbox.save(db, ended)
    return ended


def _examine(
    db: sa.Connection,
    request: Request,
    policies: Mapping[str, Policy],
    *,
    by: str,
    key: str | None,
    now: datetime,
    new_id: Callable[[str], str],
) -> tuple[Accepted, str]:
    policy = _policy(request, policies)
    fingerprint = commands.fingerprint(_content(request))
    known = inbox.find_by_key(db, request.system, key) if key is not None else None
    if known is not None:
        if known[1] != fingerprint:
            message = f"the key {key!r} was used for another command, {known[0].id}"
            raise Refused(Why.KEY_IN_USE, message, "Idempotency-Key")
        return Accepted(known[0], is_repeat=True), fingerprint
    command = _command(request, policy, by=by, key=key, now=now, command_id=new_id("cmd"))
    return Accepted(command, budget=_budget(db, command, policy)), fingerprint


def _meant(db: sa.Connection, request: Request, contacts: Contacts) -> Request:
    """With the path of the queue that was given by its name. Raises `Refused` where several have it."""
    path = getattr(request.params, "queue_path", None)
    if path is None:
        return request
    meant = queue_named(db, request.system, path, contacts)
    params = request.params.model_copy(update={"queue_path": meant})
    return request.model_copy(update={"params": params})


def _policy(request: Request, policies: Mapping[str, Policy]) -> Policy:
    policy = policies.get(request.system)
    if policy is None:
        near = nearest(request.system, policies)
        raise Refused(Why.NO_SUCH_SYSTEM, f"no system is called {quoted(request.system)}{near}", "system")
    objection = _objection(request.system, request.type, policy)
    if objection is not None:
        raise Refused(Why.NOT_ALLOWED, objection, "type")
    return policy


def _objection(system: str, command_type: str, policy: Policy) -> str | None:
    """Why a system takes no commands of a type; None: it does."""
    if not policy.allows(command_type):
        return (
            f"the system {system!r} does not take {command_type}: "
            "its commands = [...] in the configuration do not name it"
        )
    setting = BUDGETS.get(command_type)
    if setting is not None and policy.per_day(command_type) is None:
        what = "sends no SMS" if command_type == SMS_SEND_NAME else "takes no campaigns"
        return f"the system {system!r} has no {setting}, so it {what}"
    return None


def _command(
    request: Request, policy: Policy, *, by: str, key: str | None, now: datetime, command_id: str
) -> Command:
    not_before = max(now, request.not_before or now)
    on_holiday = getattr(request, "on_holiday", OnHoliday.FAIL)
    patience = max(policy.expires, LONGEST_HOLIDAY) if on_holiday is OnHoliday.WAIT else policy.expires
    expires_at = request.expires_at or not_before + patience
    if expires_at <= now:
        raise Refused(Why.TOO_LATE, "has passed already", "expires_at")
    units = units_of(request)
    return Command(
        id=command_id,
        system=request.system,
        type=request.type,
        params=params_of(request),
        created_by=by,
        created_at=now,
        not_before=not_before,
        expires_at=expires_at,
        due_at=not_before,
        on_holiday=on_holiday,
        idempotency_key=key,
        estimate=units,
        units=units or 0.0,
        day=None if units is None else policy.day(not_before),
        is_start_given=request.not_before is not None,
        is_end_given=request.expires_at is not None,
    )


def _budget(db: sa.Connection, command: Command, policy: Policy) -> float | None:
    """What is left of the budget besides a command; Refused where that is less than nothing."""
    per_day = policy.per_day(command.type)
    if command.estimate is None or command.day is None or per_day is None:
        return None
    used = budgets.used(db, command.system, command.type, command.day)
    besides = per_day - used - command.estimate
    if besides < -ROUNDING:
        raise Refused(
            Why.OVER_BUDGET,
            f"it may cost {amounts.at_least(command.estimate)} units, and of the "
            f"{amounts.at_most(per_day)} that the system {command.system!r} may spend on "
            f"{command.day} {amounts.at_most(per_day - used)} are left "
            f"({BUDGETS[command.type]})",
            "params.to" if command.type == SMS_SEND_NAME else "params.phones",
        )
    return amounts.left(besides)


def _content(request: Request) -> dict[str, Json]:
    """What makes two requests ask for the same."""
    return {
        "type": request.type,
        "system": request.system,
        "params": params_of(request),
        "not_before": iso_or_none(request.not_before),
        "expires_at": iso_or_none(request.expires_at),
        "on_holiday": getattr(request, "on_holiday", OnHoliday.FAIL).value,
    }
