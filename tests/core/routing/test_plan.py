"""Which endpoint is told what: systems, globs, and the types that somebody has to ask for."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.event_types import EVENT_TYPES, OPT_IN
from daemon.core.model import Event, Fact
from daemon.core.routing.filters import Filter, Operator
from daemon.core.routing.plan import DAEMON, Interest, Planned, lane, plan, wanted
from daemon.core.wishes import Kind, Wishes
from tests.core.spellings import truths

SPELLINGS = [(spelling, phone or spelling) for spelling, phone in truths()]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def interest(*events: str, endpoint: str = "crm", systems: tuple[str, ...] | None = None) -> Interest:
    return Interest(endpoint, events or ("*",), systems)


def event(event_type: str, *, system: str = "main", subject: str = "sip/077", number: int = 1) -> Event:
    return Event(f"evt_{number}", event_type, system, number, subject, NOON, b"{}")


def fact(event_type: str) -> Fact:
    return Fact(event_type, "queue/5", {})


@pytest.mark.parametrize(
    ("systems", "system", "is_told"),
    [
        (None, "main", True),
        (("main",), "main", True),
        (("main", "branch"), "branch", True),
        (("branch",), "main", False),
        ((), "main", False),
    ],
)
def test_an_endpoint_hears_of_its_systems(
    systems: tuple[str, ...] | None, system: str, is_told: bool
) -> None:
    assert interest(systems=systems).covers(system, "sip.account.added") is is_told


@pytest.mark.parametrize("systems", [None, ("branch",), ()])
def test_the_daemons_own_events_concern_every_endpoint_that_names_them(
    systems: tuple[str, ...] | None,
) -> None:
    assert interest("daemon.*", systems=systems).covers(DAEMON, "daemon.started")
    assert not interest("sip.*", systems=systems).covers(DAEMON, "daemon.started")


def test_system_and_type_must_both_be_named() -> None:
    one = interest("sip.*", "sms.*", systems=("main",))

    assert one.covers("main", "sip.account.added")
    assert one.covers("main", "sms.received")
    assert not one.covers("main", "queue.threshold.crossed")
    assert not one.covers("branch", "sip.account.added")


@pytest.mark.parametrize("event_type", sorted(OPT_IN))
def test_a_bare_star_does_not_ask_for_the_opt_in_types(event_type: str) -> None:
    assert not interest("*").covers("main", event_type)
    assert interest("*", f"{event_type.partition('.')[0]}.*").covers("main", event_type)
    assert interest(event_type).covers("main", event_type)


@pytest.mark.parametrize("event_type", sorted(set(EVENT_TYPES) - OPT_IN))
def test_every_other_event_is_written_though_nobody_wants_it(event_type: str) -> None:
    assert wanted("main", [fact(event_type)], ()) == [fact(event_type)]
    assert wanted("main", [fact(event_type)], [interest("sms.gap", systems=())]) == [fact(event_type)]


@pytest.mark.parametrize(
    ("interests", "is_written"),
    [
        ((), False),
        ((interest("*"),), False),
        ((interest("sip.*"),), False),
        ((interest("queue.*", systems=("branch",)),), False),
        ((interest("queue.*"),), True),
        ((interest("*"), interest("queue.caller.*", systems=("main",))), True),
    ],
)
def test_callers_are_written_only_where_an_endpoint_asks_for_them(
    interests: tuple[Interest, ...], is_written: bool
) -> None:
    joined = fact("queue.caller.joined")

    assert wanted("main", [joined], interests) == ([joined] if is_written else [])


def test_what_is_written_keeps_its_order() -> None:
    facts = [fact("sms.gap"), fact("queue.caller.left"), fact("api.reachable"), fact("queue.agent.paused")]

    assert wanted("main", facts, [interest("queue.agent.*")]) == [facts[0], facts[2], facts[3]]


def test_there_is_one_delivery_for_each_event_and_endpoint_that_covers_it() -> None:
    first, second = event("sms.received", subject="sms", number=1), event("sip.account.added", number=2)
    interests = [interest("*", endpoint="crm"), interest("sip.*", endpoint="ops")]

    assert plan([first, second], interests) == [
        Planned(first, "crm", "main/sms"),
        Planned(second, "crm", "main/sip/077"),
        Planned(second, "ops", "main/sip/077"),
    ]


def test_events_and_endpoints_may_be_none_at_all() -> None:
    assert plan([], [interest()]) == plan([event("sms.received")], []) == []


def test_events_of_one_subject_share_a_lane_and_others_have_their_own() -> None:
    events = [
        event("sip.account.unregistered", number=1),
        event("sip.account.registered", number=2),
        event("sip.account.unregistered", subject="sip/078", number=3),
        event("sip.account.unregistered", system="branch", number=4),
    ]

    lanes = [planned.lane for planned in plan(events, [interest()])]
    assert lanes[0] == lanes[1]
    assert len(set(lanes[1:])) == 3


@given(st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS))
def test_one_phone_is_one_lane_and_two_phones_are_two(one: tuple[str, str], other: tuple[str, str]) -> None:
    lanes = [lane(event("sms.received", subject=f"sms/{spelling}")) for spelling, _ in (one, other)]

    assert (lanes[0] == lanes[1]) is (one[1] == other[1])


def test_what_a_receiver_sees_of_a_phone_is_what_the_platform_gave() -> None:
    (planned,) = plan([event("sms.received", subject="sms/972501234567")], [interest()])

    assert (planned.lane, planned.event.subject) == ("main/sms/0501234567", "sms/972501234567")


def test_the_daemons_own_events_have_a_lane_beside_those_of_systems() -> None:
    (planned,) = plan(
        [event("daemon.started", system=DAEMON, subject="daemon")], [interest(systems=("main",))]
    )

    assert planned.lane == "/daemon"


@pytest.mark.parametrize(
    ("about", "is_about_itself"),
    [
        ("ops/anna@example.org", True),
        ("smtp", True),
        ("ops", True),
        ("ops/ben@example.org", False),
        ("crm", False),
    ],
)
def test_a_mailbox_is_not_told_of_itself_its_server_or_the_wishes_of_its_table(
    about: str, *, is_about_itself: bool
) -> None:
    mailbox = Interest("ops/anna@example.org", ("*",), None, reported_as="smtp")

    assert mailbox.is_about_itself(DAEMON, f"endpoint/{about}") is is_about_itself
    assert not mailbox.is_about_itself("main", f"endpoint/{about}")


def guarded(**wishes: Any) -> Interest:
    return Interest("crm", ("*",), None, guard=Wishes().guard(Kind.ENDPOINT, "crm"), **wishes)


class Raising(tuple[Any, ...]):
    """What cannot be looked at."""

    def __iter__(self) -> Any:
        raise ValueError


def test_a_filter_that_raises_lets_alerts_pass_and_facts_not() -> None:
    """What is at fault must not mute, nor give strangers' words to whom they are not meant for."""
    one = guarded(filters=Raising([Filter("sms.text", Operator.IS, ("x",))]))
    passed = [one.lets_pass(lambda: {"sms": {}}, instead=is_alert) for is_alert in (True, False)]

    assert passed == [True, False]


def test_globs_that_raise_let_alerts_pass_and_facts_not() -> None:
    one = replace(guarded(), events=Raising(["sms.*"]), systems=("main",))

    assert one.covers("main", "sip.account.registered")
    assert not one.covers("main", "sms.received")
    assert not one.covers("branch", "sip.account.registered")  # of a system that is not its own: nothing
