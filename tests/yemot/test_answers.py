"""Answers to observations: both backends' spellings, and every way in which a field can be missing."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.files import File
from daemon.core.model import Failure, Unknown
from daemon.core.watches import directories, pirsumphone, queues, registrations, sip, sms, units
from daemon.yemot import answers, campaigns, customer
from daemon.yemot.scalars import boolean, calendar_date, count, integer, name, number, text

Data = dict[str, Any]

ROW: Data = {
    "dest": 972501234567,
    "phone": "972541234567",
    "message": "hi",
    "server_date": "2024-07-30 22:40:54",
}
QUEUE: Data = {
    "queueData": {
        "Abandoned": 3, "Calls": "1", "Completed": 41, "TalkTime": 96.0, "Holdtime": "35", "Max": 0,
        "Strategy": "ringall",
    },
    "members": [
        {"agent": "SIP-0773137770-3", "Status": 1, "CallsTaken": "7", "LastCall": None, "Paused": "false"},
    ],
    "entries": [
        {"phone": "0501234567", "Wait": "443", "Position": 1, "CallId": "f66"},
    ],
}  # fmt: skip
FILE: Data = {
    "exists": True, "name": "007.wav", "uniqueId": 12, "what": "ivr2:/2/007.wav", "fileType": "AUDIO",
    "size": "32044", "mtime": "30/07/2024 22:40", "duration": 1.5, "durationStr": "01:30", "phone": "050",
    "source": "record", "date": "30/07/2024 22:40", "ip": "192.0.2.7", "customerDid": "0770000000",
    "meta": {"note": ["שלום", 1, None]},
}  # fmt: skip
DIRECTORY: Data = {
    "type": "menu", "dirsCount": "2", "filesCount": 9, "contentFilesCount": 8, "maxFile": FILE,
    "minFile": FILE, "thisPath": "ivr2:/2", "parentPath": "ivr2:/",
}  # fmt: skip
READERS: list[Callable[[Mapping[str, object]], object]] = [
    lambda data: answers.sms_log(data, 10),
    lambda data: answers.incoming_sms(data, 10),
    answers.sip_accounts,
    answers.sip_contexts,
    answers.queue_state,
    answers.directory,
    answers.pirsumphone,
    answers.units,
    customer.sms_balance,
    customer.approved_until,
    customer.still_approved,
    campaigns.progress,
    campaigns.report,
    campaigns.charges,
]
WORDS = [
    "rows", "phone", "dest", "message", "server_date", "source", "destination", "receive_date",
    "accounts", "userName", "registered", "contexts", "uri", "user_agent", "via_addr", "via_port",
    "expiration_time", "endpoint", "queueData", "Calls", "members", "agent", "Paused", "entries",
    "CallId", "Wait", "maxFile", "minFile", "name", "exists", "size", "contentFilesCount",
    "registrationStatus", "units", "unitsExpireDate", "createdDate", "thisPath", "parentPath", "meta",
    "duration", "fileType", "customerDid", "ip", "smsUnits", "smsUnitsExpireDate", "callerIds", "callerId",
    "expiryDate", "call", "mainDid", "secondaryDids", "campaign", "campaignStatus", "pendingEntries",
    "activeEntries", "redialEntries", "totalEntries", "currentPrice", "report", "transactions", "id",
    "amount", "transactionTime", "description", "campaignId",
]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters() | st.characters(categories=["Cs"]), max_size=20)
    | st.sampled_from(["1", "true", "-0", "1e999", "\\u05e9", "\\", '\\"', 10**400, "2024-02-31", "²"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=8),
    max_leaves=25,
)


def malformed(seen: object) -> str:
    assert isinstance(seen, Unknown), seen
    assert seen.failure is Failure.MALFORMED
    return seen.message


def messages(*rows: object, limit: int = 10) -> sms.Observation:
    seen = answers.sms_log({"rows": list(rows)}, limit)
    assert isinstance(seen, sms.Observation), seen
    return seen


def accounts(*entries: object) -> sip.Observation:
    seen = answers.sip_accounts({"accounts": list(entries)})
    assert isinstance(seen, sip.Observation), seen
    return seen


def queue(**changes: object) -> queues.Observation:
    seen = answers.queue_state({**QUEUE, **changes})
    assert isinstance(seen, queues.Observation), seen
    return seen


def without(data: Data, *keys: str) -> Data:
    return {key: value for key, value in data.items() if key not in keys}


@given(st.dictionaries(st.sampled_from(WORDS), JSON))
def test_no_json_makes_a_reader_raise_and_what_it_sees_is_stable(data: Data) -> None:
    for read in READERS:
        seen = read(data)
        assert repr(read(data)) == repr(seen)
        repr(seen).encode()


COUNTERS: st.SearchStrategy[Any] = st.sampled_from([0, "0", 1, "2", 3, None, -1, "many", [], {}, 10**400])
LISTS: st.SearchStrategy[Any] = st.sampled_from(
    [[], {}, None, "", 0, False, "none", {"error": 1}]
) | st.lists(
    st.fixed_dictionaries({"CallId": st.sampled_from(["a", "b", "c", "", None]), "agent": SCALARS}),
    max_size=3,
)


@given(st.dictionaries(st.sampled_from(["Calls", "Abandoned"]), COUNTERS) | COUNTERS, LISTS, LISTS)
def test_a_queue_is_believed_to_be_empty_only_where_its_counter_agrees(
    totals: object, entries: object, members: object
) -> None:
    seen = answers.queue_state({"queueData": totals, "entries": entries, "members": members})
    if isinstance(seen, Unknown):
        return
    counted = count(totals["Calls"]) if isinstance(totals, dict) and "Calls" in totals else None
    assert seen.calls in (None, counted)
    if seen.callers is not None:
        names = {one.call_id for one in seen.callers}
        assert len(names) == counted if counted is not None else names
    assert seen.callers is not None or seen.problems
    assert seen.agents is not None or seen.problems


@given(
    COUNTERS,
    COUNTERS,
    st.sampled_from([None, [], {}, FILE, {"exists": False}, {"exists": 0, "name": "x"}, 7]),
)
def test_a_folder_is_believed_to_be_empty_only_where_a_counter_agrees(
    content_files: object, files: object, highest: object
) -> None:
    data = {"contentFilesCount": content_files, "filesCount": files, "maxFile": highest}
    seen = answers.directory(data)
    if isinstance(seen, directories.Observation):
        counted = count(files) if count(content_files) is None else count(content_files)
        assert (seen.max_file is None) == (counted == 0)


@given(st.text(st.characters() | st.characters(categories=["Cs"]) | st.sampled_from('\\"un059de/')))
def test_every_text_can_be_sent_on_whatever_it_holds(raw: str) -> None:
    row = messages({**ROW, "message": raw}).rows[0]
    assert (row.text + row.raw_text).encode() or not raw


def test_a_message_is_read_from_both_spellings() -> None:
    row = sms.Row("972541234567", "972501234567", "hi", "hi", "2024-07-30 22:40:54")
    newer = {
        "source": "972541234567",
        "destination": "972501234567",
        "message": "hi",
        "receive_date": "2024-07-30 22:40:54",
    }
    assert messages(ROW) == sms.Observation((row,), 10)
    assert answers.incoming_sms({"rows": [newer]}, 5) == sms.Observation((row,), 5)


def test_messages_stay_in_order_and_equal_ones_stay_two() -> None:
    other = {**ROW, "phone": "Bank"}
    assert [row.sender for row in messages(other, ROW, ROW).rows] == ["Bank", "972541234567", "972541234567"]


@pytest.mark.parametrize("empty", [[], {}, None])
def test_an_empty_list_comes_in_three_spellings(empty: object) -> None:
    assert answers.sms_log({"rows": empty}, 10) == sms.Observation((), 10)
    assert answers.sip_accounts({"accounts": empty}) == sip.Observation({})
    assert answers.sip_contexts({"contexts": empty}) == registrations.Observation(())
    idle = {**QUEUE["queueData"], "Calls": 0}
    assert (queue(entries=empty, queueData=idle).callers, queue(members=empty).agents) == ((), ())


def test_a_list_may_come_as_a_numbered_object() -> None:
    assert answers.sms_log({"rows": {"0": ROW}}, 10) == messages(ROW)


@pytest.mark.parametrize("data", [{}, {"rows": "none"}, {"rows": 0}, {"rows": {"error": 1}}])
def test_an_absent_list_of_messages_is_no_empty_one(data: Data) -> None:
    malformed(answers.sms_log(data, 10))


@pytest.mark.parametrize("data", [{}, {"accounts": "none"}, {"accounts": False}, {"accounts": {"error": 1}}])
def test_an_absent_list_of_accounts_is_no_empty_one(data: Data) -> None:
    malformed(answers.sip_accounts(data))


@pytest.mark.parametrize("key", ["phone", "dest", "message", "server_date"])
def test_a_field_that_every_message_lacks_makes_the_answer_malformed(key: str) -> None:
    row = without(ROW, key)
    assert malformed(answers.sms_log({"rows": [row, row]}, 10)) == f"rows[].{key}: missing in 2 of 2"


def test_a_field_that_one_message_lacks_is_a_problem() -> None:
    seen = messages(ROW, {**ROW, "message": {}}, without(ROW, "dest"))
    assert [(row.text, row.recipient != "") for row in seen.rows] == [("hi", True), ("", True), ("hi", False)]
    assert seen.problems == ("rows[].dest: missing in 1 of 3", "rows[].message: missing in 1 of 3")


def test_a_row_left_out_does_not_make_a_full_window_look_complete() -> None:
    seen = messages(ROW, "junk", limit=2)
    assert len(seen.rows) == 1
    assert seen.is_full


def test_problems_hold_no_message_and_no_number() -> None:
    seen = messages(ROW, {**ROW, "server_date": ["972541234567", "hi there"]}, {"972541234567": "hi there"})
    assert seen.problems
    assert not any("97254" in line or "hi" in line for line in seen.problems)


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("plain", "plain"),
        (r"\u05e9\u05dc\u05d5\u05dd", "שלום"),
        (r"\u05e9\nnew \"line\" \\ \/", 'ש\nnew "line" \\ /'),
        (r"\ud83d\ude00", "😀"),
        (r"say \"yes\"", 'say "yes"'),
        (r"\u05e9 \ud83d alone", "ש \ufffd alone"),
        ("\ud83d alone", "\ufffd alone"),
        ("\ud83d\ude00", "😀"),
        (r"nul \u0000", "nul \x00"),
        ("a lone \\ backslash", "a lone \\ backslash"),
        (r"C:\new", r"C:\new"),
        (r"C:\users\u05e9", r"C:\users\u05e9"),
        (r"two\nlines", r"two\nlines"),
        (r"escaped \\u05e9", r"escaped \\u05e9"),
        (r'a bare " and \u05e9', r'a bare " and \u05e9'),
        ("a line\nand \\u05e9", "a line\nand \\u05e9"),
        ("\\u05e9 at the end \\", "\\u05e9 at the end \\"),
        ("", ""),
    ],
)
def test_a_text_is_decoded_only_where_it_was_surely_escaped(raw: str, decoded: str) -> None:
    assert messages({**ROW, "message": raw}).rows[0].text == decoded


def test_the_raw_text_is_kept_beside_the_decoded_one() -> None:
    row = messages({**ROW, "message": r"\u05e9"}).rows[0]
    assert (row.text, row.raw_text) == ("ש", r"\u05e9")


@pytest.mark.parametrize("value", [True, 1, 1.0, "true", "True", "1", " yes "])
def test_registered_in_every_spelling(value: object) -> None:
    assert accounts({"userName": "077=2", "registered": value}) == sip.Observation({"077=2": True})


@pytest.mark.parametrize("value", [False, 0, 0.0, "false", "0", "no"])
def test_unregistered_in_every_spelling(value: object) -> None:
    assert accounts({"userName": 77, "registered": value}) == sip.Observation({"77": False})


def test_when_an_account_was_made_is_kept_as_it_came_and_may_be_missing() -> None:
    seen = accounts(
        {"userName": "a", "registered": True, "createdDate": "2021-06-26 23:00:00"},
        {"userName": "b", "registered": True},
        {"userName": "c", "registered": True, "createdDate": []},
    )
    assert (dict(seen.created), seen.problems) == ({"a": "2021-06-26 23:00:00"}, ())
    assert seen.account("b") == {"user_name": "b", "registered": True, "created_date": None}


def test_a_registration_that_cannot_be_read_is_unknown_and_told_once_for_all() -> None:
    names = [{"userName": str(index), "registered": True} for index in range(12)]
    seen = accounts(
        *names, {"userName": "a"}, {"userName": "b", "registered": None}, {"userName": "c", "registered": 7}
    )
    assert [seen.registered[key] for key in "abc"] == [None, None, None]
    assert seen.problems == (
        "accounts[].registered: missing in 2 of 15",
        "accounts[].registered: unreadable in 1 of 15",
    )


def test_an_account_without_a_name_is_left_out() -> None:
    seen = accounts({"userName": "a", "registered": True}, {"registered": False}, "junk")
    assert seen.registered == {"a": True}
    assert "accounts[].userName: missing in 2 of 3" in seen.problems


def test_accounts_of_which_none_has_a_name_are_malformed() -> None:
    assert "userName" in malformed(answers.sip_accounts({"accounts": [{"user": "a"}, {"user": "b"}]}))


def test_an_account_listed_twice_and_differently_is_unknown() -> None:
    twice = [{"userName": "a", "registered": True}, {"userName": "a", "registered": False}]
    assert accounts(*twice).registered == {"a": None}
    assert len(accounts(*twice).problems) == 1
    assert accounts(twice[0], twice[0]) == sip.Observation({"a": True})


def test_a_registration_is_read_with_its_addresses() -> None:
    entry = {
        "expiration_time": "2024-06-04 15:43:38",
        "uri": "sip:077@192.168.1.99:5060",
        "user_agent": "Yealink",
        "via_addr": "192.168.1.110",
        "via_port": "5060",
    }
    context = registrations.Context(
        "sip:077@192.168.1.99:5060", "Yealink", "192.168.1.110", 5060, "2024-06-04 15:43:38"
    )
    assert answers.sip_contexts({"contexts": [entry]}) == registrations.Observation((context,))


@pytest.mark.parametrize("data", [{}, {"contexts": [{"user_agent": "x"}]}])
def test_registrations_that_cannot_be_read_are_not_none_at_all(data: Data) -> None:
    seen = answers.sip_contexts(data)
    assert isinstance(seen, registrations.Observation)
    assert seen.contexts is None
    assert seen.problems


def test_a_queue_is_read_from_strings_and_numbers_alike() -> None:
    assert queue() == queues.Observation(
        calls=1,
        abandoned=3,
        completed=41,
        talk_seconds=96,
        hold_seconds=35,
        strategy="ringall",
        callers=(queues.Caller("f66", "0501234567", 443, 1),),
        agents=(queues.Agent("SIP-0773137770-3", False, "1", 7),),
    )


def test_an_absent_list_of_callers_is_empty_only_where_no_call_waits() -> None:
    data = without(QUEUE, "entries")
    seen = answers.queue_state(data)
    assert isinstance(seen, queues.Observation)
    assert (seen.callers, seen.problems) == (None, ("entries: missing",))
    idle = answers.queue_state({**data, "queueData": {**QUEUE["queueData"], "Calls": "0"}})
    assert isinstance(idle, queues.Observation)
    assert (idle.callers, idle.problems) == ((), ())


def test_an_absent_list_of_agents_is_unreadable() -> None:
    seen = answers.queue_state(without(QUEUE, "members"))
    assert isinstance(seen, queues.Observation)
    assert (seen.agents, seen.problems) == (None, ("members: missing",))


@pytest.mark.parametrize("empty", [[], {}, None])
def test_that_nobody_waits_is_believed_only_where_the_counter_says_so(empty: object) -> None:
    two = queue(entries=empty, queueData={**QUEUE["queueData"], "Calls": 2})
    uncounted = queue(entries=empty, queueData=None)
    assert (two.calls, two.callers, two.problems) == (
        2,
        None,
        ("entries: fewer than queueData.Calls counts",),
    )
    assert (uncounted.calls, uncounted.callers) == (None, None)
    assert "entries: empty, and no queueData.Calls to say so" in uncounted.problems


def test_a_list_that_was_cut_short_is_unreadable() -> None:
    seen = queue(queueData={**QUEUE["queueData"], "Calls": 3}, entries=[*QUEUE["entries"] * 3])
    assert (seen.calls, seen.callers) == (3, None)


def test_more_callers_than_are_counted_leave_both_in_doubt() -> None:
    seen = queue(queueData={**QUEUE["queueData"], "Calls": 0})
    assert (seen.calls, seen.callers) == (None, None)
    assert seen.problems == ("queueData.Calls: fewer than entries has",)


@pytest.mark.parametrize(("key", "identity"), [("entries", "CallId"), ("members", "agent")])
def test_a_list_with_an_entry_that_nobody_can_name_is_unreadable(key: str, identity: str) -> None:
    seen = queue(**{key: [*QUEUE[key], without(QUEUE[key][0], identity)]})
    assert (seen.callers if key == "entries" else seen.agents) is None
    assert seen.problems == (f"{key}[].{identity}: missing in 1 of 2",)


@pytest.mark.parametrize("value", ["many", -1, True, 1.5, "1e3", float("inf"), [], "²"])
def test_a_figure_that_cannot_be_read_is_unknown(value: object) -> None:
    seen = queue(queueData={**QUEUE["queueData"], "Calls": value})
    assert seen.calls is None
    assert len(seen.problems) == 1
    assert seen.problems[0].startswith("queueData.Calls: ")


def test_a_queue_without_any_of_its_parts_is_malformed() -> None:
    malformed(answers.queue_state({"message": "hello"}))
    malformed(answers.queue_state({"queueData": None}))


def test_counters_that_come_as_an_empty_list_are_unknown() -> None:
    seen = queue(queueData=[])
    assert (seen.calls, seen.strategy) == (None, None)
    assert "queueData.Calls: missing" in seen.problems


def test_a_directory_is_read_with_its_highest_file() -> None:
    file = File(
        name="007.wav",
        unique_id="12",
        path="ivr2:/2/007.wav",
        size_bytes=32044,
        modified="30/07/2024 22:40",
        duration="01:30",
        phone="050",
        source="record",
        date="30/07/2024 22:40",
        exists=True,
        file_type="AUDIO",
        duration_number=1.5,
        customer_did="0770000000",
        meta={"note": ["שלום", 1, None]},
        ip="192.0.2.7",
    )
    assert answers.directory(DIRECTORY) == directories.Observation(
        "menu", 2, 9, 8, file, file, this_path="ivr2:/2", parent_path="ivr2:/"
    )


@pytest.mark.parametrize(
    ("meta", "shown"),
    [("text", "text"), ({}, {}), (None, None), ({"a": "\ud800"}, {"a": "\ufffd"}), ([1e999], [None])],
)
def test_what_a_file_carries_beside_is_passed_on_as_it_is(meta: object, shown: object) -> None:
    seen = answers.directory({**DIRECTORY, "maxFile": {**FILE, "meta": meta}})
    assert isinstance(seen, directories.Observation)
    assert seen.max_file is not None
    assert (seen.max_file.meta, seen.problems) == (shown, ())


def test_what_a_file_carries_beside_is_not_passed_on_where_it_is_large() -> None:
    seen = answers.directory({**DIRECTORY, "maxFile": {**FILE, "meta": "x" * 5000}})
    assert isinstance(seen, directories.Observation)
    assert seen.max_file is not None
    assert (seen.max_file.meta, seen.problems) == (None, ("maxFile.meta: unreadable",))


@pytest.mark.parametrize("nothing", [None, [], {}, {"exists": False, "name": "x"}, {"exists": 0}])
def test_a_directory_may_say_that_there_is_no_file(nothing: object) -> None:
    empty = {**DIRECTORY, "contentFilesCount": "0", "maxFile": nothing, "minFile": None}
    seen = answers.directory(empty)
    assert isinstance(seen, directories.Observation)
    assert (seen.max_file, seen.problems) == (None, ())
    malformed(answers.directory({**DIRECTORY, "maxFile": nothing}))
    malformed(answers.directory(without(empty, "contentFilesCount")))
    assert isinstance(
        answers.directory({**without(empty, "contentFilesCount"), "filesCount": 0}), directories.Observation
    )


def test_a_highest_file_where_none_is_counted_is_malformed() -> None:
    malformed(answers.directory({**DIRECTORY, "contentFilesCount": 0}))


def test_a_directory_without_audio_files_needs_no_highest_one() -> None:
    seen = answers.directory({**without(DIRECTORY, "maxFile", "minFile"), "contentFilesCount": 0})
    assert isinstance(seen, directories.Observation)
    assert (seen.max_file, seen.problems) == (None, ())


@pytest.mark.parametrize("data", [without(DIRECTORY, "maxFile"), {**DIRECTORY, "maxFile": {"size": 1}}, {}])
def test_a_highest_file_that_cannot_be_read_is_not_none_at_all(data: Data) -> None:
    malformed(answers.directory(data))


def test_details_of_a_file_may_be_missing() -> None:
    seen = answers.directory({**DIRECTORY, "maxFile": {"name": "1.wav", "phone": None, "size": "big"}})
    assert isinstance(seen, directories.Observation)
    assert seen.max_file == File("1.wav", None, None, None, None, None, None, None, None)
    assert seen.problems == ("maxFile.size: unreadable",)


@pytest.mark.parametrize(("value", "expected"), [(True, True), ("1", True), ("false", False), (0, False)])
def test_the_registration_to_pirsumphone_is_read(value: object, expected: bool) -> None:
    assert answers.pirsumphone({"registrationStatus": value}) == pirsumphone.Observation(expected)


def test_a_registration_to_pirsumphone_that_is_missing_is_unknown() -> None:
    assert answers.pirsumphone({}) == pirsumphone.Observation(None, ("registrationStatus: missing",))


def test_units_are_read_and_nothing_else_of_the_session() -> None:
    data = {"units": "12.5", "unitsExpireDate": "2026-12-01", "name": "n", "password": "p4ss", "email": "a@b"}
    seen = answers.units(data)
    assert seen == units.Observation(12.5, date(2026, 12, 1))
    assert "p4ss" not in repr(seen)


def test_units_that_cannot_be_read_are_unknown() -> None:
    assert answers.units({"units": True, "unitsExpireDate": "01/12/2026"}) == units.Observation(
        None, None, ("units: unreadable", "unitsExpireDate: unreadable")
    )


@pytest.mark.parametrize(
    ("convert", "value", "expected"),
    [
        (text, 7, "7"),
        (text, 7.0, "7"),
        (text, 7.5, None),
        (text, True, None),
        (text, 10**400, None),
        (text, "", ""),
        (name, " ", None),
        (name, " a ", "a"),
        (integer, " -5 ", -5),
        (integer, "5.00", 5),
        (integer, "5.5", None),
        (integer, 2**63, None),
        (integer, "٣", None),
        (count, -1, None),
        (number, "-1.5", -1.5),
        (number, float("nan"), None),
        (number, 10**400, None),
        (number, False, None),
        (boolean, "on the phone", None),
        (boolean, 2, None),
        (calendar_date, "2026-12-01 00:00:00", date(2026, 12, 1)),
        (calendar_date, "2026-02-30", None),
        (calendar_date, 20261201, None),
    ],
)
def test_a_scalar_is_coerced_or_refused(
    convert: Callable[[object], object], value: object, expected: object
) -> None:
    assert convert(value) == expected
    assert type(convert(value)) is type(expected)
