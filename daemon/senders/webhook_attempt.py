"""One webhook through libcurl: what every attempt brings with it, and what its end says.

libcurl brings what must hold for every attempt: a total deadline that a dripping receiver cannot stretch, no
redirects, nothing taken from the environment, and the address judged when the socket is opened, after the
name was resolved. What follows a redirect that says success is in `webhook_confirmation.py`.
"""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pycurl

from daemon import __version__
from daemon.core.delivery.outcome import Attempted, Message, Outcome, Phases
from daemon.core.redaction import redacted
from daemon.core.rendering.formats import Answer, Judge, Rendered, Shape, Verdict, render
from daemon.core.visible import without_nul
from daemon.core.webhooks.addresses import Network
from daemon.core.webhooks.envelope import CONTENT_TYPE as ENVELOPE_TYPE
from daemon.core.webhooks.envelope import enveloped
from daemon.core.webhooks.redirects import Place
from daemon.core.webhooks.signing import Signer, signatures
from daemon.senders.address_guard import AddressGuard
from daemon.senders.authorities import ca_file

RESPONSE_BYTES = 16 * 1024
"""Ours. Of an answer; more breaks the transfer off."""
HEAD_CHARACTERS = 500
"""Ours. Of an answer that is kept, for people."""
IDLE_SECONDS = 30
"""A kept-alive connection that rested longer is not used again: its other end may be gone."""

MEANING = {
    401: Outcome.FORBIDDEN,
    403: Outcome.FORBIDDEN,
    404: Outcome.FAILED,
    407: Outcome.FORBIDDEN,  # from a proxy, which wants to know who we are
    408: Outcome.FAILED,
    410: Outcome.GONE,
    425: Outcome.FAILED,
    429: Outcome.THROTTLED,
}
"""RFC 9110, section 15.5; 425 is of RFC 8470, section 5.2, and 429 of RFC 6585, section 4. The rest
go by their class."""
CURL_MEANING = {
    pycurl.E_COULDNT_RESOLVE_HOST: Outcome.UNRESOLVED,
    pycurl.E_COULDNT_RESOLVE_PROXY: Outcome.UNRESOLVED,
    pycurl.E_OPERATION_TIMEDOUT: Outcome.TIMEOUT,
    pycurl.E_PEER_FAILED_VERIFICATION: Outcome.UNTRUSTED,
    pycurl.E_SSL_CONNECT_ERROR: Outcome.UNTRUSTED,
    pycurl.E_SSL_CERTPROBLEM: Outcome.UNTRUSTED,
    pycurl.E_SSL_CACERT_BADFILE: Outcome.UNTRUSTED,
    pycurl.E_BAD_FUNCTION_ARGUMENT: Outcome.UNTRUSTED,  # a key that does not go with its certificate
}
_TLS_ALERT = re.compile("SSL routines::.* alert ")
"""The other end's objection after the handshake: where TLS 1.3 tells us that it wants a certificate."""
_TLS_BREAK = re.compile("reset by peer|Broken pipe|unexpected eof")
"""A connection that ended within the handshake says nothing of trust."""
OVERFLOW_GUARD_SECONDS = 24 * 60 * 60
"""Ours: within what a `timedelta` can hold, and far beyond what `core/delivery/outcome.py` grants anybody."""
_PHASES = (
    pycurl.NAMELOOKUP_TIME_T,
    pycurl.CONNECT_TIME_T,
    pycurl.APPCONNECT_TIME_T,
    pycurl.STARTTRANSFER_TIME_T,
    pycurl.TOTAL_TIME_T,
)

PLAIN = Shape()


@dataclass(frozen=True)
class Target:
    """Where the messages of one endpoint go, and how."""

    url: str
    signers: tuple[Signer, ...]
    timeout: timedelta
    """For the whole attempt, from the name to the last byte of the answer."""
    connect_timeout: timedelta
    allow: tuple[Network, ...] = ()
    shape: Shape = PLAIN
    headers: tuple[tuple[str, str], ...] = ()
    """Beside those that every request carries."""
    ca_file: Path | None = None
    """Certificate authorities in the place of the machine's."""
    certificate: Path | None = None
    """The client's, in PEM form; with its key in the same file where `key` is None."""
    key: Path | None = None
    proxy: str | None = None
    """Its URL; the address guard is then the proxy's matter."""
    hidden: tuple[str, ...] = ()
    """What an answer may say back and nobody may see: `core/redaction.py`."""
    accepts: Place | None = None
    """Below what a redirect says success; None: no redirect does."""
    signs_body: bool = False
    """Whether the signature stands in the body, beside the message, for who sees no headers."""


def outcome(status: int, *, has_retry_after: bool) -> Outcome:
    """What an HTTP status says of an attempt."""
    if 200 <= status < 300:
        return Outcome.ACCEPTED
    if status == 503 and has_retry_after:
        return Outcome.THROTTLED
    if 300 <= status < 400:
        return Outcome.REDIRECTED
    if status >= 500:
        return Outcome.FAILED
    return MEANING.get(status, Outcome.REFUSED)


class Handle:
    """One libcurl handle with all that stays the same for its target; used again for each message."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.host = urlsplit(target.url).hostname or ""
        self.message: Message
        """What it is loaded with."""
        self.started_at: datetime
        self.guard = AddressGuard(self.host, target.allow, is_proxied=bool(target.proxy))
        self.heads: list[bytes] = []
        """The lines of the answer's head, and of those of interim answers before it."""
        self.response = bytearray()
        # libcurl's way to say that a header is there and empty is a semicolon.
        lines = (f"{name}: {value}" if value.strip() else f"{name};" for name, value in target.headers)
        self.fixed = ["expect:", *lines]
        self._judge = target.shape.format.wire.judge
        self.curl = curl = pycurl.Curl()
        curl.setopt(pycurl.URL, target.url)
        curl.setopt(pycurl.POST, 1)
        prepare(curl, target, self.guard)
        if target.certificate:
            curl.setopt(pycurl.SSLCERT, os.fsencode(target.certificate))
            curl.setopt(pycurl.SSLKEY, os.fsencode(target.key or target.certificate))
        curl.setopt(pycurl.TIMEOUT_MS, milliseconds(target.timeout))
        curl.setopt(pycurl.HEADERFUNCTION, self.heads.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_response)

    def load(self, message: Message, at: datetime, rendered: Rendered | None = None) -> None:
        """Make it ready to send a message; `rendered`: what is sent, where that is made already."""
        self.message, self.started_at = message, at
        self.guard.refusal = None
        self.heads.clear()
        self.response.clear()
        if rendered is None:
            shape = self.target.shape
            rendered = render(message.body, shape, superseded=message.superseded, names=message.names)
        lines, body = self.request(message, at, rendered)
        self.curl.setopt(pycurl.HTTPHEADER, lines)
        self.curl.setopt(pycurl.POSTFIELDS, body)

    def request(self, message: Message, at: datetime, rendered: Rendered) -> tuple[list[str], bytes]:
        """The lines of the headers, as libcurl takes them, and the body that they sign."""
        timestamp = int(at.timestamp())
        signed = signatures(self.target.signers, message.event, timestamp, rendered.body)
        if self.target.signs_body:
            enclosed = enveloped(rendered.body, message.event, timestamp, signed)
            rendered = Rendered(enclosed, ENVELOPE_TYPE, rendered.headers)
            signed = signatures(self.target.signers, message.event, timestamp, enclosed)
        lines = [
            *self.fixed,
            f"webhook-id: {message.event}",
            f"webhook-timestamp: {timestamp}",
            f"webhook-signature: {signed}",
            f"content-type: {rendered.content_type}",
            f"yemotd-event: {message.event_type}",
            f"yemotd-delivery: {message.delivery}",
            f"yemotd-attempt: {message.attempt}",
        ]
        if rendered.headers:
            lines += [f"{name}: {value}" for name, value in rendered.headers]
        return lines, rendered.body

    def attempted(self, error: tuple[int, str] | None) -> Attempted:
        """How it ended; `error`: libcurl's code and text, None where it has none."""
        asked = self.curl.getinfo
        status = asked(pycurl.RESPONSE_CODE)
        # More answer than anybody reads is still an answer.
        was_cut = error is not None and error[0] == pycurl.E_WRITE_ERROR
        is_answer = status and (error is None or was_cut) and is_whole(self.heads)
        waits = 0 if 200 <= status < 300 else asked(pycurl.RETRY_AFTER)
        phases = Phases._make(map(asked, _PHASES))
        found = Verdict(
            outcome(status, has_retry_after=waits > 0) if is_answer else self._failure(error),
            timedelta(seconds=min(waits, OVERFLOW_GUARD_SECONDS)) if waits > 0 else None,
            None if is_answer else self._why(error),
        )
        if self._judge is not None and is_answer:
            found = self._judged(self._judge, found, status)
        return Attempted(
            self.message,
            found.outcome,
            self.started_at,
            phases if status else phases._replace(answered=0),  # else when it began to wait for one
            status or None,
            found.why,
            self._shown(self.response.decode("utf-8", "replace")) if self.response else None,
            found.retry_after,
            asked(pycurl.PRIMARY_IP) or None,
        )

    def _judged(self, judge: Judge, by_status: Verdict, status: int) -> Verdict:
        """What a whole answer means to the format of what was sent; its words are a stranger's."""
        found = judge(by_status, Answer(status, self.heads, bytes(self.response)))
        return found if found.why is None else found._replace(why=self._shown(found.why))

    def _on_response(self, data: bytes) -> int:
        room = RESPONSE_BYTES - len(self.response)
        self.response += data[:room]
        return len(data) if len(data) <= room else -1  # breaks the transfer off

    def _why(self, error: tuple[int, str] | None) -> str:
        return self._shown(self.guard.refusal or (error[1] if error else "no whole answer"))

    def _shown(self, text: str) -> str:
        # First what is secret, then the cut: a part of a secret would not be known for one.
        return without_nul(redacted(text, self.target.hidden))[:HEAD_CHARACTERS]

    def _failure(self, error: tuple[int, str] | None) -> Outcome:
        return Outcome.GUARDED if self.guard.refusal else failure(error)


def is_whole(head: Sequence[bytes]) -> bool:
    """Whether an answer's head came to its end; libcurl is content with a part of one."""
    for line in reversed(head):  # behind the end there may be trailers
        if line in (b"\r\n", b"\n"):
            return True
        if line.startswith(b"HTTP/"):
            return False
    return False


def failure(error: tuple[int, str] | None) -> Outcome:
    """What libcurl's code and text say of a transfer that gave no whole answer."""
    code, text = error or (pycurl.E_OK, "")
    if code == pycurl.E_SSL_CONNECT_ERROR and _TLS_BREAK.search(text):
        return Outcome.UNREACHABLE
    if code == pycurl.E_RECV_ERROR and _TLS_ALERT.search(text):
        return Outcome.UNTRUSTED
    return CURL_MEANING.get(code, Outcome.UNREACHABLE)


def prepare(curl: pycurl.Curl, target: Target, guard: AddressGuard) -> None:
    """What holds for every request that a target brings about, whichever it is."""
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.PROXY, target.proxy or "")  # else libcurl looks at the environment
    curl.setopt(pycurl.NOPROXY, "")  # the same
    curl.setopt(pycurl.USERAGENT, f"yemotd/{__version__}")
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, milliseconds(target.connect_timeout))
    curl.setopt(pycurl.MAXAGE_CONN, IDLE_SECONDS)
    curl.setopt(pycurl.OPENSOCKETFUNCTION, guard.on_open)
    if not target.proxy:
        curl.setopt(pycurl.PREREQFUNCTION, guard.on_request)
    _trust(curl, target.ca_file)


def _trust(curl: pycurl.Curl, own: Path | None) -> None:
    """Trust the certificate authorities in a file, or else the machine's."""
    curl.setopt(pycurl.CAINFO, os.fsencode(own or ca_file()))
    curl.setopt(pycurl.PROXY_CAINFO, os.fsencode(own or ca_file()))
    if own:
        # By its content, not by its name: libcurl would know the name, and not look into it for a day.
        with suppress(OSError, pycurl.error):  # then the attempt says what is wrong with the file
            content = own.read_bytes()
            curl.setopt(pycurl.CAINFO_BLOB, content)
            curl.setopt(pycurl.PROXY_CAINFO_BLOB, content)


def milliseconds(duration: timedelta) -> int:
    """As libcurl takes a time; at least 1, since 0 would be for ever."""
    return max(1, duration // timedelta(milliseconds=1))
