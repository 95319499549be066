"""What a phone system was found to have: accounts, extensions, the balance; and what could not be learned.

Pure. None says "not learned", with its reason in `Inventory.problems`; an empty tuple says "there is none".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from daemon.core.model import Failure, Unknown

QUEUES = frozenset({"queue", "routing_queue"})
"""`extType` of extensions where callers wait, by the platform's module topics."""
UNPROVEN_QUEUES = frozenset({"routing_queue"})
"""Another engine: whether GetQueueRealTime serves it is documented nowhere, so it is tried."""
RECORDINGS = frozenset({"record"})
VOICEMAIL = "voicemail"
"""How the other types begin whose folders get recordings."""

WORDS: Mapping[Failure, str] = {
    Failure.UNREACHABLE: "the API cannot be reached",
    Failure.TIMEOUT: "the API did not answer in time",
    Failure.FILTERED: "something else than the API answered, such as a content filter",
    Failure.SERVER_ERROR: "the API itself failed",
    Failure.THROTTLED: "the API wants to be left alone for a while",
    Failure.TOKEN_REJECTED: "the token is wrong, or has expired",
    Failure.REFUSED: "not allowed, or not supported",
    Failure.MALFORMED: "the answer cannot be read",
    Failure.OURS: "an error of yemotd's own",
}
"""How a call failed, in words for people."""
AWAY = frozenset({Failure.UNREACHABLE, Failure.TIMEOUT, Failure.FILTERED, Failure.SERVER_ERROR})
"""The API was not heard: what is asked next will fare no better."""


class Part(Enum):
    """What is looked for, each with its own question."""

    UNITS = "units"
    SIP = "sip"
    PIRSUMPHONE = "pirsumphone"
    SMS = "sms"
    EXTENSIONS = "extensions"


@dataclass(frozen=True)
class Account:
    """A SIP account."""

    user_name: str
    is_registered: bool | None


@dataclass(frozen=True)
class Extension:
    """A folder of the tree that does something when it is called."""

    path: str
    """`/` is the main one, `/1/2` an inner one."""
    type: str
    title: str = ""
    """What its owner calls it, in whatever language; "" where it has no name."""
    not_watched: str = ""
    """Why it cannot be watched though its type says so; "": it can, as far as is known."""

    @property
    def is_queue(self) -> bool:
        """Whether callers wait there for agents, and it can be watched."""
        return self.type in QUEUES and not self.not_watched

    @property
    def has_recordings(self) -> bool:
        """Whether its folder gets recordings of callers."""
        return self.type in RECORDINGS or self.type.startswith(VOICEMAIL)

    @property
    def queue_path(self) -> str:
        """The same as queues are asked for: the main extension is `.`."""
        return "." if self.path == "/" else self.path


@dataclass(frozen=True)
class Inventory:
    """What was found, with what it cost."""

    accounts: tuple[Account, ...] | None = None
    extensions: tuple[Extension, ...] | None = None
    units: float | None = None
    units_expire_on: date | None = None
    pirsumphone: bool | None = None
    has_sms: bool | None = None
    """False: no message was shown, which does not prove that none can come."""
    problems: Mapping[Part, str] = field(default_factory=dict)
    """Why a part was not learned, in words."""
    calls: int = 0
    """Requests that were made for it."""
    cut: str = ""
    """Why not all extensions were looked at; "" where all were that are looked at."""

    @property
    def queues(self) -> tuple[Extension, ...]:
        return tuple(one for one in self.extensions or () if one.is_queue)

    @property
    def recordings(self) -> tuple[Extension, ...]:
        return tuple(one for one in self.extensions or () if one.has_recordings)


def why(unknown: Unknown) -> str:
    """A failed answer in words: what kind of failure, and what was said."""
    words = WORDS[unknown.failure]
    return f"{words} ({unknown.message})" if unknown.message else words
