"""The words of the page, in English and Hebrew, side by side: one file for each noun, one row for each key.

A key is `noun.what`. Where a sentence is of so many, it has the keys `….one`, `….two` (Hebrew has a word for
two of a kind; where there is none it is `….many`) and `….many`.
"""

from collections.abc import Mapping

from markupsafe import Markup, escape

from daemon.core.visible import visible_line
from daemon.web.page.words import (
    acknowledge,
    campaigns,
    commands,
    contacts,
    deliveries,
    digests,
    endpoints,
    events,
    faults,
    frame,
    front,
    incidents,
    manifest,
    members,
    missed,
    now,
    problems,
    public,
    quiet,
    searching,
    sign_in,
    silences,
    sms,
    subjects,
)

Rows = Mapping[str, tuple[str, str]]
TABLES: tuple[Rows, ...] = (
    frame.WORDS,
    front.WORDS,
    manifest.WORDS,
    members.WORDS,
    now.WORDS,
    public.WORDS,
    sign_in.WORDS,
    acknowledge.WORDS,
    subjects.WORDS,
    commands.WORDS,
    campaigns.WORDS,
    faults.WORDS,
    problems.WORDS,
    silences.WORDS,
    deliveries.WORDS,
    endpoints.WORDS,
    events.WORDS,
    incidents.WORDS,
    quiet.WORDS,
    searching.WORDS,
    sms.WORDS,
    contacts.WORDS,
    missed.WORDS,
    digests.WORDS,
)
ALL: Rows = {key: row for table in TABLES for key, row in table.items()}
FIRST_STRONG, END = "\u2068", "\u2069"
COUNTS = {1: "one", 2: "two"}


class Plain(str):
    """A sentence of ours as plain text: what it sets apart stays so where it stands in another."""

    __slots__ = ()


class Words:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._index = 1 if language == "he" else 0

    def __call__(self, key: str, **values: object) -> Markup:
        """A sentence as HTML; each value in it stands apart (`<bdi>`), whoever wrote it."""
        # Not `Markup.format`, which is written in Python: a page has a thousand sentences. All that is put
        # in is HTML by then.
        return Markup(self._said(key).format(**{name: _apart(one) for name, one in values.items()}))  # noqa: S704 - ours

    def plain(self, key: str, **values: object) -> "Plain":
        """The same as plain text, for attributes and titles."""
        return Plain(self._said(key).format(**{name: _isolated(one) for name, one in values.items()}))

    def bare(self, key: str, **values: object) -> str:
        """The same where nobody else wrote a value, in one direction of reading: nothing sets it apart."""
        return self._said(key).format(**values)

    def many(self, key: str, n: int, **values: object) -> Markup:
        """A sentence of so many: `….one`, `….two` or `….many`, with the number as `n`."""
        word = COUNTS.get(n, "many")
        found = f"{key}.{word}" if f"{key}.{word}" in ALL else f"{key}.many"
        return self(found, n=n, **values)

    def __contains__(self, key: str) -> bool:
        return key in ALL

    def _said(self, key: str) -> str:
        return ALL[key][self._index]


def _isolated(value: object) -> str:
    """A number stays where it is, in whichever direction is written; and a sentence of ours stands whole in
    another."""
    if isinstance(value, int | float):
        return str(value)
    shown = value if isinstance(value, Plain) else visible_line(str(value))
    return f"{FIRST_STRONG}{shown}{END}"


def _apart(value: object) -> Markup:
    return value if isinstance(value, Markup) else apart(visible_line(str(value)))


def apart(value: str) -> Markup:
    """A text as HTML, set apart from what stands around it."""
    return Markup(f"<bdi>{escape(value)}</bdi>")  # noqa: S704 - of what is escaped
