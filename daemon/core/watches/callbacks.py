"""The platform's own call-back lists: who asked a queue to be called back (QueueCallBack). Pure.

A request that is in the list no more is gone, and why the platform does not say: it may have been served,
given up, or removed. Who is in a list, and who is to be called back, is one: `core/missed.py`; so this watch
has no events of its own. A list that comes out empty is believed once it has been so twice.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from daemon.core.missed import DONE_TYPE, DUE_TYPE
from daemon.core.model import Change, Fact, Json
from daemon.core.timestamps import from_iso, iso_or_none
from daemon.core.watches import queues
from daemon.core.watches.subjects import Subject

EMPTY_AFTER = 2
"""Ours. Empty lists in a row before one is believed."""
_NUMBER = re.compile(r"[0-9]{1,18}")
REQUEST, BASELINE = "request", "is_baseline"
"""Keys of what is handed on to `pipeline/missed.py`, which makes events of it."""


@dataclass(frozen=True)
class Request:
    """Somebody who asked to be called back."""

    id: str
    phone: str
    asked_at: datetime | None
    attempts: int | None = None
    """How often the platform has tried."""


@dataclass(frozen=True)
class Observation:
    """QueueCallBack, action `getList`."""

    requests: tuple[Request, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """Who was in the list."""

    requests: Mapping[str, str] = field(default_factory=dict)
    """Phone by id."""
    empties: int = 0


def watch_name(path: str) -> str:
    """Of the list of a queue: `callbacks/5`."""
    return f"callbacks/{path.strip('/') or '.'}"


def diff(
    before: State | None, seen: Observation, queue: queues.Queue, when: datetime, *, is_emitting: bool
) -> Change[State]:
    """Who is in the list and was not, and who is not any more. Who is there at first is to be called back as
    well, but that is no news."""
    known = before or State()
    if known.requests and not seen.requests and known.empties + 1 < EMPTY_AFTER:
        return Change(State(known.requests, known.empties + 1), is_moving=True)
    now = {one.id: one for one in seen.requests}
    about: dict[str, Json] = {"queue": {"path": queue.path, "name": queue.name}}
    gone = [one for one in known.requests if one not in now]
    facts = [Fact(DONE_TYPE, queue.subject, {**about, REQUEST: {"id": _of(queue, one)}}) for one in gone]
    for one in seen.requests:
        if one.id in known.requests:
            continue
        at = min(one.asked_at, when) if one.asked_at else when
        request = {"id": _of(queue, one.id), "phone": one.phone, "at": iso_or_none(at)}
        is_baseline = before is None and not is_emitting
        facts.append(Fact(DUE_TYPE, queue.subject, {**about, REQUEST: request, BASELINE: is_baseline}))
    return Change(State({one.id: one.phone for one in seen.requests}), tuple(facts))


def _of(queue: queues.Queue, request: str) -> str:
    """A request as it is known beyond its list."""
    return f"{queue.path}#{request}"


def request_id(request: str | None) -> int | None:
    """The platform's id of a request, for `queue.callback.remove`; None: it is no number."""
    known = (request or "").rpartition("#")[2]
    return int(known) if _NUMBER.fullmatch(known) else None


def subjects() -> list[Subject]:
    """None: how the queue stands, its own watch sees."""
    return []


def saw(seen: Observation) -> dict[str, Json]:
    """Who is in the list."""
    return {
        "callbacks": [
            {
                "id": one.id,
                "phone": one.phone,
                "asked_at": iso_or_none(one.asked_at),
                "attempts": one.attempts,
            }
            for one in seen.requests
        ]
    }


def dump(state: State) -> dict[str, object]:
    """The state as JSON."""
    return asdict(state)


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    return State(**stored)


def asked_at(text: str | None) -> datetime | None:
    """A time of the list, which is UTC: `2026-05-03T07:14:11.000Z`."""
    return None if text is None else from_iso(text)
