"""How much of a request is read before it is refused."""

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.web.problems import answer


class BodyLimit:
    """ASGI middleware: a body of more than `most` bytes is answered with 413, whatever length it declares.

    A body is gathered before the app sees any of it, so a refusal needs no way back out of the app.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        gathered = None if _declared(scope) > self._most else await self._gathered(receive)
        if gathered is None:
            detail = f"A body may have {self._most} bytes at most."
            refusal = answer(Request(scope), 413, title="The body is too large", detail=detail, faults=[])
            await refusal(scope, receive, send)
            return

        async def receive_again() -> Message:
            return gathered.pop(0) if gathered else await receive()

        await self._app(scope, receive_again, send)

    async def _gathered(self, receive: Receive) -> list[Message] | None:
        """All messages of the body, or those until the client left; None where they are too large."""
        messages: list[Message] = []
        size, is_more = 0, True
        while is_more:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > self._most:
                return None
            is_more = message.get("more_body", False)
        return messages


def _declared(scope: Scope) -> int:
    """What `Content-Length` says; 0 where it says nothing, or nothing that is a number."""
    found = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    # No more digits than that: Python refuses to read an int of thousands of them.
    return int(found[:18]) if found.isdigit() else 0
