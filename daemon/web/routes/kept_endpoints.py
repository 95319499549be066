"""Endpoints kept in the store: added, changed, given another secret, and taken away."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Request, Response
from pydantic import WithJsonSchema

from daemon.schemas import command_fields
from daemon.schemas.fields import Line
from daemon.schemas.kept_endpoints import (
    CHANGES,
    CREATE,
    NEW,
    PATCH,
    ROTATIONS,
    KeptEndpoint,
    KeptSecret,
    RotateRequest,
)
from daemon.schemas.requests import examples
from daemon.web.audit import audited
from daemon.web.auth import Token, Tokens, require
from daemon.web.dependencies import Live
from daemon.web.problems import responses
from daemon.web.reach import below
from daemon.web.routes.base import reading

BY_DEFAULT = RotateRequest()
ONCE = "The answer has the secret that signs; it is shown this once, and kept sealed by the key file."


def router(tokens: Tokens, live: Live) -> APIRouter:
    """The routes below `/api/v1/endpoints` that change what is kept."""
    routes = reading("endpoints", tokens)
    _keep(routes, tokens, live)
    _change(routes, tokens, live)
    return routes


def _keep(routes: APIRouter, tokens: Tokens, live: Live) -> None:
    admin = Depends(require("admin", tokens))

    @routes.post(
        "/endpoints",
        status_code=201,
        summary="Keep a webhook in the store; it is in force at once, in all members",
        description=ONCE,
        responses={200: {"model": KeptSecret, "description": "Again"}, **responses(400, 409, 413, 422)},
    )
    def add_endpoint(
        asked: Request,
        response: Response,
        token: Annotated[Token, admin],
        body: Annotated[dict[str, Any], Body(openapi_examples=examples(NEW)), WithJsonSchema(CREATE)],
        idempotency_key: Annotated[
            command_fields.IdempotencyKey | None,
            Header(description="The same key with the same content is the same endpoint, without its secret"),
        ] = None,
    ) -> KeptSecret:
        name = body.get("name")
        with audited(token, "endpoint.add", name if isinstance(name, str) else None, status=201) as entry:
            found, is_repeat = live.subscriptions.add(body, token.name, idempotency_key)
            entry.status = response.status_code = 200 if is_repeat else 201
        response.headers["location"] = below(asked, f"/api/v1/endpoints/{found.name}")
        if is_repeat:
            response.headers["idempotency-replayed"] = "true"
        return found

    @routes.get(
        "/endpoints/{name}/settings",
        summary="What is kept of an endpoint of the store; of its address the host",
        responses=responses(404, 409, 422),
    )
    def show_settings(name: Line) -> KeptEndpoint:
        return live.subscriptions.show(name)


def _change(routes: APIRouter, tokens: Tokens, live: Live) -> None:
    admin = Depends(require("admin", tokens))

    @routes.patch(
        "/endpoints/{name:path}",
        summary="Change an endpoint of the store",
        responses=responses(400, 404, 409, 413, 422),
    )
    def change_endpoint(
        name: Line,
        token: Annotated[Token, admin],
        body: Annotated[dict[str, Any], Body(openapi_examples=examples(CHANGES)), WithJsonSchema(PATCH)],
    ) -> KeptEndpoint:
        with audited(token, "endpoint.change", name):
            return live.subscriptions.change(name, body, token.name)

    @routes.post(
        "/endpoints/{name}/rotate",
        summary="Give an endpoint of the store another secret; for a time both sign",
        description=ONCE,
        responses=responses(400, 404, 409, 413, 422),
    )
    def rotate_endpoint(
        name: Line,
        token: Annotated[Token, admin],
        body: Annotated[RotateRequest, Body(openapi_examples=examples(ROTATIONS))] = BY_DEFAULT,
    ) -> KeptSecret:
        with audited(token, "endpoint.rotate", name):
            return live.subscriptions.rotate(name, body.overlap)

    @routes.delete(
        "/endpoints/{name:path}",
        summary="Take an endpoint of the store away; what waits for it is not sent",
        responses=responses(404, 409, 422),
    )
    def remove_endpoint(name: Line, token: Annotated[Token, admin]) -> KeptEndpoint:
        with audited(token, "endpoint.remove", name):
            return live.subscriptions.remove(name)
