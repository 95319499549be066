"""Which endpoints are this member's: what the dispatcher asks before it begins, and in each transaction."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from daemon.core.delivery.route import Route, share_of
from daemon.core.ownership import Kind
from daemon.store.ownership import EVERYTHING, Ownership


class EndpointShares:
    """Of one process. Safe to ask from any thread."""

    def __init__(self, ownership: Ownership = EVERYTHING) -> None:
        self._ownership = ownership

    @property
    def is_sole(self) -> bool:
        """Whether all endpoints are ours, and there can be no other member."""
        return self._ownership.is_sole

    def may_begin(self, routes: Mapping[str, Route], name: str) -> bool:
        """Whether something may be begun for an endpoint."""
        route = routes.get(name)
        return route is not None and self._ownership.holds(Kind.ENDPOINT, share_of(name, route))

    def kept(self, db: sa.Connection, routes: Mapping[str, Route]) -> Mapping[str, Route]:
        """Those of the routes that are ours until the transaction ends."""
        if self.is_sole:
            return routes
        shares = {name: share_of(name, route) for name, route in routes.items()}
        kept = self._ownership.kept(db, Kind.ENDPOINT, set(shares.values()))
        return {name: route for name, route in routes.items() if shares[name] in kept}

    def bound(self, kept: Mapping[str, Route]) -> Sequence[str] | None:
        """The endpoints of which rows may be touched, of those that are `kept`; None: any."""
        return None if self.is_sole else list(kept)
