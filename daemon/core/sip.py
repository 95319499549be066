"""SIP accounts: which are registered, which came and went."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Observation:
    """One answer of GetSipAccountsRegisteredStatus."""

    registered: Mapping[str, bool | None]
    """By user name; None where the field was missing or unreadable: unknown, never guessed."""
    problems: tuple[str, ...] = ()
