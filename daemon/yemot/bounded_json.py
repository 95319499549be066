"""JSON of a stranger, within bounds: how large, how deep and how many values are told before it is decoded.

Decoded, `[[],[],…]` takes forty times the memory of its text, and holds every other thread until it is done.
So the bounds are told by a scan of the bytes, which is linear, takes no memory to speak of, and is done while
they arrive once they are many.
"""

import codecs
import json
import re
import threading
from collections.abc import Callable
from itertools import accumulate

MAX_BODY = 8 * 1024 * 1024
"""Ours. Bytes, after content decoding; 3,000 SMS, the largest window of GetIncomingSms, are 0.6 MiB."""
MAX_WIDE = MAX_BODY // 2
"""Ours. The same where a character needs four bytes: decoded, every other one takes as many then."""
MAX_DEPTH = 32
"""Ours. Lists and objects in each other; answers of the API have four."""
MAX_VALUES = 100_000
"""Ours. Scalars, lists and objects; 3,000 SMS have 15,000."""
LARGE = 1024 * 1024
"""Ours. Bytes from which bodies are decoded one at a time: what they take does not add up."""
PIECE = 64 * 1024
"""Bytes that are scanned at once; the scan takes some eight times as many."""

_ONE_AT_A_TIME = threading.Lock()
_MARK = codecs.BOM_UTF8
_BEGINS = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]{0,1000}[{\[]")
_BLANKS = b" \t\r\n"
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - set(_STEPS))
_NARROW = bytes(range(0xF0))
# Bytes of characters that UTF-8 spells with fewer than four.


class ExcessError(ValueError):
    """More than anybody has to take."""


class Scan:
    """Counts what a JSON text holds, piece by piece, without decoding it.

    Of a text that is no JSON it tells what is true up to its first mistake, where every decoder stops.
    """

    def __init__(self) -> None:
        self.values = 1
        """So far; a list or an object that was opened last counts as holding one."""
        self.deepest = 0
        self._depth = 0
        self._is_in_string = False
        self._unpaired = b""
        """A backslash at the end of the last piece: what it escapes is in the next one."""
        self._last = b""
        """The last byte outside strings that is not blank; a string is one quote."""

    def feed(self, piece: bytes) -> None:
        """Count what comes next. Raises `ExcessError`."""
        outside = self._outside_strings(piece)
        self._count(outside.translate(None, _BLANKS))

    def _outside_strings(self, piece: bytes) -> bytes:
        """The piece with a quote in the place of each string; of one that goes on, where it begins."""
        text = self._unpaired + piece
        self._unpaired = b""
        if b"\\" in text:
            text = text.replace(rb"\\", b"")
            if text.endswith(b"\\"):
                text, self._unpaired = text[:-1], b"\\"
            text = text.replace(rb"\"", b"")
        parts = text.split(b'"')
        outside = parts[1::2] if self._is_in_string else parts[::2]
        self._is_in_string ^= len(parts) % 2 == 0
        return b'"'.join([*outside, b""] if self._is_in_string and outside else outside)

    def _count(self, marks: bytes) -> None:
        if not marks:
            return
        opened = marks.count(b"[") + marks.count(b"{")
        joined = self._last + marks
        self.values += opened + marks.count(b",") - joined.count(b"[]") - joined.count(b"{}")
        self._last = marks[-1:]
        if self.values - (self._last in b"[{") > MAX_VALUES:
            raise ExcessError(f"the answer has more than {MAX_VALUES:,} values")
        steps = map(_STEPS.__getitem__, marks.translate(None, _NO_BRACKETS))
        depths = list(accumulate(steps, initial=self._depth))
        self._depth, self.deepest = depths[-1], max([self.deepest, *depths])
        if self.deepest > MAX_DEPTH:
            raise ExcessError(f"the answer is nested deeper than {MAX_DEPTH} levels")


class Gathering:
    """A body that arrives in pieces, none of which anybody has looked at."""

    def __init__(self, largest: int = MAX_BODY) -> None:
        """`largest`: bytes that are taken. Of more than `MAX_BODY` somebody else counts what is in them."""
        self._largest = largest
        self._body = bytearray()
        self._scanned = 0
        self._scan = Scan()

    def add(self, piece: bytes) -> None:
        """Take what came. Raises `ExcessError` as soon as it is too much."""
        self._body += piece
        check_size(len(self._body), self._largest)
        if self._largest <= MAX_BODY and len(self._body) > LARGE and is_json(self._body):
            self._catch_up()

    def whole(self) -> bytes:
        """All that came."""
        return bytes(self._body)

    def _catch_up(self) -> None:
        for start in range(self._scanned, len(self._body), PIECE):
            self._scan.feed(bytes(self._body[start : start + PIECE]))
        self._scanned = len(self._body)


def check_size(size: int, largest: int = MAX_BODY) -> None:
    """Raises `ExcessError` where no body may be so large."""
    if size > largest:
        raise ExcessError(f"the answer is larger than {largest // 2**20} MiB")


def is_json(body: bytes | bytearray) -> bool:
    """Whether it begins as a list or an object does."""
    return _BEGINS.match(body) is not None


Decode = Callable[[bytes], object]
"""Strict JSON, as `decode` reads it, with its refusals."""


def decode(body: bytes) -> object:
    """Strict JSON in UTF-8.

    Raises ValueError for duplicate keys, NaN and invalid UTF-8, of which `ExcessError` is one.
    """
    check_size(len(body))
    if len(body) <= LARGE:
        return _decoded(body)
    with _ONE_AT_A_TIME:
        return _decoded(body)


def _decoded(body: bytes) -> object:
    scan = Scan()
    for start in range(0, len(body), PIECE):
        scan.feed(body[start : start + PIECE])
    if len(body) > MAX_WIDE and body.translate(None, _NARROW):
        raise ExcessError(f"the answer is larger than {MAX_WIDE // 2**20} MiB, with characters of four bytes")
    return decode_strictly(body)


class Gap:
    """Stands, in what was decoded, where its text has a constant that is no JSON."""

    def __init__(self) -> None:
        self.many = 0
        """How many constants there were."""

    def fill(self, _name: str) -> object:
        """Itself, for each of them."""
        self.many += 1
        return self


def decode_strictly(text: bytes, gap: Gap | None = None) -> object:
    """The same of a text whose bounds are told already. Raises ValueError."""
    decoder = _STRICT if gap is None else json.JSONDecoder(object_pairs_hook=_object, parse_constant=gap.fill)
    # The codec that knows a mark of byte order is written in Python.
    return decoder.decode(text.decode("utf-8-sig" if text.startswith(_MARK) else "utf-8"))


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
# Made once: that takes as long as a row does.
