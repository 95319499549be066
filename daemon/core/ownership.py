"""Which member of several has what: shared out by rendezvous hashing, and who of them lives.

Each member works it out for itself, of what all of them see in the store, and all come to the same. That two
of them see different things for a moment does no harm: what is taken is taken in a transaction, and the
fencing token says who has it.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

JOINED = "joined"
ENDING = "it is ending"
"""Why nothing is shared out any more to a member that differs in nothing."""
HOUSE = "house"
"""The one duty: what one member does for all, such as reminding, and forgetting what has served."""
DEAD_AFTER = 10.0
"""Seconds for which a counter stood still, by the clock of who looks."""
DEAD_WITHOUT_SESSION = 4.0
"""The same where its session is gone, as the database knows at once of a process that was killed."""
SILENT_AFTER = 3.0
"""Seconds for which a counter stood still, before anybody is shown that: it moves each second."""
LOOKED_AWAY = 3.0
"""Seconds between two looks, after which who looks had stopped itself, and counts none of them."""
MOST_MOVED = 64
"""Given to other members in one look, who have to take them up while all the rest goes on; or more …"""
LEAST_LOOKS = 50
"""… so that in as many looks all of it could be given."""
READY_AFTER = 3
"""Renewals. Who is new knows by then what time it is, and takes what it is given at once."""


class Kind(StrEnum):
    """What is shared out."""

    SYSTEM = "system"
    """Its polls, its pauses, its commands."""
    ENDPOINT = "endpoint"
    """Its deliveries, its health, its rate; endpoints that share a server are one."""
    DUTY = "duty"


@dataclass(frozen=True)
class Member:
    """One daemon of several on a database."""

    name: str
    incarnation: str
    """Of its process."""
    lock: int
    """What its session holds while it is there."""
    counter: int
    """Grows while it lives."""
    joined_at: datetime
    version: str
    fingerprint: str
    """Of the configuration that it read."""
    read_at: datetime
    key: str
    """Fingerprint of its key file; "": it has none."""
    differs: str | None = None
    """Why nothing is shared out to it."""
    told: str | None = None
    """What was told of it last: `JOINED`, or why it differs."""


@dataclass(frozen=True)
class Among:
    """Who a member is, and who else lives; the one daemon of a database has no name."""

    me: str | None = None
    others: frozenset[str] = frozenset()


ALONE = Among()


class Share(NamedTuple):
    """What a member can have."""

    kind: Kind
    name: str


@dataclass(frozen=True)
class Holding:
    """Who has a share, and since when."""

    kind: Kind
    name: str
    member: str | None
    """None: nobody."""
    token: int
    """The fencing token: another one each time that it is taken."""
    since: datetime

    @property
    def share(self) -> Share:
        """What is held."""
        return Share(self.kind, self.name)


def owner(share: Share, members: Iterable[str]) -> str | None:
    """Whose a share is among these members; None: there are none. Where one comes or goes, only what is
    its own moves (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998)."""
    return max(members, key=lambda one: (_weight(one, share), one), default=None)


def _weight(member: str, share: Share) -> bytes:
    return blake2b(f"{member}\0{share.kind}\0{share.name}".encode(), digest_size=8).digest()


@dataclass(frozen=True)
class Plan:
    """What a member does of its own accord."""

    take: Sequence[Share]
    give: Sequence[Share]
    """To another, once nothing of it is under way."""
    has_more: bool = False
    """There is more to give, the next time."""


def plan(
    me: str,
    wanted: Collection[Share],
    holdings: Mapping[Share, Holding],
    members: Collection[str],
    *,
    ready: Container[str] | None = None,
    most: int | None = None,
) -> Plan:
    """What to take and what to give back, `me` being one of the members or not.

    `wanted`: all that there is to share out; `holdings`: who has what now. What nobody has is taken at once,
    however much it is; what another is to have is given back a little at a time, `most` of it, and only to
    who is `ready` (None: all are).
    """
    bound = max(MOST_MOVED, len(wanted) // LEAST_LOOKS) if most is None else most
    take, give = [], []
    for share in sorted(wanted):
        held = holdings.get(share)
        holder = held.member if held else None
        if holder is None and owner(share, members) == me:
            take.append(share)
        elif holder == me and (to := owner(share, members)) != me:
            give += [share] if to is None or ready is None or to in ready else []
    gone = sorted(share for share, held in holdings.items() if held.member == me and share not in wanted)
    return Plan(take, [*gone, *give[:bound]], has_more=len(give) > bound)


@dataclass
class _Seen:
    incarnation: str
    counter: int
    still: float = 0.0
    """Seconds, seen by us, since the counter moved."""


@dataclass
class Lives:
    """Who of the others lives, as one member sees it, by its own monotonic clock: the database's may be
    set. For one thread."""

    _seen: dict[str, _Seen] = field(default_factory=dict)
    _at: float | None = None

    def look(self, members: Iterable[Member], connected: Collection[str], at: float) -> list[Member]:
        """Take in what the store says at a time, in seconds. Returns those that are dead."""
        passed = 0.0 if self._at is None else at - self._at
        if not 0 <= passed <= LOOKED_AWAY:
            passed = 0.0
        self._at = at
        before, self._seen = self._seen, {}
        dead = []
        for one in members:
            seen = before.get(one.name)
            if seen is None or (seen.incarnation, seen.counter) != (one.incarnation, one.counter):
                seen = _Seen(one.incarnation, one.counter)
            else:
                seen.still += passed
            self._seen[one.name] = seen
            if seen.still >= (DEAD_AFTER if one.name in connected else DEAD_WITHOUT_SESSION):
                dead.append(one)
        return dead

    def silent(self) -> dict[str, float]:
        """Those whose counter has not moved as it should, and for how many seconds of ours."""
        return {name: one.still for name, one in self._seen.items() if one.still >= SILENT_AFTER}

    def interrupted(self) -> None:
        """The store did not answer, so nobody could be seen to live: what passes until the next look does not
        count."""
        self._at = None
