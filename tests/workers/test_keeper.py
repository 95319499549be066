"""Copies of recordings: fetched once, whole or not at all, within an age and a quota; names made by us."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from daemon.core.files import File
from daemon.core.model import Failure, Unknown
from daemon.core.ownership import ALONE, Kind
from daemon.core.recordings import Recording
from daemon.host.clock import monotonic
from daemon.store import copied_recordings
from daemon.store.database import Database
from daemon.workers.copies import PART, PART_FOR, UNWANTED_FOR, Asked, Keeping, folder_name
from daemon.workers.downloads import Downloads
from daemon.workers.keeper import GIVEN_UP_AFTER, PRUNE_EVERY, RETRIES, Keeper
from tests.support import stores
from tests.support.engines import USED
from tests.support.fakes import START
from tests.support.recorded import told
from tests.workers.test_downloads import CONTENT, PATIENCE, Platform, Watch

DAY = timedelta(days=1)
MIB = 1024 * 1024
HERE = folder_name("main", "/2")


class Owner:
    """What a member has of what several share: the systems of `tokens`."""

    is_sole = False
    among = ALONE

    def __init__(self) -> None:
        self.tokens = {"main": 1}

    def holds(self, kind: Kind, name: str) -> bool:
        return self.token(kind, name) is not None

    def token(self, _kind: Kind, name: str) -> int | None:
        return self.tokens.get(name)

    def kept(self, _db: object, kind: Kind, names: Iterable[str]) -> set[str]:
        return {name for name in names if self.holds(kind, name)}


class Kept:
    """A keeper, and what stands around it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.platform, self.watch = Platform(), Watch()
        self.asked: Asked = {("main", "/2"): Keeping(30 * DAY, 100)}
        self.now = START
        self.room = True
        self.ownership = Owner()
        self.tried: list[int | None] = []
        self.downloads = Downloads(self.platform.fetch, lambda: folder.parent, monotonic=self.watch)
        self.begin()

    def begin(self) -> None:
        """As after a start."""
        self.keeper = Keeper(
            self.database,
            lambda: self.downloads,
            self.folder,
            asked=lambda: self.asked,
            now=lambda: self.now,
            monotonic=self.watch,
            has_room=lambda _size: self.room,
            ownership=self.ownership,
            on_tried=lambda _system, size: self.tried.append(size),
        )

    def run(self) -> None:
        """Once, and wait for what it has begun."""
        self.keeper.run()
        until = monotonic() + PATIENCE
        while any(due.held is not None for due in list(self.keeper._due.values())):
            assert monotonic() < until
            Event().wait(0.005)

    def marks(self) -> dict[tuple[str, str], int]:
        with self.database.read() as db:
            return copied_recordings.load(db)

    def file(self, number: int, name: str = "7.wav") -> File:
        return File(name, f"u{number}", None, len(CONTENT), None, None, None, None, None)

    def names(self) -> list[str]:
        place = self.folder / HERE
        return sorted(one.name for one in place.iterdir()) if place.is_dir() else []


@pytest.fixture
def kept(engine: str, tmp_path: Path) -> Iterator[Kept]:
    database = stores.new()
    one = Kept(database, tmp_path / "recordings")
    yield one
    one.platform.go_on.set()
    one.downloads.close()
    database.close()


@USED
def test_a_new_recording_is_kept_under_a_name_of_ours(kept: Kept) -> None:
    told(kept.database, kept.file(1, "..%2f..\u202e.wav"))
    kept.run()
    copy = kept.folder / HERE / "evt_1.wav"

    assert (kept.names(), copy.read_bytes()) == (["evt_1.wav"], CONTENT)
    assert (copy.stat().st_mode & 0o777, copy.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert kept.keeper.find(Recording("evt_1", "main", "/2", kept.file(1))) == copy


@USED
def test_it_is_fetched_once_also_after_a_restart(kept: Kept) -> None:
    told(kept.database, kept.file(1))
    kept.run()
    kept.run()
    kept.begin()
    kept.run()

    assert kept.platform.asked == ["evt_1"]


@USED
def test_what_was_told_while_nobody_ran_is_kept_where_it_is_young_enough(kept: Kept) -> None:
    told(kept.database, kept.file(1), number=1, at=START - 40 * DAY)
    told(kept.database, kept.file(2), number=2, at=START - DAY)
    kept.run()

    assert kept.names() == ["evt_2.wav"]


@USED
def test_what_is_not_to_be_kept_is_not(kept: Kept) -> None:
    told(kept.database, kept.file(1), path="/3")
    told(kept.database, None, number=2)
    kept.run()
    kept.ownership.tokens = {}
    told(kept.database, kept.file(3), number=3)
    kept.run()

    assert (kept.platform.asked, kept.names()) == ([], [])


@USED
def test_a_failure_is_tried_again_later_and_not_for_ever(kept: Kept) -> None:
    told(kept.database, kept.file(1))
    kept.platform.answer = Unknown(Failure.TIMEOUT, "slow")
    kept.run()
    kept.run()
    assert kept.marks() == {}
    first = len(kept.platform.asked)
    kept.watch.now += RETRIES[0].total_seconds()
    kept.run()
    second = len(kept.platform.asked)
    kept.watch.now += GIVEN_UP_AFTER.total_seconds()
    kept.run()
    kept.platform.answer = None
    kept.watch.now += GIVEN_UP_AFTER.total_seconds()
    kept.run()

    assert (first, second, len(kept.platform.asked), kept.names()) == (1, 2, 3, [])
    assert kept.marks() == {("main", "/2"): 1}
    assert kept.tried == [None, None, None]


@USED
def test_what_says_nothing_of_a_file_gives_none_up(kept: Kept) -> None:
    told(kept.database, kept.file(1))
    for failure in (Failure.UNREACHABLE, Failure.TOKEN_REJECTED, Failure.OURS):
        kept.platform.answer = Unknown(failure, "not now")
        kept.run()
        kept.watch.now += GIVEN_UP_AFTER.total_seconds()
    kept.platform.answer = None
    kept.run()

    assert kept.names() == ["evt_1.wav"]


@USED
def test_a_system_that_wants_to_be_left_alone_is(kept: Kept) -> None:
    for number in range(4):
        told(kept.database, kept.file(number), number=number)
    kept.platform.answer = Unknown(Failure.THROTTLED, "wait", retry_after=timedelta(hours=2))
    kept.run()
    asked = len(kept.platform.asked)
    kept.platform.answer = None
    kept.watch.now += timedelta(hours=1).total_seconds()
    kept.run()
    left_alone = len(kept.platform.asked)
    kept.watch.now += timedelta(hours=1).total_seconds()
    kept.run()
    kept.run()

    assert (asked, left_alone) == (2, 2)
    assert len(kept.names()) == 4


@USED
def test_one_that_is_too_old_by_the_time_it_comes_is_let_go(kept: Kept) -> None:
    told(kept.database, kept.file(1))
    kept.platform.answer = Unknown(Failure.UNREACHABLE, "away")
    kept.run()
    kept.now += 31 * DAY
    kept.platform.answer = None
    kept.watch.now += RETRIES[0].total_seconds()
    kept.run()
    kept.run()

    assert (kept.names(), kept.marks()) == ([], {("main", "/2"): 1})


@USED
def test_a_file_that_is_gone_is_not_asked_for_again(kept: Kept) -> None:
    told(kept.database, kept.file(1))
    kept.platform.answer = Unknown(Failure.REFUSED, "gone", 404)
    kept.run()
    kept.watch.now += GIVEN_UP_AFTER.total_seconds() / 2
    kept.run()

    assert kept.platform.asked == ["evt_1"]


@USED
def test_a_disk_without_room_is_not_filled(kept: Kept) -> None:
    told(kept.database, kept.file(1))
    kept.room = False
    kept.run()
    before = kept.names(), list(kept.platform.asked)
    kept.room = True
    kept.run()

    assert (before, kept.names()) == (([], []), ["evt_1.wav"])


@USED
def test_a_copy_that_cannot_be_written_leaves_nothing_and_is_tried_again(kept: Kept) -> None:
    told(kept.database, kept.file(1))
    kept.folder.mkdir()
    blocked = kept.folder / HERE
    blocked.write_bytes(b"")  # a file where the folder should be
    kept.run()
    before = kept.tried
    blocked.unlink()
    kept.watch.now += RETRIES[0].total_seconds()
    kept.run()

    assert (before[:1], kept.names(), kept.tried[-1]) == ([None], ["evt_1.wav"], len(CONTENT))


@USED
def test_who_takes_over_copies_what_the_one_before_did_not(kept: Kept) -> None:
    told(kept.database, kept.file(1), number=1)
    kept.run()
    kept.run()
    told(kept.database, kept.file(2), number=2)  # and it falls away
    heir = Kept(kept.database, kept.folder.parent / "another machine")
    heir.ownership.tokens = {}
    told(kept.database, kept.file(3), path="/3", number=3)
    heir.run()
    nothing = heir.names()
    heir.ownership.tokens = {"main": 2}
    heir.run()
    heir.run()
    heir.downloads.close()

    assert (nothing, heir.names()) == ([], ["evt_2.wav"])
    assert heir.platform.asked == ["evt_2"]
    assert heir.marks() == {("main", "/2"): 2}


@USED
def test_who_had_it_before_and_has_it_again_goes_on_from_where_the_other_was(kept: Kept) -> None:
    told(kept.database, kept.file(1), number=1)
    kept.run()
    kept.run()
    told(kept.database, kept.file(2), number=2)
    with kept.database.write() as db:
        copied_recordings.save(db, {("main", "/2"): 2})  # of who had it in between
    told(kept.database, kept.file(3), number=3)
    kept.ownership.tokens = {"main": 3}
    kept.run()

    assert kept.platform.asked == ["evt_1", "evt_3"]


@USED
def test_who_is_not_asked_any_more_writes_down_nothing(kept: Kept) -> None:
    told(kept.database, kept.file(1), number=1)
    kept.ownership.kept = lambda *_: set()  # type: ignore[method-assign]
    kept.run()
    kept.run()

    assert (kept.names(), kept.marks()) == (["evt_1.wav"], {})


@USED
def test_a_folder_that_is_kept_from_now_on_holds_up_no_other(kept: Kept) -> None:
    told(kept.database, kept.file(1), path="/3", number=1)
    told(kept.database, kept.file(2), number=2)
    kept.run()
    kept.asked = {**kept.asked, ("main", "/3"): Keeping(30 * DAY, 100)}
    told(kept.database, kept.file(3), number=3)
    kept.run()
    kept.run()

    assert kept.platform.asked == ["evt_2", "evt_1", "evt_3"]
    assert kept.marks() == {("main", "/2"): 3, ("main", "/3"): 1}


@USED
def test_a_copy_that_was_let_go_for_want_of_room_does_not_come_back(kept: Kept) -> None:
    told(kept.database, kept.file(1), number=1)
    kept.run()
    kept.run()
    (kept.folder / HERE / "evt_1.wav").unlink()
    kept.begin()
    kept.run()

    assert (kept.platform.asked, kept.names()) == (["evt_1"], [])


@USED
def test_the_oldest_goes_where_it_is_too_much_and_what_is_too_old(kept: Kept) -> None:
    place = kept.folder / HERE
    place.mkdir(parents=True)
    for number, (days, size) in enumerate([(40, 1), (3, 1), (2, 60 * MIB), (1, 50 * MIB)]):
        one = place / f"evt_{number}.wav"
        with one.open("wb") as content:
            content.truncate(size)
        at = (START - days * DAY).timestamp()
        os.utime(one, (at, at))
    for name, age in (("old", PART_FOR), ("new", PART_FOR / 2)):
        (part := place / f"evt_9.wav.{name}{PART}").write_bytes(b"half")
        os.utime(part, (0, (START - age).timestamp()))
    kept.run()

    assert kept.names() == ["evt_3.wav", f"evt_9.wav.new{PART}"]


@USED
def test_one_that_is_alone_leaves_no_half_of_before(kept: Kept) -> None:
    kept.ownership.is_sole = True
    place = kept.folder / HERE
    place.mkdir(parents=True)
    (place / f"evt_9.wav.new{PART}").write_bytes(b"half")
    kept.begin()
    kept.run()

    assert kept.names() == []


@USED
def test_what_is_asked_for_no_more_stays_for_a_week(kept: Kept) -> None:
    told(kept.database, kept.file(1))
    kept.run()
    at = START.timestamp()
    os.utime(kept.folder / HERE / "evt_1.wav", (at, at))
    kept.asked = {}
    kept.watch.now += PRUNE_EVERY.total_seconds()
    kept.run()
    still = kept.names()
    kept.now += UNWANTED_FOR
    kept.watch.now += PRUNE_EVERY.total_seconds()
    kept.run()

    assert (still, kept.names()) == (["evt_1.wav"], [])
    assert not (kept.folder / HERE).exists()


@USED
def test_files_of_somebody_else_in_a_folder_that_is_called_alike_are_left_alone(kept: Kept) -> None:
    theirs = [
        kept.folder / "2019" / "evt_1.wav",
        kept.folder / "2019" / "interview.wav",
        kept.folder / HERE / "notes.txt",
        kept.folder / HERE / "evt_1",
        kept.folder / "evt_1.wav",
    ]
    ours = kept.folder / HERE / "evt_1.wav"
    for one in (*theirs, ours):
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_bytes(b"")
        os.utime(one, (0, 0))
    kept.run()

    assert [one.exists() for one in theirs] == [True] * len(theirs)
    assert not ours.exists()


@USED
def test_copies_on_another_disk_are_let_go_as_well_and_a_link_in_place_of_a_copy_is_not_written_through(
    kept: Kept, tmp_path: Path
) -> None:
    elsewhere, precious = tmp_path / "disk", tmp_path / "precious"
    elsewhere.mkdir()
    precious.write_bytes(b"all of it")
    kept.folder.mkdir()
    (kept.folder / HERE).symlink_to(elsewhere)
    (elsewhere / f"evt_1.wav{PART}").symlink_to(precious)
    old = elsewhere / "evt_0.wav"
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    told(kept.database, kept.file(1))
    kept.run()

    assert precious.read_bytes() == b"all of it"
    assert not old.exists()


@USED
def test_what_a_burst_is_too_much_is_let_go_at_the_next_look(kept: Kept) -> None:
    kept.asked = {("main", "/2"): Keeping(30 * DAY, 1)}
    kept.platform.content = b"x" * (MIB - 1)
    for number in (1, 2, 3):
        told(kept.database, kept.file(number), number=number)
    kept.run()
    kept.run()
    kept.run()

    assert len(kept.names()) == 1


@USED
def test_one_that_is_larger_than_all_may_be_is_left_out(kept: Kept) -> None:
    kept.asked = {("main", "/2"): replace(kept.asked["main", "/2"], mib=0)}
    told(kept.database, kept.file(1))
    kept.run()

    assert kept.names() == []
