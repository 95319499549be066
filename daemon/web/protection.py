"""What every answer tells a browser: to run nothing, frame nothing, guess no type and pass no address on."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.web.reach import TLS, path_of

NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The policy of an answer that is no page."""
HEADERS = (
    (b"content-security-policy", NOTHING.encode()),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
ONLY_TLS = (b"strict-transport-security", b"max-age=31536000")
"""Of an answer that went out by TLS of our own: a year, for this host alone. A proxy says its own."""
PRIVATE = "/api/"
"""What stands below is kept by no cache."""


class Protection:
    """ASGI middleware, around everything: also around the answer to an error of our own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = (*HEADERS, ONLY_TLS) if scope.get(TLS) else HEADERS
        is_private = path_of(scope).startswith(PRIVATE)

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                added = [one for one in headers if one[0] not in given]
                if is_private:
                    added.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        await self._app(scope, receive, send_protected)
