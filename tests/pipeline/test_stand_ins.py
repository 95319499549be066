"""What is told instead: doors, which no watch knows, are folded and flap by nothing but their declaration."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from daemon.core import event_types
from daemon.core.alerts.life import TOLD, Seen
from daemon.core.durations import NOTHING
from daemon.core.model import AlertKind, Condition, Rule, Severity, StandIn, Verdict
from daemon.core.routing.plan import Interest
from daemon.pipeline.alerts import Judge
from daemon.pipeline.events import Recorder
from daemon.pipeline.notification import Teller
from daemon.store.database import Database
from tests.support.fakes import FakeClock, Ids

SECOND = timedelta(seconds=1)
AT_ONCE = Rule(NOTHING, NOTHING, Severity.ERROR)
ALL_OPEN = AlertKind("doors.opened", "doors.closed", stands_in=StandIn("doors", members=("house", "open")))
SLAMMING = AlertKind("door.slamming", "door.calm", stands_in=StandIn("slamming:{}"))
DOOR = AlertKind("door.opened", "door.closed", folded_into=ALL_OPEN, flaps_as=SLAMMING)
MANY = 3


class House:
    """A watch of doors, on the real store. Every look is a process of its own: it knows what is stored."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()
        self.recorder = Recorder([Interest("crm", ("*",), None)], Ids())

    def look(self, *opened: str, slamming: str = "", of: tuple[str, ...] = ("a", "b", "c", "d")) -> list[str]:
        """Ten seconds later these are open; what was told of it: types and subjects."""
        self.clock.advance(10)
        now = self.clock.at
        with self.database.write() as db:
            judge = Judge(db, self.recorder, "main", "doors")
            when = Seen(now, now - 10 * SECOND, 10 * SECOND)
            judge.take([_condition(DOOR, f"door/{one}", is_bad=one in opened) for one in of], when)
            flapping = [(f"slamming:door/{one}", one == slamming) for one in of]
            judge.take([_condition(SLAMMING, key, is_bad=is_bad) for key, is_bad in flapping], when)
            down = [one for one in of if judge.phases.get(f"door/{one}") in TOLD]
            is_many = bool(down) if judge.phases.get("doors") in TOLD else len(down) >= MANY
            payload = {"house": {"open": down}}
            judge.take([_condition(ALL_OPEN, "doors", payload, is_bad=is_many)], when)
            written = self.recorder.record(db, "main", judge.judged().facts, now)
            told = written + Teller(self.recorder).settle(db, now, written.turned)
        return [f"{one.event.type} {one.event.subject}" for one in told.deliveries]


def _condition(
    kind: AlertKind, key: str, payload: Mapping[str, Mapping[str, list[str]]] | None = None, *, is_bad: bool
) -> Condition:
    return Condition(key, kind, key, Verdict.BAD if is_bad else Verdict.GOOD, AT_ONCE, payload or {})


@pytest.fixture
def house(database: Database, monkeypatch: pytest.MonkeyPatch) -> House:
    for kind in (DOOR, ALL_OPEN, SLAMMING):
        monkeypatch.setitem(event_types.KINDS, kind.fires, kind)
    return House(database)


def test_many_at_once_are_one_incident_and_it_ends_with_the_last(house: House) -> None:
    assert house.look("a", "b", "c") == ["doors.opened doors"]
    assert house.look("a", "b", "c") == []
    assert house.look("c") == []
    assert house.look() == ["doors.closed doors"]


def test_the_list_of_many_is_told_anew_when_it_has_changed_and_stays(house: House) -> None:
    house.look("a", "b", "c")

    assert house.look("a", "b", "c", "d") == []
    assert house.look("a", "b", "c", "d") == ["doors.opened doors"]
    assert house.look("a", "b", "c", "d") == []


def test_one_that_was_told_before_there_were_many_is_taken_back_by_itself(house: House) -> None:
    assert house.look("a") == ["door.opened door/a"]
    assert house.look("a", "b", "c") == ["doors.opened doors"]
    assert house.look("b", "c") == ["door.closed door/a"]


def test_what_flaps_is_told_as_that_and_then_as_it_is(house: House) -> None:
    assert house.look("a", slamming="a") == ["door.slamming slamming:door/a"]
    assert house.look("a") == ["door.calm slamming:door/a", "door.opened door/a"]


def test_what_no_watch_declares_is_told_for_itself_alone(database: Database) -> None:
    """As after a downgrade: the pair is in the store, and nothing says what it is told as."""
    house = House(database)
    house.look("a", "b", "c")

    assert house.look("a", "b", "c") == []
    assert house.look() == [f"door.closed door/{one}" for one in "abc"] + ["doors.closed doors"]


def test_who_stands_in_for_nothing_cannot_be_told_instead() -> None:
    with pytest.raises(ValueError, match=r"door\.opened cannot be told as gate\.opened"):
        AlertKind("door.opened", "door.closed", folded_into=AlertKind("gate.opened", "gate.closed"))
