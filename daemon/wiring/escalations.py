"""Whom alerts go to that nobody acknowledges, out of the configuration."""

from collections.abc import Sequence
from itertools import count

from daemon.config.escalations import EscalationSettings
from daemon.core.routing.escalation import Escalation, Step


def ladders(rows: Sequence[EscalationSettings]) -> list[Escalation]:
    """The escalations that rows come to, each with its steps."""
    by_name: dict[str, list[EscalationSettings]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    return [
        Escalation(name, of_name[0].events or (), tuple(map(_step, of_name, count(1))))
        for name, of_name in by_name.items()
    ]


def _step(row: EscalationSettings, number: int) -> Step:
    return Step(row.name, number, row.after, row.to, row.break_through)
