"""The small watches: units, PirsumPhone and directories, and what an unreadable field may not move."""

import json
from dataclasses import asdict, replace
from datetime import date, timedelta

import pytest

from daemon.core import account
from daemon.core.account import (
    Directory,
    DirectoryState,
    File,
    PirsumPhone,
    PirsumPhoneState,
    Units,
    UnitsRule,
    UnitsState,
)
from daemon.core.model import Change, Fact, Json, Kind, Rule, Severity, Verdict

RULE = Rule(timedelta(0), timedelta(0), Severity.WARNING)
G, B, U = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN
TODAY = date(2026, 3, 1)
DAY = timedelta(days=1)
LIMIT = UnitsRule(100, 30 * DAY, RULE)


def units(
    before: UnitsState | None, seen: Units, *, limit: UnitsRule = LIMIT
) -> tuple[UnitsState, Change[UnitsState]]:
    change = account.diff_units(before, seen, limit, TODAY)
    assert change.facts == ()
    restarted = account.load_units(json.loads(json.dumps(account.dump(change.state))))
    assert restarted == change.state
    return restarted, change


def verdicts(change: Change[UnitsState]) -> dict[str, Verdict]:
    return {one.key: one.verdict for one in change.conditions}


@pytest.mark.parametrize(
    ("balance", "expected"),
    [(250.5, G), (100.01, G), (100, G), (99.99, B), (0, B), (-3, B), (None, U)],
)
def test_units_are_low_below_the_limit_and_not_at_it(balance: float | None, expected: Verdict) -> None:
    _, change = units(None, Units(balance, TODAY + 99 * DAY))

    assert verdicts(change) == {"units/low": expected, "units/expiring": G}


@pytest.mark.parametrize(
    ("days", "expected"), [(365, G), (31, G), (30, B), (29, B), (1, B), (0, B), (-1, B), (-400, B)]
)
def test_units_expire_soon_from_the_first_day_within_the_time(days: int, expected: Verdict) -> None:
    _, change = units(None, Units(500, TODAY + days * DAY))

    assert verdicts(change) == {"units/low": G, "units/expiring": expected}


def test_an_unreadable_date_says_nothing_of_the_expiry() -> None:
    assert verdicts(units(None, Units(500, None))[1]) == {"units/low": G, "units/expiring": U}


@pytest.mark.parametrize(
    ("limit", "keys"),
    [
        (UnitsRule(100, None, RULE), ["units/low"]),
        (UnitsRule(None, 30 * DAY, RULE), ["units/expiring"]),
        (UnitsRule(None, None, RULE), []),
        (UnitsRule(0, timedelta(0), RULE), ["units/low", "units/expiring"]),
    ],
)
def test_only_what_is_watched_is_judged(limit: UnitsRule, keys: list[str]) -> None:
    assert list(verdicts(units(None, Units(5, TODAY), limit=limit)[1])) == keys


def test_the_events_of_units_show_the_balance_and_the_days_left() -> None:
    _, change = units(None, Units(42.5, date(2026, 3, 11)))

    for condition in change.conditions:
        assert condition.payload == {"units": {"balance": 42.5, "expires_on": "2026-03-11", "days_left": 10}}
        assert (condition.subject, condition.rule) == ("units", RULE)
    assert [one.kind for one in change.conditions] == [
        Kind("units.low", "units.ok"),
        Kind("units.expiring", "units.renewed"),
    ]


def test_what_cannot_be_read_of_the_units_keeps_what_was_known() -> None:
    state, _ = units(None, Units(42, date(2026, 3, 11)))
    state, change = units(state, Units(None, None))

    assert state == UnitsState(42, "2026-03-11")
    assert verdicts(change) == {"units/low": U, "units/expiring": U}
    assert change.conditions[0].payload == {"units": {"balance": None, "expires_on": None, "days_left": None}}


def test_a_balance_of_nothing_is_a_balance() -> None:
    state, _ = units(None, Units(42, TODAY))

    assert units(state, Units(0, TODAY))[0] == UnitsState(0, "2026-03-01")


def pirsumphone(*answers: bool | None, is_emitting: bool = False) -> list[Fact]:
    """The facts of several answers, with a restart after each."""
    state: PirsumPhoneState | None = None
    facts: list[Fact] = []
    for answer in answers:
        change = account.diff_pirsumphone(state, PirsumPhone(answer), is_emitting=is_emitting)
        state = account.load_pirsumphone(json.loads(json.dumps(account.dump(change.state))))
        assert (state, change.conditions) == (change.state, ())
        facts += change.facts
    return facts


REGISTERED = Fact("pirsumphone.registered", "pirsumphone", {"pirsumphone": {"registered": True}})
UNREGISTERED = Fact("pirsumphone.unregistered", "pirsumphone", {"pirsumphone": {"registered": False}})


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((True,), []),
        ((False,), []),
        ((True, True), []),
        ((True, False), [UNREGISTERED]),
        ((False, True), [REGISTERED]),
        ((False, True, True, False, False), [REGISTERED, UNREGISTERED]),
        ((True, None, True), []),
        ((True, None, False), [UNREGISTERED]),
        ((None, True), []),
        ((None, True, False), [UNREGISTERED]),
    ],
)
def test_a_change_of_the_service_is_told_once(answers: tuple[bool | None, ...], expected: list[Fact]) -> None:
    assert pirsumphone(*answers) == expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((True, True), [REGISTERED]),
        ((False,), [UNREGISTERED]),
        ((None, None), []),
        ((None, True), [REGISTERED]),
    ],
)
def test_the_first_readable_answer_is_told_where_the_baseline_is_asked_for(
    answers: tuple[bool | None, ...], expected: list[Fact]
) -> None:
    assert pirsumphone(*answers, is_emitting=True) == expected


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


def holding(many: int | None, highest: File | None) -> Directory:
    return Directory("ivr", 0, many, many, highest, None)


def directory(
    before: DirectoryState | None, seen: Directory, *, path: str = "/2", is_emitting: bool = False
) -> tuple[DirectoryState, tuple[Fact, ...]]:
    change = account.diff_directory(before, seen, path, is_emitting=is_emitting)
    assert change.conditions == ()
    restarted = account.load_directory(json.loads(json.dumps(account.dump(change.state))))
    assert restarted == change.state
    return restarted, change.facts


def after(before: Directory, seen: Directory) -> tuple[Fact, ...]:
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
            "directory": {"path": "/2", "content_files": 6, "content_files_before": 5, "added": 1},
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

    assert (account.directory_subject(path), fact.subject) == (subject, subject)
