"""Why a command that is queued has not been carried out yet, and until when. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from daemon.core.commands.command import HOLIDAY, Command, OnHoliday, is_too_early


class Wait(Enum):
    """What a queued command waits for."""

    NOT_BEFORE = "not_before"
    """It is not to be carried out earlier."""
    HOLIDAY = "holiday"
    """It was refused on Shabbat or a holiday, and goes again when that is over."""
    BEHIND = "behind"
    """Another of its system comes first."""
    PAUSED = "paused"
    """Its system is left alone: the API asked for that, or does not answer."""
    AGAIN = "again"
    """An attempt failed; the next one comes later."""
    DUE = "due"
    """Nothing: it goes at any moment."""


@dataclass(frozen=True)
class Waiting:
    """Why one waits."""

    why: Wait
    until: datetime | None = None
    """None: nobody can say."""
    behind: str | None = None
    """The id of the command that comes first."""


def waiting(
    command: Command, ahead: str | None, paused: timedelta | None, now: datetime, stepped: timedelta
) -> Waiting:
    """Why a queued command waits at a moment.

    `ahead`: the command of its system that comes first; `paused`: for how long the system is left alone yet;
    `stepped`: by how much the wall clock was set in all.
    """
    if is_too_early(command, now, stepped):
        is_holiday = command.on_holiday is OnHoliday.WAIT and _was_holiday(command)
        return Waiting(Wait.HOLIDAY if is_holiday else Wait.NOT_BEFORE, command.not_before)
    if ahead is not None:
        return Waiting(Wait.BEHIND, behind=ahead)
    if paused is not None:
        return Waiting(Wait.PAUSED, now + paused)
    if command.attempts and command.due_at > now:
        return Waiting(Wait.AGAIN, command.due_at)
    return Waiting(Wait.DUE)


def _was_holiday(command: Command) -> bool:
    return command.error is not None and command.error.code == HOLIDAY
