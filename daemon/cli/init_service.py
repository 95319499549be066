"""The service of systemd, at the end of `yemotd init`: what would be done is shown, then done if wished."""

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from daemon.cli.init_files import Places
from daemon.cli.output import Fatal

BOOTED = Path("/run/systemd/system")
"""There where systemd runs the machine (sd_booted(3))."""
UNIT = "yemotd.service"
UNITS = tuple(
    Path(one, UNIT) for one in ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
)
ENABLE = ("systemctl", "enable", "--now", UNIT)
LONGEST = 120.0
"""Ours. Seconds until it says whether it runs."""


def can_enable(where: Places) -> bool:
    """Whether the service of this machine is the one that reads this configuration, and may be enabled."""
    has_unit = any(one.exists() for one in UNITS)
    return os.geteuid() == 0 and where.is_packaged and BOOTED.is_dir() and has_unit


def by_hand(where: Places) -> list[str]:
    """What somebody has to type to start it."""
    if where.is_packaged:
        return [f"  sudo {shlex.join(ENABLE)}"]
    return [f"  yemotd run --config {shlex.quote(str(where.config))}"]


def enable(words: Sequence[str] = ENABLE) -> str | None:
    """Do it; why not, None: it runs."""
    try:
        ended = subprocess.run(  # noqa: S603 - words of our own
            words, capture_output=True, text=True, timeout=LONGEST, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = (ended.stderr or ended.stdout).strip()
    return None if ended.returncode == 0 else said or f"exit code {ended.returncode}"


def must_enable(where: Places) -> None:
    """The same for a script; `Fatal` (exit 69) where it cannot be, with everything written."""
    failed = enable() if can_enable(where) else "here is no service of systemd that may be enabled"
    if failed is not None:
        raise Fatal(f"[service] enable: {failed}; the files are written", os.EX_UNAVAILABLE)
