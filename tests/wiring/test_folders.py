"""Files of a folder, whatever happens to them between two looks: each is one event, and none is invented."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config.watches import DirectoryWatch
from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Change, Failure, Unknown
from daemon.core.watches import directories
from daemon.core.watches.watch import Answered, Description, Unchanged, Watch
from daemon.simulator.answers import answer
from daemon.simulator.system import ApiRequest, SimulatedSystem
from daemon.wiring.kinds.directories import Directory
from daemon.yemot.files import FIRST
from daemon.yemot.reads import Read
from tests.support.examples import examples

START = datetime(2026, 11, 29, 22, 30, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Jerusalem")
FOLDER = "2"
EVERY = timedelta(minutes=10)
A_WHOLE = int(timedelta(hours=1) / EVERY)


@dataclass
class Line:
    """What a client asks, answered by the simulated system, or not."""

    system: SimulatedSystem
    refused: set[str] = field(default_factory=set)
    fails: Failure | None = None
    is_emptied: bool = False
    asked: list[str] = field(default_factory=list)

    def read(self, read: Read[Any]) -> Any:
        self.asked.append(read.target)
        if self.fails is not None:
            return Unknown(self.fails, "failed")
        if read.method in self.refused:
            return Unknown(Failure.REFUSED, "not allowed")
        said = answer(self.system, ApiRequest(read.method, read.params, START))
        assert isinstance(said, dict)
        if said["responseStatus"] != "OK":
            return Unknown(Failure.REFUSED, said["message"])
        return read.parse({**said, "files": []} if self.is_emptied else said)

    def poll(self, read: Read[Any], known: bytes | None) -> Any:
        seen = self.read(read)
        if isinstance(seen, Unknown):
            return seen
        digest = repr(seen).encode()
        return Unchanged() if digest == known else Answered(seen, digest)


@dataclass
class Office:
    """A folder that is watched, as the poller does it; each file has the phone that nobody else has."""

    line: Line
    every: timedelta = EVERY
    initial: Any = "baseline"
    now: datetime = START
    told: list[Any] = field(default_factory=list)
    files: dict[int, str] = field(default_factory=dict)
    """Where each file is, by the phone that recorded it."""
    baseline: set[int] = field(default_factory=set)
    serial: int = 0
    stored: str | None = None
    pieces: dict[str, bytes] = field(default_factory=dict)
    digest: bytes | None = None
    kind: Directory = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    @property
    def system(self) -> SimulatedSystem:
        return self.line.system

    def restart(self) -> None:
        self.digest = None
        settings = DirectoryWatch(path="/2", every=self.every, initial=self.initial)
        self.kind = Directory(self.line, ZONE, settings)  # type: ignore[arg-type]

    def look(self) -> Change[directories.State] | None:
        """One poll; None where there was nothing to compare."""
        before = self.state()
        seen = self.kind.ask(self.digest, lambda: before)
        if not isinstance(seen, Answered):
            return None
        change = self.kind.diff(before, seen.seen, Seen(self.now, None, NOTHING))
        watch = self.watch
        self.stored = watch.text(change.state)
        for name, piece in change.pieces.items():
            if piece is None:
                del self.pieces[name]
            else:
                self.pieces[name] = piece
        assert self.state() == change.state
        self.digest = None if change.is_moving else seen.digest
        self.told += [fact.payload for fact in change.facts]
        if before is None and self.initial == "baseline":
            self.baseline = set(self.files)
        return change

    @property
    def watch(self) -> Watch[directories.State, directories.Seen]:
        return Watch(Description("main", "directory/2", "GetIVR2Dir", self.every, {}, None), self.kind)  # type: ignore[arg-type]

    def state(self) -> directories.State | None:
        return self.watch.state(self.stored, self.pieces.copy)

    def add(self, *, age: timedelta = NOTHING, at: int | None = None) -> int:
        """A recording under the next free number, or at `at`, where what stands there and behind moves up."""
        self.serial += 1
        if at is None:
            taken = [int(path.rpartition("/")[2][:4]) for path in self.files.values()]
            number = max(taken, default=-1) + 1
        else:
            number = at
            self.move_up(at, is_renewed=bool(self.serial % 2))
        path = f"{FOLDER}/{number:04}.wav"
        phone = f"05{self.serial:08}"
        self.system.files.put(path, b"RIFF" + bytes(self.serial), self.now - age, phone=phone)
        self.files[self.serial] = path
        return self.serial

    def move_up(self, number: int, *, is_renewed: bool) -> None:
        """Make room at a number: files from there on are renumbered, perhaps with other unique ids."""
        for one, path in sorted(self.files.items(), key=lambda pair: pair[1], reverse=True):
            if int(path.rpartition("/")[2][:4]) >= number:
                to = f"{FOLDER}/{int(path.rpartition('/')[2][:4]) + 1:04}.wav"
                self.system.files.move(path, to, unique_id=f"new-{one}-{to}" if is_renewed else None)
                self.files[one] = to

    def remove(self, one: int) -> None:
        self.system.files.remove(self.files.pop(one))

    def grow(self, one: int) -> None:
        self.system.files.append(self.files[one], b"x" * 7, self.now)

    def numbers(self) -> Counter[int]:
        """How often each file was told."""
        return Counter(int(one["file"]["phone"][2:]) for one in self.told)


@pytest.fixture
def office() -> Office:
    return Office(Line(SimulatedSystem(now=lambda: START)))


def opened(office: Office, many: int = 3) -> Office:
    """With files in the folder, of other days, that are its baseline."""
    office.system.directory(FOLDER)
    for index in range(many):
        office.add(age=timedelta(days=1, minutes=index))
    office.look()
    return office


def looks(office: Office, many: int = 3) -> list[int]:
    """The files that are told meanwhile."""
    before = office.numbers()
    for _ in range(many):
        office.look()
    return sorted((office.numbers() - before).elements())


def test_what_is_there_at_first_is_no_news(office: Office) -> None:
    assert looks(opened(office)) == []


def test_what_is_there_at_first_is_told_where_that_is_asked_for(office: Office) -> None:
    office.initial = "emit"
    office.restart()

    assert looks(opened(office)) == [1, 2, 3]


def test_each_of_several_between_two_looks_is_an_event_of_its_own_the_oldest_first(office: Office) -> None:
    opened(office)
    for age in (3, 2, 1):
        office.add(age=timedelta(minutes=age))
    looks(office)

    assert [one["file"]["phone"] for one in office.told] == ["0500000004", "0500000005", "0500000006"]
    assert [one["directory"]["added"] for one in office.told] == [1, 1, 1]


def test_a_growing_file_is_told_once_it_stands_still(office: Office) -> None:
    opened(office)
    one = office.add()
    for _ in range(3):
        assert office.look() is not None
        office.grow(one)
    grown = office.numbers()
    told = looks(office)

    assert not grown
    assert told == [one]
    assert office.told[0]["file"]["size_bytes"] == len(office.system.files.get(office.files[one]).body)


def test_a_file_that_grows_once_more_is_no_second_event(office: Office) -> None:
    opened(office)
    one = office.add()
    first = looks(office)
    office.grow(one)

    assert (first, looks(office)) == ([one], [])


def test_a_fast_watch_waits_for_two_seconds_of_standing_still() -> None:
    office = opened(Office(Line(SimulatedSystem(now=lambda: START)), every=timedelta(milliseconds=200)))
    office.add()

    assert [len(looks(office, 1)) for _ in range(12)] == [0] * 10 + [1, 0]


def test_a_recording_that_is_gone_before_it_stands_still_is_none(office: Office) -> None:
    opened(office)
    one = office.add()
    office.look()
    office.remove(one)

    assert looks(office) == []


def test_a_large_folder_costs_a_page_and_an_hourly_whole(office: Office) -> None:
    opened(office, 3000)
    before = len(office.line.asked)
    office.add()
    looks(office, 4)
    asked = office.line.asked[before:]

    assert [one.partition("filesLimit=")[2].partition("&")[0] for one in asked] == [str(FIRST)] * 4
    assert office.numbers() == {3001: 1}
    state = office.state()
    assert state is not None
    assert len(office.pieces[directories.FILES]) < 50_000


def test_more_new_ones_than_a_page_are_asked_for_again(office: Office) -> None:
    opened(office, 100)
    many = [office.add() for _ in range(3 * FIRST)]

    assert looks(office) == many


def test_one_that_came_with_an_old_date_is_found_when_all_is_listed(office: Office) -> None:
    opened(office, 100)
    one = office.add(age=timedelta(days=400))

    assert looks(office, A_WHOLE + 2) == [one]


def test_equal_minutes_hide_nothing() -> None:
    """The order within one minute is nobody's: a new one may stand behind a page full of known ones."""
    office = opened(Office(Line(SimulatedSystem(now=lambda: START)), every=timedelta(seconds=30)), 0)
    first = [office.add() for _ in range(2 * FIRST)]
    told = looks(office)
    more = [office.add() for _ in range(2)]

    assert told == first
    assert looks(office) == more


def test_a_page_of_one_minute_is_not_widened_for_ever() -> None:
    office = opened(Office(Line(SimulatedSystem(now=lambda: START)), every=timedelta(seconds=30)), 0)
    for _ in range(2 * FIRST):
        office.add()
    looks(office, 10)
    before = len(office.line.asked)
    looks(office, 4)

    assert len(office.line.asked) - before == 4


def test_a_missing_folder_changes_nothing_and_one_that_is_back_is_no_news(office: Office) -> None:
    opened(office)
    office.line.fails = Failure.REFUSED
    gone = office.look()
    office.line.fails = None

    assert gone is None
    assert looks(office) == []


def test_a_folder_that_is_emptied_and_filled_again_makes_no_news_of_what_was_there(office: Office) -> None:
    opened(office, 40)
    office.line.is_emptied = True
    emptied = looks(office, A_WHOLE + 2)
    office.line.is_emptied = False

    assert (emptied, looks(office, A_WHOLE + 2)) == ([], [])


def test_a_renumbering_copy_is_one_new_file_and_no_more(office: Office) -> None:
    opened(office, 10)
    one = office.add(at=2)
    two = office.add(at=0)

    assert looks(office, A_WHOLE + 2) == [one, two]


def test_a_copy_of_a_file_beside_it_is_a_file(office: Office) -> None:
    opened(office)
    known = office.system.files.get(office.files[1])
    office.system.files.put("2/0099.wav", known.body, known.at, phone="0500000001")

    assert looks(office) == [1]


def test_dates_that_fail_for_once_are_no_news(office: Office) -> None:
    opened(office, 5)
    for file in office.system.files.of(FOLDER):
        office.system.files._files[file.path] = replace(file, meta={**file.meta, "date": None})
    without = looks(office, A_WHOLE + 2)
    for file in office.system.files.of(FOLDER):
        office.system.files._files[file.path] = replace(file, meta={"phone": file.meta["phone"]})

    assert (without, looks(office, A_WHOLE + 2)) == ([], [])


def test_a_folder_that_may_not_be_listed_is_counted(office: Office) -> None:
    office.line.refused = {"GetIVR2Dir"}
    opened(office)
    office.add()
    office.add()
    office.look()

    (told,) = office.told
    assert isinstance(told, dict)
    assert (told["directory"]["added"], told["file"]["phone"]) == (2, "0500000005")
    assert office.line.asked.count("GetIVR2Dir?path=%2F2") == 1


def test_what_was_told_as_a_number_is_not_told_again_when_it_may_be_listed(office: Office) -> None:
    opened(office)
    office.line.refused = {"GetIVR2Dir"}
    office.restart()
    office.look()
    for _ in range(2):
        office.add()
        office.look()
    office.add()
    office.add()
    office.look()
    counted = [one["directory"]["added"] for one in office.told]
    office.line.refused = set()
    office.restart()
    last = office.add()

    assert counted == [1, 1, 2]
    assert looks(office) == [last]


def test_the_state_of_an_earlier_version_makes_no_news_of_what_was_there(office: Office) -> None:
    opened(office, 12)
    state = office.state()
    assert state is not None
    office.pieces.clear()

    assert json.loads(office.watch.text(state)) == {
        "content_files": 12,
        "max_name": "0011.wav",
        "max_id": state.max_id,
    }
    one = office.add()
    assert looks(office) == [one]


def test_an_earlier_version_that_looked_in_between_is_believed(office: Office) -> None:
    """Its state is newer than what is kept beside it."""
    opened(office, 12)
    one = office.add()
    file = office.system.files.get(office.files[one])
    assert office.stored is not None
    since = {"content_files": 13, "max_name": "0012.wav", "max_id": file.unique_id}
    office.stored = json.dumps(since)

    assert looks(office) == []


Step = Callable[[Office, int], object]


def _any(office: Office, number: int) -> int | None:
    return sorted(office.files)[number % len(office.files)] if office.files else None


def _remove(office: Office, number: int) -> None:
    if (one := _any(office, number)) is not None:
        office.remove(one)


def _grow(office: Office, number: int) -> None:
    """One that is being recorded: what has changed in size and in place at once, nobody knows again."""
    recorded = sorted(set(office.files) - set(office.numbers()) - office.baseline)
    if recorded:
        office.grow(recorded[number % len(recorded)])


def _insert(office: Office, number: int) -> None:
    office.add(at=number % 30)


def _renumber(office: Office, number: int) -> None:
    office.move_up(number % 30, is_renewed=False)


def _burst(office: Office, number: int) -> None:
    for index in range(number):
        office.add(age=timedelta(minutes=index % 4))


def _pass(office: Office, number: int) -> None:
    office.now += timedelta(minutes=number)


def _fail(office: Office, number: int) -> None:
    office.line.fails = (Failure.TIMEOUT, Failure.MALFORMED, Failure.FILTERED)[number % 3]
    office.look()
    office.line.fails = None


def _empty(office: Office, number: int) -> None:
    office.line.is_emptied = True
    office.look()
    office.line.is_emptied = False


def _shuffle(office: Office, number: int) -> None:
    office.system.switches.is_unsorted = bool(number % 2)


STEPS: dict[str, Step] = {
    "add": lambda office, number: office.add(),
    "old": lambda office, number: office.add(age=timedelta(days=number, hours=3)),
    "burst": _burst,
    "insert": _insert,
    "renumber": _renumber,
    "remove": _remove,
    "grow": _grow,
    "pass": _pass,
    "look": lambda office, number: office.look(),
    "fail": _fail,
    "empty": _empty,
    "shuffle": _shuffle,
    "restart": lambda office, number: office.restart(),
}


def steps() -> st.SearchStrategy[list[tuple[str, int]]]:
    names = st.sampled_from([*STEPS, "add", "look", "look", "look"])
    return st.lists(st.tuples(names, st.integers(0, 40)), max_size=40)


@settings(max_examples=examples(150), deadline=None)
@given(st.integers(0, 40), steps())
def test_each_file_is_one_event_and_none_is_invented(many: int, happens: list[tuple[str, int]]) -> None:
    office = opened(Office(Line(SimulatedSystem(now=lambda: START))), many)
    ever = set(office.files)
    for name, number in happens:
        STEPS[name](office, number)
        ever |= set(office.files)
    looks(office, A_WHOLE + 3)
    told = office.numbers()

    assert set(told.values()) <= {1}
    assert not set(told) & office.baseline
    assert set(told) <= ever
    assert set(office.files) - office.baseline <= set(told)
