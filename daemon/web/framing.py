"""Where a request begins and ends on the wire: what two readers could read in two ways is refused.

A proxy before us and we must agree on that, or a stranger's bytes become the head of somebody else's request
(RFC 9112, section 11.2). h11 refuses most of it; here is what it forgives.
"""

from collections.abc import Sequence

import h11

LARGEST_HEAD = 16_384
"""Bytes; what other servers take, too. It bounds the line before a chunk and the trailers as well."""
LENGTH, CODING = b"content-length", b"transfer-encoding"
FREE_CHUNKS = 1000
"""Of a body, of whatever size."""
LEAST_CHUNK = 64
"""Bytes of each further one, in the mean: to read a chunk costs as much as to read a hundred times that."""


class Wire(h11.Connection):
    """The server's side of one connection."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        self.fault: str | None = None
        """What we found; None: what h11 found is its own business."""
        self._chunks, self._chunked = 0, 0

    @property
    def has_begun(self) -> bool:
        """Whether something of the next request is there already."""
        return bool(self.trailing_data[0])

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """As h11's; raises RemoteProtocolError also for an ambiguous head, and for crumbs of a body."""
        before = self.trailing_data[0] if self.their_state is h11.IDLE else b""
        event = super().next_event()
        if isinstance(event, h11.Request):
            head = before[: len(before) - len(self.trailing_data[0])]
            self._chunks, self._chunked = 0, 0
            self.fault = ambiguity(head.split(b"\n")[1:], event.http_version)
        elif isinstance(event, h11.Data):
            self.fault = self._crumbs(event)
        if self.fault is not None:
            raise h11.RemoteProtocolError(self.fault, error_status_hint=400)
        return event

    def _crumbs(self, event: h11.Data) -> str | None:
        self._chunks += event.chunk_start
        self._chunked += len(event.data)
        if self._chunks > FREE_CHUNKS + self._chunked // LEAST_CHUNK:
            return f"The body comes in chunks of less than {LEAST_CHUNK} bytes."
        return None


def ambiguity(lines: Sequence[bytes], version: bytes) -> str | None:
    """Why the header lines of a request leave open where it ends; None where they do not."""
    if any(line[:1] in (b" ", b"\t") for line in lines):
        return "A header goes on in a second line."
    names = [line.partition(b":")[0].strip().lower() for line in lines]
    lengths = [line.partition(b":")[2] for line, name in zip(lines, names, strict=True) if name == LENGTH]
    if len(lengths) > 1 or any(b"," in one for one in lengths):
        return "Content-Length is given more than once."
    if lengths and CODING in names:
        return "Content-Length is given together with Transfer-Encoding."
    if CODING in names and version < b"1.1":
        return "Transfer-Encoding is given in a version of HTTP that has none."
    return None
