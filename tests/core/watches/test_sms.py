"""Which SMS are new: a model of the log, and the traps that the platform sets."""

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Fact
from daemon.core.watches import sms
from daemon.core.watches.sms import EMPTY_AFTER, MANY_AT_ONCE, Observation, Row, State
from tests.support.examples import examples

ZONE = ZoneInfo("Asia/Jerusalem")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
"""Before any row: what is dated hours before a log was said to be empty was there all the same."""


def row(text: str, second: int = 0, sender: str = "972541234567", minute: int = 0) -> Row:
    return Row(sender, "972501234567", text, text, f"2026-03-01 10:{minute:02}:{second:02}")


def when(at: datetime = NOW, last: datetime | None = None) -> Seen:
    return Seen(at, last, NOTHING)


def diff(
    before: State | None, *rows: Row, limit: int = 100, is_emitting: bool = False, seen: Seen | None = None
) -> tuple[State, tuple[Fact, ...]]:
    change = sms.diff(before, Observation(rows, limit), seen or when(), ZONE, is_emitting=is_emitting)
    restarted = sms.load(sms.dump(change.state))
    assert restarted == change.state
    return restarted, change.facts


def texts(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.payload["sms"]["text"] for fact in facts if fact.type == "sms.received"]  # type: ignore[index, misc, call-overload]


def test_the_baseline_is_silent() -> None:
    assert diff(None, row("old"))[1] == ()


def test_the_baseline_tells_what_was_there_where_that_is_asked_for() -> None:
    assert texts(diff(None, row("b", 2), row("a", 1), is_emitting=True)[1]) == ["a", "b"]


def test_new_messages_are_told_oldest_first() -> None:
    state, _ = diff(None, row("old"))

    assert texts(diff(state, row("b", 2), row("a", 1), row("old"))[1]) == ["a", "b"]


def test_the_first_message_of_an_empty_log_is_new() -> None:
    state, _ = diff(None)

    assert texts(diff(state, row("first"))[1]) == ["first"]


def log_of(many: int) -> list[Row]:
    """Messages of long ago, newest first."""
    return [row(f"old {number}", second=number % 60, minute=number // 60) for number in range(many)][::-1]


def test_a_log_that_fills_up_after_an_empty_baseline_was_there_before_and_what_is_young_is_new() -> None:
    young = Row("972541234567", "972501234567", "new", "new", "2026-03-01 13:59:58")
    state, _ = diff(None)
    state, facts = diff(state, young, *log_of(99), limit=100)
    _, later = diff(state, row("late", minute=50), young, *log_of(99)[:98], limit=100)

    assert (texts(facts), facts[0].type, texts(later)) == (["new"], "sms.received", ["late"])


def test_a_baseline_that_stays_empty_is_believed_and_so_is_one_that_fills_slowly() -> None:
    state = None
    for _ in range(EMPTY_AFTER):
        state, _ = diff(state)
    sure, _ = diff(None)
    slow, few = diff(sure, *log_of(MANY_AT_ONCE - 1))

    assert len(texts(diff(state, *log_of(99))[1])) == 99
    assert len(texts(few)) == MANY_AT_ONCE - 1
    assert len(texts(diff(slow, *log_of(99))[1])) == 99 - len(texts(few))


def test_an_empty_baseline_is_asked_again_though_it_looks_the_same() -> None:
    state, moving = None, []
    for _ in range(EMPTY_AFTER):
        change = sms.diff(state, Observation((), 100), when(), ZONE, is_emitting=False)
        state = change.state
        moving.append(change.is_moving)

    assert moving == [True, True, False]


def test_two_equal_messages_in_one_second_are_two_messages() -> None:
    state, _ = diff(None, row("old"))
    state, facts = diff(state, row("ping", 5), row("ping", 5), row("old"))
    state, more = diff(state, row("ping", 5), row("ping", 5), row("ping", 5), row("old"))

    assert (texts(facts), texts(more)) == (["ping", "ping"], ["ping"])


def test_a_message_of_the_newest_known_second_is_new() -> None:
    state, _ = diff(None, row("a", 5))

    assert texts(diff(state, row("b", 5), row("a", 5))[1]) == ["b"]


def test_rows_from_before_the_baseline_do_not_come_in_through_a_wider_window() -> None:
    state, _ = diff(None, row("c", 3), limit=1)

    state, facts = diff(state, row("d", 4), row("c", 3), row("b", 2), row("a", 1), limit=4)

    assert texts(facts) == ["d"]


def test_rows_that_vanish_and_come_back_are_not_new() -> None:
    state, _ = diff(None, row("b", 2), row("a", 1))
    state, gone = diff(state)
    state, back = diff(state, row("b", 2), row("a", 1))

    assert (gone, back) == ((), ())


def test_rows_that_slid_out_of_the_window_do_not_come_back_as_new() -> None:
    state, _ = diff(None, row("b", 2), row("a", 1), limit=2)
    state, _ = diff(state, row("d", 4), row("c", 3), row("b", 2), limit=3)
    state, _ = diff(state, row("e", 5), row("d", 4), limit=2)

    assert texts(diff(state, row("e", 5), row("d", 4), row("c", 3), row("b", 2), row("a", 1))[1]) == []


def test_a_message_that_arrives_late_between_known_ones_is_told() -> None:
    state, _ = diff(None, row("c", 30), row("a", 10))

    assert texts(diff(state, row("c", 30), row("late", 20), row("a", 10))[1]) == ["late"]


def test_the_spelling_of_a_number_does_not_make_a_new_message() -> None:
    state, _ = diff(None, row("a", sender="972541234567"))

    assert diff(state, row("a", sender="0541234567"))[1] == ()


def test_the_order_of_date_and_time_does_not_make_a_new_message() -> None:
    state, _ = diff(None, row("a"))

    assert diff(state, row("a")._replace(server_date="10:00:00 2026-03-01"))[1] == ()


def test_a_message_without_a_readable_date_is_told_all_the_same() -> None:
    state, _ = diff(None, row("a", 5))
    _, (fact,) = diff(state, row("b")._replace(server_date="soon"), row("a", 5))

    assert fact.payload["sms"]["received_at"] is None  # type: ignore[index, call-overload]


def test_a_window_that_does_not_reach_the_known_rows_is_a_gap() -> None:
    state, _ = diff(None, row("a", 1), limit=2)

    _, facts = diff(state, row("e", 5), row("d", 4), limit=2)

    assert [fact.type for fact in facts] == ["sms.gap", "sms.received", "sms.received"]
    assert facts[0].payload["gap"] == {
        "after": "2026-03-01 10:00:01",
        "before": "2026-03-01 10:00:04",
        "rows_read": 2,
    }


def test_an_emptied_log_is_a_gap_once_something_is_in_it_again() -> None:
    state, _ = diff(None, row("a", 1))
    state, nothing = diff(state)
    state, facts = diff(state, row("b", 9))
    state, later = diff(state, row("c", 10), row("b", 9))

    assert nothing == ()
    assert [fact.type for fact in facts] == ["sms.gap", "sms.received"]
    assert [fact.type for fact in later] == ["sms.received"]


def test_a_full_window_over_a_log_that_was_empty_may_hide_messages() -> None:
    state, _ = diff(None)

    assert not sms.reaches(state, Observation((row("b", 2), row("a", 1)), 2))
    assert sms.reaches(state, Observation((row("b", 2), row("a", 1)), 3))


def test_a_window_that_ends_within_the_newest_known_second_may_hide_equal_messages() -> None:
    state, _ = diff(None, row("ping", 5), row("old", 4), limit=2)

    assert not sms.reaches(state, Observation((row("ping", 5), row("ping", 5)), 2))
    assert sms.reaches(state, Observation((row("ping", 5), row("ping", 5)), 3))
    assert sms.reaches(state, Observation((row("ping", 5), row("ping", 5), row("old", 4)), 3))


def test_a_full_window_of_one_second_is_asked_again_though_it_looks_the_same() -> None:
    assert not sms.is_conclusive(Observation((row("ping", 5),), 1))
    assert sms.is_conclusive(Observation((row("ping", 5),), 2))
    assert sms.is_conclusive(Observation((row("ping", 5), row("ping", 4)), 2))


def test_a_window_grows_until_the_largest_that_is_answered() -> None:
    limits = [100]
    while (limit := sms.wider(limits[-1])) is not None:
        limits.append(limit)

    assert limits == [100, 400, 1600, 3000]


def test_what_is_remembered_is_bounded() -> None:
    known = {f"{n:032}": (f"2026-01-01 00:00:{n:05}", 1) for n in range(sms.MAX_KNOWN)}
    state = sms.load({"known": known, "horizon": ""})

    state, _ = diff(state, row("new"))

    assert len(state.known) == sms.MAX_KNOWN
    assert state.horizon == "2026-01-01 00:00:00000"


def test_the_fact_says_what_product_md_says_it_says() -> None:
    state, _ = diff(None)
    seen = Row("972541234567", "972501234567", "שלום", r"\u05e9\u05dc\u05d5\u05dd", "2024-07-30 22:40:54")
    _, (fact,) = diff(state, seen)

    assert (fact.type, fact.subject) == ("sms.received", "sms/972541234567")
    assert fact.payload["sms"] == {
        "from": "972541234567",
        "to": "972501234567",
        "text": "שלום",
        "received_at": "2024-07-30T22:40:54+03:00",
        "server_date": "2024-07-30 22:40:54",
        "raw_text": r"\u05e9\u05dc\u05d5\u05dd",
    }


def test_in_the_repeated_hour_the_time_of_the_poll_tells_which_one_it_was() -> None:
    """On 2026-10-25 at 02:00 summer time the clocks of Asia/Jerusalem went back to 01:00."""
    state, _ = diff(None)
    twice = row("a")._replace(server_date="2026-10-25 01:30:00")
    first_pass = datetime(2026, 10, 24, 22, 31, tzinfo=UTC)
    second_pass = datetime(2026, 10, 24, 23, 31, tzinfo=UTC)

    _, (early,) = diff(state, twice, seen=when(first_pass, first_pass - timedelta(minutes=5)))
    _, (late,) = diff(state, twice, seen=when(second_pass, second_pass - timedelta(minutes=5)))
    _, (either,) = diff(state, twice, seen=when(second_pass, first_pass - timedelta(hours=3)))

    assert early.payload["sms"]["received_at"] == "2026-10-25T01:30:00+03:00"  # type: ignore[index, call-overload]
    assert late.payload["sms"]["received_at"] == "2026-10-25T01:30:00+02:00"  # type: ignore[index, call-overload]
    assert either.payload["sms"]["received_at_is_ambiguous"] is True  # type: ignore[index, call-overload]
    assert "received_at_is_ambiguous" not in early.payload["sms"]  # type: ignore[operator]


def test_messages_of_the_repeated_hour_are_new_though_their_dates_go_back() -> None:
    def at(text: str, local: str) -> Row:
        return row(text)._replace(server_date=f"2026-10-25 {local}")

    state, _ = diff(None, at("before", "01:59:50"), at("old", "01:10:00"))

    state, facts = diff(state, at("again", "01:05:00"), at("before", "01:59:50"), at("old", "01:10:00"))

    assert texts(facts) == ["again"]


SECONDS = st.sampled_from(["2026-03-01 10:00:01", "2026-03-01 10:00:02", "10:00:03 2026-03-01", "", "never"])
ROWS = st.builds(lambda text, second: row(text)._replace(server_date=second), st.sampled_from("abc"), SECONDS)


@dataclass
class Plain:
    """What is known, and what is new, worked out row by row: obvious, and slow."""

    known: dict[str, tuple[str, int]]
    horizon: str

    def fresh(self, rows: list[Row]) -> list[Row]:
        left = {key: many for key, (_, many) in self.known.items()}
        unmatched, bottom = [], -1
        for index in reversed(range(len(rows))):
            key, second = digest_and_second(rows[index])
            if left.get(key, 0):
                left[key] -= 1
                bottom = max(bottom, index) if second > self.horizon else bottom
            else:
                unmatched.append(index)
        seconds = [digest_and_second(one)[1] for one in rows]
        return [
            rows[one] for one in unmatched
            if not seconds[one] or seconds[one] > self.horizon or one < bottom
        ]  # fmt: skip

    def remember(self, rows: list[Row], *, is_full: bool) -> None:
        entries = [digest_and_second(one) for one in rows]
        shown = Counter(key for key, _ in entries)
        for key, second in entries:
            self.known[key] = (second, max(shown[key], self.known.get(key, ("", 0))[1]))
        floor = min((second for _, second in entries if second), default="") if is_full else ""
        for key, (second, _) in list(self.known.items()):
            if second and second < floor and key not in shown:
                self.horizon = max(self.horizon, second)
                del self.known[key]


def digest_and_second(one: Row) -> tuple[str, str]:
    digest, second = json.loads("[" + sms.entry(one).replace(":[", ",") + "]")
    return digest, second


@settings(max_examples=examples(400))
@given(st.lists(st.tuples(st.lists(ROWS, max_size=7), st.integers(0, 2)), min_size=2, max_size=5))
def test_what_is_new_and_what_is_known_is_what_a_look_at_row_after_row_finds(
    answered: list[tuple[list[Row], int]],
) -> None:
    first, cut = answered[0]
    rows = [row("always there"), *first]
    change = sms.diff(None, Observation(rows, len(rows) + cut), when(BEGIN), ZONE, is_emitting=False)
    plain = Plain({}, digest_and_second(rows[-1])[1] if not cut else "")
    plain.remember(rows, is_full=not cut)
    for rows, cut in answered[1:]:
        before = change.state
        change = sms.diff(before, Observation(rows, len(rows) + cut), when(BEGIN), ZONE, is_emitting=False)
        fresh = plain.fresh(rows)
        plain.remember(rows, is_full=not cut)

        assert texts(change.facts) == [one.text for one in fresh]
        assert sms.dump(change.state) == {"horizon": plain.horizon, "known": plain.known}


@given(st.lists(ROWS, max_size=7), st.integers(0, 9), st.booleans())
def test_a_state_is_written_as_json_writes_it_and_read_as_it_was(
    rows: list[Row], limit: int, is_doubted: bool
) -> None:
    state = sms.diff(None, Observation(rows, limit), when(), ZONE, is_emitting=False).state
    if is_doubted:
        state = replace(state, doubted="2026-03-01 10:00:02", empties=2)

    assert sms.text(state) == json.dumps(sms.dump(state), ensure_ascii=False, separators=(",", ":"))
    assert sms.load(json.loads(sms.text(state))) == state


class Log:
    """The platform's log: what arrived, in order; asked for the newest rows."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.second = 0

    def arrive(self, many: int, *, same_second: bool, text: str) -> None:
        for _ in range(many):
            self.second += 0 if same_second else 1
            self.rows.append(row(text, self.second % 60, minute=self.second // 60))

    def ask(self, limit: int) -> Observation:
        return Observation(tuple(reversed(self.rows))[:limit], limit)


def observe(log: Log, state: State | None, limit: int) -> Observation:
    """What the watch does: widen until the known rows are reached."""
    seen = log.ask(limit)
    while not sms.reaches(state, seen) and (wide := sms.wider(seen.limit)):
        seen = log.ask(wide)
    return seen


arrivals = st.lists(
    st.tuples(
        st.integers(0, 7),
        st.booleans(),
        st.sampled_from(["ping", "code 1234", "x"]),
        st.sampled_from(["poll", "fail"]),
    ),
    max_size=12,
)


@settings(max_examples=examples(200))
@given(before=arrivals, steps=arrivals, limit=st.integers(1, 4))
@example(before=[], steps=[(7, False, "ping", "fail")] * 2 + [(6, False, "ping", "poll")], limit=1)
def test_whatever_arrives_is_told_exactly_once(
    before: list[tuple[int, bool, str, str]], steps: list[tuple[int, bool, str, str]], limit: int
) -> None:
    """Any burst, any window, failed polls and a restart between any two: told equals arrived."""
    log = Log()
    for many, same_second, text, _ in before:
        log.arrive(many, same_second=same_second, text=text)
    old = len(log.rows)
    seen = observe(log, None, limit)
    state, told = diff(None, *seen.rows, limit=seen.limit, seen=when(BEGIN))
    for many, same_second, text, fate in steps:
        log.arrive(many, same_second=same_second, text=text)
        if fate == "fail":
            continue
        seen = observe(log, state, limit)
        state, facts = diff(state, *seen.rows, limit=seen.limit, seen=when(BEGIN))
        told += facts
    seen = observe(log, state, limit)
    _, last = diff(state, *seen.rows, limit=seen.limit, seen=when(BEGIN))

    assert [fact.type for fact in told if fact.type == "sms.gap"] == []
    assert Counter(texts(told + last)) == Counter(one.text for one in log.rows[old:])


def changed(rows: list[Row], how: str, many: int, second: int) -> list[Row]:
    """A log, newest first, after something happened to it."""
    at = many % (len(rows) or 1)
    new = [replace_date(row(f"{second} {one}", second % 60), how) for one in range(many)]
    return {
        "come": [*new, *rows],
        "undated": [*new, *rows],
        "repeat": [*rows[:many], *rows],
        "vanish": [*rows[:at], *rows[at + 1 :]],
        "below": [*rows[:at], *new, *rows[at:]],
        "empty": [],
    }[how]


def replace_date(one: Row, how: str) -> Row:
    return one._replace(server_date="") if how == "undated" else one


HAPPENED = st.tuples(
    st.sampled_from(["come"] * 8 + ["undated", "repeat", "vanish", "below", "empty"]),
    st.integers(0, 4),
    st.integers(-1, 3),
)


@settings(max_examples=examples(300))
@given(st.lists(HAPPENED, max_size=12), st.sampled_from([1, 3, 6, 50]))
def test_who_remembers_the_last_window_finds_what_who_looks_at_all_rows_finds(
    happened: list[tuple[str, int, int]], limit: int
) -> None:
    rows = log_of(5)
    quick = slow = sms.diff(None, Observation(rows[:limit], limit), when(), ZONE, is_emitting=False).state
    second = 10
    for how, many, later in happened:
        second += later
        rows = changed(rows, how, many, second)
        seen = Observation(rows[:limit], limit)
        by_window = sms.diff(quick, seen, when(), ZONE, is_emitting=False)
        by_all = sms.diff(replace(slow, window=None), seen, when(), ZONE, is_emitting=False)

        assert by_window == by_all
        assert list(by_window.state.known) == list(by_all.state.known)
        assert by_window.state.window == by_all.state.window
        quick, slow = by_window.state, by_all.state


def test_rows_that_only_moved_down_are_not_looked_at() -> None:
    rows = log_of(100)
    before = sms.diff(None, Observation(rows, 100), when(), ZONE, is_emitting=False).state
    seen = Observation([row("new", 59, minute=59), *rows][:100], 100)
    change = sms.diff(before, seen, when(), ZONE, is_emitting=False)

    assert len(change.facts) == 1
    assert "shown" not in vars(seen)
    assert "oldest" not in vars(seen)
