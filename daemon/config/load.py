"""The configuration: found, read and judged as a whole; a `Config` of frozen values, or every fault at once.

No dict from the file leaves this folder. What the tables mean stands in `settings.py`
and the files beside it.
"""

import re
import stat
import tomllib
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from daemon.config import contacts, templates, texts
from daemon.config.advice import advice
from daemon.config.between_tables import between_tables
from daemon.config.certificates import certificates, ending
from daemon.config.reading import Reading
from daemon.config.secrets import Sources
from daemon.config.settings import Config
from daemon.config.values import Settings
from daemon.config.windows import CONTEXT, named
from daemon.config.wording import lines, translated

_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_QUIET_TABLE = re.compile(r"\s*(\[\[\s*\w+\s*\.\s*quiet\s*\]\])")

VARIABLE = "YEMOTD_CONFIG"
PLACES = (Path("config.toml"), Path("/etc/yemotd/config.toml"))
"""Where to look when nobody says where."""


class ConfigError(Exception):
    """The configuration cannot be used: the administrator's to mend. Shows every fault; never a secret."""

    def __init__(
        self,
        path: Path,
        faults: tuple[str, ...],
        *,
        document: Mapping[str, Any] | None = None,
        without_secrets: Config | None = None,
    ) -> None:
        self.path = path
        self.faults = faults
        self.document = document
        """The file as TOML, with whatever secrets stand in it; None: it is not even that."""
        self.without_secrets = without_secrets
        """The configuration, where nothing is wrong but that secrets and certificates cannot be had: what
        stands in their place is none. Who only reads the store does without them."""
        super().__init__(path, faults)

    def __str__(self) -> str:
        return "\n  ".join([f"{self.path} is not usable:", *self.faults])


class ForbiddenError(ConfigError):
    """The file is there, perhaps, and this user may not read it."""


@dataclass(frozen=True)
class Loaded:
    """A configuration that can be used, and what is odd about it."""

    config: Config
    warnings: tuple[str, ...]
    path: Path
    """Where it was read, for reading it again."""
    files: tuple[Path, ...] = ()
    """What it was read from: itself, and all that it refers to."""


def find(explicit: Path | None, environ: Mapping[str, str], *, places: Sequence[Path] = PLACES) -> Path:
    """The configuration file to use: the one that is named, else the first that exists.

    Raises `ConfigError` where there is none; a file that is named must be there.
    """
    named = explicit or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else None)
    if named:
        return named
    found = next((path for path in places if _may_be_there(path)), None)
    if found is None:
        looked = ", ".join(f"./{path}" if not path.is_absolute() else str(path) for path in places)
        way_out = f"--config PATH or ${VARIABLE} says where it is"
        raise ConfigError(places[0], (f"there is no such file (looked for {looked}); {way_out}",))
    return found


def _may_be_there(path: Path) -> bool:
    """Also where it is hidden from this user, who is told so when it is read."""
    try:
        return path.exists()
    except PermissionError:
        return True
    except OSError:
        return False


def load(path: Path, environ: Mapping[str, str], *, now: datetime | None = None) -> Loaded:
    """Read and judge a configuration file with all that it refers to; raises `ConfigError`.

    `now`: a certificate that does not count at that time is a fault, too; one that ends soon, a warning.
    """
    document, is_shared = parsed(path)
    reading = Reading(Sources(path.parent, environ, is_shared))
    names = contacts.read(document, path.parent)
    bodies = templates.read(document, path.parent)
    cleaned = reading.table(Config, document)
    cleaned |= {contacts.TABLE: names.settings, templates.TABLE: bodies.settings}
    faults = [*reading.faults, *between_tables(document, path.parent), *names.faults, *bodies.faults]
    faults += templates.unknown(document)
    config: Config | None = None
    try:
        context = {"directory": path.parent, CONTEXT: named(cleaned)}
        config = Config.model_validate(cleaned, context=context)
    except ValidationError as error:
        faults += translated(error, cleaned)
    if config is not None:
        faults += templates.unfit(config)
        faults += texts.faults(config.systems, config.texts, config.digests)
    not_had = [*certificates(document, path.parent, now)]
    is_but_for_secrets = all(one in reading.not_had for one in faults)
    if config is None or faults or not_had:
        raise ConfigError(
            path,
            lines(document, [*faults, *not_had]),
            document=document,
            without_secrets=config if is_but_for_secrets else None,
        )
    warnings = [*reading.warnings, *names.warnings, *advice(config, is_shared=is_shared)]
    warnings += templates.unused(config)
    warnings += ending(config.http.tls_cert, cleaned.get("http", {}).get("tls_cert"), now)
    files = dict.fromkeys([path, *reading.sources.files, *_files(config), *bodies.files])
    files.pop(config.daemon.key_file, None)  # which the daemon makes
    return Loaded(config, lines(document, warnings), path, tuple(files))


def _files(value: object) -> Iterator[Path]:
    """What a table and those within it refer to."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, Settings):
        for name in type(value).model_fields:
            yield from _files(getattr(value, name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _files(one)


def parsed(path: Path) -> tuple[dict[str, Any], bool]:
    """The document of a file of TOML, and whether its group or others can read it. Raises `ConfigError`."""
    try:
        with path.open("rb") as file:
            is_shared = bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
            # Editors of Windows begin a file with a mark that TOML does not know.
            return tomllib.loads(file.read().removeprefix(BOM_UTF8).decode()), is_shared
    except PermissionError as error:
        raise ForbiddenError(path, (f"cannot be read: {error.strerror}",)) from None
    except OSError as error:
        raise ConfigError(path, (f"cannot be read: {error.strerror}",)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(path, (f"is not UTF-8 text (byte {error.start + 1})",)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, (_not_toml(path, str(error)),)) from None
    except (ValueError, RecursionError):
        # The parser's own limits: a number of thousands of digits, thousands of nested brackets.
        raise ConfigError(path, ("is not TOML that can be read: too long a number, or too deep",)) from None


def _not_toml(path: Path, said: str) -> str:
    """What the parser says; but of a list and tables of one key, which it cannot name, what that means."""
    where = _AT_LINE.search(said)
    try:
        line = path.read_text(encoding="utf-8-sig").splitlines()[int(where[1]) - 1] if where else ""
    except (OSError, ValueError, IndexError):  # it was written anew meanwhile
        line = ""
    header = _QUIET_TABLE.match(line)
    if where is None or header is None:
        return f"is not TOML: {said}"
    return (
        f'line {where[1]}: {header[1]} stands beside "quiet = […]" of the same endpoint, and names and '
        "tables do not go together: write all as tables, or give the tables names as [[windows]]"
    )
