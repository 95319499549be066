"""Names beside the numbers that verbs print for people: those of the configuration that was loaded, and of
the database that it names. They are looked up when they are printed, so that a verb costs the same whatever
there is.

A daemon elsewhere gives the same by `GET /api/v1/contacts`.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from daemon.config.settings import Config
from daemon.core.contacts import NOBODY, Contacts, shown

if TYPE_CHECKING:
    from daemon.cli.over_http import Elsewhere

AT_ONCE = 1_000
"""Names that a daemon elsewhere gives in one answer."""
FEW = 2_000
"""Names that are read at once, in some milliseconds; of more each is looked up by itself."""


class StoredNames(Mapping[str, str]):
    """The names of a database by key, which is opened when the first is asked for. While it cannot be read
    nobody has a name: what a verb prints is the number in any case."""

    def __init__(self, database: str) -> None:
        """`database`: its URL."""
        self._url = database
        self._known: dict[str, str | None] = {}
        self._all: Mapping[str, str] | None = None

    def __getitem__(self, key: str) -> str:
        if self._all is None and key not in self._known:
            self._look(key)
        name = self._known.get(key) if self._all is None else self._all.get(key)
        if name is None:
            raise KeyError(key)
        return name

    def __iter__(self) -> Iterator[str]:
        return iter(self._every())

    def __len__(self) -> int:
        return len(self._every())

    def __bool__(self) -> bool:
        return True  # whether there are any would have to be looked up

    def _look(self, key: str) -> None:
        from daemon.store import contacts  # noqa: PLC0415 - where nothing may have a name, it is not needed
        from daemon.store import database as databases  # noqa: PLC0415 - the same
        from daemon.store.location import FAILURES, DatabaseError  # noqa: PLC0415 - the same

        self._known[key] = None
        try:
            store = databases.connect(self._url)
            try:
                with store.read() as db:
                    if contacts.book(db).size <= FEW:
                        self._all = contacts.load(db)
                    else:
                        self._known |= {one.key: one.name for one in contacts.find(db, [key]).values()}
            finally:
                store.close()
        except (DatabaseError, *FAILURES):
            return

    def _every(self) -> Mapping[str, str]:
        """All of them, for who looks for a number by its name."""
        if self._all is None:
            from daemon.store import contacts  # noqa: PLC0415 - see `_look`
            from daemon.store import database as databases  # noqa: PLC0415 - the same

            store = databases.connect(self._url)
            try:
                with store.read() as db:
                    self._all = contacts.load(db)
            finally:
                store.close()
        return self._all


class NamesThere(Mapping[str, str]):
    """The names of a daemon elsewhere by key: all that it has, asked for when the first is wanted; where
    there are more than fit into one answer, each by itself. Where the token may not see them, or the daemon
    does not know what names are, nobody has one."""

    def __init__(self, elsewhere: "Elsewhere") -> None:
        self._elsewhere = elsewhere
        self._known: dict[str, str | None] = {}
        self._is_all: bool | None = None
        """Whether nobody else has a name; None: nobody has asked yet."""

    def __getitem__(self, key: str) -> str:
        if self._is_all is None:
            self._is_all = self._ask({"limit": str(AT_ONCE)})
        if not self._is_all and key not in self._known:
            self._known[key] = None
            self._ask({"number": key})
        name = self._known.get(key)
        if name is None:
            raise KeyError(key)
        return name

    def __iter__(self) -> Iterator[str]:
        return iter([key for key, name in self._known.items() if name is not None])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return True  # as of those that are stored

    def _ask(self, query: Mapping[str, str]) -> bool:
        """Whether these are all."""
        from pydantic import ValidationError  # noqa: PLC0415 - where somebody is asked over HTTP

        from daemon.cli.output import Fatal  # noqa: PLC0415 - the same
        from daemon.cli.over_http import Question  # noqa: PLC0415 - the same
        from daemon.schemas.contacts import ContactPage  # noqa: PLC0415 - the same

        try:
            answer = self._elsewhere.ask(Question("GET", "contacts", query))
            page = ContactPage.model_validate(answer, extra="allow")
        except (Fatal, ValidationError):
            self._is_all = True  # a name is worth no failure: the number stands there in any case
            return True
        for one in page.contacts:
            self._known[one.key] = shown(one.shown_as.name if one.shown_as else one.name)
        return not page.has_more


class _Book:
    """Of the process: a verb loads one configuration."""

    def __init__(self) -> None:
        self.contacts = NOBODY


_book = _Book()


def take(config: Config) -> None:
    """From now on, by this configuration."""
    named = config.contacts
    _book.contacts = Contacts(named.table, named.file, StoredNames(config.daemon.database))


def take_stored(database: str) -> None:
    """From now on, by the store of this URL alone: the configuration cannot be used."""
    _book.contacts = Contacts(StoredNames(database))


def take_from(elsewhere: "Elsewhere") -> None:
    """From now on, as a daemon elsewhere calls them."""
    _book.contacts = Contacts(NamesThere(elsewhere))


def forget() -> None:
    """Nobody is called anything from now on."""
    _book.contacts = NOBODY


def contacts() -> Contacts:
    """Who is called how; nobody is before `take`."""
    return _book.contacts


def beside(text: str, subject: str | None = None) -> str:
    """A number or a subject, with its name before it where it has one; `subject`: what is meant, where the
    text says more."""
    name = _book.contacts.name_of(text if subject is None else subject)
    return text if name is None else f"{name} ({text})"
