"""The link in a mail by which its reader says that they have an incident: `/ack/{token}`. Pure.

A token says which incident, which endpoint the mail went to, and when that was, and is signed by a key of
this installation. Who has it may see what the incident is about and acknowledge it, for a day, and nothing
else. It is made of the time of the event that is mailed: a mail that goes out again has the same link.
"""

from dataclasses import dataclass
from datetime import datetime

from daemon.core import signed_links
from daemon.core.durations import DAY

PURPOSE = "links of acknowledgement"
"""Of the key: what it is derived for."""
PREFIX = "/ack/"
LASTS = DAY
"""Also the other way: where the clock was set back since, a link is from the future."""
USE = b"acknowledge"


@dataclass(frozen=True)
class Link:
    """What a token says."""

    incident: str
    endpoint: str
    made_at: datetime

    def counts(self, now: datetime) -> bool:
        """Whether it may still be used."""
        return abs(now - self.made_at) < LASTS


def path(key: bytes, incident: str, endpoint: str, at: datetime) -> str:
    """The path of the link, below `[http] url`; `at`: when what is mailed happened."""
    return f"{PREFIX}{signed_links.token(key, USE, incident, endpoint, at)}"


def path_by(key: bytes | None, incident: str, endpoint: str, at: datetime) -> str | None:
    """The same; None without a key."""
    return None if key is None else path(key, incident, endpoint, at)


def read(key: bytes, token: str) -> Link | None:
    """What a token says; None for whatever was not made by this key."""
    said = signed_links.read(key, USE, token)
    return None if said is None else Link(*said)
