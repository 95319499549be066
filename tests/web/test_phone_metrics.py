"""Figures of the phones: what is seen of late is told, what nobody can know now is absent."""

from datetime import UTC, datetime
from time import process_time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.counts import Counts
from daemon.core.missed import Callback, Source
from daemon.core.model import Failure
from daemon.core.watches import queues
from daemon.core.watches.agents import AgentState, counted, state_of
from daemon.core.watches.subjects import Subject, SubjectKind, called
from daemon.store import missed, schema
from daemon.store.database import Database
from daemon.web.exposition import text
from daemon.web.routes import phone_metrics
from daemon.web.scrape import Scrape
from tests.support.fakes import START
from tests.support.hostile import REFUSED, SHOWN
from tests.support.http_app import Setting
from tests.support.watched import DOWN, NOW, SECOND, UNKNOWN, UP, Watched, queue, sip, the_api
from tests.web.test_metrics import parsed

BUSY: dict[str, Any] = {
    "calls_waiting": 2,
    "longest_wait_seconds": 40,
    queues.AGENTS: {"free": 1, "paused": 2},
    queues.ABANDONED_IN_ALL: 7,
    queues.ANSWERED_IN_ALL: 30,
}
UNITS = Subject("units", SubjectKind.UNITS, UP, metrics={"balance": 12.5, "expires_on": "2027-01-31"})
SMS = Subject("sms_units", SubjectKind.SMS_UNITS, UP, metrics={"balance": 80, "expires_on": None})
OF_WHAT_IS_SEEN = (
    "yemotd_sip_account_registered",
    "yemotd_queue_callers_waiting",
    "yemotd_queue_longest_wait_seconds",
    "yemotd_queue_agents",
    "yemotd_queue_calls_total",
    "yemotd_units_balance",
    "yemotd_units_expire_timestamp_seconds",
    "yemotd_sms_units_balance",
)


@pytest.fixture
def watched(setting: Setting) -> Watched:
    one = Watched(setting)
    one.see(the_api(), sip("071"), sip("072", DOWN), sip("073", UNKNOWN, reason="missing"))
    one.see(queue("5", name="sales", metrics=BUSY), UNITS, SMS)
    return one


def samples(one: Watched, name: str) -> dict[tuple[str, ...], float]:
    """The values of a metric, by the values of its labels in the order of their names."""
    answer = one.setting.client.get("/metrics")
    assert answer.status_code == 200
    found = parsed(answer.text).get(name, {})
    return {tuple(value for _, value in sorted(labels)): figure for labels, figure in found.items()}


def told(one: Watched) -> set[str]:
    """The metrics that have samples."""
    answer = one.setting.client.get("/metrics")
    assert answer.status_code == 200
    return set(parsed(answer.text))


def test_accounts_are_counted_and_each_has_its_line(watched: Watched) -> None:
    assert samples(watched, "yemotd_sip_accounts") == {
        ("registered", "main"): 1,
        ("unregistered", "main"): 1,
        ("unknown", "main"): 1,
    }
    assert samples(watched, "yemotd_sip_account_registered") == {("071", "main"): 1, ("072", "main"): 0}
    assert samples(watched, "yemotd_sip_accounts_unlisted") == {("main",): 0}


def test_a_queue_says_who_waits_who_answers_and_how_calls_ended(watched: Watched) -> None:
    of = "main", "queue/5"
    assert samples(watched, "yemotd_queue_callers_waiting") == {("sales", *of): 2}
    assert samples(watched, "yemotd_queue_longest_wait_seconds") == {("sales", *of): 40}
    assert samples(watched, "yemotd_queue_calls_total") == {
        ("abandoned", "sales", *of): 7,
        ("answered", "sales", *of): 30,
    }
    many = {"free": 1, "paused": 2}
    assert samples(watched, "yemotd_queue_agents") == {
        ("sales", one.value, *of): many.get(one.value, 0) for one in AgentState
    }


def test_units_say_what_is_left_and_when_they_end(setting: Setting) -> None:
    setting.zone = lambda: ZoneInfo("Asia/Jerusalem")
    watched = Watched(Setting(setting.database, zone=setting.zone))
    watched.see(UNITS, SMS)

    assert samples(watched, "yemotd_units_balance") == {("main",): 12.5}
    assert samples(watched, "yemotd_sms_units_balance") == {("main",): 80}
    (ends,) = samples(watched, "yemotd_units_expire_timestamp_seconds").values()
    assert datetime.fromtimestamp(ends, UTC) == datetime(2027, 1, 31, 22, tzinfo=UTC)


def test_what_was_seen_too_long_ago_is_absent_and_its_accounts_are_unknown(watched: Watched) -> None:
    for watch in watched.scheduled:
        watched.scheduled[watch] = SECOND  # by which five seconds are late, were there no leeway
    late = NOW - 18 * SECOND
    watched.see(sip("071"), queue("5", name="sales", metrics=BUSY), UNITS, SMS, at=late)

    assert samples(watched, "yemotd_sip_accounts") == {
        ("registered", "main"): 0,
        ("unregistered", "main"): 0,
        ("unknown", "main"): 3,
    }
    assert not told(watched) & {*OF_WHAT_IS_SEEN}


def test_what_was_seen_since_the_store_was_told_counts(watched: Watched) -> None:
    watched.see(queue("5", name="sales", metrics=BUSY), at=NOW - 3600 * SECOND)
    assert samples(watched, "yemotd_queue_callers_waiting") == {}

    watched.setting.seen["main", "queue/5"] = NOW - SECOND
    assert samples(watched, "yemotd_queue_callers_waiting") == {("sales", "main", "queue/5"): 2}


def test_what_the_last_poll_could_not_see_is_absent_at_once(watched: Watched) -> None:
    failed = {"failure": Failure.TIMEOUT.value}
    watched.see(sip("071", UNKNOWN, **failed), sip("072", UNKNOWN, **failed))
    for one in (queue("5", UNKNOWN, "sales", BUSY, why=failed), UNITS, SMS):
        watched.see(Subject(one.subject, one.kind, UNKNOWN, one.name, failed, one.metrics))

    assert samples(watched, "yemotd_sip_accounts")["unknown", "main"] == 3
    assert not told(watched) & {*OF_WHAT_IS_SEEN}


@pytest.mark.parametrize("reason", ["unreadable", "outside_hours"])
def test_what_an_answer_showed_is_told_though_nothing_can_be_judged_by_it(
    setting: Setting, reason: str
) -> None:
    watched = Watched(setting)
    seen = {**BUSY, "longest_wait_seconds": None, queues.AGENTS: None, queues.ANSWERED_IN_ALL: None}
    watched.see(queue("5", name="sales", metrics=BUSY))
    watched.see(queue("5", UNKNOWN, "sales", seen, why={"reason": reason}))

    assert samples(watched, "yemotd_queue_callers_waiting") == {("sales", "main", "queue/5"): 2}
    assert samples(watched, "yemotd_queue_longest_wait_seconds") == {}
    assert samples(watched, "yemotd_queue_agents") == {}
    assert samples(watched, "yemotd_queue_calls_total") == {("abandoned", "sales", "main", "queue/5"): 7}


def test_of_what_was_never_seen_nothing_is_said(setting: Setting) -> None:
    watched = Watched(setting, {("main", "sip"): 30 * SECOND, ("main", "units"): 30 * SECOND})
    watched.fail(Failure.TIMEOUT)

    assert not told(watched) & {*OF_WHAT_IS_SEEN, "yemotd_sip_accounts", "yemotd_sip_accounts_unlisted"}


def test_a_system_that_has_no_account_says_so(watched: Watched) -> None:
    with watched.database.write() as db:
        db.execute(
            sa.update(schema.subjects).where(schema.subjects.c.kind == SubjectKind.SIP).values(left_at=NOW)
        )

    assert set(samples(watched, "yemotd_sip_accounts").values()) == {0}


def test_what_leaves_the_configuration_leaves_the_graphs(watched: Watched) -> None:
    watched.setting.schedule = [one for one in watched.setting.schedule if one.watch == "units"]
    answer = watched.setting.client.get("/metrics").text

    assert "yemotd_units_balance{" in answer
    assert "yemotd_queue_callers_waiting{" not in answer
    assert "yemotd_sip_accounts{" not in answer
    assert "yemotd_missed_callers{" not in answer


def test_two_queues_of_one_name_are_two(watched: Watched) -> None:
    watched.see(queue("6", name="sales", metrics=BUSY))

    assert samples(watched, "yemotd_queue_callers_waiting").keys() == {
        ("sales", "main", "queue/5"),
        ("sales", "main", "queue/6"),
    }


def test_accounts_beyond_the_most_are_counted_and_not_listed(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(setting)
    monkeypatch.setattr(phone_metrics, "MOST_OF_SYSTEM", 3)
    monkeypatch.setattr(phone_metrics, "MOST_OF_ALL", 4)
    for system, many in (("a", 5), ("b", 2), ("c", 1)):
        watched.see(*[sip(f"07{number}") for number in range(many)], system=system)

    assert samples(watched, "yemotd_sip_account_registered").keys() == {
        *((f"07{number}", "a") for number in range(3)),
        ("070", "b"),
    }
    assert samples(watched, "yemotd_sip_accounts_unlisted") == {("a",): 2, ("b",): 1, ("c",): 1}
    registered = samples(watched, "yemotd_sip_accounts")
    assert [registered["registered", system] for system in "abc"] == [5, 2, 1]


def test_whatever_an_account_is_called_the_text_is_well(setting: Setting) -> None:
    watched = Watched(setting)
    names = [one for one in (*REFUSED, *SHOWN, 'a"b', "back\\slash\\n", "a/b", "nbsp\u00a0") if one.strip()]
    watched.see(*[Subject(called("sip", one), SubjectKind.SIP, UP) for one in names])

    shown = {called("sip", one).partition("/")[2] for one in names}
    assert samples(watched, "yemotd_sip_account_registered").keys() == {(one, "main") for one in shown}


def test_who_is_to_be_called_back_is_counted_and_no_number_is_told(watched: Watched) -> None:
    assert samples(watched, "yemotd_missed_callers") == {("main",): 0}
    assert samples(watched, "yemotd_missed_callers_oldest_age_seconds") == {("main",): 0}
    at = NOW - 90 * SECOND
    one = Callback(
        "cb_1", "main", "054", "0541234567", "queue/5", "/5", "sales", Source.QUEUE, 1, at, NOW, None
    )
    with watched.database.write() as db:
        missed.add(db, one)

    assert samples(watched, "yemotd_missed_callers") == {("main",): 1}
    assert samples(watched, "yemotd_missed_callers_oldest_age_seconds") == {("main",): 90}
    assert "0541234567" not in watched.setting.client.get("/metrics").text


def test_values_that_are_no_numbers_are_absent(setting: Setting) -> None:
    watched = Watched(setting)
    odd = {
        "calls_waiting": "2",
        "longest_wait_seconds": True,
        queues.AGENTS: ["free"],
        queues.ANSWERED_IN_ALL: None,
    }
    watched.see(queue("5", metrics=odd))
    watched.see(
        Subject("units", SubjectKind.UNITS, UP, metrics={"balance": None, "expires_on": "9999-12-31"})
    )

    assert not told(watched) & {*OF_WHAT_IS_SEEN}


@given(
    st.lists(
        st.builds(
            queues.Agent,
            st.text(max_size=3),
            st.none() | st.booleans(),
            st.none() | st.sampled_from([*"0123456789", "", "odd"]),
        )
    )
)
def test_every_agent_does_one_thing(agents: list[queues.Agent]) -> None:
    many = counted(agents)

    assert sum(many.values()) == len(agents)
    assert many.keys() == {state_of(one.paused, one.status).value for one in agents}
    assert many.get("paused", 0) == sum(one.paused is True for one in agents)


def crowd(database: Database, systems: int, phones: int) -> None:
    """Many systems, each with so many phones and a queue, in bulk."""
    rows = [
        {
            "system": f"system-{system}",
            "subject": f"sip/077{number}" if number else "queue/5",
            "number": number,
            "watch": "sip" if number else "queue/5",
            "kind": SubjectKind.SIP if number else SubjectKind.QUEUE,
            "name": None if number else "sales",
            "state": UP,
            "since": START,
            "seen_at": START,
            "why": "{}",
            "metrics": None
            if number
            else '{"calls_waiting":2,"longest_wait_seconds":40,"agents":{"free":1}}',
            "details": None,
            "known_state": None,
            "known_since": None,
            "left_at": None,
        }
        for system in range(systems)
        for number in range(phones + 1)
    ]
    with database.write() as db:
        db.execute(sa.insert(schema.subjects), rows)


def test_thousands_of_systems_with_phones_cost_a_scrape_a_fraction_of_a_second(database: Database) -> None:
    systems, phones = 2_000, 8
    crowd(database, systems, phones)
    watches = {
        (f"system-{one}", watch): 30 * SECOND for one in range(systems) for watch in ("sip", "queue/5")
    }
    with database.read() as db:
        scrape = Scrape(db, NOW, START, "1.2.3", Counts(), watches, dict.fromkeys(watches, NOW), ())
        before = process_time()
        written = text(metric for family in phone_metrics.FAMILIES for metric in family(scrape))
        spent = process_time() - before

    assert written.count(b"yemotd_sip_account_registered{") == phone_metrics.MOST_OF_ALL
    assert written.count(b"yemotd_sip_accounts{") == 3 * systems
    assert written.count(b"yemotd_queue_callers_waiting{") == systems
    assert spent < 2
