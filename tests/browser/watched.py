"""What goes wrong in a browser while a test looks elsewhere: each of it fails the test.

A violation of the policy, an error in the console, an exception of a script, a request that failed, was
refused, or went to another host.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

LEFT = "net::ERR_ABORTED"
"""The browser itself ended a request, because it went on to another page."""
LISTENER = """
addEventListener("securitypolicyviolation", (one) => violated(`${one.violatedDirective} ${one.blockedURI}`));
"""


class Watched:
    """Listens to all pages of a context. `faults`: what went wrong so far, and nobody expected."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.faults: list[str] = []
        self.requests: list[str] = []
        self._origin = origin
        self._expected: list[re.Pattern[str]] = []
        context.expose_function("violated", self._violated)
        context.add_init_script(LISTENER)
        context.on("console", self._said)
        context.on("weberror", self._raised)
        context.on("request", self._asked)
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)

    def expect(self, pattern: str) -> None:
        """From here on, what matches is part of the test."""
        self._expected.append(re.compile(pattern))

    @contextmanager
    def expecting(self, pattern: str) -> Iterator[None]:
        """The same, for a while; and it has to come."""
        found: list[str] = []
        before, self.faults = self.faults, found
        try:
            yield
        finally:
            self.faults = before + [one for one in found if not re.search(pattern, one)]
        assert any(re.search(pattern, one) for one in found), (pattern, found)

    def _fault(self, text: str) -> None:
        if not any(one.search(text) for one in self._expected):
            self.faults.append(text)

    def _violated(self, what: str) -> None:
        self._fault(f"violation: {what}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._fault(f"console: {message.text} {message.location.get('url', '')}")

    def _raised(self, error: WebError) -> None:
        self._fault(f"exception: {error.error}")

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((self._origin + "/", "data:")):
            self._fault(f"foreign: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != LEFT:
            self._fault(f"failed: {request.failure} {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._fault(f"refused: {response.status} {response.url}")
