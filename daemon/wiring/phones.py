"""The phones that are told by SMS, out of the configuration.

Each number of a `[[texts]]` is an endpoint of its own, `boss/0501234567`, as each address of an `[[emails]]`
is: what each was told the ledger knows by itself. They share the table's budget, so one member has them
together.
"""

from collections.abc import Iterator
from typing import NamedTuple

from daemon.config.settings import Config
from daemon.config.texts import TextSettings
from daemon.core.durations import MINUTE
from daemon.core.routing.schedule import Schedule

MARGIN = MINUTE
"""For the store, beside the deadline of the call."""


class Phone(NamedTuple):
    """One number, and what it wants."""

    endpoint: str
    to: str
    text: TextSettings


def phones(config: Config) -> Iterator[Phone]:
    """Every number that is told."""
    for text in config.texts:
        for number in text.to:
            yield Phone(f"{text.name}/{number}", number, text)


def schedule(text: TextSettings) -> Schedule:
    """How long messages are tried, as long as they surely did not leave."""
    return Schedule(("*",), text.retries, text.expires or None)
