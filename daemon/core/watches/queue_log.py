"""The log of a queue: a row for each caller once he is gone, with how he left and how long he waited. Pure.

It stands in the queue's own folder, and in `Log` for all queues of a system. What of it is new, and when it
is read, is as of any other report (`reports.py`). A row becomes the event that a poll would give, had it seen
how the caller left; who matches it with the caller whom polls saw is `pipeline/missed.py`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from daemon.core.durations import MINUTE
from daemon.core.model import Fact, Json
from daemon.core.timestamps import is_shown, iso
from daemon.core.watches import callers, queues
from daemon.core.watches.outcomes import LONGEST, Outcome
from daemon.core.watches.reports import ADDED

FILE, FOLDER = "LogQueueAll", "Log"
FIELDS = (
    "Folder",
    "Phone",
    "Date",
    "Time",
    "QueueStatus",
    "QueueWaitingSeconds",
    "QueueTotalSeconds",
    "AnswerNumber",
    "AnswerSeconds",
)
DIALLED = frozenset({"Phone", "AnswerNumber"})
"""Those that are phones, by the network's word."""
ANSWERED = "continue"
NOT_ANSWERED = ("timeout", "full", "joinempty", "leaveempty", "hangup", "joinunavail", "leaveunavail")
"""What a status begins with, in lower case. The last two are Asterisk's, and not in the platform's list."""
GIVES = frozenset({callers.ANSWERED, callers.ABANDONED})
"""The event types that its rows become."""
_SECONDS = re.compile(r"[0-9]{1,9}")
AHEAD = 10 * MINUTE
"""Ours. By so much the platform's clock may be ahead of ours."""


def watch_name(path: str) -> str:
    """The watch of a queue's log: `queue-log/5`."""
    return f"queue-log/{path.strip('/') or '.'}"


def told(facts: Sequence[Fact], queue: queues.Queue, now: datetime, zone: tzinfo) -> list[Fact]:
    """The callers that new rows of the log tell of; a row that cannot be read, or of another queue, is
    none."""
    rows = [one.payload["row"] for one in facts if one.type == ADDED]
    found = [_fact(one, queue, now, zone) for one in rows if isinstance(one, Mapping)]
    return [one for one in found if one is not None]


def outcome(status: str) -> Outcome | None:
    """How a caller left, by the word of the log; None: no word of its."""
    word = status.strip().casefold()
    if word.startswith(ANSWERED):
        return Outcome.ANSWERED
    return Outcome.ABANDONED if word.startswith(NOT_ANSWERED) else None


def _fact(row: Mapping[str, Json], queue: queues.Queue, now: datetime, zone: tzinfo) -> Fact | None:
    def said(name: str) -> str:
        return str(row.get(name) or "").strip()

    how, at = outcome(said("QueueStatus")), _moment(said("Date"), said("Time"), now, zone)
    if how is None or at is None or not _is_of(said("Folder"), queue.path):
        return None
    waited, total = _seconds(said("QueueWaitingSeconds")), _seconds(said("QueueTotalSeconds"))
    payload: dict[str, Json] = {
        "queue": {"path": queue.path, "name": queue.name, **callers.UNREAD},
        "caller": {
            "call_id": None,
            "phone": said("Phone"),
            "waited_seconds": None if waited is None else [waited, waited],
        },
        "source": callers.LOG,
        "logged": {
            "at": iso(at),
            "status": said("QueueStatus"),
            "total_seconds": total,
            "answered_by": said("AnswerNumber") or None,
        },
    }
    return Fact(callers.TYPES[how], queue.subject, payload)


def _is_of(folder: str, path: str) -> bool:
    """Whether a row is of a queue; one that does not say is of the folder that it stands in."""
    own = path.removeprefix("ivr2:").strip("/.") or "main"
    return not folder or (folder.removeprefix("ivr2:").strip("/.") or "main") == own


def _seconds(text: str) -> int | None:
    return int(text) if _SECONDS.fullmatch(text) and int(text) <= LONGEST else None


def _moment(date: str, time: str, now: datetime, zone: tzinfo) -> datetime | None:
    """A time of the platform's clocks. Of the hour that repeats in autumn, the later one that can be."""
    for form in ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M:%S"):
        try:
            naive = datetime.strptime(f"{date} {time}", form)  # noqa: DTZ007 - made aware below
        except ValueError:
            continue
        if not is_shown(naive):
            return None
        found = [naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
        past = [one for one in found if one <= now + AHEAD]
        return (past or found[:1])[-1].astimezone(now.tzinfo)
    return None
