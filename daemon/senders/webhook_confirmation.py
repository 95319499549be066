"""What an answer says where a redirect is the receiver's way to say that it took a message.

    POST -> 302 or 303, below `accept_redirect` -> GET -> 2xx: accepted
                                                       -> anything else: it failed, and is tried again
         -> 3xx to any other place: redirected
         -> a page (HTML) with 2xx: it failed
         -> any other answer: as ever

The GET carries no body, no header of ours, no cookie and no certificate of ours, and is led nowhere else.
It has what is left of the attempt's time. Where it fails the message may have been taken all the same: it
comes again with its id, by which a receiver knows it.

The page is Google's: a script that throws, or that is over its quota, is answered with 200 and an error to
be read by people, and only a script that came to its end with a redirect.
"""

from collections.abc import Sequence
from datetime import timedelta

import pycurl

from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.core.redaction import redacted, spellings
from daemon.core.visible import without_nul
from daemon.core.webhooks.redirects import STATUSES, Place, below, host, location
from daemon.core.webhooks.secret_address import pieces
from daemon.senders.address_guard import AddressGuard
from daemon.senders.webhook_attempt import (
    HEAD_CHARACTERS,
    OVERFLOW_GUARD_SECONDS,
    RESPONSE_BYTES,
    Handle,
    Target,
    failure,
    is_whole,
    milliseconds,
    outcome,
    prepare,
)

HTML = b"text/html"
"""What a page for people is (RFC 2854)."""


def judged(handle: Handle, attempted: Attempted) -> "Attempted | Confirmation":
    """An attempt that was answered, or what has to be asked before it is known how it ended."""
    target = handle.target
    if target.accepts is None:
        return attempted
    if attempted.outcome is Outcome.ACCEPTED and _is_page(handle.heads):
        why = "a page in the place of the redirect: a Google script that failed is answered so"
        return attempted._replace(outcome=Outcome.FAILED, error=why)
    if attempted.outcome is not Outcome.REDIRECTED:
        return attempted
    where = location(handle.heads)
    place = below(target.url, where or "", target.accepts)
    if place is None or attempted.http_status not in STATUSES:
        elsewhere = "" if place is not None else f", {_not_below(target)}"
        why = f"HTTP {attempted.http_status} to {_host(target, where)}{elsewhere}"
        return attempted._replace(error=why)
    return Confirmation(target, place, attempted)


def _host(target: Target, where: str | None) -> str:
    """The host that a redirect names; where it was made of our own secrets, nothing of it."""
    named = host(target.url, where)
    return "***" if any(one.lower() in named for one in target.hidden) else named


def _not_below(target: Target) -> str:
    """What was expected instead; where it has our own secrets in it, without them."""
    expected = target.accepts.url if target.accepts is not None else ""
    return f"which is not below accept_redirect, {redacted(expected, target.hidden)}"


def _is_page(head: Sequence[bytes]) -> bool:
    """Whether the last head of an answer says that HTML follows."""
    kind = b""
    for line in head:
        if line.startswith(b"HTTP/"):
            kind = b""
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-type":
            kind = value.strip().lower()
    return kind.startswith(HTML)


class Confirmation:
    """The GET after a redirect that says success."""

    def __init__(self, target: Target, place: Place, first: Attempted) -> None:
        self.first = first
        """What the POST ended with."""
        self._target = target
        self._host = place.host
        # Who asks there is let in by what the Location says, so it is a secret, too.
        self._hidden = (*spellings(pieces(place.url)), *target.hidden)
        self._heads: list[bytes] = []
        self._response = bytearray()
        self._guard = AddressGuard(
            place.host, target.allow, is_proxied=bool(target.proxy), trusts_host=target.trusts_host
        )
        self.curl = curl = pycurl.Curl()
        prepare(curl, target, self._guard)
        curl.setopt(pycurl.URL, place.url)
        curl.setopt(pycurl.PATH_AS_IS, 1)  # what is asked is what was judged
        curl.setopt(pycurl.HTTPGET, 1)
        curl.setopt(pycurl.TIMEOUT_MS, milliseconds(max(target.timeout - first.took, timedelta(0))))
        curl.setopt(pycurl.HEADERFUNCTION, self._heads.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_response)

    def attempted(self, error: tuple[int, str] | None) -> Attempted:
        """How the attempt ended as a whole; `error`: libcurl's code and text, None where it has none."""
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        was_cut = error is not None and error[0] == pycurl.E_WRITE_ERROR
        is_answer = bool(status) and (error is None or was_cut) and is_whole(self._heads)
        waits = self.curl.getinfo(pycurl.RETRY_AFTER)
        said = outcome(status, has_retry_after=waits > 0) if is_answer else self._failure(error)
        took = self.first.phases.total + self.curl.getinfo(pycurl.TOTAL_TIME_T)
        return self.first._replace(
            outcome=_ended(said) if is_answer else said,
            phases=self.first.phases._replace(total=took),
            http_status=status or self.first.http_status,
            error=None if said is Outcome.ACCEPTED else self._why(status, error, is_answer=is_answer),
            response_head=self._shown(self._response.decode("utf-8", "replace")) if self._response else None,
            retry_after=timedelta(seconds=min(waits, OVERFLOW_GUARD_SECONDS))
            if waits > 0 and said is not Outcome.ACCEPTED
            else None,
        )

    def _why(self, status: int, error: tuple[int, str] | None, *, is_answer: bool) -> str:
        said = self._guard.refusal or (error[1] if error else "no whole answer")
        what = f"HTTP {status}" if is_answer else said
        return self._shown(f"after the redirect to {self._host}: {what}")

    def _failure(self, error: tuple[int, str] | None) -> Outcome:
        return Outcome.GUARDED if self._guard.refusal else failure(error)

    def _on_response(self, data: bytes) -> int:
        room = RESPONSE_BYTES - len(self._response)
        self._response += data[:room]
        return len(data) if len(data) <= room else -1  # breaks the transfer off

    def _shown(self, text: str) -> str:
        return without_nul(redacted(text, self._hidden))[:HEAD_CHARACTERS]


def _ended(said: Outcome) -> Outcome:
    """What the second answer says of the message. None is final: the message may have been taken by then, and
    nobody at that place knows of it."""
    if said in (Outcome.ACCEPTED, Outcome.THROTTLED, Outcome.REDIRECTED):
        return said
    return Outcome.FAILED
