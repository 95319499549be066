"""How a simulated queue counts its callers, and the rows of its log: `LogQueueAll.2026-11-30.ymgr`.

What the platform's counters count is not wholly documented, so each way that may be is a switch. Which time a
row of the log has is not documented either.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from daemon.simulator.spelling import day_of, local


class Exit(Enum):
    """How somebody left a queue, in the words of the log."""

    ANSWERED = "CONTINUE"
    HUNG_UP = "Hangup (NotActive)"
    TIMED_OUT = "TIMEOUT"
    FULL = "FULL"
    NOBODY_THERE = "JOINEMPTY"
    ALL_LEFT = "LEAVEEMPTY"


@dataclass(frozen=True)
class Counting:
    """What a queue's counters count, and when."""

    at_end: bool = False
    """An answered call is counted when it ends, as Asterisk does; else when it is answered."""
    timed_out: bool = True
    """Whoever does not wait any longer for the queue's settings counts as abandoned."""
    kicked: bool = False
    """As does whoever is put out by QueueManagement."""
    is_smooth: bool = False
    """`Holdtime` moves a quarter of the way to each wait, as Asterisk's does; else it is the mean of all."""


class Dated(Enum):
    """What the time of a row of the log is that of."""

    JOINED = "joined"
    LEFT = "left"
    ENDED = "ended"


@dataclass(frozen=True)
class Row:
    """One caller in the log, once he is gone."""

    folder: str
    phone: str
    joined_at: datetime
    left_at: datetime
    ended_at: datetime
    exit: Exit
    answered_by: str = ""

    def line(self, dated: Dated) -> bytes:
        """As the file has it."""
        at = local(
            {Dated.JOINED: self.joined_at, Dated.LEFT: self.left_at, Dated.ENDED: self.ended_at}[dated]
        )
        waited = _seconds(self.joined_at, self.left_at)
        talked = _seconds(self.left_at, self.ended_at)
        fields = {
            "Folder": self.folder or "main",
            "Phone": self.phone,
            "Date": f"{at:%d/%m/%Y}",
            "Time": f"{at:%H:%M:%S}",
            "QueueStatus": self.exit.value,
            "QueueWaitingSeconds": str(waited),
            "QueueTotalSeconds": str(waited + talked),
            "AnswerNumber": self.answered_by,
            "AnswerSeconds": str(talked) if self.exit is Exit.ANSWERED else "",
        }
        return ("%".join(f"{name}#{value}" for name, value in fields.items()) + "\n").encode()

    def file(self, dated: Dated) -> str:
        """The name of the file that it stands in: one for each day of the platform's calendar."""
        return f"LogQueueAll.{day_of(self._at(dated))}.ymgr"

    def _at(self, dated: Dated) -> datetime:
        times = {Dated.JOINED: self.joined_at, Dated.LEFT: self.left_at, Dated.ENDED: self.ended_at}
        return times[dated]


def _seconds(since: datetime, until: datetime) -> int:
    return max(int((until - since).total_seconds()), 0)
