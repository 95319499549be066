"""Three daemons on one PostgreSQL, which are killed, stopped, cut off and restarted: nothing is lost, nothing
is invented, and nobody is told twice but by the same id."""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from daemon.host.clock import utcnow
from daemon.simulator.faults import Fault
from tests.soak.storm import Storm
from tests.support.postgresql import NEEDED
from tests.support.several import FIRES, NAMES, Several, several, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.needs(*NEEDED)]

RESUMED_WITHIN = 10.0
"""Seconds in which the systems of a daemon that was killed are polled by others."""


@pytest.fixture
def them(tmp_path: Path) -> Iterator[Several]:
    with several(tmp_path) as one:
        yield one


def test_three_that_start_at_once_share_out_what_there_is(them: Several) -> None:
    them.begin(*NAMES)

    wait_until(lambda: sum(map(len, map(them.of, NAMES))) == len(them.systems), what=them.holders)
    assert all(them.of(one) for one in NAMES), them.holders()
    before = {name: one.request_counts["GetSmsIncomingLog"] for name, one in them.systems.items()}
    began = utcnow()
    threading.Event().wait(5)
    took = (utcnow() - began).total_seconds()
    for name, one in them.systems.items():
        asked = one.request_counts["GetSmsIncomingLog"] - before[name]
        assert asked <= took / 0.5 + 2, (name, asked, took)  # two who poll it would ask twice as often
    for _ in range(30):
        them.message()
        them.turn()
    assert them.come_to_rest() == []
    assert Counter(them.told("daemon.member_joined")) == Counter(NAMES)
    assert them.told("daemon.member_lost") == them.told("daemon.member_differs") == []
    assert [them.members[one].stop() for one in NAMES] == [0, 0, 0]
    assert them.judge() == []


def test_what_a_killed_one_had_is_polled_by_others(
    them: Several, record_property: Callable[[str, object], None]
) -> None:
    them.begin(*NAMES)
    for _ in range(30):
        them.message()
        them.turn()
    north = them.of("north")
    assert north
    them.members["north"].kill()
    killed = utcnow()
    for _ in range(30):
        them.message()
        them.turn()
    wait_until(lambda: all(them.asked_since(one, killed) for one in north), what=them.holders)
    resumed = max(them.asked_since(one, killed) for one in north)  # type: ignore[type-var]
    seconds = (resumed - killed).total_seconds()  # type: ignore[operator]
    record_property("says", f"systems of a daemon that was killed were polled after {seconds:.1f} s")
    assert seconds < RESUMED_WITHIN
    assert them.come_to_rest() == []
    assert them.told("daemon.member_lost") == ["north"]
    for name in ("south", "west"):
        assert them.members[name].stop() == 0
    assert them.judge() == []


def test_who_ends_cleanly_leaves_all_of_it_at_once(them: Several) -> None:
    them.begin(*NAMES)
    for _ in range(20):
        them.message()
        them.turn()
    west = them.of("west")
    assert west
    ended = utcnow()
    assert them.members["west"].stop() == 0
    wait_until(lambda: all(them.asked_since(one, ended) for one in west), what=them.holders)
    for _ in range(20):
        them.message()
        them.turn()
    assert them.come_to_rest() == []
    assert them.told("daemon.member_lost") == []
    assert them.rows("SELECT name FROM members ORDER BY 1") == [("north",), ("south",)]
    assert [them.members[one].stop() for one in ("north", "south")] == [0, 0]
    assert them.judge() == []


def test_systems_of_one_that_ends_do_not_wait_for_its_deliveries(them: Several) -> None:
    them.configuration = them.configuration.replace('drain = "3s"', 'drain = "90s"')
    them.begin(*NAMES)
    (holder,) = {them.holders("endpoint")[name] for name in them.holders("endpoint") if "crm" in name}
    assert holder
    had = them.of(holder)
    them.crm.takes = 9
    them.message()
    wait_until(lambda: bool(them.of_type("sms.received")))
    ended = utcnow()
    them.members[holder].signal(signal.SIGTERM)
    wait_until(lambda: not them.of(holder) and all(them.holders().values()), what=them.holders)
    wait_until(lambda: all(them.asked_since(one, ended) for one in had))
    assert them.is_running(holder)
    them.crm.takes = 0
    assert them.members[holder].wait() == 0
    assert them.come_to_rest() == []
    assert them.told("daemon.member_lost") == them.told("daemon.member_differs") == []
    assert [them.members[one].stop() for one in NAMES] == [0, 0, 0]
    assert them.judge() == []


def test_a_second_living_one_of_a_name_ends(them: Several) -> None:
    them.begin("north", "south")
    twin = them.add("twin")
    twin.places["member"] = "north"
    twin.configure(them.configuration)
    twin.launch()
    assert twin.wait(timeout=60) == 78
    (said,) = [line["text"] for line in twin.lines if line["event"] == "raw"]
    assert "another living yemotd of the name 'north'" in said
    assert them.told("daemon.member_lost") == []
    assert them.is_running("north")


def test_a_reload_takes_effect_in_all_once_the_last_has_read_it(them: Several) -> None:
    them.begin(*NAMES)
    before = them.holders()
    new = them.configuration.replace('for = "500ms"', 'for = "700ms"')
    them.rewrite("north", new)
    them.members["north"].wait_for("config.waits")
    them.rewrite("south", new)
    them.members["south"].wait_for("config.waits")
    assert [them.members[one].count("config.taken_over") for one in NAMES] == [0, 0, 0]
    them.rewrite("west", new)
    for name in NAMES:
        them.members[name].wait_for("config.taken_over")
    for _ in range(20):
        them.message()
        them.turn()
    assert them.come_to_rest() == []
    assert them.told("daemon.member_differs") == []
    assert [them.members[one].count("member.differs") for one in NAMES] == [0, 0, 0]
    assert them.holders() == before
    assert [them.members[one].stop() for one in NAMES] == [0, 0, 0]
    assert them.judge() == []


def test_one_whose_file_differs_takes_nothing_until_it_is_mended(them: Several) -> None:
    them.begin("north", "south")
    other = them.add("west")
    other.configure(them.configuration.replace('for = "500ms"', 'for = "5s"'))
    them.start("west")
    wait_until(lambda: them.told("daemon.member_differs") == ["west"])
    assert not them.of("west")
    assert not them.of("west", "endpoint") | them.of("west", "duty")
    them.rewrite("west", them.configuration)
    wait_until(lambda: bool(them.of("west")), what=them.holders)
    for _ in range(20):
        them.message()
        them.turn()
    assert them.come_to_rest() == []
    assert them.told("daemon.member_differs") == ["west"]
    assert [them.members[one].stop() for one in NAMES] == [0, 0, 0]
    assert them.judge() == []


def test_one_with_another_key_file_takes_nothing(them: Several) -> None:
    them.begin("north")
    other = them.add("south")
    (other.directory / "yemotd.key").write_bytes(bytes(range(40)))
    them.start("south")
    wait_until(lambda: them.told("daemon.member_differs") == ["south"])
    ((why,),) = them.rows("SELECT differs FROM members WHERE name = 'south'")
    assert "key_file" in why
    assert "north" in why
    assert set(them.holders().values()) == {"north"}
    assert [them.members[one].stop() for one in ("north", "south")] == [0, 0]


def test_one_that_was_stopped_past_its_lease_writes_nothing_and_joins_anew(them: Several) -> None:
    them.begin(*NAMES)
    had = them.of("south")
    assert had
    them.simulator.faults.set("GetSmsIncomingLog", Fault.SLOW, delay=timedelta(milliseconds=300))
    for _ in range(20):
        them.message()
        them.turn()
    (before,) = them.rows("SELECT incarnation FROM members WHERE name = 'south'")
    them.freeze("south")  # in the middle of its polls
    them.simulator.faults.clear()
    for _ in range(20):
        them.message()
        them.turn()
    wait_until(lambda: them.told("daemon.member_lost") == ["south"])
    wait_until(lambda: not them.of("south") and all(them.holders().values()), what=them.holders)
    stopped = utcnow()
    wait_until(lambda: all(them.asked_since(one, stopped) for one in had))
    them.thaw("south")
    them.members["south"].wait_for("member.joined", count=2)
    wait_until(lambda: bool(them.of("south")), what=them.holders)
    for _ in range(20):
        them.message()
        them.turn()
    assert them.come_to_rest() == []
    (after,) = them.rows("SELECT incarnation FROM members WHERE name = 'south'")
    assert before != after
    assert them.told("daemon.member_lost") == ["south"]
    assert [them.members[one].stop() for one in NAMES] == [0, 0, 0]
    assert them.judge() == []


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_no_campaign_is_dialled_twice_whoever_dies_when(them: Several, how: str) -> None:
    them.begin(*NAMES)
    victims = ["south", "west"]
    for number, name in enumerate(victims):
        for system in sorted(them.of(name)):
            # One while its answer is under way, which comes late or never; others wherever they are.
            if number == 0:
                them.simulator.faults.set("CallExtensionBridging", Fault.HANG, times=1)
            for _ in range(3):
                assert them.campaign("north", system)
        wait_until(lambda: bool(them.rows("SELECT 1 FROM commands WHERE status <> 'queued'")))
        getattr(them.members[name] if how == "kill" else them, how)(*([] if how == "kill" else [name]))
        for system in them.systems:
            # Who is stopped may have the writers' lock, for as long as the server lets it.
            wait_until(lambda system=system: them.campaign("north", system) is not None, within=60)  # type: ignore[misc]
    wait_until(lambda: them.of("north") == them.systems.keys(), within=40, what=them.holders)
    if how == "freeze":
        for name in victims:
            them.thaw(name)
    assert them.come_to_rest() == []
    ends = Counter(status for (status,) in them.rows("SELECT status FROM commands"))
    assert set(ends) <= {"succeeded", "unknown"}, ends
    assert ends["unknown"] <= len(them.systems)
    assert them.judge() == []


def test_one_whose_connection_is_cut_goes_on_afterwards(them: Several) -> None:
    them.begin(*NAMES, is_proxied=True)
    for _ in range(20):
        them.message()
        them.turn()
    them.pipes["west"].cut()
    wait_until(lambda: them.told("daemon.member_lost") == ["west"])
    for _ in range(20):
        them.message()
        them.turn()
    wait_until(lambda: not them.of("west") and all(them.holders().values()), what=them.holders)
    them.pipes["west"].mend()
    wait_until(lambda: bool(them.of("west")), what=them.holders)
    for _ in range(20):
        them.message()
        them.turn()
    assert them.come_to_rest() == []
    assert [them.members[one].stop() for one in NAMES] == [0, 0, 0]
    assert them.judge() == []


def test_one_whose_connection_falls_silent_is_replaced_and_comes_back(them: Several) -> None:
    """The other end takes what is sent, and answers nothing: no error tells anybody."""
    them.begin(*NAMES, is_proxied=True)
    them.pipes["west"].stall()
    wait_until(lambda: them.told("daemon.member_lost") == ["west"], within=60)
    for _ in range(20):
        them.message()
        them.turn()
    wait_until(lambda: not them.of("west") and all(them.holders().values()), what=them.holders)
    assert them.come_to_rest() == []
    them.pipes["west"].mend()
    wait_until(lambda: bool(them.of("west")), within=60, what=them.holders)
    for _ in range(20):
        them.message()
        them.turn()
    assert them.come_to_rest() == []
    assert [them.members[one].stop() for one in NAMES] == [0, 0, 0]
    assert them.judge() == []


@pytest.mark.parametrize("seconds", [0, 15])
def test_the_database_is_restarted(them: Several, seconds: float) -> None:
    """Nobody ends, nobody is taken for dead, and what came meanwhile is told afterwards."""
    them.begin(*NAMES)
    before = [them.members[one].pid for one in NAMES]
    for _ in range(20):
        them.message()
        them.turn()
    them.server.stop()
    for _ in range(20):
        them.message()
        them.turn()
    threading.Event().wait(seconds)
    them.server.start()
    assert them.come_to_rest() == []
    wait_until(lambda: all(them.holders().values()), what=them.holders)
    again = utcnow()
    wait_until(lambda: all(them.asked_since(one, again) for one in them.systems), what=them.holders)
    assert all(map(them.is_running, NAMES))
    assert [them.members[one].pid for one in NAMES] == before
    assert them.told("daemon.member_lost") == []
    if seconds:
        # Each finds it again by itself, by its next look.
        failed = {one.event for one in them.arrived() if one.told["type"] == "daemon.store_failed"}
        recovered = "SELECT count(*) FROM events WHERE type = 'daemon.store_recovered'"
        wait_until(lambda: them.rows(recovered) == [(len(failed),)], what=lambda: them.rows(recovered))
    assert [them.members[one].stop() for one in NAMES] == [0, 0, 0]
    assert them.judge() == []


def test_a_pause_that_the_api_asked_for_is_kept_by_who_takes_a_system(them: Several) -> None:
    them.begin("north", "south")
    them.simulator.faults.set("GetSmsIncomingLog", Fault.THROTTLED_STATUS, delay=timedelta(seconds=40))
    wait_until(lambda: len(_paused(them)) == len(them.systems), what=lambda: _paused(them))
    them.simulator.faults.clear()
    asked = {name: one.requests[-1].at for name, one in them.systems.items()}
    them.members["north"].kill()
    wait_until(lambda: them.of("south") == them.systems.keys(), what=them.holders)
    for name, before in asked.items():
        wait_until(lambda name=name, before=before: bool(them.asked_since(name, before)), within=60)  # type: ignore[misc]
        again = them.asked_since(name, before)
        assert again
        assert again - before > timedelta(seconds=30), (name, again - before)


def test_what_a_receiver_asked_for_is_kept_by_who_takes_its_endpoint(them: Several) -> None:
    them.begin(*NAMES)
    them.crm.retry_after, them.crm.always = "25", "429"
    them.message()
    wait_until(lambda: bool(them.of_type("sms.received")))
    (holder,) = {them.holders("endpoint")[name] for name in them.holders("endpoint") if "crm" in name}
    assert holder
    # What was answered is written, not only that it was asked: who is killed before that has to ask again.
    wait_until(lambda: bool(them.rows("SELECT 1 FROM attempts WHERE http_status = 429")))
    them.crm.always = None
    them.crm.is_calm = True
    them.members[holder].kill()
    others = [one for one in NAMES if one != holder]
    wait_until(
        lambda: set(them.holders("endpoint").values()) <= {*others}, what=lambda: them.holders("endpoint")
    )
    wait_until(lambda: len(them.of_type("sms.received")) > 1, within=60)
    first, again = them.of_type("sms.received")
    assert again.at - first.at > timedelta(seconds=20)
    assert them.come_to_rest() == []
    assert [them.members[one].stop() for one in others] == [0, 0]
    assert them.judge() == []


def test_the_time_for_which_a_phone_was_down_goes_on(them: Several) -> None:
    them.configuration = them.configuration.replace('for = "500ms"', 'for = "15s"')
    them.begin("north", "south")
    system = sorted(them.of("north"))[0]
    them.turn(system)
    held = "SELECT held FROM alerts WHERE system = %s AND phase = 'pending'"
    wait_until(lambda: any(one > 9_000 for (one,) in them.rows(held, system)))
    them.members["north"].kill()
    wait_until(lambda: them.holders()[system] == "south", what=them.holders)
    taken = utcnow()
    wait_until(lambda: bool(them.of_type(FIRES)), within=60)
    assert utcnow() - taken < timedelta(seconds=14)  # from the beginning it would be longer
    assert them.come_to_rest() == []
    assert them.members["south"].stop() == 0
    assert them.judge() == []


def test_a_silence_outlives_who_was_told_of_it_and_who_keeps_it(them: Several) -> None:
    them.begin(*NAMES)
    system = "s0"
    document = {"system": system, "type": "sip.*", "for": "20s", "comment": "a new phone"}
    status, silence = them.members["north"].post("/api/v1/silences", document)
    assert status == 201, silence
    ends_at = datetime.fromisoformat(silence["ends_at"])
    them.turn(system)
    wait_until(lambda: bool(them.rows("SELECT 1 FROM incidents WHERE system = %s", system)))
    dead = {them.holders("duty")["house"], them.holders()[system]}
    for name in dead:
        them.members[str(name)].kill()
    others = [one for one in NAMES if one not in dead]
    assert others
    wait_until(lambda: bool(them.of_type(FIRES)), within=60)
    for one in them.of_type(FIRES):
        assert datetime.fromisoformat(one.told["timestamp"]) >= ends_at
    assert them.come_to_rest() == []
    assert [them.members[one].stop() for one in others] == [0] * len(others)
    assert them.judge() == []


def test_a_short_storm_ends_well(tmp_path: Path) -> None:
    """A long one is played by hand: `python -m tests.soak.storm`."""
    with several(tmp_path, systems=60, every="1s") as them:
        storm = Storm(them, seconds=12)
        assert storm.play() == [], storm.injuries


def _paused(them: Several) -> set[str]:
    """The systems of which it is written down that they are left alone."""
    return {name for (name,) in them.rows("SELECT name FROM holdings WHERE pause IS NOT NULL")}
