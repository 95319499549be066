"""Whom a token opens: direct tokens, API keys, and the sessions that Login gives.

A session lives for thirty minutes without use. It does not need the second factor that the platform asks
for; the simulator refuses for that reason only when it is told to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from threading import Lock

from daemon.simulator.system import SimulatedSystem

IDLE = timedelta(minutes=30)
"""Of a session that Login gives, by its documents."""


@dataclass(frozen=True)
class Rejected:
    """Why a token opens nothing, as the API's envelope."""

    envelope: Mapping[str, str | int]


BAD_LOGIN = Rejected(
    {
        "yemotAPIVersion": "1",
        "responseStatus": "ERROR",
        "message": "Username or password is incorrect",
        "messageCode": 1,
    }
)
INVALID = Rejected(
    {
        "yemotAPIVersion": 6,
        "responseStatus": "EXCEPTION",
        "message": "IllegalStateException(session token is invalid)",
    }
)
EXPIRED = Rejected({"responseStatus": "FORBIDDEN", "message": "session is expired"})


class Tokens:
    """The systems of a simulator by token. Safe from any thread."""

    def __init__(self, systems: Mapping[str, SimulatedSystem], now: Callable[[], datetime]) -> None:
        self._systems = dict(systems)
        self._now = now
        self._sessions: dict[str, tuple[SimulatedSystem, datetime]] = {}
        self._expired: set[str] = set()
        self._lock = Lock()

    @property
    def systems(self) -> dict[str, SimulatedSystem]:
        """By the token they were given with; sessions are not among them."""
        return dict(self._systems)

    def find(self, token: str) -> SimulatedSystem | Rejected:
        """The system that a token opens. Finding it by a session keeps that alive."""
        if token in self._systems:
            return self._systems[token]
        with self._lock:
            session = self._sessions.get(token)
            if session is not None and self._now() - session[1] < IDLE:
                self._sessions[token] = (session[0], self._now())
                return session[0]
            if session is not None:
                self._expire(token)
            if token in self._expired:
                return EXPIRED
        return BAD_LOGIN if ":" in token else INVALID

    def login(self, user_name: str, password: str) -> str | Rejected:
        """A session's token."""
        system = self._systems.get(f"{user_name}:{password}")
        if system is None:
            return BAD_LOGIN
        token = token_hex(16)
        with self._lock:
            self._sessions[token] = (system, self._now())
        return token

    def logout(self, token: str) -> None:
        """End a session; a direct token has none to end."""
        with self._lock:
            self._sessions.pop(token, None)

    def expire_sessions(self) -> None:
        """End every session as time does: they were valid, and are no more."""
        with self._lock:
            for token in list(self._sessions):
                self._expire(token)

    def _expire(self, token: str) -> None:
        del self._sessions[token]
        self._expired.add(token)
