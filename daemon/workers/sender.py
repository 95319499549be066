"""What the dispatcher needs of a sender, whatever it sends by."""

from typing import Protocol

from daemon.core.delivery.outcome import Attempted, Message


class Sender(Protocol):
    """Attempts under way, of any number of endpoints. For one thread, but for `wake`."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""

    def start(self, message: Message) -> None:
        """Begin one attempt."""

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""

    def finished(self, timeout: float) -> list[Attempted]:
        """Attempts that ended; waits at most `timeout` seconds, or until woken."""

    def wake(self) -> None:
        """Make `finished` return at once."""
