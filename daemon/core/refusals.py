"""What somebody asked for and does not get: why, in words, and which part of the asking is to blame. Pure.

The same for the command line and for HTTP, which each spell the parts in their own way: the words name a
part in backticks, as in "give one of `for` and `ends_at`".
"""

from enum import Enum


class Why(Enum):
    """Why it is refused; `web/problems.py` and `cli/output.py` say how each is answered."""

    MISSING = "missing"
    """There is no such thing."""
    WRONG = "wrong"
    """It makes no sense, whatever the world is like."""
    CONFLICT = "conflict"
    """It cannot be done as things stand."""
    NO_SUCH_SYSTEM = "no_such_system"
    """No system has the name for which a command is given."""
    NOT_ALLOWED = "not_allowed"
    """The configuration does not let the system take the command."""
    OVER_BUDGET = "over_budget"
    """It may cost more than is left of its day's budget."""
    TOO_LATE = "too_late"
    """Its time has passed already."""
    KEY_IN_USE = "key_in_use"
    """Its `Idempotency-Key` was given with something else."""


class Refused(Exception):
    """Ends what somebody asked for; nothing has changed."""

    def __init__(self, why: Why, message: str, *fields: str) -> None:
        super().__init__(message)
        self.why = why
        self.fields = fields
        """The parts of the asking that are to blame."""
