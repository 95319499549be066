"""The link in a mail by which its reader hears a recording: `/r/{token}`. Pure.

A token says which event's recording, to which endpoint the mail went, and when the event was, and is signed
by a key of this installation. Who has it may fetch that file, for as long as `[http] recording_links` says,
and nothing else. It is made of the time of the event: a mail that goes out again has the same link.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.core import signed_links
from daemon.core.durations import DAY

PURPOSE = "links of recordings"
"""Of the key: what it is derived for."""
PREFIX = "/r/"
LONGEST = 7 * DAY
"""That `recording_links` may be."""
USE = b"recording"


@dataclass(frozen=True)
class Link:
    """What a token says."""

    event: str
    endpoint: str
    made_at: datetime

    def counts(self, now: datetime, lasts: timedelta) -> bool:
        """Whether it may still be used. Where the clock was set back since, it is from the future."""
        return abs(now - self.made_at) < min(lasts, LONGEST)


def path(key: bytes, event: str, endpoint: str, at: datetime) -> str:
    """The path of the link, below `[http] url`; `at`: when the event was."""
    return f"{PREFIX}{signed_links.token(key, USE, event, endpoint, at)}"


def read(key: bytes, token: str) -> Link | None:
    """What a token says; None for whatever was not made by this key."""
    said = signed_links.read(key, USE, token)
    return None if said is None else Link(*said)
