"""Several daemons on one database: what they would have written there, without them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pytest

from daemon.core.ownership import Kind, Member, Share
from daemon.store import ownership
from daemon.store.database import Database
from tests.support.fakes import START


@dataclass
class Members:
    """The members of a database, and which of them have a session; a SQLite file knows of none."""

    database: Database
    patch: pytest.MonkeyPatch

    def join(self, *names: str, at: datetime = START, version: str = "1.2.3") -> None:
        """They are members."""
        with self.database.write() as db:
            for name in names:
                lock = len(ownership.members(db)) + 2
                ownership.join(db, Member(name, f"mem_{name}", lock, 0, at, version, "f", at, ""))

    def differ(self, name: str, why: str) -> None:
        """One takes nothing."""
        with self.database.write() as db:
            ownership.differ(db, name, f"mem_{name}", why)

    def hold(self, name: str, shares: Iterable[Share], at: datetime = START) -> None:
        """One takes what nobody has."""
        shares = list(shares)
        with self.database.write() as db:
            assert ownership.take(db, shares, name, at).keys() == set(shares)

    def are_connected(self, *names: str) -> None:
        """These have a session, as the catalog of a server would say."""
        self.patch.setattr(ownership, "connected", lambda _db: set(names))


def systems(*names: str) -> list[Share]:
    """Systems, to be held."""
    return [Share(Kind.SYSTEM, name) for name in names]


def endpoints(*names: str) -> list[Share]:
    """Endpoints, to be held."""
    return [Share(Kind.ENDPOINT, name) for name in names]
