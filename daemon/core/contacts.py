"""Names of those who stand behind numbers, for people: `Dana (0541234567)`. Pure.

A name stands beside its number and never in its place, for two may have one name, and a name may be wrong.
Numbers are compared as phones, whatever their spelling; `sip/…` and `sms/…` are the phone that they name,
`queue/5`, `directory/5` and `/5` are the extension 5. A name is one line without anything that a terminal
or a reader's eye would obey, and is no number itself: whatever hands one in is judged by `unfit`.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property

from daemon.core import phones
from daemon.core.hidden import MARKS, hidden
from daemon.core.visible import visible_line
from daemon.core.wording import quoted

LONGEST_NAME = 64
"""Ours. Characters; with a number behind it, it still fits into the subject of a mail."""
LONGEST_NUMBER = 128
"""Ours. Characters of what is named; the longest path of an extension is far shorter."""
MOST = 100_000
"""Ours. Contacts of a file, and of the store: about 25 MiB of memory for each of the two."""
MOST_BYTES = 32 << 20
"""Ours. Of a file; a hundred thousand contacts without pictures are a tenth of that."""
MOST_FAULTS = 50
"""Ours. That are told of one file; the rest is counted."""
MOST_CANDIDATES = 10
"""Of a name that several have, the first that are shown."""

_PHONES = ("sms/", "sip/")
_EXTENSIONS = ("queue/", "directory/", "/")
_FORMATTING = frozenset({"Cf"})
_POINTS = re.compile(r"[\u0591-\u05bd\u05bf-\u05c7]")
"""Of Hebrew, but for the maqaf, which is a hyphen."""
_ALIKE = str.maketrans({"\u05f3": "'", "\u05f4": '"', "\u2019": "'", "\u201d": '"', "\u05be": "-"})


class Contacts:
    """Names by what they are the names of. Never changes; a look-up takes the same time whatever there is.

    Of several layers the first that knows a number has its name.
    """

    def __init__(self, *layers: Mapping[str, str]) -> None:
        """Each layer: names by `key`; who makes one has judged the names. A layer must not change."""
        self._layers = tuple(one for one in layers if one)

    @classmethod
    def of(cls, named: Iterable[tuple[str, str]]) -> "Contacts":
        """Of numbers in whatever spelling, each with its name; of two for one number the first counts."""
        names: dict[str, str] = {}
        for number, name in named:
            names.setdefault(key(number), name)
        return cls(names)

    def over(self, other: "Contacts") -> "Contacts":
        """Both together; where both name one number, this one's name counts."""
        return Contacts(*self._layers, *other._layers)

    def __bool__(self) -> bool:
        return bool(self._layers)

    def __repr__(self) -> str:
        return f"Contacts({'+'.join(str(len(one)) for one in self._layers) or '0'})"

    def name_of(self, text: str) -> str | None:
        """The name of a number, an agent, an extension or a subject; None: it has none."""
        if not self._layers or len(text) > LONGEST_NUMBER:
            return None
        sought = keys(text)
        return next(
            (name for layer in self._layers for one in sought if (name := layer.get(one)) is not None), None
        )

    def beside(self, text: str) -> str:
        """`Dana (0541234567)`: a number as it is written there, with its name before it where it has one."""
        name = self.name_of(text)
        return text if name is None else f"{name} ({text})"

    def numbers_of(self, name: str) -> tuple[str, ...]:
        """The numbers that have this name, each by its `key`, sorted; (): nobody has it. Case, blanks and
        Hebrew points do not matter."""
        return self._numbers.get(folded(name), ())

    @property
    def names(self) -> Iterator[str]:
        """Every name, folded: for who looks for one that was meant."""
        return iter(self._numbers)

    @cached_property
    def _numbers(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        known: set[str] = set()
        for layer in self._layers:
            for number, name in layer.items():
                if number not in known:
                    one = folded(name)
                    found[one] = (*found.get(one, ()), number)
            known.update(layer)
        return {one: tuple(sorted(numbers)) for one, numbers in found.items()}


NOBODY = Contacts()
"""The book with no name in it."""


class Source(Enum):
    """Where a name comes from; declared from what counts most."""

    CONFIGURATION = "configuration"
    """`[contacts]`: written one by one."""
    FILE = "file"
    """`contacts_file`."""
    STORE = "store"
    """Given by the command line, over HTTP or on the page."""


@dataclass(frozen=True)
class Configured:
    """The names that a configuration gives, by `key`."""

    table: Mapping[str, str] = field(default_factory=dict)
    file: Mapping[str, str] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[tuple[Source, Mapping[str, str]], ...]:
        """Each with where it comes from, those first that count more."""
        return (Source.CONFIGURATION, self.table), (Source.FILE, self.file)

    def named(self, one: str) -> tuple[Source, str] | None:
        """Who has the name of a `key` here, and which."""
        return next(((source, layer[one]) for source, layer in self.layers if one in layer), None)


def key(text: str) -> str:
    """What a number is compared by: `0541234567` of every spelling of that phone and of `sip/0541234567`,
    `/5` of the extension 5; anything else, such as the name of an agent, as it is. The key of a key is it."""
    one = _key(text)
    while one != text:
        text, one = one, _key(one)
    return one


def _key(text: str) -> str:
    text = text.strip()
    for kind in _PHONES:
        if text.startswith(kind):
            return phones.key(text.removeprefix(kind))
    for kind in _EXTENSIONS:
        if text.startswith(kind):
            return "/" + (text.removeprefix(kind).strip("/") or ".")
    return phones.key(text)


def keys(text: str) -> tuple[str, ...]:
    """What to look for: an extension may be written without its slash, too."""
    one = key(text)
    return (one, one.removeprefix("/")) if one.startswith("/") else (one,)


def folded(name: str) -> str:
    """What names are compared by: without case, Hebrew points, marks of direction and blanks too many."""
    text = unicodedata.normalize("NFKC", _POINTS.sub("", unicodedata.normalize("NFKD", name)))
    plain = "".join(one for one in text.translate(_ALIKE) if unicodedata.category(one) not in _FORMATTING)
    return " ".join(plain.casefold().split())


def unfit(name: str) -> str | None:
    """Why this can be nobody's name, as the end of a sentence about it; None where it can."""
    if not name.strip():
        return "must not be empty"
    if len(name) > LONGEST_NAME:
        return f"has more than {LONGEST_NAME} characters"
    if name != visible_line(name):
        found = hidden(name) or "a sign that is obeyed"
        return f"has {found} in it"
    if not any(map(str.isnumeric, name)):
        return None if any(map(str.isalpha, name)) or folded(name) else "has nothing in it that is seen"
    return None if phones.phone(name) is None else "is a number itself, and would be taken for one"


def unfit_number(text: str) -> str | None:
    """Why nothing can be called by this, as the end of a sentence about it; None where it can."""
    if not text.strip():
        return "must not be empty"
    if len(text) > LONGEST_NUMBER:
        return f"has more than {LONGEST_NUMBER} characters"
    if text.isascii() and text.isprintable():
        return None
    found = hidden(text, tolerated=MARKS)
    return f"has {found} in it" if found else None


def shown(name: str) -> str:
    """A name from where nobody has judged it, such as a table that somebody wrote by hand: on one line, cut,
    and nothing in it is obeyed."""
    line = " ".join(visible_line(name).split())
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1] + "…"


@dataclass(frozen=True)
class Listed:
    """One contact, wherever it comes from."""

    number: str
    """As it was given."""
    name: str
    source: Source
    key: str
    author: str | None = None
    """Who gave it; None: it is of the configuration."""
    changed_at: datetime | None = None
    shown_as: tuple[Source, str] | None = None
    """The name that shows in its place, and where that comes from; None: its own shows."""


@dataclass(frozen=True)
class Added:
    """A contact that was given."""

    contact: Listed
    before: str | None
    """How the number was called in the store; None: not at all."""


@dataclass(frozen=True)
class TakenIn:
    """What came of bringing in many."""

    added: int = 0
    changed: int = 0
    same: int = 0
    hidden: int = 0
    """Of all these: the configuration names their numbers otherwise, and that shows."""

    def __add__(self, other: "TakenIn") -> "TakenIn":
        return TakenIn(
            self.added + other.added,
            self.changed + other.changed,
            self.same + other.same,
            self.hidden + other.hidden,
        )


@dataclass
class Taken:
    """What a file says of contacts, and what is wrong with it, on its way."""

    names: dict[str, str] = field(default_factory=dict)
    """By key."""
    places: dict[str, int] = field(default_factory=dict)
    """The line that each stands on, by key."""
    faults: list[str] = field(default_factory=list)
    """Each with its line and its value."""
    warnings: list[str] = field(default_factory=list)
    more: int = 0
    """Faults that are not told."""
    is_full: bool = False
    """There are more than may be: the rest need not be looked at."""

    def wrong(self, text: str) -> None:
        """One more fault."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)
        else:
            self.more += 1

    def add(self, line: int, number: str, name: str, *, first_counts: bool = False) -> None:
        """One contact, judged. `first_counts`: of two names for one number the first is taken, as of two
        cards for one house; else it is a fault."""
        number, name = number.strip(), name.strip()
        bad_number, bad_name = unfit_number(number), unfit(name)
        if bad_number or bad_name:
            if bad_number:
                self.wrong(f"line {line}: the number {quoted(number)} {bad_number}")
            if bad_name:
                self.wrong(f"line {line}: the name {quoted(name)} {bad_name}")
            return
        one = key(number)
        if self.names.get(one, name) != name:
            already = f"{quoted(self.names[one])} has this number already (line {self.places[one]})"
            text = f"line {line}: the number {quoted(number)} of {quoted(name)}: {already}"
            self.warnings.append(f"{text}, and keeps it") if first_counts else self.wrong(text)
            return
        if len(self.names) >= MOST and one not in self.names:
            self.is_full = True
            return
        self.names[one] = name
        self.places.setdefault(one, line)

    def said(self) -> list[str]:
        """The faults, as lines."""
        full = [f"holds more than {MOST:,} contacts, which is the most that is taken"] if self.is_full else []
        return [*self.faults, *([f"and {self.more} more faults"] if self.more else []), *full]
