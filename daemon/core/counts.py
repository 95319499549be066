"""What the process has counted since it started, as values. Pure: who counts is `workers/counters.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class Durations:
    """How long a number of things took."""

    within: Mapping[timedelta, int]
    """How many took so long at most, shortest first."""
    many: int
    total: timedelta


@dataclass(frozen=True)
class Counts:
    """Of one moment."""

    polls: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """By system, watch and outcome."""
    polls_took: Mapping[str, Durations] = field(default_factory=dict)
    """By system: from the question to the commit, where something was asked."""
    attempts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By endpoint and outcome."""
    attempts_took: Mapping[str, Durations] = field(default_factory=dict)
    """By endpoint."""
    commands: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """By system, type and status, those that ended."""
    recordings: Mapping[str, int] = field(default_factory=dict)
    """By system: copies that were written to the disk."""
    recording_bytes: Mapping[str, int] = field(default_factory=dict)
    """By system: those of these copies."""
    recordings_failed: Mapping[str, int] = field(default_factory=dict)
    """By system: tries to copy one that came to nothing."""
