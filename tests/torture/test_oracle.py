"""Nothing is trusted that was not seen to fail: each check of the oracle complains where it has to, and is
silent of a life in which all is well."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.torture.oracle import CHECKS, FIRES, RESOLVES, judged
from tests.torture.record import Arrived, Record, Written


def written(number: int, kind: str, at: float, **data: Any) -> Written:
    body = {"type": kind, "data": {"id": f"evt_{number}", "sequence": number, **data}}
    return Written(at, f"evt_{number}", "main", number, json.dumps(body).encode())


def sms(number: int, text: str, at: float) -> Written:
    return written(number, "sms.received", at, subject="sms/054", sms={"text": text})


def of_phone(number: int, kind: str, at: float, incident: str = "inc_1") -> Written:
    is_over = kind == RESOLVES
    alert = {
        "incident": incident,
        "status": "resolved" if is_over else "firing",
        "reason": "resolved" if is_over else "first",
    }
    return written(number, kind, at, subject="sip/077", account={"user_name": "077"}, alert=alert)


def taken(one: Written, after: float = 1.0, endpoint: str = "crm", **more: Any) -> Arrived:
    return replace(Arrived(one.at + after, endpoint, one.id, one.body, is_accepted=True), **more)


FIRST, SECOND = sms(1, "yes", 100), sms(2, "yes", 200)
OFF, BACK = of_phone(3, FIRES, 370), of_phone(4, RESOLVES, 570)
WELL = Record(
    sent=["yes", "yes"],
    drops={"077": [(300.0, 500.0)]},
    written=[FIRST, SECOND, OFF, BACK],
    arrived=[taken(one) for one in (FIRST, SECOND, OFF, BACK)],
    left={"incidents": 0},
)
LATE, FALSE = of_phone(3, FIRES, 340), of_phone(4, RESOLVES, 450)
ADDED = written(5, "sip.account.added", 600, subject="sip/077", account={"user_name": "077"})

WRONG: Mapping[str, Record] = {
    "each_message_is_one_event": replace(WELL, sent=["yes", "yes", "yes"]),
    "nothing_is_invented": replace(WELL, arrived=[*WELL.arrived, taken(FIRST, event="evt_9")]),
    "one_id_is_one_body": replace(
        WELL, arrived=[*WELL.arrived, taken(FIRST, body=FIRST.body + b" ")], kills=1
    ),
    "every_fact_arrives": replace(WELL, arrived=WELL.arrived[1:]),
    "facts_arrive_in_time": replace(WELL, arrived=[taken(FIRST, 1000), *WELL.arrived[1:]]),
    "sequences_have_no_gap": replace(WELL, written=[FIRST, SECOND, OFF, replace(BACK, sequence=5)]),
    "lanes_are_in_order": replace(WELL, arrived=[taken(one) for one in (SECOND, FIRST, OFF, BACK)]),
    "alerts_are_well_formed": replace(WELL, arrived=[taken(one) for one in (FIRST, SECOND, BACK, OFF)]),
    "nobody_believes_something_false": replace(WELL, arrived=WELL.arrived[:-1]),
    "no_alarm_is_false": replace(WELL, written=[FIRST, SECOND, LATE, BACK]),
    "no_drop_is_passed_over": replace(WELL, written=[FIRST, SECOND], arrived=WELL.arrived[:2]),
    "nothing_is_sent_again_for_no_reason": replace(WELL, arrived=[*WELL.arrived, taken(BACK, 2)]),
    "all_comes_to_an_end": replace(WELL, left={"incidents": 1}),
}  # fmt: skip
MORE: Mapping[str, tuple[str, Record]] = {
    "told without having come": ("each_message_is_one_event", replace(WELL, sent=["yes"])),
    "a phone that was there is added": (
        "nothing_is_invented",
        replace(WELL, written=[*WELL.written, ADDED], arrived=[*WELL.arrived, taken(ADDED)]),
    ),
    "told to be back while it is off": (
        "no_alarm_is_false",
        replace(WELL, written=[FIRST, SECOND, OFF, FALSE]),
    ),
    "a phone that was never off": ("no_alarm_is_false", replace(WELL, drops={"077": []})),
    "over, and over again": (
        "alerts_are_well_formed",
        replace(WELL, written=[*WELL.written, of_phone(5, RESOLVES, 600)],
                arrived=[*WELL.arrived, taken(of_phone(5, RESOLVES, 600))]),
    ),
    "more is sent again than a process can have had": (
        "nothing_is_sent_again_for_no_reason",
        replace(WELL, arrived=[*WELL.arrived, *(taken(FIRST, 2 + more) for more in range(9))], kills=1),
    ),
}  # fmt: skip


def test_of_a_life_that_went_well_it_says_nothing() -> None:
    assert judged(WELL) == {}


def test_each_check_has_something_to_complain_of() -> None:
    assert [*WRONG] == [check.__name__ for check in CHECKS]


@pytest.mark.parametrize("name", WRONG)
def test_it_complains(name: str) -> None:
    assert name in judged(WRONG[name])


@pytest.mark.parametrize("what", MORE)
def test_it_complains_of_every_kind(what: str) -> None:
    name, life = MORE[what]

    assert name in judged(life)


def test_what_a_kill_excuses_is_excused() -> None:
    assert judged(replace(WELL, arrived=[*WELL.arrived, taken(BACK, 2)], kills=1)) == {}


def test_a_fact_that_was_turned_down_is_at_its_end() -> None:
    turned_down = taken(FIRST, is_accepted=False)

    assert judged(replace(WELL, arrived=[turned_down, *WELL.arrived[1:]], turned_down=[(90.0, 120.0)])) == {}


def test_what_nobody_could_see_is_no_silence() -> None:
    unseen = replace(WELL, written=[FIRST, SECOND], arrived=WELL.arrived[:2])

    assert judged(replace(unseen, outages=[(290.0, 520.0)])) == {}
    assert judged(replace(unseen, unsettled=[320.0])) == {}
