"""Mail servers for tests: aiosmtpd on a thread of its own, and one that says what its script says."""

import asyncio
import ssl
import threading
from collections.abc import Callable
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.bad_receiver import Left, Line


class MailServer:
    """A real one on a loopback port. Takes every mail, but for the recipients in `refusals`, and those of
    more bytes than `most`, of which it says nothing before."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        is_implicit: bool = False,
        login: tuple[str, str] | None = None,
        most: int | None = None,
        **options: Any,
    ) -> None:
        self.mails: list[Envelope] = []
        self.came = threading.Event()
        """Set with each mail."""
        self.connections = 0
        self.logins: list[tuple[str, str]] = []
        self.refusals: dict[str, str] = {}
        self.tried: list[int] = []
        """The bytes of each mail that came whole."""
        self._login = login
        self._most = most
        self._loop = asyncio.new_event_loop()
        if login:
            # It does not see that all of a connection is TLS, and then warns of a login in the clear.
            options |= {"authenticator": self._authenticate, "auth_require_tls": not is_implicit}
            options |= {"auth_required": not is_implicit}
        if tls and not is_implicit:
            options |= {"tls_context": tls, "require_starttls": True}

        def serve() -> SMTP:
            self.connections += 1
            return SMTP(self, hostname="mail.test", loop=self._loop, **options)

        listening = self._loop.create_server(serve, "127.0.0.1", 0, ssl=tls if is_implicit else None)
        self._server = self._loop.run_until_complete(listening)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Fine"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.tried.append(len(envelope.original_content or b""))
        if self._most is not None and self.tried[-1] > self._most:
            return "552 5.3.4 Message too big"
        self.mails.append(envelope)
        self.came.set()
        return "250 2.0.0 Taken"

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> "MailServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        self.logins.append((mechanism, given[1]))
        return AuthResult(success=given == self._login, handled=False)

    async def _end(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


Answer = bytes | Callable[[Line], None]
"""What is said, or what is done instead."""


FLAWLESS: dict[str, Answer] = {
    "greeting": b"220 mail.test ESMTP\r\n",
    "ehlo": b"250-mail.test\r\n250-SIZE 100000\r\n250 ENHANCEDSTATUSCODES\r\n",
    "starttls": b"220 2.0.0 Go ahead\r\n",
    "auth": b"235 2.7.0 Welcome\r\n",
    "data": b"354 Go ahead\r\n",
    "quit": b"221 2.0.0 Bye\r\n",
}
FINE = b"250 2.0.0 Fine\r\n"


class Conversation:
    """A script for `FaultReceiver`: a mail server that does well but for `answers`, by command.

    Of several answers the last one is for all that follow, also on other connections. `greeting` is what is
    said first, `end` after the mail's last line.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, /, **answers: Answer | list[Answer]) -> None:
        self.commands: list[str] = []
        """Of all connections."""
        self.mails: list[bytes] = []
        """As they stood on the wire, but for the final dot."""
        self._tls = tls
        self._answers = {
            verb: list(one) if isinstance(one, list) else [one] for verb, one in (FLAWLESS | answers).items()
        }

    @property
    def verbs(self) -> list[str]:
        return [command.split()[0].upper() for command in self.commands]

    def __call__(self, line: Line) -> None:
        self._act(line, "greeting")
        verb = ""
        while verb != "quit":
            command = line.until(b"\r\n").decode()
            self.commands.append(command)
            verb = command.partition(" ")[0].lower()
            answer = self._act(line, verb)
            if verb == "starttls" and self._tls:
                line.secure(self._tls)
            if answer[:3] == b"354":
                self.mails.append(line.until(b"\r\n.\r\n") + b"\r\n")
                self._act(line, "end")

    def _act(self, line: Line, verb: str) -> bytes:
        answers = self._answers.get(verb, [FINE])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, bytes):
            line.say(answer)
            return answer
        answer(line)
        return b""


def dropping(_line: Line) -> None:
    """Closes the connection."""
    raise Left


def parting(data: bytes) -> Callable[[Line], None]:
    """Says this, and closes the connection."""

    def act(line: Line) -> None:
        line.say(data)
        raise Left

    return act
