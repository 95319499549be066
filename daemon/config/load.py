"""The configuration: found, read and judged as a whole; a `Config` of frozen values, or every fault at once.

No dict from the file leaves this folder. What the tables mean stands in `settings.py`
and the files beside it.
"""

import stat
import tomllib
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from daemon.config.advice import advice
from daemon.config.between_tables import between_tables
from daemon.config.certificates import certificates
from daemon.config.reading import Reading
from daemon.config.secrets import Sources
from daemon.config.settings import Config
from daemon.config.wording import lines, translated

VARIABLE = "YEMOTD_CONFIG"
PLACES = (Path("config.toml"), Path("/etc/yemotd/config.toml"))
"""Where to look when nobody says where."""


class ConfigError(Exception):
    """The configuration cannot be used: the administrator's to mend. Shows every fault; never a secret."""

    def __init__(self, path: Path, faults: tuple[str, ...]) -> None:
        self.path = path
        self.faults = faults
        super().__init__(path, faults)

    def __str__(self) -> str:
        return "\n  ".join([f"{self.path} is not usable:", *self.faults])


@dataclass(frozen=True)
class Loaded:
    """A configuration that can be used, and what is odd about it."""

    config: Config
    warnings: tuple[str, ...]
    path: Path
    """Where it was read, for reading it again."""


def find(explicit: Path | None, environ: Mapping[str, str], *, places: Sequence[Path] = PLACES) -> Path:
    """The configuration file to use: the one that is named, else the first that exists.

    Raises `ConfigError` where there is none; a file that is named must be there.
    """
    named = explicit or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else None)
    if named:
        return named
    found = next((path for path in places if path.exists()), None)
    if found is None:
        looked = ", ".join(f"./{path}" if not path.is_absolute() else str(path) for path in places)
        way_out = f"--config PATH or ${VARIABLE} says where it is"
        raise ConfigError(places[0], (f"there is no such file (looked for {looked}); {way_out}",))
    return found


def load(path: Path, environ: Mapping[str, str], *, now: datetime | None = None) -> Loaded:
    """Read and judge a configuration file with all that it refers to; raises `ConfigError`.

    `now`: a certificate that does not count at that time is a fault, too.
    """
    document, is_shared = _parsed(path)
    reading = Reading(Sources(path.parent, environ, is_shared))
    cleaned = reading.table(Config, document)
    faults = [*reading.faults, *between_tables(document, path.parent)]
    faults += certificates(document, path.parent, now)
    try:
        config = Config.model_validate(cleaned, context={"directory": path.parent})
    except ValidationError as error:
        faults += translated(error, cleaned)
    if faults:
        raise ConfigError(path, lines(document, faults))
    warnings = [*reading.warnings, *advice(config, is_shared=is_shared)]
    return Loaded(config, lines(document, warnings), path)


def _parsed(path: Path) -> tuple[dict[str, Any], bool]:
    """The document, and whether its group or others can read the file."""
    try:
        with path.open("rb") as file:
            is_shared = bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
            # Editors of Windows begin a file with a mark that TOML does not know.
            return tomllib.loads(file.read().removeprefix(BOM_UTF8).decode()), is_shared
    except OSError as error:
        raise ConfigError(path, (f"cannot be read: {error.strerror}",)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(path, (f"is not UTF-8 text (byte {error.start + 1})",)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, (f"is not TOML: {error}",)) from None
    except (ValueError, RecursionError):
        # The parser's own limits: a number of thousands of digits, thousands of nested brackets.
        raise ConfigError(path, ("is not TOML that can be read: too long a number, or too deep",)) from None
