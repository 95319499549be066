"""The members of one database, and who of them has what. Functions take a connection.

`join`, `leave`, `bury`, `take` and `give` are for a `write()` transaction, in which nobody else of ours
writes; so what `kept` found stays so until the transaction that asked ends. `renew` waits for nobody.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from daemon.core.ownership import ALONE, Among, Holding, Kind, Member, Share
from daemon.store import happened
from daemon.store.dialects import insert_into
from daemon.store.happened import Topic
from daemon.store.prepared import Prepared
from daemon.store.schema import holdings as _holdings
from daemon.store.schema import members as _members

LOCKS = 0x796D
"""The class of the advisory locks that members' sessions hold, each with its own `lock`."""
AT_ONCE = 1_000
"""Shares taken by one statement: while thousands are taken, everybody waits who writes."""
_RENEW = Prepared(
    "UPDATE members SET counter = counter + 1 WHERE name = :name AND incarnation = :incarnation",
    "name", "incarnation",
)  # fmt: skip
_IS_IN_FORCE = "EXISTS (SELECT 1 FROM in_force WHERE name = 'configuration' AND fingerprint = :fingerprint)"
_TOKENS = Prepared(
    f"SELECT name, token FROM holdings WHERE kind = :kind AND member = :member AND {_IS_IN_FORCE}",  # noqa: S608 - our own words
    "kind", "member", "fingerprint",
)  # fmt: skip
_TOKEN = Prepared(
    "SELECT token FROM holdings WHERE kind = :kind AND name = :name AND member = :member"  # noqa: S608 - our own words
    f" AND {_IS_IN_FORCE}",
    "kind", "name", "member", "fingerprint",
)  # fmt: skip
_GIVE = Prepared(
    "UPDATE holdings SET member = NULL WHERE kind = :kind AND name = :name AND token = :token",
    "kind", "name", "token",
)  # fmt: skip
_HELD = sa.text(
    "SELECT CAST(objid AS bigint) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    " AND classid = :locks AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
).bindparams(locks=LOCKS)


STARTING = 1
"""The lock of who starts; those of members are above it."""
POLLING = 0
"""That of `yemotd poll`, which holds the other one as well for as long as it takes."""
_STARTER = sa.text(
    "SELECT activity.pid, host(client_addr) AS address, backend_start AS began, state_change AS stirred,"
    " EXISTS (SELECT FROM pg_locks AS other WHERE other.pid = activity.pid AND other.locktype = 'advisory'"
    "  AND other.granted AND other.classid = :locks AND other.objid <> :starting AND other.objsubid = 2"
    " ) AS is_member"
    " FROM pg_locks JOIN pg_stat_activity AS activity ON activity.pid = pg_locks.pid"
    " WHERE locktype = 'advisory' AND granted AND classid = :locks AND objid = :starting AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
).bindparams(locks=LOCKS, starting=STARTING)
_END_STARTER = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid = :pid AND backend_start = :began AND state_change = :stirred"
)


@dataclass(frozen=True)
class Starter:
    """Who holds the lock of who starts, as the server knows it; times are by the server's clock."""

    pid: int
    """Of its session on the server."""
    address: str | None
    """Where it comes from; None: from the server's own machine."""
    began: datetime | None
    stirred: datetime | None
    """When it last said something; None, as `began`: this user may not know."""
    is_member: bool
    """Or polls once; so it may have something in hand."""

    def __str__(self) -> str:
        return f"from {self.address or 'the server itself'}, its session there is process {self.pid}"


class Readable(Protocol):
    """What is read, and what is written, of a database."""

    def read(self) -> AbstractContextManager[sa.Connection]:
        """One reading transaction."""

    def write(self) -> AbstractContextManager[sa.Connection]:
        """One writing transaction."""


class Ownership(Protocol):
    """What this process has of what several share. Safe to ask from any thread."""

    def holds(self, kind: Kind, name: str) -> bool:
        """Whether something of a share may be begun now: nobody else can have begun it meanwhile."""

    def token(self, kind: Kind, name: str) -> int | None:
        """By which it has a share, as far as is known without asking: another one, where it was another's in
        between; None: it has it not, or not yet."""

    def kept(self, db: sa.Connection, kind: Kind, names: Iterable[str]) -> set[str]:
        """Which of these it has, until the transaction ends that asks."""

    @property
    def is_sole(self) -> bool:
        """Whether there can be no other member."""

    @property
    def among(self) -> Among:
        """Who this process is, and who else lives, as it saw last."""


class _Everything:
    """The one daemon of a database has all of it, and asks nobody."""

    is_sole = True
    among = ALONE

    def holds(self, _kind: Kind, _name: str) -> bool:
        return True

    def token(self, _kind: Kind, _name: str) -> int:
        return 0

    def kept(self, _db: sa.Connection, _kind: Kind, names: Iterable[str]) -> set[str]:
        return set(names)


EVERYTHING: Ownership = _Everything()


@dataclass(frozen=True)
class Pause:
    """For how long a system is left alone, whoever polls it."""

    until: datetime
    why: Mapping[str, Any]
    """As whoever wrote it understands it; JSON."""


def members(db: sa.Connection) -> list[Member]:
    """All members, by name; those that died are there until another has seen it."""
    rows = db.execute(sa.select(_members).order_by(_members.c.name))
    return [Member(**row._mapping) for row in rows]


def holdings(db: sa.Connection) -> list[Holding]:
    """All that was ever held, with who has it now."""
    found = sa.select(*(_holdings.c[one] for one in ("kind", "name", "member", "token", "since")))
    return [Holding(Kind(row.kind), *row[1:]) for row in db.execute(found)]


def starter(db: sa.Connection) -> Starter | None:
    """Who starts at this moment (postgresql.org/docs/current/monitoring-stats.html); for PostgreSQL alone."""
    row = db.execute(_STARTER).one_or_none()
    return None if row is None else Starter(**row._mapping)


def end_starter(db: sa.Connection, one: Starter) -> bool:
    """End the session of who starts, unless it has said something meanwhile; whether it was told to."""
    return bool(db.scalar(_END_STARTER, {"pid": one.pid, "began": one.began, "stirred": one.stirred}))


def held(db: sa.Connection) -> set[int]:
    """The locks of members and of who starts that any session on the server has in this database
    (postgresql.org/docs/current/view-pg-locks.html); for PostgreSQL alone."""
    return set(db.scalars(_HELD))


def connected(db: sa.Connection) -> set[str]:
    """The members whose session the database has at this moment."""
    if db.dialect.name == "sqlite":
        return set()
    locks = held(db)
    return {row.name for row in db.execute(sa.select(_members.c.name, _members.c.lock)) if row.lock in locks}


def join(db: sa.Connection, member: Member) -> None:
    """Be one of the members from now on; whoever had the name before has lost what it had."""
    _free(db, member.name)
    db.execute(sa.delete(_members).where(_members.c.name == member.name))
    db.execute(sa.insert(_members).values(**vars(member)))
    happened.mark(db, Topic.HOLDINGS)


def renew(db: sa.Connection, name: str, incarnation: str) -> bool:
    """Show that a member lives. Returns whether it is one still."""
    return _RENEW.run(db, name, incarnation) == 1


def differ(db: sa.Connection, name: str, incarnation: str, why: str | None) -> None:
    """Say why nothing is to be shared out to a member; None: it is."""
    mine = sa.and_(_members.c.name == name, _members.c.incarnation == incarnation)
    db.execute(sa.update(_members).where(mine).values(differs=why))
    happened.mark(db, Topic.HOLDINGS)


def told(db: sa.Connection, member: Member, what: str) -> None:
    """Remember what was told of a member."""
    same = sa.and_(_members.c.name == member.name, _members.c.incarnation == member.incarnation)
    db.execute(sa.update(_members).where(same).values(told=what))


def announce(db: sa.Connection, name: str, incarnation: str, fingerprint: str, read_at: datetime) -> None:
    """Say by which configuration a member would go."""
    mine = sa.and_(_members.c.name == name, _members.c.incarnation == incarnation)
    db.execute(sa.update(_members).where(mine).values(fingerprint=fingerprint, read_at=read_at))
    happened.mark(db, Topic.HOLDINGS)


def is_in(db: sa.Connection, name: str, incarnation: str) -> bool:
    """Whether a member is one still."""
    mine = sa.and_(_members.c.name == name, _members.c.incarnation == incarnation)
    return db.scalar(sa.select(_members.c.name).where(mine)) is not None


def leave(db: sa.Connection, name: str, incarnation: str) -> None:
    """Be none any more, and free what was had."""
    mine = sa.and_(_members.c.name == name, _members.c.incarnation == incarnation)
    if db.execute(sa.delete(_members).where(mine)).rowcount:
        _free(db, name)
        happened.mark(db, Topic.HOLDINGS)


def bury(db: sa.Connection, dead: Iterable[Member]) -> list[Member]:
    """Free what the dead had. Returns those that no other has buried, and that have not come to life."""
    buried = []
    for one in dead:
        same = sa.and_(
            _members.c.name == one.name,
            _members.c.incarnation == one.incarnation,
            _members.c.counter == one.counter,
        )
        if db.execute(sa.delete(_members).where(same)).rowcount:
            _free(db, one.name)
            buried.append(one)
    if buried:
        happened.mark(db, Topic.HOLDINGS)
    return buried


def take(db: sa.Connection, shares: Iterable[Share], member: str, now: datetime) -> dict[Share, int]:
    """Take what nobody has. Returns what was taken, with the fencing tokens."""
    wanted, taken = list(shares), dict[Share, int]()
    for kind, names in _by_kind(wanted):
        found = sa.and_(
            _holdings.c.kind == kind.value, _holdings.c.name.in_(names), _holdings.c.member.is_(None)
        )
        free = sa.update(_holdings).where(found)
        took = free.values(member=member, token=_holdings.c.token + 1, since=now)
        rows = db.execute(took.returning(_holdings.c.name, _holdings.c.token))
        taken |= {Share(kind, row.name): int(row.token) for row in rows}
    # Others may have the rest, or nobody ever had it.
    left = [one for one in wanted if one not in taken]
    if left:
        first = {"member": member, "token": 1, "since": now}
        values = [{"kind": kind.value, "name": name, **first} for kind, name in left]
        new = insert_into(_holdings, db.dialect.name).on_conflict_do_nothing()
        made = db.execute(new.returning(_holdings.c.kind, _holdings.c.name), values)
        taken |= {Share(Kind(row.kind), row.name): 1 for row in made}
    if taken:
        happened.mark(db, Topic.HOLDINGS)
    return taken


def give(db: sa.Connection, given: Mapping[Share, int]) -> None:
    """Let others take this, as far as it is held under these tokens."""
    if given:
        rows = [(share.kind.value, share.name, token) for share, token in given.items()]
        _GIVE.run_many(db, rows)
        happened.mark(db, Topic.HOLDINGS)


def tokens(db: sa.Connection, kind: Kind, member: str, fingerprint: str) -> dict[str, int]:
    """The fencing tokens of all that a member has of a kind, by name; none, where it goes by another
    configuration than is in force."""
    return dict(_TOKENS.rows(db, kind.value, member, fingerprint))


def token(db: sa.Connection, share: Share, member: str, fingerprint: str) -> int | None:
    """The same of one share; None: it has it not."""
    rows = _TOKEN.rows(db, share.kind.value, share.name, member, fingerprint)
    return int(rows[0][0]) if rows else None


def pause(db: sa.Connection, system: str, kept: Pause | None) -> None:
    """Remember for who comes next that a system is left alone; None: it is not any more."""
    values = {
        "paused_until": kept and kept.until,
        "pause": kept and json.dumps(dict(kept.why)),
    }
    db.execute(sa.update(_holdings).where(_is(Share(Kind.SYSTEM, system))).values(values))


def pauses(db: sa.Connection, systems: Collection[str]) -> dict[str, Pause]:
    """Those of these systems that are left alone."""
    rows = db.execute(
        sa.select(_holdings).where(_holdings.c.kind == Kind.SYSTEM.value, _holdings.c.pause.is_not(None))
    )
    return {row.name: Pause(row.paused_until, json.loads(row.pause)) for row in rows if row.name in systems}


def _by_kind(shares: Iterable[Share]) -> Iterator[tuple[Kind, list[str]]]:
    """Names of each kind, no more at once than a statement may have."""
    for kind in Kind:
        names = [one.name for one in shares if one.kind is kind]
        for start in range(0, len(names), AT_ONCE):
            yield kind, names[start : start + AT_ONCE]


def _free(db: sa.Connection, member: str) -> None:
    db.execute(sa.update(_holdings).where(_holdings.c.member == member).values(member=None))


def _is(share: Share) -> sa.ColumnElement[bool]:
    return sa.and_(_holdings.c.kind == share.kind.value, _holdings.c.name == share.name)
