"""What each figure has to reach, in one place. Pure.

A measurement names its figures and gives them no goal, or one that holds until it stands here.
"""

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from bench.figures import Figure, Goal

SLOW_RECEIVER_ALLOWS = 200 / 0.050
"""Deliveries a second: so many in flight, each for 50 ms."""


def _least(bound: float, unit: str) -> Goal:
    return Goal(bound, unit=unit)


def _most(bound: float, unit: str) -> Goal:
    return Goal(bound, is_floor=False, unit=unit)


GOALS: Mapping[str, Goal] = {
    "durable": _least(25_000, "/s"),
    "durable/huey": _least(15, "×"),
    "durable/alertmanager": _least(2.5, "×"),
    "few-lanes": _least(8_000, "/s"),
    "slow-receiver": _least(0.95 * SLOW_RECEIVER_ALLOWS, "/s"),
    "latency-p50": _most(2, "ms"),
    "latency-p99": _most(4, "ms"),
    "latency-backlog-p50": _most(2, "ms"),
    "latency-backlog-p99": _most(4, "ms"),
    "poll-unchanged": _most(0.2, "ms"),
    "poll-changed": _most(2, "ms"),
    "poll-changed-3000": _most(5, "ms"),
    "systems-cpu": _most(70, "%"),
    "systems-late": _most(100, "ms"),
    "rss-demo": _most(90, "MiB"),
    "systems-rss": _most(200, "MiB"),
    "systems-5000-rss": _most(600, "MiB"),
    "start": _most(1, "s"),
    "cold-version": _most(150, "ms"),
    "cold-status": _most(300, "ms"),
    "page /": _most(50, "ms"),
    "list *": _most(10, "ms"),
    "page-list *": _most(10, "ms"),
    "page-update": _most(300, "ms"),
    "page-first-load": _most(100, "KB"),
    "streams-rss": _most(30, "MiB"),
    "streams-last-p95": _most(100, "ms"),
    "streams-delay": _most(1, "ms"),
    "history-year": _most(2048, "MiB"),
    "history-flush": _most(600, "ms"),
    "history-held": _most(50, "ms"),
    "read *": _most(50, "ms"),
}
"""By the name of the figure; one that ends with ` *` holds for all that begin so."""
TITLES: Mapping[str, str] = {
    "list *": "GET …, the slowest list",
    "page-list *": "GET …, the slowest list beside the page",
    "read *": "history, the slowest reading",
}
"""What a goal that holds for several is called where only the worst of them is shown."""


def family(name: str) -> str | None:
    """The goal of `GOALS` that a figure of this name has."""
    if name in GOALS:
        return name
    return next((one for one in GOALS if one.endswith(" *") and fnmatchcase(name, one)), None)


def given(figure: Figure) -> Figure:
    """The figure with its goal."""
    found = family(figure.name)
    return figure if found is None else replace(figure, goal=GOALS[found])
