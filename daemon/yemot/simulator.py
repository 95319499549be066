"""The telephony API on loopback, simulated: HTTP/1.1 with keep-alive, for tests, `simulate` and `demo`.

Requests in, bytes out: which system is meant, what it was asked, which fault stands in the way. What the
answers are stands in `simulated_answers`, what may go wrong in `simulator_faults`.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from daemon.clock import utcnow
from daemon.core.model import Json
from daemon.yemot import simulated_answers, simulator_control, simulator_faults, simulator_wire
from daemon.yemot.simulated import ApiRequest, SimulatedSystem
from daemon.yemot.simulated_refusals import Refused
from daemon.yemot.simulated_tokens import INVALID, Rejected, Tokens
from daemon.yemot.simulator_control import ControlReply, ControlRequest
from daemon.yemot.simulator_faults import Faults, Reply
from daemon.yemot.simulator_fields import Problem
from daemon.yemot.simulator_wire import Wire

API = "/ym/api/"
CONTROL = "/control/"
MOST_BYTES = 4 * 1024 * 1024
"""Of a request's body."""
SECRET = frozenset({"token", "password"})
"""Parameters that are not remembered."""


class Simulator:
    """A server with one or more simulated systems, chosen by their token. A context manager."""

    def __init__(
        self,
        systems: Mapping[str, SimulatedSystem],
        *,
        now: Callable[[], datetime] = utcnow,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """`systems`: by token, `0770000000:demo` or an opaque one. `port` 0 takes a free one."""
        self.faults = Faults()
        self.tokens = Tokens(systems, now)
        self._now = now
        self._address = (host, port)
        self._wire: Wire | None = None

    def __enter__(self) -> "Simulator":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        if self._wire is None:
            self._wire = Wire(self._address, _handler(self))
            self._wire.start()

    def stop(self) -> None:
        """End every connection, and listen no more. The state stays."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.stop()

    @property
    def systems(self) -> Mapping[str, SimulatedSystem]:
        """By token."""
        return self.tokens.systems

    @property
    def base_url(self) -> str:
        """What a client calls its base URL. Raises RuntimeError before the start."""
        return f"{self._origin}{API}"

    @property
    def control_url(self) -> str:
        """Where the simulator itself is driven from outside."""
        return f"{self._origin}{CONTROL}"

    @property
    def _origin(self) -> str:
        if self._wire is None:
            raise RuntimeError("the simulator is not started")
        return f"http://{self._address[0]}:{self._wire.server_address[1]}"

    def answer(self, request: ApiRequest, token: str) -> Mapping[str, Any]:
        """Carry a request out. `request` may still hold the token and passwords."""
        if request.method == "Login":
            return self._login(request)
        system = self.tokens.find(token)
        if isinstance(system, Rejected):
            return system.envelope
        if request.method == "Logout":
            self.tokens.logout(token)
            return simulated_answers.JAVA_CORE
        return simulated_answers.answer(system, request)

    def remember(self, request: ApiRequest, token: str) -> None:
        """Let the system that a request is for know it, however it is answered."""
        user_name, password = request.params.get("username"), request.params.get("password")
        key = f"{user_name}:{password}" if request.method == "Login" else token
        system = self.tokens.find(key)
        if isinstance(system, SimulatedSystem):
            params = {name: value for name, value in request.params.items() if name not in SECRET}
            system.record(ApiRequest(request.method, params, self._now(), request.verb, request.is_json))

    def _login(self, request: ApiRequest) -> Mapping[str, Any]:
        given = [request.params.get(name) for name in ("username", "password")]
        if not all(isinstance(value, str | int) and value != "" for value in given):
            return Refused("missing parameter: username, password").envelope
        token = self.tokens.login(str(given[0]), str(given[1]))
        return token.envelope if isinstance(token, Rejected) else {**simulated_answers.JAVA_CORE, "token": token}


@dataclass(frozen=True)
class Incoming:
    """A request that was read whole."""

    verb: str
    path: str
    query: Mapping[str, str]
    content_type: str
    body: bytes
    authorization: str

    @property
    def is_json(self) -> bool:
        return self.verb == "POST" and self.content_type == "application/json"

    def params(self) -> dict[str, Json]:
        """Of the query and of the body, which comes first. Raises ValueError where the JSON is no object."""
        if self.is_json:
            decoded = json.loads(self.body or b"{}")
            if not isinstance(decoded, dict):
                raise ValueError("not an object")
            return {**self.query, **decoded}
        form = parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {**self.query, **dict(form)}


def _handler(simulator: Simulator) -> type[BaseHTTPRequestHandler]:
    """The handler class of one simulator: the standard library makes an instance for each connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        server: Wire

        def do_GET(self) -> None:
            with suppress(ConnectionError):
                self._serve()

        do_POST = do_DELETE = do_PUT = do_PATCH = do_HEAD = do_GET  # noqa: N815
