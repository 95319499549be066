"""The SQL statements that the store of a release writes and reads with, as a file that outlives it.

`make statements` makes it anew, at a release: it records what the store says while tests play. The next
release replays them on its own schema, on which this one must be able to run.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

import pytest
import sqlalchemy as sa

from daemon import __version__
from daemon.store.schema import REVISION
from tests.support.paths import ROOT

FILE = ROOT / "tests" / "store" / "statements.txt"
STORE = ROOT / "daemon" / "store"
SUPPORT = Path(__file__).parent
KINDS = ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ")
MANY = re.compile(r"(\(\?(?:, \?)*\)|\?)(?:, \1)+")
"""The same again and again: as many as there happened to be values."""


class Recorder:
    """A plugin of pytest that writes the file, if all is well."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def pytest_sessionstart(self) -> None:
        sa.event.listen(sa.Engine, "before_cursor_execute", self._take)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK:
            self._write(FILE)

    def _write(self, path: Path) -> None:
        head = f"-- What the store of {__version__} says, at revision {REVISION}; made by `make statements`."
        path.write_text("\n".join([head, *sorted(self._seen.values())]) + "\n", encoding="utf-8")

    def _take(
        self,
        connection: sa.Connection,
        cursor: object,
        statement: str,
        parameters: object,
        context: sa.ExecutionContext | None,
        is_many: bool,
    ) -> None:
        line = " ".join(statement.split())
        if not line.startswith(KINDS) or not is_of_the_store():
            return
        key = MANY.sub(r"\1", line)
        if len(line) < len(self._seen.get(key, line + "?")):
            self._seen[key] = line


def is_of_the_store() -> bool:
    """Whether the store says it, rather than a test or a migration: whoever it was that called SQLAlchemy."""
    frame: FrameType | None = sys._getframe()
    while frame and (
        Path(frame.f_code.co_filename).parent == SUPPORT or "sqlalchemy" in frame.f_code.co_filename
    ):
        frame = frame.f_back
    return frame is not None and Path(frame.f_code.co_filename).is_relative_to(STORE)


def load(path: Path = FILE) -> list[str]:
    """The statements of the release that was recorded last."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("--")]


def revision(path: Path = FILE) -> str:
    """The revision at which they were recorded."""
    found = re.search(r"at revision (\w+);", path.read_text(encoding="utf-8"))
    assert found, path
    return found[1]


def refused(db: sa.Connection, statements: Iterable[str]) -> list[str]:
    """Which of them this schema does not take, and why; none of them is carried out.

    A connection can be asked once: what was explained before is not looked at again by SQLite.
    """
    found = []
    for statement in statements:
        try:
            db.exec_driver_sql(f"EXPLAIN {statement}", (None,) * statement.count("?"))
        except sa.exc.DBAPIError as error:
            found.append(f"{error.orig}: {statement}")
    return found
