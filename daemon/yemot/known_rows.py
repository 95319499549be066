"""Rows of an answer of which nearly all were in the answer before: whose bytes are known is not read again.

    {"responseStatus":"OK","rows":[{"phone":…},{"phone":…},{"phone":…}]}
    {"responseStatus":"OK","rows":[NaN                               ]}     the shell, with one gap
                                     "phone":…   "phone":…   "phone":…      the pieces

An answer is cut wherever two rows may meet, without a look at what is between. That may be within a text; so
every piece has to be a strict JSON object by itself, as has the shell around the gap, and then there is only
one way to read them together. What does not come out so is decoded as a whole, with every refusal as ever.
What a row comes to follows from its bytes alone.

Where some rows are new above those of the last answer, as ever, only these are cut: those below are known in
blocks, by the hash of a block's bytes, which were cut when they were new.

A row is known by the hash of its bytes, of 64 bits under a key that each process draws: 16 bytes are kept of
each, beside the reading that its watch has of it anyway; its bytes would be ten times as many. Where 5,000
systems show 3,000 rows each and have 400 new ones every second among them, one is taken for another, and so
lost, in half a million years.
"""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from daemon.yemot.bounded_json import LARGE, MAX_VALUES, Gap, Scan, decode, decode_strictly

T = TypeVar("T")

MOST_FIELDS = 16
"""Ours. Of a row that is remembered, each of them a scalar; those of messages have four."""
MOST_ROWS = 3000
"""Ours. Of which readings are remembered, from the first on: the largest window of GetIncomingSms."""
FEW = 24
"""Ours. Commas and brackets in a row, with which it is surely within all bounds."""
BLOCK = 32
"""Ours. Rows that are known together."""
MOST_BLOCKS = 128
"""Ours. Each poll with new rows makes one more; of more than these, all rows are cut once, and known anew."""
MOST_ABOVE = 64
"""Ours. New rows that are looked for above those that are known."""
SHORT = 1024
"""Ours. Bytes of a shell that is remembered; it is some fifty."""
TRIES = 8
"""Ours. Closing braces that are looked at, from the last on, for that of the last row."""

_BETWEEN = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_BEHIND = re.compile(rb"[ \t\r\n]*\]")


class Rows(Sequence[object], Generic[T]):
    """The rows of an answer, each a JSON object, decoded when it is asked for."""

    def __init__(
        self,
        cut: Callable[[], Sequence[bytes]],
        readings: tuple[T | None, ...],
        new: Mapping[int, Mapping[str, object]],
    ) -> None:
        """`cut`: gives the bytes of each. `new`: those that were decoded already, by their place."""
        self._cut = cut
        self._new = new
        self.readings = readings
        """What each row comes to; None: it says less than it should, and has to be looked at."""
        self.poor = [index for index in new if readings[index] is None]
        """Where those stand."""

    def __len__(self) -> int:
        return len(self.readings)

    def __getitem__(self, index: Any) -> Any:
        return self._new.get(index) or _row(self._pieces[index])

    @cached_property
    def _pieces(self) -> Sequence[bytes]:
        return self._cut()


class Block(NamedTuple):
    """Some rows of an answer, one below the other, with what stands between them."""

    rows: int
    length: int
    """Bytes."""
    hash: int


class Place(NamedTuple):
    """Where the rows stand in an answer."""

    first: int
    """Behind the brace of the first."""
    last: int
    """Before that of the last."""
    between: bytes
    """Two of them; b"": there is one."""


class KnownRows(Generic[T]):
    """What is remembered of one watch's last answer: for one thread at a time."""

    def __init__(
        self, key: str, read: Callable[[Mapping[str, object]], T | None], *, block: int = BLOCK
    ) -> None:
        """`key`: of the list in the answer. `read`: what a row comes to, by nothing but what is in it; None:
        it does not say all that it should. `block`: rows that are known together."""
        self._block = block
        self._key = key
        self._read = read
        self._before = re.compile(rb'"%s"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*(?=\{)' % key.encode())
        self._hashes = array("q")
        self._readings: tuple[T | None, ...] = ()
        self._is_shared = False
        self._shell: tuple[bytes, Mapping[str, object]] = b"", {}
        """All but the rows, as it was last, and what it came to."""
        self._between = b""
        self._blocks: Sequence[Block] = ()
        """All rows of the last answer, with this between them; (): it is not known in blocks."""

    def __len__(self) -> int:
        return len(self._hashes)

    def decode(self, body: bytes) -> object:
        """As `bounded_json.decode`, and with its refusals; but the list may be `Rows`."""
        place = self._place(body)
        if place is None:
            return decode(body)
        shell = body[: place.first - 1] + b"NaN" + body[place.last + 1 :]
        whole = self._moved(body, place, shell)
        if whole is not None:
            return whole
        for is_plain, pieces in _cuts(body, place):
            hashes = array("q", map(hash, pieces))
            rows = self._rows(pieces, hashes) if _is_within(shell, len(pieces)) else None
            whole = None if rows is None else self._filled(shell, rows)
            if rows is not None and whole is not None:
                self._remember(hashes, rows)
                self._between = place.between
                self._blocks = self._in_blocks(pieces) if is_plain and not rows.poor else ()
                return whole
        return decode(body)

    def share(self, others: Iterable[T]) -> None:
        """Once: where a reading is equal to one of those that somebody keeps, keep no second one beside it.
        Those of later answers they keep from here."""
        if not self._is_shared:
            kept = {one: one for one in others}
            self._readings = tuple([one and kept.get(one, one) for one in self._readings])
            self._is_shared = True

    def _place(self, body: bytes) -> Place | None:
        found = self._before.search(body) if len(body) <= LARGE else None
        end = None if found is None else _end(body, found.end())
        if found is None or end is None:
            return None
        between = _BETWEEN.search(body, found.end(), end)
        return Place(found.end() + 1, end - 1, between[0] if between else b"")

    def _moved(self, body: bytes, place: Place, shell: bytes) -> dict[str, object] | None:
        """The whole answer, where some rows are new above those of the last one, as far as there is room for
        them; None: it may be anything else. Blocks of rows are known by their bytes as rows are, so that few
        are cut."""
        found = self._above(body, place) if self._blocks and place.between == self._between else None
        same = None if found is None else self._same(body, place, found[1])
        if found is None or same is None or not _is_within(shell, len(found[0]) + same[1]):
            return None
        above, at = found
        blocks, left = same
        read = self._read_new(above, range(len(above)))
        if read is None:
            return None
        readings = (*(self._read(row) for row in read.values()), *self._readings[:left])
        rows = Rows(lambda: body[place.first : place.last].split(place.between), readings, read)
        whole = self._filled(shell, rows)
        if whole is None or len(rows) > MOST_ROWS:
            return None
        self._remember(array("q", map(hash, above)) + self._hashes[:left], rows)
        top = body[place.first : at - len(place.between)]
        new = [Block(len(above), len(top), hash(top))] if above else []
        is_known = not rows.poor and len(blocks) < MOST_BLOCKS
        self._blocks = [*new, *blocks] if is_known else ()
        return whole

    def _above(self, body: bytes, place: Place) -> tuple[list[bytes], int] | None:
        """The rows above that which was the first, and where that begins."""
        above, at = list[bytes](), place.first
        while len(above) <= MOST_ABOVE:
            behind = body.find(place.between, at, place.last)
            piece = body[at : place.last if behind < 0 else behind]
            if hash(piece) == self._hashes[0]:
                return above, at
            if behind < 0:
                return None
            above.append(piece)
            at = behind + len(place.between)
        return None

    def _same(self, body: bytes, place: Place, at: int) -> tuple[list[Block], int] | None:
        """The blocks that go on from there to the end, the last perhaps cut short, and how many rows that
        is."""
        found, many = list[Block](), 0
        for block in self._blocks:
            behind = at + block.length
            if behind > place.last:
                break
            if hash(body[at:behind]) != block.hash:
                return None
            found.append(block)
            many += block.rows
            if behind == place.last:
                return found, many
            at = behind + len(place.between)
            if body[behind:at] != place.between:
                return None
        rest = body[at : place.last]
        hashes = array("q", map(hash, rest.split(place.between)))
        if hashes != self._hashes[many : many + len(hashes)]:
            return None
        return [*found, Block(len(hashes), len(rest), hash(rest))], many + len(hashes)

    def _in_blocks(self, pieces: Sequence[bytes]) -> Sequence[Block]:
        if not self._block < len(pieces) <= MOST_ROWS:
            return ()
        parts = [pieces[start : start + self._block] for start in range(0, len(pieces), self._block)]
        return [Block(len(part), len(one), hash(one)) for part in parts for one in [self._between.join(part)]]

    def _rows(self, pieces: list[bytes], hashes: "array[int]") -> Rows[T] | None:
        """With the readings that are known, and those of the rows that are new; None: they cannot be told."""
        readings, unread = self._known(hashes)
        read = self._read_new(pieces, unread)
        if read is None:
            return None
        for index, row in read.items():
            readings[index] = self._read(row)
        return Rows(lambda: pieces, tuple(readings), read)

    def _read_new(self, pieces: Sequence[bytes], which: Iterable[int]) -> dict[int, dict[str, object]] | None:
        """These of the rows, by their place; None: not each is a row by itself."""
        read = {}
        for index in which:
            try:
                row = _row(pieces[index])
            except ValueError:
                return None
            if not _is_flat(row):
                return None
            read[index] = row
        return read

    def _known(self, hashes: "array[int]") -> tuple[list[T | None], Iterable[int]]:
        """The reading of each row that was in the answer before, and which were not. Mostly all of them have
        moved down, by so many as are new; that is seen at a glance."""
        before = self._hashes
        if before and before[0] in hashes:
            moved = hashes.index(before[0])
            left = len(hashes) - moved
            if hashes[moved:] == before[:left]:
                return [*[None] * moved, *self._readings[:left]], range(moved)
        known = dict(zip(before, self._readings, strict=True))
        readings = list(map(known.get, hashes))
        return readings, [index for index, one in enumerate(readings) if one is None]

    def _remember(self, hashes: "array[int]", rows: Rows[T]) -> None:
        readings = rows.readings
        if rows.poor:
            kept = [(its, one) for its, one in zip(hashes, readings, strict=True) if one is not None]
            hashes, readings = array("q", [its for its, _ in kept]), tuple([one for _, one in kept])
        self._hashes = hashes[:MOST_ROWS]
        self._readings = readings[:MOST_ROWS]

    def _filled(self, shell: bytes, rows: Rows[T]) -> dict[str, object] | None:
        """The whole answer; None where the gap is not what the list of that name has in it."""
        if shell == self._shell[0]:
            return {**self._shell[1], self._key: rows}
        gap = Gap()
        try:
            Scan().feed(shell)
            whole = decode_strictly(shell, gap)
        except ValueError:
            return None
        if not isinstance(whole, dict) or gap.many != 1:
            return None
        if whole.get(self._key) != [gap]:
            return None
        if len(shell) <= SHORT:
            self._shell = shell, whole
        return {**whole, self._key: rows}


def _cuts(body: bytes, place: Place) -> Iterator[tuple[bool, list[bytes]]]:
    """Ways to cut an answer: wherever rows may meet, which is plain, then only where that is within no
    text."""
    inside = body[place.first : place.last]
    pieces = inside.split(place.between) if place.between else [inside]
    yield True, pieces
    if place.between:
        yield False, list(_joined(pieces, place.between))


def _is_within(shell: bytes, many: int) -> bool:
    """Whether so many rows, none of which has more fields than it may, are surely not too much."""
    return len(shell) + many * (MOST_FIELDS + 1) <= MAX_VALUES


def _end(body: bytes, start: int) -> int | None:
    """Behind the last row: its brace is followed by the end of the list."""
    at = len(body)
    for _ in range(TRIES):
        at = body.rfind(b"}", start, at)
        if at < 0:
            return None
        if _BEHIND.match(body, at + 1):
            return at + 1
    return None


def _joined(pieces: list[bytes], between: bytes) -> Iterator[bytes]:
    """The same, with those made one again between which a text goes on."""
    parts: list[bytes] = []
    is_in_text = False
    for piece in pieces:
        parts.append(piece)
        is_in_text ^= piece.replace(rb"\\", b"").replace(rb"\"", b"").count(b'"') % 2 == 1
        if not is_in_text:
            yield between.join(parts)
            parts = []
    if parts:
        yield between.join(parts)


def _row(piece: bytes) -> dict[str, object]:
    """One row, strictly. Raises ValueError."""
    text = b"{%b}" % piece
    if piece.count(b",") + piece.count(b"[") + piece.count(b"{") > FEW:
        Scan().feed(text)
    row = decode_strictly(text)
    if not isinstance(row, dict):
        raise ValueError("no row")
    return row


def _is_flat(row: Mapping[str, object]) -> bool:
    return len(row) <= MOST_FIELDS and not any(isinstance(value, list | dict) for value in row.values())
