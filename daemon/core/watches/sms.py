"""The SMS log: what one answer shows, what is remembered of it, and which messages are new.

Pure. The log has no row ids, dates of one second, and a window bounded by `limit`, newest first. So
rows are compared as a multiset: two equal messages in one second are two messages.

The horizon is the second up to which the log was never, or is no longer, remembered row by row. A row
that is not known is new when it is younger than the horizon, or stands above a known row that is: on the
night when the clocks go back, new rows carry older dates.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from hashlib import blake2b
from itertools import islice
from operator import ge, itemgetter
from typing import Any, NamedTuple, TypeAlias

from daemon.core import shapes
from daemon.core.alerts.life import Seen
from daemon.core.model import Change, EventRow, EventTypes, Fact, Json
from daemon.core.phones import normalise
from daemon.core.shapes import always, maybe, moment, record, whole
from daemon.core.timestamps import locate, parse_local
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState, called

RECEIVED, GAP = "sms.received", "sms.gap"
MESSAGE = record(
    {
        "from": shapes.text("As the platform gave it: `0…`, `972…`, or a name."),
        "to": shapes.text("The number that it was sent to."),
        "text": shapes.text(),
        "received_at": maybe(
            moment("When the platform took it, with the offset of the daemon's zone; null: unreadable.")
        ),
        "server_date": shapes.text("The same as the platform spells it, in its local time; may be empty."),
    },
    optional={
        "received_at_is_ambiguous": always(
            True, "It came in the hour that the clocks show twice: it may be an hour earlier."
        ),
        "raw_text": shapes.text("As it came, where `text` had to be decoded."),
    },
)
"""One SMS, as events and results show it."""
EVENTS = EventTypes(
    (RECEIVED, GAP),
    rows={
        RECEIVED: EventRow(
            "For each SMS that the log newly shows, oldest first; of what was there before the first look, "
            'none, unless `initial = "emit"`.',
            {"sms": MESSAGE},
        ),
        GAP: EventRow(
            "An answer, and the widest that could be asked for, did not reach back to what was known: SMS in "
            "between may have been missed. Comes before those that were found.",
            {
                "gap": record(
                    {
                        "after": maybe(shapes.text("The newest SMS that was known, in local time.")),
                        "before": maybe(shapes.text("The oldest that the answer showed, likewise.")),
                        "rows_read": whole("How many the answer showed."),
                    }
                )
            },
        ),
    },
)

MAX_LIMIT = 3000
"""The most rows that one answer gives: the `limit` of GetIncomingSms. GetSmsIncomingLog documents none."""
WIDER = 4
"""Ours. By how much the window grows with each try to reach the known rows."""
MAX_KNOWN = 10_000
"""Ours. The most digests kept; far more than a window, so only a log that empties itself reaches it."""
EMPTY_AFTER = 3
"""Ours. Answers in a row without a row before the baseline is believed to be empty: nothing counts."""
MANY_AT_ONCE = 20
"""Ours. So many old rows after such an answer were there before it."""
OLD = timedelta(hours=2)
"""Ours. Before the baseline, by a clock that may be off, on the night when an hour repeats."""


class Row(NamedTuple):
    """One SMS as the log shows it. There is no id: equal rows are as many messages as there are rows."""

    sender: str
    """As the API gave it: `972…`, `0…`, or a name."""
    recipient: str
    text: str
    """Decoded."""
    raw_text: str
    """As it came, where decoding changed it; else equal to `text`."""
    server_date: str
    """Raw, as the API gave it; "" when it was missing."""


Entry: TypeAlias = str
"""What a row is compared by, spelled as the stored state spells it: `"<digest>":["<second>"`.

The digest is what makes a row equal to another, as 16 bytes of hex: both backends' spellings give the same.
The second is the local one, as text that sorts; "" where the date cannot be read. It is one text, so that
thousands take little room, and what is done with all of them is done in few steps.
"""

_second: Callable[[Entry], str] = itemgetter(slice(37, -1))
# Of an entry: behind the digest, its two quotes, a colon, a bracket and a quote.


@dataclass(frozen=True)
class Observation:
    """One answer of GetSmsIncomingLog or GetIncomingSms: newest first, as the API sends it."""

    rows: Sequence[Row]
    limit: int
    """How many rows were asked for: fewer rows than this mean that the log holds no more."""
    problems: tuple[str, ...] = ()
    """What was missing or unreadable, for `api.schema_changed`; empty when all was understood."""
    known: tuple[Entry, ...] | None = field(default=None, compare=False, repr=False)
    """Of each row, where it was worked out before; None: it has yet to be."""

    @property
    def is_full(self) -> bool:
        """Whether older rows may have been cut off."""
        return len(self.rows) >= self.limit

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Of each row."""
        return tuple(map(entry, self.rows)) if self.known is None else self.known

    @cached_property
    def shown(self) -> frozenset[Entry]:
        """Those of the rows, each once."""
        return frozenset(self.entries)

    @cached_property
    def oldest(self) -> str:
        """The earliest second; "" where no date can be read."""
        return min(filter(None, map(_second, self.entries)), default="")


class Window(NamedTuple):
    """What the last answer showed, where that is as ever: no two rows are equal, each has a second, and none
    is younger than one above it. Then one that shows some more above it, and as much of it as there is room
    for, is compared by its new rows alone."""

    entries: tuple[Entry, ...]
    gone: frozenset[Entry]
    """What is known, and was not shown."""


@dataclass(frozen=True)
class State:
    """What is remembered of the log. Texts and numbers are kept as digests only."""

    known: Mapping[Entry, int]
    """The rows that were seen: how many equal ones."""
    horizon: str = ""
    """Unknown rows of this second or older were there before, unless a younger known row is below them."""
    doubted: str = ""
    """While it is not sure that the log was empty at the baseline: the second up to which rows are old."""
    empties: int = 0
    """How many answers have said so yet."""
    window: Window | None = field(default=None, compare=False, repr=False)
    """Of the process, not of the store."""

    @cached_property
    def newest(self) -> str:
        """The latest second that is known; "" when none is."""
        return max(map(_second, self.known), default="")


def diff(
    before: State | None, seen: Observation, when: Seen, zone: tzinfo, *, is_emitting: bool
) -> Change[State]:
    """The messages that are new in this answer, oldest first.

    Without a `before` it is the baseline: nothing is new, unless `is_emitting` asks for what was there.
    An answer that does not reach the known rows gives `sms.gap` first.
    """
    if before is None or _was_there(before, seen):
        fresh = _emitted(before, seen, is_emitting=is_emitting)
        gaps: list[Fact] = []
        state = _baseline(before, seen, when, zone)
    else:
        above = _above(before, seen)
        more = _more(before.known, seen) if above is None else dict.fromkeys(above, 1)
        fresh = _fresh(before, seen.entries, more) if more else []
        gaps = [] if reaches(before, seen) else [_gap(before, seen)]
        kept = _remember(before, seen, more) if above is None else _slid(before, seen, above)
        state = _doubting(before, kept, seen)
    facts = [_fact(seen.rows[index], when, zone) for index in reversed(fresh)]
    return Change(state, (*gaps, *facts), is_moving=bool(state.doubted))


def subjects() -> list[Subject]:
    """The log: it was read."""
    return [Subject("sms", SubjectKind.SMS, SubjectState.UP)]


def reaches(state: State | None, seen: Observation) -> bool:
    """Whether the answer goes back to rows that are known, so that nothing between can be missing.

    A baseline (no state) has to go back to the end of its newest second, which may still be filling.
    """
    if not seen.rows:
        return True
    if state is None:
        return is_conclusive(seen)
    if not state.known:
        return not seen.is_full
    met = next((one for one in seen.entries if one in state.known), None)
    # A window that ends within the newest known second may hide rows equal to those that it shows.
    return met is not None and (
        not seen.is_full
        or "" != _second(seen.entries[-1]) < _second(met)  # which says the same, mostly, and sooner
        or not state.newest
        or seen.oldest < state.newest
    )


def saw(seen: Observation) -> dict[str, Json]:
    """The rows, and the newest of them without its text."""
    newest = seen.rows[0] if seen.rows else None
    said: dict[str, Json] = {"rows": len(seen.rows), "asked_for": seen.limit}
    if newest is not None:
        said["newest"] = {"from": newest.sender, "to": newest.recipient, "server_date": newest.server_date}
    return said


def is_conclusive(seen: Observation) -> bool:
    """Whether an equal answer, later, means that nothing arrived: not if it shows one second only."""
    seconds = map(_second, seen.entries)
    first = next(seconds, None)
    return not seen.is_full or any(one != first for one in seconds)


def wider(limit: int) -> int | None:
    """The next larger window to ask for; None when there is none."""
    return min(limit * WIDER, MAX_LIMIT) if limit < MAX_LIMIT else None


def entry(row: Row) -> Entry:
    """What a row is compared by."""
    naive = parse_local(row.server_date)
    at = naive.isoformat(" ") if naive else ""
    parts = (normalise(row.sender), normalise(row.recipient), row.text, at or row.server_date)
    identity = "\0".join(parts).encode("utf-8", "surrogatepass")
    return _entry(blake2b(identity, digest_size=16).hexdigest(), at)


def dump(state: State) -> dict[str, object]:
    """The state as JSON."""
    known = {one[1:33]: (_second(one), many) for one, many in state.known.items()}
    doubt = {"doubted": state.doubted, "empties": state.empties} if state.doubted else {}
    return {"horizon": state.horizon, "known": known, **doubt}


def text(state: State) -> str:
    """The same as minified JSON: of thousands of entries, put together of what they are."""
    known = ",1],".join(state.known) + ",1]" if state.known else ""
    if max(state.known.values(), default=1) > 1:
        known = ",".join([f"{one},{many}]" for one, many in state.known.items()])
    doubt = f',"doubted":"{state.doubted}","empties":{state.empties}' if state.doubted else ""
    return f'{{"horizon":"{state.horizon}","known":{{{known}}}{doubt}}}'


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    known = {_entry(digest, at): many for digest, (at, many) in stored["known"].items()}
    return State(known, stored["horizon"], stored.get("doubted", ""), stored.get("empties", 0))


def _entry(digest: str, second: str) -> Entry:
    return f'"{digest}":["{second}"'


def _was_there(before: State, seen: Observation) -> bool:
    """Whether an answer shows that the log was not empty at the baseline, though it was said to be."""
    return bool(before.doubted) and sum(_is_old(before, one) for one in seen.entries) >= MANY_AT_ONCE


def _is_old(before: State, one: Entry) -> bool:
    return "" != _second(one) <= before.doubted


def _emitted(before: State | None, seen: Observation, *, is_emitting: bool) -> list[int]:
    """Indexes of the rows of a baseline that are told."""
    after = [index for index, one in enumerate(seen.entries) if before and not _is_old(before, one)]
    return list(range(len(seen.entries))) if is_emitting else after


def _baseline(before: State | None, seen: Observation, when: Seen, zone: tzinfo) -> State:
    if before is None and not seen.rows:
        old = when.at.astimezone(zone).replace(tzinfo=None, microsecond=0) - OLD
        return State({}, doubted=old.isoformat(" "), empties=1)
    horizon = _second(seen.entries[-1]) if seen.entries and seen.is_full else ""
    return _remember(State({}, horizon), seen, _more({}, seen))


def _doubting(before: State, state: State, seen: Observation) -> State:
    """The state with what is left of the doubt whether the log was empty."""
    if not before.doubted or seen.rows or before.empties + 1 >= EMPTY_AFTER:
        return state
    return replace(state, doubted=before.doubted, empties=before.empties + 1)


def _more(known: Mapping[Entry, int], seen: Observation) -> dict[Entry, int]:
    """Of which entries an answer shows more than are known, and how many more."""
    if len(seen.shown) == len(seen.entries):
        unknown = seen.shown.difference(known)
        return dict.fromkeys(islice(filter(unknown.__contains__, seen.entries), len(unknown)), 1)
    shown = Counter(seen.entries)
    return {one: many - known.get(one, 0) for one, many in shown.items() if many > known.get(one, 0)}


def _above(before: State, seen: Observation) -> tuple[Entry, ...] | None:
    """The rows that an answer shows above those of the last one; None: it shows anything else, or may."""
    entries, window = seen.entries, before.window
    if window is None or not window.entries or window.entries[0] not in entries:
        return None
    above = entries[: entries.index(window.entries[0])]
    left = len(entries) - len(above)
    if entries[len(above) :] != window.entries[:left] or len(before.known) + len(above) > MAX_KNOWN:
        return None
    is_new = len(set(above)) == len(above) and not any(one in before.known for one in above)
    return above if is_new and _is_in_order((*above, window.entries[0])) else None


def _is_in_order(entries: Iterable[Entry]) -> bool:
    seconds = list(map(_second, entries))
    return "" not in seconds and all(map(ge, seconds, seconds[1:]))


def _window(known: Mapping[Entry, int], seen: Observation) -> Window | None:
    is_plain = len(seen.shown) == len(seen.entries) and _is_in_order(seen.entries)
    return Window(seen.entries, frozenset(known.keys() - seen.shown)) if is_plain else None


def _slid(before: State, seen: Observation, above: tuple[Entry, ...]) -> State:
    """As `_remember`, where these rows are new, and the last answer's follow."""
    assert before.window is not None  # noqa: S101 - by `_above`
    last, gone = before.window
    gone |= frozenset(last[len(seen.entries) - len(above) :])
    floor = _second(seen.entries[-1]) if seen.is_full else ""
    forgotten = frozenset([one for one in gone if "" != _second(one) < floor])
    known = {**before.known, **dict.fromkeys(above, 1)}
    for one in forgotten:
        del known[one]
    horizon = max(map(_second, forgotten), default="")
    window = Window(seen.entries, gone - forgotten)
    return State(known, max(before.horizon, horizon), window=window)


def _fresh(state: State, entries: Sequence[Entry], more: Mapping[Entry, int]) -> list[int]:
    """Indexes of the rows that are new. Known rows are matched from the oldest up, so that of equal ones the
    upper are those which are `more`."""
    left, many, unmatched = dict(more), sum(more.values()), list[int]()
    for index, one in enumerate(entries):
        if len(unmatched) == many:
            break  # soon, since what is new stands above
        if left.get(one, 0):
            left[one] -= 1
            unmatched.append(index)
    if all(_second(entries[index]) > state.horizon for index in unmatched):
        return unmatched
    is_unmatched = frozenset(unmatched)
    bottom = max(
        (index for index, one in enumerate(entries)
         if index not in is_unmatched and _second(one) > state.horizon),
        default=-1,
    )  # fmt: skip

    def is_new(index: int) -> bool:
        at = _second(entries[index])
        return not at or at > state.horizon or index < bottom

    return [index for index in unmatched if is_new(index)]


def _remember(before: State, seen: Observation, more: Mapping[Entry, int]) -> State:
    """The rows known from now on. Rows that vanish are kept, lest they come back as new ones; whole seconds
    that slid out below a full window are forgotten, and the horizon rises over them."""
    known = {**before.known, **{one: before.known.get(one, 0) + many for one, many in more.items()}}
    floor = seen.oldest if seen.is_full else ""
    forgotten = {one for one in known.keys() - seen.shown if "" != _second(one) < floor}
    if len(known) - len(forgotten) > MAX_KNOWN:
        by_age = sorted(known, key=_second, reverse=True)
        forgotten |= set(by_age[MAX_KNOWN:])
    horizon = max(map(_second, forgotten), default="")
    for one in forgotten:
        del known[one]
    return State(known, max(before.horizon, horizon), window=_window(known, seen))


def _gap(before: State, seen: Observation) -> Fact:
    """Messages between these two seconds may have passed unseen."""
    window: dict[str, Json] = {
        "after": before.newest or None,
        "before": seen.oldest or None,
        "rows_read": len(seen.rows),
    }
    return Fact(GAP, "sms", {"gap": window})


def _fact(row: Row, when: Seen, zone: tzinfo) -> Fact:
    message = told(row, zone, between=(when.last, when.at))
    return Fact(RECEIVED, called("sms", row.sender), {"sms": message})


def told(row: Row, zone: tzinfo, *, between: tuple[datetime | None, datetime]) -> dict[str, Json]:
    """A message as events and results show it, which came between two times (None: any time before)."""
    naive = parse_local(row.server_date)
    located = locate(naive, zone, between=between) if naive else None
    message: dict[str, Json] = {
        "from": row.sender,
        "to": row.recipient,
        "text": row.text,
        "received_at": located.at.isoformat() if located else None,
        "server_date": row.server_date,
    }
    if located and located.is_ambiguous:
        message["received_at_is_ambiguous"] = True
    if row.raw_text != row.text:
        message["raw_text"] = row.raw_text
    return message
