"""New deliveries on their shortest way: from whoever commits them to the dispatcher, with their leases.

    Taker.opening                what the dispatcher takes at once    asked within the transaction
    outbox.add                   rows that are leased from the start  written
    commit
    Taker.hand_over              the messages                         before another transaction begins

So nothing is looked for, claimed or read again before it is sent. Where the process ends in between, the
leases are given back at the next start, as those of what was under way; where nothing is taken at once, what
was added waits to be claimed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from daemon.core.delivery.outcome import Message
from daemon.core.routing.plan import Planned
from daemon.store import happened, outbox
from daemon.store.outbox import NO_OPENINGS, Opening


class Taker(Protocol):
    """Who sends; callable from every thread."""

    def opening(self, endpoint: str, now: datetime) -> Opening | None:
        """How much of what is new for an endpoint would be sent at once; None: nothing."""

    def hand_over(self, messages: Sequence[Message]) -> None:
        """Send these; they are leased, and committed."""

    def wake(self) -> None:
        """There may be more, to be claimed."""


class Nobody:
    """Nothing is sent from here."""

    def opening(self, _endpoint: str, _now: datetime) -> None:
        return None

    def hand_over(self, messages: Sequence[Message]) -> None:
        raise AssertionError(f"nothing was to be leased: {messages}")

    def wake(self) -> None:
        pass


class Handover:
    """The way to whoever sends, once there is one."""

    def __init__(self) -> None:
        self.to: Taker = Nobody()

    def add(self, db: sa.Connection, planned: Sequence[Planned], now: datetime) -> None:
        """Add deliveries; by the commit, hand over what may be sent at once, and wake for the rest."""
        # What is undone by a savepoint is not heard of here, and must not be sent.
        openings = NO_OPENINGS if happened.is_within_savepoint(db) else self._openings(planned, now)
        messages = outbox.add(db, planned, now, openings=openings)
        if messages:
            happened.then(db, lambda: self.to.hand_over(messages))
        if len(messages) < len(planned):
            happened.then(db, self.to.wake)

    def _openings(self, planned: Iterable[Planned], now: datetime) -> Mapping[str, Opening]:
        asked = {one: self.to.opening(one, now) for one in dict.fromkeys(each.endpoint for each in planned)}
        return {endpoint: opening for endpoint, opening in asked.items() if opening is not None}
