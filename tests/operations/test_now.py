"""What is there right now: of a day that was lived, on both engines; and of thousands of systems."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.model import Fact, Failure
from daemon.core.refusals import Refused
from daemon.core.timestamps import iso
from daemon.core.watches.api import Problems
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.operations import now as operations
from daemon.operations.now import LOOKED_AT, UNWELL, Asked, now
from daemon.schemas.now import MOST_AGENTS, MOST_CALLERS, MOST_PHONES, Now, NowSystem
from daemon.schemas.status import Configured, Running
from daemon.store import events, subjects, watches
from daemon.store.database import Database
from tests.support import stores
from tests.support.engines import ON_SQLITE, USED
from tests.support.examples import examples
from tests.support.fakes import START, Ids
from tests.support.story import Story

pytestmark = USED
SECOND = timedelta(seconds=1)
EVERY = 10 * SECOND
CONFIGURED = Configured({("main", "sip"): EVERY, ("main", "sms"): EVERY}, ())
UP, DOWN, UNKNOWN = SubjectState.UP, SubjectState.DOWN, SubjectState.UNKNOWN


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "yemotd.db")


def of_story(story: Story, asked: Asked = operations.EVERYTHING) -> Now:
    running = Running("4711", last_seen=story.poller.unflushed())
    with story.database.read() as db:
        return now(db, CONFIGURED, running, story.clock.now(), asked)


def only(document: Now) -> NowSystem:
    (system,) = document.systems
    return system


def at(seconds: float) -> str:
    return iso(START + timedelta(seconds=seconds))


def test_a_phone_is_off_since_a_time_between_two_looks(story: Story) -> None:
    story.phone("077", (33, 10_000))
    story.phone("088")
    story.run(until=35)
    story.poller.flush()  # as the daemon does every few seconds
    story.run(until=300)
    document = of_story(story)
    story.database.close()

    phones = only(document).phones
    assert phones is not None
    assert (phones.on, phones.off, phones.unknown) == (1, 1, 0)
    (one,) = phones.listed
    assert (one.name, one.state, one.since) == ("077", "down", at(40))
    assert one.changed_between == (at(30), at(40))
    assert one.incident is not None
    assert document.sums.model_dump() == {
        "systems": 1,
        "unwell": 1,
        "phones_off": 1,
        "phones_unknown": 0,
    }


def test_one_that_was_off_at_the_first_look_has_no_beginning(story: Story) -> None:
    story.phone("077", (0, 10_000))
    story.run(until=300)
    phones = only(of_story(story)).phones
    story.database.close()

    assert phones is not None
    assert phones.listed[0].changed_between == (None, at(0))


def test_nobody_who_looks_is_not_told_that_it_is_well(story: Story) -> None:
    """The daemon has ended: what it saw last is old, and said to be."""
    story.phone("077", (33, 10_000))
    story.phone("088")
    story.run(until=300)
    story.clock.advance(600)
    document = of_story(story)
    story.database.close()

    phones = only(document).phones
    assert phones is not None
    assert (phones.on, phones.off, phones.unknown) == (0, 0, 2)
    assert phones.age_seconds is not None
    assert phones.age_seconds >= 600
    assert {one.why["was"] for one in phones.listed} == {"up", "down"}
    assert document.sums.phones_off == 0
    assert document.sums.unwell == 1


def test_while_the_api_is_away_nothing_is_known_and_that_is_said(story: Story) -> None:
    story.phone("077", (33, 10_000))
    story.api_fails(100, 10_000, Failure.TIMEOUT)
    story.run(until=200)
    system = only(of_story(story))
    story.database.close()

    assert system.phones is not None
    assert (system.phones.off, system.phones.unknown) == (0, 1)
    assert system.phones.listed[0].why["failure"] == "timeout"
    assert system.api is not None
    assert system.api.state == "down"


DROPS = st.lists(st.tuples(st.integers(0, 180), st.integers(1, 60)), max_size=4)
BLIND = st.lists(st.tuples(st.integers(0, 180), st.integers(1, 40)), max_size=2)


@ON_SQLITE
@given(drops=DROPS, blind=BLIND, until=st.integers(20, 200))
@settings(max_examples=examples(20), deadline=None)
def test_the_interval_is_never_a_lie(
    drops: Sequence[tuple[int, int]], blind: Sequence[tuple[int, int]], until: int
) -> None:
    """Whatever a phone and the API do: it was off at every look since the second end, and on at the first."""
    with TemporaryDirectory() as folder:
        story = Story(Path(folder, "yemotd.db"))
        story.phone("077", *((start, start + length) for start, length in drops))
        story.phone("088")
        for start, length in blind:
            story.api_fails(start, start + length, Failure.TIMEOUT)
        story.run(until=until, step=10)
        phones = only(of_story(story)).phones
        story.database.close()
    looks = [
        second
        for second in range(0, until, 10)
        if not any(start <= second < start + length for start, length in blind)
    ]

    def is_off(second: int) -> bool:
        return any(start <= second < start + length for start, length in drops)

    assert phones is not None
    off = [one for one in phones.listed if one.state == "down"]
    last_look = (until - 1) // 10 * 10
    assert bool(off) == (bool(looks) and looks[-1] == last_look and is_off(last_look))
    for one in off:
        assert one.changed_between is not None
        after, before = one.changed_between
        assert before == one.since
        began = next(second for second in looks if at(second) == before)
        assert all(is_off(second) for second in looks if second >= began)
        earlier = [second for second in looks if second < began]
        if after is not None:
            # Not always the last look: what is unchanged is written down every few seconds.
            seen_on = next(second for second in earlier if at(second) == after)
            assert not any(is_off(second) for second in earlier if second >= seen_on)
        else:
            assert not earlier


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return stores.at(tmp_path / "now.db")


def see(database: Database, *seen: Subject, system: str = "main", when: datetime = START) -> Configured:
    """Subjects that were seen; what is configured with them."""
    of_watch = {SubjectKind.SIP: "sip"}
    with database.write() as db:
        for one in seen:
            watch = of_watch.get(one.kind, one.subject)
            subjects.save(db, (system, watch), [one], when, None)
            watches.save_observed(db, (system, watch), "{}", now=when, problems=Problems())
    names = dict.fromkeys(of_watch.get(one.kind, one.subject) for one in seen)
    return Configured({(system, name): 30 * SECOND for name in names}, ())


def look(
    database: Database,
    configured: Configured,
    asked: Asked = operations.EVERYTHING,
    seconds: float = 10,
) -> Now:
    with database.read() as db:
        return now(db, configured, Running(), START + timedelta(seconds=seconds), asked)


CALLERS: list[dict[str, object]] = [
    {"call_id": "c1", "phone": "0501234567", "wait_seconds": 200, "position": 1},
    {"call_id": "c2", "phone": "0501234568", "wait_seconds": None, "position": None},
]
AGENTS: list[dict[str, object]] = [
    {"name": "Dana", "paused": False, "status": "1", "calls_taken": 12},
    {"name": "Moshe", "paused": True, "status": "1", "calls_taken": 3},
    {"name": "Yael", "paused": False, "status": "5", "calls_taken": None},
    {"name": "Gil", "paused": None, "status": None, "calls_taken": None},
    {"name": "Noa", "paused": False, "status": "2", "calls_taken": 1},
    {"name": "Avi", "paused": None, "status": "1", "calls_taken": 1},
]


def queue(callers: object = CALLERS, agents: object = AGENTS, **more: object) -> Subject:
    details = {"callers": callers, "agents": agents, "unread": [], **more}
    metrics = {"calls_waiting": 2, "longest_wait_seconds": 200}
    return Subject("queue/5", SubjectKind.QUEUE, UP, "sales", metrics=metrics, details=details)  # type: ignore[arg-type]


def test_who_waits_and_who_answers(database: Database) -> None:
    (one,) = only(look(database, see(database, queue()))).queues
    database.close()

    assert (one.name, one.waiting, one.longest_wait_seconds, one.is_current) == ("sales", 2, 200, True)
    assert [(each.phone, each.waited_seconds, each.since) for each in one.callers] == [
        ("0501234567", 200, at(-200)),
        ("0501234568", None, None),
    ]
    assert {each.name: each.state for each in one.agents} == {
        "Dana": "free",
        "Moshe": "paused",
        "Yael": "away",
        "Gil": "unknown",
        "Noa": "on_call",
        "Avi": "unknown",
    }
    assert one.agent_counts == {"free": 1, "on_call": 1, "paused": 1, "away": 1, "unknown": 2}
    assert one.age_seconds == 10


def test_a_queue_that_is_not_seen_any_more_says_how_it_was(database: Database) -> None:
    (one,) = only(look(database, see(database, queue()), seconds=1000)).queues
    database.close()

    assert (one.state, one.is_current, one.waiting, one.age_seconds) == ("unknown", False, 2, 1000)


@pytest.mark.parametrize(
    "listed", [None, "x", [None, 5, "x"], [{}], [{"phone": None, "name": None, "wait_seconds": "x"}]]
)
def test_what_another_version_stored_breaks_nothing(database: Database, listed: object) -> None:
    (one,) = only(look(database, see(database, queue(listed, listed, unread=None)))).queues
    database.close()

    assert one.waiting == 2


def test_a_wait_of_years_is_no_date(database: Database) -> None:
    callers = [{"call_id": "c", "phone": "1", "wait_seconds": 10**12, "position": 1}]
    (one,) = only(look(database, see(database, queue(callers)))).queues
    database.close()

    assert one.callers[0].since is None


def test_lists_are_cut_and_say_so(database: Database) -> None:
    callers = [{**CALLERS[0], "call_id": f"c{each}"} for each in range(MOST_CALLERS + 7)]
    agents = [{**AGENTS[0], "name": f"a{each}"} for each in range(MOST_AGENTS + 9)]
    phones = [Subject(f"sip/{each}", SubjectKind.SIP, DOWN) for each in range(MOST_PHONES + 5)]
    system = only(look(database, see(database, queue(callers, agents), *phones)))
    database.close()

    (one,) = system.queues
    assert system.phones is not None
    assert (len(one.callers), one.callers_more) == (MOST_CALLERS, 7)
    assert (len(one.agents), one.agents_more, one.agent_counts) == (
        MOST_AGENTS,
        9,
        {"free": MOST_AGENTS + 9},
    )
    assert (len(system.phones.listed), system.phones.more) == (MOST_PHONES, 5)


def test_units_and_the_last_message(database: Database) -> None:
    units = Subject("units", SubjectKind.UNITS, UP, metrics={"balance": 12.5, "expires_on": "2027-01-31"})
    configured = see(database, units, Subject("sms", SubjectKind.SMS, UP))
    new_id = Ids()
    with database.write() as db:
        for name, sender in (("main", "0501"), ("main", "0502"), ("other", "0503")):
            sms = {"sms": {"from": sender, "to": "077", "text": "1234", "received_at": None}}
            events.record(db, name, [Fact("sms.received", f"sms/{sender}", sms)], START, new_id)
    document = look(database, configured)
    database.close()

    system = only(document)
    assert system.units is not None
    assert (system.units.balance, system.units.expires_on) == (12.5, "2027-01-31")
    assert system.sms is not None
    assert system.sms.last is not None
    assert (system.sms.last.sender, system.sms.last.age_seconds) == ("0502", 10)
    assert "1234" not in document.model_dump_json()


def test_of_a_system_without_a_message_it_is_said_how_far_was_looked_back(database: Database) -> None:
    configured = see(database, Subject("sms", SubjectKind.SMS, UP))
    first = only(look(database, configured)).sms
    with database.write() as db:
        facts = [Fact("sms.received", "sms/1", {"sms": {}})] * (LOOKED_AT + 1)
        events.record(db, "other", facts, START, Ids())
    then = only(look(database, configured)).sms
    database.close()

    assert first is not None
    assert then is not None
    assert (first.last, first.none_since) == (None, None)
    assert (then.last, then.none_since) == (None, at(0))


def test_what_else_is_not_well_is_there_too(database: Database) -> None:
    seen = (
        Subject("pirsumphone", SubjectKind.PIRSUMPHONE, DOWN),
        Subject("directory/2", SubjectKind.DIRECTORY, UP),
    )
    system = only(look(database, see(database, *seen)))
    database.close()

    assert [(one.subject, one.state) for one in system.others] == [("pirsumphone", "down")]
    assert (system.phones, system.units, system.sms) == (None, None, None)


def test_a_watch_that_was_never_polled_is_not_known(database: Database) -> None:
    system = only(look(database, Configured({("main", "sip"): EVERY, ("main", "queue/5"): EVERY}, ())))
    database.close()

    assert system.phones is not None
    assert (system.phones.seen_at, system.phones.on) == (None, 0)
    assert [(one.state, one.is_current, one.waiting) for one in system.queues] == [("unknown", False, None)]


def many(database: Database, systems: int, unwell: Sequence[int]) -> Configured:
    watched: dict[tuple[str, str], timedelta] = {}
    for each in range(systems):
        state = DOWN if each in unwell else UP
        found = see(database, Subject("sip/1", SubjectKind.SIP, state), system=f"s{each:05}")
        watched |= found.watches
    return Configured(watched, ())


def test_many_systems_come_in_parts_and_none_is_missed(database: Database) -> None:
    configured = many(database, 7, unwell=(2, 5))
    parts, after = list[Now](), None
    while not parts or after:
        parts.append(look(database, configured, Asked(after=after, limit=3)))
        after = parts[-1].next
    unwell = look(database, configured, Asked(only=UNWELL))
    database.close()

    names = [one.name for part in parts for one in part.systems]
    assert names == [f"s{each:05}" for each in range(7)]
    assert all(one < another for one, another in pairwise(names))
    assert {part.sums.model_dump_json() for part in parts} == {unwell.sums.model_dump_json()}
    assert (unwell.sums.systems, unwell.sums.unwell, unwell.sums.phones_off) == (7, 2, 2)
    assert [one.name for one in unwell.systems] == ["s00002", "s00005"]


@pytest.mark.parametrize("asked", [Asked(system="none"), Asked(after="none")])
def test_a_system_that_is_not_watched_is_refused(database: Database, asked: Asked) -> None:
    with pytest.raises(Refused, match="nothing is watched of a system 'none'"):
        look(database, many(database, 1, ()), asked)
    database.close()
