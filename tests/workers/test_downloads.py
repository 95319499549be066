"""Recordings that are fetched: shared, bounded, ended with who waits, whatever the platform does."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from daemon.core.files import File
from daemon.core.model import Failure, Unknown
from daemon.core.recordings import Recording
from daemon.workers.downloads import AT_ONCE, KEPT, Downloads, Fetched, FullError, Held

PATIENCE = 10.0
CONTENT = b"RIFF" * 100
LATER = KEPT.total_seconds() + 1


def recording(number: int = 1) -> Recording:
    file = File(f"{number:03}.wav", f"u{number}", None, len(CONTENT), None, None, None, None, None)
    return Recording(f"evt_{number}", "main", "/2", file)


class Platform:
    """What gives files, when it is told to."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()
        self.asked: list[str] = []
        self.content = CONTENT
        self.broken_off = threading.Event()
        self.answer: Unknown | OSError | RuntimeError | None = None

    def fetch(self, wanted: Recording, into: BinaryIO, is_wanted: Callable[[], bool]) -> int | Unknown:
        self.asked.append(wanted.event)
        while not self.go_on.wait(0.01):
            if not is_wanted():
                self.broken_off.set()
                return Unknown(Failure.OURS, "nobody waits for it any more")
        if isinstance(self.answer, Unknown):
            return self.answer
        if self.answer is not None:
            raise self.answer
        into.write(self.content)
        return len(self.content)


class Watch:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def downloads(platform: Platform, watch: Watch, tmp_path: Path) -> Iterator[Downloads]:
    one = Downloads(platform.fetch, lambda: tmp_path, monotonic=watch)
    yield one
    platform.go_on.set()
    one.close()


def content(held: Held) -> bytes:
    result = held.wait(PATIENCE)
    assert isinstance(result, Fetched)
    return result.read(result.size, 0)


def test_a_recording_is_fetched_and_leaves_no_file_behind(downloads: Downloads, tmp_path: Path) -> None:
    with downloads.hold(recording()) as held:
        assert content(held) == CONTENT
        assert held.result is not None
        assert list(tmp_path.iterdir()) == []


def test_two_who_want_the_same_share_it_also_one_after_the_other(
    downloads: Downloads, platform: Platform
) -> None:
    with downloads.hold(recording()) as one, downloads.hold(recording()) as two:
        assert content(one) == content(two) == CONTENT
    with downloads.hold(recording()) as three:
        assert content(three) == CONTENT

    assert platform.asked == ["evt_1"]


def test_what_nobody_asks_for_any_more_is_let_go(
    downloads: Downloads, platform: Platform, watch: Watch
) -> None:
    with downloads.hold(recording()) as held:
        content(held)
    watch.now += LATER
    downloads.tidy()

    assert downloads.under_way == 0
    with downloads.hold(recording()) as held:
        content(held)
    assert platform.asked == ["evt_1", "evt_1"]


def test_there_are_four_at_a_time_and_a_fifth_waits_for_a_place(
    downloads: Downloads, platform: Platform
) -> None:
    platform.go_on.clear()
    held = [downloads.hold(recording(number)) for number in range(AT_ONCE)]
    with pytest.raises(FullError):
        downloads.hold(recording(99))
    same = downloads.hold(recording(0))
    platform.go_on.set()
    for one in [*held, same]:
        assert content(one) == CONTENT
    with pytest.raises(FullError):
        downloads.hold(recording(99))
    for one in [*held, same]:
        one.release()

    with downloads.hold(recording(99)) as fifth:
        assert content(fifth) == CONTENT
    assert downloads.under_way == AT_ONCE


def test_it_ends_when_the_last_who_waits_has_left(downloads: Downloads, platform: Platform) -> None:
    platform.go_on.clear()
    one, two = downloads.hold(recording()), downloads.hold(recording())
    one.release()
    assert not platform.broken_off.wait(0.05)
    two.release()

    assert platform.broken_off.wait(PATIENCE)


def test_who_comes_after_all_had_left_gets_one_of_his_own(downloads: Downloads, platform: Platform) -> None:
    platform.go_on.clear()
    downloads.hold(recording()).release()
    assert platform.broken_off.wait(PATIENCE)
    platform.go_on.set()

    with downloads.hold(recording()) as held:
        assert content(held) == CONTENT


def test_a_failure_is_told_and_not_kept(downloads: Downloads, platform: Platform) -> None:
    platform.answer = Unknown(Failure.FILTERED, "a page")
    told = threading.Event()
    with downloads.hold(recording()) as held:
        held.when_done(told.set)
        assert held.wait(PATIENCE) == platform.answer
        assert told.wait(PATIENCE)
    platform.answer = None

    with downloads.hold(recording()) as held:
        assert content(held) == CONTENT


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), RuntimeError("a fault of ours")])
def test_a_fault_of_ours_is_told_as_one(
    downloads: Downloads, platform: Platform, fault: OSError | RuntimeError
) -> None:
    platform.answer = fault
    with downloads.hold(recording()) as held:
        result = held.wait(PATIENCE)

    assert isinstance(result, Unknown)
    assert result.failure is Failure.OURS
    assert downloads.failures == 1


def test_a_folder_that_is_not_there_is_an_error_at_once(
    platform: Platform, watch: Watch, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="No such file"):
        Downloads(platform.fetch, lambda: tmp_path / "none", monotonic=watch).hold(recording())


def test_a_copy_on_the_disk_is_taken_in_place_of_the_platform(
    platform: Platform, watch: Watch, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(b"kept")
    one = Downloads(platform.fetch, lambda: tmp_path, monotonic=watch, kept=lambda _recording: copy)
    with one.hold(recording()) as held:
        first = content(held)
    copy.unlink()
    with one.hold(recording(2)) as held:
        second = content(held)
    one.close()

    assert (first, second, platform.asked) == (b"kept", CONTENT, ["evt_2"])


def test_after_the_end_nobody_begins(downloads: Downloads) -> None:
    downloads.close()

    with pytest.raises(FullError):
        downloads.hold(recording())


def test_who_does_not_wait_so_long_is_told_so(downloads: Downloads, platform: Platform) -> None:
    platform.go_on.clear()
    with downloads.hold(recording()) as held:
        assert isinstance(held.wait(0.01), Unknown)
