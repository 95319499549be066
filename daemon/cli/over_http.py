"""A daemon elsewhere, over its HTTP API: asked within a time and a size, believed only as far as its answer
goes.

Nothing leads the token to another host: a redirect is told, and not followed. Whatever may be on the other
side, a proxy's page, a program of another kind, somebody silent or without an end, becomes a sentence and an
exit code of sysexits. No proxy of the environment is asked.
"""

import http.client
import io
import ipaddress
import json
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from daemon import __version__
from daemon.cli.output import Fatal, complain
from daemon.core.headers import unfit
from daemon.core.model import Secret
from daemon.core.timestamps import from_iso
from daemon.core.visible import visible_line
from daemon.core.wording import cut
from daemon.host import clock
from daemon.tcp.dial import dial

PATIENCE = timedelta(seconds=30)
"""For one answer, all of it: connecting, asking, reading."""
CONNECTING = 10.0
"""Seconds of these, at most, until there is a connection."""
SILENT_SECONDS = 40.0
"""Of a stream, which says something every 15 s: nobody is there any more."""
MOST_BYTES = 16 << 20
"""Ours. Of one answer: decoded, JSON may take forty times as much."""
MOST_FETCHED = 64 << 20
"""Ours. Of a file that is fetched."""
FETCHING = timedelta(minutes=10)
"""For a file that the daemon has to fetch itself."""
MOST_TOKEN = 64 * 1024
AT_ONCE = 1 << 16
API = "/api/v1"
TLS_PORT, PLAIN_PORT = 443, 80
CODES = {400: os.EX_DATAERR, 401: os.EX_NOPERM, 403: os.EX_NOPERM, 404: os.EX_DATAERR, 409: os.EX_DATAERR}
CODES |= {408: os.EX_TEMPFAIL, 410: os.EX_DATAERR, 413: os.EX_DATAERR, 421: os.EX_CONFIG, 422: os.EX_USAGE}
CODES |= {429: os.EX_TEMPFAIL, 500: os.EX_UNAVAILABLE, 503: os.EX_TEMPFAIL}
"""How a verb ends by the problem that the daemon answers with; by another of these: 76."""
OLDER = frozenset({("404", "Not Found"), ("405", "Method Not Allowed")})
"""The problems of a path that a daemon of another release does not have."""
PROBLEM = "application/problem+json"
FAILED = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Address:
    """Where a daemon is."""

    scheme: str
    host: str
    port: int
    prefix: str
    """The path below which a proxy hands it on, without a slash at its end."""

    @classmethod
    def of(cls, url: str) -> "Address":
        """Raises `Fatal` (exit 64) for what is no address of a daemon."""
        parts = _split(url)
        port = parts.port or (TLS_PORT if parts.scheme == "https" else PLAIN_PORT)
        return cls(parts.scheme, parts.hostname or "", port, parts.path.rstrip("/").removesuffix(API))

    @property
    def is_safe(self) -> bool:
        """Whether nobody on the way can read the token."""
        if self.scheme == "https" or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.prefix}"


@dataclass(frozen=True)
class Question:
    """One request."""

    method: str
    path: str
    """Below `/api/v1/`, quoted."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    waits: timedelta = timedelta(0)
    """For what the daemon is to wait itself, beside the time for its answer."""

    @property
    def target(self) -> str:
        """The path with its query."""
        return f"{API}/{self.path}" + (f"?{urlencode(self.query)}" if self.query else "")


class Elsewhere:
    """The daemon at an address. For one thread."""

    def __init__(
        self, address: Address, token: Secret, token_file: str, trust: ssl.SSLContext | None
    ) -> None:
        self.address = address
        self.patience = PATIENCE
        self._token = token
        self._token_file = token_file
        self._trust = trust
        self._connection: http.client.HTTPConnection | None = None
        self._timed: _Timed | None = None
        self.headers: Mapping[str, str] = {}
        """Of the last answer."""
        self._until = 0.0
        self._about: Mapping[str, Any] | None = None
        self._learned_at = 0.0

    @property
    def secret(self) -> str:
        """What no line of the log may show."""
        return self._token.value

    def ask(self, question: Question) -> Any:
        """The JSON of the answer. Raises `Fatal` where there is none that can be used."""
        is_safe_again = question.method == "GET"
        if not is_safe_again:
            self.close()  # a connection that the other side has closed would leave open what came of it
        was_there = self._connection is not None
        is_sent = False
        try:
            try:
                self._until = clock.monotonic() + (self.patience + question.waits).total_seconds()
                self._opened()
                is_sent = True
                return self._exchanged(question)
            except (http.client.RemoteDisconnected, ConnectionError):
                if not (is_safe_again and was_there):
                    raise
                self.close()
                self._opened()
                return self._exchanged(question)
        except FAILED as error:
            self.close()
            self._fail(error, question, is_sent=is_sent)

    def stream(self, query: Mapping[str, str], last_id: str) -> tuple[Any, http.client.HTTPResponse]:
        """The stream of events, from there on: a connection, which closes it, and what is read. Raises
        OSError or HTTPException where it cannot be had now, `Fatal` where it never can."""
        self.close()
        self._until = clock.monotonic() + self.patience.total_seconds()
        connection = self._opened()
        question = Question(
            "GET", "events/stream", query, headers={"last-event-id": last_id} if last_id else {}
        )
        response = self._answer(question)
        if response.status != http.HTTPStatus.OK:
            body = self._body(response)
            if response.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
                raise http.client.HTTPException(f"HTTP {response.status}")
            self._judged(response, body)
        if "event-stream" not in response.headers.get("content-type", ""):
            self._no_daemon(response)
        if self._timed is not None:
            self._timed.left = lambda: SILENT_SECONDS  # it has no end, whatever else is asked meanwhile
        self._connection = self._timed = None  # whoever follows has it, and closes it
        return connection, response

    def fetch(self, path: str, into: BinaryIO) -> int:
        """What is no JSON, into a file; gives its bytes. Raises `Fatal`, and OSError of the file."""
        self.close()
        question = Question("GET", path, waits=FETCHING)
        try:
            self._until = clock.monotonic() + (self.patience + question.waits).total_seconds()
            response = self._answer(question)
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.status != http.HTTPStatus.OK or kind == PROBLEM:
                self._judged(response, self._body(response))
                self._no_daemon(response)
            return self._into(response, into)
        except FAILED as error:
            self._fail(error, question, is_sent=True)
        finally:
            self.close()

    def _into(self, response: http.client.HTTPResponse, into: BinaryIO) -> int:
        size = 0
        while part := response.read(AT_ONCE):
            size += len(part)
            if size > MOST_FETCHED:
                raise self._fatal(f"answers with more than {MOST_FETCHED >> 20} MiB", os.EX_PROTOCOL)
            into.write(part)
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        return size

    def about(self) -> Mapping[str, Any]:
        """Its release, its zone, and what time it is there; asked once. Nothing of one that does not say."""
        if self._about is None:
            try:
                found = self.ask(Question("GET", "about"))
            except Fatal as error:
                if error.code != os.EX_PROTOCOL:
                    raise
                complain(f"{self.address} does not say which zone it is in: times are this machine's")
                found = {}
            self._about, self._learned_at = found if isinstance(found, Mapping) else {}, clock.monotonic()
        return self._about

    def zone(self) -> str | None:
        """The name of its zone; None: it does not say."""
        named = self.about().get("timezone")
        return named if isinstance(named, str) else None

    def now(self) -> datetime:
        """What time it is there; this machine's, where it does not say."""
        then = from_iso(self.about().get("now"))
        if then is None:
            return clock.utcnow()
        return then + timedelta(seconds=clock.monotonic() - self._learned_at)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._timed is not None:
            self._timed.sock.close()
            self._timed = None

    def unknown(self, document: str) -> Fatal:
        """How a verb ends whose answer is JSON, and not what this program understands."""
        return Fatal(
            f"{self.address} answered what this program does not understand: {cut(document)}", os.EX_PROTOCOL
        )

    def _left(self) -> float:
        """Seconds that the exchange may still take. Raises TimeoutError."""
        left = self._until - clock.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return min(left, SILENT_SECONDS)

    def _opened(self) -> http.client.HTTPConnection:
        if self._connection is not None and self._connection.sock is not None:
            return self._connection
        where = self.address
        until = clock.monotonic() + min(CONNECTING, self._left())

        def left() -> float:
            if (rest := until - clock.monotonic()) <= 0:
                raise TimeoutError("the deadline passed")
            return rest

        plain = dial(where.host, where.port, left)
        try:
            opened = plain if self._trust is None else self._secured(plain, self._trust, left())
        except BaseException:
            plain.close()
            raise
        connection = http.client.HTTPConnection(where.host, where.port)
        connection.default_port = TLS_PORT if self._trust else PLAIN_PORT
        connection.auto_open = 0
        connection.sock = self._timed = _Timed(opened, self._left)  # as much of one as http.client uses
        self._connection = connection
        return connection

    def _secured(self, plain: socket.socket, trust: ssl.SSLContext, left: float) -> socket.socket:
        plain.settimeout(left)
        return trust.wrap_socket(plain, server_hostname=self.address.host)

    def _exchanged(self, question: Question) -> Any:
        response = self._answer(question)
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        body = self._body(response)
        return self._judged(response, body)

    def _answer(self, question: Question) -> http.client.HTTPResponse:
        connection = self._opened()
        headers = {
            "authorization": f"Bearer {self._token.value}",
            "accept": "application/json",
            "user-agent": f"yemotd/{__version__}",
            **question.headers,
        }
        content = None
        if question.body is not None:
            content = json.dumps(question.body).encode()
            headers["content-type"] = "application/json"
        elif question.method != "GET":
            headers["content-length"] = "0"
        connection.request(question.method, self.address.prefix + question.target, content, headers)
        return connection.getresponse()

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        parts, size = [], 0
        while part := response.read(AT_ONCE):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                self.close()
                raise self._fatal(f"answers with more than {MOST_BYTES >> 20} MiB", os.EX_PROTOCOL)
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        return b"".join(parts)

    def _judged(self, response: http.client.HTTPResponse, body: bytes) -> Any:
        status = response.status
        if http.HTTPStatus.MULTIPLE_CHOICES <= status < http.HTTPStatus.BAD_REQUEST:
            to = cut(response.headers.get("location") or "nowhere")
            raise self._fatal(
                f"leads elsewhere (HTTP {status} to {to}); the token is not sent there", os.EX_PROTOCOL
            )
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("application/json", PROBLEM):
            self._no_daemon(response)
        try:
            document = json.loads(body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise self._fatal("answers with what is no JSON", os.EX_PROTOCOL) from None
        if status < http.HTTPStatus.MULTIPLE_CHOICES:
            return document
        raise self._refused(status, document if isinstance(document, dict) else {})

    def _no_daemon(self, response: http.client.HTTPResponse) -> NoReturn:
        kind = cut(response.headers.get("content-type") or "no type")
        what = f"answers HTTP {response.status} with {kind}: that is no daemon, a proxy's page perhaps"
        raise self._fatal(what, os.EX_PROTOCOL)

    def _refused(self, status: int, problem: Mapping[str, Any]) -> Fatal:
        title, detail = str(problem.get("title", "")), str(problem.get("detail", ""))
        if status == http.HTTPStatus.UNAUTHORIZED:
            return self._fatal(f"does not know the token of {self._token_file}", os.EX_NOPERM)
        if (str(status), title) in OLDER or self._is_of_another_release(problem):
            return self._fatal("does not know what was asked: it is of an older release", os.EX_PROTOCOL)
        said = cut(": ".join(one for one in (title, detail) if one) or f"HTTP {status}")
        return self._fatal(f"says: {said}", CODES.get(status, os.EX_PROTOCOL))

    def _is_of_another_release(self, problem: Mapping[str, Any]) -> bool:
        """A query of this program holds no word that a daemon of its release does not know."""
        faults = problem.get("faults")
        found = faults if isinstance(faults, list) else []
        return any(isinstance(one, dict) and "is not known here" in str(one.get("reason")) for one in found)

    def _fatal(self, what: str, code: int) -> Fatal:
        return Fatal(f"{self.address} {what}", code)

    def _fail(self, error: Exception, question: Question, *, is_sent: bool) -> NoReturn:
        reason = _reason(error)
        if is_sent and question.method != "GET":
            how = "; what came of it is not known: look before you ask again"
            raise self._fatal(f"did not answer: {reason}{how}", os.EX_PROTOCOL)
        raise self._fatal(f"cannot be asked: {reason}", os.EX_UNAVAILABLE)


def reached(url: str, token_file: str | None, ca_file: str | None) -> Elsewhere:
    """The daemon at an address, which is not asked yet. Raises `Fatal` (exit 64, or 66 for a file)."""
    address = Address.of(url)
    if token_file is None:
        raise Fatal(
            f"--token-file: give the file with a token of {address}, or $YEMOTD_TOKEN_FILE", os.EX_USAGE
        )
    token = _token(token_file)
    if not address.is_safe:
        complain(f"warning: without TLS everybody on the way to {address} can read the token")
    return Elsewhere(address, token, token_file, _trust(ca_file) if address.scheme == "https" else None)


def quoted_path(path: str, words: Mapping[str, str]) -> str:
    """A path with its words in it: a name with a slash, as mailboxes have, stays two parts."""
    return path.format_map({name: quote(word, safe="/@") for name, word in words.items()})


class _Timed:
    """As much of a socket as `http.client` uses, with what is left of the time before each operation."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self.sock = sock
        self.left = left
        self._users = 1

    def sendall(self, data: Any) -> None:
        self.sock.settimeout(self.left())
        self.sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._users += 1
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Who asks may close it before the answer is read, which ends when that is closed, too."""
        self._users -= 1
        if not self._users:
            self.sock.close()


class _Reader(io.RawIOBase):
    def __init__(self, of: _Timed) -> None:
        super().__init__()
        self._of = of

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._of.sock.settimeout(self._of.left())
        return self._of.sock.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._of.close()


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Fatal("--url: expected https:// (or http://) and a host", os.EX_USAGE)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise Fatal("--url: expected no user, password, query or fragment", os.EX_USAGE)
    return parts


def _token(name: str) -> Secret:
    try:
        with Path(name).open("rb") as file:
            content = file.read(MOST_TOKEN)
    except OSError as error:
        raise Fatal(f"--token-file {cut(name)}: cannot be read: {error.strerror}", os.EX_NOINPUT) from None
    text = content.decode(errors="replace").strip()
    if not text or unfit(text):
        raise Fatal(f"--token-file {cut(name)}: {unfit(text) or 'is empty'}", os.EX_USAGE)
    return Secret(text)


def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or str(error)
        raise Fatal(f"--ca-file {cut(ca_file or '')}: {why}", os.EX_NOINPUT) from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate is not trusted ({error.verify_message})"
        return f"{why}; --ca-file names a house's own authority"
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, http.client.IncompleteRead):
        return "its answer was cut short"
    if isinstance(error, http.client.HTTPException):
        return f"what it says is no HTTP ({visible_line(cut(str(error) or type(error).__name__))})"
    return cut((error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__)


def _no_constant(name: str) -> Any:
    raise ValueError(name)
