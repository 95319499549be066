"""What can be had of a configuration that cannot be used: where its database is, and whose zone people read.

A file that is being edited is half of two files for a while. Who only looks something up in the store needs
no more of it than this; whoever acts by it needs it whole.
"""

import re
import tomllib
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from daemon.config.load import ConfigError
from daemon.config.settings import Daemon

KEYS = ("database", "timezone")
MOST_BYTES = 16 << 20
"""Ours. Of a file that is looked through line by line; more is no configuration."""
_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]*?)\s*\]")
_LINE = re.compile(rf"\s*(?:{'|'.join(KEYS)})\s*=")


@dataclass(frozen=True)
class Partly:
    """What a file says all the same."""

    database: str
    """SQLAlchemy's URL: that of the file, or the default where it names none."""
    timezone: str | None
    """None: it names none that can be used."""


def salvaged(error: ConfigError) -> Partly | None:
    """What a file that cannot be used says of these two; None where it cannot be read, or names a database
    that is none: then nothing is known of where to look."""
    table = _table(error)
    if table is None:
        return None
    try:
        database = Daemon.model_validate(_only(table, "database")).database
    except ValidationError:
        return None
    try:
        timezone = Daemon.model_validate(_only(table, "timezone")).timezone
    except ValidationError:
        timezone = None
    return Partly(database, timezone if "timezone" in table else None)


def _only(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {key: table[key]} if key in table else {}


def _table(error: ConfigError) -> Mapping[str, Any] | None:
    """`[daemon]`, as far as it can be made out."""
    if error.document is not None:
        table = error.document.get("daemon", {})
        return table if isinstance(table, dict) else {}
    try:
        with error.path.open("rb") as file:
            text = file.read(MOST_BYTES).removeprefix(BOM_UTF8).decode(errors="replace")
    except OSError:
        return None
    return dict(_pairs(text))


def _pairs(text: str) -> Iterator[tuple[str, Any]]:
    """The lines of `[daemon]` that are TOML each by itself."""
    is_inside = False
    for line in text.splitlines():
        if header := _HEADER.match(line):
            is_inside = header[1].strip("\"'") == "daemon"
        elif is_inside and _LINE.match(line):
            try:
                yield from tomllib.loads(line).items()
            except (ValueError, RecursionError):
                continue
