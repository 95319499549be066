"""Every page that there is, found as a visitor finds it: by the links, from the front page on."""

import re
from urllib.parse import parse_qsl, urlsplit

from fastapi.routing import APIRoute
from playwright.sync_api import APIRequestContext

from daemon.web.page.pages import routers
from tests.support import stores
from tests.support.http_app import Setting

LINK = re.compile(r'<a [^>]*?href="([^"]+)"')
ID = re.compile(r"\b(inc|cmd|evt|sil)_\w+|\d+(=\d+)?")
NO_PAGE = re.compile(r"/(static|manifest|ack|r/)")
MOST = 200
"""Pages; far more than there are kinds of them."""
TELLING = ("type", "state")
"""Parameters of which each value gives a page of its own."""


def routes() -> list[APIRoute]:
    """What the page answers to a GET, without what is no page, and without what mails alone lead to."""
    database = stores.in_memory()
    try:
        found = [
            one
            for router in routers(Setting(database).app.state.page)
            for one in router.routes
            if isinstance(one, APIRoute)
        ]
    finally:
        database.close()
    return [one for one in found if "GET" in (one.methods or ()) and not NO_PAGE.match(one.path)]


def pages(request: APIRequestContext, url: str, *, start: str = "/") -> list[str]:
    """The paths of all pages, one of each kind, in the order in which they are found."""
    found: dict[str, str] = {kind(start): start}
    waiting = [start]
    while waiting:
        answer = request.get(url + waiting.pop(0))
        for link in LINK.findall(answer.text()):
            path = link.replace("&amp;", "&").partition("#")[0]
            if path.startswith("/") and kind(path) not in found and is_page(path):
                found[kind(path)] = path
                waiting.append(path)
        assert len(found) < MOST, found
    return list(found.values())


def kind(path: str) -> str:
    """The same for pages that differ only in whose they are."""
    parts = urlsplit(path)
    query = sorted(f"{name}={value if name in TELLING else ''}" for name, value in parse_qsl(parts.query))
    return f"{ID.sub('*', parts.path)}?{'&'.join(query)}"


def is_page(path: str) -> bool:
    """Whether it is one of the page's, not of the API's."""
    return not path.startswith(("/api/", "/docs", "/openapi", "/metrics", "/static", "/feed"))
