"""The platform's newer gateway, simulated: a key as bearer, the switch's id, and errors with an HTTP status.

Its methods, parameters and answers are those of the older API, and so are the refusals of a method itself;
the gateway's own are spelled otherwise. Names of its error codes are ours: no document shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from daemon.simulator.faults import Reply, encoded
from daemon.simulator.file_answers import Content
from daemon.simulator.system import SimulatedSystem

PATH = "/api/v1/switch/"
KEY = "yk_live_"
"""What a key begins with."""
BEARER = "bearer"
NOT_WITH_A_KEY = frozenset({"Login", "Logout", "RenderYMGRFile"})
"""Methods of sessions, of which a key has none, and what the gateway lacks."""
SECRET = frozenset({"accessPassword", "recordPassword"})
"""What GetSession shows to a token, and not to a key."""


@dataclass(frozen=True)
class GatewayRefusal:
    """Why the gateway lets a request through to nobody."""

    status: HTTPStatus
    code: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def reply(self) -> Reply:
        """The answer, as the gateway spells it."""
        error = {"code": self.code, "message": self.message, "details": None}
        body = {"success": False, "error": error, "coreSso": {"requestId": "simulated", "warnings": []}}
        return Reply(encoded(body), self.status, headers=self.headers)


def switch_id(system: SimulatedSystem) -> str:
    """How the gateway knows a system; the same on every start."""
    return str(uuid5(NAMESPACE_URL, f"switch:{system.number}"))


def api_key(token: str, system: SimulatedSystem) -> str:
    """The key that opens the system of a token; one that is a key opens it itself."""
    return token if token.startswith(KEY) else KEY + system.number


def find(
    systems: Mapping[str, SimulatedSystem], authorization: str, switch: str
) -> SimulatedSystem | GatewayRefusal:
    """The system that a key opens; `systems` by token, `switch` as the header `switch-id` says."""
    scheme, _, key = authorization.partition(" ")
    opened = [one for token, one in systems.items() if api_key(token, one) == key.strip()]
    if scheme.lower() != BEARER or not opened:
        return GatewayRefusal(HTTPStatus.UNAUTHORIZED, "INVALID_API_KEY", "the API key is not valid")
    if not switch:
        return GatewayRefusal(HTTPStatus.BAD_REQUEST, "SWITCH_ID_MISSING", "the header switch-id is missing")
    found = next((one for one in opened if switch_id(one) == switch), None)
    if found is None:
        return GatewayRefusal(
            HTTPStatus.FORBIDDEN, "SWITCH_NOT_ALLOWED", "the API key does not allow this switch"
        )
    return found


def throttled(seconds: int) -> GatewayRefusal:
    """It wants to be left alone for so long."""
    headers = (("Retry-After", str(seconds)),)
    return GatewayRefusal(HTTPStatus.TOO_MANY_REQUESTS, "RATE_LIMITED", "too many requests", headers)


def unavailable(method: str) -> GatewayRefusal | None:
    """Why a method cannot be called with a key; None: it can."""
    if method not in NOT_WITH_A_KEY:
        return None
    return GatewayRefusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"{method} is not available with an API key")


def without_secrets(answer: Mapping[str, Any] | Content) -> Mapping[str, Any] | Content:
    """An answer as the gateway passes it on."""
    if isinstance(answer, Content):
        return answer
    return {name: value for name, value in answer.items() if name not in SECRET}
