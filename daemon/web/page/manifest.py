"""`/manifest.webmanifest`: what makes the page an app on a phone's home screen."""

import json

from fastapi import APIRouter, Request, Response

from daemon.web.page.frame import GROUNDS, Page
from daemon.web.page.static import LINKS, TYPES
from daemon.web.page.visitors import language_of
from daemon.web.page.words import Words

MANIFEST = "application/manifest+json"
ICONS = (
    ("icon.svg", "any", "any"),
    ("icon-192.png", "192x192", "any"),
    ("icon-512.png", "512x512", "any"),
    ("icon-maskable-192.png", "192x192", "maskable"),
    ("icon-maskable-512.png", "512x512", "maskable"),
)
"""Each with its size and purpose. A maskable one may be cut to a circle: what matters is in its middle."""


def router(page: Page) -> APIRouter:
    """Open, for a browser asks for it before anybody has signed in."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/manifest.webmanifest")
    def manifest(request: Request) -> Response:
        link, language = page.link(request), language_of(request)
        words = Words(language)
        document = {
            "id": link("/"),
            "name": words.plain("manifest.name"),
            "short_name": words.plain("frame.name"),
            "description": words.plain("manifest.description"),
            "lang": language,
            "dir": "rtl" if language == "he" else "ltr",
            "start_url": link("/"),
            "scope": link("/"),
            "display": "standalone",
            "theme_color": GROUNDS["light"],
            "background_color": GROUNDS["light"],
            "icons": [
                {"src": link(LINKS[name]), "sizes": size, "type": TYPES[f".{kind}"], "purpose": purpose}
                for name, size, purpose in ICONS
                for kind in (name.rpartition(".")[2],)
            ],
        }
        body = json.dumps(document, ensure_ascii=False)
        headers = {"cache-control": "no-cache", "vary": "cookie, accept-language"}
        return Response(body.encode(), media_type=MANIFEST, headers=headers)

    return routes
