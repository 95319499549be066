"""Events that somebody looks for on the command line, and what is said of what was not found."""

from dataclasses import dataclass, replace
from pathlib import Path

from daemon.cli.names import contacts
from daemon.cli.output import complain, counted, moment_gone, refusals, say
from daemon.cli.place import opened
from daemon.cli.sources import There, asked
from daemon.host import clock
from daemon.operations import search
from daemon.operations.search import Answer, Wanted
from daemon.store.search import Patience

PATIENCE = 10.0
"""Seconds; somebody waits for it, and nobody else."""


@dataclass(frozen=True)
class Times:
    """`--since` and `--until`, as they were typed."""

    since: str | None = None
    until: str | None = None


def newest(verb: str, path: Path | None, wanted: Wanted, times: Times, limit: int) -> Answer:
    """The newest events that match, the newest first, of whom a verb asks; `path`: the configuration that is
    named. `Fatal` where what is asked for makes no sense."""
    with asked(verb, path) as daemon:
        if isinstance(daemon, There):
            from daemon.cli import events_there  # noqa: PLC0415 - it brings HTTP

            return events_there.found(daemon, wanted, times, limit)
    with opened(path) as place, refusals(), place.store.read() as db:
        now = place.look(db)
        since = moment_gone("--since", times.since, now) if times.since is not None else None
        until = moment_gone("--until", times.until, now) if times.until is not None else None
        return search.find(
            db,
            replace(wanted, since=since, until=until),
            Patience(clock.monotonic, PATIENCE),
            contacts=contacts(),
            limit=limit,
            is_newest_first=True,
            systems=place.known.systems,
        )


def say_what_is_not_there(found: Answer, nothing: str, *, as_json: bool) -> None:
    """Where there is nothing, or there may be more: in words. Beside JSON only the latter, on standard error:
    that there is nothing is seen there."""
    lines = [nothing, *map(str, found.strangers)] if not found.events and not as_json else []
    if found.is_cut:
        lines.append("It took too long: there may be more, further back. --until goes on from there.")
    unindexed = found.unindexed
    if unindexed is not None and unindexed.older:
        lines.append(
            f"The texts of at most {counted(unindexed.older, 'older event')} are not searchable yet; a "
            "daemon that runs sees to it."
        )
    if unindexed is not None and unindexed.newer:
        lines.append(f"Those of the newest {counted(unindexed.newer, 'event')} are not yet, either.")
    for line in lines:
        if as_json:
            complain(line)
        else:
            say(line)
