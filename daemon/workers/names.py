"""The names of the store, in memory: read anew where somebody has changed them.

Each daemon looks for itself, so a name that was given through another one, or by the command line, is known
here `EVERY` later at the most; while the store is away, those that were known stay.
"""

import threading
from datetime import timedelta

import structlog

from daemon.core.contacts import NOBODY, Contacts
from daemon.store import contacts
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import Readable

log = structlog.get_logger()

EVERY = timedelta(seconds=5)
"""How old names may be that the store has otherwise by now."""


class Names:
    """Safe to ask from any thread, which waits for no lock."""

    def __init__(self) -> None:
        """Nobody has a name until the first `look`."""
        self._book = contacts.Book()
        self._stored = NOBODY
        self._last: tuple[Contacts, Contacts, Contacts] = (NOBODY, NOBODY, NOBODY)
        self._looking = threading.Lock()

    def under(self, configured: Contacts) -> Contacts:
        """With the names of a configuration, which count where both name one number."""
        above, below, both = self._last
        stored = self._stored
        if above is not configured or below is not stored:
            both = configured.over(stored)
            self._last = (configured, stored, both)
        return both

    def look(self, database: Readable) -> None:
        """Take up what was changed since; where the store cannot be read, the next time."""
        with self._looking:
            try:
                with database.read() as db:
                    book = contacts.book(db)
                    if book == self._book:
                        return
                    names = contacts.load(db)
            except FAILURES as error:
                log.warning("names.not_read", error=reason(error))
                return
            self._stored, self._book = Contacts(names), book
        log.info("names.read", many=len(names))
