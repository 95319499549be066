"""Rows that were read before: whatever is answered, in whatever order, it is read as if none were known."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daemon.core.model import Unknown
from daemon.core.watches import sms
from daemon.yemot import answers, bounded_json, known_rows
from daemon.yemot.bounded_json import LARGE, MAX_DEPTH, MAX_VALUES, decode
from daemon.yemot.known_rows import MOST_FIELDS, MOST_ROWS, KnownRows, Rows
from tests.support.examples import examples

TEXTS = st.text(st.sampled_from('ab[]{},:"\\/ \nא😀\x00') | st.characters(categories=["Cs"]), max_size=6) | (
    st.sampled_from(
        ["},{", '"},{"', "}]", '},{"phone":"', '\\"},{\\"', "\\u05e9", "},{},{", '"rows":[{', "NaN"]
    )
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.just(10**400)
WELL = st.fixed_dictionaries(
    {
        "phone": st.sampled_from(["0501234567", "972501234567", 972501234567, ""]),
        "dest": st.sampled_from(["0770000000", 0]),
        "message": TEXTS,
        "server_date": st.sampled_from(["2026-03-01 10:00:00", "10:00:01 2026-03-01", "no date", ""]),
    }
)
ILL = st.dictionaries(
    st.sampled_from(["phone", "dest", "message", "server_date", "more", "rows"]),
    SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(TEXTS, SCALARS, max_size=2),
    max_size=5,
)
SPELLED = st.sampled_from([{"separators": (",", ":")}, {}, {"ensure_ascii": False}, {"indent": 1}])
HOSTILE = st.sampled_from(
    [
        b'{"phone":"1","phone":"1"}', b'{"message":NaN}', b'{"message":-Infinity}', b'{"message":"\\ud800"}',
        b'{"message":"\xff"}', b"{}", b"[]", b"1", b'{"a":1},', b'{"a":"x},{y"}', b'{"a":"x}, {y"}',
        b'{"a":"x',
        b'y"}', b'{"a":1}]', b'{"a":"\n"}', b"\xef\xbb\xbf{}", b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"a":' + b"9" * 5000 + b"}", b'{"a":01}', b'{"a":1,}', b'{"a":"\\"},{\\"b"}',
        b'{"a":[{"b":1},{"c":2}]}', b'{' + b",".join(b'"%d":1' % key for key in range(20)) + b"}",
    ]
)  # fmt: skip
ROWS = st.builds(
    lambda row, how: json.dumps(row, **how).encode("utf-8", "surrogatepass"), WELL | ILL, SPELLED
)
SHELLS = st.sampled_from(
    [
        (b'{"responseStatus":"OK","rows":[', b"]}"),
        (b'{"responseStatus":"OK","rows": [ ', b' ], "more": {"a": "b"}}\n'),
        (b'\xef\xbb\xbf {"rows":[', b'],"message":"{}] }]"}'),
        (b'{"rows":[', b'],"rows":[]}'),
        (b'{"rows":[{"a":1}],"rows":[', b"]}"),
        (b'{"a":NaN,"rows":[', b"]}"),
        (b'{"a":"\\"rows\\":[{","rows":[', b"]}"),
        (b'{"a":"x","b":"\\"rows\\":[', b'"}'),
        (b'{"a":{"rows":[', b']},"rows":[]}'),
        (b'[{"rows":[', b"]}]"),
        (b'{"rows":[[', b"]]}"),
        (b'{"rows":[', b'],"a":' + b"[" * 40 + b"]" * 40 + b"}"),
        (b'{"rows":[', b"}"),
        (b'{"rows":[', b",]}"),
        (b'{"rows":[', b']} {"rows":[{}]}'),
    ]
)
BETWEEN = st.sampled_from([b",", b",", b",", b", ", b" ,\n"])


@st.composite
def bodies(draw: st.DrawFn) -> list[bytes]:
    """Answers one after the other, whose rows are of one pool, so that many come again; some are broken."""
    pool = draw(st.lists(ROWS | ROWS | ROWS | HOSTILE, min_size=1, max_size=6))
    found = []
    for _ in range(draw(st.integers(1, 4))):
        before, behind = draw(st.just((b'{"responseStatus":"OK","rows":[', b"]}")) | SHELLS)
        rows = draw(st.lists(st.sampled_from(pool), max_size=7))
        body = before + draw(BETWEEN).join(rows) + behind
        at = draw(st.just(-1) | st.integers(-1, len(body) - 1))
        found.append(body if at < 0 else body[:at] + draw(st.binary(max_size=2)) + body[at + 1 :])
    return found


def everything(row: Mapping[str, object]) -> str:
    """A reading that differs where the rows do."""
    return repr(row)


def read(how: Any, body: bytes) -> object:
    """What comes of an answer, or how it is refused."""
    try:
        return how(body)
    except ValueError as error:
        return type(error), str(error)


@settings(max_examples=examples(600))
@given(bodies())
@example([b'{"rows":[{"a":"x},{y"},{"b":1}]}', b'{"rows":[{"b":1},{"a":"x},{y"}]}'])
@example([b'{"rows":[{"a":"x},{y"} ,{"b":1}]}', b'{"rows":[{"a":"x},{"b":1}]}'])
@example([b'{"rows":[{"a":1}]}', b'{"rows":[{"a":1},{"a":1}],"a":NaN}'])
@example([b'{"rows":[{"a":1}]}', b'{"rows":[{"a":1}],"rows":[{"a":1}]}'])
def test_an_answer_is_read_and_refused_as_if_no_row_were_known(answered: list[bytes]) -> None:
    known = KnownRows("rows", everything)
    for body in answered:
        truth, found = read(decode, body), read(known.decode, body)
        if isinstance(found, dict) and isinstance(rows := found.get("rows"), Rows):
            assert list(rows.readings) == [repr(row) for row in rows]
            found = {**found, "rows": list(rows)}

        assert repr(found) == repr(truth)


@st.composite
def moved(draw: st.DrawFn) -> list[bytes]:
    """Answers of a log to which rows are added above, and of which a window is shown; now and then another
    thing happens to it."""
    plain = [b'{"phone":"1","dest":"2","message":"%d","server_date":"3"}' % number for number in range(8)]
    pool = st.sampled_from(plain) | st.sampled_from(plain) | st.sampled_from(plain) | ROWS | HOSTILE
    before, behind, between = b'{"responseStatus":"OK","rows":[', b"]}", draw(BETWEEN)
    rows, limit = draw(st.lists(pool, min_size=3, max_size=9)), draw(st.integers(2, 9))
    found = []
    for _ in range(draw(st.integers(2, 5))):
        rows = [*draw(st.lists(pool, max_size=3)), *rows]
        happens = draw(st.sampled_from(["nothing"] * 6 + ["row", "byte", "between", "shell"]))
        if happens == "row":
            rows[draw(st.integers(0, len(rows) - 1))] = draw(pool)
        between = draw(BETWEEN) if happens == "between" else between
        before, behind = draw(SHELLS) if happens == "shell" else (before, behind)
        body = before + between.join(rows[:limit]) + behind
        at = draw(st.integers(0, len(body) - 1))
        found.append(body[:at] + draw(st.binary(max_size=2)) + body[at + 1 :] if happens == "byte" else body)
    return found


@settings(max_examples=examples(600))
@given(moved(), st.sampled_from([1, 2, 3]))
def test_rows_that_moved_down_are_read_as_if_none_were_known(answered: list[bytes], block: int) -> None:
    known = KnownRows("rows", everything, block=block)
    for body in answered:
        truth, found = read(decode, body), read(known.decode, body)
        if isinstance(found, dict) and isinstance(rows := found.get("rows"), Rows):
            assert list(rows.readings) == [repr(row) for row in rows]
            assert [repr(one) for one in rows] == [repr(rows[index]) for index in range(len(rows))]
            found = {**found, "rows": list(rows)}

        assert repr(found) == repr(truth)


@pytest.mark.parametrize("many", [4, 7])
@pytest.mark.parametrize("between", [b",", b", "])
@pytest.mark.parametrize("byte", [b"", b" ", b";", b'"', b"}", b",", b"5"])
def test_whichever_byte_of_rows_that_moved_down_is_another_it_is_noticed(
    byte: bytes, between: bytes, many: int
) -> None:
    rows = [b'{"a":%d,"b":"%d"}' % (number, number) for number in range(many)]
    first, second = (b'{"rows":[' + between.join(part) + b"]}" for part in (rows[1:], rows[:-1]))
    for at in range(len(second)):
        known = KnownRows("rows", everything, block=2)
        known.decode(first)
        body = second[:at] + byte + second[at + 1 :]
        found = read(known.decode, body)
        if isinstance(found, dict) and isinstance(shown := found.get("rows"), Rows):
            assert list(shown.readings) == [repr(row) for row in shown]
            found = {**found, "rows": list(shown)}

        assert repr(found) == repr(read(decode, body))


def test_rows_that_moved_down_are_not_cut() -> None:
    known, asked = answers.known_sms_log(), []
    shown = [message(number) for number in range(1000, 0, -1)]
    known.decode(body_of(*shown))
    for number in range(1001, 1300):
        shown = [message(number), *shown][:1000]
        rows = known.decode(body_of(*shown))["rows"]  # type: ignore[index]
        assert list(rows.readings) == [sms.entry(one) for one in answers.sms_log({"rows": shown}, 1000).rows]  # type: ignore[union-attr]
        asked.append(known._blocks == ())

    assert 0 < sum(asked) < 10


@settings(max_examples=examples(300))
@given(bodies(), st.integers(1, 9), st.booleans())
def test_what_is_seen_of_messages_is_the_same_whether_their_rows_are_known(
    answered: list[bytes], limit: int, is_old: bool
) -> None:
    known = answers.known_sms_log() if is_old else answers.known_incoming_sms()
    parse = answers.sms_log if is_old else answers.incoming_sms
    for one in answered:
        body = one if is_old else one.replace(b"phone", b"source").replace(b"server_date", b"receive_date")
        truth, found = read(decode, body), read(known.decode, body)
        if not isinstance(truth, dict) or not isinstance(found, dict):
            continue
        slow, quick = parse(truth, limit), parse(found, limit)
        if isinstance(slow, Unknown) or isinstance(quick, Unknown):
            assert quick == slow
            continue

        assert (tuple(quick.rows), quick.limit, quick.problems) == (slow.rows, slow.limit, slow.problems)
        assert quick.entries == tuple(map(sms.entry, slow.rows)) == slow.entries


def body_of(*rows: Mapping[str, object], **more: object) -> bytes:
    return json.dumps({"responseStatus": "OK", **more, "rows": rows}).encode()


def message(number: int, text: str = "") -> dict[str, object]:
    date = f"2026-03-01 {number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}"
    return {"phone": "0501234567", "dest": "0770000000", "message": text or f"{number}", "server_date": date}


def test_a_row_is_read_once_wherever_it_stands_from_then_on() -> None:
    asked: list[object] = []

    def reading(row: Mapping[str, object]) -> object:
        asked.append(row["message"])
        return row["message"]

    known = KnownRows("rows", reading)
    for first in range(3):
        known.decode(body_of(*(message(number) for number in range(first + 10, first, -1)), more=first))

    assert asked == [*map(str, range(10, 0, -1)), "11", "12"]


def test_rows_are_known_though_a_text_among_them_looks_like_where_two_meet() -> None:
    asked: list[object] = []

    def reading(row: Mapping[str, object]) -> object:
        asked.append(row)
        return row["message"]

    known = KnownRows("rows", reading)
    body = body_of(message(1, '}, {"phone": "1"}, {'), message(2), message(3))

    first, second = known.decode(body), known.decode(body)

    assert isinstance(second, dict)
    assert isinstance(second["rows"], Rows)
    assert (list(second["rows"]), len(asked)) == (decode(body)["rows"], 3)  # type: ignore[index]
    assert isinstance(first, dict)


def test_a_row_that_says_less_than_it_should_is_looked_at_each_time() -> None:
    known = answers.known_sms_log()
    poor = {"phone": "0501234567", "message": "hi", "server_date": "2026-03-01 10:00:00"}
    seen = None
    for _ in range(2):
        data = known.decode(body_of(message(1), poor, {"dest": "1"}))
        assert isinstance(data, dict)
        seen = answers.sms_log(data, 10)

    assert isinstance(seen, sms.Observation)
    assert seen.problems == (
        "rows[].dest: missing in 1 of 3", "rows[].message: missing in 1 of 3",
        "rows[].phone: missing in 1 of 3", "rows[].server_date: missing in 1 of 3",
    )  # fmt: skip
    assert (len(seen.rows), seen.limit, len(known)) == (2, 9, 1)


def test_what_is_remembered_is_a_few_bytes_of_each_row_and_of_no_more_rows_than_a_window_has() -> None:
    known = answers.known_sms_log()

    known.decode(body_of(*map(message, range(MOST_ROWS + 500))))

    assert len(known) == MOST_ROWS
    held = sys.getsizeof(known._hashes) + sys.getsizeof(known._readings)
    assert held <= 16 * MOST_ROWS + 200  # beside the entries, which the state of the watch has, too


@pytest.mark.parametrize(
    "body",
    [
        body_of(message(1), {str(key): key for key in range(MOST_FIELDS + 1)}),
        body_of(message(1), {"a": []}),
        b'{"rows":[' + b",".join([b'{"a":1}'] * (MAX_VALUES // 2 + 1)) + b"]}",
        b'{"rows":[{"a":1},{"a":"' + b"x" * LARGE + b'"}]}',
        b'{"rows":[{"a":1}],"more":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
        b'{"rows":[{"a":1}],"more":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"rows":[{"a":1},{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}]}",
        b'{"rows":[{"a":1},{"a":' + b"{" * 50_000,
    ],
    ids=["many fields", "nested", "many rows", "large", "deep", "deeper", "deep row", "unended"],
)  # fmt: skip
def test_what_may_be_too_much_is_left_to_who_counts_all_of_it(body: bytes) -> None:
    known = KnownRows("rows", everything)

    assert repr(read(known.decode, body)) == repr(read(decode, body))
    assert len(known) == 0


def test_two_answers_that_are_cut_alike_do_not_make_a_row_of_what_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Were pieces believed together rather than each by itself, the halves of a text would be known."""
    known = KnownRows("rows", everything)
    whole = b'{"rows":[{"a":"x},{y"} ,{"b":1}]}'
    halves = b'{"rows":[{"a":"x},{"c":"},{y"} ,{"b":1}]}'
    monkeypatch.setattr(known_rows, "FEW", 0)
    known.decode(whole)

    assert repr(read(known.decode, halves)) == repr(read(decode, halves))
    assert bounded_json.decode(whole) == {"rows": [{"a": "x},{y"}, {"b": 1}]}
