"""What a system has, looked up in the simulator: few calls, one at a time, and what is unknown said."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from daemon.config.systems import SystemSettings
from daemon.core.inventory import Inventory, Part
from daemon.core.model import Secret
from daemon.host.clock import utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.wiring.clients import client_of
from daemon.wiring.discovery import BUDGET, DEEPEST, GAP, discover
from daemon.yemot.client import Client

TOKEN = "0773137770:secret"


@pytest.fixture
def system() -> SimulatedSystem:
    found = SimulatedSystem("0773137770", now=utcnow)
    found.set_units(81.5)
    return found


@pytest.fixture
def simulator(system: SimulatedSystem) -> Iterator[Simulator]:
    with Simulator({TOKEN: system}, now=utcnow) as one:
        yield one


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    given = SystemSettings(
        name="main",
        token=Secret(TOKEN),
        base_url=simulator.base_url,
        connect_timeout=timedelta(seconds=5),
        read_timeout=timedelta(seconds=5),
        deadline=timedelta(seconds=5),
    )
    made = client_of(given)
    yield made
    made.close()


def look(client: Client, budget: int = BUDGET) -> tuple[Inventory, list[float], list[str]]:
    """What was found, how long it paused, and what it told meanwhile."""
    paused: list[float] = []
    told: list[str] = []
    return discover(client, pause=paused.append, progress=told.append, budget=budget), paused, told


def test_everything_that_there_is_is_found(client: Client, system: SimulatedSystem) -> None:
    system.add_sip_account("0773137770", registered=False)
    system.set_extension("/5", "queue", "מכירות")
    system.set_extension("/1/4", "voicemail", "הודעות")
    system.set_extension("/1", "menu")
    system.receive_sms("0541234567", "x")

    found, paused, told = look(client)

    assert (found.units, found.pirsumphone, found.has_sms) == (81.5, True, True)
    assert found.accounts is not None
    assert [(one.user_name, one.is_registered) for one in found.accounts] == [("0773137770", False)]
    assert [(one.path, one.title) for one in found.queues] == [("/5", "מכירות")]
    assert [one.path for one in found.recordings] == ["/1/4"]
    assert (dict(found.problems), found.cut) == ({}, "")
    assert found.calls == sum(system.request_counts.values())
    assert paused == [GAP.total_seconds()] * (found.calls - 1)
    assert told[:2] == ["units", "SIP accounts"]


def test_folders_of_data_are_neither_shown_nor_looked_into(client: Client, system: SimulatedSystem) -> None:
    """As one for each caller, of which there are thousands; and the platform's own."""
    for number in range(3000):
        system.set_extension(f"/9/{number}", None)
    system.set_extension("/9", None)
    system.set_extension("/Log", "menu")
    system.set_extension("/5", "queue")

    found, _, _ = look(client)

    assert [one.path for one in found.extensions or ()] == ["/", "/5"]
    assert system.request_counts["GetIVR2Dir"] == 2


@pytest.mark.parametrize("budget", [5, 8, 20, BUDGET])
def test_a_huge_tree_costs_no_more_than_the_budget_and_that_is_said(
    client: Client, system: SimulatedSystem, budget: int
) -> None:
    for outer in range(9):
        for inner in range(9):
            system.set_extension(f"/{outer}/{inner}", "queue")

    found, _, _ = look(client, budget)

    assert found.calls == sum(system.request_counts.values()) == budget
    assert f"{budget} calls are the most" in found.cut
    assert {f"/{one}" for one in range(9)} <= {one.path for one in found.extensions or ()}


def test_what_lies_deeper_is_not_asked_for(client: Client, system: SimulatedSystem) -> None:
    system.set_extension("/1/2/3/4/5", "queue")
    for path in ("/1", "/1/2", "/1/2/3", "/1/2/3/4"):
        system.set_extension(path, "menu")

    found, _, _ = look(client)

    assert max(one.path.count("/") for one in found.extensions or ()) == DEEPEST


def test_extensions_beyond_all_measure_are_cut_off_and_that_is_said(
    client: Client, system: SimulatedSystem
) -> None:
    for number in range(2500):
        system.set_extension(f"/{number}", "menu")

    found, _, _ = look(client)

    assert len(found.extensions or ()) == 2000
    assert "more than 2000" in found.cut


def test_a_queue_of_another_engine_is_tried(client: Client, system: SimulatedSystem) -> None:
    system.set_extension("/6", "routing_queue", "תורים")
    system.set_extension("/7", "routing_queue")
    system.queue("/7")

    found, _, _ = look(client)

    assert [one.path for one in found.queues] == ["/7"]
    (refused,) = [one for one in found.extensions or () if one.path == "/6"]
    assert "queue not found" in refused.not_watched


PARTS = {
    Part.UNITS: "GetSession",
    Part.SIP: "GetSipAccountsRegisteredStatus",
    Part.PIRSUMPHONE: "PirsumPhoneManagement",
    Part.SMS: "GetSmsIncomingLog",
    Part.EXTENSIONS: "GetIVR2Dir",
}


@pytest.mark.parametrize("part", PARTS, ids=[one.value for one in PARTS])
@pytest.mark.parametrize(
    "fault", [Fault.NOT_SUPPORTED, Fault.MISSING_FIELDS, Fault.ABSENT_LIST, Fault.TRUNCATED_JSON, Fault.HTML]
)
def test_what_one_method_does_not_say_is_said_and_all_else_is_found(
    simulator: Simulator, client: Client, system: SimulatedSystem, part: Part, fault: Fault
) -> None:
    system.add_sip_account("0773137770")
    system.receive_sms("0541234567", "x")
    system.set_extension("/5", "queue")
    simulator.faults.set(PARTS[part], fault)

    found, _, _ = look(client)

    learned = {
        Part.UNITS: found.units is not None,
        Part.SIP: found.accounts is not None and found.accounts[0].is_registered is not None,
        Part.PIRSUMPHONE: found.pirsumphone is not None,
        Part.SMS: found.has_sms is not None,
        Part.EXTENSIONS: found.extensions is not None,
    }
    assert all(is_so for one, is_so in learned.items() if one is not part)
    is_told = part in found.problems
    assert is_told or learned[part] or fault is Fault.MISSING_FIELDS


@pytest.mark.parametrize("fault", [Fault.EMPTY_LIST, Fault.NULL_LIST, Fault.OBJECT_LIST, Fault.WRONG_TYPES])
def test_other_spellings_of_an_answer_are_read(
    simulator: Simulator, client: Client, system: SimulatedSystem, fault: Fault
) -> None:
    system.add_sip_account("0773137770")
    system.set_extension("/5", "queue")
    simulator.faults.set("*", fault)

    found, _, _ = look(client)

    assert dict(found.problems) == {}
    is_there = fault is Fault.WRONG_TYPES
    assert bool(found.queues) == bool(found.accounts) == is_there


@pytest.mark.parametrize("fault", [Fault.TOKEN_INVALID, Fault.MFA, Fault.SESSION_EXPIRED])
def test_a_token_that_is_rejected_is_offered_once(
    simulator: Simulator, client: Client, system: SimulatedSystem, fault: Fault
) -> None:
    simulator.faults.set("*", fault)

    found, _, _ = look(client)

    assert sum(system.request_counts.values()) == 1
    assert set(found.problems) == set(PARTS)


def test_an_api_that_is_away_is_not_called_sixty_times(
    simulator: Simulator, client: Client, system: SimulatedSystem
) -> None:
    simulator.faults.set("*", Fault.SERVER_ERROR)

    found, _, _ = look(client)

    assert sum(system.request_counts.values()) == 2
    assert "the API itself failed" in found.problems[Part.EXTENSIONS]


def test_an_api_that_wants_a_rest_gets_it_once(
    simulator: Simulator, client: Client, system: SimulatedSystem
) -> None:
    simulator.faults.set("GetSession", Fault.THROTTLED, times=1)

    found, paused, _ = look(client)

    assert found.units == 81.5
    assert 55.0 in paused


def test_one_that_goes_on_wanting_it_is_left_alone(
    simulator: Simulator, client: Client, system: SimulatedSystem
) -> None:
    simulator.faults.set("*", Fault.THROTTLED)

    found, _, _ = look(client)

    assert sum(system.request_counts.values()) == 2
    assert set(found.problems) == set(PARTS)


def test_passwords_of_an_answer_are_nowhere(client: Client) -> None:
    found, _, told = look(client)

    assert "simulated-access-password" not in repr((found, told))
