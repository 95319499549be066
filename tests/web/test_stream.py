"""The stream over real sockets: what happens is told at once, once, in order, whatever comes between."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.model import Fact, Secret
from daemon.host import clock
from daemon.store import events, pruning, schema
from daemon.store.database import Database
from daemon.web import broadcast
from daemon.web.attempts import Attempts
from daemon.web.auth import Token
from daemon.web.connections import Bounds
from daemon.web.entrance import Entrance
from daemon.web.gate import Gate
from daemon.web.limits import Bodies
from daemon.web.problems import install
from daemon.web.routes import stream
from daemon.web.server import Server
from daemon.web.sessions import Sessions
from daemon.web.waiting import Bell
from tests.support import stores
from tests.support.examples import examples
from tests.support.fakes import START, Ids
from tests.support.following import Follower, Told
from tests.support.http_app import KEY

READER, TRUSTED = "of-a-reader", "of-the-trusted"
DAY = timedelta(days=1)


class Office:
    """A store, and a server whose stream is followed."""

    def __init__(
        self,
        database: Database,
        *,
        most: int = 8,
        heartbeat: float = 60.0,
        ids: Ids | None = None,
        port: int = 0,
        **bounds: float,
    ) -> None:
        self.database, self.bell, self.ids = database, Bell(), ids or Ids()
        database.on_events = self.bell.ring
        self.tokens = [
            Token("reader", Secret(READER), frozenset({"read"})),
            Token("trusted", Secret(TRUSTED), frozenset({"content"})),
        ]
        app = FastAPI()
        install(app)
        router = stream.router(database, lambda: self.tokens, self.bell, most=most, heartbeat=heartbeat)
        app.include_router(router)
        sessions = Sessions(KEY, lambda: self.tokens, lambda: START)
        gate = Gate(sessions, Attempts(clock.monotonic), frozenset)
        routes = [one for one in router.routes if isinstance(one, APIRoute)]
        app.add_middleware(Entrance, routes=routes, bodies=Bodies(), gate=gate)
        limits = replace(Bounds(leaving=60), **bounds)  # type: ignore[arg-type] # all are times
        self.server = Server(app, "127.0.0.1", port, bounds=limits)
        self.server.start()
        self.cleanups = ExitStack()
        self.cleanups.callback(self.close)

    def close(self) -> None:
        self.bell.close()
        self.server.stop(timeout=10)

    def follow(self, token: str = TRUSTED, **asked: Any) -> Follower:
        assert self.server.port
        one = Follower(self.server.port, token, **asked)
        self.cleanups.callback(one.close)
        return one.begun() if one.status == 200 else one

    def happen(self, *subjects: str, type_: str = "sms.received", system: str = "main") -> list[bytes]:
        """An event of each subject, in one commit."""
        facts = [Fact(type_, one, {"sms": {"from": one, "text": "שלום\r\nid: evil"}}) for one in subjects]
        with self.database.write() as db:
            return [one.body for one in events.record(db, system, facts, START, self.ids)]


Open = Callable[..., Office]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as cleanups:
        database = stores.on_file(tmp_path / "web.db")
        cleanups.callback(database.close)

        def start(**given: Any) -> Office:
            office = Office(database, **given)
            cleanups.enter_context(office.cleanups)
            return office

        yield start


def bodies(told: list[Told]) -> list[bytes]:
    return [one.data for one in told]


def test_what_happens_is_told_at_once_as_its_receivers_get_it(opened: Open) -> None:
    office = opened()
    follower = office.follow()
    assert follower.headers["content-type"].startswith("text/event-stream")
    assert follower.retry == stream.RETRY
    written = office.happen("sms/1", "sms/2")

    told = follower.take(2)

    assert bodies(told) == written
    assert [one.id for one in told] == [json.loads(one)["data"]["id"] for one in written]


def test_it_begins_with_what_comes_from_now_on(opened: Open) -> None:
    office = opened()
    office.happen("sms/before")
    follower = office.follow()
    written = office.happen("sms/after")

    assert bodies(follower.take(1)) == written


def test_it_goes_on_after_the_last_event_and_the_header_wins(opened: Open) -> None:
    office = opened()
    written = office.happen("sms/1", "sms/2", "sms/3")
    by_query = office.follow(after="evt_1")
    by_header = office.follow(after="evt_1", last_id="evt_2")
    from_the_first = office.follow(after=events.START)

    assert bodies(by_query.take(2)) == written[1:]
    assert bodies(by_header.take(1)) == written[2:]
    assert bodies(from_the_first.take(3)) == written


def test_where_to_go_on_from_is_said_before_anything_happens(opened: Open) -> None:
    office = opened()
    at_nothing = office.follow()
    assert at_nothing.last_id == events.START
    office.happen("sms/1")
    assert office.follow().last_id == "evt_1"

    at_nothing.close()
    written = office.happen("sms/2")
    again = office.follow(last_id=events.START)
    assert bodies(again.take(2))[1:] == written


def test_an_id_that_is_not_known_is_a_problem(opened: Open) -> None:
    answer = opened().follow(last_id="evt_404")

    assert (answer.status, json.loads(answer.body())["title"]) == (
        400,
        "The event to go on from is not known",
    )


def forget(office: Office, *numbers: int) -> None:
    """What retention does, with the last of them."""
    with office.database.write() as db:
        db.execute(sa.delete(schema.events).where(schema.events.c.number.in_(numbers)))
        events.forget(db, max(numbers))


def test_who_goes_on_from_what_was_forgotten_learns_it(opened: Open) -> None:
    office = opened()
    office.happen(*(f"sms/{one}" for one in range(6)))
    with office.database.write() as db:
        assert pruning.old_events(db, 0, START - DAY) == ([], None)
        pruning.forget_events(db, [])
        assert events.forgotten_up_to(db) == 0
    forget(office, 2, 3)

    assert office.follow(last_id="evt_2").status == 400
    # It is there, but the one after it is not: to go on silently would be to lose one.
    gone = office.follow(last_id="evt_1")
    assert (gone.status, json.loads(gone.body())["status"]) == (410, 410)
    assert office.follow(last_id="evt_0").status == 410
    assert len(office.follow(last_id="evt_4").take(2)) == 2


def test_retention_tells_what_it_forgot(opened: Open) -> None:
    office = opened()
    office.happen(*(f"sms/{one}" for one in range(6)))
    with office.database.write() as db:
        old = pruning.old_events(db, 0, START + DAY)
        assert (old.keys, old.last, pruning.forget_events(db, old.keys)) == ([1, 2, 3, 4, 5, 6], 6, 6)
        assert events.forgotten_up_to(db) == 6
        events.forget(db, 4)
        assert events.forgotten_up_to(db) == 6


@pytest.mark.parametrize("forgotten", [(1, 2, 3), (2, 3)])
def test_a_house_so_quiet_that_the_newest_events_are_forgotten_is_followed_all_the_same(
    opened: Open, forgotten: tuple[int, ...]
) -> None:
    office = opened()
    office.happen("sms/1", "sms/2", "sms/3")
    forget(office, *forgotten)

    follower = office.follow()
    office.happen("sms/4")

    assert [one.id for one in follower.take(1)] == ["evt_4"]


def test_who_is_behind_when_events_are_forgotten_is_cut_off_and_learns_it(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "AT_ONCE", 1)
    office = opened()
    office.happen(*(f"sms/{one}" for one in range(10)))
    read = events.part

    def part(db: sa.Connection, query: events.Query) -> events.Part | None:
        found = read(db, query)
        if query.after == 3:
            threading.Thread(target=forget, args=(office, 1, 2, 3, 4, 5, 6)).run()
        return found

    monkeypatch.setattr(events, "part", part)
    slow = office.follow(after=events.START)
    told = slow.rest()

    assert [one.id for one in told] == ["evt_1", "evt_2", "evt_3", "evt_4"]
    assert office.follow(last_id=slow.last_id).status == 400


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"type": "sip.*"}, [1, 3]),
        ({"type": "sip.account.unregistered"}, [1]),
        ({"type": "sip_*"}, []),
        ({"system": "branch"}, [2, 3]),
        ({"subject": "sms/+972501234567"}, [0]),
        ({"subject": "sip/2", "type": "*"}, [3]),
    ],
)
def test_it_has_the_filters_of_the_list(opened: Open, asked: dict[str, str], expected: list[int]) -> None:
    office = opened()

    def happen() -> list[bytes]:
        return [
            *office.happen("sms/0501234567"),
            *office.happen("sip/1", type_="sip.account.unregistered"),
            *office.happen("queue/5", type_="queue.threshold.crossed", system="branch"),
            *office.happen("sip/2", type_="sip.account.registered", system="branch"),
        ]

    before = happen()
    follower = office.follow(after=events.START, **asked)
    after = happen()

    wanted = [before[one] for one in expected] + [after[one] for one in expected]
    assert bodies(follower.take(len(wanted))) == wanted
    office.bell.close()
    assert follower.rest() == []


def test_texts_are_for_those_who_may_see_them(opened: Open) -> None:
    office = opened()
    office.happen("sms/1")
    followers = [office.follow(token, after=events.START) for token in (READER, TRUSTED)]
    office.happen("sms/2")

    shown = [[json.loads(one.data)["data"]["sms"]["text"] for one in each.take(2)] for each in followers]

    assert shown == [["[redacted]"] * 2, ["שלום\r\nid: evil"] * 2]


def test_a_token_that_is_taken_away_ends_the_stream(opened: Open) -> None:
    office = opened(heartbeat=0.05)
    followers = [office.follow(token) for token in (READER, TRUSTED)]
    del office.tokens[0]

    assert followers[0].rest() == []
    written = office.happen("sms/1")
    assert bodies(followers[1].take(1)) == written


def test_who_hears_nothing_new_hears_that_it_goes_on_and_from_where(opened: Open) -> None:
    office = opened(heartbeat=0.05)
    follower = office.follow(type="sip.*")
    office.happen("sms/1")
    while follower.last_id != "evt_1":
        follower._block()

    comments = follower.comments
    while follower.comments < comments + 3:
        follower._block()
    follower.close()
    written = office.happen("sip/1", type_="sip.account.registered")
    assert bodies(office.follow(last_id="evt_1", type="sip.*").take(1)) == written


def test_only_so_many_follow_and_who_leaves_makes_room(opened: Open) -> None:
    office = opened(most=2)
    first, _second = office.follow(), office.follow()
    refused = office.follow()
    assert (refused.status, refused.headers["retry-after"]) == (503, "10")

    first.socket.close()
    first.close()
    while (third := office.follow()).status == 503:
        pass
    written = office.happen("sms/1")
    assert bodies(third.take(1)) == written


def test_who_reads_nothing_is_cut_off_and_the_others_wait_for_nothing(opened: Open) -> None:
    office = opened(body=0.6)
    deaf, well = office.follow(), office.follow()
    large = "sms/" + "0" * 1_000_000
    for _ in range(8):
        written = office.happen(large)
        assert bodies(well.take(1)) == written
    while len(office.server._server.server_state.connections) == 2:
        assert office.happen("sms/1") == bodies(well.take(1))

    had = len(deaf.rest())
    assert had < 8
    assert len(office.follow(last_id=deaf.last_id).take(8 - had)) == 8 - had


def test_another_process_is_noticed_without_a_bell(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "LOOK_AGAIN", 0.05)
    office = opened()
    follower = office.follow()
    office.database.on_events = lambda: None
    written = office.happen("sms/1")

    assert bodies(follower.take(1)) == written


def test_a_store_that_cannot_be_read_ends_the_stream(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    office = opened()
    follower = office.follow()

    def part(*_: object) -> None:
        raise sa.exc.OperationalError("SELECT", {}, Exception("disk I/O error"))

    with monkeypatch.context() as broken:
        broken.setattr(events, "part", part)
        office.happen("sms/1")
        assert follower.rest() == []
    assert len(office.follow(last_id=follower.last_id).take(1)) == 1


def test_the_end_waits_for_nobody(opened: Open) -> None:
    office = opened()
    followers = [office.follow() for _ in range(3)]
    written = office.happen("sms/last")
    office.close()

    assert [bodies(one.rest()) for one in followers] == [written] * 3


def test_what_cannot_be_read_from_memory_any_more_is_read_from_the_store(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AT_ONCE": 3, "MOST_KEPT": 5, "MOST_BYTES": 1500, "GATHERED": 0.0}.items():
        monkeypatch.setattr(broadcast, name, value)
    monkeypatch.setattr(events, "SCANNED", 4)
    office = opened()
    written = office.happen(*(f"sms/{one}" for one in range(40)))
    follower = office.follow(after=events.START)
    for one in range(30):
        written += office.happen(*(f"sms/{one}" for one in range(one % 4)))

    assert bodies(follower.take(len(written))) == written


KINDS = ("sms.received", "sip.account.registered")
STEPS = st.tuples(st.sampled_from(["commit", "commit", "read", "reconnect", "restart"]), st.integers(0, 5))


@settings(max_examples=examples(60))
@given(
    story=st.lists(STEPS, max_size=14),
    type_=st.sampled_from([None, "sip.*", "s*.received"]),
    at_once=st.sampled_from([1, 3, 256]),
)
def test_whatever_comes_between_a_reader_gets_what_he_wants_once_and_in_order(
    story: list[tuple[str, int]], type_: str | None, at_once: int
) -> None:
    asked = {} if type_ is None else {"type": type_}
    with ExitStack() as cleanups:
        patched = cleanups.enter_context(pytest.MonkeyPatch.context())
        for name, value in {"AT_ONCE": at_once, "MOST_KEPT": 4, "GATHERED": 0.0}.items():
            patched.setattr(broadcast, name, value)
        path = Path(cleanups.enter_context(TemporaryDirectory())) / "web.db"
        office = cleanups.enter_context(running(path, Ids()))
        follower = office.follow(**asked)
        wanted: list[bytes] = []
        got: list[bytes] = []
        for what, many in story:
            if what == "commit":
                kind = KINDS[many % 2]
                written = office.happen(*(f"x/{one}" for one in range(many)), type_=kind)
                is_wanted = type_ is None or (type_ == "sip.*") == (kind == KINDS[1])
                wanted += written if is_wanted else []
            elif what == "read":
                got += bodies(follower.take(min(many, len(wanted) - len(got))))
            else:
                follower.close()
                if what == "restart":
                    office.close()
                    office.database.close()
                    office = cleanups.enter_context(running(path, office.ids))
                follower = office.follow(last_id=follower.last_id, **asked)
        got += bodies(follower.take(len(wanted) - len(got)))
        office.bell.close()
        got += bodies(follower.rest())
        assert got == wanted


@contextmanager
def running(path: Path, ids: Ids) -> Iterator[Office]:
    """An office on a store of its own."""
    database = stores.on_file(path)
    office = Office(database, heartbeat=0.02, ids=ids)
    try:
        with office.cleanups:
            yield office
    finally:
        database.close()
