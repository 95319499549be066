"""The rows of the subjects: what leaves keeps its number, and nobody else ever gets it."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.store import pruning, subjects
from daemon.store.database import Database
from tests.support import stores
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.fakes import START

MINUTE = timedelta(minutes=1)
WATCH = ("main", "sip")
UP, DOWN, UNKNOWN = SubjectState.UP, SubjectState.DOWN, SubjectState.UNKNOWN


def account(name: str, state: SubjectState = UP) -> Subject:
    return Subject(f"sip/{name}", SubjectKind.SIP, state, why={} if state is UP else {"registered": False})


def save(database: Database, *seen: Subject, at: datetime = START) -> None:
    with database.write() as db:
        subjects.save(db, WATCH, seen, at, at - MINUTE)


def shown(database: Database) -> dict[str, tuple[SubjectState, datetime, datetime | None]]:
    with database.read() as db:
        return {
            one.seen.subject: (one.standing.state, one.standing.since, one.standing.seen_at)
            for one in subjects.views(db)
        }


def number(database: Database, name: str) -> int | None:
    with database.read() as db:
        return subjects.number(db, "main", f"sip/{name}")


def test_a_row_says_how_it_stands_and_since_when(database: Database) -> None:
    save(database, account("a"))
    save(database, account("a", UNKNOWN), at=START + 5 * MINUTE)
    unknown = shown(database)
    save(database, account("a"), at=START + 9 * MINUTE)

    assert unknown == {"sip/a": (UNKNOWN, START + 5 * MINUTE, START + 4 * MINUTE)}
    assert shown(database) == {"sip/a": (UP, START, START + 9 * MINUTE)}


def test_what_is_loaded_is_what_was_saved(database: Database) -> None:
    full = Subject(
        "queue/5",
        SubjectKind.QUEUE,
        DOWN,
        "מכירות",
        {"metric": "calls_waiting", "value": 7, "above": 5.0},
        {"calls_waiting": 7, "hold_seconds": None},
        {"callers": [], "agents": [{"name": "SIP-5", "paused": None}]},
    )
    save(database, full, account("a"))

    with database.read() as db:
        assert subjects.load(db, *WATCH) == {"queue/5": full, "sip/a": account("a")}
        (_, with_details) = sorted(subjects.views(db, with_details=True), key=lambda one: one.number)[::-1]
        assert with_details.seen == full
        assert subjects.views(db, "other") == []


def test_what_leaves_is_told_no_more_and_is_new_when_it_comes_back(database: Database) -> None:
    save(database, account("a"), account("b"))
    with database.write() as db:
        subjects.leave(db, "main", ["sip/a"], START + MINUTE)
    gone = shown(database)
    save(database, account("a"), at=START + 2 * MINUTE)

    assert list(gone) == ["sip/b"]
    assert shown(database)["sip/a"] == (UP, START + 2 * MINUTE, START + 2 * MINUTE)
    assert (number(database, "a"), number(database, "b")) == (1, 2)


def test_what_is_not_watched_any_more_leaves(database: Database) -> None:
    save(database, account("a"))
    with database.write() as db:
        subjects.save(db, ("main", "api"), [Subject("api", SubjectKind.API, UP)], START, None)
        subjects.sweep(db, {"main": {"api"}}, START + MINUTE)

    assert list(shown(database)) == ["api"]


@USED
@settings(max_examples=examples(60))
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["save", "leave", "forget"])), max_size=20)
)
def test_a_number_is_of_one_subject_as_long_as_it_is_kept(acts: list[tuple[str, str]]) -> None:
    database, owners = stores.new(), dict[int, str]()
    for minute, (name, act) in enumerate(acts):
        now = START + minute * MINUTE
        if act == "save":
            save(database, account(name), at=now)
        with database.write() as db:
            if act == "leave":
                subjects.leave(db, "main", [f"sip/{name}"], now)
            if act == "forget":
                pruning.forget_subjects(db, pruning.old_subjects(db, now).keys, now)
                owners = {number: of for number, of in owners.items() if subjects.number(db, "main", of)}
        found = number(database, name)
        if found is not None:
            assert owners.setdefault(found, f"sip/{name}") == f"sip/{name}"
    database.close()
