"""The telephony API on loopback, simulated: HTTP/1.1 with keep-alive, for tests, `simulate` and `demo`.

Here a request finds its system by its token, and the fault that stands in its way. What is answered stands
in `answers`, what may go wrong in `faults`, how bytes travel in `http`.
"""

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any
from urllib.parse import unquote

from daemon.simulator import answers, gateway
from daemon.simulator.api_refusals import ApiRefusal
from daemon.simulator.control import Controlled, ControlReply, ControlRequest, control, invalid
from daemon.simulator.faults import ActiveFault, Fault, Faults, Reply, encoded, reply, throttled_seconds
from daemon.simulator.file_answers import Content
from daemon.simulator.http import Handler
from daemon.simulator.incoming import Incoming, decoded_json
from daemon.simulator.parameters import Problem
from daemon.simulator.spelling import JAVA_CORE
from daemon.simulator.system import REMEMBERED, ApiRequest, SimulatedSystem
from daemon.simulator.tokens import Rejected, Tokens
from daemon.simulator.wire import Wire

API = "/ym/api/"
CONTROL = "/control/"
VERBS = ("GET", "POST")
SECRET = frozenset({"token", "password"})
"""Parameters that are not remembered."""


class Simulator:
    """A server with one or more simulated systems, chosen by their token. A context manager."""

    def __init__(
        self,
        systems: Mapping[str, SimulatedSystem],
        *,
        now: Callable[[], datetime],
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """`systems`: by token, `0770000000:demo` or an opaque one. `port` 0 takes a free one."""
        self.faults = Faults()
        self.tokens = Tokens(systems, now)
        self._now = now
        self._address = (host, port)
        self._strangers: deque[ApiRequest] = deque(maxlen=REMEMBERED)
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
            self._wire = Wire(self._address, Handler, respond=self._respond, now=self._now)
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
    def strangers(self) -> tuple[ApiRequest, ...]:
        """The last requests whose token opened nothing, oldest first."""
        return tuple(self._strangers)

    @property
    def base_url(self) -> str:
        """What a client calls its base URL. Raises RuntimeError before the start."""
        return f"{self._origin}{API}"

    @property
    def gateway_url(self) -> str:
        """The same of the newer gateway."""
        return f"{self._origin}{gateway.PATH}"

    @property
    def control_url(self) -> str:
        """Where the simulator itself is driven from outside."""
        return f"{self._origin}{CONTROL}"

    @property
    def _origin(self) -> str:
        if self._wire is None:
            raise RuntimeError("the simulator is not started")
        return f"http://{self._address[0]}:{self._wire.server_address[1]}"

    def _respond(self, incoming: Incoming) -> tuple[Reply, ActiveFault | None]:
        if incoming.path.startswith(API):
            return self._respond_to_call(incoming)
        if incoming.path.startswith(gateway.PATH):
            return self._respond_at_the_gateway(incoming)
        if incoming.path.startswith(CONTROL):
            controlled = self._control(incoming)
            return Reply(encoded(controlled.data), controlled.status), None
        where = f"the API is under {API}, and the newer gateway under {gateway.PATH}"
        return Reply(where.encode(), HTTPStatus.NOT_FOUND, "text/plain"), None

    def _respond_to_call(self, incoming: Incoming) -> tuple[Reply, ActiveFault | None]:
        refused = _refused_verb(incoming)
        if refused is not None:
            return refused, None
        method = incoming.path.removeprefix(API)
        try:
            params = incoming.params()
        except ValueError:
            return Reply(encoded(ApiRefusal("the JSON is broken").envelope)), None
        request = ApiRequest(method, params, self._now(), incoming.verb, incoming.is_json)
        token = incoming.authorization or str(params.get("token") or "")
        self._remember(request, token)
        active = self.faults.take(method)
        return reply(active, lambda: self._answer(request, token)), active

    def _respond_at_the_gateway(self, incoming: Incoming) -> tuple[Reply, ActiveFault | None]:
        system = gateway.find(self.systems, incoming.authorization, incoming.switch_id)
        if isinstance(system, gateway.GatewayRefusal):
            return system.reply, None
        method = incoming.path.removeprefix(gateway.PATH)
        refusal = _refused_verb(incoming) or gateway.unavailable(method)
        if refusal is not None:
            return (refusal if isinstance(refusal, Reply) else refusal.reply), None
        try:
            params = incoming.params()
        except ValueError:
            return Reply(encoded(ApiRefusal("the JSON is broken").envelope)), None
        request = ApiRequest(method, params, self._now(), incoming.verb, incoming.is_json)
        system.record(_remembered(request))
        active = self.faults.take(method)
        if active is not None and active.fault is Fault.THROTTLED_STATUS:
            return gateway.throttled(throttled_seconds(active)).reply, active
        return reply(active, lambda: gateway.without_secrets(answers.answer(system, request))), active

    def _answer(self, request: ApiRequest, token: str) -> Mapping[str, Any] | Content:
        if request.method == "Login":
            return self._login(request)
        system = self.tokens.find(token)
        if isinstance(system, Rejected):
            return system.envelope
        if request.method == "Logout":
            self.tokens.logout(token)
            return JAVA_CORE
        return answers.answer(system, request)

    def _login(self, request: ApiRequest) -> Mapping[str, Any]:
        user_name, password = request.params.get("username"), request.params.get("password")
        if not user_name or not password:
            return ApiRefusal("missing parameter: username, password").envelope
        token = self.tokens.login(str(user_name), str(password))
        return token.envelope if isinstance(token, Rejected) else {**JAVA_CORE, "token": token}

    def _remember(self, request: ApiRequest, token: str) -> None:
        """Let the system that a request is for know it, however it is answered then."""
        if request.method == "Login":
            token = f"{request.params.get('username')}:{request.params.get('password')}"
        remembered = _remembered(request)
        system = self.tokens.find(token)
        if isinstance(system, SimulatedSystem):
            system.record(remembered)
        else:
            self._strangers.append(remembered)

    def _control(self, incoming: Incoming) -> ControlReply:
        try:
            body = decoded_json(incoming.body) if incoming.body else None
        except ValueError as error:
            return invalid(Problem("body", f"expected JSON; {error}"))
        path = tuple(unquote(part) for part in incoming.path.removeprefix(CONTROL).strip("/").split("/"))
        request = ControlRequest(incoming.verb, path, incoming.query, body)
        return control(request, Controlled(self.systems, self.faults, self._now, self.strangers))


def _refused_verb(incoming: Incoming) -> Reply | None:
    if incoming.verb in VERBS:
        return None
    allowed = (("Allow", ", ".join(VERBS)),)
    return Reply(b"", HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", allowed)


def _remembered(request: ApiRequest) -> ApiRequest:
    kept = {name: value for name, value in request.params.items() if name not in SECRET}
    return ApiRequest(request.method, kept, request.at, request.verb, request.is_json)
