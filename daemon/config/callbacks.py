"""`[[systems.callbacks]]`: a queue's own call-back list."""

from typing import Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from daemon.config.values import Every, Text, Word
from daemon.config.watches import Initial, WatchSettings
from daemon.core import missed
from daemon.core.durations import MINUTE
from daemon.core.model import EventTypes


class CallbackWatch(WatchSettings):
    """`[[systems.callbacks]]`: who asked a queue to be called back."""

    gives: ClassVar[tuple[EventTypes, ...]] = (missed.EVENTS,)
    path: Word
    """The queue, exactly as written for it."""
    name: Text = Field(default=None, validate_default=True)
    every: Every = MINUTE
    initial: Initial = "baseline"

    @field_validator("name", mode="before")
    @classmethod
    def _is_called_by_its_path(cls, name: Any, info: ValidationInfo) -> Any:
        return info.data.get("path", "?") if name is None else name
