"""Endpoints that are kept in the store, as the HTTP side knows them: the composition root keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from daemon.core.refusals import Refused, Why
from daemon.schemas.kept_endpoints import KeptEndpoint, KeptSecret


@dataclass(frozen=True)
class Source:
    """Where an endpoint stands."""

    is_kept: bool
    """In the store, and not in the file."""
    fault: str | None = None
    """Why nothing is sent to it, or what of it does not count."""


class Subscriptions(Protocol):
    """All of them raise `Problem` or `Refused` where nothing was changed."""

    def add(self, settings: Mapping[str, Any], by: str, key: str | None) -> tuple[KeptSecret, bool]:
        """Keep one; and whether the same was asked for before with this `Idempotency-Key`."""

    def change(self, name: str, changes: Mapping[str, Any], by: str) -> KeptEndpoint:
        """Keep it otherwise (RFC 7396)."""

    def rotate(self, name: str, overlap: timedelta | None) -> KeptSecret:
        """Give it another secret."""

    def remove(self, name: str) -> KeptEndpoint:
        """Keep it no more, and send it nothing more."""

    def show(self, name: str) -> KeptEndpoint:
        """What is kept of it."""

    def sources(self) -> Mapping[str, Source]:
        """Where the endpoints stand, by name."""


class NoSubscriptions:
    """Where there is nothing to keep them by."""

    def add(self, settings: Mapping[str, Any], by: str, key: str | None) -> tuple[KeptSecret, bool]:
        raise _nowhere()

    def change(self, name: str, changes: Mapping[str, Any], by: str) -> KeptEndpoint:
        raise _nowhere()

    def rotate(self, name: str, overlap: timedelta | None) -> KeptSecret:
        raise _nowhere()

    def remove(self, name: str) -> KeptEndpoint:
        raise _nowhere()

    def show(self, name: str) -> KeptEndpoint:
        raise _nowhere()

    def sources(self) -> Mapping[str, Source]:
        return {}


def _nowhere() -> Refused:
    return Refused(Why.CONFLICT, "no endpoint can be kept here")
