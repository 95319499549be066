"""One account's registrations: what is news about its phone, and what moves by itself."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.model import Fact, Json
from daemon.core.watches import registrations
from daemon.core.watches.registrations import Context, Observation, State
from tests.support.examples import examples

ZONE = ZoneInfo("Asia/Jerusalem")
NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)

DESK = Context(
    uri="sip:0773137770@192.168.1.99:5060",
    user_agent="Yealink SIP-T29G",
    via_address="192.168.1.110",
    via_port=5060,
    expires="2026-03-01 13:00:00",
)
ELSEWHERE = replace(DESK, uri="sip:0773137770@10.0.0.7:5060", via_address="10.0.0.7")
EXPIRED = "2026-03-01 11:00:00"


def diff(
    before: State | None, *contexts: Context, now: datetime = NOW, account: int = 1
) -> tuple[State, tuple[Fact, ...]]:
    """The facts, and the state as a restart would find it."""
    change = registrations.diff(before, Observation(contexts), account=account, now=now, zone=ZONE)
    restarted = registrations.load(json.loads(json.dumps(registrations.dump(change.state))))
    assert (restarted, change.conditions) == (change.state, ())
    return restarted, change.facts


def blind(before: State | None) -> tuple[State, tuple[Fact, ...]]:
    """The same, of a list that could not be read."""
    change = registrations.diff(before, Observation(None), account=1, now=NOW, zone=ZONE)
    return change.state, change.facts


def types(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.type for fact in facts]


def after(before: Context, *contexts: Context) -> list[str]:
    """What the second of two answers tells."""
    return types(diff(diff(None, before)[0], *contexts)[1])


CHANGED = "sip.registration.changed"
DUPLICATE = "sip.registration.duplicate"


@pytest.mark.parametrize("contexts", [(), (DESK,), (DESK, ELSEWHERE)])
def test_the_baseline_is_silent(contexts: tuple[Context, ...]) -> None:
    assert diff(None, *contexts)[1] == ()


@pytest.mark.parametrize(
    "moved",
    [
        DESK,
        replace(DESK, expires="2026-03-01 13:30:00"),
        replace(DESK, expires=None),
        replace(DESK, expires="soon"),
        replace(DESK, via_port=40123),
        replace(DESK, via_port=None),
        replace(DESK, uri="sip:0773137770@192.168.1.99:40123"),
        replace(DESK, uri="sip:0773137770@192.168.1.99"),
        replace(DESK, uri="sip:0773137770@192.168.1.99:5060;transport=udp;ob"),
        replace(DESK, endpoint="0773137770"),
    ],
)
def test_ports_parameters_and_the_expiry_are_no_news(moved: Context) -> None:
    assert after(DESK, moved) == []


@pytest.mark.parametrize(
    "moved",
    [
        replace(DESK, uri="sip:0773137770@192.168.1.98:5060"),
        replace(DESK, uri="sip:0773137770@[2001:db8::7]:5060"),
        replace(DESK, user_agent="Zoiper v2.10"),
        replace(DESK, via_address="10.0.0.7"),
        ELSEWHERE,
    ],
)
def test_a_new_address_or_user_agent_is_told(moved: Context) -> None:
    assert after(DESK, moved) == [CHANGED]


def test_the_port_behind_an_ipv6_address_is_no_news_either() -> None:
    phone = replace(DESK, uri="sip:0773137770@[2001:db8::7]:5060")

    assert after(phone, replace(phone, uri="sip:0773137770@[2001:db8::7]:5080")) == []


def test_a_change_shows_the_phone_before_and_after() -> None:
    state, _ = diff(None, DESK)
    _, (fact,) = diff(state, replace(ELSEWHERE, user_agent="Zoiper v2.10"))

    assert fact == Fact(
        "sip.registration.changed",
        "sip/0773137770",
        {
            "account": {"number": 1, "user_name": "0773137770"},
            "before": [
                {"address": "192.168.1.99", "user_agent": "Yealink SIP-T29G", "via_address": "192.168.1.110"}
            ],
            "after": [{"address": "10.0.0.7", "user_agent": "Zoiper v2.10", "via_address": "10.0.0.7"}],
        },
    )


def test_a_change_is_told_once() -> None:
    state, _ = diff(None, DESK)
    state, changed = diff(state, ELSEWHERE)
    _, again = diff(state, ELSEWHERE)

    assert (types(changed), types(again)) == ([CHANGED], [])


def test_a_phone_that_unregisters_and_comes_back_where_it_was_is_no_news() -> None:
    state, _ = diff(None, DESK)
    state, away = diff(state)
    _, back = diff(state, DESK)

    assert away == back == ()


def test_a_phone_that_unregisters_and_comes_back_elsewhere_is_told() -> None:
    state, _ = diff(None, DESK)
    state, away = diff(state)
    state, still_away = diff(state)
    _, (fact,) = diff(state, ELSEWHERE)

    assert away == still_away == ()
    assert fact.type == CHANGED
    assert fact.payload["before"] == [
        {"address": "192.168.1.99", "user_agent": "Yealink SIP-T29G", "via_address": "192.168.1.110"}
    ]


def test_the_first_phone_of_an_account_that_had_none_is_no_change() -> None:
    assert types(diff(diff(None)[0], DESK)[1]) == []


def test_an_unreadable_list_moves_nothing() -> None:
    state, _ = diff(None, DESK)
    kept, facts = blind(state)

    assert (kept, facts) == (state, ())
    assert types(diff(kept, ELSEWHERE)[1]) == [CHANGED]


def test_an_unreadable_baseline_makes_nothing_of_what_follows() -> None:
    state, facts = blind(None)

    assert facts == diff(state, DESK)[1] == ()


def test_a_second_active_registration_is_told_once_as_long_as_it_lasts() -> None:
    state, _ = diff(None, DESK)
    state, two = diff(state, DESK, replace(DESK, via_port=5080))
    state, still_two = diff(state, DESK, replace(DESK, via_port=5090))

    assert (types(two), types(still_two)) == ([DUPLICATE], [])


def test_a_second_registration_that_ended_and_comes_back_is_told_again() -> None:
    state, _ = diff(None, DESK)
    state, _ = diff(state, DESK, replace(DESK, via_port=5080))
    state, one = diff(state, DESK)
    _, two = diff(state, DESK, replace(DESK, via_port=5080))

    assert (types(one), types(two)) == ([], [DUPLICATE])


def test_a_second_registration_of_the_baseline_is_not_told_while_it_lasts() -> None:
    state, _ = diff(None, DESK, ELSEWHERE)

    assert diff(state, DESK, ELSEWHERE)[1] == ()


def test_a_second_phone_elsewhere_is_a_change_and_a_duplicate() -> None:
    assert after(DESK, DESK, ELSEWHERE) == [CHANGED, DUPLICATE]


def test_one_phone_of_two_that_leaves_is_no_news() -> None:
    state, _ = diff(None, DESK, ELSEWHERE)

    assert diff(state, DESK)[1] == ()


def test_a_duplicate_lists_every_active_registration() -> None:
    state, _ = diff(None, DESK)
    _, (fact,) = diff(state, DESK, replace(DESK, via_port=5080), replace(DESK, expires=EXPIRED))
    listed: Json = [
        {
            "uri": "sip:0773137770@192.168.1.99:5060",
            "user_agent": "Yealink SIP-T29G",
            "via_address": "192.168.1.110",
            "via_port": port,
            "expires": "2026-03-01 13:00:00",
            "endpoint": None,
        }
        for port in (5060, 5080)
    ]

    assert fact.payload == {"account": {"number": 1, "user_name": "0773137770"}, "registrations": listed}


def test_a_registration_that_expired_counts_for_nothing() -> None:
    assert after(DESK, DESK, replace(ELSEWHERE, expires=EXPIRED)) == []


@pytest.mark.parametrize(
    ("expires", "told"),
    [
        ("2026-03-01 11:59:59", []),
        ("2026-03-01 12:00:00", []),
        ("2026-03-01 12:00:01", [CHANGED]),
        ("12:00:01 2026-03-01", [CHANGED]),
    ],
)
def test_the_expiry_is_local_time_of_the_zone(expires: str, told: list[str]) -> None:
    assert after(DESK, replace(ELSEWHERE, expires=expires)) == told


@pytest.mark.parametrize("expires", [None, "", "soon", "2026-02-30 12:00:00", "0000-00-00 00:00:00"])
def test_a_registration_without_a_readable_expiry_is_active(expires: str | None) -> None:
    assert after(DESK, replace(ELSEWHERE, expires=expires)) == [CHANGED]


def test_a_registration_expires_without_a_new_answer() -> None:
    state, _ = diff(None, DESK, replace(DESK, via_port=5080, expires="2026-03-01 12:30:00"))
    later, _ = diff(
        state, DESK, replace(DESK, via_port=5080, expires="2026-03-01 12:30:00"), now=NOW + HOUR / 2
    )

    assert (state.active, later.active) == (2, 1)


@pytest.mark.parametrize(
    ("uri", "subject", "user_name"),
    [
        ("sip:0773137770@192.168.1.99:5060", "sip/0773137770", "0773137770"),
        ("sips:0773137770@192.168.1.99", "sip/0773137770", "0773137770"),
        ("sip:0772222770=2@192.168.1.99", "sip/0772222770=2", "0772222770=2"),
        ("sip:192.168.1.99:5060", "sip/7", "7"),
    ],
)
def test_the_subject_is_the_account_by_its_name_or_else_by_its_number(
    uri: str, subject: str, user_name: str
) -> None:
    state, _ = diff(None, DESK, account=7)
    (fact,) = diff(state, replace(ELSEWHERE, uri=uri), account=7)[1]

    assert fact.subject == subject
    assert fact.payload["account"] == {"number": 7, "user_name": user_name}


@pytest.mark.parametrize("uri", ["", "sip:", "nonsense", "sip:077@[::", "sip:077@host:port", "sip:077@[x]"])
def test_an_odd_uri_is_compared_as_it_is(uri: str) -> None:
    odd = replace(DESK, uri=uri)

    assert (after(odd, odd), after(DESK, odd)) == ([], [CHANGED])


def test_the_order_of_the_list_is_no_news() -> None:
    state, _ = diff(None, DESK, ELSEWHERE)

    assert diff(state, ELSEWHERE, DESK) == (state, ())


phones = st.sampled_from(
    [DESK, ELSEWHERE, replace(DESK, user_agent="Zoiper v2.10"), replace(DESK, via_port=9)]
)


@settings(max_examples=examples(100))
@given(st.lists(st.lists(phones, max_size=3), min_size=1, max_size=8))
def test_a_duplicate_is_told_when_one_becomes_several_and_only_then(answers: list[list[Context]]) -> None:
    """An empty list says nothing of it: what is registered twice before it and after it was told once."""
    state, _ = diff(None, *answers[0])
    before = len(answers[0])
    for contexts in answers[1:]:
        state, facts = diff(state, *contexts)

        assert (DUPLICATE in types(facts)) == (len(contexts) > 1 >= before)
        before = len(contexts) or before


@settings(max_examples=examples(100))
@given(st.lists(st.lists(phones, max_size=2), min_size=2, max_size=8))
def test_a_change_is_told_when_a_phone_appears_that_was_not_there_last(answers: list[list[Context]]) -> None:
    def places(contexts: list[Context]) -> set[tuple[str, str | None]]:
        return {(one.uri, one.user_agent) for one in contexts}

    state, last = None, set[tuple[str, str | None]]()
    for contexts in answers:
        is_new = state is not None and bool(last) and not places(contexts) <= last
        state, facts = diff(state, *contexts)
        last = places(contexts) or last

        assert (CHANGED in types(facts)) == is_new
