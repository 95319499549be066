"""What people read of a campaign, from its document alone."""

from collections.abc import Iterator
from typing import Any

from daemon.cli.output import clock_time
from daemon.core.numbers import shown
from daemon.core.timestamps import from_iso

Document = Any


def brief(one: Document) -> str:
    """In one line: `3 of 40 answered, 12 calls made, 4.5 units`."""
    said = [f"{_number(one['answered'])} of {_number(one['numbers'])} answered"]
    said.append(f"{_number(one['dialled'])} calls made")
    if one["failed"]:
        said.append(f"{one['failed']} not reached")
    said.append("price not known" if one["price"] is None else f"{shown(one['price'])} units")
    return ", ".join(said)


def lines(one: Document) -> Iterator[str]:
    """All of it."""
    if one["outcome"] is None:
        stands = (one["status"] or "how it stands is not known").lower()
    else:
        stands = "not known how it ended" if one["outcome"] == "unknown" else one["outcome"]
        stands += f" {clock_time(from_iso(one['ended_at']))}"
    yield f"campaign  {one['id'] or 'without an id'}: {stands}"
    if one["reason"]:
        yield f"  {one['reason']}"
    yield f"  {brief(one)}"
    yield f"  counts {shown(one['counted'])} units of the day's budget (estimated {shown(one['estimate'])})"
    seen = f"seen {clock_time(from_iso(one['seen_at']))}" if one["seen_at"] else "never seen"
    yield f"  started {clock_time(from_iso(one['started_at']))}, {seen}"


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)
