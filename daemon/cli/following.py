"""Events as they happen: by the stream of the daemon that runs, else by looks at the store; from the one to
the other without a gap or a repeat."""

import http.client
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from daemon.config.settings import Config
from daemon.core.model import Event
from daemon.host import clock
from daemon.store import events, locking
from daemon.store.database import Database
from daemon.store.events import Query

LOOK_SECONDS = 0.25
"""Between two looks for new events: at once, for a reader."""
AGAIN_SECONDS = 2.0
"""Until the daemon is asked again for its stream."""
ANSWER_SECONDS = 3.0
"""For its answer to begin."""
SILENT_SECONDS = 40.0
"""Twice the time between two signs of life of the stream, and more: nobody is there."""
MANY = 1000
LONGEST = 1 << 26
"""Bytes of a line."""
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens is where it is asked
OK = 200


class Block(NamedTuple):
    """What the stream said at once; `data` is empty where only the place has moved."""

    id: str
    data: bytes


@dataclass(frozen=True)
class Door:
    """Where the daemon of a configuration answers, and the token that may see everything."""

    host: str
    port: int
    token: str

    @classmethod
    def of(cls, config: Config) -> "Door | None":
        """None: HTTP is off or by TLS, its port is not known, or no token may see the texts, which the store
        shows. A certificate is for a name by which others ask: the store is nearer than that."""
        token = next((one.token for one in config.http.tokens if one.allows("content")), None)
        address = config.http.address
        if token is None or address is None or not address[1] or config.http.certificate:
            return None
        return cls(EVERYWHERE.get(address[0], address[0]), address[1], token.value)

    def open(self, query: Query, last_id: str) -> "Stream":
        """The stream from there on. Raises OSError or HTTPException where there is none to be had."""
        wanted = {"type": query.type, "system": query.system, "subject": query.subject}
        asked = urlencode({name: one for name, one in wanted.items() if one is not None})
        connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS)
        headers = {"authorization": f"Bearer {self.token}", "last-event-id": last_id}
        try:
            connection.request("GET", "/api/v1/events/stream" + (asked and f"?{asked}"), headers=headers)
            response = connection.getresponse()
            if response.status != OK or "event-stream" not in response.headers.get("content-type", ""):
                raise http.client.HTTPException(f"HTTP {response.status}")
            connection.sock.settimeout(SILENT_SECONDS)
        except BaseException:
            connection.close()
            raise
        return Stream(connection, response)


class Stream:
    """A stream that a thread reads, so that whoever prints notices when nobody reads any more."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        """`response`: an answer that does not end by itself."""
        self._connection = connection
        self._response = response
        self._said: queue.Queue[Block | None] = queue.Queue(MANY)
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> list[Block | None]:
        """What it has said by now, after a moment where that is nothing; None at its end."""
        said: list[Block | None] = []
        with suppress(queue.Empty):
            said.append(self._said.get(timeout=LOOK_SECONDS))
            while len(said) < MANY:
                said.append(self._said.get_nowait())
        return said

    def _read(self) -> None:
        try:
            for block in self._blocks():
                self._said.put(block)
        except (OSError, ValueError, http.client.HTTPException):
            pass
        finally:
            self._connection.close()
            self._said.put(None)

    def _blocks(self) -> Iterator[Block]:
        place, data = "", b""
        while line := self._response.readline(LONGEST):
            name, _, value = line.rstrip(b"\r\n").partition(b": ")
            if name == b"id":
                place = value.decode()
            elif name == b"data":
                data = value
            elif not name and place:
                yield Block(place, data)
                data = b""


class Following:
    """What happens after an event, as far as it was read."""

    def __init__(self, store: Database, url: str, door: Door | None, query: Query, last_id: str) -> None:
        """`url`: of the store; `door`: None where no daemon is to be asked. `query.after` is the number of
        the event with that id."""
        self._store = store
        self._url = url
        self._door = door
        self._query = replace(query, limit=MANY)
        self._id = last_id
        self._stream: Stream | None = None
        self._not_before = clock.monotonic()
        self._never = threading.Event()

    def next(self) -> list[Event]:
        """What happened by now, after a moment where that is nothing."""
        if self._stream is None:
            self._stream = self._opened()
        return self._looked() if self._stream is None else self._told(self._stream)

    def _opened(self) -> Stream | None:
        """The stream of the daemon that runs on this store, where it is to be had."""
        if self._door is None or clock.monotonic() < self._not_before:
            return None
        self._not_before = clock.monotonic() + AGAIN_SECONDS
        if locking.holder(self._url) is None:
            return None
        with suppress(OSError, http.client.HTTPException):
            return self._door.open(self._query, self._id)
        return None

    def _told(self, stream: Stream) -> list[Event]:
        found = []
        for block in stream.next():
            if block is None:
                self._leave()
                break
            self._id = block.id
            if block.data:
                found.append(event_of(block.data))
        return found

    def _leave(self) -> None:
        """The stream has ended: go on in the store, from the place that it named last."""
        self._stream = None
        with self._store.read() as db:
            place = events.find(db, self._id)
        if place is not None:
            self._query = replace(self._query, after=place[0])

    def _looked(self) -> list[Event]:
        with self._store.read() as db:
            part = events.part(db, self._query)
            if part is None:  # what comes next was forgotten: what is there goes on after it
                self._query = replace(self._query, after=events.forgotten_up_to(db))
                return []
        self._query = replace(self._query, after=part.last)
        self._id = part.last_id or self._id
        if not part.has_more and not part.events:
            self._never.wait(LOOK_SECONDS)
        return [event for _, event in part.events]


def event_of(body: bytes) -> Event:
    """The event of a body. Raises KeyError, TypeError or ValueError for what is none."""
    document = json.loads(body)
    data = document["data"]
    at = datetime.fromisoformat(document["timestamp"])
    return Event(
        data["id"], document["type"], data["system"] or "", data["sequence"], data["subject"], at, body
    )
