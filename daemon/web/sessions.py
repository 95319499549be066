"""Sessions of the page: who has signed in by a token once is known by a cookie from then on.

The cookie says which token that was, and is signed by a key of this installation; the token itself is not in
it. It counts as long as the configuration has that token with that value: whoever replaces a token ends
every session that was begun with it. It is renewed by use, and ends

    when it was not used for `LASTS`        by the clock of this machine, as all that follows
    `AT_MOST` after signing in
    when the clock was set back to before it was begun, or last renewed
    when somebody signed out of it (`signed_out.py`), wherever else its cookie may be
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import Request, Response

from daemon.core.durations import DAY
from daemon.web import cookies
from daemon.web.auth import Token, Tokens
from daemon.web.signed_out import SignedOut

COOKIE = cookies.SESSION
LASTS = 30 * DAY
"""From when it was last used, give or take `RENEWED_AFTER`."""
AT_MOST = 180 * DAY
"""From signing in, however often it is used."""
RENEWED_AFTER = DAY
AHEAD = timedelta(minutes=5)
"""A session that begins in the future was begun before the clock was set back; so far it is believed."""
LONGEST = 200
"""Characters of a cookie of ours; it has half of them."""


@dataclass(frozen=True)
class Session:
    """One of them."""

    id: str
    token: Token
    begun_at: datetime
    renewed_at: datetime
    generation: int


class Sessions:
    """Begins and knows them. Safe to call from any thread."""

    def __init__(
        self, key: bytes, tokens: Tokens, now: Callable[[], datetime], ended: SignedOut | None = None
    ) -> None:
        """`key`: 32 bytes or more that nobody else has."""
        self._key = key
        self._tokens = tokens
        self._now = now
        self._ended = ended or SignedOut()

    def begin(self, token: Token) -> str:
        """A new session, as the value of its cookie. Raises what the store raises, where it is asked."""
        self._ended.load()
        mark = self._mark(token)
        now = self._now()
        generation = self._ended.generation(mark)
        return self._cookie(mark, Session(secrets.token_urlsafe(16), token, now, now, generation))

    def of(self, request: Request) -> Session | None:
        """The session that a request comes with; None: none that counts.

        Where it comes with several, none does: one of them was planted.
        """
        given = set(cookies.values(request, cookies.session_name(request)))
        found = [one for one in map(self.read, given) if one is not None]
        if len({one.id for one in found}) != 1:
            return None
        return max(found, key=lambda one: one.renewed_at)

    def read(self, cookie: str) -> Session | None:
        """The session that a cookie names; None for whatever we did not make, or not for now."""
        said, _, signature = cookie.rpartition(".")
        if not said or len(cookie) > LONGEST or not cookie.isascii() or not self._is_ours(said, signature):
            return None
        id, mark, generation, begun, renewed = said.split(".")
        session = self._read(id, mark, int(generation), (int(begun), int(renewed)))
        if session is None or not self._ended.counts(mark, session.generation, id):
            return None
        return session

    def renewed(self, session: Session) -> str | None:
        """The value of its cookie from now on; None: that is the same."""
        now = self._now()
        if now - session.renewed_at < RENEWED_AFTER:
            return None
        of_now = Session(session.id, session.token, session.begun_at, now, session.generation)
        return self._cookie(self._mark(session.token), of_now)

    def end(self, session: Session) -> bool:
        """No cookie of this session counts any more. Whether that is written down, and so outlasts us."""
        return self._ended.end(self._mark(session.token), session.id)

    def end_all(self, token: Token) -> bool:
        """The same of all sessions that were begun with a token."""
        return self._ended.end_all(self._mark(token))

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

    def put(self, request: Request, answer: Response, cookie: str) -> None:
        """Have a browser keep the cookie of a session."""
        seconds = int(LASTS.total_seconds())
        cookies.put(request, answer, cookies.session_name(request), cookie, seconds=seconds)

    def drop(self, request: Request, answer: Response) -> None:
        """Have a browser forget it."""
        cookies.drop(request, answer, cookies.session_name(request))

    def _read(self, id: str, mark: str, generation: int, times: tuple[int, int]) -> Session | None:
        begun_at, renewed_at = (datetime.fromtimestamp(one, UTC) for one in times)
        now = self._now()
        is_begun = max(begun_at, renewed_at) - AHEAD <= now
        if not is_begun or now >= min(renewed_at + LASTS, begun_at + AT_MOST):
            return None
        token = next((one for one in self._tokens() if hmac.compare_digest(self._mark(one), mark)), None)
        return None if token is None else Session(id, token, begun_at, renewed_at, generation)

    def _cookie(self, mark: str, session: Session) -> str:
        times = (int(one.timestamp()) for one in (session.begun_at, session.renewed_at))
        said = ".".join((session.id, mark, str(session.generation), *map(str, times)))
        return f"{said}.{self._sign('session', said)}"

    def _mark(self, token: Token) -> str:
        """Which token it is, and of which value: nothing that leads back to either."""
        return self._sign("token", f"{token.name}\0{token.secret.value}")

    def _is_ours(self, said: str, signature: str) -> bool:
        return hmac.compare_digest(self._sign("session", said), signature)

    def _sign(self, what: str, text: str) -> str:
        digest = hmac.digest(self._key, f"{what}\0{text}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:24]).decode()
