"""Files that the platform appends to, row by row (`*.ymgr`), as rows of names and texts.

RenderYMGRFile gives them as JSON, GetTextFile as they lie there, a line for each row:

    {"responseStatus":"OK","yALogsVersion":"…","data":[{"Phone":"0500000001","P050":"1"},…]}
    Phone#0500000001%P050#1

Neither has ids or ranges, so the file of a month is read whole each time. It is never decoded whole: a row is
cut out, decoded, remembered by its digest, and let go; and what a file begins with as it did when it was read
last is not looked at again (`Known`).

A row is compared by what it says: names and texts in the order of the names, without the empty ones, of which
all rows of a file have more once a column is added. So both forms of a row are equal. What may be the number
of a card takes no part, so that not even a digest of it is kept.
"""

import json
import re
import threading
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from daemon.core.cards import without_cards
from daemon.core.files import File, Listed
from daemon.core.model import Failure, Unknown
from daemon.core.watches.reports import forbidden
from daemon.yemot import files
from daemon.yemot.bounded_json import ExcessError, Gap, Scan, decode, decode_strictly
from daemon.yemot.reads import Read
from daemon.yemot.scalars import text, without_surrogates

if TYPE_CHECKING:
    from daemon.yemot.client import Client

RENDER, RAW = "RenderYMGRFile", "GetTextFile"
MOST_BYTES = 64 * 1024 * 1024
"""Ours. Of an answer; a month of 150,000 visits is some 40 MB."""
MOST_RENDERED = 36 * 1024 * 1024
"""Ours. Of a file that is asked for as JSON, in which each row repeats its names in quotes."""
MOST_ROWS = 2_000_000
"""Ours. Of a file; so many fit only where a row has 33 bytes."""
MOST_OF_A_ROW = 64 * 1024
"""Ours. Bytes; a row that is longer is none."""
SHELL = 64 * 1024
"""Ours. Bytes before the first row, in which it is looked for."""
TRIES = 16
"""Ours. Places within the texts of one row at which it seems to end."""
SPEED = 1024 * 1024
"""Ours. Bytes a second: an answer is given as much more time as a file of its size takes at this speed."""
EXTENSION = ".ymgr"
LARGE = 4 * 1024 * 1024
FEW = 2
"""Ours. So many files of more than `LARGE` bytes are read at once, of all systems together: each takes some
three times as much memory."""

_LARGE_ONES = threading.BoundedSemaphore(FEW)

_DATE = r"[0-9]{4}(?:-W?[0-9]{1,3}(?:-[0-9]{1,2})?)?|[0-9]{8}|[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}"
_FIRST = re.compile(rb'"data"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*(?=\{)')
_BETWEEN = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
_NEXT = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*(?=\{)")
_BLANKS = b" \t\r\n"
_DECODER = json.JSONDecoder(parse_constant=str)
_MARKS = "\r\n\x00\ufeff"

SourceT = TypeVar("SourceT", bytes, str)


@dataclass(frozen=True)
class Splits:
    """How the lines of a file as it lies there came apart."""

    lines: int = 0
    joined: int = 0
    """Those with a part that has no name, and so belongs to the value before it."""
    broken: int = 0
    """Those that are no row."""

    def problems(self) -> tuple[str, ...]:
        """What to say of it: numbers, no values."""
        said = []
        if self.broken:
            said.append(f"rows: {self.broken} of {self.lines} do not split into names and values")
        if self.joined:
            said.append(f"rows: {self.joined} of {self.lines} have a % in a value, which also parts fields")
        return tuple(said)


@dataclass(frozen=True)
class Known:
    """What is remembered of a report, so that the same file is read faster the next time."""

    form: str
    length: int
    """Of what its rows stand in."""
    hash: int
    """Of that, under a key of the process."""
    starts: "array[int]"
    digests: "array[int]"
    splits: Splits


class Report(Sequence[Mapping[str, str]], Generic[SourceT]):
    """The rows of one file as they stood in one answer, each decoded when it is asked for."""

    def __init__(
        self, form: str, source: SourceT, decode: Callable[[SourceT], Mapping[str, str]], size: int
    ) -> None:
        """`source`: what the rows stand in. `size`: bytes of the answer."""
        self.form = form
        """`RENDER` or `RAW`."""
        self.source: SourceT = source
        self.size = size
        self.splits = Splits()
        self.is_open = False
        """Whether the last row may be half written; of JSON nobody can tell, and none was seen."""
        self.digests = array("Q")
        """Of each row, by which it is compared."""
        self.same = 0
        """How many of the first rows were there before, to the byte."""
        self._decode: Callable[[SourceT], Mapping[str, str]] = decode
        self._starts = array("I")

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        end = self._starts[at + 1] if at + 1 < len(self) else len(self.source)
        return self._decode(self.source[self._starts[at] : end])

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not split, in numbers."""
        return self.splits.problems()

    @property
    def known(self) -> Known:
        """What makes the next reading of the same file fast."""
        source = self.source
        return Known(self.form, len(source), hash(source), self._starts, self.digests, self.splits)

    def take(self, known: Known | None) -> int:
        """Take over the rows of an earlier reading, where the file begins with all of that. Returns where the
        rest begins."""
        if known is None or known.form != self.form or not 0 < known.length <= len(self.source):
            return 0
        if hash(self.source[: known.length]) != known.hash:
            return 0
        self._starts, self.digests, self.splits = known.starts[:], known.digests[:], known.splits
        self.same = len(self.digests)
        return known.length

    def add(self, start: int, row: Mapping[str, str]) -> None:
        """The next row. Raises `ExcessError`."""
        if len(self._starts) >= MOST_ROWS:
            raise ExcessError(f"the file has more than {MOST_ROWS:,} rows")
        self._starts.append(start)
        self.digests.append(digest(row))


AnyReport: TypeAlias = Report[bytes] | Report[str]


@dataclass(frozen=True)
class Series:
    """The files of one name in one folder, with and without a date."""

    files: tuple[File, ...]
    """Oldest first: those with a date by that, then the one without."""
    problems: tuple[str, ...]


def series(path: str, file: str) -> Read[Series]:
    """The files `file` in a folder, found by its list, since nobody can tell which week a name counts. All of
    it is asked for: of a log the list has no date to go by, and whether it heeds another order is not
    known."""
    whole = files.listing(path)

    def parse(data: Mapping[str, object]) -> Series | Unknown:
        found = whole.parse(data)
        return found if isinstance(found, Unknown) else _series_of(file, found)

    return Read(whole.method, whole.params, parse)


@contextmanager
def one_of_few(size: int) -> Iterator[bool]:
    """Whether a file of this size may be read now: of large ones only a few are at once, of all systems
    together. Nobody waits for that."""
    is_large = size > LARGE
    may = not is_large or _LARGE_ONES.acquire(blocking=False)
    try:
        yield may
    finally:
        if is_large and may:
            _LARGE_ONES.release()


def read(
    client: "Client", path: str, *, size: int = 0, known: Known | None = None, is_raw: bool = False
) -> AnyReport | Unknown:
    """The rows of one file (`/1/ApprovalAll.ymgr`): by RenderYMGRFile; as it lies there where that is
    refused, as by the newer gateway, which has none. REFUSED: both were, as for a file that is not there.

    `size`: the file's bytes, as a listing has them. `known`: of the same file, when it was read last.
    `is_raw`: by the second way at once.
    """
    if forbidden(path):
        return Unknown(Failure.REFUSED, "it holds payments, which are never read")
    raw = lying(path, size=size, known=known)
    if is_raw or size > MOST_RENDERED:
        return _believed(client.read(raw), size)
    found = client.read(rendered(path, size=size, known=known))
    if not isinstance(found, Unknown) or found.failure is not Failure.REFUSED:
        return _believed(found, size)
    again = _believed(client.read(raw), size)
    return found if isinstance(again, Unknown) and again.failure is Failure.REFUSED else again


def _believed(found: AnyReport | Unknown, size: int) -> AnyReport | Unknown:
    """That a file has no row is believed only where it has no byte, or bytes that are no row."""
    if isinstance(found, Unknown) or found or not size or found.splits.lines:
        return found
    return Unknown(Failure.MALFORMED, f"no rows, of a file that is listed with {size} bytes")


def rendered(path: str, *, size: int = 0, known: Known | None = None) -> Read[Report[bytes]]:
    """RenderYMGRFile, with the names that the platform itself uses."""
    given: dict[str, str | int] = {"wath": _place(path), "convertType": "json", "notLoadLang": 1}
    decoding = partial(_decode_rendered, known=known)
    return Read("RenderYMGRFile", given, _rendered, decoding, largest=MOST_BYTES, more_time=_more_time(size))


def lying(path: str, *, size: int = 0, known: Known | None = None) -> Read[Report[str]]:
    """GetTextFile: the file as it lies there."""
    decoding = partial(_decode_lying, known=known)
    given = {"what": _place(path)}
    return Read("GetTextFile", given, _lying, decoding, largest=MOST_BYTES, more_time=_more_time(size))


def date_of(file: str, name: str) -> str | None:
    """The date in a file's name, as it is spelled, where it belongs to the series `file`; "" where it has
    none. None: it belongs to another. Of `ApprovalAll` are `ApprovalAll.ymgr` and
    `ApprovalAll.2026-18.ymgr`."""
    found = _series(file).fullmatch(name)
    return None if found is None else found[1] or ""


def digest(row: Mapping[str, str]) -> int:
    """What a row is compared by: 64 bits. Among a million rows a new one is taken for a known one once in
    twenty million files."""
    parts = [f"{name}\x1f{without_cards(value)}" for name, value in sorted(row.items()) if value]
    spelled = "\x1e".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(spelled, digest_size=8).digest(), "little")


def _series_of(file: str, found: Listed) -> Series:
    dated = [(date, one) for one in found.files if (date := date_of(file, one.name)) is not None]
    dated.sort(key=lambda it: (not it[0], _sortable(it[0]), it[1].name), reverse=False)
    return Series(tuple(one for _, one in dated if not forbidden(one.name)), found.problems)


def _sortable(date: str) -> str:
    """The year first."""
    parts = date.split("-")
    return "-".join(reversed(parts)) if len(parts[0]) < len("2026") else date


@lru_cache(64)
def _series(file: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(file)}(?:[.-]({_DATE}))?{re.escape(EXTENSION)}")


def _place(path: str) -> str:
    return f"ivr2:/{path.removeprefix('ivr2:').lstrip('/')}"


def _more_time(size: int) -> timedelta:
    return timedelta(seconds=min(size, MOST_BYTES) // SPEED)


def _decode_rendered(body: bytes, known: Known | None = None) -> object:
    """As `bounded_json.decode`, with its refusals; but `data` is a `Report`, where there are rows in it."""
    first = _FIRST.search(body, 0, SHELL)
    end = body.rfind(b"]")
    if first is None or end < first.end():
        return decode(body)
    shell = body[: first.end()] + b"NaN" + body[end:]
    if len(shell) > 2 * SHELL:
        raise ExcessError("what stands around the rows is too large")
    Scan().feed(shell)
    gap = Gap()
    whole = decode_strictly(shell, gap)
    if not isinstance(whole, dict) or gap.many != 1 or whole.get("data") != [gap]:
        raise ValueError("nobody can tell where its rows are")
    report = Report(RENDER, body[first.end() : end].rstrip(_BLANKS), _from_json, len(body))
    start = _behind(report.source, report.take(known))
    for at, row in _rows(report.source, start):
        report.add(at, row)
    return {**whole, "data": report}


def _behind(source: bytes, end: int) -> int:
    """Where the row behind another begins. Raises ValueError."""
    if end in (0, len(source)):
        return end
    found = _NEXT.match(source, end)
    if found is None:
        raise ValueError("behind a row there is none")
    return found.end()


def _rows(source: bytes, start: int) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each row with its place. One seems to end wherever `},{` stands, be it within a text; but then what is
    before it is no JSON by itself, so that there is one way to read them. Raises ValueError."""
    while start < len(source):
        end = start
        for _ in range(TRIES):
            between = _BETWEEN.search(source, end, start + MOST_OF_A_ROW)
            end, behind = (between.start() + 1, between.end()) if between else (len(source), len(source))
            if end - start > MOST_OF_A_ROW:
                raise ExcessError(f"a row is larger than {MOST_OF_A_ROW // 1024} KiB")
            row = _parsed(source[start:end])
            if row is not None:
                break
            if between is None:
                raise ValueError("a row is broken")
        else:
            raise ExcessError("nobody can tell where a row ends")
        yield start, row
        start = behind


def _parsed(piece: bytes) -> Mapping[str, str] | None:
    """One row, its values as text, and "" what is none; None: it is no JSON object. A name that is given
    twice means the last, as in a line."""
    if piece.count(b"{") + piece.count(b"[") > 1:
        Scan().feed(piece)
    try:
        row, end = _DECODER.raw_decode(spelled := piece.decode())
    except ValueError:
        return None
    if end != len(spelled) or not isinstance(row, dict):
        return None
    return {name if name.isascii() else without_surrogates(name): _text(value) for name, value in row.items()}


def _text(value: object) -> str:
    return text(value) or ""


def _from_json(piece: bytes) -> Mapping[str, str]:
    """A row that was read before, with what stands behind it."""
    return _parsed(piece.rstrip(b", \t\r\n")) or {}


def _rendered(data: Mapping[str, object]) -> Report[bytes] | Unknown:
    report = data.get("data")
    if isinstance(report, Report):
        return report
    if "data" in data and report in (None, [], {}):
        return Report(RENDER, b"", _from_json, 0)
    return Unknown(Failure.MALFORMED, "data: missing, or no list of rows")


def _decode_lying(body: bytes, known: Known | None = None) -> object:
    """Strict JSON, of which `contents` is one long text: as a `Report`. Raises ValueError."""
    scan = Scan()
    for start in range(0, len(body), MOST_OF_A_ROW):
        scan.feed(body[start : start + MOST_OF_A_ROW])
    whole = decode_strictly(body)
    contents = text(whole.get("contents")) if isinstance(whole, dict) else None
    if contents is None or not isinstance(whole, dict):
        return whole
    return {**whole, "contents": split(contents, len(body), known)}


def split(contents: str, size: int = 0, known: Known | None = None) -> Report[str]:
    """What a file says, row by row. `size`: bytes of the answer. Raises `ExcessError`."""
    report = Report(RAW, contents, _from_line, size)
    # Of what ended in the middle of a line, more may follow in the same.
    is_ended = known is not None and contents[known.length - 1 : known.length] == "\n"
    _split(report, report.take(known) if is_ended else 0)
    return report


def _lying(data: Mapping[str, object]) -> Report[str] | Unknown:
    report = data.get("contents")
    if isinstance(report, Report):
        return report
    if "contents" in data and report is None:  # of a file without a byte
        return Report(RAW, "", _from_line, 0)
    return Unknown(Failure.MALFORMED, "contents: missing, or no text")


def _split(report: Report[str], start: int) -> None:
    """Find the rows from here on. Raises `ExcessError`."""
    source = report.source
    lines, joined, broken = report.splits.lines, report.splits.joined, report.splits.broken
    while start < len(source):
        end = source.find("\n", start) + 1 or len(source)
        if end - start > MOST_OF_A_ROW:
            raise ExcessError(f"a row is longer than {MOST_OF_A_ROW:,} characters")
        line = source[start:end]
        if line.strip().strip(_MARKS):
            row = _from_line(line)
            lines, broken, joined = lines + 1, broken + (not row), joined + (bool(row) and _is_joined(line))
            if row:
                report.add(start, row)
        start = end
    report.splits = Splits(lines, joined, broken)
    report.is_open = bool(source) and not source.endswith("\n")


def _from_line(line: str) -> Mapping[str, str]:
    """`Name#value%Name#value`; nothing where it is none. A part without a name belongs to the value before
    it."""
    row: dict[str, str] = {}
    last = ""
    for part in line.partition("\n")[0].strip(_MARKS).split("%"):
        name, mark, value = part.partition("#")
        if mark and name.strip():
            last = name.strip()
            row[last] = value
        elif last:
            row[last] += f"%{part}"
        else:
            return {}
    return row


def _is_joined(line: str) -> bool:
    return any(not part.partition("#")[1] for part in line.split("%"))
