"""Commands, and what a command would cost, as JSON."""

from typing import Any

from pydantic import Field

from daemon.core.commands import command as commands
from daemon.core.commands.command import Status as CommandStatus
from daemon.core.timestamps import iso
from daemon.schemas.documents import Document, Failure, words


class CommandError(Failure):
    """Why a command failed, or its last attempt."""

    code: int | None = Field(description="The API's own, or the HTTP status")


class Command(Document):
    """A command, and what came of it so far."""

    id: str = Field(examples=["cmd_01ARZ3NDEKTSV4RRFFQ69G5FAV"])
    type: str = Field(examples=["queue.kick"])
    system: str
    params: dict[str, Any]
    status: str = Field(json_schema_extra=words(CommandStatus), examples=["queued"])
    created_by: str = Field(description="The token's name, or the user of the command line")
    created_at: str
    not_before: str
    expires_at: str
    on_holiday: str
    idempotency_key: str | None
    estimated_units: float | None = Field(description="None: it costs nothing")
    attempts: int
    is_doubtful: bool = Field(description="An attempt without an answer may have carried it out")
    started_at: str | None
    ended_at: str | None
    result: Any = Field(description="By the type of the command; item by item where it has items")
    error: CommandError | None
    check: str | None = Field(description="What to look at, where the outcome is not known")
    due_at: str | None = Field(default=None, description="When it is tried; None in events")

    @classmethod
    def of(cls, command: "commands.Command") -> "Command":
        return cls(**command.document(), due_at=iso(command.due_at))


class CommandPage(Document):
    """Commands, the newest first."""

    commands: list[Command]
    next: str | None = Field(description="Pass it as `before` to go on")
    has_more: bool


class Cost(Document):
    """What a campaign, or SMS, may cost, by the documented prices, in units."""

    numbers: int
    is_exact: bool = Field(description="False: a stored list, taken to be as long as a campaign may be")
    dialling: float | None = Field(description="If nobody answers; null: it is no campaign")
    units: float = Field(
        description="Of SMS, or if everybody answers, at the least price; counts for the budget"
    )
    per_minute: float | None = Field(
        description="What each minute of an answered call costs; null: it is no campaign"
    )
    parts: int | None = Field(None, description="Of 70 characters, each of which is charged; null: no SMS")
    day: str | None = Field(description="Whose budget it counts on")
    budget_left: float | None = Field(description="Of that day's budget, besides it")


class Rehearsal(Document):
    """The command that would be given, with its parameters in their final form."""

    type: str
    system: str
    params: dict[str, Any]
    cost: Cost | None
    not_before: str | None = None
    expires_at: str | None = None
