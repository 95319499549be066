"""The simulator's own HTTP API under `/control/`: what may be done from Python, as JSON.

    POST   /control/<token>/<subject>   {"action": …, parameters}; a subject is sms, sip, queue, directory, …
    POST   /control/faults              {"fault": …, "method", "times", "delay"}
    GET    /control/faults              which are on
    DELETE /control/faults[?method=]    none any more, or not this one
    GET    /control/requests[?token=]   what clients asked for, with counts

A path and a body in, a status and an object out; no sockets. A 400 names each field and the way out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from daemon.core.durations import show
from daemon.core.timestamps import iso
from daemon.simulator.actions import ACTIONS, Target, prepare
from daemon.simulator.faults import ActiveFault, Faults
from daemon.simulator.parameters import Problem, suggestion
from daemon.simulator.system import ApiRequest, SimulatedSystem

ADDRESS_PARTS = 2
SYSTEM_ACTIONS = tuple(name for name in ACTIONS if not name.startswith("fault"))
SUBJECTS = tuple(dict.fromkeys(name.partition(".")[0] for name in SYSTEM_ACTIONS))


@dataclass(frozen=True)
class ControlRequest:
    """One request; the path is what stands behind `/control/`, in parts and decoded."""

    verb: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    body: object
    """Decoded JSON; None without a body."""


@dataclass(frozen=True)
class Controlled:
    """What of a simulator may be driven and seen."""

    systems: Mapping[str, SimulatedSystem]
    faults: Faults
    now: Callable[[], datetime]
    strangers: Sequence[ApiRequest] = ()
    """Requests whose token opened nothing."""


@dataclass(frozen=True)
class ControlReply:
    """Its answer."""

    status: HTTPStatus
    data: Mapping[str, Any]


def control(request: ControlRequest, controlled: Controlled) -> ControlReply:
    """Do what a request asks for."""
    if request.path == ("requests",):
        return _requests(request, controlled)
    if request.path == ("faults",):
        return _faults(request, controlled)
    if len(request.path) == ADDRESS_PARTS:
        return _system(request, controlled)
    known = ", ".join(f"/control/{name}" for name in ("faults", "requests", "<token>/<subject>"))
    return _not_found(f"known: {known}")


def invalid(*problems: Problem) -> ControlReply:
    """400, with every problem."""
    errors = [{"field": problem.field, "message": problem.message} for problem in problems]
    return ControlReply(HTTPStatus.BAD_REQUEST, {"errors": errors})


def _act(request: ControlRequest, subject: str, target: Target) -> ControlReply:
    if not isinstance(request.body, Mapping):
        return invalid(Problem("body", "expected a JSON object"))
    given = dict(request.body)
    action = given.pop("action", None)
    name = subject if action is None else f"{subject}.{action}"
    if name not in ACTIONS:
        actions = [one.partition(".")[2] for one in ACTIONS if one.startswith(f"{subject}.")]
        if action is None:
            return invalid(Problem("action", f"missing; expected one of {', '.join(actions)}"))
        return invalid(Problem("action", f'no action "{action}"; {suggestion(str(action), actions)}'))
    prepared = prepare(name, given)
    if isinstance(prepared, list):
        return invalid(*prepared)
    try:
        done = prepared.do(target)
    except ValueError as error:
        return ControlReply(HTTPStatus.CONFLICT, {"errors": [{"field": None, "message": str(error)}]})
    return ControlReply(HTTPStatus.OK, {"done": done.text, **done.result})


def _system(request: ControlRequest, controlled: Controlled) -> ControlReply:
    token, subject = request.path
    if token not in controlled.systems:
        return _unknown_token(token, controlled)
    if subject not in SUBJECTS:
        return _not_found(f'no subject "{subject}"; {suggestion(subject, SUBJECTS)}')
    if request.verb != "POST":
        return _wrong_verb("POST")
    return _act(request, subject, Target(controlled.systems[token], controlled.faults))


def _faults(request: ControlRequest, controlled: Controlled) -> ControlReply:
    faults = controlled.faults
    if request.verb == "POST":
        # A fault is the simulator's, not a system's; any system will do.
        anyone = next(iter(controlled.systems.values()), None) or SimulatedSystem(now=controlled.now)
        return _act(request, "fault", Target(anyone, faults))
    if request.verb == "DELETE":
        faults.clear(request.query.get("method"))
    elif request.verb != "GET":
        return _wrong_verb("GET, POST, DELETE")
    return ControlReply(HTTPStatus.OK, {"faults": [_shown_fault(active) for active in faults.active]})


def _requests(request: ControlRequest, controlled: Controlled) -> ControlReply:
    if request.verb != "GET":
        return _wrong_verb("GET")
    token = request.query.get("token")
    if token is None:
        systems = {name: _shown_requests(one) for name, one in controlled.systems.items()}
        strangers = [_shown_request(one) for one in controlled.strangers]
        return ControlReply(HTTPStatus.OK, {"systems": systems, "strangers": strangers})
    if token not in controlled.systems:
        return _unknown_token(token, controlled)
    return ControlReply(HTTPStatus.OK, {"systems": {token: _shown_requests(controlled.systems[token])}})


def _shown_requests(system: SimulatedSystem) -> dict[str, Any]:
    requests = [_shown_request(one) for one in system.requests]
    return {"counts": dict(system.request_counts), "requests": requests}


def _shown_request(request: ApiRequest) -> dict[str, Any]:
    return {
        "method": request.method,
        "verb": request.verb,
        "params": dict(request.params),
        "at": iso(request.at),
    }


def _unknown_token(token: str, controlled: Controlled) -> ControlReply:
    return _not_found(f"no system has this token; {suggestion(token, list(controlled.systems))}")


def _shown_fault(active: ActiveFault) -> dict[str, Any]:
    delay = None if active.delay is None else show(active.delay)
    return {
        "method": active.method,
        "fault": active.fault.value,
        "times": active.times,
        "delay": delay,
    }


def _not_found(message: str) -> ControlReply:
    return ControlReply(HTTPStatus.NOT_FOUND, {"errors": [{"field": None, "message": message}]})


def _wrong_verb(known: str) -> ControlReply:
    errors = [{"field": None, "message": f"expected {known}"}]
    return ControlReply(HTTPStatus.METHOD_NOT_ALLOWED, {"errors": errors})
