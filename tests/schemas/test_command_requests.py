"""What a request for a command may say: the parameters of each type, and every fault by its field."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daemon.core.commands.command import OnHoliday
from daemon.core.commands.command_types import TYPES
from daemon.core.model import Json
from daemon.schemas import command_fields, command_requests
from daemon.schemas.wording import faults as reported

ONE, TWO = "0501234567", "0501234568"
NO_NUMBER = "expected a phone number, of 3 to 15 digits"
AS_FIGURE = "expected a number as text: as a figure it loses its first zero"
NO_PATH = 'expected the path of an extension, such as "/5" or "/1/2"; "." is the main one'
NO_LIST = 'expected the name of a list, such as "tpl:12" or "tzl:3"'
NO_TIME = "expected a time with its offset, such as 2026-11-23T18:00:00+02:00 or …Z"
NO_LOCAL_TIME = 'expected a local time such as "2026-11-23 18:00:00"'
NO_CALL = "expected letters, digits, dots, dashes and underscores, at most 64"
HALF = "expected text; this holds half of a character (a lone surrogate)"


def kept(command_type: str, given: Json = None, **fields: Json) -> dict[str, Json]:
    """The parameters of a request as they are kept."""
    document = {"type": command_type, "system": "main", **fields}
    return command_requests.params_of(
        command_requests.parse(document if given is None else {**document, "params": given})
    )


def faults(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as refused:
        command_requests.parse(document)
    return reported(refused.value.errors(), command_requests.TAGS)


def wrong(command_type: str, given: Json = None, **fields: Json) -> list[tuple[str, str]]:
    """The faults of a request that is well but for this."""
    document = {"type": command_type, "system": "main", **fields}
    return faults(document if given is None else {**document, "params": given})


def bridge(**given: Json) -> dict[str, Json]:
    return {"phones": ONE, "ivr_path": "/1", **given}


def numbers(many: int) -> list[str]:
    return [f"05{number:08}" for number in range(many)]


@pytest.mark.parametrize(
    ("phones", "form"),
    [
        (ONE, ONE),
        (f"{ONE}:{TWO}", f"{ONE}:{TWO}"),
        (" +972-50-123-4567 : 972501234568\n", f"{ONE}:{TWO}"),
        ("tpl:12", "tpl:12"),
        (" tzl:3 ", "tzl:3"),
        ([ONE, TWO], [ONE, TWO]),
        (["+972501234567", 972501234568], [ONE, TWO]),
        (["050 123 4567", "(050) 123.45-68"], [ONE, TWO]),
        (["00972501234567", "+972 (0)50-1234568"], [ONE, TWO]),
        (["+12125550100", "*2000".removeprefix("*")], ["12125550100", "2000"]),
        ([{"phone": "972501234567"}], [{"phone": ONE}]),
        ([{"phone": ONE, "caller_id": "+972771234567"}], [{"phone": ONE, "caller_id": "0771234567"}]),
        ([{"phone": ONE, "caller_id": None}], [{"phone": ONE}]),
        (
            [{"phones": ["972501234567", TWO], "caller_id": 972771234567}, {"phones": ["100"]}],
            [{"phones": [ONE, TWO], "caller_id": "0771234567"}, {"phones": ["100"]}],
        ),
        (f' ["{ONE}", "{TWO}"]', [ONE, TWO]),
        (f'[{{"phone": "{ONE}"}}]', [{"phone": ONE}]),
        (f'[{{"phones": ["{ONE}"]}}]', [{"phones": [ONE]}]),
    ],
)
def test_every_form_of_phones_is_kept_with_national_numbers(phones: Json, form: Json) -> None:
    assert kept("campaign.bridge", bridge(phones=phones))["phones"] == form


def test_several_tzintuk_lists_go_with_their_form_of_phones() -> None:
    given = bridge(phones="tzl:", tzintuk_lists=["3", "4"])
    assert kept("campaign.bridge", given) == given | {"ivr_path": "ivr2:/1"}


@pytest.mark.parametrize(
    ("phones", "place", "reason"),
    [
        ("", "phones", f'{NO_NUMBER}; several are written "0501234567:0501234568"'),
        (f"{ONE},{TWO}", "phones", f'{NO_NUMBER}; several are written "0501234567:0501234568"'),
        (f"{ONE}:", "phones", f'{NO_NUMBER}; several are written "0501234567:0501234568"'),
        (f"{ONE}:972501234567", "phones", f"{ONE} is given twice"),
        (f"{ONE}:00972501234567", "phones", f"{ONE} is given twice"),
        ("00442079460958:+44 20 7946 0958", "phones", "+442079460958 is given twice"),
        ("tpl:", "phones", NO_LIST),
        ("tpl:1 2", "phones", NO_LIST),
        ("tzl:ימות", "phones", NO_LIST),
        ("[", "phones", "begins as JSON, and is none"),
        ("[" * 10_000, "phones", "begins as JSON, and is none"),
        ("[" + "9" * 5000 + "]", "phones", "begins as JSON, and is none"),
        ("[]", "phones", "expected at least 1"),
        ("1" * 20_001, "phones", "expected at most 20000 characters"),
        ([], "phones", "expected at least 1"),
        (None, "phones", "expected numbers: text with colons between them, or a list"),
        (972501234567, "phones", "expected numbers: text with colons between them, or a list"),
        ({"phone": ONE}, "phones", "expected numbers: text with colons between them, or a list"),
        ([ONE, "050"[:2]], "phones.1", NO_NUMBER),
        ([ONE, "1" * 16], "phones.1", NO_NUMBER),
        (["9721"], "phones.0", NO_NUMBER),
        (["+972-1"], "phones.0", NO_NUMBER),
        (["٠٥٠١٢٣٤٥٦٧"], "phones.0", NO_NUMBER),
        (["\ud800"], "phones.0", NO_NUMBER),
        ([501234567], "phones.0", AS_FIGURE),
        ([-972501234567], "phones.0", AS_FIGURE),
        ([10**5000], "phones.0", AS_FIGURE),
        ([972 * 10**13], "phones.0", AS_FIGURE),
        ([True], "phones.0", "expected a phone number, as text"),
        ([1.5], "phones.0", "expected a phone number, as text"),
        ([None], "phones.0", "expected a phone number, as text"),
        ([[ONE]], "phones.0", "expected a phone number, as text"),
        ([ONE, ONE], "phones", f"{ONE} is given twice"),
        ([{"phone": ONE}, {"phone": "+972501234567"}], "phones", f"{ONE} is given twice"),
        ([{"phones": [ONE]}, {"phones": [TWO, ONE]}], "phones", f"{ONE} is given twice"),
        ([{}], "phones.0.phone", "is missing"),
        ([{"phone": ONE, "callerId": TWO}], "phones.0.callerId", "is not known here"),
        ([{"phone": ONE, "caller_id": "me"}], "phones.0.caller_id", NO_NUMBER),
        ([{"phones": []}], "phones.0.phones", "expected at least 1"),
        ([{"phones": f"{ONE}:{TWO}"}], "phones.0.phones", "expected a list"),
        ([{"phones": [ONE, "x"]}], "phones.0.phones.1", NO_NUMBER),
        ([{"phones": [ONE], "phone": TWO}], "phones.0.phone", "is not known here"),
        ("tzl:", "tzintuk_lists", 'must name the lists that phones "tzl:" speaks of'),
    ],
)
def test_phones_that_cannot_be_dialled_are_named_one_by_one(phones: Json, place: str, reason: str) -> None:
    assert wrong("campaign.bridge", bridge(phones=phones)) == [(f"params.{place}", reason)]


@pytest.mark.parametrize(
    "phones",
    [
        [ONE, {"phone": TWO}],
        [{"phone": ONE}, {"phones": [TWO]}],
        [{"phones": [ONE]}, TWO],
    ],
)
def test_forms_of_phones_are_not_mixed(phones: Json) -> None:
    ((place, reason),) = wrong("campaign.bridge", bridge(phones=phones))
    assert (place, reason.partition(" ")[0]) == ("params.phones", "mixes")


FORMS: dict[str, Callable[[list[str]], Any]] = {
    "text": ":".join,
    "list": list,
    "objects": lambda found: [{"phone": one} for one in found],
    "groups": lambda found: [{"phones": found[:200]}, {"phones": found[200:]}],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_campaign_takes_500_numbers_and_not_one_more_in_any_form(form: str) -> None:
    kept("campaign.bridge", bridge(phones=FORMS[form](numbers(500))))

    assert wrong("campaign.bridge", bridge(phones=FORMS[form](numbers(501)))) == [
        ("params.phones", "501 numbers; a campaign takes at most 500")
    ]


@pytest.mark.parametrize(
    ("lists", "phones", "reason"),
    [
        (["3"], ONE, 'goes with phones "tzl:" only'),
        (["3"], "tzl:3", 'goes with phones "tzl:" only'),
        ([], "tzl:", 'must name the lists that phones "tzl:" speaks of'),
        (["3", "3"], "tzl:", "3 is given twice"),
        (["3 4"], "tzl:", NO_CALL),
        ("3", "tzl:", "expected a list"),
    ],
)
def test_tzintuk_lists_that_make_no_sense_are_refused(lists: Json, phones: str, reason: str) -> None:
    ((place, said),) = wrong("campaign.bridge", bridge(phones=phones, tzintuk_lists=lists))
    assert (place.removesuffix(".0"), said) == ("params.tzintuk_lists", reason)


@pytest.mark.parametrize(("given", "seconds"), [(1, 1), (35, 35), ("30", 30), (30.0, 30)])
def test_it_rings_for_whole_seconds(given: Json, seconds: int) -> None:
    assert kept("campaign.bridge", bridge(calls_timeout=given))["calls_timeout"] == seconds


def test_what_is_not_given_is_left_to_the_api() -> None:
    assert kept("campaign.bridge", bridge(calls_timeout=None, caller_id=None)) == {
        "phones": ONE,
        "ivr_path": "ivr2:/1",
    }


WHOLE = "expected a whole number"
FINITE = "expected a finite number"
NOT_FINITE: tuple[Json, ...] = (math.inf, math.nan)
NO_SECONDS: list[Json] = [True, False, "half", "", "٣", 1.5, math.inf, math.nan, [30], {}]


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (0, "expected at least 1"),
        (36, "expected at most 35"),
        (10**400, "expected at most 35"),
        *((one, FINITE if one in NOT_FINITE else WHOLE) for one in NO_SECONDS),
    ],
)
def test_it_rings_no_longer_than_the_api_lets_it(seconds: Json, reason: str) -> None:
    assert wrong("campaign.bridge", bridge(calls_timeout=seconds)) == [("params.calls_timeout", reason)]


@pytest.mark.parametrize("path", [".", "/", "/5", "5", "1/2", "/1/2/", "/מחלקה", "/" + "5" * 199])
def test_a_path_is_passed_on_as_it_is_written(path: str) -> None:
    assert kept("queue.state", {"queue_path": path}) == {"queue_path": path}
    assert kept("directory.stats", {"path": path}) == {"path": path}
    assert kept("queue.pause", {"queue_path": path, "agent": "a"})["queue_path"] == path


@pytest.mark.parametrize(("given", "path"), [("/1/2", "/1/2"), ("1/2", "/1/2"), ("5/", "/5"), (".", "/")])
def test_where_a_caller_is_sent_is_written_as_the_api_wants_it(given: str, path: str) -> None:
    assert kept("queue.kick", {"queue_path": "/5", "call_ids": ["a"], "goto": given})["goto"] == path


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "//",
            "/5//6",
            "..",
            "../x",
            "./5",
            "/.",
            "/5/./6",
            "/a/../b",
            "/..",
            "/a b",
            " /5",
            "/5\n",
            "/a\0",
            "/a\x7f",
        ),
        *("/a\x85", "/5\u200f", "/\u202e5", "/5\u2028"),
    ],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    assert wrong("queue.state", {"queue_path": path}) == [("params.queue_path", NO_PATH)]
    assert wrong("directory.stats", {"path": path}) == [("params.path", NO_PATH)]
    assert wrong("campaign.bridge", bridge(ivr_path=path)) == [("params.ivr_path", NO_PATH)]


@pytest.mark.parametrize(
    ("path", "reason"),
    [(5, "expected text"), ("/" + "5" * 200, "expected at most 200 characters"), ("/\ud800", HALF)],
)
def test_what_is_no_text_is_no_path(path: Json, reason: str) -> None:
    assert wrong("queue.state", {"queue_path": path}) == [("params.queue_path", reason)]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        *((path, "ivr2:/1/100") for path in ("/1/100", "1/100", "/1/100/", "ivr2:1/100", "ivr2:/1/100")),
        *((path, "ivr2:/") for path in (".", "/", "ivr2:/", "ivr2:.")),
        ("/" + "5" * 199, "ivr2:/" + "5" * 199),
    ],
)
def test_the_extension_of_a_campaign_is_written_as_the_api_wants_it(given: str, path: str) -> None:
    assert kept("campaign.bridge", bridge(ivr_path=given))["ivr_path"] == path


def test_the_prefix_of_an_extension_is_written_once() -> None:
    assert wrong("campaign.bridge", bridge(ivr_path="ivr2:ivr2:/1")) == [
        ("params.ivr_path", '"ivr2:" is given twice')
    ]


def test_call_ids_are_kept_in_their_order() -> None:
    given: Json = {"queue_path": "/5", "call_ids": ["f6657b78", "a.b-c_d", "x" * 64]}
    assert kept("queue.kick", given) == given


@pytest.mark.parametrize(
    ("call_ids", "place", "reason"),
    [
        ([], "call_ids", "expected at least 1"),
        ("f6657b78", "call_ids", "expected a list"),
        (["a", "b", "a"], "call_ids", "a is given twice"),
        ([str(number) for number in range(501)], "call_ids", "expected at most 500"),
        (["a", 5], "call_ids.1", "expected text"),
        *(
            ([one], "call_ids.0", NO_CALL)
            for one in ("", "a b", "a\n", "x" * 65, "א", "a/b", "a\0", "\ud800")
        ),
    ],
)
def test_what_is_no_call_is_named(call_ids: Json, place: str, reason: str) -> None:
    given: Json = {"queue_path": "/5", "call_ids": call_ids}
    assert wrong("queue.kick", given) == [(f"params.{place}", reason)]


@pytest.mark.parametrize("command_type", ["queue.pause", "queue.unpause"])
def test_an_agent_may_have_any_name_on_one_line(command_type: str) -> None:
    given: Json = {"queue_path": "/5", "agent": " יוסי 3 "}
    assert kept(command_type, given) == {"queue_path": "/5", "agent": "יוסי 3"}


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        ("", "must not be empty"),
        (" ", "expected text, on one line"),
        ("a\nb", "expected text, on one line"),
        ("SIP-1\0", "expected text, on one line"),
        ("\u202eSIP", "expected text, on one line"),
        ("a" * 65, "expected at most 64 characters"),
        (3, "expected text"),
        ("\ud800", HALF),
    ],
)
def test_what_is_no_agent_is_refused(agent: Json, reason: str) -> None:
    assert wrong("queue.pause", {"queue_path": "/5", "agent": agent}) == [("params.agent", reason)]


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("2026-11-23", "2026-11-23 00:00:00"),
        ("2026-11-23 18:00", "2026-11-23 18:00:00"),
        ("2026-11-23T18:00:59", "2026-11-23 18:00:59"),
        (" 2024-02-29 ", "2024-02-29 00:00:00"),
    ],
)
def test_a_date_is_kept_as_the_api_takes_it(given: str, at: str) -> None:
    assert kept("sms.log", {"start_date": given}) == {"limit": 100, "start_date": at}


@pytest.mark.parametrize(
    "date",
    [
        *("", "today", "23/11/2026", "2026-02-30", "2026-11-23 25:00", "2026-11-23T18:00:00+02:00"),
        *("2026-11-23 18:00:00.5", "2026-1-2", "٢٠٢٦-١١-٢٣", "0999-01-01", "1999-12-31", "2200-01-01"),
    ],
)
def test_what_is_no_date_of_our_time_is_refused(date: str) -> None:
    assert wrong("sms.log", {"start_date": date}) == [("params.start_date", NO_LOCAL_TIME)]


def test_a_span_does_not_end_before_it_begins() -> None:
    day: dict[str, Json] = {"start_date": "2026-11-23", "end_date": "2026-11-23 00:00:00"}
    assert kept("sms.log", {**day, "limit": 3000})["limit"] == 3000
    assert wrong("sms.log", {**day, "end_date": "2026-11-22 23:59:59"}) == [
        ("params.end_date", "is before start_date")
    ]


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (0, "expected at least 1"),
        (3001, "expected at most 3000"),
        (True, WHOLE),
        (None, WHOLE),
        ("9" * 5000, "expected a whole number of fewer digits"),
    ],
)
def test_a_limit_that_the_api_does_not_take_is_refused(limit: Json, reason: str) -> None:
    assert wrong("sms.log", {"limit": limit}) == [("params.limit", reason)]


def test_an_account_has_a_number_of_its_own() -> None:
    assert kept("sip.contexts", {"account_number": 2}) == {"account_number": 2}
    assert kept("sip.contexts") == kept("sip.contexts", {"account_number": None}) == {}
    assert wrong("sip.contexts", {"account_number": 0}) == [("params.account_number", "expected at least 1")]


@pytest.mark.parametrize(
    "command_type", ["pirsumphone.register", "pirsumphone.unregister", "pirsumphone.status", "sip.accounts"]
)
def test_what_takes_no_parameters_may_do_without_or_with_none(command_type: str) -> None:
    assert kept(command_type) == kept(command_type, {}) == {}
    assert wrong(command_type, {"queue_path": "/5"}) == [("params.queue_path", "is not known here")]


WELL: dict[str, Json] = {
    "queue.kick": {"queue_path": "/5", "call_ids": ["a"]},
    "queue.pause": {"queue_path": "/5", "agent": "SIP-1"},
    "queue.unpause": {"queue_path": "/5", "agent": "SIP-1"},
    "queue.callback.remove": {"request_id": 4711},
    "campaign.bridge": {"phones": "tpl:12", "ivr_path": "ivr2:/1"},
    "campaign.status": {"campaign_id": "YA-1-0773137770-Yemot-1795395723456000"},
    "campaign.stop": {"campaign_id": "0773137770-12-2026-11-23-01-02-03-456-API"},
    "queue.state": {"queue_path": "."},
    "directory.stats": {"path": "/2"},
    "sms.log": {"limit": 100},
    "sms.send": {"to": ["0501234567"], "text": "on our way"},
}


@pytest.mark.parametrize("command_type", TYPES)
def test_every_type_of_the_contract_is_taken_and_wants_what_it_needs(command_type: str) -> None:
    given = WELL.get(command_type, {})
    assert isinstance(given, dict)
    assert kept(command_type, given) == given
    for name in given.keys() - {"limit"}:
        less = {key: value for key, value in given.items() if key != name}
        assert wrong(command_type, less) == [(f"params.{name}", "is missing")]


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("2026-11-23T18:00:00", NO_TIME),
        ("tomorrow", NO_TIME),
        ("", NO_TIME),
        ("2026-13-01T00:00:00Z", NO_TIME),
        ({}, NO_TIME),
        (math.nan, NO_TIME),
        (10**30, NO_TIME),
        (-(10**400), NO_TIME),
        ("\ud800", NO_TIME),
        (1764000000, NO_TIME),
        ("1764000000", NO_TIME),
        ("1999-12-31T23:59:59Z", "expected a time between 2000 and 2200"),
        ("2200-01-01T00:00:00Z", "expected a time between 2000 and 2200"),
        ("0001-01-01T00:00:00+14:00", "expected a time between 2000 and 2200"),
        ("9999-12-31T23:59:59-14:00", "expected a time between 2000 and 2200"),
    ],
)
@pytest.mark.parametrize("field", ["not_before", "expires_at"])
def test_a_moment_says_which_one_it_is(field: str, at: Json, reason: str) -> None:
    assert wrong("sip.accounts", **{field: at}) == [(field, reason)]


def test_a_moment_is_understood_in_any_offset() -> None:
    request = command_requests.parse(
        {
            "type": "sip.accounts",
            "system": "main",
            "not_before": "2026-11-23T18:00:00+02:00",
            "expires_at": "2026-11-23T16:00:00.001Z",
        }
    )
    assert request.not_before is not None
    assert request.expires_at is not None
    assert (request.expires_at - request.not_before).total_seconds() == 0.001


@pytest.mark.parametrize("ends", ["2026-11-23T18:00:00+02:00", "2026-11-23T17:59:59+02:00"])
def test_nothing_ends_before_it_begins(ends: str) -> None:
    begins = "2026-11-23T16:00:00Z"
    assert wrong("sip.accounts", not_before=begins, expires_at=ends) == [
        ("expires_at", "is not after not_before")
    ]


def test_only_a_campaign_waits_for_the_end_of_a_holiday() -> None:
    request = command_requests.parse(
        {"type": "campaign.bridge", "system": "main", "params": bridge(), "on_holiday": "wait"}
    )
    assert isinstance(request, command_requests.CampaignRequest)
    assert request.on_holiday is OnHoliday.WAIT
    assert wrong("sip.accounts", on_holiday="wait") == [("on_holiday", "is not known here")]
    assert wrong("campaign.bridge", bridge(), on_holiday="pray") == [
        ("on_holiday", "expected 'fail' or 'wait'")
    ]


@pytest.mark.parametrize("document", [None, [], "x", 5, 1.5, True])
def test_what_is_no_object_is_no_request(document: Json) -> None:
    assert faults(document) == [("body", "expected an object")]


def test_a_type_that_is_none_is_answered_with_those_there_are() -> None:
    assert faults({"system": "main"}) == [("type", "is missing")]
    strange: list[Json] = ["queue.kcik", "\ud800", 5, [], {}, None]
    for one in strange:
        ((place, reason),) = faults({"type": one, "system": "main"})
        assert place == "type"
        assert all(repr(known) in reason for known in TYPES)


@pytest.mark.parametrize(
    ("system", "reason"),
    [("", "must not be empty"), ("x" * 201, "expected at most 200 characters"), (None, "expected text")],
)
def test_a_system_is_named_by_text(system: Json, reason: str) -> None:
    assert faults({"type": "sip.accounts", "system": system}) == [("system", reason)]


@pytest.mark.parametrize("given", [None, [], "{}", 5])
def test_parameters_are_an_object(given: Json) -> None:
    document = {"type": "sip.accounts", "system": "main", "params": given}
    assert faults(document) == [("params", "expected an object")]


@pytest.mark.parametrize("name", ["list", "text", "number", "one", "group", "queue.kick", "body", "", "a.b"])
def test_what_is_not_known_is_named_whatever_it_is_called(name: str) -> None:
    assert wrong("sip.accounts", {name: 1}) == [(f"params.{name}", "is not known here")]


def test_all_faults_are_told_at_once() -> None:
    given: Json = {
        "phones": [ONE, ONE],
        "ivr_path": "../1",
        "caller_id": "me",
        "calls_timeout": 99,
        "tzintuk_lists": ["3"],
        "dry_run": True,
    }
    found = wrong(
        "campaign.bridge",
        given,
        not_before="2026-11-23T18:00:00Z",
        expires_at="2026-11-22T18:00:00Z",
        on_holiday="?",
        why="because",
    )
    assert {place for place, _ in found} == {
        *("expires_at", "on_holiday", "why"),
        *(f"params.{name}" for name in ("phones", "ivr_path", "caller_id", "calls_timeout", "dry_run")),
    }


@pytest.mark.parametrize("key", ["a", "!~", "order-1/2", "x" * 255])
def test_a_key_is_whatever_a_header_can_carry(key: str) -> None:
    assert command_fields.idempotency_key(key) == key


@pytest.mark.parametrize("key", ["", "a b", "א", "a\n", "\x7f", "x" * 256])
def test_a_key_that_no_header_carries_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="1 to 255 ASCII"):
        command_fields.idempotency_key(key)


FIELDS = sorted(
    {
        *("type", "system", "params", "not_before", "expires_at", "on_holiday", "phone", "phones", "list"),
        *("caller_id", "queue_path", "call_ids", "goto", "agent", "ivr_path", "calls_timeout", "\ud800", ""),
        *("tzintuk_lists", "account_number", "limit", "start_date", "end_date", "path"),
    }
)
WORDS = [
    *TYPES,
    *(
        "main",
        "/5",
        ".",
        "..",
        "tzl:",
        "tpl:1",
        "tpl:",
        ONE,
        "972501234567",
        f"{ONE}:{TWO}",
        "[",
        "[1]",
        "[{}]",
    ),
    *(
        '["050"]',
        "wait",
        "2026-11-23",
        "0001-01-01",
        "2026-11-23T18:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "\0",
    ),
    *("\ud800", "א", "1", "-1", "1e9", "ivr2:", "ivr2:ivr2:/1"),
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 972501234567])
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)
GIVEN = VALUES | st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6)
REQUESTS = st.builds(
    lambda head, body, rest: {**rest, **head, **({"params": body} if body is not None else {})},
    st.fixed_dictionaries({"type": st.sampled_from(sorted(TYPES)), "system": st.just("main")}),
    GIVEN,
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=2),
)
FOREIGN = ("Input should", "Value error", "pydantic", "unable to", "sys.", "Exceeds", "{", "Keys should")


def judged(document: Any) -> command_requests.Request | None:
    """The request, or None where every fault is told in our words."""
    try:
        return command_requests.parse(document)
    except ValidationError as error:
        found = reported(error.errors(), command_requests.TAGS)
        assert found
        for place, reason in found:
            assert place
            assert not any(word in reason for word in FOREIGN), reason
        return None


@given(VALUES | REQUESTS)
def test_any_json_is_a_request_or_faults(document: Any) -> None:
    judged(document)


@given(VALUES)
def test_any_phones_that_are_taken_are_taken_again_as_they_are_kept(phones: Any) -> None:
    assert_kept({"type": "campaign.bridge", "system": "main", "params": bridge(phones=phones)})


NUMBERS = st.from_regex(r"(\+?972|0)[2-9]([- ]?[0-9]){7,8}", fullmatch=True)
PHONES = (
    st.lists(NUMBERS, min_size=1, max_size=3)
    | st.lists(NUMBERS, min_size=1, max_size=3).map(":".join)
    | st.lists(st.fixed_dictionaries({"phone": NUMBERS}, optional={"caller_id": NUMBERS}), min_size=1)
    | st.lists(
        st.fixed_dictionaries(
            {"phones": st.lists(NUMBERS, min_size=1, max_size=3)}, optional={"caller_id": NUMBERS}
        ),
        min_size=1,
    )
)


@given(PHONES, st.text("/.5a:ivr2 ", max_size=8), st.none() | st.integers(1, 35))
def test_what_is_kept_of_a_campaign_is_kept_as_it_is(phones: Any, path: str, ringing: int | None) -> None:
    given = {"phones": phones, "ivr_path": path, "calls_timeout": ringing}
    request = judged({"type": "campaign.bridge", "system": "main", "params": given})
    if request is not None:
        assert re.fullmatch(
            r"ivr2:/(?:[^/\s]+(?:/[^/\s]+)*)?", str(command_requests.params_of(request)["ivr_path"])
        )
    assert_kept({"type": "campaign.bridge", "system": "main", "params": given})


@given(st.from_regex(r"[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]([ T][0-2][0-9]:[0-5][0-9])?", fullmatch=True))
def test_what_is_kept_of_a_date_is_kept_as_it_is(date: str) -> None:
    assert_kept({"type": "sms.log", "system": "main", "params": {"start_date": date}})


def assert_kept(document: dict[str, Any]) -> None:
    """What is kept of a request asks for the same, if it is one."""
    request = judged(document)
    if request is not None:
        once = command_requests.params_of(request)
        assert command_requests.params_of(command_requests.parse({**document, "params": once})) == once
