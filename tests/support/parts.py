"""What a test needs of its machine: `@pytest.mark.needs("openssl")`.

Where it is away, the test is skipped, and says so. Where `CI` is set, `.ci/run` has installed everything that
it can: what is away all the same fails there, lest a whole part is left out and all is green.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

PACKAGES: Mapping[str, str] = {
    "bash": "bash",
    "chromium": "chromium",
    "curl": "curl",
    "fish": "fish",
    "flock": "util-linux",
    "go": "golang-go",
    "make": "make",
    "openssl": "openssl",
    "node": "nodejs",
    "npm": "npm",
    "nsenter": "util-linux",
    "php": "php-cli",
    "pivot_root": "util-linux",
    "postfix": "postfix",
    "postgres": "postgresql",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "promtool": "prometheus",
    "python3": "python3",
    "setpriv": "util-linux",
    "sudo": "sudo",
    "systemd-analyze": "systemd",
    "unshare": "util-linux",
    "zsh": "zsh",
}
"""Debian's, by the program that is needed of it."""
OF_ROOT = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where programs are that an everyday PATH does not lead to."""


def look_everywhere() -> None:
    """From here on also where only root's PATH leads to, and where Debian has the newest PostgreSQL."""
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    more = [one for one in (*OF_ROOT, *of_postgresql()) if one not in places]
    os.environ["PATH"] = os.pathsep.join([*places, *more])


def of_postgresql() -> list[str]:
    """The folder of its server's programs, to which no PATH leads; none where it is not installed."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return [str(one.parent) for one in sorted(found, key=lambda one: int(one.parts[4]))[-1:]]


def check(item: pytest.Item) -> None:
    """Skip a test, or let it fail, that needs what is away."""
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if not shutil.which(program):
                away(f"{program} is not installed: apt-get install {PACKAGES[program]}")


def away(why: str) -> NoReturn:
    """Something that `.ci/run` can install is not there."""
    if os.environ.get("CI"):
        pytest.fail(f"{why}; CI is set, so nothing is left out", pytrace=False)
    pytest.skip(why)


def program(name: str) -> str:
    """Where a program is that is there."""
    path = shutil.which(name)
    assert path, name
    return path
