"""Files of rows: each row is told once, whatever becomes of the files, of the answers and of the daemon."""

import json
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from daemon.core.alerts.life import Seen
from daemon.core.durations import HOUR, NOTHING
from daemon.core.files import File
from daemon.core.model import Change
from daemon.core.watches import report_files
from daemon.core.watches.report_files import (
    AT_FIRST,
    AT_ONCE,
    EMPTY_AFTER,
    LARGE,
    LATER,
    SPENT,
    Observation,
    diff,
    due,
    is_untold,
    saw,
    subjects,
)
from daemon.core.watches.report_state import PIECE, State, dump, load
from daemon.core.watches.reports import Report, forbidden
from daemon.core.watches.subjects import SubjectState
from daemon.yemot.reports import digest
from tests.support.examples import examples

ZONE = ZoneInfo("Asia/Jerusalem")
NOW = datetime(2026, 5, 3, 7, 0, tzinfo=UTC)
WHEN = Seen(NOW, NOW, NOTHING)
ALL = Report("/1", "ApprovalAll", ("Phone", "P050"))
CURRENT = "ApprovalAll.ymgr"

Row = Mapping[str, str]


@dataclass
class Lines:
    """Rows as they were read."""

    rows: Sequence[Row]
    form: str = "json"
    is_open: bool = False
    problems: tuple[str, ...] = ()
    digests: "array[int]" = field(init=False)

    def __post_init__(self) -> None:
        self.digests = array("Q", map(digest, self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]


def row(number: int, **more: str) -> Row:
    return {"Phone": f"05{number:08}", "Date": "03/05/2026", "Time": "10:14:09", "P050": str(number), **more}


def file(name: str, rows: Sequence[Row], mtime: str = "03/05/2026 10:14") -> File:
    size = sum(len(json.dumps(one)) for one in rows)
    return File(name, f"u-{name}", None, size, mtime, None, None, None, None)


def looked(
    files: Mapping[str, Sequence[Row]], *, read: Sequence[str] | None = None, **more: Any
) -> Observation:
    """All of these files listed, oldest first, and read but where `read` says which."""
    order = sorted(files, key=lambda name: (name == CURRENT, name))
    listed = tuple(file(name, files[name]) for name in order)
    return Observation(
        listed, {name: Lines(files[name]) for name in order if read is None or name in read}, **more
    )


def change(
    before: State | None, seen: Observation, *, is_emitting: bool = False, when: Seen = WHEN
) -> Change[State]:
    return diff(before, seen, ALL, when, ZONE, is_emitting=is_emitting)


def told(found: Change[State]) -> list[str]:
    """The number of each row that is told."""
    return [str(fact.payload["row"]["P050"]) for fact in found.facts]  # type: ignore[index,call-overload]


@dataclass
class Store:
    """What the store has of a watch."""

    text: str = ""
    pieces: dict[str, bytes] = field(default_factory=dict)

    def save(self, found: Change[State]) -> None:
        self.text = json.dumps(dump(found.state))
        for name, content in found.pieces.items():
            if content is None:
                self.pieces.pop(name, None)
            else:
                self.pieces[name] = content

    def load(self) -> State:
        return load(json.loads(self.text), self.pieces)


def test_what_stands_at_the_first_look_is_the_baseline() -> None:
    first = change(None, looked({CURRENT: [row(1), row(2)]}))

    assert first.facts == ()
    assert told(change(first.state, looked({CURRENT: [row(1), row(2), row(3)]}))) == ["3"]


def test_what_was_there_is_told_where_that_is_asked_for() -> None:
    assert told(change(None, looked({CURRENT: [row(1), row(2)]}), is_emitting=True)) == ["1", "2"]


def test_an_event_says_what_the_configuration_lists_and_nothing_else() -> None:
    first = change(None, looked({CURRENT: []}))
    (fact,) = change(first.state, looked({CURRENT: [row(7, P051="secret")]})).facts

    assert (fact.type, fact.subject) == ("report.row.added", "report/1/ApprovalAll")
    assert fact.payload == {
        "report": {"path": "/1", "file": "ApprovalAll", "name": CURRENT},
        "row": {"Phone": "0500000007", "P050": "7"},
    }


def test_two_equal_rows_are_two_events() -> None:
    first = change(None, looked({CURRENT: [row(1)]}))
    second = change(first.state, looked({CURRENT: [row(1), row(1), row(1)]}))

    assert told(second) == ["1", "1"]
    assert told(change(second.state, looked({CURRENT: [row(1)] * 3}))) == []


def test_what_may_be_a_card_is_withheld_and_said_to_be() -> None:
    first = change(None, looked({CURRENT: []}))
    (fact,) = change(first.state, looked({CURRENT: [row(1, P050="4580 4580 4580 4580")]})).facts

    assert fact.payload["row"] == {"Phone": "0500000001"}
    assert fact.payload["report"]["withheld"] == ["P050"]  # type: ignore[index,call-overload]
    assert "4580" not in json.dumps(fact.payload)


def test_a_file_that_appears_is_new_in_all_its_rows() -> None:
    first = change(None, looked({CURRENT: [row(1)]}))

    seen = looked({CURRENT: [row(1)], "ApprovalAll.2026-18.ymgr": [row(2), row(3)]})

    assert told(change(first.state, seen)) == ["2", "3"]


def test_a_file_that_is_renamed_is_not_told_again() -> None:
    first = change(None, looked({CURRENT: [row(1), row(2)]}))
    second = change(
        first.state, looked({"ApprovalAll.2026-18.ymgr": [row(1), row(2), row(3)], CURRENT: [row(4)]})
    )

    assert told(second) == ["3", "4"]


def test_a_file_that_is_renamed_is_not_told_again_where_what_follows_it_is_not_read_yet() -> None:
    first = change(None, looked({CURRENT: [row(1), row(2)]}))
    moved = {"ApprovalAll.2026-18.ymgr": [row(1), row(2), row(3)], CURRENT: [row(4)]}
    second = change(first.state, looked(moved, read=["ApprovalAll.2026-18.ymgr"], left={CURRENT: LATER}))

    assert told(second) == ["3"]
    assert told(change(second.state, looked(moved))) == ["4"]


def test_a_file_that_is_emptied_and_put_back_is_not_told_again() -> None:
    whole = [row(1), row(2), row(2)]
    states = change(None, looked({CURRENT: whole})).state
    emptied = change(states, looked({CURRENT: [row(9)]}))
    back = change(emptied.state, looked({CURRENT: [*whole, row(3)]}))

    assert (told(emptied), told(back)) == (["9"], ["3"])


def test_a_file_that_vanishes_and_comes_back_old_is_neither_read_nor_told() -> None:
    whole = looked({CURRENT: [row(1)], "ApprovalAll.2026-18.ymgr": [row(2)]})
    first = change(None, whole)
    away = change(first.state, looked({CURRENT: [row(1)]}))

    assert due(away.state, whole.listed) == []
    assert told(change(away.state, looked({CURRENT: [row(1)], "ApprovalAll.2026-18.ymgr": [row(2)]}))) == []


def test_an_old_file_is_only_listed_at_first_and_none_of_its_rows_is_ever_a_guess() -> None:
    many = {f"ApprovalAll.2026-{week:02}.ymgr": [row(week)] for week in range(1, 21)}
    whole = looked(many)
    chosen = due(None, whole.listed)
    first = change(None, looked(many, read=[one.name for one in chosen]))
    old = "ApprovalAll.2026-01.ymgr"
    grown = looked({**many, old: [row(1), row(100)]})
    read = looked({**many, old: [row(1), row(100)]}, read=[old])

    assert [one.name for one in chosen] == sorted(many)[-AT_FIRST:]
    assert [one.name for one in due(first.state, grown.listed)] == [old]
    assert is_untold(first.state, next(one for one in grown.listed if one.name == old))
    then = change(first.state, read)
    assert told(then) == []
    again = looked({**many, old: [row(1), row(100), row(101)]}, read=[old])
    assert told(change(then.state, again)) == ["101"]


def test_the_file_of_yesterday_is_read_once_more() -> None:
    yesterday, today = "ApprovalAll.2026-05-02.ymgr", "ApprovalAll.2026-05-03.ymgr"
    first = change(None, looked({yesterday: [row(1)]}))
    seen = looked({yesterday: [row(1)], today: [row(2)]}, read=[today])
    second = change(first.state, seen)

    assert [one.name for one in due(second.state, seen.listed)] == [yesterday]
    assert second.is_moving
    third = change(second.state, looked({yesterday: [row(1)], today: [row(2)]}, read=[yesterday]))
    assert due(third.state, seen.listed) == []


def test_a_row_that_may_be_half_written_waits_until_it_stands_still() -> None:
    first = change(None, looked({CURRENT: [row(1)]}))
    half = looked({CURRENT: [row(1), row(2)]})
    half.read[CURRENT].is_open = True
    second = change(first.state, half)

    assert told(second) == []
    assert [one.name for one in due(second.state, half.listed)] == [CURRENT]
    still = change(second.state, half)
    assert told(still) == ["2"]
    assert told(change(still.state, looked({CURRENT: [row(1), row(2), row(3)]}))) == ["3"]
    assert told(change(second.state, looked({CURRENT: [row(1), row(22), row(3)]}))) == ["22", "3"]


def test_in_another_form_rows_that_are_spelled_otherwise_are_the_same_rows() -> None:
    first = change(None, looked({CURRENT: [row(number) for number in range(9)]}))
    seen = looked({CURRENT: [{**row(number), "Time": "10:14"} for number in range(11)]})
    seen.read[CURRENT].form = "text"

    assert told(change(first.state, seen)) == ["9", "10"]


def test_of_very_many_rows_some_are_told_at_each_poll_and_all_in_the_end() -> None:
    first = change(None, looked({CURRENT: []}))
    seen = looked({CURRENT: [row(number) for number in range(2 * AT_ONCE + 1)]})
    state, numbers = first.state, list[str]()
    for _ in range(3):
        found = change(state, seen)
        state, numbers = found.state, numbers + told(found)

    assert numbers == [str(number) for number in range(2 * AT_ONCE + 1)]
    assert due(state, seen.listed) == []


def test_a_folder_that_was_said_to_be_empty_and_is_not_tells_nothing_old() -> None:
    first = change(None, looked({}))
    old, new = row(1, Time="01:00:00"), row(2, Time="10:30:00")

    assert first.is_moving
    assert told(change(first.state, looked({CURRENT: [old, new]}))) == ["2"]


def test_a_folder_that_stays_empty_is_believed() -> None:
    state = change(None, looked({})).state
    for _ in range(EMPTY_AFTER - 1):
        state = change(state, looked({})).state

    assert told(change(state, looked({CURRENT: [row(1, Time="01:00:00")]}))) == ["1"]


@pytest.mark.parametrize(("why", "reason"), [(SPENT, "spent"), (LARGE, "too_large")])
def test_a_report_that_cannot_be_read_is_not_known_to_be_well(why: str, reason: str) -> None:
    first = change(None, looked({CURRENT: [row(1)]}))
    seen = looked({CURRENT: [row(1), row(2)]}, read=[], left={CURRENT: why})
    found = change(first.state, seen)
    (stands,) = subjects(seen, found, ALL)

    assert (stands.state, stands.why) == (SubjectState.UNKNOWN, {"reason": reason})
    assert bool(seen.problems) == (why == LARGE)
    assert [one.name for one in due(found.state, seen.listed)] == [CURRENT]


def test_a_report_that_is_read_a_little_later_is_up() -> None:
    first = change(None, looked({CURRENT: [row(1)]}))
    seen = looked({CURRENT: [row(1), row(2)]}, read=[], left={CURRENT: LATER})
    found = change(first.state, seen)
    (stands,) = subjects(seen, found, ALL)

    assert (stands.state, found.is_moving) == (SubjectState.UP, True)
    assert stands.metrics == {"files": 1, "newest": CURRENT, "rows": 1}


def test_a_poll_that_is_tried_shows_how_many_rows_and_nothing_of_them() -> None:
    seen = looked({CURRENT: [row(1)]})

    assert saw(seen) == {"files": [CURRENT], "rows": {CURRENT: 1}, "not_read": {}}


def test_problems_name_the_file() -> None:
    lines = Lines([row(1)], problems=("rows: 1 of 2 do not split into names and values",))
    listed = (file(CURRENT, [row(1)]),)
    seen = Observation(listed, {CURRENT: lines}, said=("files[].name: missing in 1 of 2",))

    assert seen.problems == (
        "files[].name: missing in 1 of 2",
        "ApprovalAll.ymgr: rows: 1 of 2 do not split into names and values",
    )


@pytest.mark.parametrize(
    ("name", "is_forbidden"),
    [
        ("LogCreditCard", True), ("logcreditcard", True), ("LOGCREDITCARD2026", True),
        ("Log_Credit-Card", True), (" LogCreditCard", True), ("/Log/LogCreditCard.2026-05.ymgr", True),
        ("ivr2:/5/logCreditcard.ymgr", True), ("\uff2cogCreditCard", True), ("LogCreditCard/", True),
        ("LogQueueAll", False), ("ApprovalAll", False), ("LogCredit", False), ("/Log", False),
    ],
)  # fmt: skip
def test_records_of_payments_are_known_by_their_name(name: str, is_forbidden: bool) -> None:
    assert forbidden(name) is is_forbidden


@given(st.integers(0, 3 * PIECE), st.integers(0, 50))
@settings(max_examples=examples(30))
def test_a_file_that_grows_writes_only_its_last_piece_anew(many: int, more: int) -> None:
    store, state = Store(), None
    for length in (many, many + more):
        lines = Lines([row(0)] * length)
        lines.digests = array("Q", range(length))
        seen = Observation((file(CURRENT, [row(length)]),), {CURRENT: lines})
        found = change(state, seen)
        store.save(found)

        assert store.load() == found.state
        assert set(store.pieces) == {f"{CURRENT}/{at}" for at in range(-(-length // PIECE))}
        assert len(found.pieces) <= 2 or state is None
        state = found.state


def test_of_what_is_not_stored_whole_nothing_is_believed() -> None:
    store = Store()
    store.save(change(None, looked({CURRENT: [row(1), row(2)]})))
    for spoiled in ({}, {f"{CURRENT}/0": b"x" * 16}, {f"{CURRENT}/0": b"x"}):
        state = load(json.loads(store.text), spoiled)
        assert state.files[CURRENT].rows is None


def test_what_was_read_in_the_last_day_is_stored() -> None:
    store = Store()
    store.save(change(None, looked({CURRENT: []}, spent=((HOUR, 1000),))))

    assert store.load().spent == ((NOW - HOUR, 1000),)


def test_more_rows_than_are_remembered_are_forgotten_from_the_oldest_file_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report_files, "MOST_KNOWN", 5)
    files = {f"ApprovalAll.2026-{week:02}.ymgr": [row(week)] * 2 for week in range(1, 5)}
    state = change(None, looked(files)).state

    assert [one.rows is not None for _, one in sorted(state.files.items())] == [False, False, True, True]


class Platform(RuleBasedStateMachine):
    """A folder in which anything may happen, a daemon that may die at any moment, and what was written.

    What is judged: a row that was written after the first look, and stood in a file when that was read, is
    told, once; nothing else is.
    """

    NAMES = (CURRENT, "ApprovalAll.2026-17.ymgr", "ApprovalAll.2026-18.ymgr", "ApprovalAll.2026-19.ymgr")

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, list[Row]] = {}
        self.trash: dict[str, list[Row]] = {}
        self.touched: Counter[str] = Counter()
        self.store = Store()
        self.state: State | None = None
        self.written = 0
        self.seen: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.baseline: Counter[str] = Counter()

    @initialize(many=st.integers(0, 3))
    def begin(self, many: int) -> None:
        for name in self.NAMES[: max(many, 1)]:
            self.files[name] = [self._row() for _ in range(many)]
        self.baseline = Counter(one["P050"] for rows in self.files.values() for one in rows)
        self._poll(frozenset())

    def _row(self) -> Row:
        self.written += 1
        return row(self.written)

    @rule(name=st.sampled_from(NAMES), many=st.integers(1, 3), again=st.booleans())
    def append(self, name: str, many: int, again: bool) -> None:
        one = self._row()
        if name not in self.files:  # made anew, which its date says; its size may be what another had here
            self.touched[name] += 1
        self.files.setdefault(name, []).extend(
            [one] * many if again else [one, *(self._row() for _ in range(many))]
        )

    @rule(to=st.sampled_from(NAMES[1:]))
    @precondition(lambda self: CURRENT in self.files)
    def rotate(self, to: str) -> None:
        if to not in self.files:
            self.files[to] = self.files.pop(CURRENT)
            self.touched[to] += 1

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        if name in self.files:
            self.trash[name] = self.files.pop(name)

    @rule(name=st.sampled_from(NAMES))
    def put_back(self, name: str) -> None:
        if name in self.trash and name not in self.files:
            self.files[name] = self.trash.pop(name)

    @rule(name=st.sampled_from(NAMES), left=st.integers(0, 2))
    def cut(self, name: str, left: int) -> None:
        if name in self.files:
            self.files[name] = self.files[name][:left]
            self.touched[name] += 1

    @rule(name=st.sampled_from(NAMES))
    def rewrite_in_another_order(self, name: str) -> None:
        if name in self.files:
            self.files[name] = self.files[name][::-1]
            self.touched[name] += 1

    @rule(left=st.frozensets(st.sampled_from(NAMES), max_size=2))
    def poll(self, left: frozenset[str]) -> None:
        """Some files may be left for later."""
        self._poll(left)

    @rule()
    def die_before_the_commit(self) -> None:
        """What was found is lost, and so is what was in memory."""
        self._change(frozenset())
        self.state = self.store.load()

    @rule()
    def restart(self) -> None:
        loaded = self.store.load()
        assert self.state is not None
        assert loaded == self.state
        self.state = loaded

    def _listed(self) -> tuple[File, ...]:
        order = sorted(self.files, key=lambda name: (name == CURRENT, name))
        return tuple(file(name, self.files[name], f"{self.touched[name]}") for name in order)

    def _change(self, left: frozenset[str]) -> tuple[Change[State], list[str]]:
        listed = self._listed()
        wanted = [one.name for one in due(self.state, listed)]
        read = [name for name in wanted if name not in left or self.state is None]
        seen = Observation(
            listed,
            {name: Lines(list(self.files[name])) for name in read},
            {name: LATER for name in wanted if name not in read},
        )
        return change(self.state, seen), read

    def _poll(self, left: frozenset[str]) -> None:
        found, read = self._change(left)
        self.store.save(found)
        self.state = found.state
        self.events.update(told(found))
        for name in read:
            stands = Counter(one["P050"] for one in self.files[name])
            self.seen |= stands

    @invariant()
    def each_row_is_told_once(self) -> None:
        assert self.events == self.seen - self.baseline


Platform.TestCase.settings = settings(max_examples=examples(200), stateful_step_count=25)
TestPlatform = Platform.TestCase


def test_time_takes_no_part_in_what_is_new() -> None:
    first = change(None, looked({CURRENT: [row(1)]}))
    for step in (timedelta(days=-400), timedelta(days=400)):
        when = Seen(NOW + step, NOW, NOTHING)
        assert told(change(first.state, looked({CURRENT: [row(1), row(2)]}), when=when)) == ["2"]
