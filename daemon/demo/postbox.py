"""A mail server on loopback that keeps what it gets, so that the demo can show it."""

import socket
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

HOST = "127.0.0.1"


class Postbox:
    """Takes every mail, and tells of each."""

    def __init__(self, on_mail: Callable[[EmailMessage], None]) -> None:
        self._on_mail = on_mail
        self.mails: list[EmailMessage] = []
        self.port = _free_port()
        self._controller = Controller(self, hostname=HOST, port=self.port)

    def start(self) -> None:
        """Listen, in a thread of its own."""
        self._controller.start()

    def stop(self) -> None:
        """Listen no more."""
        self._controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """One mail has come, whole."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(mail)
        self._on_mail(mail)
        return "250 2.0.0 taken"


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
