"""Campaigns against the simulated phone system: how one is looked at, in whatever form its ids are taken."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daemon.config.load import load
from daemon.core.commands.command import Command, Status
from daemon.core.commands.following import Followed, Progress, Traces, after
from daemon.core.durations import NOTHING
from daemon.core.model import Failure, Unknown
from daemon.host.clock import utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.wiring.campaigns import MOST_PAGES, asks_of, look
from daemon.wiring.clients import clients_of
from daemon.wiring.commands import LOOKS_AT_A_STOP, ROWS, Platform
from daemon.yemot.client import Client
from tests.support.fakes import START
from tests.support.process import TOKEN
from tests.wiring.test_commands import CONFIGURATION

ZONE = ZoneInfo("Asia/Jerusalem")
PHONES = ("0501234567", "0501234568", "0501234569")


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem("0770000000", now=utcnow)


@pytest.fixture
def client(tmp_path: Path, simulator: Simulator) -> Iterator[Client]:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "config.toml").write_text(CONFIGURATION.format(base_url=simulator.base_url))
    (one,) = clients_of(load(tmp_path / "config.toml", {}).config)
    with closing(one):
        yield one


@pytest.fixture
def campaign(system: SimulatedSystem) -> str:
    return system.start_campaign(PHONES, "ivr2:/1", caller_id="0770000000", calls_timeout=30).id


def seen(client: Client, campaign: str) -> Any:
    found = look(client, campaign, utcnow(), ZONE)
    return found if isinstance(found, Unknown) else found.glance


def test_its_status_is_read_from_the_first_call_to_the_last(
    client: Client, system: SimulatedSystem, campaign: str
) -> None:
    system.call_of_campaign(answered=True, seconds=90)
    at_work = seen(client, campaign)
    system.call_of_campaign(answered=False)
    system.call_of_campaign(answered=True, seconds=5)
    over = seen(client, campaign)

    assert at_work == Progress("RUNNING", 3, 2, 0, 0, 1, 0, 0, 1, 1, 1.6)
    assert over == Progress("FINISHED", 3, 0, 0, 0, 2, 1, 0, 3, 2, 2.3)


def test_counters_that_lie_for_a_moment_end_nothing(
    client: Client, system: SimulatedSystem, campaign: str
) -> None:
    system.call_of_campaign(answered=True)
    system.switches.lying_counters = 1
    one = Followed("cmd_1", "main", campaign, 3, 1.8, None, utcnow())
    lied = after(one, seen(client, campaign), NOTHING, utcnow())
    found = after(lied, seen(client, campaign), NOTHING, utcnow())

    assert (lied.idle, found.idle, found.outcome) == (1, 0, None)


def test_a_price_may_come_as_text(client: Client, system: SimulatedSystem, campaign: str) -> None:
    system.switches.prices_as_text = True
    system.call_of_campaign(answered=False)

    assert seen(client, campaign).price == 0.1


@pytest.mark.parametrize("reports", ["bare", "whole", None])
@pytest.mark.parametrize("are_named", [True, False])
def test_where_the_status_does_not_know_it_the_others_are_asked(
    client: Client, system: SimulatedSystem, campaign: str, reports: str | None, are_named: bool
) -> None:
    switches = system.switches
    switches.knows_campaigns, switches.reports, switches.charges_name_campaigns = False, reports, are_named
    found = seen(client, campaign)

    assert found == Traces("campaign not found", None if reports is None else 3, 0.3)
    asked = system.request_counts
    assert (asked["GetCampaignStatus"], asked["GetTransactions"]) == (1, 1)
    assert asked["ViewCampaignReports"] == (1 if reports == "bare" else 2)


def test_charges_are_looked_for_page_by_page_and_not_for_ever(
    client: Client, system: SimulatedSystem, campaign: str
) -> None:
    system.switches.knows_campaigns = False
    (paid,) = system.charges
    system.charges += [replace(paid, id=one, campaign="YA-2", description="") for one in range(2, 500)]
    assert seen(client, campaign).price == 0.3
    system.charges += [replace(paid, id=one, campaign="YA-2", description="") for one in range(500, 2000)]
    before = system.request_counts["GetTransactions"]

    assert seen(client, campaign).price is None
    assert system.request_counts["GetTransactions"] - before == MOST_PAGES


def test_charges_that_are_older_than_the_campaign_are_not_looked_through(
    client: Client, system: SimulatedSystem, campaign: str
) -> None:
    system.switches.knows_campaigns = False
    (paid,) = system.charges
    old = [
        replace(paid, id=one, campaign="YA-2", description="", at=paid.at - timedelta(days=9))
        for one in range(2, 2000)
    ]
    system.charges[:0] = old

    assert seen(client, campaign).price == 0.3
    assert system.request_counts["GetTransactions"] == 2


@pytest.mark.parametrize("method", ["GetCampaignStatus", "ViewCampaignReports", "GetTransactions"])
@pytest.mark.parametrize("fault", [Fault.HANG, Fault.HTML, Fault.SERVER_ERROR, Fault.TRUNCATED_JSON])
def test_who_does_not_answer_says_nothing(
    client: Client, system: SimulatedSystem, simulator: Simulator, campaign: str, method: str, fault: Fault
) -> None:
    """Nothing is learned of a campaign from an answer that is none, and not that nothing is to be learned."""
    system.switches.knows_campaigns = method == "GetCampaignStatus"
    simulator.faults.set(method, fault)
    found = seen(client, campaign)

    if fault is Fault.TRUNCATED_JSON:  # the platform has answered, and will again
        assert isinstance(found, Traces)
    else:
        assert isinstance(found, Unknown)
        assert found.failure not in (Failure.REFUSED, Failure.MALFORMED)


@pytest.mark.parametrize("fault", [Fault.MISSING_FIELDS, Fault.WRONG_TYPES])
def test_fields_that_are_not_there_are_not_known(
    client: Client, simulator: Simulator, system: SimulatedSystem, campaign: str, fault: Fault
) -> None:
    simulator.faults.set("GetCampaignStatus", fault)
    found = seen(client, campaign)

    assert isinstance(found, Progress)
    if fault is Fault.MISSING_FIELDS:
        assert (found.word, found.pending, found.is_learned) == (None, None, False)
        assert any("campaignStatus" in one for one in found.problems)
    else:
        assert (found.word, found.pending, found.price) == ("RUNNING", 3, 0.0)


def test_every_system_is_asked_by_its_own_client(
    client: Client, tmp_path: Path, simulator: Simulator, campaign: str
) -> None:
    config = load(tmp_path / "config.toml", {}).config
    glance = asks_of(config, [client])["main"](campaign, utcnow())

    assert isinstance(glance, Progress)


def carried_out(client: Client, type_: str, campaign: str) -> Any:
    platform = Platform(client, "GetSmsIncomingLog", ZONE, utcnow, rest=rested.append)
    given = Command("cmd_1", "main", type_, {"campaign_id": campaign}, "crm", START, START, START, START)
    return ROWS[type_].carry_out(platform, given)


rested: list[float] = []


@pytest.fixture(autouse=True)
def nobody_rested() -> None:
    rested.clear()


def test_the_command_reads_a_status(client: Client, system: SimulatedSystem, campaign: str) -> None:
    done = carried_out(client, "campaign.status", campaign)

    assert done.status is Status.SUCCEEDED
    assert done.result["campaign"] == {
        "id": campaign,
        "status": "RUNNING",
        **{"numbers": 3, "pending": 3, "active": 0, "redial": 0, "done": 0, "failed": 0, "blocked": 0},
        **{"dialled": 0, "answered": 0, "price": 0.0},
    }


def test_the_command_shows_what_else_knows_of_it(
    client: Client, system: SimulatedSystem, campaign: str
) -> None:
    system.switches.knows_campaigns = False
    done = carried_out(client, "campaign.status", campaign)
    nobody = carried_out(client, "campaign.status", "YA-7")

    assert done.status is Status.SUCCEEDED
    assert done.result["campaign"]["status"] is None
    assert done.result["campaign"]["traces"] == {"why": "campaign not found", "numbers": 3, "price": 0.3}
    assert [*done.result["report"]] == [*PHONES]
    assert (nobody.status, nobody.message) == (Status.FAILED, "campaign not found")


def test_a_stop_is_read_back(client: Client, system: SimulatedSystem, campaign: str) -> None:
    done = carried_out(client, "campaign.stop", campaign)

    assert (done.status, done.result["campaign"]["status"]) == (Status.SUCCEEDED, "STOPPED")
    assert rested == []


def disobedient(system: SimulatedSystem, simulator: Simulator) -> None:
    system.switches.obeys_actions = False


def unread(system: SimulatedSystem, simulator: Simulator) -> None:
    simulator.faults.set("GetCampaignStatus", Fault.HTML)


@pytest.mark.parametrize(
    ("spoiled", "said"), [(disobedient, "its status is RUNNING yet"), (unread, "HTTP 200, text/html")]
)
def test_a_stop_whose_effect_is_not_seen_is_unknown(
    client: Client,
    system: SimulatedSystem,
    simulator: Simulator,
    campaign: str,
    spoiled: Callable[[SimulatedSystem, Simulator], None],
    said: str,
) -> None:
    spoiled(system, simulator)
    done = carried_out(client, "campaign.stop", campaign)

    assert done.status is Status.UNKNOWN
    assert said in done.message
    assert len(rested) == (LOOKS_AT_A_STOP - 1 if spoiled is disobedient else 0)


def test_a_stop_that_the_platform_refuses_has_failed(
    client: Client, system: SimulatedSystem, campaign: str
) -> None:
    system.switches.knows_campaigns = False
    refused = carried_out(client, "campaign.stop", campaign)

    assert isinstance(refused, Unknown)
    assert (refused.failure, refused.code) == (Failure.REFUSED, 106)
