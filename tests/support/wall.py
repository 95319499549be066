"""A wall clock that a test can set under a process: libfaketime shifts it, and leaves the others alone."""

import platform
from pathlib import Path

import libfaketime

LIBRARY = Path(libfaketime.__file__).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
IS_THERE = LIBRARY.exists() and platform.machine() == "x86_64"
"""PyPI has it for nothing else."""


class Wall:
    """`environment` is for the process; `set` moves its clock by seconds, counted from the real one."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "faketime"
        self.set(0)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
        }

    def set(self, seconds: float) -> None:
        new = self._file.with_name("faketime.new")
        new.write_text(f"{seconds:+.3f}\n")
        new.replace(self._file)  # a half written one would be read
