"""What `check` knows of this machine's service: what its user cannot use, and who is mailed when it fails."""

import os
import pwd
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from daemon.config.load import ConfigError, Loaded
from daemon.config.secrets import FOLDER
from daemon.core.wording import quoted
from daemon.store.location import file_of

USER, UNIT = "yemotd", "yemotd.service"
CONFIGURATION = Path("/etc/yemotd/config.toml")
DEFAULTS = Path("/etc/default/yemotd")
UNITS = tuple(
    Path(folder, UNIT)
    for folder in ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
)
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - where nothing of ours is made
"""What the unit keeps from the service, whatever rights its user has: ProtectHome=, PrivateTmp=."""
GIVEN = CONFIGURATION.parent / "credentials"
OWN = Path("/run/credentials") / UNIT
"""What systemd gave the service when it started, out of `GIVEN`."""
DEFAULT = "root"
"""Whom `tell-failure` mails where nobody says whom."""
SENDMAIL = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where `tell-failure` looks for it."""
_NAMED = re.compile(r"^\s*FAILURE_MAIL=(.*)$", re.MULTILINE)


def is_for(path: Path) -> bool:
    """Whether a configuration is that of this machine's service."""
    return path.absolute() == CONFIGURATION and any(unit.exists() for unit in UNITS)


def faults(loaded: Loaded) -> list[str]:
    """What the service cannot use of what root can: files that its user may not read or write, or that lie
    where it sees nothing. Empty where this is not root's, or not the service's configuration."""
    if os.geteuid() != 0 or not is_for(loaded.path):
        return []
    from daemon.host import as_user  # noqa: PLC0415 - only for the service's own

    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        return []
    files = [one.absolute() for path in loaded.files for one in _within(path)]
    found = [
        f"{path}: the service sees nothing below {where}: put it into {CONFIGURATION.parent}"
        for path in files
        if (where := next((one for one in HIDDEN if path.resolve().is_relative_to(one)), None))
    ]
    refused = as_user.refused(user, files, _own(loaded))
    return found + [_said(path, why, is_own=path in _own(loaded)) for path, why in refused.items()]


def changed_credentials() -> list[str]:
    """Which credentials are others by now than those that the service runs with; of a reload it gets none.
    Empty where this is not root's, or the service does not run. `say-credentials` says so at a reload."""
    try:
        copies = sorted(one for one in OWN.iterdir() if one.name.startswith(FOLDER))
        return [said for one in copies if (said := _changed(one))]
    except OSError:
        return []


def _changed(copy: Path) -> str | None:
    name = copy.name.removeprefix(FOLDER)
    given = GIVEN / name
    if given.is_file() and given.read_bytes() == copy.read_bytes():
        return None
    since = "is another one" if given.is_file() else "was taken away"
    return (
        f"credential {quoted(name)} {since} since the service was started: what it was then stays in force"
        f" until `systemctl restart yemotd`"
    )


def failures(loaded: Loaded) -> str | None:
    """Who is mailed when the service fails, and by what; None: this is not its configuration."""
    if not is_for(loaded.path):
        return None
    from daemon.config import failure_mail  # noqa: PLC0415 - the same

    named = _named()
    if not named:
        return "nobody is mailed when the service fails: FAILURE_MAIL is empty"
    if shutil.which("sendmail", path=SENDMAIL):
        return f"mailed to {named} by this machine's sendmail"
    try:
        way = failure_mail.way(loaded.path, os.environ, named)
    except ConfigError:
        return f"nobody is mailed when the service fails: there is no sendmail, and no [smtp] ({DEFAULTS})"
    return f"mailed to {', '.join(way.to)} by [smtp] {way.smtp.host}, since there is no sendmail"


def _own(loaded: Loaded) -> list[Path]:
    """What the service writes, where it is known: a relative path is relative to where it starts."""
    daemon = loaded.config.daemon
    paths = [file_of(daemon.database), daemon.key_file]
    return [path for path in paths if path is not None and path.is_absolute()]


def _within(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir():
        yield from path.iterdir()


def _said(path: Path, why: str, *, is_own: bool) -> str:
    if is_own:
        return f"{path}: the service's user {USER} cannot write it ({why}): chown {USER}:{USER} {path}"
    way_out = f"chgrp {USER} {path} and chmod g+r {path}, and its folders have to let {USER} pass"
    return f"{path}: the service's user {USER} cannot read it ({why}): {way_out}"


def _named() -> str:
    """FAILURE_MAIL, as the unit reads it."""
    try:
        found = _NAMED.findall(DEFAULTS.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return DEFAULT
    return found[-1].strip().strip("\"'") if found else DEFAULT
