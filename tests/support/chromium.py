"""A real browser without a window, spoken to by its own protocol over a pipe."""

import fcntl
import json
import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self


class Chromium:
    """One browser with one page; `ask` is a method of the DevTools protocol."""

    def __init__(self, folder: Path) -> None:
        self._cleanups = ExitStack()
        to_browser, ours = os.pipe()
        theirs, from_browser = os.pipe()
        # Out of the way of 3 and 4, which it reads and writes by.
        ends = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 10) for one in (to_browser, from_browser)]
        for one in (to_browser, from_browser):
            os.close(one)
        options = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ]
        self._running = subprocess.Popen(
            [
                shutil.which("chromium") or "",
                *options,
                "--remote-debugging-pipe",
                f"--user-data-dir={folder}",
                "about:blank",
            ],
            preexec_fn=lambda: [os.dup2(one, number) for number, one in enumerate(ends, 3)],  # noqa: PLW1509
            pass_fds=(3, 4),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for one in ends:
            os.close(one)
        self._out = self._cleanups.enter_context(os.fdopen(ours, "wb", buffering=0))
        self._in = self._cleanups.enter_context(os.fdopen(theirs, "rb"))
        self._cleanups.callback(self._end)
        self._number, self._session = 0, ""
        self.events: list[dict[str, Any]] = []
        targets = self.ask("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        self.ask("Page.enable")

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """What the browser answers; what it tells meanwhile is in `events`."""
        self._number += 1
        said: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if self._session:
            said["sessionId"] = self._session
        self._out.write(json.dumps(said).encode() + b"\0")
        while (told := self._told()).get("id") != self._number:
            self.events.append(told)
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    def open(self, url: str) -> None:
        """Go to a page, and wait until it is loaded."""
        self.events.clear()
        self.ask("Page.navigate", url=url)
        while not any(one.get("method") == "Page.loadEventFired" for one in self.events):
            self.events.append(self._told())

    def _told(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self._in.read(1)) != b"\0":
            assert byte, "the browser has ended"
            message += byte
        told: dict[str, Any] = json.loads(message)
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanups.close()

    def _end(self) -> None:
        self._running.terminate()
        self._running.wait(20)
