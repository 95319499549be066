"""Every kind of sender as one, for the dispatcher, which knows of endpoints only."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from daemon.core.delivery.outcome import Attempted, Message
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
        self, webhooks: WebhookSender, *threaded: Threaded, by_endpoint: Mapping[str, Starter]
    ) -> None:
        """`by_endpoint`: who sends to each endpoint; another configuration brings another."""
        self.by_endpoint = by_endpoint
        self._webhooks = webhooks
        self._threaded = threaded

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self._webhooks.is_idle and all(one.is_idle for one in self._threaded)

    def start(self, message: Message) -> None:
        """Begin one attempt for an endpoint of the configuration."""
        self.by_endpoint[message.endpoint].start(message)

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""
        of_others = sum(one.in_flight(endpoint) for one in self._threaded)
        return self._webhooks.in_flight(endpoint) + of_others

    def finished(self, timeout: float) -> list[Attempted]:
        """Attempts that ended; waits at most `timeout` seconds for the first, or for `wake`."""
        before = self._finished()
        patience = min([timeout, *(one for each in self._threaded for one in each.patience)])
        ended = self._webhooks.finished(0 if before else patience)
        return before + ended + self._finished()

    def wake(self) -> None:
        """Make `finished` return at once; callable from every thread."""
        self._webhooks.wake()

    def close(self) -> None:
        """Break off what is under way."""
        for one in reversed(self._threaded):
            one.close()
        self._webhooks.close()

    def _finished(self) -> list[Attempted]:
        return [attempted for one in self._threaded for attempted in one.finished()]
