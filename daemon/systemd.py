"""The notify protocol of systemd: READY, RELOADING, STOPPING and the one STATUS line.

A few lines of our own: the packages for it lose Hebrew text or want a compiler. Source: sd_notify(3).
"""

import socket
from collections.abc import Mapping


class Notifier:
    """Says to the service manager how we are; says nothing where there is none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the NUL of an abstract socket.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._last_status = ""

    def ready(self, status: str) -> None:
        """Started, or done with reloading."""
        self._last_status = status
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def reloading(self, monotonic: float) -> None:
        """A reload began, `monotonic` seconds after boot; the manager waits for the next `ready`."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={int(monotonic * 1_000_000)}")

    def stopping(self) -> None:
        """Shutting down."""
        self._send("STOPPING=1\nSTATUS=draining")

    def status(self, status: str) -> None:
        """What `systemctl status` shows; sent when it changed."""
        if status != self._last_status:
            self._last_status = status
            self._send(f"STATUS={_line(status)}")

    def _send(self, state: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            try:
                manager.sendto(state.encode(), self._address)
            except OSError:
                # A manager that went away is no reason to go down with it.
                return


def _line(text: str) -> str:
    return " ".join(text.split())
