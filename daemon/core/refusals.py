"""What an operator asked for and does not get: why, in words, and which part of the asking is to blame. Pure.

The same for the command line and for HTTP, which each spell the parts in their own way: the words name a
part in backticks, as in "give one of `for` and `ends_at`".
"""

from enum import Enum


class Why(Enum):
    """Whose matter it is."""

    MISSING = "missing"
    """There is no such thing."""
    WRONG = "wrong"
    """It makes no sense, whatever the world is like."""
    CONFLICT = "conflict"
    """It cannot be done as things stand."""


class Refused(Exception):
    """Ends what an operator asked for; nothing has changed."""

    def __init__(self, why: Why, message: str, *fields: str) -> None:
        super().__init__(message)
        self.why = why
        self.fields = fields
        """The parts of the asking that are to blame."""
