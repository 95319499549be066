"""`[contacts]` and `contacts_file`: names of those behind numbers, written by hand, and a file of many.

The table's names count before the file's, for they were written one by one. The file is CSV, or vCard as
address books give it. All its faults are found at once, each with its line and its value.
"""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from daemon.config.wording import Fault, Location, fault, of_table
from daemon.core.contacts import (
    MOST_BYTES,
    MOST_FAULTS,
    Configured,
    Contacts,
    Taken,
    key,
    unfit,
    unfit_number,
)
from daemon.core.wording import quoted

TABLE, FILE = "contacts", "contacts_file"


class ContactSettings(BaseModel):
    """Names by what their numbers are compared by (`core/contacts.key`)."""

    model_config = ConfigDict(frozen=True)

    table: dict[str, str] = {}
    """`[contacts]`."""
    file: dict[str, str] = {}
    """What `contacts_file` holds."""

    def __hash__(self) -> int:
        return hash((len(self.table), len(self.file)))

    @cached_property
    def configured(self) -> Configured:
        """The same as a value of ours."""
        return Configured(self.table, self.file)

    @cached_property
    def book(self) -> Contacts:
        """All of them; where both name one number, the table's name counts."""
        return Contacts(self.table, self.file)


@dataclass(frozen=True)
class Read:
    """What a configuration says of contacts."""

    settings: ContactSettings
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()


def read(document: Mapping[str, Any], directory: Path) -> Read:
    """The contacts of a configuration; `directory` is that of its file, beside which `contacts_file` lies."""
    table, faults = document.get(TABLE, {}), list[Fault]()
    if not isinstance(table, dict):
        return Read(ContactSettings(), (fault((TABLE,), "write it as [contacts], with one bracket"),))
    names = dict(_of_table(table, faults))
    at: Location = (TABLE, FILE) if FILE in table else (FILE,)
    if FILE in table and FILE in document:
        faults.append(of_table((TABLE,), f"has {FILE}, which stands at the top as well: give one of them"))
    path = table.get(FILE, document.get(FILE))
    found = Taken()
    if isinstance(path, str):
        found = of_file(directory / path)
    elif path is not None and FILE in table:  # at the top the model says so
        faults.append(fault(at, "expected the path of a file"))
    faults += [fault(at, one, path) for one in found.said()]
    warnings = [fault(at, one, path) for one in found.warnings[:MOST_FAULTS]]
    if not faults and not names and path is None:
        return Read(ContactSettings())
    return Read(ContactSettings(table=names, file=found.names), tuple(faults), tuple(warnings))


def _of_table(table: Mapping[str, Any], faults: list[Fault]) -> Iterator[tuple[str, str]]:
    known: dict[str, tuple[str, str]] = {}
    for number, name in table.items():
        at = (TABLE, number)
        if number == FILE:
            continue
        if not isinstance(name, str):
            faults.append(fault(at, "expected text in quotes", name))
            continue
        reasons = [of_number and f"the number {of_number}" for of_number in [unfit_number(number)]]
        wrong = next(filter(None, [*reasons, unfit(name.strip())]), None)
        one = key(number)
        if wrong is None and known.get(one, (number, name))[1] != name:
            wrong = f"is the number {quoted(known[one][0])}, which is called {quoted(known[one][1])}"
        if wrong is not None:
            faults.append(fault(at, wrong, name))
            continue
        known[one] = (number, name)
        yield one, name.strip()


def of_file(path: Path) -> Taken:
    """The contacts of a file, CSV or vCard; never more bytes of it than may be."""
    from daemon.core import contact_files  # noqa: PLC0415 - few have a file, and each verb would pay for it

    try:
        data = _bytes(path)
    except OSError as error:
        return Taken(faults=[f"cannot be read: {error.strerror or error}"])
    except ValueError as error:
        return Taken(faults=[str(error)])
    return contact_files.parsed(data)


def _bytes(path: Path) -> bytes:
    # Not opened before it is known to be one: to open a pipe would wait for whoever writes.
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("is no file")
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)
