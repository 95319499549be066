"""Whether it is our own network that is down, rather than the endpoints. Pure.

An attempt that no network carried says nothing of the endpoint that it was meant for: it burns no
attempt and moves no breaker. Two witnesses are heard: the endpoints among themselves, and the telephony
API, which is polled anyway.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from daemon.core.delivery.outcome import ANSWERED, NETWORK, Attempted, Outcome

WINDOW = timedelta(minutes=1)
"""How long an answer, or its absence, bears witness."""
MANY = 2
"""Endpoints that have to fail together."""


@dataclass
class Outage:
    """What attempts of the last minute say of our own network. For one thread."""

    _failed_at: dict[str, datetime] = field(default_factory=dict)
    _answered_at: datetime | None = None

    def follow(self, step: timedelta) -> None:
        """The clock was set: what was heard is as long ago as before."""
        self._failed_at = {endpoint: at + step for endpoint, at in self._failed_at.items()}
        if self._answered_at is not None:
            self._answered_at += step

    def take(self, attempted: Attempted, now: datetime) -> None:
        """One more attempt of any endpoint."""
        if attempted.outcome in ANSWERED:
            self._answered_at = now
            self._failed_at.clear()
        elif attempted.outcome in NETWORK:
            self._failed_at[attempted.message.endpoint] = now

    def is_ours(self, attempted: Attempted, now: datetime, *, is_api_answering: bool | None) -> bool:
        """Whether a failed attempt is our own network's fault.

        `is_api_answering`: whether a poll of the last minute was answered, or all failed for want of a
        network; None: there was none.
        """
        if attempted.outcome not in NETWORK or is_api_answering:
            return False
        if self._answered_at is not None and now - self._answered_at < WINDOW:
            return False
        together = sum(now - at < WINDOW for at in self._failed_at.values())
        if is_api_answering is None:
            return together >= MANY
        # The API is away as well. One endpoint that cannot be found by name is enough then; one that
        # does not answer may be down by itself.
        return together >= MANY or attempted.outcome is Outcome.UNRESOLVED
