"""One conversation with a mail server: what is asked, and what each answer means for whom.

TLS is never a matter of what the server offers: where it is asked for, nothing is sent without it. No
answer leaves this file but as `Failed`, and no secret is in one.
"""

import base64
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Secret
from daemon.senders.authorities import ca_file
from daemon.senders.smtp_socket import GarbledError, Stopwatch, TimedSmtp, readable

DONE = 250
CLOSING = 421
"""RFC 5321, section 4.2.3."""
REFUSALS = 500
"""From here on an answer is final (RFC 5321, section 4.2.1)."""
GO_ON = 334
UNKNOWN_METHOD = 504
"""To AUTH (RFC 4954, section 4)."""
LOGIN_WANTED = frozenset({530, 534, 535, 538})
"""RFC 4954, section 6; the last by RFC 2554, section 6, which it replaced."""
TOO_LARGE = 552
"""To MAIL with its SIZE, or after the mail (RFC 1870, sections 6.1 and 6.3)."""
TOO_LARGE_BY_STATUS = frozenset({"2.3", "3.4"})
"""For the mailbox, and for the system (RFC 3463, sections 3.3 and 3.4)."""
OF_RECIPIENT = ("1.", "2.")
"""Classes of status that speak of the address and of the mailbox (RFC 3463, sections 3.2 and 3.3)."""
QUIT_WITHIN = timedelta(seconds=1)
"""Ours: nothing depends on the answer."""
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3} ")
"""RFC 2034, section 4: before the text of each line."""
_STATUS = re.compile(r"[0-9]{3} [245]\.([0-9]{1,3}\.[0-9]{1,3})(?: |$)")
"""The same in a whole reply, without its first number, which the code says again."""
_ADDRESS = re.compile(r"[^\s<>\x00-\x20\x7f]+")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
"""It is said twice, since one by itself ends the mail (RFC 5321, section 4.5.2)."""


class Security(Enum):
    """How a connection is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True)
class Server:
    """The server that takes the mails."""

    host: str
    port: int
    security: Security
    sender: str
    """Of the envelope, with its domain in ASCII: whom bounces go to."""
    username: str | None
    password: Secret | None
    timeout: timedelta
    """For one mail, from the name to the last answer."""
    connect_timeout: timedelta
    """All addresses of the name; with `Security.TLS` the handshake, too."""
    ca_file: Path | None = None
    """Certificate authorities in the place of the machine's."""


class Mail(NamedTuple):
    """What goes over the wire, the same bytes however often."""

    recipient: str
    content: bytes


class Reach(Enum):
    """Whom a failure concerns."""

    MAIL = "mail"
    """The next one may go over the same connection."""
    RECIPIENT = "recipient"
    """The same, and whoever it is for: mails to others are taken."""
    CONNECTION = "connection"
    SERVER = "server"
    """No other mail would fare better now."""
    LOGIN = "login"
    """The same, and asking again soon may lock the account."""


class Failed(Exception):
    """Why a mail was not taken, in one line for people."""

    def __init__(self, outcome: Outcome, error: str, reach: Reach) -> None:
        super().__init__(error)
        self.outcome = outcome
        self.error = error
        self.reach = reach


class InDoubt(Failed):
    """The connection was lost between the end of the mail and the answer to it."""


class TooLarge(Failed):
    """A smaller mail would have been taken."""

    def __init__(self, error: str, most: int | None = None) -> None:
        super().__init__(Outcome.REFUSED, error, Reach.MAIL)
        self.most = most
        """Bytes, where the server says so."""


class Tired(Failed):
    """The server has had enough of this connection before the mail was any matter."""


class Reply(NamedTuple):
    """What the server said, in one line."""

    code: int
    text: str
    """With the code."""

    @property
    def status(self) -> str:
        """`1.1` of `550 5.1.1 No such person` (RFC 3463); "" where it has none."""
        found = _STATUS.match(self.text)
        return found[1] if found else ""


class Connection:
    """One connection, from the first look at the name until QUIT."""

    def __init__(self, server: Server, watch: Stopwatch) -> None:
        self._server = server
        self._smtp = TimedSmtp(watch)
        self._stage = ""
        """What is being done, for who reads of a failure."""

    @property
    def address(self) -> str | None:
        return self._smtp.address

    def open(self) -> None:
        """Connect, secure, log in. Raises `Failed` where any of it is not to be had."""
        with self._failing(Reach.SERVER):
            with self._smtp.watch.within(self._server.connect_timeout):
                self._dial()
            self._expect(self._hear("the greeting"), Outcome.FAILED, Reach.SERVER)
            self._greet()
            if self._server.security is Security.STARTTLS:
                self._start_tls()
            if self._server.username is not None:
                self._log_in(self._server.username)

    def is_ready(self, watch: Stopwatch) -> bool:
        """Whether it still serves, for an attempt that wants to use it again."""
        self._smtp.watch = watch
        with suppress(Failed), self._failing(Reach.CONNECTION), watch.within(self._server.connect_timeout):
            return self._ask("RSET").code == DONE
        return False

    def deliver(self, mail: Mail) -> None:
        """Hand a mail over.

        Raises `Failed` where it was not taken: `Tired` where the server wants no more of this connection,
        `TooLarge` where a smaller one would have been, `InDoubt` where nobody knows.
        """
        with self._failing(Reach.CONNECTION):
            self._announce(mail)
            self._expect(self._ask("RCPT", f"TO:<{mail.recipient}>"), Outcome.REFUSED, Reach.RECIPIENT)
            self._expect(self._ask("DATA"), Outcome.REFUSED, Reach.MAIL, wanted=3)
            self._stage = "the mail"
            self._smtp.send(_LEADING_DOT.sub(b"..", mail.content) + b".\r\n")
        with self._failing(Reach.CONNECTION, lost=InDoubt):
            self._expect(self._hear("the end of the mail"), Outcome.REFUSED, Reach.MAIL)

    def quit(self, watch: Stopwatch) -> None:
        """Take leave, briefly."""
        self._smtp.watch = watch
        with suppress(Failed), self._failing(Reach.CONNECTION), watch.within(QUIT_WITHIN):
            self._ask("QUIT")
        self.close()

    def break_off(self) -> None:
        """End whatever it is doing; callable from every thread."""
        self._smtp.break_off()

    def close(self) -> None:
        """Hang up."""
        self._smtp.close()

    def _dial(self) -> None:
        self._stage = "connecting"
        self._smtp.dial(self._server.host, self._server.port)
        if self._server.security is Security.TLS:
            self._secure()

    def _secure(self) -> None:
        self._stage = "TLS"
        self._smtp.secure(_trust(self._server.ca_file), self._server.host)

    def _greet(self) -> None:
        self._stage = "EHLO"
        reply = _reply(*self._smtp.ehlo())
        if reply.code >= REFUSALS:
            self._stage = "HELO"
            reply = _reply(*self._smtp.helo())
        self._expect(reply, Outcome.FAILED, Reach.SERVER)

    def _start_tls(self) -> None:
        if not self._smtp.has_extn("starttls"):
            raise Failed(Outcome.UNTRUSTED, "the server offers no STARTTLS; nothing was sent", Reach.SERVER)
        self._expect(self._ask("STARTTLS"), Outcome.UNTRUSTED, Reach.SERVER)
        if self._smtp.has_unread:
            # Somebody on the way put it there, to have it taken for what came over TLS.
            error = "the server said more before TLS than it was asked; nothing was sent"
            raise Failed(Outcome.UNTRUSTED, error, Reach.SERVER)
        self._secure()
        self._greet()

    def _log_in(self, username: str) -> None:
        """By the first method that the server knows; a second one after a refusal would be a second try."""
        password = self._server.password.value if self._server.password else ""
        plain = _encoded(f"\0{username}\0{password}")
        methods = {"PLAIN": [f"PLAIN {plain}"], "LOGIN": ["LOGIN", _encoded(username), _encoded(password)]}
        offered = self._smtp.esmtp_features.get("auth", "").upper().split()
        for method in (name for name in methods if name in offered):
            reply = self._converse(methods[method])
            if reply.code != UNKNOWN_METHOD:
                # It may repeat what it heard.
                text = _without(reply.text, plain, _encoded(password), password)
                self._expect(Reply(reply.code, text), Outcome.FORBIDDEN, Reach.LOGIN)
                return
        error = f"the server offers no login by PLAIN or LOGIN, but {' '.join(offered) or 'none at all'}"
        raise Failed(Outcome.FORBIDDEN, readable(error.encode()), Reach.LOGIN)

    def _converse(self, said: list[str]) -> Reply:
        reply = self._ask("AUTH", said[0])
        for one in said[1:]:
            if reply.code != GO_ON:
                break
            self._smtp.putcmd(one)
            reply = self._hear("AUTH")
        return reply

    def _announce(self, mail: Mail) -> None:
        """MAIL: whom it is from, and what it needs."""
        if not _ADDRESS.fullmatch(mail.recipient):  # no command may hide in it
            error = f"no address: {mail.recipient}"
            raise Failed(Outcome.REFUSED, readable(error.encode()), Reach.RECIPIENT)
        is_international = self._needs_utf8(mail)
        limit = self._smtp.esmtp_features.get("size", "")
        if limit.isdecimal() and 0 < int(limit) < len(mail.content):
            error = f"the mail has {len(mail.content)} bytes, and the server takes {limit}"
            raise TooLarge(readable(error.encode()), int(limit))
        options = f" SIZE={len(mail.content)}" if self._smtp.has_extn("size") else ""
        self._smtp.command_encoding = "utf-8" if is_international else "ascii"
        if is_international:
            options += " SMTPUTF8 BODY=8BITMIME"
        reply = self._ask("MAIL", f"FROM:<{self._server.sender}>{options}")
        if reply.code == CLOSING:
            raise Tired(Outcome.FAILED, reply.text, Reach.CONNECTION)
        if reply.code == TOO_LARGE:
            raise TooLarge(reply.text)
        # It is our address that they do not want: no mail's fault, and an operator can help it in time.
        self._expect(reply, Outcome.FAILED, Reach.SERVER)

    def _needs_utf8(self, mail: Mail) -> bool:
        """Whether one of the two addresses needs SMTPUTF8. Raises `Failed` where it is not offered."""
        for address, outcome, reach in (
            # As where MAIL is refused: no mail's fault, and an operator can help it in time.
            (self._server.sender, Outcome.FAILED, Reach.SERVER),
            (mail.recipient, Outcome.REFUSED, Reach.RECIPIENT),
        ):
            if not address.isascii() and not self._smtp.has_extn("smtputf8"):
                error = f"the server takes only ASCII addresses (no SMTPUTF8), not {address}"
                raise Failed(outcome, readable(error.encode()), reach)
        return not (self._server.sender + mail.recipient).isascii()

    def _ask(self, verb: str, rest: str = "") -> Reply:
        self._stage = verb
        self._smtp.putcmd(verb, rest)
        return self._hear(verb)

    def _hear(self, stage: str) -> Reply:
        self._stage = stage
        return _reply(*self._smtp.getreply())

    def _expect(self, reply: Reply, refused: Outcome, reach: Reach, *, wanted: int = 2) -> None:
        """Raises `Failed` for any other answer; `refused` and `reach` are what a final one means."""
        if reply.code // 100 == wanted:
            return
        if reply.code in LOGIN_WANTED:
            raise Failed(Outcome.FORBIDDEN, reply.text, Reach.LOGIN)
        if _is_too_large(reply, reach):
            raise TooLarge(reply.text)
        if reach is Reach.MAIL and reply.status.startswith(OF_RECIPIENT):
            reach = Reach.RECIPIENT
        if reply.code >= REFUSALS:
            raise Failed(refused, reply.text, reach)
        is_opening = reach in (Reach.SERVER, Reach.LOGIN)
        if reply.code == CLOSING and not is_opening:
            reach = Reach.CONNECTION
        raise Failed(Outcome.FAILED, reply.text, Reach.SERVER if is_opening else reach)

    @contextmanager
    def _failing(self, reach: Reach, lost: type[Failed] = Failed) -> Iterator[None]:
        """What the network says, as `Failed`; `lost` where the connection is."""
        try:
            yield
        except GarbledError as error:
            raise Failed(Outcome.UNREACHABLE, self._line(error), reach) from error
        except OSError as error:
            outcome, what = _meaning(error)
            kind = lost if outcome is Outcome.UNREACHABLE else Failed
            raise kind(outcome, self._line(what), reach) from error

    def _line(self, what: object) -> str:
        return readable(f"{self._stage}: {what}".encode())


def _meaning(error: OSError) -> tuple[Outcome, str]:
    """What a failure of the network is, in our words."""
    if isinstance(error, TimeoutError):
        return Outcome.TIMEOUT, "timed out"
    if isinstance(error, socket.gaierror):
        return Outcome.UNRESOLVED, error.strerror or str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Outcome.UNTRUSTED, error.verify_message or str(error)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):  # it says nothing of trust
        return Outcome.UNREACHABLE, "closed by the server"
    if isinstance(error, ssl.SSLError):
        return Outcome.UNTRUSTED, error.reason or str(error)
    return Outcome.UNREACHABLE, error.strerror or str(error)


def _trust(own: Path | None) -> ssl.SSLContext:
    """Trust in the certificate authorities of a file, or else in the machine's."""
    # Not `create_default_context`, which lets the environment say whom to trust and where to log keys.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    known = own or Path(ca_file())
    try:
        context.load_verify_locations(known)
    except OSError as error:
        why = (error.strerror if not isinstance(error, ssl.SSLError) else error.reason) or str(error)
        raise Failed(Outcome.UNTRUSTED, readable(f"{known}: {why}".encode()), Reach.SERVER) from error
    return context


def _reply(code: int, said: bytes) -> Reply:
    """A reply of however many lines as one, with its enhanced code said once."""
    first, *others = said.split(b"\n")
    prefix = _ENHANCED.match(first)
    lines = [first, *(line.removeprefix(prefix[0]) if prefix else line for line in others)]
    return Reply(code, readable(b"%d %b" % (code, b" ".join(lines))))


def _is_too_large(reply: Reply, reach: Reach) -> bool:
    """Whether it is the size of the mail that is refused; at RCPT a bare 552 is more often a full mailbox."""
    if reply.code < REFUSALS or reach not in (Reach.MAIL, Reach.RECIPIENT):
        return False
    is_bare = reply.code == TOO_LARGE and not reply.status
    return reply.status in TOO_LARGE_BY_STATUS or (is_bare and reach is Reach.MAIL)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _without(text: str, *secrets: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "***") if secret else text
    return text
