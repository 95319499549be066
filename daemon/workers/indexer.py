"""Keeps the texts by which events are found, and the spellings of phones in their subjects: of what has
happened, a moment after its commit, and of what there was before, such as all of a database that was
upgraded, in its idle time.

Of several members it is the one with the duty "house" that does it, and each of its transactions asks whether
that is so still. On a file it writes for some milliseconds at a time, so that a poll hardly waits for it; and
where others want to write, what there was before waits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
import structlog

from daemon.core.model import Event
from daemon.core.ownership import HOUSE, Kind
from daemon.core.search import searched
from daemon.store import searchable, spellings
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import EVERYTHING, Ownership

log = structlog.get_logger()

AT_ONCE = 50
"""Events whose texts are written in one transaction, for which others wait."""
FOR = 0.25
"""Seconds of one run, at most, and a transaction more: the rest of the second is others'."""
BUSY = 0.02
"""Seconds of waiting to write, after which others are at it: what is not new is put off."""
TIDIED_EVERY = 60
"""Runs after which it is looked at what others have left, who delete events."""
FORGOTTEN = 20
"""Texts of events that are gone, in one transaction."""

Batch = Sequence[tuple[int, Event]]


@dataclass(frozen=True)
class Run:
    """What was done."""

    new: int = 0
    """Events that had happened since."""
    old: int = 0
    """Events that were there before."""


class Indexer:
    """For one thread. `monotonic`: seconds that only grow."""

    def __init__(
        self,
        database: Database,
        *,
        monotonic: Callable[[], float],
        is_stopping: Callable[[], bool] = lambda: False,
        ownership: Ownership = EVERYTHING,
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._is_stopping = is_stopping
        self._ownership = ownership
        self._waited = 0.0
        """Seconds until the last transaction could begin."""
        self._is_tidy = False
        self._are_spelled = False
        self._runs = 0
        self._is_behind = False

    def run(self) -> None:
        """Do some of it, if it is ours to do; for whoever calls again and again, once a second."""
        if not self._ownership.holds(Kind.DUTY, HOUSE):
            return
        try:
            self.run_once()
        except FAILURES as error:
            log.warning("index.failed", error=reason(error))

    def run_once(self) -> Run:
        """Do some of it. Raises the store's errors; then what was not committed is done the next time."""
        until, self._waited = self._monotonic() + FOR, 0.0
        new, _ = self._go_on(searchable.following, until, lambda: False)
        old, is_left = self._go_on(searchable.preceding, until, lambda: self._waited > BUSY)
        self._runs += 1
        if new or old or self._runs % TIDIED_EVERY == 0:
            self._is_tidy = self._are_spelled = False
        if not self._are_spelled:
            self._spell(until)
        if not self._is_tidy:
            self._tidy(until)
        if is_left != self._is_behind:
            self._is_behind = is_left
            log.info("index.behind" if is_left else "index.complete")
        return Run(new, old)

    def _go_on(
        self, next_ones: Callable[[sa.Connection, int], Batch], until: float, is_busy: Callable[[], bool]
    ) -> tuple[int, bool]:
        """One batch after the other, until there is none, or time is up; how many events that was, and
        whether more are left."""
        many = 0
        while not self._is_stopping():
            with self._database.read() as db:
                found = next_ones(db, AT_ONCE)
            if not found:
                return many, False
            if self._monotonic() >= until or is_busy():
                break
            # Before the transaction, which others wait for.
            texts = [_text(event.body) for _, event in found]
            self._written(partial(_add, found=found, texts=texts))
            many += len(found)
        return many, True

    def _spell(self, until: float) -> None:
        """Keep the spellings that are not kept yet."""
        while not self._is_stopping() and self._monotonic() < until and self._waited <= BUSY:
            with self._database.read() as db:
                is_behind = spellings.is_behind(db)
            if not is_behind:
                self._are_spelled = True
                return
            if not self._written(spellings.go_on):
                return

    def _tidy(self, until: float) -> None:
        """Merge what was written, and forget what is left of what is gone."""
        while not self._is_stopping() and self._monotonic() < until and self._waited <= BUSY:
            if not self._written(_tidied):
                self._is_tidy = True
                return

    def _written(self, write: Callable[[sa.Connection], int]) -> int:
        """Done in a transaction; nothing, where another member has this to do by now."""
        began = self._monotonic()
        with self._database.write_beside() as db:
            self._waited = self._monotonic() - began
            return write(db) if self._ownership.kept(db, Kind.DUTY, (HOUSE,)) else 0


def _text(body: bytes) -> str:
    """Of a body that nobody can read, nothing."""
    try:
        return searched(body)
    except (ValueError, RecursionError):
        return ""


def _add(db: sa.Connection, found: Batch, texts: Sequence[str]) -> int:
    """And spellings, of these or of others: so what happens costs one commit."""
    spellings.go_on(db)
    return searchable.add(db, found, texts)


def _tidied(db: sa.Connection) -> int:
    """Whether there may be more to do."""
    return (
        searchable.merge(db)
        or searchable.forget_left(db, FORGOTTEN) == FORGOTTEN
        or spellings.forget_left(db, FORGOTTEN) == FORGOTTEN
    )
