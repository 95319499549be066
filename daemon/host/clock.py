"""The only file that reads the time, makes an id or rolls a die. Everybody else takes them as arguments."""

import os
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _CROCKFORD for low in _CROCKFORD)
_SHIFTS = range(120, -1, -10)


def utcnow() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only grow while the machine runs; for durations, never for dates."""
    return time.monotonic()


def elapsed() -> float:
    """Seconds since the machine was started, those included that it slept; unlike `monotonic` comparable
    between processes, as long as `boot` is the same."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot() -> str:
    """Which start of the machine this is; "" where the kernel does not say."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def look() -> tuple[datetime, timedelta, str]:
    """The wall clock, what has elapsed, and since which start of the machine: a `timeline.Look`."""
    return utcnow(), timedelta(seconds=elapsed()), boot()


def new_id(prefix: str) -> str:
    """A ULID behind a prefix that says what it names: `evt_01ARZ3NDEKTSV4RRFFQ69G5FAV`."""
    number = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10))
    digits = "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
    return f"{prefix}_{digits}"


def jitter() -> float:
    """A share in [0, 1), to spread what would otherwise happen at once."""
    return random.random()
