"""Names given and taken away, which of several counts, and a queue by its name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.core.contacts import NOBODY, Added, Configured, Contacts, Source
from daemon.core.durations import DAY
from daemon.core.refusals import Refused, Why
from daemon.core.routing.silences import Wish
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.operations import contacts, silences
from daemon.operations.contacts import named, queue_named
from daemon.store import contacts as kept
from daemon.store import subjects
from daemon.store.database import Database
from tests.support import stores
from tests.support.fakes import START
from tests.support.hostile import REFUSED

NONE = Configured()


@pytest.fixture
def database(engine: str, tmp_path: Path) -> Iterator[Database]:
    one = stores.at(tmp_path / "contacts.db")
    yield one
    one.close()


def add(database: Database, number: str, name: str, configured: Configured = NONE) -> Added:
    with database.write() as db:
        return contacts.add(db, number, name, author="ops", now=START, configured=configured)


def watch(database: Database, *queues: tuple[str, str, str]) -> None:
    """Queues that are watched: system, path, name."""
    with database.write() as db:
        for system, path, name in queues:
            one = Subject(f"queue/{path}", SubjectKind.QUEUE, SubjectState.UP, name)
            subjects.save(db, (system, f"queue/{path}"), [one], START, None)


def test_a_name_is_given_changed_and_taken_away(database: Database) -> None:
    assert add(database, " 054-1234567 ", " Dana ").before is None
    assert add(database, "+972541234567", "Rami").before == "Dana"
    with database.write() as db:
        gone = contacts.remove(db, "sip/0541234567", NONE)

    assert (gone.number, gone.name, gone.author) == ("+972541234567", "Rami", "ops")
    with database.read() as db:
        assert kept.book(db).size == 0


def test_the_same_once_more_changes_nothing(database: Database) -> None:
    add(database, "0541234567", "Dana")
    with database.read() as db:
        before = kept.book(db)
    again = add(database, "0541234567", "Dana")

    assert again.before == "Dana"
    with database.read() as db:
        assert kept.book(db) == before


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_name_is_refused(database: Database, name: str) -> None:
    with pytest.raises(Refused) as refused:
        add(database, "0541234567", name)

    assert refused.value.why is Why.WRONG
    assert refused.value.fields == ("name",)
    with database.read() as db:
        assert kept.book(db).size == 0


def test_as_many_as_may_be_and_no_more(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "MOST", 2)
    add(database, "0541111111", "a")
    add(database, "0542222222", "b")

    with pytest.raises(Refused) as refused:
        add(database, "0543333333", "c")
    assert refused.value.why is Why.CONFLICT
    assert add(database, "0542222222", "B").before == "b"
    with pytest.raises(Refused), database.read() as db:
        contacts.room(db, [("0541111111", "x"), ("0549999999", "y")])
    with pytest.raises(Refused), database.write() as db:
        contacts.take_in(db, [("0549999999", "y")], author="ops", now=START, configured=NONE)


def test_the_configuration_counts_and_who_gives_another_name_is_told(database: Database) -> None:
    configured = Configured({"0541234567": "Dana"}, {"/5": "Sales", "0541234567": "D."})

    assert add(database, "0541234567", "Rami", configured).contact.shown_as == (Source.CONFIGURATION, "Dana")
    assert add(database, "0541234567", "Dana", configured).contact.shown_as is None
    assert add(database, "queue/5", "Service", configured).contact.shown_as == (Source.FILE, "Sales")
    assert add(database, "0529999999", "Rami", configured).contact.shown_as is None
    with database.read() as db:
        each = [(one.source, one.name, one.shown_as) for one in contacts.find(db, ["0541234567"], configured)]
    assert each == [
        (Source.CONFIGURATION, "Dana", None),
        (Source.FILE, "D.", (Source.CONFIGURATION, "Dana")),
        (Source.STORE, "Dana", None),
    ]


def test_what_the_configuration_names_is_not_taken_out_of_the_store(database: Database) -> None:
    with (
        pytest.raises(Refused, match="the file has one, and is where to take it out") as refused,
        database.write() as db,
    ):
        contacts.remove(db, "0541234567", Configured({}, {"0541234567": "Dana"}))
    assert refused.value.why is Why.MISSING


def test_pages_of_all_sources_together_have_each_once(database: Database) -> None:
    configured = Configured(
        {f"a{number:02}": "x" for number in range(7)}, {f"b{number:02}": "y" for number in range(9)}
    )
    for number in range(8):
        add(database, f"c{number:02}", "z")
    for limit in (1, 3, 7, 8, 100):
        found: list[str] = []
        after = None
        with database.read() as db:
            while True:
                page, after = contacts.listed(db, configured, after=after, limit=limit)
                found += [one.key for one in page]
                assert len(page) <= limit
                if after is None:
                    break
        assert found == [
            *sorted(configured.table),
            *sorted(configured.file),
            *(f"c{one:02}" for one in range(8)),
        ]
    with database.read() as db, pytest.raises(Refused):
        contacts.listed(db, configured, after="x", limit=3)
    with database.read() as db:
        found_by_name, _ = contacts.listed(db, configured, after=None, limit=100, name="Z")
        assert [one.key for one in found_by_name] == [f"c{one:02}" for one in range(8)]


def test_many_are_brought_in_and_what_came_of_it_is_told(database: Database) -> None:
    add(database, "0541111111", "a")
    add(database, "0542222222", "b")
    these = [("0541111111", "a"), ("0542222222", "B"), ("0543333333", "c"), ("/5", "Sales")]
    with database.write() as db:
        taken = contacts.take_in(
            db, these, author="ops", now=START, configured=Configured({}, {"/5": "Service"})
        )
        assert (taken.added, taken.changed, taken.same, taken.hidden) == (2, 1, 1, 1)
        assert kept.load(db) == {"0541111111": "a", "0542222222": "B", "0543333333": "c", "/5": "Sales"}


def test_of_many_one_that_is_wrong_refuses_all() -> None:
    assert contacts.judged([("054-1234567", " Dana "), ("+972541234567", "Dana")]) == [
        ("054-1234567", "Dana")
    ]
    with pytest.raises(Refused, match="and 1 more are wrong"):
        contacts.judged([("0541234567", "Dana"), ("0541234567", "Rami"), ("", "x")])


def test_a_queue_is_found_by_its_configured_name_and_by_a_contact(database: Database) -> None:
    watch(database, ("main", "5", "מכירות"), ("main", "7", "/7"))
    book = Contacts.of([("/7", "Service desk"), ("0773137770", "Dana")])
    with database.read() as db:
        assert named(db, "queue/מכירות", book) == "queue/5"
        assert named(db, "queue/מְכִירוֹת", book, "main") == "queue/5"
        assert named(db, "queue/service  DESK", book) == "queue/7"
        assert named(db, "sip/dana", book) == "sip/0773137770"
        assert named(db, "sms/Dana", book) == "sms/0773137770"
        assert queue_named(db, "main", "queue/מכירות", book) == "/5"
        assert queue_named(db, "main", "service desk", book) == "/7"
        assert queue_named(db, "main", "queue/5", book) == "/5"


@pytest.mark.parametrize(
    "subject",
    [
        "queue/5",
        "queue/*",
        "*",
        "queue/nobody",
        "sip/0773137770",
        "sip/+972-77*",
        "units",
        "api",
        "queue/",
        "/5",
        "",
    ],
)
def test_what_is_no_name_stays_as_it_is(database: Database, subject: str) -> None:
    watch(database, ("main", "5", "sales"))
    with database.read() as db:
        assert named(db, subject, NOBODY) == subject


@pytest.mark.parametrize("path", ["/5", "5", "/1/2", ".", "/", "elsewhere", "/sales/5"])
def test_the_path_of_a_queue_stays_a_path(database: Database, path: str) -> None:
    watch(database, ("main", "5", "sales"))
    with database.read() as db:
        assert queue_named(db, "main", path, NOBODY) == path


def test_a_name_that_several_have_is_refused_with_the_candidates(database: Database) -> None:
    watch(database, ("main", "5", "sales"), ("other", "7", "Sales"))
    book = Contacts.of([("0541111111", "Dana"), ("0542222222", "Dana")])
    with database.read() as db:
        with pytest.raises(
            Refused, match=r'"queue/sales": queue/5 \(main\), queue/7 \(other\); say which'
        ) as refused:
            named(db, "queue/sales", NOBODY)
        assert refused.value.why is Why.CONFLICT
        assert named(db, "queue/sales", NOBODY, "other") == "queue/7"
        with pytest.raises(Refused, match="sip/0541111111, sip/0542222222"):
            named(db, "sip/dana", book)


def test_of_very_many_candidates_some_are_said(database: Database) -> None:
    book = Contacts.of([(f"054{number:07}", "Dana") for number in range(50)])
    with database.read() as db, pytest.raises(Refused, match="and 40 more; say which"):
        named(db, "sms/Dana", book)


def test_one_subject_by_two_ways_is_one(database: Database) -> None:
    watch(database, ("main", "5", "sales"), ("other", "5", "sales"))
    with database.read() as db:
        assert named(db, "queue/sales", Contacts.of([("/5", "Sales")])) == "queue/5"


def test_what_is_watched_under_that_very_name_is_meant(database: Database) -> None:
    watch(database, ("main", "sales", "x"), ("main", "5", "sales"))
    with database.read() as db:
        assert named(db, "queue/sales", NOBODY) == "queue/sales"


def test_a_silence_of_a_name_is_about_what_it_means_now(database: Database) -> None:
    watch(database, ("main", "5", "sales"))
    wish = Wish("ops", "we know", subject="queue/Sales", lasts=DAY)
    with database.write() as db:
        silence, _ = silences.mute(db, wish, "sil_1", START, NOBODY)
        again, is_repeat = silences.mute_once(db, wish, "sil_1", START, NOBODY)

    assert silence.subject == "queue/5"
    assert (again.subject, is_repeat) == ("queue/5", True)
