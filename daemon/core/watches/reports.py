"""What a watch of the platform's own logs is called, and what its events say. Pure.

Which rows are new: `report_files.py`.
"""

import re
import unicodedata
from dataclasses import dataclass

from daemon.core import shapes
from daemon.core.model import EventRow, EventTypes
from daemon.core.shapes import by_name, listed, record
from daemon.core.watches.subjects import called

ADDED = "report.row.added"
REPORT = record(
    {
        "path": shapes.text("The folder, as it is configured: `/1`, `/Log`."),
        "file": shapes.text("As it is configured: `ApprovalAll`."),
        "name": shapes.text("Of the file in which the row stands: `ApprovalAll.2026-18.ymgr`."),
    },
    optional={
        "withheld": listed(
            shapes.text(), "Fields that `row` lacks, since they may hold the number of a payment card."
        )
    },
)
EVENTS = EventTypes(
    (ADDED,),
    opt_in=frozenset({ADDED}),
    rows={
        ADDED: EventRow(
            "A row stands in a file of the platform's that did not at the look before, in the order of the "
            "file; of what was there at the first look, none.",
            {
                "report": REPORT,
                "row": by_name(
                    shapes.text(),
                    "Those fields that `fields` lists and the row has, by the platform's untranslated names.",
                ),
            },
        )
    },
)

FORBIDDEN = "logcreditcard"
"""What the platform's records of payments begin with, whatever else is in the name: they are never read."""
_LETTERS = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True)
class Report:
    """What is watched, as configured."""

    path: str
    file: str
    fields: tuple[str, ...]
    dialled: frozenset[str] = frozenset()
    """Fields that hold what the network says of a call, so that none is a card which somebody keyed in: a
    number of another country has 13 digits and more, too."""

    @property
    def subject(self) -> str:
        return subject(self.path, self.file)


def forbidden(name: str) -> bool:
    """Whether a file's name, or a path's last part, is that of records of payments."""
    last = unicodedata.normalize("NFKC", name).strip("/ ").rpartition("/")[2]
    return _LETTERS.sub("", last.casefold()).startswith(FORBIDDEN)


def subject(path: str, file: str) -> str:
    """The subject of a report's events, and the name of its watch: `report/1/ApprovalAll`."""
    return called("report", f"{path.strip('/') or '.'}/{file}")
