"""`yemotd init`, of the files: where they go, what is in them, and that they are all there or none is."""

import os
import pwd
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from daemon.cli.output import Fatal
from daemon.config import load as config
from daemon.config import writing
from daemon.config.chosen import Chosen, token_name
from daemon.config.writing import Named
from daemon.host import new_files
from daemon.host.new_files import NewFile, NewFilesError, Replaced

PACKAGED = Path("/etc/yemotd/config.toml")
"""Where the package's service looks; its secrets are credentials."""
STATE = Path("/var/lib/yemotd")
USER = "yemotd"
CREDENTIALS = "credentials"
SECRETS = "secrets"
FILE = "config.toml"
KEPT = "config.toml.example"
"""Under which name the example stays that the package has put there."""


@dataclass(frozen=True)
class Places:
    """Where a configuration goes."""

    config: Path
    """Absolute."""
    replaced: Replaced | None = None
    """The package's example, unchanged, which stands there."""
    after: str = ""
    """Behind the name of each secret, where such files are there already."""

    @property
    def is_packaged(self) -> bool:
        """Whether it is the service's, so that systemd hands over the secrets."""
        return self.config == PACKAGED and (PACKAGED.parent / CREDENTIALS).is_dir()

    @property
    def folder(self) -> Path:
        """Of the secrets."""
        return self.config.parent / (CREDENTIALS if self.is_packaged else SECRETS)

    def secret(self, name: str) -> Path:
        """The file of a secret."""
        return self.folder / f"{name}{self.after}"


def default(named: Path | None, environ: Mapping[str, str]) -> Path:
    """Where it goes unless somebody says otherwise: as the other verbs look for it."""
    if named is not None:
        return named.absolute()
    if environ.get(config.VARIABLE):
        return Path(environ[config.VARIABLE]).absolute()
    is_service = os.geteuid() == 0 and (PACKAGED.parent / CREDENTIALS).is_dir()
    return PACKAGED if is_service else Path(FILE).absolute()


def places(path: Path) -> Places:
    """Where a file of this name goes. Raises ValueError where it cannot, since something is there."""
    try:
        return _places(path.expanduser().absolute())
    except PermissionError as error:  # of a folder that this user may not even look into
        raise ValueError(f"nothing can be written in {path.parent}{_way_out()}") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: of a home that nobody has
        raise ValueError(f"is no path that can be: {getattr(error, 'strerror', None) or error}") from None


def _places(absolute: Path) -> Places:
    if absolute.is_dir():
        raise ValueError(f"is a folder; give the name of a file in it, such as {absolute / FILE}")
    nearest = next(one for one in absolute.parents if one.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"nothing can be written in {nearest}{_way_out()}")
    if not os.path.lexists(absolute):
        return Places(absolute)
    example = _example(absolute)
    if example is None:
        said = "is there already, and nothing is overwritten; give another name"
        raise ValueError(f"{absolute} {said} (`yemotd discover --toml` shows what could be added to it)")
    return Places(absolute, Replaced(example, absolute.with_name(KEPT)))


def _way_out() -> str:
    return "; `sudo yemotd init` can, or give another name" if os.geteuid() else ""


def _example(path: Path) -> bytes | None:
    """What the package has put there, if nobody has touched it."""
    shipped = Path(sys.prefix, "share", FILE)
    try:
        content = path.read_bytes()
        return content if not path.is_symlink() and content == shipped.read_bytes() else None
    except OSError:
        return None


def complete(chosen: Chosen, where: Places) -> Chosen:
    """The same with where the database and the key are."""
    folder = STATE if where.is_packaged else where.config.parent
    database, key = folder / "yemotd.db", folder / "yemotd.key"
    url = URL.create("sqlite", database=str(database)).render_as_string(hide_password=False)
    if make_url(url).database != str(database) or make_url(url).query:
        return chosen  # a folder of such a name cannot stand in a URL: relative to where the daemon starts
    return replace(chosen, database=url, key_file=str(key))


def apart(chosen: Chosen, where: Places) -> Places:
    """The same with names for its secrets that no file has yet."""
    names = [*chosen.secrets(), token_name(chosen.system)]
    for number in count(1):
        found = replace(where, after="" if number == 1 else f"-{number}")
        if not any(os.path.lexists(found.secret(name)) for name in names):
            return found
    raise AssertionError("numbers do not end")


def recover(where: Places) -> None:
    """Take away what a run left that was killed in the middle of writing; `Fatal` (exit 73) if that fails."""
    try:
        new_files.recovered(where.config.parent)
    except NewFilesError as error:
        raise Fatal(str(error), os.EX_CANTCREAT) from None


def files(chosen: Chosen, where: Places) -> list[NewFile]:
    """The files, the configuration last."""
    group = _service() if where.is_packaged and os.geteuid() == 0 else None
    named = (
        Named("credential", "", where.after)
        if where.is_packaged
        else Named("file", f"{SECRETS}/", where.after)
    )
    text = writing.written(chosen, named)
    found = [NewFile(where.secret(name), f"{one.value}\n") for name, one in chosen.secrets().items()]
    return [*found, NewFile(where.config, text, group)]


def make(found: list[NewFile], where: Places) -> None:
    """Write them; `Fatal` (exit 73) where not one of them is there."""
    try:
        new_files.make(found, replaced=where.replaced)
    except NewFilesError as error:
        raise Fatal(f"{error}; nothing was written", os.EX_CANTCREAT) from None


def shown(found: list[NewFile], where: Places) -> list[str]:
    """What will be written, a line each."""
    lines = [f"  {one.path}" for one in found]
    if where.replaced is not None:
        lines.append(f"  {where.replaced.kept_as}, the package's example, which stood there unchanged")
    return lines


def missing_token(chosen: Chosen, where: Places) -> Path | None:
    """Where the system's token has yet to be put; None: it is there."""
    return None if chosen.system.token is not None else where.secret(token_name(chosen.system))


def _service() -> int | None:
    """The group of the service's user, who reads the configuration: as tmpfiles.d has it at a boot."""
    try:
        return pwd.getpwnam(USER).pw_gid
    except KeyError:
        return None
