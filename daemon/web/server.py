"""uvicorn in one thread of the daemon: its socket is bound before anything is promised."""

import socket
import threading

import uvicorn
from fastapi import FastAPI


class Server:
    """One listening address."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._address = (host, port)
        config = uvicorn.Config(
            app, lifespan="off", access_log=False, log_config=None, server_header=False, ws="none"
        )
        self._server = uvicorn.Server(config)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Bind and serve; OSError, with the address, where that cannot be (a port in use)."""
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=128)
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror}: {host}:{port}") from None
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="http", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on, also where 0 was asked for."""
        assert self._socket is not None, "start() comes first"  # noqa: S101 - our own order
        port: int = self._socket.getsockname()[1]
        return port

    def stop(self, timeout: float) -> None:
        """Answer what is under way, at most `timeout` seconds long, and listen no more."""
        self._server.should_exit = True
        if self._thread:
            self._thread.join(timeout)
            if self._thread.is_alive():
                self._server.force_exit = True
                self._thread.join(timeout)
        if self._socket:
            self._socket.close()
