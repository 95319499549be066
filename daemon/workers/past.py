"""What was kept of what a watch saw, read batch by batch: what is broken or missing is a gap, and said."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from daemon.core.rehearsal import looks
from daemon.core.rehearsal.lives import Span
from daemon.core.rehearsal.looks import Failed, Looks
from daemon.core.watches.observed_time import most
from daemon.store import observations
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import Readable

log = structlog.get_logger()

AT_ONCE = 4
"""Batches that are read in one go: some 40 KB."""
MOST_GAPS = 2_000
"""Of one watch, that are told one by one; the others are counted."""
Owner = tuple[str, str]


@dataclass
class Seen:
    """What is known of a watch in a time."""

    watch: Owner
    counts_from: datetime
    looks: int = 0
    failed: int = 0
    """Of these: there was no answer."""
    every: timedelta | None = None
    """The longest interval at which it was polled."""
    first: datetime | None = None
    last: datetime | None = None
    gaps: list[Span] = field(default_factory=list)
    """Nothing was seen, or nothing was kept of it."""
    more_gaps: int = 0
    broken: list[str] = field(default_factory=list)
    """What could not be read of what was kept, and why."""

    def close(self, since: datetime, until: datetime) -> None:
        """No more comes: nothing was seen before the first look, nor after the last."""
        late = 2 * (self.every or timedelta(0))
        self.gaps = [(max(begin, since), end) for begin, end in self.gaps if end > since]
        if self.first is None or self.last is None:
            self.gaps = [(since, until)]
            return
        if self.first - since > late:
            self.gaps.insert(0, (since, self.first))
        if until - self.last > late:
            self.gap(self.last, until)

    def gap(self, since: datetime, until: datetime) -> None:
        """Nothing is known of a time."""
        if since >= until:
            return
        if len(self.gaps) >= MOST_GAPS:
            self.more_gaps += 1
        else:
            self.gaps.append((since, until))

    def take(self, found: Looks, every: timedelta) -> None:
        """What was read next."""
        first = found.at(1)
        if found.until >= self.counts_from:
            self.looks += found.many
            self.failed += found.many if isinstance(found.outcome, Failed) else 0
        self.every = max(every, self.every or every)
        self.first = self.first or first
        if self.last is not None and (found.gap is None or found.gap > most(every)):
            self.gap(self.last, first)
        self.last = max(found.until, self.last or found.until)


class Past:
    """Reads in short transactions, so that a daemon goes on meanwhile."""

    def __init__(self, database: Readable) -> None:
        self._database = database

    def watched(self) -> list[Owner]:
        """Of which watches anything was kept. Raises the store's errors."""
        with self._database.read() as db:
            return observations.watched(db)

    def looks(
        self, watch: Owner, since: datetime, until: datetime, seen: Seen
    ) -> Iterator[tuple[Looks, timedelta]]:
        """What it saw in a time, in order, with the interval at which it was polled then; `seen` hears of all
        that."""
        is_whole = True
        for text in self._texts(watch, since, until, seen):
            if text is None:
                is_whole = False
                continue
            try:
                every = looks.header(text).every
                for one in looks.read(text):
                    if one.until < since:
                        continue
                    if one.at(1) > until:
                        return
                    taken = one if is_whole else looks.after_a_gap(one)
                    is_whole = True
                    seen.take(taken, every)
                    yield taken, every
            except (ValueError, TypeError, LookupError, OverflowError) as error:
                is_whole = False
                _broken(seen, str(error))

    def _texts(self, watch: Owner, since: datetime, until: datetime, seen: Seen) -> Iterator[str | None]:
        start: datetime | None = since
        try:
            with self._database.read() as db:
                start = observations.first_start(db, watch, since)
            while start is not None and start <= until:
                with self._database.read() as db:
                    batches = observations.following(db, watch, start, AT_ONCE)
                for one in batches:
                    try:
                        yield observations.unpack(one.looks)
                    except ValueError as error:
                        _broken(seen, f"what was kept from {one.start:%Y-%m-%d %H:%M} UTC on: {error}")
                        yield None
                start = batches[-1].start + timedelta(milliseconds=1) if len(batches) == AT_ONCE else None
        except FAILURES as error:
            _broken(seen, reason(error))


def _broken(seen: Seen, why: str) -> None:
    if why not in seen.broken and len(seen.broken) < MOST_GAPS:
        seen.broken.append(why)
