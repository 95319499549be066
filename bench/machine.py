"""The machine and the versions that figures were measured with."""

import os
import platform
import sqlite3
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pycurl

from bench.figures import Loop
from bench.processes import USABLE, pinned
from daemon.host import clock

LOOP = 1_000_000


def described() -> dict[str, str]:
    """What a reader needs to know of it."""
    return {
        "date": clock.utcnow().strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": str(len(USABLE)),
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "libcurl": pycurl.version_info()[1],
        "SQLAlchemy": version("sqlalchemy"),
    }


def loop(core: int) -> Loop:
    """How long a fixed loop takes: a machine that others use as well is slower, and shows it here."""
    with pinned(core):
        used, began = time.thread_time(), time.perf_counter()
        total = 0
        for number in range(LOOP):
            total += number
        return Loop((time.perf_counter() - began) * 1000, (time.thread_time() - used) * 1000)


def loops_told(measured: Sequence[Loop]) -> str:
    """How even the machine was, in one line."""
    walls = [one.wall for one in measured]
    return (
        f"a fixed loop of Python took {min(walls):.0f} to {max(walls):.0f} ms "
        f"({len(walls)} times between the runs)"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or os.uname().machine
