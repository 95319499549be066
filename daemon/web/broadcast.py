"""What happens, read from the store once for all who follow it.

When the bell rings, one look at the store brings what is new into memory, and all who stand at the head take
it from there; who is behind reads the store by himself, a part at a time, until he is there. Nobody is kept a
list of what he has not taken yet, no thread waits for him and no transaction stays open. All of it is for the
event loop.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter

import structlog
from anyio import CapacityLimiter, to_thread

from daemon.core.model import Event
from daemon.schemas.redaction import redacted
from daemon.store import events
from daemon.store.database import Database
from daemon.store.events import Part, Query
from daemon.store.location import FAILURES, reason
from daemon.web.waiting import Bell

log = structlog.get_logger()

MOST_READERS = 256
"""Ours: each of them costs a connection and some tens of kilobytes."""
LOOK_AGAIN = 5.0
"""Seconds between two looks at the store while no bell rings: another process may have written to it."""
GATHERED = 0.05
"""Seconds after something new in which what follows is gathered: many events cost as many looks no more."""
MOST_KEPT = 1000
"""Events kept in memory for those at the head, and those a little behind."""
MOST_BYTES = 1 << 20
"""Of their bodies."""
AT_ONCE = 256
"""Events that somebody takes in one go."""
LOOKING_AT_ONCE = 4
"""Readers behind the head that look at the store at the same time: others have to read, too."""
_by_number = attrgetter("number")


@dataclass(frozen=True)
class Item:
    """An event, as it goes over the wire to whoever wants it."""

    number: int
    event: Event

    def frame(self, *, has_content: bool) -> bytes:
        """It as a server-sent event; the bodies are lines, for JSON has no bare line ends."""
        return self._whole if has_content else self._redacted

    @cached_property
    def _whole(self) -> bytes:
        return b"id: %b\ndata: %b\n\n" % (self.event.id.encode(), self.event.body)

    @cached_property
    def _redacted(self) -> bytes:
        body = redacted(self.event.body)
        if body is self.event.body:
            return self._whole
        return b"id: %b\ndata: %b\n\n" % (self.event.id.encode(), body)


@dataclass(frozen=True)
class Stretch:
    """What somebody gets next, and how far that goes."""

    items: Sequence[Item]
    last: int
    last_id: str | None
    """None: nothing came after where he stood."""
    has_more: bool


class Ended(Exception):
    """Nobody can follow any further from where he stands: the store cannot be read, or has forgotten what
    would come next. Whoever asks anew is told which."""


class Head:
    """What was read of late, while anybody follows. It ends with an error, with the bell, or with the last
    who follows."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell
        self._recent: list[Item] = []
        self._size = 0
        self._floor: int | None = None
        """All events after it, and up to the head, are in memory; None: nobody has looked yet."""
        self._waiting: set[asyncio.Event] = set()
        # Of their own: other requests may hold all threads that there are for them.
        self._mine, self._theirs = CapacityLimiter(1), CapacityLimiter(LOOKING_AT_ONCE)
        self.is_over = False
        """Nothing comes any more; what is in memory can still be taken."""
        self._task = asyncio.create_task(self._run())

    @contextmanager
    def woken(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever there may be something new."""
        woken = asyncio.Event()
        self._waiting.add(woken)
        try:
            yield woken
        finally:
            self._waiting.discard(woken)

    async def after(self, query: Query) -> Stretch:
        """What matches of that which comes after `query.after`. Raises `Ended`."""
        if self._floor is None or query.after < self._floor:
            if self.is_over:
                raise Ended
            return await self._read(query)
        start = bisect_right(self._recent, query.after, key=_by_number)
        some = self._recent[start : start + AT_ONCE]
        if not some:
            return Stretch((), query.after, None, has_more=False)
        taken = [one for one in some if query.takes(one.event)]
        has_more = start + AT_ONCE < len(self._recent)
        return Stretch(taken, some[-1].number, some[-1].event.id, has_more)

    def end(self) -> None:
        """Nobody follows any more."""
        self._task.cancel()

    async def _read(self, query: Query) -> Stretch:
        part = await to_thread.run_sync(self._part, replace(query, limit=AT_ONCE), limiter=self._theirs)
        items = [Item(number, event) for number, event in part.events]
        return Stretch(items, part.last, part.last_id, part.has_more)

    async def _run(self) -> None:
        try:
            await self._start()
            while not self.is_over:
                rung = self._bell.listen()
                try:
                    # Asked before looking: what was committed before the end is told before it.
                    is_last = self._bell.is_closed
                    if await self._look() and not is_last:
                        await asyncio.sleep(GATHERED)
                    self.is_over = is_last
                    if not is_last:
                        async with asyncio.timeout(LOOK_AGAIN):
                            await rung.wait()
                except TimeoutError:
                    continue
                finally:
                    self._bell.leave(rung)
        except Ended:
            log.info("http.stream_ended", error="events were forgotten before they were read")
        except FAILURES as error:
            log.warning("http.stream_ended", error=reason(error))
        except Exception:
            log.exception("http.stream_crashed")
        finally:
            self.is_over = True
            self._wake()

    async def _start(self) -> None:
        self._floor = await to_thread.run_sync(self._newest, limiter=self._mine)
        self._wake()

    async def _look(self) -> bool:
        """Whether there was anything new."""
        has_more, found = True, False
        while has_more:
            part = await to_thread.run_sync(self._part, Query(self._head, limit=AT_ONCE), limiter=self._mine)
            has_more = part.has_more
            if part.events:
                found = True
                self._keep([Item(number, event) for number, event in part.events])
                self._wake()
        return found

    @property
    def _head(self) -> int:
        return self._recent[-1].number if self._recent else self._floor or 0

    def _keep(self, items: Sequence[Item]) -> None:
        self._recent += items
        self._size += sum(len(one.event.body) for one in items)
        many = max(len(self._recent) - MOST_KEPT, 0)
        too_much = self._size - sum(len(one.event.body) for one in self._recent[:many]) - MOST_BYTES
        while too_much > 0 and many < len(self._recent) - 1:
            too_much -= len(self._recent[many].event.body)
            many += 1
        if many:
            self._floor = self._recent[many - 1].number
            self._size -= sum(len(one.event.body) for one in self._recent[:many])
            del self._recent[:many]

    def _wake(self) -> None:
        for one in self._waiting:
            one.set()

    def _newest(self) -> int:
        with self._database.read() as db:
            return events.newest(db)[0]

    def _part(self, query: Query) -> Part:
        with self._database.read() as db:
            part = events.part(db, query)
        if part is None:
            raise Ended
        return part


class Broadcast:
    """Who follows, and the head that they share."""

    def __init__(self, database: Database, bell: Bell, *, most: int = MOST_READERS) -> None:
        self._database = database
        self._bell = bell
        self._most = most
        self._readers = 0
        self._head: Head | None = None

    @property
    def is_full(self) -> bool:
        """Whether as many follow as may."""
        return self._readers >= self._most

    @contextmanager
    def followed(self) -> Iterator[Head]:
        """Follow: from the head that there is, or from a new one where that has ended."""
        if self._head is None or self._head.is_over:
            self._head = Head(self._database, self._bell)
        head = self._head
        self._readers += 1
        try:
            yield head
        finally:
            self._readers -= 1
            if self._readers == 0 and self._head is not None:
                self._head.end()
                self._head = None
