"""The demo's last page: whether what happened, what was written and what was received are the same."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.store import database as databases
from daemon.store import events
from daemon.store.events import Query

ALL = 1_000_000
"""Events; more than any demonstration writes."""


@dataclass(frozen=True)
class Check:
    """One thing that must hold, and whether it did."""

    is_good: bool
    text: str


def checks(
    database: str, received: Mapping[str, bytes], sent_texts: Iterable[str], refused: int
) -> list[Check]:
    """Compare the messages that were sent, the daemon's store and what the receiver took."""
    store = databases.connect(database)
    with store.read() as db:
        written = [event for _, event in events.read(db, Query(limit=ALL))]
    store.close()
    bodies = {event.id: event.body for event in written}
    lost = [event for event, body in bodies.items() if received.get(event) != body]
    invented = [event for event in received if event not in bodies]
    sequences: dict[str, list[int]] = {}
    for event in written:
        sequences.setdefault(event.system, []).append(event.sequence)
    has_gap = any(found != list(range(1, len(found) + 1)) for found in sequences.values())
    sent = Counter(sent_texts)
    told = Counter(_texts(json.loads(event.body) for event in written))
    return [
        Check(
            not lost, f"{len(bodies)} events written, {len(bodies) - len(lost)} received as they were written"
        ),
        Check(not invented, f"{len(invented)} received that were never written"),
        Check(refused == 0, f"{refused} requests with a wrong signature, time or body"),
        Check(not has_gap, "sequences without a gap" if not has_gap else "a sequence has a gap"),
        Check(
            sent == told, f"{sent.total()} SMS arrived, {told.total()} were told, each as often as it came"
        ),
    ]


def dialling(wanted: Sequence[str], dialled: Sequence[str]) -> Check:
    """Whether a campaign that was given twice called each number once."""
    return Check(
        sorted(wanted) == sorted(dialled),
        f"a campaign given twice under one key: {len(wanted)} numbers, {len(dialled)} calls",
    )


def _texts(bodies: Iterable[dict[str, Any]]) -> Iterable[str]:
    return (body["data"]["sms"]["text"] for body in bodies if body["type"] == "sms.received")
