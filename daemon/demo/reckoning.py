"""The demo's last page: whether what happened, what was written and what was received are the same."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.core.delivery.outcome import Status
from daemon.store import database as databases
from daemon.store import events, history
from daemon.store.events import Query
from daemon.store.history import DeliveryView

MANAGER = "manager"
"""Of its phones that are told by SMS."""
RECEIVER = "receiver"
"""The name of the demo's webhook."""
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
        deliveries = history.of_events(db, [event.id for event in written])
    store.close()
    bodies = {event.id: event.body for event in written}
    owed = _owed(bodies, deliveries)
    lost = [event for event in owed if received.get(event) != bodies[event]]
    invented = [event for event in received if event not in bodies]
    sequences: dict[str, list[int]] = {}
    for event in written:
        sequences.setdefault(event.system, []).append(event.sequence)
    has_gap = any(found != list(range(1, len(found) + 1)) for found in sequences.values())
    sent = Counter(sent_texts)
    told = Counter(_texts(json.loads(event.body) for event in written))
    return [
        Check(
            not lost,
            f"{len(owed)} events written for it, {len(owed) - len(lost)} received as they were written"
            f"{_of_types(bodies[event] for event in lost)}",
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


def followed(answered: int, told: Sequence[Mapping[str, Any]]) -> Check:
    """Whether the end of the one campaign was told once, with what it came to."""
    if len(told) != 1:
        return Check(is_good=False, text=f"the campaign's end was told {len(told)} times")
    (end,) = told
    text = f"the campaign is {end['outcome']}: {end['answered']} of {end['dialled']} calls answered"
    is_good = end["outcome"] == "finished" and end["answered"] == answered
    return Check(is_good, f"{text}, {end['price']} units, estimated {end['estimate']}")


def texted(database: str, taken: int) -> Check:
    """Whether as many SMS left for the manager as the daemon says, and none was refused: one whose outcome is
    unknown, for it was killed then, may have left or not."""
    store = databases.connect(database)
    with store.read() as db:
        written = [event.id for _, event in events.read(db, Query(limit=ALL))]
        ends = Counter(
            one.status for one in history.of_events(db, written) if one.endpoint.partition("/")[0] == MANAGER
        )
    store.close()
    sent, unknown = ends[Status.DELIVERED], ends[Status.UNKNOWN]
    unsure = f", {unknown} not known" if unknown else ""
    return Check(
        not ends[Status.DEAD] and sent <= taken <= sent + unknown,
        f"{sent} SMS to the manager were sent{unsure}, {taken} left",
    )


def _owed(bodies: Mapping[str, bytes], deliveries: Iterable[DeliveryView]) -> set[str]:
    """The events that the receiver has to have: every fact; of an alert's events those that were meant for
    it, unless a later one took their place. (A mailbox that learns of an alert when it is over gets an event
    of its own.)"""
    facts = {event for event, body in bodies.items() if "alert" not in json.loads(body)["data"]}
    return facts | {
        one.event for one in deliveries if one.endpoint == RECEIVER and one.status is not Status.SUPERSEDED
    }


def _of_types(bodies: Iterable[bytes]) -> str:
    """Of what was lost; "" where nothing was."""
    types = sorted({json.loads(body)["type"] for body in bodies})
    return f"; without {', '.join(types)}" if types else ""


def _texts(bodies: Iterable[dict[str, Any]]) -> Iterable[str]:
    return (body["data"]["sms"]["text"] for body in bodies if body["type"] == "sms.received")
