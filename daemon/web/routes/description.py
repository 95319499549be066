"""What the API is: `/openapi.json` for programs, `/docs` for people."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import APIRouter, Response

from daemon.web import reference


def router(describe: Callable[[], dict[str, Any]]) -> APIRouter:
    """`describe`: the OpenAPI document; it is asked for when somebody wants it, and then kept."""
    routes = APIRouter(include_in_schema=False)

    @cache
    def document() -> bytes:
        return json.dumps(describe(), ensure_ascii=False, separators=(",", ":")).encode()

    @cache
    def page() -> str:
        return reference.page(describe())

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return Response(document(), media_type="application/json")

    @routes.get("/docs")
    def docs() -> Response:
        headers = {"content-security-policy": reference.POLICY}
        return Response(page(), media_type="text/html", headers=headers)

    return routes
