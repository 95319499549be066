"""HTTP to one system: a kept-alive session, a deadline, trust, and failures as values.

What an answer means is not decided here. No exception of the network leaves this file, and no URL or
header reaches a message: what is said of a failure is worded here.
"""

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, lru_cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Protocol

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter

from daemon.core.durations import NOTHING
from daemon.core.model import Failure, Unknown
from daemon.tcp.names import SlowNameError
from daemon.yemot.bounded_json import MAX_BODY, ExcessError, Gathering, check_size
from daemon.yemot.deadline import CURRENT, Exchange, TimedPool, TimedTlsPool

CHUNK = 64 * 1024
"""Ours. Bytes that are read at once."""
PARALLEL = 8
"""Ours. Connections kept for the next call; more may be open at once."""
HOSTS = 4
"""Ours. Hosts whose connections are kept: a base and its fallback, and room."""


@dataclass(frozen=True)
class Timeouts:
    """How long one try of a call may take."""

    connect: timedelta = timedelta(seconds=5)
    """Resolving the name, all of its addresses, and the TLS handshake."""
    read: timedelta = timedelta(seconds=15)
    """The longest silence of the server."""
    total: timedelta = timedelta(seconds=30)
    """From the start to the last byte, however busy the server is."""


@dataclass(frozen=True)
class Request:
    """One request. The headers hold the token, so they are not shown."""

    verb: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    largest: int = MAX_BODY
    """Bytes of a body that is taken."""
    more_time: timedelta = NOTHING
    """Beside the deadline."""


@dataclass(frozen=True)
class Reply:
    """What came back in full, whatever its status."""

    status: int
    body: bytes = field(repr=False)
    content_type: str = ""
    date: str | None = None
    retry_after: str | None = None

    @cached_property
    def digest(self) -> bytes:
        """Of the body: equal ones are equal answers, as far as this process is asked.

        Of 64 bits under a key that each process draws, as those of rows (`known_rows.py`), with the length:
        where 5,000 systems are asked 15,000 times a minute, a change is overlooked in two billion years.
        That takes less than half as long as one of which nobody needs to keep a key.
        """
        return b"%d %d" % (len(self.body), hash(self.body))


@dataclass(frozen=True)
class Head:
    """What a reply says before its body."""

    status: int
    content_type: str
    length: int | None
    """Bytes of the body; None: it does not say."""


class BrokenOffError(Exception):
    """Nobody wants the rest of a body, or nobody may."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


class Taker(Protocol):
    """Takes a body as it comes."""

    is_taken: bool
    """Whether it was what was asked for."""

    def __call__(self, head: Head, chunks: Iterator[bytes]) -> bytes:
        """Take it; gives what is to be judged of one that is something else."""


class Transport:
    """The connections to one system. Safe to use from several threads."""

    def __init__(
        self, timeouts: Timeouts, *, monotonic: Callable[[], float], ca_file: Path | None = None
    ) -> None:
        """`monotonic`: seconds that only grow. Raises OSError where `ca_file` cannot be read or holds no
        certificate."""
        self._timeouts = timeouts
        self.monotonic = monotonic
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        adapter = _Adapter(tls_context(ca_file))
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def stream(self, request: Request, take: Taker, *, total: timedelta) -> Reply | Unknown:
        """One try of what changes nothing, whose body is handed on as it comes, within `total` from the start
        to the last byte. The reply has what `take` leaves to be judged; it ends the exchange by raising
        `BrokenOffError`."""
        exchange = self._exchange(self.monotonic() + total.total_seconds(), needs_new_connection=False)
        reply = self._try(request, exchange, take)
        if _is_stale(reply, exchange):
            again = self._exchange(exchange.deadline, needs_new_connection=True)
            return self._try(request, again, take)
        return reply

    def send(self, request: Request, *, repeatable: bool) -> Reply | Unknown:
        """One try within the deadline.

        A request that is not repeatable goes out on a new connection, at most once. A repeatable one that
        dies with a kept-alive connection, before any byte of an answer, is sent again at once.
        """
        exchange = self._exchange(self._deadline(request.more_time), needs_new_connection=not repeatable)
        reply = self._try(request, exchange)
        if repeatable and _is_stale(reply, exchange):
            again = self._exchange(exchange.deadline, needs_new_connection=True)
            again.is_sent = True
            return self._try(request, again)
        return reply

    def close(self) -> None:
        """Close every idle connection; the transport may be used again."""
        self._session.close()

    def _deadline(self, more: timedelta) -> float:
        return self.monotonic() + (self._timeouts.total + more).total_seconds()

    def _exchange(self, deadline: float, *, needs_new_connection: bool) -> Exchange:
        return Exchange(
            self.monotonic,
            deadline,
            self._timeouts.connect.total_seconds(),
            self._timeouts.read.total_seconds(),
            needs_new_connection,
        )

    def _try(self, request: Request, exchange: Exchange, take: "Taker | None" = None) -> Reply | Unknown:
        current = CURRENT.set(exchange)
        try:
            return self._transfer(request, exchange, take)
        except BrokenOffError as error:
            return Unknown(error.failure, str(error))
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException) as error:
            return replace(_unknown(error, exchange), is_unsent=not exchange.is_sent)
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that is none
            return replace(_unknown(error, exchange), is_unsent=not exchange.is_sent)
        finally:
            CURRENT.reset(current)

    def _transfer(self, request: Request, exchange: Exchange, take: "Taker | None") -> Reply | Unknown:
        prepared = requests.Request(
            request.verb, request.url, headers=dict(request.headers), data=request.body
        ).prepare()
        response = self._session.send(
            prepared,
            stream=True,
            allow_redirects=False,
            verify=True,
            timeout=(exchange.left(exchange.connect), exchange.read),
        )
        try:
            if take is None:
                body = _body(response, request.largest)
            else:
                body = take(_head(response), _chunks(response))
        except ExcessError as error:
            return Unknown(Failure.MALFORMED, str(error))
        finally:
            response.close()
        headers = response.headers
        return Reply(
            response.status_code,
            body,
            headers.get("Content-Type", ""),
            headers.get("Date"),
            headers.get("Retry-After"),
        )


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Whom to trust: the system's authorities, certifi's, and those in `ca_file` (PEM) beside them.

    Parsing them takes milliseconds and half a megabyte, so systems with the same file share one context. A
    file that has changed is read again. Raises OSError where it cannot be read or holds no certificate.
    """
    if ca_file is None:
        return _load_context(None, version=0)
    return _load_context(ca_file, version=ca_file.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _load_context(ca_file: Path | None, *, version: int) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    # Python 3.13 made the strict reading of RFC 5280 its default; what re-signing filters issue fails it.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class _Adapter(HTTPAdapter):
    """requests' adapter on our pools, with one TLS context, and no retry of its own."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=HOSTS, pool_maxsize=PARALLEL, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": TimedPool, "https": TimedTlsPool}

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {"ssl_context": self._context, "cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: naming a file here would have it parsed for every new connection."""


def _body(response: requests.Response, largest: int) -> bytes:
    """The whole body, decoded. Raises `ExcessError`, without a read where its head says so already."""
    check_size(response.raw.length_remaining or 0, largest)
    body = Gathering(largest)
    for chunk in response.raw.stream(CHUNK, decode_content=True):
        body.add(chunk)
    return body.whole()


def _head(response: requests.Response) -> "Head":
    coded = response.headers.get("Content-Encoding", "identity").lower() != "identity"
    length = None if coded else response.raw.length_remaining
    return Head(response.status_code, response.headers.get("Content-Type", ""), length)


def _chunks(response: requests.Response) -> Iterator[bytes]:
    chunks: Iterator[bytes] = response.raw.stream(CHUNK, decode_content=True)
    return chunks


def _is_stale(reply: Reply | Unknown, exchange: Exchange) -> bool:
    """UNREACHABLE says that not one byte of an answer came back."""
    return isinstance(reply, Unknown) and reply.failure is Failure.UNREACHABLE and exchange.is_reused


def _unknown(error: BaseException, exchange: Exchange) -> Unknown:
    causes = list(_causes(error))
    if any(isinstance(one, SlowNameError) for one in causes):
        return Unknown(Failure.TIMEOUT, "the host's name was not resolved in time")
    if any(isinstance(one, TimeoutError | requests.Timeout) or _is_slow(one) for one in causes):
        return Unknown(Failure.TIMEOUT, "no complete answer in time")
    if any(isinstance(one, urllib3.exceptions.DecodeError) for one in causes):
        return Unknown(Failure.MALFORMED, "the answer's content encoding is broken")
    if exchange.has_answer and any(_is_no_http(one) for one in causes):
        return Unknown(Failure.FILTERED, "what answered does not speak HTTP")
    if exchange.has_answer:
        return Unknown(Failure.MALFORMED, "the answer was cut short")
    return Unknown(Failure.UNREACHABLE, _why(causes))


def _is_slow(error: BaseException) -> bool:
    # A refused connection is a ConnectTimeoutError too in urllib3's tree.
    slow = isinstance(error, urllib3.exceptions.TimeoutError)
    return slow and not isinstance(error, urllib3.exceptions.NewConnectionError)


def _is_no_http(error: BaseException) -> bool:
    """An answer whose head no HTTP server sends. An end without any byte is something else."""
    return isinstance(error, http.client.BadStatusLine | http.client.LineTooLong) and not isinstance(
        error, ConnectionError
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps: the libraries put causes in arguments, `reason` and `__cause__`."""
    pending, seen = [error], set[int]()
    while pending:
        one = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        pending += [each for each in inner if isinstance(each, BaseException)]


def _why(causes: list[BaseException]) -> str:
    """What to tell people of a connection that failed; never the URL, which libraries like to quote."""
    for one in causes:
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"the TLS certificate is not trusted: {one.verify_message}"
        if isinstance(one, ssl.SSLError):
            return f"TLS failed: {one.reason or 'no common protocol'}"
        if isinstance(one, socket.gaierror):
            return "the host's name cannot be resolved"
        if isinstance(one, http.client.RemoteDisconnected):
            return "the server closed the connection without an answer"
    for one in causes:
        if isinstance(one, OSError) and one.errno is not None:
            return f"no connection: {one.strerror}"
    return f"no connection: {type(causes[0]).__name__}"
