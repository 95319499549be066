"""What a format of bodies says of itself: what it sends, and what an answer to that means. Pure.

A new one is one file beside this, which gives a `Wire`, and one row in `rendering/formats.py`. The row makes
it a word of `format = "…"` in the configuration, of `/openapi.json`, and of every test that goes through all
formats (any event in any shape, text that is only text). What the file has to say:

    write          the body of an event, made anew for each attempt: the same event gives the same bytes
    is_signed      False: its receiver knows no signature, so no signing secret is asked for. One that is
                   given signs all the same, for a relay of one's own
    is_for_people  sentences, so `language`, the names of contacts and the zone are of matter to it
    judge          what a whole answer means, where its status does not say all. It is asked of every
                   answer, successes too, gets what the status means, and gives that back or better. It never
                   raises, whatever the other side says

Text of strangers is made the service's own kind of text by the format, within its limits: `wire/words.py`
has what they share. Where an event goes, and who may read it, is no matter of a format.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from typing import Any, NamedTuple

from daemon.core.contacts import Contacts
from daemon.core.delivery.outcome import Outcome

JSON_TYPE = "application/json"


class Rendered(NamedTuple):
    """A body with the headers that belong to its form. A tuple: one is made for each attempt."""

    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


class Reader(NamedTuple):
    """Who gets it, as far as a body goes by that."""

    language: str = "en"
    """Of sentences: en or he."""
    zone: tzinfo = UTC
    """Of the times that people read."""
    is_thin: bool = False
    """Whether it is told ids and how things stand, and no content."""
    base: str | None = None
    """What links to the page begin with; None: there are none."""
    fields: tuple[tuple[str, str], ...] = ()
    """What of the endpoint's own settings stands in the body: a chat, a topic."""

    def field(self, name: str) -> str:
        """One of them; "" where there is none."""
        return dict(self.fields).get(name, "")


class Answer(NamedTuple):
    """What a receiver said: all of it is a stranger's."""

    status: int
    lines: Sequence[bytes]
    """Of its head, as they came; those of interim answers before it come first."""
    body: bytes
    """As much of it as is read: it may break off anywhere."""

    def header(self, name: str) -> str | None:
        """The value of a header, by its name in small letters; None where there is none. The last counts."""
        for line in reversed(self.lines):
            key, colon, value = line.partition(b":")
            if colon and key.strip().lower() == name.encode():
                return value.strip().decode("utf-8", "replace")
        return None


class Verdict(NamedTuple):
    """What an answer means."""

    outcome: Outcome
    retry_after: timedelta | None = None
    """How long it asks to be left alone; `outcome.pause` bounds what it is granted."""
    why: str | None = None
    """What is wrong, for people, in the words of the service; None: its status says enough."""


Write = Callable[[Mapping[str, Any], Reader, Contacts], Rendered]
Judge = Callable[[Verdict, Answer], Verdict]


@dataclass(frozen=True)
class Wire:
    """One format."""

    write: Write
    is_signed: bool = True
    is_for_people: bool = False
    judge: Judge | None = None
    """None: the status says it all, and the body of an answer is not looked at."""
