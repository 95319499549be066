"""`yemotd db copy`: a whole database into another one, and how far that is."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import sqlalchemy as sa
import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from daemon.cli import opening
from daemon.cli.options import JsonOption
from daemon.cli.output import Fatal, complain, counted, print_json, say
from daemon.config.values import DatabaseUrl
from daemon.host import clock
from daemon.store import copying, location
from daemon.store.copying import Progress, SameError, Say
from daemon.store.schema import REVISION

EVERY = 5.0
"""Seconds between two lines where nobody watches a bar."""
ABOUT = (
    "as in `database` of [daemon]: sqlite:////var/lib/yemotd/yemotd.db, or its path alone, or "
    "postgresql+psycopg://host/name."
)
PREFIX = "Value error, "
"""Of pydantic, before what was raised."""


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help=f"A database, {ABOUT}")],
    target: Annotated[str, typer.Argument(metavar="TO", help="An empty database, or a new file.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Copy a whole database into another one, from SQLite to PostgreSQL or back, and compare them row by row.

    No daemon runs on either meanwhile. Interrupted, and called with the same words, it goes on where it was.
    """
    from_, to = _url("FROM", source), _url("TO", target)
    began = clock.monotonic()
    try:
        with _shown() as shown:
            found = copying.copy(from_, to, shown)
    except SameError:
        raise Fatal("FROM and TO are the same database", os.EX_USAGE) from None
    except KeyboardInterrupt:
        complain("Interrupted. Called with the same words, it goes on where it was.")
        raise
    seconds = clock.monotonic() - began
    if as_json:
        tables = {name: asdict(one) for name, one in found.items()}
        print_json({"revision": REVISION, "seconds": round(seconds, 1), "tables": tables})
        return
    rows = sum(one.rows for one in found.values())
    say(f"Copied {counted(rows, 'row')} of {len(found)} tables in {seconds:.1f} s, and compared each.")
    if pictured := sum(one.pictured for one in found.values()):
        had = f"{counted(pictured, 'row')} had a NUL in a text, which PostgreSQL cannot hold"
        say(f"{had}: its picture, ␀, stands there now.")
    say(f"Now name {location.shown(to)} as `database` of [daemon], and start yemotd.")


class _Named(BaseModel):
    """What is a database in the configuration is one here."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a password may be in it
    database: DatabaseUrl


def _url(name: str, value: str) -> str:
    """A database's URL; `Fatal` (exit 64) for what is none."""
    url = value if "://" in value else f"sqlite:///{value}"
    try:
        _Named(database=url)
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix(PREFIX)
        raise Fatal(f"{name} = {location.shown(url)}: {why}", os.EX_USAGE) from None
    parsed = sa.make_url(url)
    opening.HELD.update(filter(None, (parsed.password, str(parsed.query.get("password", "")))))
    return url


@contextmanager
def _shown() -> Iterator[Say]:
    """How far it is, on standard error: a bar where somebody watches, else a line now and then."""
    if sys.stderr.isatty():
        with _bar() as say_there:
            yield say_there
    else:
        yield Lines()


class Lines:
    """Plain ones."""

    def __init__(self, elapsed: Callable[[], float] = clock.monotonic) -> None:
        self._elapsed = elapsed
        self._last = elapsed()

    def __call__(self, progress: Progress) -> None:
        """Say how far it is, unless that was said a moment ago."""
        if self._elapsed() - self._last >= EVERY:
            self._last = self._elapsed()
            complain(f"{progress.doing} {progress.done:,} of {progress.of:,} rows; now {progress.table}")


@contextmanager
def _bar() -> Iterator[Say]:
    from rich import progress as bars  # noqa: PLC0415 - a tenth of a second, which other verbs do without
    from rich.console import Console  # noqa: PLC0415

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TextColumn("{task.fields[now]}"),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True)) as shown:
        tasks = {one: shown.add_task(one, total=None, now="", start=False) for one in ("copied", "checked")}

        def tell(progress: Progress) -> None:
            task = tasks[progress.doing]
            shown.start_task(task)
            now = f"{progress.done:,} of {progress.of:,} rows, {progress.table}"
            shown.update(task, completed=progress.done, total=progress.of, now=now)

        yield tell
