"""Files of contacts: CSV as spreadsheets save it, and vCard (2.1, 3.0, 4.0) as address books do.

The library that there is for vCard says of a fault neither its line nor its value, and keeps every picture in
memory; of the format only names and numbers are wanted here. Pure.
"""

import csv
import io
import quopri
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from daemon.core.contacts import MOST_BYTES, Taken
from daemon.core.wording import quoted

NUMBERS = frozenset(
    {"number", "phone", "phone number", "tel", "telephone", "mobile", "מספר", "טלפון", "מספר טלפון", "נייד"}
)
NAMES = frozenset({"name", "full name", "contact", "שם", "שם מלא", "איש קשר"})
"""What a column is called, in lower case."""
DELIMITERS = ",;\t"
PLAIN = (0, 1)
"""Where the number and the name stand, where no line names the columns."""
LONGEST_HEAD = 1_000
"""Characters of a vCard's line up to its colon, and of the first line of a sheet that are looked at."""
_LOST_ZERO = re.compile(r"[57]\d{8}")
"""A mobile, or a number of a network provider, as a spreadsheet shows it that took it for a figure."""
_WANTED = frozenset({"FN", "N", "ORG", "TEL", "BEGIN", "END"})
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SPLIT = re.compile(r"(?<!\\);")


def parsed(data: bytes) -> Taken:
    """The contacts in these bytes; with every fault, and its line."""
    taken = Taken()
    if len(data) > MOST_BYTES:
        taken.wrong(f"is larger than {MOST_BYTES >> 20} MiB; leave out pictures, and what has no number")
        return taken
    if data.startswith(b"PK\x03\x04"):
        taken.wrong('is the workbook of a spreadsheet; save it as "CSV UTF-8"')
        return taken
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        taken.wrong(f'line {line} is not UTF-8 text; a spreadsheet saves it as "CSV UTF-8"')
        return taken
    if text.lstrip()[:11].upper() == "BEGIN:VCARD":
        _Cards(taken).read(text)
    else:
        _rows(text, taken)
    return taken


def _rows(text: str, taken: Taken) -> None:
    begins = re.search(rf"\S.{{,{LONGEST_HEAD}}}", text)
    head = begins[0] if begins else ""
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns: tuple[int, int] | None = None
    try:
        for row in reader:
            if taken.is_full:
                return
            if not any(map(str.strip, row)):
                continue
            if columns is None and (found := _columns(row)) is not None:
                columns = found
                continue
            if columns is None and len(row) > len(PLAIN):
                taken.wrong(_unheaded(reader.line_num, len(row)))
            else:
                _row(reader.line_num, row, columns or PLAIN, taken)
    except csv.Error as error:
        taken.wrong(f"line {reader.line_num}: {error}")


def _columns(row: Sequence[str]) -> tuple[int, int] | None:
    """Where the number and the name stand, by the names of the columns; None: this row is none of these."""
    words = [one.strip().casefold() for one in row]
    number = next((index for index, word in enumerate(words) if word in NUMBERS), None)
    name = next((index for index, word in enumerate(words) if word in NAMES), None)
    return None if number is None or name is None else (number, name)


def _unheaded(line: int, many: int) -> str:
    return (
        f"line {line}: has {many} columns; without a first line that names them, expected two, the number "
        "and the name"
    )


def _row(line: int, row: Sequence[str], columns: tuple[int, int], taken: Taken) -> None:
    if len(row) <= max(columns):
        taken.wrong(
            f"line {line}: {quoted(' '.join(row))}: expected a number and a name, and a comma between"
        )
        return
    number, name = row[columns[0]].strip(), row[columns[1]].strip()
    if _LOST_ZERO.fullmatch(number):
        taken.wrong(f"line {line}: the number {quoted(number)} has lost its first zero; write 0{number}")
        return
    taken.add(line, number, name)


@dataclass
class _Card:
    """One card on its way."""

    line: int
    names: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By property: FN, N and ORG."""
    numbers: list[tuple[int, str]] = field(default_factory=list)


class _Cards:
    """The cards of one text."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._card: _Card | None = None

    def read(self, text: str) -> None:
        """All of them."""
        for line, name, parameters, value in _properties(text):
            if self._taken.is_full:
                return
            if name == "BEGIN":
                self._begin(line, value)
            elif name == "END":
                self._end()
            elif self._card is not None:
                self._property(self._card, line, name, _decoded(parameters, value))
        if self._card is not None:
            self._taken.wrong(f"line {self._card.line}: a card begins here that does not end")

    def _begin(self, line: int, value: str) -> None:
        if value.strip().upper() == "VCARD" and self._card is None:
            self._card = _Card(line)

    def _property(self, card: _Card, line: int, name: str, value: str | None) -> None:
        if value is None:
            self._taken.wrong(f"line {line}: cannot be read as its CHARSET or ENCODING says")
        elif name == "TEL":
            card.numbers.append((line, _number(value)))
        else:
            card.names.setdefault(name, (line, _name(name, value)))

    def _end(self) -> None:
        card, self._card = self._card, None
        if card is None or not (numbers := [one for one in card.numbers if one[1]]):
            return  # an address book has people without a phone
        names = [card.names[one] for one in ("FN", "N", "ORG") if one in card.names and card.names[one][1]]
        if not names:
            line, number = numbers[0]
            self._taken.wrong(f"line {line}: the number {quoted(number)}: its card has no name (FN)")
            return
        for line, number in dict.fromkeys(numbers):
            self._taken.add(line, number, names[0][1], first_counts=True)


def _properties(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Line, name, parameters and value of each property that is wanted, unfolded; no pictures."""
    held: tuple[int, str, str, str] | None = None
    for number, raw in enumerate(io.StringIO(text, newline="\n"), start=1):
        line = raw.removesuffix("\n").removesuffix("\r")
        if held is not None and held[3].endswith("=") and _is_quoted(held[2]):
            held = (*held[:3], held[3][:-1] + line)
        elif line[:1] in (" ", "\t"):
            held = held and (*held[:3], held[3] + line[1:])
        else:
            if held is not None:
                yield held
            held = _property(number, line)
    if held is not None:
        yield held


def _property(number: int, line: str) -> tuple[int, str, str, str] | None:
    """None: it is not wanted, or none."""
    head, is_quoted = line[:LONGEST_HEAD], False
    for index, sign in enumerate(head):
        if sign == '"':
            is_quoted = not is_quoted
        elif sign == ":" and not is_quoted:
            name, _, parameters = line[:index].partition(";")
            name = name.rpartition(".")[2].strip().upper()  # `item1.TEL`
            return (number, name, parameters, line[index + 1 :]) if name in _WANTED else None
    return None


def _is_quoted(parameters: str) -> bool:
    return "QUOTED-PRINTABLE" in parameters.upper()


def _decoded(parameters: str, value: str) -> str | None:
    """The value as text; None: it is none."""
    if not _is_quoted(parameters):
        return value
    charset = re.search(r"CHARSET=\"?([\w-]+)", parameters, re.IGNORECASE)
    try:
        return quopri.decodestring(value.encode()).decode(charset[1] if charset else "utf-8")
    except (LookupError, ValueError):
        return None


def _number(value: str) -> str:
    """Without `tel:` before it and what is dialled behind it (RFC 3966)."""
    text = _plain(value).strip()
    return text[4:].partition(";")[0].strip() if text[:4].lower() == "tel:" else text


def _name(name: str, value: str) -> str:
    if name == "N":  # family; given; additional; before; behind
        family, given, *_ = [*map(_plain, _SPLIT.split(value)), "", ""]
        return " ".join(filter(None, (given.strip(), family.strip())))
    return _plain(_SPLIT.split(value)[0] if name == "ORG" else value).strip()


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
