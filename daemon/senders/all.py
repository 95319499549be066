"""Every kind of sender as one, for the dispatcher, which knows of endpoints only."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.wishes import UNGUARDED, Guard
from daemon.senders.webhook import WebhookSender


class Starter(Protocol):
    """What begins attempts."""

    def start(self, message: Message) -> None:
        """Begin one."""


class Threaded(Starter, Protocol):
    """A sender with threads of its own, which wake whoever waits for the webhooks."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""

    @property
    def patience(self) -> Sequence[float]:
        """Seconds after which somebody has to look, though nobody was woken."""

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""

    def finished(self) -> list[Attempted]:
        """Attempts that ended; does not wait."""

    def close(self) -> None:
        """Break off what is under way."""


class Senders:
    """The webhooks, which are waited for, and all that has threads of its own."""

    def __init__(
        self,
        webhooks: WebhookSender,
        *threaded: Threaded,
        by_endpoint: Mapping[str, Starter],
        guards: Mapping[str, Guard],
        now: Callable[[], datetime],
    ) -> None:
        """`by_endpoint`: who sends to each endpoint, and `guards`: what tries its wishes; another
        configuration brings others."""
        self.by_endpoint = by_endpoint
        self.guards = guards
        self._webhooks = webhooks
        self._threaded = threaded
        self._now = now
        self._ended: list[Attempted] = []
        """Attempts that could not be begun, or have ended, and nobody was told of yet."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        is_idle = self._webhooks.is_idle and all(one.is_idle for one in self._threaded)
        return is_idle and not self._ended

    def start(self, message: Message) -> None:
        """Begin one attempt for an endpoint of the configuration. One that cannot be made has failed, and is
        nobody's trouble but its endpoint's."""
        guard = self.guards.get(message.endpoint, UNGUARDED)
        try:
            self.by_endpoint[message.endpoint].start(message)
        except Exception as error:
            guard.raised("format", error)
            why = "a fault of our own: see the log"
            failed = Attempted(message, Outcome.FAILED, self._now(), error=why, is_our_fault=True)
            self._ended.append(failed)
        else:
            guard.worked("format")

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""
        of_others = sum(one.in_flight(endpoint) for one in self._threaded)
        untold = sum(one.message.endpoint == endpoint for one in self._ended)
        return self._webhooks.in_flight(endpoint) + of_others + untold

    def finished(self, timeout: float) -> list[Attempted]:
        """Attempts that ended; waits at most `timeout` seconds for the first, or for `wake`. Where one of the
        senders raises, what the others gave is kept for the next call."""
        self._collect()
        patience = min([timeout, *(one for each in self._threaded for one in each.patience)])
        self._ended += self._webhooks.finished(0 if self._ended else patience)
        self._collect()
        ended, self._ended = self._ended, []
        return ended

    def wake(self) -> None:
        """Make `finished` return at once; callable from every thread."""
        self._webhooks.wake()

    def close(self) -> None:
        """Break off what is under way."""
        for one in reversed(self._threaded):
            one.close()
        self._webhooks.close()

    def _collect(self) -> None:
        for one in self._threaded:
            self._ended += one.finished()
