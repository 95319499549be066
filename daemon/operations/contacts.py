"""Names in the store: given, taken away, brought in from a file and listed; the rules that the command line,
HTTP and the page share. And subjects by the names of what they are about: `queue/sales` for `queue/5`.

What the configuration names counts before the store, for it is what an administrator has written down; a name
that is given here all the same is kept, and whoever gives it is told that it does not show.
"""

import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from daemon.core import phones
from daemon.core.contacts import (
    MOST,
    MOST_CANDIDATES,
    Added,
    Configured,
    Contacts,
    Listed,
    Source,
    TakenIn,
    folded,
    key,
    unfit,
    unfit_number,
)
from daemon.core.refusals import Refused, Why
from daemon.core.wording import quoted
from daemon.store import contacts as kept
from daemon.store import subjects
from daemon.store.contacts import Stored

AT_ONCE = 1_000
"""Contacts that are written in one transaction: others wait for it."""
KINDS = ("queue", "directory", "sip", "sms")
"""Of subjects that have a name."""
_EXTENSIONS = ("queue", "directory")
_IS_NUMBER = re.compile(r"[0-9/.=*?-]+")
"""It is the thing itself, or a glob of such."""


def add(
    db: sa.Connection, number: str, name: str, *, author: str, now: datetime, configured: Configured
) -> Added:
    """Call a number so, in the place of what it was called. Raises `Refused` for what can be no number or no
    name, and where there are as many as may be."""
    number, name = number.strip(), name.strip()
    for field, reason in (("number", unfit_number(number)), ("name", unfit(name))):
        if reason:
            said = f"the {field} {reason}"  # each as a whole has its words in both languages
            raise Refused(Why.WRONG, said, field)
    one = key(number)
    known = kept.find(db, [one]).get(one)
    if known is None and kept.book(db).size >= MOST:
        raise Refused(Why.CONFLICT, _full(), "number")
    given = Stored(one, number, name, author, now)
    if known is None or (known.number, known.name) != (number, name):
        kept.put(db, [given], new=0 if known else 1)
    else:
        given = known
    return Added(_of_store(given, configured), known.name if known else None)


def remove(db: sa.Connection, number: str, configured: Configured) -> Listed:
    """Forget how a number is called. Raises `Refused` where the store does not say so."""
    one = key(number)
    known = kept.find(db, [one]).get(one)
    if known is None:
        named = configured.named(one)
        where = f"; the {named[0].value} has one, and is where to take it out" if named else ""
        raise Refused(Why.MISSING, f"the store has no name for {quoted(number)}{where}")
    kept.remove(db, one)
    return _of_store(known, configured)


def judged(these: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Contacts that may be brought in, each number once. Raises `Refused` with the first that may not, and
    how many others."""
    names: dict[str, tuple[str, str]] = {}
    wrong: list[str] = []
    for number, name in ((number.strip(), name.strip()) for number, name in these):
        reason = unfit_number(number) or unfit(name)
        known = names.setdefault(key(number), (number, name))
        if reason or known[1] != name:
            said = reason or f"has the name {quoted(known[1])} as well"
            wrong.append(f"{quoted(number)}, {quoted(name)}: {said}")
    if wrong:
        more = f"; and {len(wrong) - 1} more are wrong" if len(wrong) > 1 else ""
        raise Refused(Why.WRONG, wrong[0] + more, "contacts")
    return list(names.values())


def take_in(
    db: sa.Connection,
    these: Sequence[tuple[str, str]],
    *,
    author: str,
    now: datetime,
    configured: Configured,
) -> TakenIn:
    """Call many numbers so; each is judged already, and stands there once. Raises `Refused` where there would
    be more than may be."""
    given = [Stored(key(number), number.strip(), name.strip(), author, now) for number, name in these]
    known = kept.find(db, [one.key for one in given])
    new = [one for one in given if one.key not in known]
    changed = [one for one in given if one.key in known and known[one.key].name != one.name]
    if kept.book(db).size + len(new) > MOST:
        raise Refused(Why.CONFLICT, _full(), "contacts")
    kept.put(db, [*new, *changed], new=len(new))
    hidden = sum(_of_store(one, configured).shown_as is not None for one in given)
    return TakenIn(len(new), len(changed), len(given) - len(new) - len(changed), hidden)


def parts(these: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    """So many that others may write between two of them. Who is ended after the first may begin anew: what
    is there is the same."""
    for first in range(0, len(these), AT_ONCE):
        yield these[first : first + AT_ONCE]


def room(db: sa.Connection, these: Sequence[tuple[str, str]]) -> None:
    """Raises `Refused` where not all of these have room, before the first is written."""
    known = kept.find(db, [key(number) for number, _ in these])
    if kept.book(db).size + len(these) - len(known) > MOST:
        raise Refused(Why.CONFLICT, _full(), "contacts")


def find(db: sa.Connection, numbers: Sequence[str], configured: Configured) -> list[Listed]:
    """The contacts of these numbers, wherever they come from."""
    wanted = list(dict.fromkeys(map(key, numbers)))
    stored = kept.find(db, wanted)
    found = []
    for one in wanted:
        found += [Listed(one, layer[one], source, one) for source, layer in configured.layers if one in layer]
        found += [_of_store(stored[one], configured)] if one in stored else []
    return [_hidden(one, configured) for one in found]


def listed(
    db: sa.Connection, configured: Configured, *, after: str | None, limit: int, name: str | None = None
) -> tuple[list[Listed], str | None]:
    """A page of all contacts: those of `[contacts]`, of the file, and of the store, each in the order of
    their keys; and what to go on from, None where there are no more. With `name` those alone that have it.

    Raises `Refused` for an `after` that no page gave.
    """
    source, last = _place(after)
    found: list[Listed] = []
    for one in tuple(Source)[tuple(Source).index(source) :]:
        found += _page(db, configured, one, last if one is source else "", limit + 1 - len(found), name)
        if len(found) > limit:
            break
    following = found[limit - 1] if len(found) > limit else None
    return found[:limit], None if following is None else f"{following.source.value}:{following.key}"


def _page(
    db: sa.Connection, configured: Configured, source: Source, after: str, limit: int, name: str | None
) -> list[Listed]:
    if source is Source.STORE:
        stored = kept.read(db, after=after, limit=limit, name=name)
        return [_of_store(one, configured) for one in stored]
    layer = dict(configured.layers)[source]
    wanted = folded(name) if name is not None else None
    behind = (one for one in layer if one > after and (wanted is None or folded(layer[one]) == wanted))
    return [
        _hidden(Listed(one, layer[one], source, one), configured) for one in heapq.nsmallest(limit, behind)
    ]


def _place(after: str | None) -> tuple[Source, str]:
    if after is None:
        return Source.CONFIGURATION, ""
    word, _, last = after.partition(":")
    if word not in {one.value for one in Source} or not last:
        raise Refused(Why.WRONG, "`after` is none that a page gave", "after")
    return Source(word), last


def _of_store(one: Stored, configured: Configured) -> Listed:
    contact = Listed(one.number, one.name, Source.STORE, one.key, one.author, one.changed_at)
    return _hidden(contact, configured)


def _hidden(one: Listed, configured: Configured) -> Listed:
    """With the name that shows in its place, where one counts more and is another."""
    counts = configured.named(one.key)
    if counts is None or counts[0] is one.source or counts[1] == one.name:
        return one
    return replace(one, shown_as=counts)


def _full() -> str:
    return f"the store holds {MOST:,} contacts at most; take some out, or give contacts_file"


@dataclass(frozen=True)
class Candidate:
    """One thing that has the name that was asked for."""

    subject: str
    system: str | None = None
    """None: of whichever."""


def named(db: sa.Connection, subject: str, contacts: Contacts, system: str | None = None) -> str:
    """The subject that is meant: itself, or `queue/5` by `queue/sales`, as the configuration calls the queue
    or a contact does. A name that nobody has stays as it is: perhaps it will be seen yet.

    Raises `Refused` with the candidates, where several have it.
    """
    kind, slash, name = subject.partition("/")
    if not slash or not name or kind not in KINDS or _IS_NUMBER.fullmatch(name):
        return subject
    if kind not in _EXTENSIONS and phones.phone(name) is not None:
        return subject
    views = [one for one in subjects.views(db, system) if one.seen.subject.startswith(f"{kind}/")]
    if any(one.seen.subject == subject for one in views):
        return subject
    wanted = folded(name)
    found = [
        Candidate(one.seen.subject, one.system) for one in views if folded(one.seen.name or "") == wanted
    ]
    found += [
        Candidate(_subject(kind, number)) for number in contacts.numbers_of(name) if _fits(kind, number)
    ]
    meant = _known(found, [one.seen.subject for one in views])
    if len(meant) > 1:
        raise Refused(Why.CONFLICT, _ambiguous(subject, found), "subject")
    return next(iter(meant), subject)


def queue_named(db: sa.Connection, system: str, path: str, contacts: Contacts) -> str:
    """The path of a queue of a system, given as a path, as `queue/sales`, or by the name alone.

    Raises `Refused` where several have that name.
    """
    name = path.removeprefix("queue/")
    if _IS_NUMBER.fullmatch(path) or "/" in name:
        return path
    subject = f"queue/{name}"
    meant = named(db, subject, contacts, system)
    is_watched = meant != subject or any(one.seen.subject == meant for one in subjects.views(db, system))
    return "/" + meant.removeprefix("queue/") if is_watched else path


def _known(found: Iterable[Candidate], watched: Sequence[str]) -> list[str]:
    """Each that is meant once; spelled as it is watched, where it is."""
    spelled = {phones.subject_key(one): one for one in watched}
    return list(dict.fromkeys(spelled.get(phones.subject_key(one.subject), one.subject) for one in found))


def _subject(kind: str, number: str) -> str:
    return f"{kind}/{number.removeprefix('/')}"


def _fits(kind: str, number: str) -> bool:
    """Whether a number can be one of these: an extension is no phone, and a phone none."""
    is_phone = phones.phone(number) is not None
    return not is_phone if kind in _EXTENSIONS else not number.startswith("/")


def _ambiguous(subject: str, found: Iterable[Candidate]) -> str:
    each = dict.fromkeys(
        f"{one.subject} ({one.system})" if one.system is not None else one.subject for one in found
    )
    several = list(each)
    more = f" and {len(several) - MOST_CANDIDATES} more" if len(several) > MOST_CANDIDATES else ""
    return f"several are called {quoted(subject)}: {', '.join(several[:MOST_CANDIDATES])}{more}; say which"
