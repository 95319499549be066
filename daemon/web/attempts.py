"""Guessing tokens is slow: wrong ones are counted for each address and for all, and then have to wait.

Only another wrong token counts: a program that goes on sending an old one guesses nothing, and holds up
nobody. Whoever has come with a good token from an address goes on with it from there, whoever else guesses
there. What waits is not looked at, so that a guess learns nothing. Time is that which only grows; an IPv6
network of 64 bits is one address, for whoever has one has all of it.
"""

import hashlib
import hmac
import ipaddress
import math
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from daemon.web.auth import Token

log = structlog.get_logger()

MOST_KEPT = 4096
"""Addresses that are known at a time; of more, those are forgotten of which nothing was heard for longest."""
KEPT_GUESSES = 8
"""Of each address: whichever of these is tried again was refused already."""
NETWORK = 64


@dataclass(frozen=True)
class Allowance:
    """So many wrong ones at once, and one more every so many seconds."""

    at_once: int
    seconds: float


EACH = Allowance(10, 20.0)
"""Of an address: people mistype, and then look it up."""
TOGETHER = Allowance(200, 0.1)
"""Of all: who guesses from very many addresses gets no further than ten a second, and who has the right one
waits a second."""


class TooMany(Exception):
    """A token is not looked at, since too many wrong ones came."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.seconds = math.ceil(wait)
        """Whole ones, until it makes sense to try again."""


@dataclass
class _Bucket:
    allowance: Allowance
    left: float
    at: float

    def wait(self, now: float) -> float:
        """Seconds until one more may be wrong; 0: now."""
        self.left = min(self.left + (now - self.at) / self.allowance.seconds, self.allowance.at_once)
        self.at = now
        return max(1 - self.left, 0.0) * self.allowance.seconds


@dataclass
class _Guesser:
    bucket: _Bucket
    tried: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEPT_GUESSES))
    refused: int = 0
    """For being wrong, or too soon."""


class Attempts:
    """Who tries tokens. Safe to call from any thread."""

    def __init__(
        self, monotonic: Callable[[], float], *, each: Allowance = EACH, together: Allowance = TOGETHER
    ) -> None:
        """`monotonic`: seconds that only grow."""
        self._monotonic = monotonic
        self._each = each
        self._all = _Bucket(together, together.at_once, monotonic())
        self._guessers: OrderedDict[str, _Guesser] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        """Addresses from which a good token came, and which one; the latest are the last."""
        self._key = secrets.token_bytes(32)
        self._one_at_a_time = threading.Lock()

    def judge(self, address: str, given: str, tokens: Sequence[Token], *, at: str) -> list[Token]:
        """The tokens of this value; none: it is wrong. Raises `TooMany` where it has to wait.

        `at`: where it was given, for the log.
        """
        # All are compared, each in constant time and whatever their length: an answer's time tells nothing.
        digest = self._digest(given)
        good = [one for one in tokens if hmac.compare_digest(self._digest(one.secret.value), digest)]
        place = network_of(address)
        with self._one_at_a_time:
            if any((place, one.name) in self._known for one in good):
                return good
            self._check(place, address, at)
            if good:
                self._know(place, good)
            else:
                self._count(place, address, digest, at)
            return good

    def _check(self, place: str, address: str, at: str) -> None:
        now = self._monotonic()
        guesser = self._guessers.get(place)
        wait = max(guesser.bucket.wait(now) if guesser else 0.0, self._all.wait(now))
        if wait > 0:
            if guesser:
                self._tell(guesser, address, at)
            raise TooMany(wait)

    def _know(self, place: str, good: Sequence[Token]) -> None:
        for one in good:
            self._known[place, one.name] = None
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)

    def _count(self, place: str, address: str, digest: bytes, at: str) -> None:
        now = self._monotonic()
        guesser = self._guessers.get(place)
        if guesser is None:
            guesser = self._guessers[place] = _Guesser(_Bucket(self._each, self._each.at_once, now))
        self._guessers.move_to_end(place)
        while len(self._guessers) > MOST_KEPT:
            self._guessers.popitem(last=False)
        self._tell(guesser, address, at)
        if digest in guesser.tried:
            return
        guesser.tried.append(digest)
        guesser.bucket.left -= 1
        self._all.left -= 1

    def _tell(self, guesser: _Guesser, address: str, at: str) -> None:
        guesser.refused += 1
        if _is_told(guesser.refused):
            log.warning("http.token_refused", address=address, at=at, times=guesser.refused)

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode(errors="surrogatepass"), hashlib.sha256)


def network_of(address: str) -> str:
    """What counts as one address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:  # noqa: PLR2004 - of IP
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), NETWORK), strict=False))


def _is_told(many: int) -> bool:
    """The first, the tenth, the hundredth, …"""
    return str(many).strip("0") == "1"
