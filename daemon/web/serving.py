"""A recording as the answer to a request: waited for, and given whole or in part while somebody takes it.

The request waits in the loop, not in a thread; whoever leaves ends what is fetched for them alone.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Protocol

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from daemon.core.byte_ranges import OutsideError, Span, asked
from daemon.core.model import Failure, Unknown
from daemon.core.recordings import Recording
from daemon.web.entrance import HEAD
from daemon.web.problems import Problem, responses

CHUNK = 256 * 1024
"""Bytes that are sent at once."""
LOOK = 0.25
"""Seconds between two looks whether who asked is still there."""
TAKEN_WITHIN = 600.0
"""Ours. Seconds in which an answer has to be taken."""
AGAIN = 5
"""Seconds after which it makes sense to come again where all places are taken."""
STATUS: Mapping[Failure, tuple[int, str]] = {
    Failure.TIMEOUT: (504, "The platform does not answer in time"),
    Failure.THROTTLED: (503, "The platform asks to be left alone"),
    Failure.REFUSED: (404, "The platform does not give this file"),
    Failure.OURS: (503, "The file cannot be fetched at present"),
}
BAD_GATEWAY = 502, "The platform's answer is no file"
FAULTS = responses(404, 416, 502, 503, 504)
"""Of every route that gives a recording, for the OpenAPI document."""


class Fetched(Protocol):
    """A file that is here."""

    @property
    def size(self) -> int: ...

    @property
    def read(self) -> "Reading": ...


class Reading(Protocol):
    def __call__(self, length: int, offset: int, /) -> bytes: ...


class Held(Protocol):
    """A download that somebody waits for."""

    @property
    def recording(self) -> Recording: ...

    @property
    def result(self) -> Fetched | Unknown | None: ...

    def when_done(self, tell: "Tell") -> None: ...

    def release(self) -> None: ...


class Tell(Protocol):
    def __call__(self) -> None: ...


class Places(Protocol):
    """Where recordings are fetched; `workers/downloads.py` is the one that there is."""

    def hold(self, recording: Recording, /) -> Held | None:
        """None: all places are taken. Raises OSError where there can be no file."""


class NoPlaces:
    """There is nobody who fetches anything."""

    def hold(self, recording: Recording, /) -> Held | None:
        return None


async def served(request: Request, places: Places, recording: Recording) -> Response:
    """The answer with a recording. Raises `Problem`."""
    held = await run_in_threadpool(_held, places, recording)
    try:
        result = await _result(request, held)
        if isinstance(result, Unknown):
            raise failed(result)
        return _answer(request, held, result)
    except BaseException:
        held.release()
        raise


def failed(unknown: Unknown) -> Problem:
    """Why there is no file, in the words of HTTP."""
    status, title = STATUS.get(unknown.failure, BAD_GATEWAY)
    wait = unknown.retry_after.total_seconds() if unknown.retry_after else AGAIN
    headers = {"retry-after": str(max(int(wait), 1))} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Problem(status, title, f"{unknown.message}.", headers=headers)


def _held(places: Places, recording: Recording) -> Held:
    try:
        held = places.hold(recording)
    except OSError as error:
        raise failed(Unknown(Failure.OURS, f"it cannot be kept here: {error.strerror}")) from None
    if held is None:
        detail = "As many as may be are fetched by others; come again."
        raise Problem(
            503, "Too many recordings are fetched at once", detail, headers={"retry-after": str(AGAIN)}
        )
    return held


async def _result(request: Request, held: Held) -> Fetched | Unknown:
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        try:
            loop.call_soon_threadsafe(done.set)
        except RuntimeError:  # the loop has ended, and with it whoever asked
            return

    held.when_done(tell)
    while held.result is None:
        try:
            await asyncio.wait_for(done.wait(), LOOK)
        except TimeoutError:
            if await request.is_disconnected():
                return Unknown(Failure.OURS, "who asked has left")
    return held.result


def _answer(request: Request, held: Held, file: Fetched) -> Response:
    recording = held.recording
    tag = f'"{recording.event}-{file.size}"'
    headers = {
        "accept-ranges": "bytes",
        "etag": tag,
        "content-disposition": f'{_disposition(recording)}; filename="{recording.file_name}"',
    }
    try:
        span = asked(request.headers.get("range"), file.size) if _counts(request, tag) else None
    except OutsideError:
        raise Problem(
            416,
            "There are no such bytes",
            f"The file has {file.size}.",
            headers={"content-range": f"bytes */{file.size}"},
        ) from None
    if span is not None:
        headers["content-range"] = f"bytes {span.begin}-{span.end - 1}/{file.size}"
    return _Part(held, file, span or Span(0, file.size), 200 if span is None else 206, headers)


def _counts(request: Request, tag: str) -> bool:
    """Whether a range is asked of this very file: RFC 9110, section 13.1.5."""
    condition = request.headers.get("if-range")
    return condition is None or condition.strip() == tag


def _disposition(recording: Recording) -> str:
    """Sound is played; what might be a page or a document is saved, so that no browser opens it as ours."""
    return "inline" if recording.is_audio else "attachment"


class _Part(Response):
    """Bytes of a file that is held, and let go at the end."""

    def __init__(
        self, held: Held, file: Fetched, span: Span, status: int, headers: Mapping[str, str]
    ) -> None:
        self._held = held
        self._file = file
        self._span = span
        super().__init__(
            b"",
            status,
            {**headers, "content-length": str(span.length)},
            media_type=held.recording.media_type,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(TAKEN_WITHIN):
                await send(
                    {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
                )
                if not scope.get(HEAD):
                    await self._send_parts(send)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._held.release()

    async def _send_parts(self, send: Send) -> None:
        at = self._span.begin
        while at < self._span.end:
            length = min(CHUNK, self._span.end - at)
            chunk = await run_in_threadpool(self._file.read, length, at)
            if not chunk:
                raise OSError("the file is shorter than it was")
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            at += len(chunk)
