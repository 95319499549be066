"""`yemotd rehearse`: a new configuration, tried on what was kept of the past."""

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli import opening
from daemon.cli.names import beside
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, clock_time, counted, moment_gone, print_json, say
from daemon.cli.place import Place, opened
from daemon.config.load import ConfigError
from daemon.core.durations import MINUTE
from daemon.core.rehearsal.lives import Outcome, Why
from daemon.core.timestamps import from_iso
from daemon.schemas.rehearsals import Rehearsal, RehearsedAlert, RehearsedPair, Stretch
from daemon.store import database as databases

LISTED = 100
"""Alerts of one outcome, for people."""
TOLD_GAPS = 20
"""Times in which nothing was seen, for people."""
WORTH_SAYING = 5 * MINUTE
"""Of such a time, for people."""
TITLES = {
    Outcome.NEW: "new: it did not ring, and would have",
    Outcome.GONE: "gone: it rang, and would not have",
    Outcome.OTHER: "otherwise: at another time, or to others",
    Outcome.SAME: "the same",
}
WHY = {
    Why.NOT_WATCHED: "it is not watched any more",
    Why.IGNORED: "it is ignored",
    Why.OUTSIDE_HOURS: "it was outside the hours in which it counts",
    Why.TOO_SHORT: "it was bad, but not for as long as `for` says",
    Why.NOT_SEEN: "nothing was kept of that time",
    Why.NOT_BAD: "by these limits all was well",
}
NEW_CONFIG = Annotated[
    Path, typer.Argument(help="The new configuration.", metavar="NEW.toml", show_default=False)
]


def rehearse(
    new: NEW_CONFIG,
    config: ConfigOption = None,
    *,
    since: Annotated[str, typer.Option(help="Try it on the time from then on: 30d, or a date.")] = "30d",
    until: Annotated[str | None, typer.Option(help="The end of that time. Default: now.")] = None,
    suggest: Annotated[
        bool,
        typer.Option("--suggest", help="Propose thresholds and `for`, by how often each would have rung."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show which alerts a new configuration would have told, beside those that were told; nothing is sent.

    It goes by what the daemon has kept of what it saw (`[daemon] keep_observations`). Exit code 69 where
    nothing was kept of that time, 74 where some of it cannot be read.
    """
    opening.refuse_elsewhere()
    with opened(new) as place:
        wanted = place.whole()
        url = _url(config, place)
        from daemon.app.rehearsing import Rehearsing  # noqa: PLC0415 - it brings the daemon

        database = databases.connect(url)
        try:
            with database.read() as db:
                now = opening.look(db).wall
            begin = moment_gone("--since", since, now)
            end = now if until is None else min(moment_gone("--until", until, now), now)
            if begin >= end:
                raise Fatal("--since is not before --until", os.EX_USAGE)
            document = Rehearsing(str(new), wanted, database, begin, end).document(suggest=suggest)
        finally:
            database.close()
    if as_json:
        print_json(document.model_dump())
    else:
        say(*_lines(document))
    if not any(one.looks for one in document.watches):
        raise typer.Exit(os.EX_UNAVAILABLE)
    if not document.is_whole:
        raise typer.Exit(os.EX_IOERR)


def _url(config: Path | None, new: Place) -> str:
    """Where the past is: in the database of the configuration in force; where there is none, of the new."""
    running = opening.read(config)
    if not isinstance(running, ConfigError):
        return running.config.daemon.database
    if config is not None:
        raise opening.unusable(running)
    return new.url


def _lines(document: Rehearsal) -> Iterator[str]:
    yield f"tried     {document.configuration}, {_from_to(document.since, document.until)}"
    yield from _seen(document)
    would = sum(one.would is not None for one in document.alerts)
    was = sum(one.was is not None for one in document.alerts)
    yield f"alerts    {would} would have fired, {was} did"
    for outcome in (Outcome.NEW, Outcome.GONE, Outcome.OTHER, Outcome.SAME):
        pairs = [one for one in document.alerts if one.outcome == outcome.value]
        if pairs:
            yield f"  {TITLES[outcome]}: {len(pairs)}"
            if outcome is not Outcome.SAME:
                yield from _pairs(pairs)
    yield from _told(document)
    for line in document.left_out:
        yield f"left out  {line}"
    for line in document.broken:
        yield f"broken    {line}"
    yield from _suggested(document)


def _seen(document: Rehearsal) -> Iterator[str]:
    for one in document.watches:
        failed = f", {one.failed:,} of them without an answer" if one.failed else ""
        lost = f", {one.unreadable:,} not readable" if one.unreadable else ""
        yield f"seen      {one.system}/{one.watch}: {one.looks:,} looks{failed}{lost}"
        own = [each for each in one.gaps if _long(each) - _within(each, document.unseen) >= WORTH_SAYING]
        short = len(one.gaps) - len(own) - len(document.unseen) + one.more_gaps
        yield from _gaps(f"{one.system}/{one.watch}", own, max(short, 0))
    yield from _gaps("anything", document.unseen)


def _gaps(what: str, gaps: Sequence[Stretch], more: int = 0) -> Iterator[str]:
    long = [one for one in gaps if _long(one) >= WORTH_SAYING]
    for one in long[:TOLD_GAPS]:
        yield f"unseen    nothing was seen of {what} {_from_to(one.since, one.until)}"
    rest = len(gaps) - min(len(long), TOLD_GAPS) + more
    if rest:
        yield f"unseen    of {what}, {counted(rest, 'more gap')}; --json lists them"


def _within(one: Stretch, others: Sequence[Stretch]) -> timedelta:
    """How much of a time lies in others."""
    found = timedelta(0)
    for other in others:
        since, until = max(one.since, other.since), min(one.until, other.until)
        found += _long(Stretch(since=since, until=until)) if since < until else timedelta(0)
    return found


def _pairs(pairs: Sequence[RehearsedPair]) -> Iterator[str]:
    for one in pairs[:LISTED]:
        metric = f" {one.metric}" if one.metric else ""
        yield f"    {one.type}{metric}  {beside(one.subject)} on {one.system}"
        if one.was is not None:
            yield f"      was    {_alert(one.was)}"
        if one.would is not None:
            yield f"      would  {_alert(one.would)}"
        elif one.why is not None:
            yield f"      would  not: {WHY[Why(one.why)]}"
    if len(pairs) > LISTED:
        yield f"    and {len(pairs) - LISTED} more; --json lists them"


def _alert(one: RehearsedAlert) -> str:
    told: dict[str, str] = {}
    for each in one.told:
        told.setdefault(each.endpoint, clock_time(from_iso(each.at)))
    said = [f"{endpoint} {at}" for endpoint, at in told.items()]
    held = [f"not {endpoint} ({by})" for endpoint, by in one.held.items()]
    return f"{_from_to(one.fired_at, one.ended_at)}  told {', '.join([*said, *held]) or 'nobody'}"


def _told(document: Rehearsal) -> Iterator[str]:
    """How much each endpoint hears."""
    would, was = _heard(document, is_real=False), _heard(document, is_real=True)
    for endpoint in sorted({*would, *was}):
        yield f"told      {endpoint}: {counted(would.get(endpoint, 0), 'alert')}, was {was.get(endpoint, 0)}"
    for one in document.facts:
        yield f"told      {one.endpoint}: {one.would:,} {one.type}, was {one.was:,}"


def _heard(document: Rehearsal, *, is_real: bool) -> dict[str, int]:
    found: dict[str, int] = {}
    for pair in document.alerts:
        alert = pair.was if is_real else pair.would
        for endpoint in {one.endpoint for one in alert.told} if alert else ():
            found[endpoint] = found.get(endpoint, 0) + 1
    return found


def _suggested(document: Rehearsal) -> Iterator[str]:
    if document.toml is None:
        return
    for one in document.suggestions:
        limit = "" if one.metric is None else f" {one.metric} {_limit(one.above, one.below)}"
        mark = "  <- proposed" if one.is_proposed else ""
        yield (
            f"suggest   {one.system}/{one.watch}{limit} for {one.for_seconds:g}s: {one.rings} times, "
            f"{one.rings_a_week:g} a week{mark}"
        )
    yield from document.toml.splitlines()


def _limit(above: float | None, below: float | None) -> str:
    return f"above {above:g}" if above is not None else f"below {below:g}"


def _from_to(since: str, until: str | None) -> str:
    end = clock_time(from_iso(until)) if until else "it lasts yet"
    return (
        f"from {clock_time(from_iso(since))} to {end}"
        if until
        else f"from {clock_time(from_iso(since))}, {end}"
    )


def _long(one: Stretch) -> timedelta:
    begin, end = from_iso(one.since), from_iso(one.until)
    assert begin is not None and end is not None  # noqa: S101 - they are ours
    return end - begin
