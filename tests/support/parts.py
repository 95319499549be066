"""What a test needs of its machine: `@pytest.mark.needs("openssl")`.

Where it is away, the test is skipped, and says so. Where `CI` is set, `.ci/run` has installed everything that
it can: what is away all the same fails there, lest a whole part is left out and all is green.
"""

import os
import shutil
from collections.abc import Mapping
from typing import NoReturn

import pytest

PACKAGES: Mapping[str, str] = {
    "chromium": "chromium",
    "make": "make",
    "openssl": "openssl",
    "node": "nodejs",
    "npm": "npm",
    "nsenter": "util-linux",
    "pivot_root": "util-linux",
    "postfix": "postfix",
    "promtool": "prometheus",
    "setpriv": "util-linux",
    "systemd-analyze": "systemd",
    "unshare": "util-linux",
}
"""Debian's, by the program that is needed of it."""
OF_ROOT = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where programs are that an everyday PATH does not lead to."""


def look_everywhere() -> None:
    """From here on also where only root's PATH leads to."""
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([*places, *(one for one in OF_ROOT if one not in places)])


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
