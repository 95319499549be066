"""`sms.send` against the simulated phone system: what is sent, at most once, within the budget of the day."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon.config.load import load
from daemon.core.commands.command import Status
from daemon.core.commands.sent_texts import State
from daemon.core.refusals import Refused
from daemon.host.clock import utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.store import budgets, texts
from daemon.wiring.clients import clients_of
from daemon.wiring.commands import policies, systems_of
from tests.support import stores
from tests.support.commanding import Office
from tests.support.process import TOKEN
from tests.wiring.test_commands import CONFIGURATION, NOTHING_DONE, UNTOLD, carried_out, result

SEND: dict[str, Any] = {"type": "sms.send", "params": {"to": ["0501234567"], "text": "שלום"}}
WITH_A_BUDGET = CONFIGURATION.replace("campaign_units_per_day", "sms_units_per_day")


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem("0770000000", now=utcnow)


@pytest.fixture
def office(tmp_path: Path, simulator: Simulator) -> Iterator[Office]:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "config.toml").write_text(WITH_A_BUDGET.format(base_url=simulator.base_url))
    config = load(tmp_path / "config.toml", {}).config
    clients = clients_of(config)
    one = Office(stores.in_memory(), policy=policies(config)["main"])
    one.says = systems_of(config, clients)["main"].carry_out
    yield one
    one.database.close()
    for client in clients:
        client.close()


def sending(*to: str, text: str = "שלום", **more: Any) -> dict[str, Any]:
    return {"type": "sms.send", "params": {"to": list(to), "text": text, **more}}


def spent(office: Office) -> float:
    day = office.policy.day(office.clock.now())
    with office.database.read() as db:
        return budgets.used(db, "main", "sms.send", day)


def test_a_message_goes_to_each_number_once_and_costs_by_its_parts(
    office: Office, system: SimulatedSystem
) -> None:
    text = "א" * 71
    done = carried_out(office, sending("+972-50-1234567", "0521234567", text=text, **{"from": "0770000001"}))

    assert [(one.recipient, one.text, one.sender) for one in system.sent] == [
        ("0501234567", text, "0770000001"),
        ("0521234567", text, "0770000001"),
    ]
    assert [(one["phone"], one["status"]) for one in result(done)["numbers"]] == [
        ("0501234567", "sent"),
        ("0521234567", "sent"),
    ]
    assert (result(done)["parts"], result(done)["is_partial"]) == (2, False)
    assert done.units == pytest.approx(0.4) == spent(office)


@pytest.mark.parametrize("is_naming", [True, False])
@pytest.mark.parametrize("as_text", [True, False])
def test_the_answer_may_name_the_numbers_or_only_count_them(
    office: Office, system: SimulatedSystem, is_naming: bool, as_text: bool
) -> None:
    system.switches.is_naming_oks, system.switches.prices_as_text = is_naming, as_text
    done = carried_out(office, SEND)

    assert result(done)["numbers"] == [{"phone": "0501234567", "status": "sent", "reason": None}]
    assert result(done)["billing"] == 0.1


def test_a_number_that_is_refused_is_named_with_its_reason_and_costs_nothing(
    office: Office, system: SimulatedSystem
) -> None:
    system.refuse_number("0521234567", "blocked")
    done = carried_out(office, sending("0501234567", "0521234567"))

    assert result(done)["numbers"][1] == {"phone": "0521234567", "status": "rejected", "reason": "blocked"}
    assert result(done)["is_partial"]
    assert spent(office) == pytest.approx(0.1)
    assert ("sms.failed", "sms/0521234567") in office.told()


def test_where_every_number_is_refused_it_has_failed_and_costs_nothing(
    office: Office, system: SimulatedSystem
) -> None:
    system.refuse_number("0501234567", "blocked")
    done = carried_out(office, SEND)

    assert (done.status, spent(office)) == (Status.FAILED, 0)


def test_more_than_the_budget_of_the_day_is_refused_and_another_day_has_its_own(office: Office) -> None:
    per_day = office.policy.sms_units_per_day
    assert per_day == 1000
    office.policy = replace(office.policy, sms_units_per_day=0.3)
    office.start()
    carried_out(office, sending("0501234567", "0521234567"))

    with pytest.raises(Refused, match=r"it may cost 0\.2 units, .*0\.1 are left \(sms_units_per_day\)"):
        office.give(sending("0501234567", "0521234567", text="another"))
    assert carried_out(office, SEND).status is Status.SUCCEEDED
    office.clock.advance(86_400)
    assert carried_out(office, sending("0501234567", "0521234567")).status is Status.SUCCEEDED


def test_without_a_budget_none_is_taken(office: Office) -> None:
    office.policy = replace(office.policy, sms_units_per_day=None)
    with pytest.raises(Refused, match="has no sms_units_per_day, so it sends no SMS"):
        office.give(SEND)


def test_campaigns_and_messages_have_budgets_of_their_own(office: Office) -> None:
    with pytest.raises(Refused, match="has no campaign_units_per_day"):
        office.give({"type": "campaign.bridge", "params": {"phones": "0501234567", "ivr_path": "/1"}})
    carried_out(office, SEND)
    day = office.policy.day(office.clock.now())
    with office.database.read() as db:
        assert budgets.used(db, "main", "campaign.bridge", day) == 0


@pytest.mark.slow
@pytest.mark.parametrize("fault", Fault)
def test_a_message_is_sent_once_whatever_comes_back(
    office: Office, system: SimulatedSystem, simulator: Simulator, fault: Fault
) -> None:
    simulator.faults.set("SendSms", fault)
    given = carried_out(office, SEND)
    office.run(20, step=5)
    simulator.faults.clear()
    office.run(3600, step=300)
    ended = office.find(given.id)

    assert len(system.sent) <= 1
    assert ended.status.is_ended
    if fault in NOTHING_DONE:
        is_sent = NOTHING_DONE[fault] is Status.QUEUED
        assert (len(system.sent), ended.status is Status.SUCCEEDED) == (is_sent, is_sent)
    elif fault in UNTOLD:
        assert ended.status is Status.UNKNOWN
        assert spent(office) == pytest.approx(0.1)
    if ended.status is not Status.SUCCEEDED and system.sent:
        assert ended.status is Status.UNKNOWN


def test_what_was_sent_is_kept_to_be_followed(office: Office, system: SimulatedSystem) -> None:
    system.refuse_number("0521234567", "blocked")
    done = carried_out(office, sending("0501234567", "0521234567"))
    with office.database.read() as db:
        kept = texts.open_ones(db, "main")

    assert [(one.to, one.state, one.command) for one in kept] == [("0501234567", State.SENT, done.id)]


def test_a_name_that_may_not_send_is_refused_with_the_code_of_the_api(
    office: Office, system: SimulatedSystem
) -> None:
    system.switches.sms_senders = frozenset({"0770000001"})
    done = carried_out(office, sending("0501234567", **{"from": "Office"}))

    assert done.error is not None
    assert (done.status, done.error.code, system.sent) == (Status.FAILED, 120, ())
