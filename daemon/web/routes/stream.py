"""What happens, as it happens: server-sent events, as browsers and others read them.

Where a reader goes on is said by an id, in `Last-Event-ID` or `after`; so he misses nothing and gets nothing
twice, whatever ended the stream. An id without an event moves him on where nothing was for him.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from daemon.core.contacts import NOBODY, Contacts
from daemon.operations.search import Wanted, query_of
from daemon.schemas.fields import Line
from daemon.store import events
from daemon.store.database import Database
from daemon.store.location import FAILURES
from daemon.web.auth import Token, Tokens, require
from daemon.web.broadcast import Broadcast, Ended, Head, Item
from daemon.web.entrance import HEAD
from daemon.web.problems import Problem, answered, responses
from daemon.web.routes.base import reading
from daemon.web.routes.events import (
    ContactQuery,
    SenderQuery,
    SubjectQuery,
    SystemQuery,
    TypeQuery,
    number_of,
)
from daemon.web.waiting import Bell

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = 15.0
"""Seconds of silence, at most: who hears nothing for twice as long knows that the connection is dead."""
RETRY = 2000
"""Milliseconds until a browser asks again."""
AT_ONCE = 1 << 16
"""Bytes that are handed on in one go, about; the next when these are taken."""
FULL = Problem(503, "Too many follow already", "Try again shortly.", headers={"retry-after": "10"})
SCHEMA: dict[str, Any] = {}
"""OpenAPI 3.1 has no word for the events of a stream."""


@dataclass(frozen=True)
class Following:
    """What one reader wants, where he begins, and what he may see at the moment."""

    query: events.Query
    last_id: str
    who: Callable[[], Token]
    """Raises `Problem` where his token is not good any more."""
    heartbeat: float


class EventStream(Response):
    """The answer that does not end by itself."""

    media_type = MEDIA_TYPE

    def __init__(self, broadcast: Broadcast, following: Following) -> None:
        super().__init__(headers={"x-accel-buffering": "no"})  # nginx would gather it
        del self.headers["content-length"]
        self._broadcast = broadcast
        self._following = following

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, until the reader has gone, may not read any more, or the daemon ends."""
        if self._broadcast.is_full:
            await answered(Request(scope), FULL)(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if not scope.get(HEAD):
            with self._broadcast.followed() as head, head.woken() as woken:
                reader = Reader(head, self._following, woken, send)
                leaving = asyncio.create_task(_left(receive, reader))
                try:
                    await reader.serve()
                finally:
                    leaving.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Reader:
    """One who follows, as far as he has come."""

    def __init__(self, head: Head, following: Following, woken: asyncio.Event, send: Send) -> None:
        self._head = head
        self._following = following
        self._woken = woken
        self._send = send
        self._query = following.query
        self._id = following.last_id
        self._said_id = ""
        self._said_at = 0.0
        self._has_left = False

    def leave(self) -> None:
        """He is not there any more."""
        self._has_left = True
        self._woken.set()

    async def serve(self) -> None:
        """Tell what there is, and what comes, until that is over."""
        await self._say([b"retry: %d\n" % RETRY, self._place()])
        with suppress(Ended, Problem, *FAILURES):
            while not self._has_left:
                self._woken.clear()
                is_over = self._head.is_over
                stretch = await self._head.after(self._query)
                self._query = replace(self._query, after=stretch.last)
                self._id = stretch.last_id or self._id
                await self._tell(stretch.items)
                if stretch.has_more:
                    await self._keep_alive()
                elif is_over:
                    return
                else:
                    await self._wait()

    async def _tell(self, items: Sequence[Item]) -> None:
        if not items:
            return
        has_content = self._following.who().allows("content")
        frames, size = [], 0
        for one in items:
            frames.append(one.frame(has_content=has_content))
            size += len(frames[-1])
            if size >= AT_ONCE:
                await self._say(frames)
                frames, size = [], 0
        await self._say(frames)
        self._said_id = items[-1].event.id

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout_at(self._said_at + self._following.heartbeat):
                await self._woken.wait()
        except TimeoutError:
            await self._keep_alive()

    async def _keep_alive(self) -> None:
        """Say something where nothing was said for long; and that he may still read is asked, too."""
        if asyncio.get_running_loop().time() < self._said_at + self._following.heartbeat:
            return
        self._following.who()
        await self._say([self._place()])

    def _place(self) -> bytes:
        """A comment, and where he goes on from, if that has moved since it was said."""
        has_moved, self._said_id = self._id != self._said_id, self._id
        return b": here\nid: %b\n\n" % self._id.encode() if has_moved else b": here\n\n"

    async def _say(self, frames: Sequence[bytes]) -> None:
        if frames:
            body: Message = {"type": "http.response.body", "body": b"".join(frames), "more_body": True}
            await self._send(body)  # returns when he has taken most of what was said before
            self._said_at = asyncio.get_running_loop().time()


def router(
    database: Database,
    tokens: Tokens,
    bell: Bell,
    *,
    most: int,
    heartbeat: float = HEARTBEAT,
    contacts: Callable[[], Contacts] = lambda: NOBODY,
) -> APIRouter:
    """The route `/api/v1/events/stream`; `most`: readers at a time."""
    routes = reading("reading", tokens)
    guard = require("read", tokens)
    broadcast = Broadcast(database, bell, most=most)

    @routes.get(
        "/events/stream",
        summary="What happens, as it happens: server-sent events",
        response_class=Response,
        responses={
            200: {"description": "Until the reader leaves", "content": {MEDIA_TYPE: SCHEMA}},
            **responses(400, 409, 410, 422),
        },
        dependencies=[Depends(guard)],
    )
    async def stream(
        request: Request,
        after: Annotated[
            Line | None, Query(description="The id of the last event already read; without it: from now on")
        ] = None,
        type: TypeQuery = None,
        system: SystemQuery = None,
        subject: SubjectQuery = None,
        sender: SenderQuery = None,
        contact: ContactQuery = None,
        last_event_id: Annotated[
            Line | None, Header(description="The same as `after`; where both are given, this one counts")
        ] = None,
    ) -> EventStream:
        wanted = Wanted(type, system, subject, sender, contact)
        query, last_id = await run_in_threadpool(
            _begin, database, last_event_id or after or None, wanted, contacts()
        )
        following = Following(query, last_id, lambda: guard.token_of(request), heartbeat)
        return EventStream(broadcast, following)

    return routes


def _begin(
    database: Database, after: str | None, wanted: Wanted, contacts: Contacts
) -> tuple[events.Query, str]:
    """What to read, and the id after which it begins. Raises `Problem` where that is not known any more."""
    with database.read() as db:
        query = query_of(db, wanted, contacts=contacts)
        if after is None:
            number, after = events.newest(db)
            return replace(query, after=number), after
        number = number_of(db, after)
        if number < events.forgotten_up_to(db):
            raise Problem(
                410,
                "Events after this one are not kept any more",
                f"Some that came after {after!r} were removed by [retention]; leave the id out.",
            )
    return replace(query, after=number), after


async def _left(receive: Receive, reader: Reader) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    reader.leave()
