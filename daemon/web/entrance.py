"""What every request passes before its route: who asks, what for, and how much of it is read.

In this order: is there such a path (else 404, by the app), has it such a method (405, with those that it
has), is it asked for by a name of ours, where that matters (421), may who asks (401, 403, 429), are its query
parameters known (422), and only then its body (413, 503). The routes themselves say what they need, by their
signatures; none of it is written down twice. HEAD is answered wherever GET is.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.core.wording import cut, nearest
from daemon.web.auth import GATE, Guard
from daemon.web.forms import Form
from daemon.web.gate import Gate
from daemon.web.limits import Bodies
from daemon.web.problems import WRONG, Fault, Problem, answered
from daemon.web.reach import path_of

HEAD = "yemotd.head"
"""In the scope of a request that is answered as GET would be, but for the body."""
MOST_FAULTS = 20
"""Of a query string; nobody reads more."""


class Entrance:
    """ASGI middleware before the routes."""

    def __init__(
        self,
        app: ASGIApp,
        routes: Sequence[APIRoute],
        bodies: Bodies,
        gate: Gate,
        for_people: Collection[APIRoute] = (),
    ) -> None:
        """`for_people`: routes that a person's browser opens, by a name of ours only."""
        self._app = app
        self._routes = routes
        self._bodies = bodies
        self._gate = gate
        # Worked out once: of a request that takes a few milliseconds that would be a tenth.
        self._known = {id(one): _Known.of(one, is_for_people=one in for_people) for one in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = {**scope, GATE: self._gate}
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET", HEAD: True}, _without_body(send)
        with self._bodies.one() as body:
            try:
                known = await self._admitted(scope)
                whole = await body.gathered(scope, receive) if known and known.reads_body else receive
            except Problem as problem:
                await answered(Request(scope), problem)(scope, receive, send)
                return
            if whole is not None:
                await self._app(scope, whole, send)

    async def _admitted(self, scope: Scope) -> "_Known | None":
        """What is known of the route of a request that may be answered. Raises `Problem`.

        None: there is no such route.
        """
        path = path_of(scope)
        here = [one for one in self._routes if one.path_regex.match(path)]
        if not here:
            return None
        route = next((one for one in here if scope["method"] in (one.methods or ())), None)
        if route is None:
            raise Problem(405, "Method Not Allowed", headers={"allow": ", ".join(methods(here))})
        request, known = Request(scope), self._known[id(route)]
        if known.is_for_people:
            self._gate.check_host(request)
        for guard in known.guards:
            await guard(request)
        _check_query(request, known.parameters)
        return known


@dataclass(frozen=True)
class _Known:
    """What a route says by its signature."""

    guards: Sequence[Guard]
    parameters: Mapping[str, bool]
    """Of its query, and whether each may be given more than once."""
    reads_body: bool
    is_for_people: bool

    @classmethod
    def of(cls, route: APIRoute, *, is_for_people: bool) -> "_Known":
        guards = [one.call for one in _all(route.dependant) if isinstance(one.call, Guard)]
        return cls(guards, parameters(route), _reads_body(route), is_for_people)


def methods(routes: Sequence[APIRoute]) -> list[str]:
    """What may be done at a path."""
    found = {method for one in routes for method in one.methods or ()}
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def parameters(route: APIRoute) -> dict[str, bool]:
    """The query parameters of a route, and whether each may be given more than once."""
    fields = [
        (field.alias, field.field_info.annotation)
        for dependant in _all(route.dependant)
        for field in dependant.query_params
    ]
    return {
        name: _is_list(annotation)
        for alias, whole in fields
        for name, annotation in (_fields(whole) if _is_model(whole) else [(alias, whole)])
    }


def _check_query(request: Request, known: Mapping[str, bool]) -> None:
    seen: set[str] = set()
    faults: list[Fault] = []
    for name, _ in request.query_params.multi_items():
        if name not in known:
            faults.append(Fault(name=cut(name), reason=_unknown(name, list(known))))
        elif name in seen and not known[name]:
            faults.append(Fault(name=name, reason="is given more than once"))
        seen.add(name)
    if faults:
        told = faults[:MOST_FAULTS]
        detail = "; ".join(f"{one.name}: {one.reason}" for one in told[:1])
        raise Problem(422, WRONG, detail, told)


def _unknown(name: str, known: Sequence[str]) -> str:
    if not known:
        return "is not known here; there are no query parameters"
    return f"is not known here; known: {', '.join(sorted(known))}{nearest(name, known)}"


def _all(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for one in dependant.dependencies:
        yield from _all(one)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fields(model: Any) -> list[tuple[str, Any]]:
    return [(one.alias or name, one.annotation) for name, one in model.model_fields.items()]


def _is_list(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return any(map(_is_list, get_args(annotation)))
    return (origin or annotation) in (list, tuple, set, frozenset)


def _reads_body(route: APIRoute) -> bool:
    return any(one.body_params or isinstance(one.call, Form) for one in _all(route.dependant))


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
