"""Sessions of the page: who has signed in by a token once is known by a cookie from then on.

The cookie says which token that was, and is signed by a key of this installation; the token itself is not in
it. It counts as long as the configuration has that token with that value: whoever replaces a token ends
every session that was begun with it.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import Request

from daemon.core.durations import DAY
from daemon.web.auth import Token, Tokens

COOKIE = "yemotd_session"
LASTS = 30 * DAY
"""From signing in."""
AHEAD = timedelta(minutes=5)
"""A session that begins in the future was begun before the clock was set back; so far it is believed."""


@dataclass(frozen=True)
class Session:
    """One of them."""

    id: str
    token: Token
    begun_at: datetime


class Sessions:
    """Begins and knows them. Safe to call from any thread."""

    def __init__(self, key: bytes, tokens: Tokens, now: Callable[[], datetime]) -> None:
        """`key`: 32 bytes or more that nobody else has."""
        self._key = key
        self._tokens = tokens
        self._now = now

    def begin(self, token: Token) -> str:
        """A new session, as the value of its cookie."""
        said = ".".join((secrets.token_urlsafe(16), self._mark(token), str(int(self._now().timestamp()))))
        return f"{said}.{self._sign('session', said)}"

    def of(self, request: Request) -> Session | None:
        """The session that a request comes with; None: none that counts."""
        return self.read(request.cookies.get(COOKIE, ""))

    def read(self, cookie: str) -> Session | None:
        """The session that a cookie names; None for whatever we did not make, or not for now."""
        said, _, signature = cookie.rpartition(".")
        if not said or not cookie.isascii() or not self._is_ours(said, signature):
            return None
        session, mark, begun = said.split(".")
        begun_at = datetime.fromtimestamp(int(begun), UTC)
        if not begun_at - AHEAD <= self._now() < begun_at + LASTS:
            return None
        token = next((one for one in self._tokens() if hmac.compare_digest(self._mark(one), mark)), None)
        return None if token is None else Session(session, token, begun_at)

    def token_of(self, request: Request) -> Token | None:
        """The token by which somebody has signed in; None: nobody has, or it is no more."""
        session = self.of(request)
        return session.token if session else None

    def csrf(self, request: Request) -> str:
        """What a form of this session has to carry, which no other site can know; "" without a session."""
        session = self.of(request)
        return self.form_of(session) if session else ""

    def form_of(self, session: Session) -> str:
        """The same of a session."""
        return self._sign("form", session.id)

    def _mark(self, token: Token) -> str:
        """Which token it is, and of which value: nothing that leads back to either."""
        return self._sign("token", f"{token.name}\0{token.secret.value}")

    def _is_ours(self, said: str, signature: str) -> bool:
        return hmac.compare_digest(self._sign("session", said), signature)

    def _sign(self, what: str, text: str) -> str:
        digest = hmac.digest(self._key, f"{what}\0{text}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:24]).decode()
