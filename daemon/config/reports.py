"""`[[systems.reports]]`: files of the platform that it appends to."""

from typing import Annotated, Any

from pydantic import AfterValidator, field_validator

from daemon.config.values import Every, Text, Word, once
from daemon.config.watches import Initial, WatchSettings
from daemon.core.durations import MINUTE
from daemon.core.watches import reports

EXTENSION = ".ymgr"
LONGEST_NAME = 100
"""Ours. Characters."""


def _is_no_payment(name: str) -> str:
    if reports.forbidden(name):
        raise ValueError("holds payments, which are never read")
    return name


def _is_one_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise ValueError(f"{len(name):,} characters; at most {LONGEST_NAME}")
    if "/" in name or name in (".", ".."):
        raise ValueError('expected a name without a folder, such as "ApprovalAll"; the folder is "path"')
    return name


class ReportWatch(WatchSettings):
    """`[[systems.reports]]`: one series of files: the name, with and without a date."""

    gives = (reports.EVENTS,)
    path: Annotated[Word, AfterValidator(_is_no_payment)]
    """The folder, exactly as written: `/1`, `/Log`."""
    file: Annotated[Word, AfterValidator(_is_one_name), AfterValidator(_is_no_payment)]
    """Without a date and without `.ymgr`."""
    every: Every = 5 * MINUTE
    """How often the folder is listed; a file is read when it has changed, and at most every 5 minutes."""
    fields: Annotated[tuple[Text, ...], AfterValidator(once)] = ()
    """What events tell of a row, by the platform's names; of all else nothing is kept."""
    initial: Initial = "baseline"

    @field_validator("file", mode="before")
    @classmethod
    def _is_called_without_its_end(cls, file: Any) -> Any:
        return file.removesuffix(EXTENSION) if isinstance(file, str) and file != EXTENSION else file
