"""Which calls a number has in the queues: `yemotd command kick` takes a caller out by it.

The platform wants the ids of calls; they are looked up among the callers of the queues that are watched, as
they were seen last.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daemon.cli.output import Fatal, age
from daemon.cli.sources import Here, There
from daemon.cli.status import status_of
from daemon.core import phones
from daemon.core.timestamps import from_iso
from daemon.core.watches.subjects import SubjectKind
from daemon.schemas.status import Status
from daemon.schemas.subjects import SubjectStatus


@dataclass(frozen=True)
class Waiting:
    """A queue, and the calls of a number that wait in it."""

    system: str
    path: str
    call_ids: list[str]


def waiting(number: str, daemon: Here | There, *, system: str | None, queue: str | None) -> Waiting:
    """Where the number waits, of those systems and queues. Raises `Fatal` (exit 65) where it waits nowhere
    that is known, or in several queues."""
    wanted = phones.phone(number) or number
    shown = daemon.one(Status, lambda place: status_of(place, with_details=True), query={"details": True})
    queues = [
        (one.name, subject)
        for one in shown.systems
        if system in (None, one.name)
        for subject in one.subjects
        if subject.kind == SubjectKind.QUEUE.value
        and queue in (None, _path(subject), subject.name, subject.subject)
    ]
    found = [
        Waiting(of, _path(subject), calls)
        for of, subject in queues
        if (calls := [str(one["call_id"]) for one in _callers(subject) if _is(one, wanted)])
    ]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(f"{one.path} of {one.system}" for one in found)
        raise Fatal(f"{number} waits in {several}: say which by --queue and --system", os.EX_USAGE)
    now = from_iso(shown.now) or daemon.now()
    looked = (
        ", ".join(f"{_path(one)} of {of} (seen {_seen(one, now)})" for of, one in queues)
        or "no queue is watched"
    )
    raise Fatal(f"{number} is not known to wait anywhere: {looked}", os.EX_DATAERR)


def _seen(subject: SubjectStatus, now: datetime) -> str:
    unread = (subject.details or {}).get("unread") or []
    return "callers cannot be read" if "callers" in unread else age(from_iso(subject.seen_at), now)


def _path(subject: SubjectStatus) -> str:
    return "/" + subject.subject.removeprefix("queue/").removeprefix(".")


def _callers(subject: SubjectStatus) -> Iterator[dict[str, Any]]:
    callers = (subject.details or {}).get("callers")
    for one in callers if isinstance(callers, list) else []:
        if isinstance(one, dict) and one.get("call_id"):
            yield one


def _is(caller: dict[str, Any], wanted: str) -> bool:
    said = str(caller.get("phone") or "")
    return (phones.phone(said) or said) == wanted
