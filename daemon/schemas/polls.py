"""What one poll by hand came to, as JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from daemon.core.model import Event, Json, Unknown
from daemon.core.routing.plan import Planned
from daemon.schemas.documents import Document, Failure


class PolledDelivery(Document):
    """One event for one endpoint."""

    event: str
    endpoint: str


class Poll(Document):
    """One watch, and what its answer led to."""

    system: str
    watch: str
    failure: Failure | None
    events: list[dict[str, Any]]
    """Exactly as every receiver gets them."""
    deliveries: list[PolledDelivery]
    saw: dict[str, Any] | None = None
    """What the answer lists, of a poll that writes nothing: rows, accounts, callers, agents, figures."""

    @classmethod
    def of(
        cls,
        watch: tuple[str, str],
        unknown: Unknown | None,
        events: Iterable[Event],
        deliveries: Iterable[Planned],
        saw: Mapping[str, Json] | None = None,
    ) -> "Poll":
        """`watch`: its system and name."""
        system, name = watch
        return cls(
            system=system,
            watch=name,
            failure=_failure(unknown) if unknown else None,
            events=[json.loads(one.body) for one in events],
            deliveries=[PolledDelivery(event=one.event.id, endpoint=one.endpoint) for one in deliveries],
            saw=None if saw is None else dict(saw),
        )


def _failure(unknown: Unknown) -> Failure:
    said = {"class": unknown.failure.value, "message": unknown.message}
    return Failure(**said)
