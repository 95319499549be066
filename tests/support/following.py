"""One who follows the stream over a socket, and reads it by the rules of server-sent events."""

import socket
from dataclasses import dataclass
from urllib.parse import urlencode

KNOWN = {b"data", b"id", b"retry", b""}


@dataclass
class Told:
    """One event of the stream."""

    id: str
    data: bytes


class Follower:
    """A connection to `/api/v1/events/stream`; `last_id` is what its next one goes on from."""

    def __init__(
        self, port: int, token: str, *, last_id: str | None = None, timeout: float = 20, **query: str
    ) -> None:
        self.last_id = last_id
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        asked = f"/api/v1/events/stream?{urlencode(query)}" if query else "/api/v1/events/stream"
        head = [f"GET {asked} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: Bearer {token}"]
        if last_id is not None:
            head.append(f"Last-Event-ID: {last_id}")
        self.socket.sendall("\r\n".join([*head, "", ""]).encode())
        self._lines = self.socket.makefile("rb")
        self.status = int(self._lines.readline().split()[1])
        self.headers = dict(
            line.decode().rstrip().lower().split(": ", 1) for line in iter(self._lines.readline, b"\r\n")
        )
        self.comments = 0
        self.retry: int | None = None
        self._rest = b""

    def begun(self) -> "Follower":
        """Once it has been told that it is connected."""
        while not self.comments:
            self._block()
        return self

    def next(self) -> Told | None:
        """The next event; None where the stream has ended."""
        while (block := self._block()) is not None:
            if block:
                return Told(self.last_id or "", block)
        return None

    def take(self, many: int) -> list[Told]:
        """So many events; fewer where the stream ends before."""
        found: list[Told] = []
        while len(found) < many and (one := self.next()) is not None:
            found.append(one)
        return found

    def rest(self) -> list[Told]:
        """All that still comes until the stream ends."""
        return list(iter(self.next, None))

    def body(self) -> bytes:
        """Of an answer that is no stream."""
        return self._lines.read(int(self.headers["content-length"]))

    def close(self) -> None:
        self._lines.close()
        self.socket.close()

    def _block(self) -> bytes | None:
        """The data of the next block, which may be none; None at the end."""
        fields: dict[bytes, bytes] = {}
        while line := self._line():
            name, _, value = line.partition(b":")
            assert name in KNOWN, f"browsers' onmessage would not get it: {line!r}"
            assert name not in fields, f"twice in a block: {line!r}"
            fields[name] = value.removeprefix(b" ")
        if line is None:
            return None
        self.comments += b"" in fields
        self.last_id = fields[b"id"].decode() if b"id" in fields else self.last_id
        self.retry = int(fields[b"retry"]) if b"retry" in fields else self.retry
        return fields.get(b"data", b"")

    def _line(self) -> bytes | None:
        while b"\n" not in self._rest:
            chunk = self._chunk()
            if chunk is None:
                return None
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _chunk(self) -> bytes | None:
        """The next chunk of the body; None at its end, or where the connection is cut."""
        try:
            size = self._lines.readline()
            if not size or int(size, 16) == 0:
                return None
            chunk = self._lines.read(int(size, 16))
            self._lines.read(2)
        except ConnectionResetError:
            return None
        return chunk
