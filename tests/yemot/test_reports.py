"""Files of rows: both forms of one are the same rows, whatever is in them and was known of them before."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from daemon.core.model import Unknown
from daemon.yemot import reports
from daemon.yemot.bounded_json import ExcessError
from daemon.yemot.reports import MOST_OF_A_ROW, Known, Report, date_of, digest, lying, rendered
from tests.support.examples import examples

NAMES = st.sampled_from(["Phone", "Date", "Time", "P050", "P051", "שם", "a b"])
# Without what a file that lies there may begin or be padded with, which is taken off the ends of its lines.
VALUES = st.text(
    st.sampled_from('ab01{}[],:"\\/ \tא😀')
    | st.characters(exclude_characters="%\r\n\x00\ufeff", exclude_categories=["Cs"]),
    max_size=8,
) | st.sampled_from(["},{", '"},{"', "]}", '},{"Phone":"1', '\\"},{\\"', "#1", "0500000001"])
ROW = st.dictionaries(NAMES, VALUES, min_size=1, max_size=5)
ROWS = st.lists(ROW, max_size=6)
SPELLED = st.sampled_from([{"separators": (",", ":")}, {}, {"ensure_ascii": False}, {"indent": 1}])


def as_json(rows: list[dict[str, str]], how: Mapping[str, Any] | None = None, **more: object) -> bytes:
    """As RenderYMGRFile answers."""
    envelope = {"responseStatus": "OK", "yALogsVersion": "2.1", "data": rows, **more}
    return json.dumps(envelope, **(how or {})).encode()


def lines_of(rows: list[dict[str, str]]) -> str:
    """As the file lies there."""
    return "".join("%".join(f"{name}#{value}" for name, value in row.items()) + "\n" for row in rows)


def as_text(contents: str) -> bytes:
    """As GetTextFile answers."""
    return json.dumps({"responseStatus": "OK", "contents": contents, "file": "x.ymgr"}).encode()


def by_render(body: bytes, known: Known | None = None) -> Report[bytes]:
    question = rendered("/1/A.ymgr", known=known)
    found = question.parse(question.decode(body))  # type: ignore[arg-type]
    assert isinstance(found, Report)
    return found


def by_lines(contents: str, known: Known | None = None) -> Report[str]:
    question = lying("/1/A.ymgr", known=known)
    found = question.parse(question.decode(as_text(contents)))  # type: ignore[arg-type]
    assert isinstance(found, Report)
    return found


@given(ROWS, SPELLED)
@settings(max_examples=examples(300))
def test_rows_are_read_one_by_one_as_json_reads_them_together(
    rows: list[dict[str, str]], how: Mapping[str, Any]
) -> None:
    found = by_render(as_json(rows, how))

    assert list(found) == rows
    assert list(found.digests) == [digest(row) for row in rows]
    assert found.problems == ()


@given(ROWS)
def test_both_forms_of_a_file_are_the_same_rows(rows: list[dict[str, str]]) -> None:
    found = by_lines(lines_of(rows))

    assert [dict(row) for row in found] == rows
    assert found.digests == by_render(as_json(rows)).digests
    assert (found.problems, found.is_open) == ((), False)


@given(ROWS, ROWS, SPELLED)
@settings(max_examples=examples(200))
def test_what_is_known_of_the_beginning_changes_nothing(
    before: list[dict[str, str]], more: list[dict[str, str]], how: Mapping[str, Any]
) -> None:
    first, whole = by_render(as_json(before, how)), by_render(as_json(before + more, how), None)
    again = by_render(as_json(before + more, how), first.known)

    assert list(again) == list(whole)
    assert again.digests == whole.digests
    assert again.same == (len(before) if "indent" not in how or not more else again.same)
    lines = by_lines(lines_of(before + more), by_lines(lines_of(before)).known)
    assert (list(lines), lines.digests) == (before + more, whole.digests)
    assert lines.same == len(before)


@given(ROWS, ROWS)
def test_a_file_that_begins_otherwise_is_read_anew(
    one: list[dict[str, str]], other: list[dict[str, str]]
) -> None:
    known_json, known_lines = by_render(as_json(one)).known, by_lines(lines_of(one)).known

    assert list(by_render(as_json(other), known_json)) == other
    assert list(by_lines(lines_of(other), known_lines)) == other
    assert list(by_render(as_json(other), known_lines)) == other


@given(ROWS, st.integers(1, 20))
def test_a_line_that_is_half_written_is_told_to_be(rows: list[dict[str, str]], cut: int) -> None:
    contents = lines_of(rows)
    assume(cut < len(contents))
    half = by_lines(contents[:-cut])
    whole = by_lines(contents, half.known)

    assert half.is_open or contents[:-cut].endswith("\n")
    assert list(whole) == rows
    assert whole.digests == by_lines(contents).digests


def test_a_column_that_is_added_makes_no_other_row_of_those_before() -> None:
    assert digest({"Phone": "1", "P050": "2"}) == digest({"P050": "2", "P051": "", "Phone": "1"})


def test_a_card_takes_no_part_in_what_a_row_is_compared_by() -> None:
    cards = ["4580458045804580", "4580-4580-4580-4580", "4111 1111 1111 1111"]

    assert len({digest({"Phone": "1", "P050": card}) for card in cards}) == 1
    assert digest({"P050": "4580458045804581"}) != digest({"P050": "4580458045804582"})


def test_values_that_are_no_texts_are_read_as_what_they_say() -> None:
    body = b'{"responseStatus":"OK","data":[{"a":1,"b":null,"c":true,"d":[1],"e":NaN,"f":"1","f":"2"}]}'

    assert list(by_render(body)) == [{"a": "1", "b": "", "c": "", "d": "", "e": "NaN", "f": "2"}]


@pytest.mark.parametrize("data", [b"[]", b"null", b"{}"])
def test_a_file_without_a_row_has_none(data: bytes) -> None:
    assert len(by_render(b'{"responseStatus":"OK","data":%b}' % data)) == 0


@pytest.mark.parametrize(
    "body",
    [
        b'{"responseStatus":"OK","data":[{"a":"1"}',
        b'{"responseStatus":"OK","data":[{"a":"1"},5]}',
        b'{"responseStatus":"OK","data":[{"a":"1"} {"b":"2"}]}',
        b'{"responseStatus":"OK","data":[{"a":"1"},{"b":"\xff"}]}',
        b'{"responseStatus":"OK","data":[{"a":"1"}],"data":[]}',
        b'{"responseStatus":"OK","x":{"data":[{"a":"1"}]}}',
        b'{"responseStatus":"OK","data":[{"a":' + b"[" * 40 + b"]" * 40 + b"}]}",
        b'{"responseStatus":"OK","data":[{"a":"' + b"x" * MOST_OF_A_ROW + b'"}]}',
        b'{"responseStatus":"OK","data":[{"a":"' + b"},{" * 100 + b'"}]}',
        b'{"responseStatus":"OK","data":[{"a":"1"},{"b":' + b"9" * 5000 + b"}]}",
    ],
)
def test_an_answer_that_is_broken_is_refused_whole(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        rendered("/1/A.ymgr").decode(body)


@pytest.mark.parametrize(
    ("data", "said"), [({}, "data: missing"), ({"data": "x"}, "no list"), ({"data": 0}, "no list")]
)
def test_an_answer_without_rows_is_none(data: dict[str, object], said: str) -> None:
    found = rendered("/1/A.ymgr").parse(data)

    assert isinstance(found, Unknown)
    assert said in found.message


def test_lines_that_do_not_split_are_counted_and_said() -> None:
    report = by_lines("Phone#1%Note#5% off%Time#2\n\r\nno row at all\nPhone#2%Note#a#b\r\n%\n")

    assert list(report) == [{"Phone": "1", "Note": "5% off", "Time": "2"}, {"Phone": "2", "Note": "a#b"}]
    assert report.problems == (
        "rows: 2 of 4 do not split into names and values",
        "rows: 1 of 4 have a % in a value, which also parts fields",
    )


def test_what_did_not_split_is_counted_on_when_the_file_grows() -> None:
    first = by_lines("no row\nPhone#1\n")

    assert by_lines("no row\nPhone#1\nnone\n", first.known).problems == (
        "rows: 2 of 3 do not split into names and values",
    )


def test_a_line_without_an_end_is_none() -> None:
    with pytest.raises(ExcessError):
        by_lines("a#" + "x" * MOST_OF_A_ROW + "\n")


def test_more_rows_than_are_taken_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_ROWS", 3)

    with pytest.raises(ExcessError, match="more than 3 rows"):
        by_render(as_json([{"a": "1"}] * 4))


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("ApprovalAll.ymgr", ""),
        ("ApprovalAll.2026-18.ymgr", "2026-18"),
        ("ApprovalAll.2026-05-03.ymgr", "2026-05-03"),
        ("ApprovalAll-2026-05.ymgr", "2026-05"),
        ("ApprovalAll-2026.ymgr", "2026"),
        ("ApprovalAll.2026-W18.ymgr", "2026-W18"),
        ("ApprovalAll.20260503.ymgr", "20260503"),
        ("ApprovalAll.03-05-2026.ymgr", "03-05-2026"),
        ("ApprovalAll", None),
        ("ApprovalAll2.ymgr", None),
        ("ApprovalAllOld.ymgr", None),
        ("ApprovalAll.2026-18.old.ymgr", None),
        ("ApprovalAll.2026-18.ymgr.bak", None),
        ("ApprovalAll_2026-18.ymgr", None),
        ("ApprovalAll.copy.ymgr", None),
        ("ApprovalAll.ymgr\n", None),
        ("xApprovalAll.ymgr", None),
        ("approvalall.ymgr", None),
        ("ApprovalAll.\u0662\u0660\u0662\u0666.ymgr", None),
    ],
)
def test_a_series_is_its_name_and_a_date_and_nothing_longer(name: str, date: str | None) -> None:
    assert date_of("ApprovalAll", name) == date


@given(st.text(max_size=12), st.text(max_size=12))
@example("A.B", "AxB.ymgr")
@example("(", "(.ymgr")
def test_a_name_is_no_pattern(file: str, name: str) -> None:
    assert date_of(file, f"{file}.ymgr") == ""
    assert date_of(file, name) is None or name.startswith(file)


@given(st.binary(max_size=60), st.sampled_from([b'{"data":[{', b'{"data":[{"a":"1"},{', b'{"contents":"']))
@settings(max_examples=examples(300))
def test_garbage_is_refused_or_read_and_never_raises_anything_else(garbage: bytes, before: bytes) -> None:
    for question in (rendered("/1/A.ymgr"), lying("/1/A.ymgr")):
        try:
            question.decode(before + garbage)
        except ValueError as refused:
            assert not re.search(r"Traceback", str(refused))
