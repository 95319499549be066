"""Whatever is seen, whenever: no bucket holds more than it is long, or less than nothing, and all add up."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.history.book import SLACK, At, Book, added
from daemon.core.history.buckets import DAY, HOUR, MINUTE, Bucket, add, start_of
from daemon.core.history.packing import pack, unpack
from daemon.core.history.tally import Tally
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from tests.support.examples import examples

OWNER = ("main", "queue/5")
EVERY = 30_000
MOST = 2 * EVERY
NAMES = ("a", "b", "c")
NUMBERS = {name: number for number, name in enumerate(NAMES, 1)}
DECADES = 40 * 365 * DAY * 1000
SPRING = datetime(2026, 3, 27, 1, 59, 30, tzinfo=ZoneInfo("Asia/Jerusalem"))
"""Half a minute before the clocks of Israel go forward."""
BEGAN = round(SPRING.timestamp() * 1000)


@dataclass
class Day:
    """A watch that is polled, and what is stored of it."""

    clock: int = 5_000
    """Milliseconds."""
    wall: int = BEGAN
    book: Book = field(default_factory=Book)
    stored: dict[Bucket, dict[int, Tally]] = field(default_factory=dict)
    last: int | None = None
    """The clock at the last look that saw anything."""
    held: dict[str, tuple[SubjectState, int]] = field(default_factory=dict)
    open: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """What has to come out: milliseconds by subject and state."""
    set: int = 0
    """How often the clock on the wall was set."""
    observed: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    least: int = 10**9
    most: int = -(10**9)

    def passes(self, milliseconds: int) -> None:
        self.clock += milliseconds
        self.wall += milliseconds

    def steps(self, milliseconds: int) -> None:
        self.set += 1
        self.wall += milliseconds

    def looks(self, states: tuple[SubjectState, ...], waiting: int) -> None:
        self._count()
        self.held = {name: (state, waiting) for name, state in zip(NAMES, states, strict=True)}
        seen = {
            name: Subject(name, SubjectKind.QUEUE, state, metrics={"calls_waiting": waiting})
            for name, state in zip(NAMES, states, strict=True)
        }
        self.book.look(OWNER, self._at(), seen)
        if any(state is not SubjectState.UNKNOWN for state in states):
            self.least, self.most = min(self.least, waiting), max(self.most, waiting)

    def looks_again(self) -> None:
        if self.held:
            self._count()
            self.book.same(OWNER, self._at())

    def fails(self) -> None:
        self.book.unseen(OWNER)
        self.last = None

    def flushes(self) -> None:
        seconds = added(run for runs in self.book.take("main").values() for run in runs)
        numbered = {
            minute: {NUMBERS[name]: tally for name, tally in row.items()} for minute, row in seconds.items()
        }
        before = {bucket: dict(row) for bucket, row in self.stored.items()}
        changed = add(self.stored, numbered)
        for bucket, row in self.stored.items():
            assert bucket in changed or row == before[bucket]
            assert unpack(pack(row)) == row
        for key, milliseconds in self.open.items():
            self.observed[key] += milliseconds
        self.open.clear()

    def cannot_flush(self) -> None:
        self.book.give_back("main", self.book.take("main"))

    def is_killed(self) -> None:
        self.book, self.last, self.held = Book(), None, {}
        self.open.clear()

    def _at(self) -> At:
        return At(self.clock / 1000, self.wall, MOST)

    def _count(self) -> None:
        if self.last is not None:
            for name, (state, _) in self.held.items():
                self.open[name, state.value] += min(self.clock - self.last, MOST)
        self.last = self.clock

    def rows(self, step: int) -> list[tuple[Bucket, int, Tally]]:
        return [
            (bucket, number, tally)
            for bucket, row in self.stored.items()
            for number, tally in row.items()
            if bucket.step == step
        ]

    def total(self, name: str, *, is_up: bool) -> int:
        of_it = [tally for _, number, tally in self.rows(MINUTE) if number == NUMBERS[name]]
        return sum(one.up if is_up else one.down for one in of_it)


states = st.tuples(*[st.sampled_from(SubjectState)] * len(NAMES))
looks = st.tuples(st.just("looks"), states, st.integers(0, 9))
times = st.integers(0, 4 * EVERY) | st.integers(0, 3 * HOUR * 1000)
passes = st.tuples(st.just("passes"), times)
plain = (
    looks
    | passes
    | st.tuples(st.sampled_from(["looks_again", "fails", "flushes", "cannot_flush", "is_killed"]))
)
forward = st.tuples(st.just("steps"), st.integers(1000, DECADES))
anywhere = st.tuples(st.just("steps"), st.integers(-DECADES, DECADES) | st.integers(-90_000, 90_000))


def lived(*acts: tuple[object, ...]) -> Day:
    day = Day()
    for name, *words in acts:
        getattr(day, str(name))(*words)
    day.flushes()
    return day


def check(day: Day) -> None:
    """What holds whatever the clock does."""
    for bucket, row in day.stored.items():
        for tally in row.values():
            assert min(tally.up, tally.down) >= 0
            assert tally.seen <= bucket.step * 1000
            check_samples(day, bucket, tally)
    for step in (HOUR, DAY):
        check_sums(day, step)
    for name in NAMES:
        for state, is_up in (("up", True), ("down", False)):
            # A step that is as short as what two clocks may differ by is no step.
            assert day.total(name, is_up=is_up) <= day.observed[name, state] + SLACK * day.set


def check_samples(day: Day, bucket: Bucket, tally: Tally) -> None:
    for sample in tally.samples.values():
        assert 0 <= sample.seen <= bucket.step * 1000
        assert sample.least <= round(sample.mean * 100, 6) <= sample.most
        assert day.least * 100 <= sample.least <= sample.most <= day.most * 100


def check_sums(day: Day, step: int) -> None:
    """Minutes add up to what is longer."""
    sums: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for bucket, number, tally in day.rows(MINUTE):
        total = sums[start_of(step, bucket.start), number]
        total[0] += tally.up
        total[1] += tally.down

    assert {(bucket.start, number): [one.up, one.down] for bucket, number, one in day.rows(step)} == sums


@settings(max_examples=examples(400))
@given(st.lists(plain, max_size=40))
def test_what_was_observed_is_what_is_told_to_the_millisecond(acts: list[tuple[object, ...]]) -> None:
    day = lived(*acts)

    check(day)
    for name in NAMES:
        assert day.total(name, is_up=True) == day.observed[name, "up"]
        assert day.total(name, is_up=False) == day.observed[name, "down"]


@settings(max_examples=examples(200))
@given(st.lists(plain | forward, max_size=40))
def test_a_clock_that_is_set_forward_loses_nothing(acts: list[tuple[object, ...]]) -> None:
    day = lived(*acts)

    check(day)
    for name in NAMES:
        assert day.total(name, is_up=True) == day.observed[name, "up"]


@settings(max_examples=examples(400))
@given(st.lists(plain | anywhere, max_size=40))
def test_a_clock_that_is_set_back_counts_no_second_beyond_its_bucket(acts: list[tuple[object, ...]]) -> None:
    check(lived(*acts))


UP, DOWN, UNKNOWN = SubjectState.UP, SubjectState.DOWN, SubjectState.UNKNOWN
WELL = ("looks", (UP, UP, UP), 3)


def test_the_time_between_two_looks_is_that_of_the_first() -> None:
    day = lived(WELL, ("passes", 30_000), ("looks", (DOWN, UP, UNKNOWN), 4), ("passes", 20_000), WELL)

    assert [day.total(name, is_up=True) for name in NAMES] == [30_000, 50_000, 30_000]
    assert [day.total(name, is_up=False) for name in NAMES] == [20_000, 0, 0]


def test_the_time_before_a_look_that_failed_was_not_seen_nor_the_time_after_it() -> None:
    day = lived(WELL, ("passes", 30_000), ("fails",), ("passes", 30_000), WELL, ("passes", 1000), WELL)

    assert day.total("a", is_up=True) == 1000


def test_a_kill_takes_what_was_not_flushed() -> None:
    day = lived(
        WELL,
        ("passes", 30_000),
        WELL,
        ("flushes",),
        ("passes", 30_000),
        WELL,
        ("is_killed",),
        ("passes", 30_000),
        WELL,
    )

    assert day.total("a", is_up=True) == 30_000


def test_a_pause_counts_for_no_more_than_two_intervals() -> None:
    day = lived(WELL, ("passes", 3_600_000), WELL)

    assert day.total("a", is_up=True) == MOST


def test_a_minute_that_the_clock_shows_twice_is_still_a_minute() -> None:
    minute = [("passes", 30_000), WELL, ("passes", 30_000), WELL]
    day = lived(("passes", 30_000), WELL, *minute, ("steps", -60_000), *minute)

    assert day.total("a", is_up=True) == 60_000


def test_days_are_those_of_utc_also_when_the_clocks_go_forward() -> None:
    hours = [act for _ in range(48 * 60) for act in (("passes", 60_000), ("looks_again",))]
    day = lived(("passes", 30_000), WELL, *hours)

    days = {bucket.start: row[1].up for bucket, row in day.stored.items() if bucket.step == DAY}
    assert [datetime.fromtimestamp(start / 1000, UTC).hour for start in days] == [0, 0]
    assert list(days.values()) == [timedelta(days=1) / timedelta(milliseconds=1)] * 2
    by_hour = [row[1].up for bucket, row in day.stored.items() if bucket.step == HOUR]
    assert by_hour == [3_600_000] * 48


def test_a_value_that_was_only_looked_at_is_among_the_least_and_most() -> None:
    """Fifty waited when it was last seen; for how long, nobody knows."""
    day = lived(
        ("passes", 30_000), ("looks", (UP,) * 3, 1), ("passes", 30_000), ("looks", (UP,) * 3, 50), ("fails",)
    )

    (tally,) = [row[1] for bucket, row in day.stored.items() if bucket.step == DAY]
    (sample,) = tally.samples.values()
    assert (sample.least, sample.most, sample.mean) == (100, 5000, 1.0)
