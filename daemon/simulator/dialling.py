"""How a simulated campaign goes on: whom it has called, who answered, what it has cost."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from daemon.simulator.spelling import SimulationError

DIALLING_PRICE = 0.1
"""Units for every number that is dialled."""
MINUTE_PRICE = 1.0
LEAST_CALL_PRICE = 0.5
"""Units for a call that is answered. All three by the documents of CallExtensionBridging."""


class Entry(Enum):
    """How a number stands."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass
class Dialling:
    """One campaign at work. Its numbers are called one after the other, as somebody says how each call
    went."""

    entries: dict[str, Entry]
    began: datetime
    word: str = "RUNNING"
    answered: int = 0
    price: float = 0.0
    """As GetCampaignStatus shows it: what was dialled, and talked."""
    ended: datetime | None = field(default=None)

    def called(self, *, answered: bool, seconds: int, now: datetime, phone: str | None = None) -> float:
        """The next number is called, or this one. Returns the price of the talk; the last one ends it."""
        waiting = [one for one, entry in self.entries.items() if entry is Entry.PENDING]
        if not waiting or (phone is not None and phone not in waiting):
            raise SimulationError(f"the campaign has no number {phone or ''} left to call".replace("  ", " "))
        self.entries[phone or waiting[0]] = Entry.DONE if answered else Entry.FAILED
        talk = round(max(MINUTE_PRICE * seconds / 60, LEAST_CALL_PRICE), 2) if answered else 0.0
        self.answered += answered
        self.price = round(self.price + DIALLING_PRICE + talk, 2)
        if len(waiting) == 1:
            self.end("FINISHED", now)
        return talk

    def end(self, word: str, now: datetime) -> None:
        """It calls nobody any more."""
        for phone, entry in self.entries.items():
            if entry is Entry.PENDING:
                self.entries[phone] = Entry.CANCELED
        self.word, self.ended = word, self.ended or now

    def count(self, entry: Entry) -> int:
        """How many numbers stand so."""
        return sum(one is entry for one in self.entries.values())

    @property
    def dialled(self) -> int:
        """Calls that were made."""
        return self.count(Entry.DONE) + self.count(Entry.FAILED)
