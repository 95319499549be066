"""The SMS log: what one answer shows, what is remembered of it, and which messages are new."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One SMS as the log shows it. There is no id: equal rows are as many messages as there are rows."""

    sender: str
    """As the API gave it: `972…`, `0…`, or a name."""
    recipient: str
    text: str
    """Decoded."""
    raw_text: str
    """As it came, where decoding changed it; else equal to `text`."""
    server_date: str
    """Raw, as the API gave it; "" when it was missing."""


@dataclass(frozen=True)
class Observation:
    """One answer of GetSmsIncomingLog or GetIncomingSms: newest first, as the API sends it."""

    rows: tuple[Row, ...]
    limit: int
    """How many rows were asked for: fewer rows than this mean that the log holds no more."""
    problems: tuple[str, ...] = ()
    """What was missing or unreadable, for `api.schema_changed`; empty when all was understood."""
