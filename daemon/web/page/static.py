"""The files of the page that are the same for everybody: its style, its script, its pictures.

Their addresses name their content, so a browser keeps them for ever and never shows an old one.
"""

import hashlib
from pathlib import Path

from fastapi import APIRouter, Response

from daemon.schemas.fields import Line
from daemon.web.problems import Problem

FOLDER = Path(__file__).with_name("static")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
FILES = {one.name: one.read_bytes() for one in sorted(FOLDER.iterdir()) if one.suffix in TYPES}
LINKS = {name: f"/static/{hashlib.sha256(held).hexdigest()[:16]}/{name}" for name, held in FILES.items()}
"""Where each file stands, by its name."""


def router() -> APIRouter:
    """`/static/…`; open, for the door has a style, too."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/static/{digest}/{name}")
    def static(digest: Line, name: Line) -> Response:
        if LINKS.get(name) != f"/static/{digest}/{name}":
            raise Problem(404, "There is no such file")
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(FILES[name], media_type=TYPES[Path(name).suffix], headers=headers)

    return routes
