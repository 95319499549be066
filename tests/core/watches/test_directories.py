"""Directories: what is a new recording, and what an unreadable field may not move."""

import json
from dataclasses import asdict, replace

import pytest

from daemon.core.files import File
from daemon.core.model import Fact, Json
from daemon.core.watches import directories
from daemon.core.watches.directories import Folder, Observation, State


def recording(number: int, unique_id: str | None = None) -> File:
    return File(
        name=f"{number:03}.wav",
        unique_id=unique_id or f"id-{number}",
        path=f"ivr2:/2/{number:03}.wav",
        size_bytes=1234,
        modified="2026-03-01 10:00:00",
        duration="01:23",
        phone="0501234567",
        source="phone",
        date="01/03/2026 10:00",
    )


def holding(many: int | None, highest: File | None) -> Observation:
    return Observation("ivr", 0, many, many, highest, None)


def directory(
    before: State | None, seen: Observation, *, path: str = "/2", is_emitting: bool = False
) -> tuple[State, tuple[Fact, ...]]:
    change = directories.diff(before, seen, Folder(path, is_emitting))
    assert change.conditions == ()
    kept = {name: one for name, one in directories.pieces(before, change.state).items() if one is not None}
    text = json.dumps(directories.dump(change.state))
    restarted = directories.load(json.loads(text), kept) if before != change.state else change.state
    assert restarted == change.state
    return restarted, change.facts


def after(before: Observation, seen: Observation) -> tuple[Fact, ...]:
    """The facts of the second of two answers."""
    return directory(directory(None, before)[0], seen)[1]


def added(facts: tuple[Fact, ...]) -> tuple[Json, Json]:
    """How many were added, and the file that is shown."""
    (fact,) = facts
    found, file = fact.payload["directory"], fact.payload["file"]
    assert isinstance(found, dict)
    assert file is None or isinstance(file, dict)
    return found["added"], file and file["name"]


def test_the_baseline_of_a_directory_is_silent() -> None:
    assert directory(None, holding(5, recording(4)))[1] == ()


def test_the_baseline_of_a_directory_is_told_where_that_is_asked_for() -> None:
    assert added(directory(None, holding(5, recording(4)), is_emitting=True)[1]) == (5, "004.wav")


def test_the_baseline_of_an_empty_directory_has_nothing_to_tell() -> None:
    assert directory(None, holding(0, None), is_emitting=True)[1] == ()


def test_the_same_answer_again_is_no_news() -> None:
    assert after(holding(5, recording(4)), holding(5, recording(4))) == ()


def test_a_new_recording_is_told_with_its_file() -> None:
    (fact,) = after(holding(5, recording(4)), holding(6, recording(5)))

    assert fact == Fact(
        "directory.file.added",
        "directory/2",
        {
            "directory": {
                "path": "/2",
                "content_files": 6,
                "content_files_before": 5,
                "added": 1,
                "this_path": None,
                "parent_path": None,
            },
            "file": asdict(recording(5)),
        },
    )


def test_the_first_recording_of_an_empty_directory_is_told() -> None:
    assert added(after(holding(0, None), holding(1, recording(0)))) == (1, "000.wav")


def test_several_recordings_between_two_answers_are_one_event_that_says_how_many() -> None:
    assert added(after(holding(5, recording(4)), holding(8, recording(7)))) == (3, "007.wav")


def test_a_recording_below_the_highest_is_told_without_a_file() -> None:
    assert added(after(holding(5, recording(9)), holding(6, recording(9)))) == (1, None)


def test_a_recording_that_replaced_the_highest_is_told() -> None:
    assert added(after(holding(5, recording(4)), holding(5, recording(4, "other")))) == (1, "004.wav")


def test_a_new_highest_is_told_though_others_were_deleted() -> None:
    assert added(after(holding(5, recording(4)), holding(3, recording(5)))) == (1, "005.wav")


def test_the_file_that_comes_to_the_top_when_the_highest_is_deleted_is_not_new() -> None:
    assert after(holding(5, recording(4)), holding(4, recording(3))) == ()


def test_deleting_below_the_highest_is_no_news() -> None:
    assert after(holding(5, recording(4)), holding(4, recording(4))) == ()


def test_a_recording_that_takes_the_place_of_a_deleted_one_is_told() -> None:
    state, _ = directory(None, holding(5, recording(4)))
    state, deleted = directory(state, holding(4, recording(3)))
    _, facts = directory(state, holding(5, recording(4, "other")))

    assert (deleted, added(facts)) == ((), (1, "004.wav"))


def test_a_directory_that_was_emptied_and_filled_again_is_told() -> None:
    state, _ = directory(None, holding(1, recording(0)))
    state, emptied = directory(state, holding(0, None))
    _, facts = directory(state, holding(1, recording(0, "other")))

    assert (emptied, added(facts)) == ((), (1, "000.wav"))


def test_a_count_that_cannot_be_read_keeps_the_old_one() -> None:
    state, _ = directory(None, holding(5, recording(4)))
    state, blind = directory(state, holding(None, recording(4)))
    _, facts = directory(state, holding(6, recording(4)))

    assert (blind, added(facts)) == ((), (1, None))


def test_a_new_highest_is_told_though_the_count_cannot_be_read() -> None:
    (fact,) = after(holding(5, recording(4)), holding(None, recording(5)))

    assert fact.payload["directory"] == {
        "path": "/2",
        "content_files": None,
        "content_files_before": 5,
        "added": 1,
        "this_path": None,
        "parent_path": None,
    }


def test_files_of_other_kinds_and_folders_are_no_recordings() -> None:
    before = holding(5, recording(4))

    assert after(before, replace(before, files=9, dirs=3, type="menu")) == ()


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("/2", "directory/2"),
        ("2", "directory/2"),
        ("ext/1", "directory/ext/1"),
        ("/", "directory/."),
        (".", "directory/."),
    ],
)
def test_the_subject_of_a_directory_is_its_path(path: str, subject: str) -> None:
    state, _ = directory(None, holding(0, None), path=path)
    (fact,) = directory(state, holding(1, recording(0)), path=path)[1]

    assert (directories.subject(path), fact.subject) == (subject, subject)
