"""What one of several daemons has, as a test grants and takes it: without members, without waiting."""

from collections.abc import Iterable

import sqlalchemy as sa

from daemon.core.ownership import HOUSE, Among, Kind, Share

HOUSE_SHARE = Share(Kind.DUTY, HOUSE)


class Granted:
    """All of it, until something is taken."""

    is_sole = False
    among = Among("north", frozenset({"south"}))

    def __init__(self) -> None:
        self.is_valid = True
        """Whether nobody can have taken anything meanwhile."""
        self._tokens: dict[Share, int] = {}
        self._taken: set[Share] = set()
        """In the store."""
        self._known: set[Share] = set()
        """The same, as this process knows."""

    def take(self, kind: Kind, name: str, *, is_known: bool = True) -> None:
        """Another has it now; this process may not know."""
        self._taken.add(Share(kind, name))
        if is_known:
            self._known.add(Share(kind, name))

    def give(self, kind: Kind, name: str) -> None:
        """It is this process's again."""
        share = Share(kind, name)
        self._tokens[share] = self._tokens.get(share, 1) + 1
        self._taken.discard(share)
        self._known.discard(share)

    def holds(self, kind: Kind, name: str) -> bool:
        return self.is_valid and Share(kind, name) not in self._known

    def token(self, kind: Kind, name: str) -> int | None:
        share = Share(kind, name)
        return None if share in self._known else self._tokens.get(share, 1)

    def kept(self, _db: sa.Connection, kind: Kind, names: Iterable[str]) -> set[str]:
        return {one for one in names if Share(kind, one) not in self._taken}
