"""The SMS log: what one answer shows, what is remembered of it, and which messages are new.

Pure. The log has no row ids, dates of one second, and a window bounded by `limit`, newest first. So
rows are compared as a multiset: two equal messages in one second are two messages.

The horizon is the second up to which the log was never, or is no longer, remembered row by row. A row
that is not known is new when it is younger than the horizon, or stands above a known row that is: on the
night when the clocks go back, new rows carry older dates.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from hashlib import blake2b
from typing import Any

from daemon.core.alerts import Seen
from daemon.core.model import Change, Fact, Json
from daemon.core.phones import normalise
from daemon.core.timestamps import locate, parse_local

MAX_LIMIT = 3000
"""The most rows that one answer gives (documented for GetIncomingSms)."""
WIDER = 4
"""By how much the window grows with each try to reach the known rows."""
MAX_KNOWN = 10_000
"""The most digests kept; far more than a window, so only a log that empties itself reaches it."""


@dataclass(frozen=True)
class Row:
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


@dataclass(frozen=True)
class Observation:
    """One answer of GetSmsIncomingLog or GetIncomingSms: newest first, as the API sends it."""

    rows: tuple[Row, ...]
    limit: int
    """How many rows were asked for: fewer rows than this mean that the log holds no more."""
    problems: tuple[str, ...] = ()
    """What was missing or unreadable, for `api.schema_changed`; empty when all was understood."""

    @property
    def is_full(self) -> bool:
        """Whether older rows may have been cut off."""
        return len(self.rows) >= self.limit


@dataclass(frozen=True)
class Known:
    """Rows that were seen: how many equal ones, and their second (sortable text; "" if unreadable)."""

    second: str
    count: int


@dataclass(frozen=True)
class State:
    """What is remembered of the log. Texts and numbers are kept as digests only."""

    known: Mapping[str, Known]
    """By digest of sender, recipient, text and second."""
    horizon: str = ""
    """Unknown rows of this second or older were there before, unless a younger known row is below them."""

    @property
    def newest(self) -> str:
        return max((known.second for known in self.known.values()), default="")


def diff(
    before: State | None, seen: Observation, when: Seen, zone: tzinfo, *, is_emitting: bool
) -> Change[State]:
    """The messages that are new in this answer, oldest first.

    Without a `before` it is the baseline: nothing is new, unless `is_emitting` asks for what was there.
    An answer that does not reach the known rows gives `sms.gap` first.
    """
    entries = [(digest(row), second(row)) for row in seen.rows]
    if before is None:
        horizon = entries[-1][1] if entries and seen.is_full else ""
        fresh = list(range(len(entries))) if is_emitting else []
        gaps: list[Fact] = []
        state = State(_tally(entries), horizon)
    else:
        fresh = _fresh(before, entries)
        gaps = [] if reaches(before, seen) else [_gap(before, entries)]
        state = _remember(before, entries, is_full=seen.is_full)
    facts = [_fact(seen.rows[index], when, zone) for index in reversed(fresh)]
    return Change(state, (*gaps, *facts))


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
    # A window that ends within the newest known second may hide rows equal to those that it shows.
    return any(digest(row) in state.known for row in seen.rows) and (
        not seen.is_full or not state.newest or _oldest(map(second, seen.rows)) < state.newest
    )


def is_conclusive(seen: Observation) -> bool:
    """Whether an equal answer, later, means that nothing arrived: not if it shows one second only."""
    return not seen.is_full or len(set(map(second, seen.rows))) > 1


def wider(limit: int) -> int | None:
    """The next larger window to ask for; None when there is none."""
    return min(limit * WIDER, MAX_LIMIT) if limit < MAX_LIMIT else None


def digest(row: Row) -> str:
    """What makes a row equal to another, as 16 bytes of hex: both backends' spellings give the same."""
    parts = (normalise(row.sender), normalise(row.recipient), row.text, second(row) or row.server_date)
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def second(row: Row) -> str:
    """The row's local second, as text that sorts; "" where the date cannot be read."""
    naive = parse_local(row.server_date)
    return naive.isoformat(" ") if naive else ""


def dump(state: State) -> dict[str, object]:
    """The state as JSON."""
    return {
        "horizon": state.horizon,
        "known": {key: [known.second, known.count] for key, known in state.known.items()},
    }


def load(stored: Mapping[str, Any]) -> State:
    """The state that `dump` wrote."""
    known = {key: Known(at, count) for key, (at, count) in stored["known"].items()}
    return State(known, stored["horizon"])


def _tally(entries: list[tuple[str, str]]) -> dict[str, Known]:
    counts = Counter(key for key, _ in entries)
    return {key: Known(at, counts[key]) for key, at in entries}


def _oldest(seconds: Iterable[str]) -> str:
    return min((at for at in seconds if at), default="")


def _fresh(state: State, entries: list[tuple[str, str]]) -> list[int]:
    """Indexes of the rows that are new. Known rows are matched from the oldest up."""
    left = {key: known.count for key, known in state.known.items()}
    unmatched, bottom = [], -1
    for index in range(len(entries) - 1, -1, -1):
        key, at = entries[index]
        if left.get(key, 0):
            left[key] -= 1
            if at > state.horizon:
                bottom = max(bottom, index)
        else:
            unmatched.append(index)

    def is_new(index: int) -> bool:
        at = entries[index][1]
        return not at or at > state.horizon or index < bottom

    return sorted(index for index in unmatched if is_new(index))


def _remember(before: State, entries: list[tuple[str, str]], *, is_full: bool) -> State:
    """The rows known from now on. Rows that vanish are kept, lest they come back as new ones; whole seconds
    that slid out below a full window are forgotten, and the horizon rises over them."""
    shown = _tally(entries)
    known = dict(before.known)
    for key, row in shown.items():
        known[key] = Known(row.second, max(row.count, known[key].count if key in known else 0))
    floor = _oldest(at for _, at in entries) if is_full else ""
    forgotten = {key for key, row in known.items() if key not in shown and row.second and row.second < floor}
    if len(known) - len(forgotten) > MAX_KNOWN:
        by_age = sorted(known, key=lambda key: known[key].second, reverse=True)
        forgotten |= set(by_age[MAX_KNOWN:])
    horizon = max((known[key].second for key in forgotten), default="")
    kept = {key: row for key, row in known.items() if key not in forgotten}
    return State(kept, max(before.horizon, horizon))


def _gap(before: State, entries: list[tuple[str, str]]) -> Fact:
    """Messages between these two seconds may have passed unseen."""
    window: dict[str, Json] = {
        "after": before.newest or None,
        "before": _oldest(at for _, at in entries) or None,
        "rows_read": len(entries),
    }
    return Fact("sms.gap", "sms", {"gap": window})


def _fact(row: Row, when: Seen, zone: tzinfo) -> Fact:
    naive = parse_local(row.server_date)
    located = locate(naive, zone, between=(when.last, when.at)) if naive else None
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
    return Fact("sms.received", f"sms/{row.sender}", {"sms": message})
