"""What systemd and its services have agreed on: the notify protocol, the watchdog, sockets handed over.

A few lines of our own: the packages for it lose Hebrew text or want a compiler. Sources: sd_notify(3),
sd_watchdog_enabled(3), sd_listen_fds(3).
"""

import os
import socket
from collections.abc import Mapping

FIRST_DESCRIPTOR = 3
"""Of those that are handed over: SD_LISTEN_FDS_START of sd_listen_fds(3)."""


class Notifier:
    """Says to the service manager how we are; says nothing where there is none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the NUL of an abstract socket.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._last_status = ""
        self.patience = _patience(environ)
        """Seconds after which the manager ends us unless it has heard `alive`; None: it does not watch."""

    def alive(self) -> None:
        """All is well: feeds the watchdog, where there is one."""
        if self.patience is not None:
            self._send("WATCHDOG=1")

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


def listening(environ: Mapping[str, str]) -> socket.socket | None:
    """The socket that the manager listens on for us, if it does. Raises ValueError for several."""
    if not _is_for_us(environ, "LISTEN_PID") or not environ.get("LISTEN_FDS"):
        return None
    many = int(environ["LISTEN_FDS"])
    if many != 1:
        raise ValueError(f"systemd hands over {many} sockets; yemotd listens on one")
    one = socket.socket(fileno=FIRST_DESCRIPTOR)
    one.set_inheritable(False)
    return one


def _patience(environ: Mapping[str, str]) -> float | None:
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdigit() or int(microseconds) == 0:
        return None
    # Where none is named, it is for whoever got the variables.
    is_ours = "WATCHDOG_PID" not in environ or _is_for_us(environ, "WATCHDOG_PID")
    return int(microseconds) / 1_000_000 if is_ours else None


def _is_for_us(environ: Mapping[str, str], name: str) -> bool:
    """Whether variables are meant for this process, and not for one that started it."""
    return environ.get(name) == str(os.getpid())


def _line(text: str) -> str:
    return " ".join(text.split())
